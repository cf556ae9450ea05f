//! How long something took, many times over.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::limits::{LATENCY_NS_MAX, LATENCY_NS_MIN};

/// Times, to three digits.
pub(super) struct Latencies(Histogram<u64>);

impl Latencies {
    pub(super) fn new() -> Self {
        let times = Histogram::new_with_bounds(LATENCY_NS_MIN, LATENCY_NS_MAX, 3);
        Self(times.expect("the bounds are in order"))
    }

    pub(super) fn record(&mut self, took: Duration) {
        self.0.saturating_record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(super) fn reset(&mut self) {
        self.0.reset();
    }

    pub(super) fn count(&self) -> u64 {
        self.0.len()
    }

    /// p50, p99, p99.9, max, in microseconds.
    pub(super) fn quantiles_us(&self) -> [f64; 4] {
        [0.5, 0.99, 0.999, 1.0].map(|quantile| self.0.value_at_quantile(quantile) as f64 / 1e3)
    }
}
