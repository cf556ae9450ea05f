//! The bound of the streams that connections with many requests carry.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

/// One permit for each stream, over all connections of HTTP/2. Among a request's extensions it says that a stream needs
/// a permit of its own: the request's connection has many streams, and counts once among the connections.
#[derive(Clone)]
pub(crate) struct StreamPermits(Arc<Semaphore>);

impl StreamPermits {
    pub(crate) fn new(streams_max: usize) -> Self {
        Self(Arc::new(Semaphore::new(streams_max)))
    }

    /// A permit, given back when it is dropped.
    ///
    /// # Errors
    ///
    /// When all permits are taken.
    pub(crate) fn take(&self) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        self.0.clone().try_acquire_owned()
    }
}
