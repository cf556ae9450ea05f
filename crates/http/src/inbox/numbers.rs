//! The numbers of the inbox, as `/metrics` tells them.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::registry::Unit;
use tidings_core::metrics::encode_gauge;
use tidings_inbox::limits::PATTERNS_MAX;
use tidings_inbox::{Inbox, InboxNumbers};

/// Reads them when they are asked for.
pub(crate) struct InboxCollector(pub(crate) Inbox);

impl Collector for InboxCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let InboxNumbers {
            is_ready,
            applied,
            waiting,
            records,
            notifications,
            changes,
            patterns,
            database_bytes,
            ..
        } = self.0.numbers();
        let mut counter = |name, help, value| {
            let counter = ConstCounter::new(value);
            let encoder = encoder.encode_descriptor(name, help, None, counter.metric_type())?;
            counter.encode(encoder)
        };
        counter("inbox_records", "Records of the log that the inboxes were changed by.", records)?;
        counter("inbox_notifications", "Notifications that came into an inbox.", notifications)?;
        let help = "Notifications that were marked or taken away, and preferences that were changed.";
        counter("inbox_changes", help, changes)?;
        let mut gauge = |name, help, value| encode_gauge(&mut encoder, name, help, None, value);
        gauge(
            "inbox_ready",
            "1 if the inboxes have come to the end of the log, 0 while they are made from it",
            u64::from(is_ready),
        )?;
        gauge("inbox_applied", "Sequence of the log up to which the inboxes go", applied)?;
        gauge(
            "inbox_waiting",
            "Records that are in the log, and whose writers wait for the inboxes now",
            waiting,
        )?;
        gauge("inbox_patterns", "Different patterns that users follow now", patterns)?;
        gauge(
            "inbox_patterns_max",
            "Different patterns that users may follow together",
            PATTERNS_MAX as u64,
        )?;
        let help = "Bytes of the database of the inboxes on the disk";
        encode_gauge(&mut encoder, "inbox_database", help, Some(&Unit::Bytes), database_bytes)
    }
}

impl fmt::Debug for InboxCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InboxCollector")
    }
}
