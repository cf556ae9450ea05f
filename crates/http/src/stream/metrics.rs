//! What streams count, whatever carries them: events that were delivered, and why streams ended.
//!
//! A lane counts in numbers of its own and hands them over once in each round of its loop; a task counts each piece of bytes.

use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::{Registry, Unit};
use tidings_core::Delivery;
use tidings_core::metrics::LabelledCounters;

use super::ending::Ending;

/// The counters of all streams of a front. Cloning shares them: each task has a clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct StreamMetrics(Arc<StreamCounters>);

#[derive(Debug)]
struct StreamCounters {
    delivered_events: Counter,
    delivered_bytes: Counter,
    disconnected: LabelledCounters,
}

impl Default for StreamCounters {
    fn default() -> Self {
        Self {
            delivered_events: Counter::default(),
            delivered_bytes: Counter::default(),
            disconnected: LabelledCounters::new("reason", Ending::ALL.map(Ending::code)),
        }
    }
}

impl StreamMetrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        let help = "Events that were written to subscribers, once for each of them";
        registry.register("delivered_events", help, self.0.delivered_events.clone());
        let help = "Bytes of these events as the stream encodes them, without the framing of HTTP and TLS";
        registry.register_with_unit("delivered", help, Unit::Bytes, self.0.delivered_bytes.clone());
        let help = "Streams that ended, by the reason why";
        registry.register("disconnected", help, self.0.disconnected.clone());
    }

    /// A piece of a stream was made. Gaps are counted by the hub.
    pub(crate) fn delivered(&self, delivery: &Delivery, bytes: usize) {
        if let Delivery::Frames(frames) = delivery {
            self.add_delivered(frames.len() as u64, bytes as u64);
        }
    }

    pub(crate) fn add_delivered(&self, events: u64, bytes: u64) {
        self.0.delivered_events.inc_by(events);
        self.0.delivered_bytes.inc_by(bytes);
    }

    pub(crate) fn ended(&self, ending: Ending) {
        self.add_ended(ending, 1);
    }

    pub(crate) fn add_ended(&self, ending: Ending, count: u64) {
        self.0.disconnected.add(ending as usize, count);
    }
}

/// The end of one stream, which is counted when this is dropped: as that of a client that has gone, unless something else
/// was noted before. The first that is noted is the reason: a client that is sent away and then goes was sent away.
pub(crate) struct StreamEnd {
    /// None if the carrier of the stream counts.
    metrics: Option<StreamMetrics>,
    noted: Option<Ending>,
}

impl StreamEnd {
    /// One that is counted.
    pub(crate) fn counted(metrics: StreamMetrics) -> Self {
        Self { metrics: Some(metrics), noted: None }
    }

    /// One that only takes notes: somebody else asks for them, and counts.
    pub(crate) fn taking_notes() -> Self {
        Self { metrics: None, noted: None }
    }

    /// The stream goes on elsewhere, and its end is counted there.
    pub(crate) fn goes_on(&mut self) {
        self.metrics = None;
    }

    pub(crate) fn note(&mut self, ending: Ending) {
        self.noted.get_or_insert(ending);
    }

    pub(crate) fn noted(&self) -> Option<Ending> {
        self.noted
    }
}

impl Drop for StreamEnd {
    fn drop(&mut self) {
        if let Some(metrics) = &self.metrics {
            metrics.ended(self.noted.unwrap_or(Ending::ClientGone));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_stands_at_its_place_in_the_list_of_all() {
        for (place, ending) in Ending::ALL.into_iter().enumerate() {
            assert_eq!(ending as usize, place, "{ending}");
        }
    }
}
