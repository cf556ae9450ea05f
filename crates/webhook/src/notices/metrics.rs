//! What is counted of notices.

use tidings_http::core::metrics::PREFIX;
use tidings_http::prometheus_client::metrics::counter::Counter;
use tidings_http::prometheus_client::registry::Registry;

/// The counters of the notices.
#[derive(Debug, Default)]
pub(super) struct NoticeMetrics {
    pub(super) sent: Counter,
    pub(super) failed: Counter,
    pub(super) dropped: Counter,
}

impl NoticeMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix(PREFIX);
        let sent = "Notices of connections that the webhook has taken";
        registry.register("notices_sent", sent, self.sent.clone());
        let failed = "Batches of notices that the webhook has not taken, each time they were sent";
        registry.register("notices_failed", failed, self.failed.clone());
        let dropped = "Notices of connections that were never sent, for want of room or time";
        registry.register("notices_dropped", dropped, self.dropped.clone());
    }
}
