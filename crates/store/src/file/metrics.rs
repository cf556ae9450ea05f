//! What a file store measures: how long appends, syncs and reads take, what one write holds, and what is held of the log.
//!
//! The writer's thread counts groups and syncs, the callers' tasks their own appends and reads.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::condition::{Condition, Observer};
use super::log::Log;
use super::space::Space;
use tidings_core::UnixMillis;

use crate::limits::{GROUP_BYTES_BUCKETS, GROUP_EVENTS_BUCKETS, STORE_SECONDS_BUCKETS};

/// The measures of a store. Cloning shares them.
#[derive(Debug, Clone)]
pub struct StoreMetrics {
    append: Histogram,
    sync: Histogram,
    read: Histogram,
    group_events: Histogram,
    group_bytes: Histogram,
    held: Gauge,
    scrubbed: Counter,
    scrub_passes: Counter,
    scrub_last_pass: Gauge,
    scrub_damage: Counter,
    observer: Observer,
}

impl StoreMetrics {
    pub(crate) fn of(log: &Arc<Log>, space: &Space) -> Self {
        Self {
            observer: Observer { log: log.clone(), is_full: space.is_full() },
            append: Histogram::new(STORE_SECONDS_BUCKETS),
            sync: Histogram::new(STORE_SECONDS_BUCKETS),
            read: Histogram::new(STORE_SECONDS_BUCKETS),
            group_events: Histogram::new(GROUP_EVENTS_BUCKETS),
            group_bytes: Histogram::new(GROUP_BYTES_BUCKETS),
            held: Gauge::default(),
            scrubbed: Counter::default(),
            scrub_passes: Counter::default(),
            scrub_last_pass: Gauge::default(),
            scrub_damage: Counter::default(),
        }
    }

    /// Makes them part of a registry. Their names begin with `tidings_store`.
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("tidings_store");
        let help = "Time of an append, from the queue to its answer";
        registry.register_with_unit("append", help, Unit::Seconds, self.append.clone());
        let help = "Time of a sync to the disk, which all appends of a group share";
        registry.register_with_unit("sync", help, Unit::Seconds, self.sync.clone());
        let help = "Time of a read, with the wait for its turn";
        registry.register_with_unit("read", help, Unit::Seconds, self.read.clone());
        let help = "Events of a group, which is one write";
        registry.register("group_events", help, self.group_events.clone());
        let help = "Bytes of a group, which is one write";
        registry.register_with_unit("group", help, Unit::Bytes, self.group_bytes.clone());
        let help = "Bytes of the log that retention would have removed and that are held";
        registry.register_with_unit("held", help, Unit::Bytes, self.held.clone());
        let help = "Bytes of old segments and indexes that scrubbing has read";
        registry.register_with_unit("scrubbed", help, Unit::Bytes, self.scrubbed.clone());
        let help = "Passes of scrubbing over all segments that have ended";
        registry.register("scrub_passes", help, self.scrub_passes.clone());
        let help = "When scrubbing last came to the end of a pass, since 1970; 0 if it has not yet";
        registry.register_with_unit("scrub_last_pass", help, Unit::Seconds, self.scrub_last_pass.clone());
        let help = "Segments in which scrubbing has found damage";
        registry.register("scrub_damage", help, self.scrub_damage.clone());
        registry.register_collector(Box::new(self.observer.clone()));
    }

    /// What is wrong with the store now.
    pub fn condition(&self) -> Condition {
        self.observer.look()
    }

    pub(crate) fn appended(&self, time: Duration) {
        self.append.observe(time.as_secs_f64());
    }

    pub(crate) fn synced(&self, time: Duration) {
        self.sync.observe(time.as_secs_f64());
    }

    pub(crate) fn read(&self, time: Duration) {
        self.read.observe(time.as_secs_f64());
    }

    pub(crate) fn holds(&self, bytes: u64) {
        self.held.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    pub(crate) fn scrubbed(&self, bytes: u64) {
        self.scrubbed.inc_by(bytes);
    }

    /// A pass over all segments has ended.
    pub(crate) fn scrubbed_all(&self, now: UnixMillis) {
        self.scrub_passes.inc();
        self.scrub_last_pass.set(i64::try_from(now.0 / 1_000).unwrap_or(i64::MAX));
    }

    pub(crate) fn scrub_found_damage(&self) {
        self.scrub_damage.inc();
    }

    /// A group was written. One that only repeats what was stored before writes nothing, and is none.
    pub(crate) fn wrote(&self, events: usize, bytes: usize) {
        if bytes > 0 {
            self.group_events.observe(events as f64);
            self.group_bytes.observe(bytes as f64);
        }
    }
}
