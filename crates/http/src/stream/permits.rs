//! The bound of the streams that the connections of our own server carry, over every protocol.

use std::sync::Arc;

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::Semaphore;

/// One permit for each stream. Among a request's extensions it says that a stream needs one: in a server that is not ours,
/// whoever runs the server bounds its connections.
#[derive(Clone)]
pub(crate) struct StreamPermits(Arc<StreamPlaces>);

struct StreamPlaces {
    free: Semaphore,
    /// How many are taken, for the metrics.
    taken: Gauge,
}

/// The right to be one of the streams, given back when it is dropped. As large as a pointer, because each stream has one.
#[must_use = "a permit that is dropped is given back"]
pub(crate) struct StreamPermit(Arc<StreamPlaces>);

impl StreamPermits {
    pub(crate) fn new(streams_max: usize, taken: Gauge) -> Self {
        let free = Semaphore::new(streams_max.min(Semaphore::MAX_PERMITS));
        Self(Arc::new(StreamPlaces { free, taken }))
    }

    /// A permit, if one is left.
    pub(crate) fn take(&self) -> Option<StreamPermit> {
        self.0.free.try_acquire().ok()?.forget();
        self.0.taken.inc();
        Some(StreamPermit(self.0.clone()))
    }
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        self.0.taken.dec();
        self.0.free.add_permits(1);
    }
}
