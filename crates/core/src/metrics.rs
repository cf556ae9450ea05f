//! What the hub counts, and how it is told to a registry of Prometheus.
//!
//! Everything here is counted where it happens, by the code that knows it: a publish by [`Hub::publish_all`], a gap by what
//! declares it to a reader. What a number says of this moment is not kept: it is asked for when the registry is read.
//! Labels are from closed sets, never from what clients send, so the number of time series is fixed.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use crate::hub::Hub;
use crate::read::{Delivery, Lost};
use crate::store::Placement;

/// What the names of all metrics begin with.
pub const PREFIX: &str = "tidings";

/// The counters of a hub. Cloning shares them.
#[derive(Debug, Clone)]
pub struct HubMetrics {
    published_events: Counter,
    published_bytes: Counter,
    repeated_events: Counter,
    lagged: LabelledCounters,
    gaps: LabelledCounters,
}

/// Where a reader found the page that the rings did not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PageSource {
    Window,
    Store,
}

impl Default for HubMetrics {
    fn default() -> Self {
        Self {
            published_events: Counter::default(),
            published_bytes: Counter::default(),
            repeated_events: Counter::default(),
            lagged: LabelledCounters::new("page", ["window", "store"]),
            gaps: LabelledCounters::new("reason", Lost::ALL.map(Lost::as_str)),
        }
    }
}

impl HubMetrics {
    /// Bytes of all events that were published.
    pub fn published_bytes(&self) -> u64 {
        self.published_bytes.get()
    }

    /// Counts what a publisher is about to be answered. `bytes` are those of each draft.
    pub(crate) fn placed(&self, placements: &[Placement], bytes: impl Iterator<Item = usize>) {
        let (mut published, mut published_bytes, mut repeated) = (0, 0, 0);
        for (placement, bytes) in placements.iter().zip(bytes) {
            match placement {
                Placement::New(_) => {
                    published += 1;
                    published_bytes += bytes as u64;
                }
                Placement::Repeated(_) => repeated += 1,
                Placement::KeyReused(_) | Placement::BatchAt(_) => {}
            }
        }
        self.published_events.inc_by(published);
        self.published_bytes.inc_by(published_bytes);
        self.repeated_events.inc_by(repeated);
    }

    /// Counts a page that a reader took because the rings did not hold what came next.
    pub(crate) fn lagged(&self, source: PageSource) {
        self.lagged.add(source as usize, 1);
    }

    /// Counts gaps of one reason that were declared to readers. Whatever drives a [`Follower`](crate::Follower) by
    /// itself calls this for each reader that it tells; the hub does so for its subscriptions and for what it locates.
    pub fn gaps(&self, lost: Lost, count: u64) {
        self.gaps.add(lost as usize, count);
    }

    /// Counts the gap, if it is one.
    pub(crate) fn handed_out(&self, delivery: &Delivery) {
        if let Delivery::Gap(gap) = delivery {
            self.gaps(gap.lost, 1);
        }
    }

    fn register(&self, registry: &mut Registry) {
        let help = "Events that were stored and whose publishers were told so";
        registry.register("published_events", help, self.published_events.clone());
        let help = "Bytes of these events: topics, data and fields";
        registry.register_with_unit("published", help, Unit::Bytes, self.published_bytes.clone());
        let help = "Events that were stored before, by their idempotency keys";
        registry.register("repeated_events", help, self.repeated_events.clone());
        let help = "Pages that readers took, from the window or the store, because they were behind the rings; \
                    members of a lane that are behind together take one";
        registry.register("lagged", help, self.lagged.clone());
        let help = "Gaps that were declared to readers, by the reason that they were told";
        registry.register("gaps", help, self.gaps.clone());
    }
}

impl Hub {
    /// Makes the hub's metrics part of a registry: its counters, and gauges that are read when the registry is. Their names
    /// begin with [`PREFIX`]. The registry keeps the hub in memory.
    pub fn register_metrics(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix(PREFIX);
        self.metrics().register(registry);
        registry.register_collector(Box::new(HubGauges(self.clone())));
    }
}

/// What is true of a hub at this moment.
struct HubGauges(Hub);

impl fmt::Debug for HubGauges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HubGauges")
    }
}

impl Collector for HubGauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Self(hub) = self;
        let (limits, bounds) = (hub.limits(), hub.bounds());
        let lag = bounds.head.sequence.0.saturating_sub(hub.shown().0);
        let mut gauge = |name, help, value| encode_gauge(&mut encoder, name, help, None, value);
        gauge("subscriptions", "Subscriptions now", hub.roster().count() as u64)?;
        gauge("selectors", "Selectors of all subscriptions now", hub.roster().selectors() as u64)?;
        gauge("selectors_max", "Selectors that all subscriptions may have", limits.selectors_max as u64)?;
        gauge("log_head", "Sequence of the last event", bounds.head.sequence.0)?;
        gauge("log_earliest", "Sequence of the first event still held", bounds.earliest().0)?;
        gauge("feed_lag", "Events that are stored and not yet shown", lag)?;
        let mut bytes =
            |name, help, value| encode_gauge(&mut encoder, name, help, Some(&Unit::Bytes), value as u64);
        bytes("in_flight", "Bytes of drafts that wait for the store now", hub.bytes_in_flight())?;
        bytes("in_flight_max", "Bytes of drafts that may wait for the store", limits.in_flight_bytes_max)?;
        bytes("window", "Bytes of events in memory for subscribers now", hub.window().bytes())?;
        bytes(
            "window_max",
            "Bytes of events that are kept in memory for subscribers",
            limits.window_bytes_max,
        )
    }
}

/// Encodes a gauge that a [`Collector`] has read.
///
/// # Errors
///
/// Those of the encoder.
pub fn encode_gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    value: u64,
) -> fmt::Result {
    let gauge = ConstGauge::new(value);
    // A registry ends the help of what is registered with a full stop.
    let encoder = encoder.encode_descriptor(name, &format!("{help}."), unit, gauge.metric_type())?;
    gauge.encode(encoder)
}

/// A counter for each value of one label. The values are a closed set, and all of them are told from the beginning, at
/// zero: a rate over a series that only appears with its first event would miss that event.
#[derive(Debug, Clone)]
pub struct LabelledCounters {
    label: &'static str,
    counters: Vec<(&'static str, Counter)>,
}

impl LabelledCounters {
    /// Counters for the values of a label.
    pub fn new(label: &'static str, values: impl IntoIterator<Item = &'static str>) -> Self {
        Self { label, counters: values.into_iter().map(|value| (value, Counter::default())).collect() }
    }

    /// Adds to the counter of a value, which is named by its place among the values.
    pub fn add(&self, value: usize, count: u64) {
        self.counters[value].1.inc_by(count);
    }
}

impl EncodeMetric for LabelledCounters {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        self.counters
            .iter()
            .try_for_each(|(value, counter)| counter.encode(encoder.encode_family(&[(self.label, *value)])?))
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Counter
    }
}
