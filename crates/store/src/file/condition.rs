//! What is wrong with a store that goes on serving.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use tidings_core::Sequence;
use tidings_core::metrics::encode_gauge;

use super::holes;
use super::log::Log;

/// What is wrong with a store now, while it serves what it can.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Condition {
    /// The disk is full, or has less free than is to be: appends are refused, and reads are answered.
    pub is_full: bool,
    /// The events from the earliest one held to the head that cannot be read, as far as that is known: oldest first, as ranges.
    pub damage: Vec<RangeInclusive<Sequence>>,
}

impl Condition {
    /// Events that cannot be read.
    pub fn unreadable(&self) -> u64 {
        self.damage.iter().map(|range| range.end().0 - range.start().0 + 1).sum()
    }
}

/// Looks at a store.
#[derive(Clone)]
pub(crate) struct Observer {
    pub(crate) log: Arc<Log>,
    pub(crate) is_full: Arc<AtomicBool>,
}

impl Observer {
    pub(crate) fn look(&self) -> Condition {
        Condition { is_full: self.is_full.load(Ordering::Relaxed), damage: holes::of_log(&self.log.view()) }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.look().fmt(formatter)
    }
}

impl Collector for Observer {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let condition = self.look();
        let gauges = [
            ("full", "1 while the disk is full and no event is taken, else 0", u64::from(condition.is_full)),
            ("unreadable_events", "Events of the log that cannot be read", condition.unreadable()),
            ("unreadable_ranges", "Ranges of events that cannot be read", condition.damage.len() as u64),
        ];
        for (name, help, value) in gauges {
            encode_gauge(&mut encoder, name, help, None, value)?;
        }
        Ok(())
    }
}
