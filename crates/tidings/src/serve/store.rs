//! Opens the store that the configuration asks for.

use std::path::Path;
use std::sync::Arc;

use tidings_core::memory::MemoryRetention;
use tidings_core::{Clock, MemoryStore, RetentionHold, Store};
use tidings_http::{SystemClock, random_epoch};
use tidings_store::{Durability, FileStore, FileStoreConfig, FreeMin, OpenError, Retention, StoreMetrics};

use super::kept;
use crate::config::Config;
use crate::terminal::failure::{Exit, Failure};
use crate::terminal::shell;

/// An open store.
pub(super) struct OpenStore {
    pub(super) store: Arc<dyn Store>,
    /// What it measures, if it has a disk.
    pub(super) metrics: Option<StoreMetrics>,
    /// What keeps events that the inbox needs, if there is an inbox.
    pub(super) hold: Option<Arc<RetentionHold>>,
}

/// Opens the store.
pub(super) fn open(config: &Config, old_segment_files: usize) -> Result<OpenStore, Failure> {
    let clock = Arc::new(SystemClock);
    let hold = config.inbox.then(Arc::<RetentionHold>::default);
    if config.memory {
        in_memory(config, clock, hold)
    } else {
        in_files(config, old_segment_files, clock, hold)
    }
}

fn in_memory(
    config: &Config,
    clock: Arc<dyn Clock>,
    hold: Option<Arc<RetentionHold>>,
) -> Result<OpenStore, Failure> {
    let epoch = random_epoch()
        .map_err(|error| Failure::new(Exit::Failed, format!("the system gives no randomness: {error}")))?;
    let default = MemoryRetention::default();
    let retention = MemoryRetention {
        events_max: config.retention_count.unwrap_or(default.events_max),
        bytes_max: config.retention_bytes.map_or(default.bytes_max, |size| size.bytes()),
    };
    let store = MemoryStore::new(epoch, clock, retention);
    let store = match &hold {
        Some(hold) => store.with_hold(hold.clone()),
        None => store,
    };
    Ok(OpenStore { store: Arc::new(store), metrics: None, hold })
}

fn in_files(
    config: &Config,
    open_files_max: usize,
    clock: Arc<dyn Clock>,
    hold: Option<Arc<RetentionHold>>,
) -> Result<OpenStore, Failure> {
    let settings = file_config(config, open_files_max, hold.clone());
    let store = FileStore::open(settings, clock).map_err(|error| refused(&error, &config.data))?;
    kept::tell(config, store.free_space());
    let metrics = Some(store.metrics().clone());
    Ok(OpenStore { store: Arc::new(store), metrics, hold })
}

/// Tells what an operator must mend from what may pass: a service manager tries the second again.
fn refused(error: &OpenError, dir: &Path) -> Failure {
    let exit = match error {
        OpenError::InUse { .. } => Exit::InUse,
        error if error.is_passing() => Exit::System,
        _ => Exit::Data,
    };
    let hint = match error {
        OpenError::Corrupt { .. } => damaged_hint(dir),
        error => error.hint().to_owned(),
    };
    Failure::new(exit, error.to_string()).hint(hint)
}

/// What to do about a log that cannot be read.
pub(super) fn damaged_hint(dir: &Path) -> String {
    let dir = shell::word(dir).unwrap_or_else(|| "DIR".to_owned());
    format!(
        "nothing was changed; `tidings store verify {dir}` tells what is damaged, `tidings store repair {dir}` what can be done about it, and a \
         backup can be put in the place of the directory"
    )
}

fn file_config(config: &Config, open_files_max: usize, hold: Option<Arc<RetentionHold>>) -> FileStoreConfig {
    FileStoreConfig {
        dir: config.data.clone(),
        durability: match config.durability {
            crate::config::Durability::Fsync => Durability::Fsync,
            crate::config::Durability::Interval => Durability::Interval(config.durability_interval),
            crate::config::Durability::None => Durability::None,
        },
        segment_bytes: config.segment_bytes.0,
        retention: Retention {
            age: config.retention_age,
            bytes: config.retention_bytes.map(|size| size.0),
            count: config.retention_count.and_then(|count| u64::try_from(count).ok()),
        },
        hold,
        scrub_bytes_per_second: config.scrub_bytes_per_second.map_or(0, |size| size.0),
        strict_recovery: config.strict_recovery,
        open_files_max,
        disk_free_min: match config.disk_free_min {
            crate::config::FreeMin::Size(size) => FreeMin::Bytes(size.0),
            crate::config::FreeMin::Percent(percent) => FreeMin::Percent(percent),
        },
    }
}
