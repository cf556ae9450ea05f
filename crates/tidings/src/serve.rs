//! `tidings serve`: puts the parts together, runs until it is asked to end, and ends with a verdict.
//!
//! The only place that names both the store and the HTTP front.

mod front;
mod listen;
mod store;

use std::sync::Arc;
use std::time::Duration;

use tidings_core::{Hub, Limits, StoreError};
use tokio::time::{Instant, timeout_at};

use crate::config::{Config, Secret};
use crate::failure::{Exit, Failure};
use crate::notify::ServiceManager;
use crate::signals::Signals;
use crate::watched::Watched;
use crate::{machine, welcome};
use front::Serving;

/// The part of `drain_deadline` that is kept back for closing the store.
const CLOSING: Duration = Duration::from_secs(1);

/// Runs the hub. Returns when it has ended: well, if in good order.
pub(crate) async fn serve(
    config: &Config,
    key: Option<Secret>,
    manager: &ServiceManager,
) -> Result<(), Failure> {
    let mut signals = Signals::new()
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot take signals over: {error}")))?;
    let open_files = machine::raise_open_files();
    tracing::debug!(open_files, "raised the limit of open files");

    let (store, mut fatal) = Watched::new(store::open(config)?);
    let hub = Hub::start(Arc::new(store), limits(config)).await.map_err(|error| unreadable(&error))?;
    let listener = listen::listen(config.listen)?;
    let address = listener.local_addr().unwrap_or(config.listen);
    let mut serving = Serving::start(listener, &hub, front::http_config(config, key, CLOSING));
    welcome::say(config, address);
    manager.ready(&address.to_string());

    let cause = tokio::select! {
        asked = signals.next() => Ok(tracing::info!(signal = asked.name(), "draining")),
        error = fatal.error() => Err(stopped(&error)),
        failure = serving.failure() => return Err(failure),
    };
    manager.stopping();
    tokio::select! {
        ended = end(serving, &hub, config) => cause.and(ended),
        asked = signals.next() => {
            tracing::warn!(signal = asked.name(), "ending at once");
            std::process::exit(asked.code());
        }
    }
}

/// Sends everyone away and closes the store, within the deadline.
async fn end(serving: Serving, hub: &Hub, config: &Config) -> Result<(), Failure> {
    let begun = Instant::now();
    let cut = serving.drain().await?;
    let closed = timeout_at(begun + config.drain_deadline, hub.close()).await;
    let milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(milliseconds, connections_cut = cut, "ended");
    match closed {
        Ok(Ok(())) if cut == 0 => Ok(()),
        Ok(Ok(())) => Err(late(&format!("{cut} connections were cut"))),
        Ok(Err(error)) => Err(stopped(&error)),
        Err(_) => Err(late("the store was not closed")),
    }
}

fn late(what: &str) -> Failure {
    Failure::new(Exit::Deadline, format!("drain_deadline passed: {what}"))
        .hint("what was acknowledged is kept, as far as durability promises")
}

fn unreadable(error: &StoreError) -> Failure {
    Failure::new(Exit::Data, error.to_string())
}

fn stopped(error: &StoreError) -> Failure {
    Failure::new(Exit::Failed, error.to_string())
        .hint("look at the disk, then start the hub again: what was acknowledged is kept")
}

fn limits(config: &Config) -> Limits {
    let mut limits = Limits::default();
    limits.event_bytes_max = config.event_bytes_max.bytes();
    limits.window_bytes_max = config.window_bytes.bytes();
    limits.in_flight_bytes_max = config.in_flight_bytes_max.bytes();
    limits
}
