//! Opens the store that the configuration asks for.

use std::sync::Arc;

use tidings_core::memory::MemoryRetention;
use tidings_core::{Clock, MemoryStore, Store};

use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::machine::{WallClock, random_epoch};

/// Opens the store.
pub(super) fn open(config: &Config) -> Result<Arc<dyn Store>, Failure> {
    let clock = Arc::new(WallClock);
    if config.memory { in_memory(config, clock) } else { in_files(config, clock) }
}

fn in_memory(config: &Config, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>, Failure> {
    let epoch = random_epoch()
        .map_err(|error| Failure::new(Exit::Failed, format!("the system gives no randomness: {error}")))?;
    let default = MemoryRetention::default();
    let retention = MemoryRetention {
        events_max: config.retention_count.unwrap_or(default.events_max),
        bytes_max: config.retention_bytes.map_or(default.bytes_max, |size| size.bytes()),
    };
    Ok(Arc::new(MemoryStore::new(epoch, clock, retention)))
}

fn in_files(config: &Config, _clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>, Failure> {
    Err(Failure::new(Exit::Data, format!("cannot open {}", config.data.display())))
}
