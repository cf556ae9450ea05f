//! The bound of the streams that the connections of our own server carry, over every protocol.

use std::sync::Arc;

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::Semaphore;

use crate::shares::StreamShare;

/// One permit for each stream. Among a request's extensions it says that a stream needs one: in a server that is not ours,
/// whoever runs the server bounds its connections.
#[derive(Clone)]
pub(crate) struct StreamPermits(Arc<Permitted>);

/// What a permit is one of.
enum Permitted {
    /// The streams of a hub.
    Places(StreamPlaces),
    /// The streams of one user, key or address, with the permit that the stream needs beside that.
    Share { _of: Option<StreamPermit>, _share: StreamShare },
}

struct StreamPlaces {
    free: Semaphore,
    /// How many are taken, for the metrics.
    taken: Gauge,
}

/// The right to be one of the streams, given back when it is dropped. As large as a pointer, because each stream has one.
#[must_use = "a permit that is dropped is given back"]
pub(crate) struct StreamPermit(Arc<Permitted>);

impl StreamPermits {
    pub(crate) fn new(streams_max: usize, taken: Gauge) -> Self {
        let free = Semaphore::new(streams_max.min(Semaphore::MAX_PERMITS));
        Self(Arc::new(Permitted::Places(StreamPlaces { free, taken })))
    }

    /// A permit, if one is left.
    pub(crate) fn take(&self) -> Option<StreamPermit> {
        if let Permitted::Places(places) = &*self.0 {
            places.free.try_acquire().ok()?.forget();
            places.taken.inc();
        }
        Some(StreamPermit(self.0.clone()))
    }
}

impl StreamPermit {
    /// A permit that also holds a share.
    pub(crate) fn with_share(permit: Option<Self>, share: Option<StreamShare>) -> Option<Self> {
        let Some(share) = share else { return permit };
        Some(Self(Arc::new(Permitted::Share { _of: permit, _share: share })))
    }
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        match &*self.0 {
            Permitted::Places(places) => {
                places.taken.dec();
                places.free.add_permits(1);
            }
            // It is the only one, so both go with it.
            Permitted::Share { .. } => {}
        }
    }
}
