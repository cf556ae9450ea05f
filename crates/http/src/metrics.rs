//! What a front counts, and the registry that `/metrics` is made from.
//!
//! The registry has the hub's metrics and the front's, and whatever a program adds to it.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use prometheus_client::encoding::{prometheus_text, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tidings_core::Hub;
use tidings_core::metrics::{LabelledCounters, PREFIX};
use tokio::time::Instant;

use crate::access_log::AccessLog;
use crate::answer::problem_type::{PROBLEM_TYPES, ProblemType};
use crate::budgets::FrontBudgets;
use crate::config::HttpConfig;
use crate::limits::METRICS_TEXT_AGE_MAX;
use crate::shares::LIMITS;
use crate::stream::metrics::StreamMetrics;

/// The metrics of a front.
pub(crate) struct FrontMetrics {
    refused: LabelledCounters,
    limited: LabelledCounters,
    streams: StreamMetrics,
    connections: Gauge,
    connections_max: Gauge,
    streams_now: Gauge,
    streams_max: Gauge,
    access_log_dropped: Option<Counter>,
    registry: Mutex<Registry>,
    /// What was last encoded, of each format.
    texts: Mutex<[Option<MetricsText>; 2]>,
}

struct MetricsText {
    text: Bytes,
    made_at: Instant,
}

/// A format of what `/metrics` answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MetricsFormat {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// The text format 0.0.4 of Prometheus, which everything reads.
    Prometheus,
}

impl FrontMetrics {
    pub(crate) fn new(hub: &Hub, config: &HttpConfig, budgets: &FrontBudgets) -> Self {
        let metrics = Self {
            refused: LabelledCounters::new("reason", PROBLEM_TYPES.iter().map(|(_, name, _)| *name)),
            limited: LabelledCounters::new("limit", LIMITS),
            streams: StreamMetrics::default(),
            connections: Gauge::default(),
            connections_max: Gauge::default(),
            streams_now: Gauge::default(),
            streams_max: Gauge::default(),
            access_log_dropped: config.access_log.as_ref().map(AccessLog::counter),
            registry: Mutex::default(),
            texts: Mutex::default(),
        };
        let gauge = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        metrics.connections_max.set(gauge(config.places_max()));
        metrics.streams_max.set(gauge(config.connections_max));
        metrics.register(hub, budgets, &mut metrics.registry());
        metrics
    }

    /// Makes the metrics of the hub and of the front part of a registry.
    pub(crate) fn register(&self, hub: &Hub, budgets: &FrontBudgets, registry: &mut Registry) {
        hub.register_metrics(registry);
        let registry = registry.sub_registry_with_prefix(PREFIX);
        self.streams.register(registry);
        let help = "Requests, streams and connections that were refused, by the type of the problem";
        registry.register("refused", help, self.refused.clone());
        let help =
            "Publishes and streams that were refused because their user, key or address is over a limit";
        registry.register("limited", help, self.limited.clone());
        registry.register(
            "connections",
            "Connections now, with those that have not asked for anything yet",
            self.connections.clone(),
        );
        registry.register(
            "connections_max",
            "Connections that there may be, without those",
            self.connections_max.clone(),
        );
        registry.register("streams", "Streams of all connections now", self.streams_now.clone());
        registry.register("streams_max", "Streams that there may be", self.streams_max.clone());
        let help =
            "Lines of the access log that were left out, because they came faster than they could be written";
        registry.register("access_log_dropped", help, self.access_log_dropped.clone().unwrap_or_default());
        budgets.deflater.register(registry);
        registry.register_collector(Box::new(budgets.clone()));
    }

    /// The text of the registry. While an answer that has it is under way, requests of about the same time share it, so that
    /// answers which nobody reads hold it once.
    ///
    /// # Errors
    ///
    /// Those of a collector that the program has added.
    pub(crate) fn text(&self, format: MetricsFormat) -> Result<Bytes, fmt::Error> {
        // Locked while it is encoded, or a flood would encode it many times at once.
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        let last = &mut texts[format as usize];
        // If no answer has it any more, another one costs nothing to keep, and tells what is true now.
        let is_shared = |last: &&MetricsText| !last.text.is_unique();
        let is_young = |last: &&MetricsText| last.made_at.elapsed() < METRICS_TEXT_AGE_MAX;
        if let Some(last) = last.as_ref().filter(is_shared).filter(is_young) {
            return Ok(last.text.clone());
        }
        let text = self.encode(format)?;
        *last = Some(MetricsText { text: text.clone(), made_at: Instant::now() });
        Ok(text)
    }

    fn encode(&self, format: MetricsFormat) -> Result<Bytes, fmt::Error> {
        let mut text = String::new();
        match format {
            MetricsFormat::OpenMetrics => text::encode(&mut text, &self.registry())?,
            MetricsFormat::Prometheus => prometheus_text::encode(&mut text, &self.registry())?,
        }
        Ok(text.into())
    }

    pub(crate) fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a refusal.
    pub(crate) fn refused(&self, problem_type: ProblemType) {
        self.refused.add(problem_type as usize, 1);
    }

    /// What is over a limit of a share, by the limit.
    pub(crate) fn limited(&self) -> LabelledCounters {
        self.limited.clone()
    }

    pub(crate) fn streams(&self) -> &StreamMetrics {
        &self.streams
    }

    /// How many streams there are, over every protocol of our own server.
    pub(crate) fn streams_now(&self) -> Gauge {
        self.streams_now.clone()
    }

    pub(crate) fn connections(&self) -> Gauge {
        self.connections.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tidings_core::contract::ManualClock;
    use tidings_core::memory::MemoryRetention;
    use tidings_core::{Epoch, Limits, MemoryStore};
    use tokio::time::advance;

    use super::*;

    async fn metrics() -> FrontMetrics {
        let store = MemoryStore::new(Epoch(1), ManualClock::at(0), MemoryRetention::default());
        let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
        let config = HttpConfig::default();
        FrontMetrics::new(&hub, &config, &FrontBudgets::new(&hub, &config))
    }

    /// Whether it tells of a refusal.
    fn told(text: &Bytes) -> bool {
        String::from_utf8_lossy(text).contains("refused_total{reason=\"busy\"} 1\n")
    }

    /// Each had a text of its own, so a thousand unread answers on one connection held 11 MB.
    #[tokio::test(start_paused = true)]
    async fn requests_of_the_same_moment_share_one_text_of_their_format() {
        let metrics = metrics().await;
        let open = || metrics.text(MetricsFormat::OpenMetrics).unwrap();

        let first = open();
        let other = metrics.text(MetricsFormat::Prometheus).unwrap();
        metrics.refused(ProblemType::Busy);
        advance(METRICS_TEXT_AGE_MAX.mul_f64(0.99)).await;
        let again = open();
        advance(METRICS_TEXT_AGE_MAX.mul_f64(0.01)).await;
        let later = open();

        assert_eq!(first.as_ptr(), again.as_ptr());
        assert_ne!(first, other);
        assert_eq!([told(&first), told(&later)], [false, true]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_after_another_was_answered_is_told_what_is_true_now() {
        let metrics = metrics().await;

        drop(metrics.text(MetricsFormat::OpenMetrics).unwrap());
        metrics.refused(ProblemType::Busy);
        let now = metrics.text(MetricsFormat::OpenMetrics).unwrap();

        assert!(told(&now));
    }
}
