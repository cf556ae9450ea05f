//! Where the bodies of one connection of HTTP/2 wait for room.
//!
//! A body that waits is not read. What its client sends meanwhile fills the window of its stream, and as much of the
//! connection's, which all streams share. If many waited at once, that window would be full, and no other body on the
//! connection could come, not even a small one for which there is room.
//!
//! What they have sent is in memory and in no budget, so there are only so many places over all connections, too.
//!
//! A connection's window as large as those of all streams would be 64 MB that each connection can make the hub keep.
//! Smaller windows for all streams would slow large bodies down, and h2 has no window of its own for one stream.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use crate::limits::{HTTP2_ALL_WAITING_BODIES_MAX, HTTP2_WAITING_BODIES_MAX};

/// The places of all connections. Cloning shares them.
#[derive(Clone)]
pub(crate) struct AllWaitingPlaces(Arc<Semaphore>);

impl AllWaitingPlaces {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(HTTP2_ALL_WAITING_BODIES_MAX)))
    }
}

/// The places of one connection, among the extensions of its requests. Cloning shares them.
#[derive(Clone)]
pub(crate) struct WaitingPlaces {
    own: Arc<Semaphore>,
    all: AllWaitingPlaces,
}

/// A place, given back when it is dropped.
pub(crate) struct WaitingPlace {
    _own: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl WaitingPlaces {
    pub(crate) fn new(all: AllWaitingPlaces) -> Self {
        Self { own: Arc::new(Semaphore::new(HTTP2_WAITING_BODIES_MAX)), all }
    }

    /// A place. A connection that has one request at a time has no places and needs none.
    ///
    /// # Errors
    ///
    /// When all places are taken.
    pub(crate) fn of(places: &Option<Self>) -> Result<Option<WaitingPlace>, TryAcquireError> {
        let Some(Self { own, all }) = places else { return Ok(None) };
        let place = WaitingPlace {
            _own: own.clone().try_acquire_owned()?,
            _of_all: all.0.clone().try_acquire_owned()?,
        };
        Ok(Some(place))
    }
}
