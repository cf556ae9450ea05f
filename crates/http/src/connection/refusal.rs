//! The one answer that a connection gets for which there is no place.
//!
//! It has a place in the lobby, and its request is read and routed like any other. Probes and metrics are answered. A
//! subscriber is told when to come back, as all are for whom there is no stream left: a browser's `EventSource` gives up for
//! good on any status but 200. Everything else waits for a place, and is answered 503 if it finds none. Then the connection
//! closes.

use std::sync::Arc;

use crate::connection::visit::Visit;
use crate::limits::PLACE_WAIT_MAX;
use crate::stream::drain::Drain;

/// Among a request's extensions it says that its connection has no place, and where to wait for one.
#[derive(Clone)]
pub(crate) struct Unplaced(Arc<Visit>);

impl Unplaced {
    /// None for a connection that has a place, or can take one without waiting.
    pub(crate) fn of(visit: &Arc<Visit>) -> Option<Self> {
        (!visit.stands().take_free_place(visit)).then(|| Self(visit.clone()))
    }

    /// Waits for a place, but not while the hub ends. Whether one was found. Cancel safe.
    pub(crate) async fn finds_place(&self, drain: &Drain) -> bool {
        // Biased: the end comes first.
        tokio::select! {
            biased;
            () = drain.begun() => false,
            found = self.0.stands().find_place(&self.0, PLACE_WAIT_MAX) => found,
        }
    }
}
