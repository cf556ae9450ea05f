//! What a front counts, and the registry that `/metrics` is made from.
//!
//! The registry has the hub's metrics and the front's, and whatever a program adds to it.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use prometheus_client::encoding::{prometheus_text, text};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tidings_core::Hub;
use tidings_core::metrics::{LabelledCounters, PREFIX};

use crate::answer::problem_type::{PROBLEM_TYPES, ProblemType};
use crate::budgets::FrontBudgets;
use crate::config::HttpConfig;
use crate::stream::metrics::StreamMetrics;

/// The metrics of a front.
pub(crate) struct FrontMetrics {
    refused: LabelledCounters,
    streams: StreamMetrics,
    connections: Gauge,
    connections_max: Gauge,
    registry: Mutex<Registry>,
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
            streams: StreamMetrics::default(),
            connections: Gauge::default(),
            connections_max: Gauge::default(),
            registry: Mutex::default(),
        };
        metrics.connections_max.set(i64::try_from(config.connections_max).unwrap_or(i64::MAX));
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
        registry.register("connections", "Connections now", self.connections.clone());
        registry.register("connections_max", "Connections that there may be", self.connections_max.clone());
        registry.register_collector(Box::new(budgets.clone()));
    }

    /// Encodes the registry.
    ///
    /// # Errors
    ///
    /// Those of a collector that the program has added.
    pub(crate) fn encode(&self, format: MetricsFormat) -> Result<String, fmt::Error> {
        let mut text = String::new();
        match format {
            MetricsFormat::OpenMetrics => text::encode(&mut text, &self.registry())?,
            MetricsFormat::Prometheus => prometheus_text::encode(&mut text, &self.registry())?,
        }
        Ok(text)
    }

    pub(crate) fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a refusal.
    pub(crate) fn refused(&self, problem_type: ProblemType) {
        self.refused.add(problem_type as usize, 1);
    }

    /// Counts a stream that was sent away at once, because the hub is ending or because there are too many.
    pub(crate) fn sent_away(&self, is_ending: bool) {
        self.refused(if is_ending { ProblemType::Ending } else { ProblemType::TooManyConnections });
    }

    pub(crate) fn streams(&self) -> &StreamMetrics {
        &self.streams
    }

    pub(crate) fn connections(&self) -> Gauge {
        self.connections.clone()
    }
}
