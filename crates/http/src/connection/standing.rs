//! Where a connection stands: in the lobby until its first request, then at one of the places.
//!
//! A client that says nothing, or only half of something, so takes no place from anybody. A client whose request finds no
//! place stays in the lobby: it gets one answer there. See [`refusal`](super::refusal).

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::places::{Listed, Newcomer, Place, Places};
use super::visit::Visit;

/// Where one connection stands. One that nobody counts, as in tests, counts as one that has a place.
#[derive(Default)]
pub(crate) struct Standing {
    places: Option<Places>,
    stay: Mutex<Option<Stay>>,
    /// `stay` is in the lobby.
    is_in_lobby: AtomicBool,
}

/// A place of the lobby or of the hub, and the entry among those that may be asked to give it up.
struct Stay {
    _listed: Listed,
    _newcomer: Option<Newcomer>,
    place: Place,
}

/// The visit of a connection that was accepted. When it is dropped, its place is given back.
pub(crate) struct Visiting(Arc<Visit>);

impl Visiting {
    /// Begins in the lobby.
    pub(crate) fn begin(lobby: &Places, place: Place, places: &Places) -> Self {
        let standing = Standing {
            places: Some(places.clone()),
            stay: Mutex::default(),
            is_in_lobby: AtomicBool::new(true),
        };
        let visit = Arc::new(Visit::standing(lobby.origin(), standing));
        *visit.stands().stay() = Some(Stay {
            _listed: lobby.list(visit.clone()),
            _newcomer: Some(places.count_newcomer()),
            place,
        });
        Self(visit)
    }

    /// Ends the visit. The place stays taken, and its connection is not asked to leave any more.
    pub(crate) fn keep_place(self) -> Option<Place> {
        self.0.stands().leave().map(|stay| stay.place)
    }
}

impl Deref for Visiting {
    type Target = Arc<Visit>;

    fn deref(&self) -> &Arc<Visit> {
        &self.0
    }
}

impl Drop for Visiting {
    fn drop(&mut self) {
        drop(self.0.stands().leave());
    }
}

impl Standing {
    pub(crate) fn has_place(&self) -> bool {
        !self.is_in_lobby.load(Ordering::Acquire)
    }

    /// Takes a place if one is free. Whether the connection has one now.
    pub(crate) fn take_free_place(&self, visit: &Arc<Visit>) -> bool {
        if !self.has_place() {
            let Some(place) = self.places.as_ref().and_then(Places::try_take) else { return false };
            self.settle(visit, place);
        }
        true
    }

    /// Waits for a place, and asks others to leave meanwhile. Cancel safe.
    pub(crate) async fn find_place(&self, visit: &Arc<Visit>, wait_max: Duration) -> bool {
        let Some(places) = &self.places else { return true };
        if !self.has_place() {
            let Some(place) = places.take_within(wait_max).await else { return false };
            self.settle(visit, place);
        }
        true
    }

    /// Goes from the lobby to a place. Of two requests over HTTP/2 that have found one, the second gives its own back.
    fn settle(&self, visit: &Arc<Visit>, place: Place) {
        let Some(places) = &self.places else { return };
        let stay = Stay { _listed: places.list(visit.clone()), _newcomer: None, place };
        let mut now = self.stay();
        // A connection that has ended meanwhile needs none.
        let given_back = match now.is_some() && !self.has_place() {
            true => {
                self.is_in_lobby.store(false, Ordering::Release);
                now.replace(stay)
            }
            false => Some(stay),
        };
        drop(now);
        drop(given_back);
    }

    fn leave(&self) -> Option<Stay> {
        self.stay().take()
    }

    fn stay(&self) -> MutexGuard<'_, Option<Stay>> {
        self.stay.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Standing").field("has_place", &self.has_place()).finish_non_exhaustive()
    }
}
