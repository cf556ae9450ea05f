//! The places of connections: how many there may be, and which connection gives its place up when all are taken.
//!
//! A client that holds a connection without asking for anything must not keep others out. So when somebody waits for a
//! place, the connection that has been without a request for the longest is asked to leave. See [`lookout`](super::lookout).

use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use slab::Slab;
use tokio::sync::Semaphore;
use tokio::time::{Instant, interval, sleep};

use super::lookout::Lookout;
use super::visit::Visit;
use crate::limits::{PLACE_BUSY_LOOKS_MAX, PLACE_LOOK_INTERVAL};

/// A bounded number of places. Cloning shares them.
#[derive(Clone)]
pub(crate) struct Places(Arc<PlacesParts>);

struct PlacesParts {
    free: Semaphore,
    places_max: usize,
    /// How many are taken, for the metrics.
    taken: Gauge,
    /// Connections that may be asked to leave.
    visits: Mutex<Slab<Arc<Visit>>>,
    lookout: Lookout,
    origin: Instant,
}

/// One place, given back when it is dropped.
#[must_use = "a place that is dropped is given back"]
pub(crate) struct Place(Arc<PlacesParts>);

/// A visit that may be asked to leave, until this is dropped.
pub(crate) struct Visiting {
    visit: Arc<Visit>,
    key: usize,
    places: Arc<PlacesParts>,
}

impl Places {
    pub(crate) fn new(places_max: usize, taken: Gauge) -> Self {
        let places_max = places_max.min(Semaphore::MAX_PERMITS);
        Self(Arc::new(PlacesParts {
            free: Semaphore::new(places_max),
            places_max,
            taken,
            visits: Mutex::default(),
            lookout: Lookout::default(),
            origin: Instant::now(),
        }))
    }

    /// A place, if one is free and nobody waits for it.
    pub(crate) fn try_take(&self) -> Option<Place> {
        self.0.free.try_acquire().ok()?.forget();
        Some(self.taken())
    }

    /// Waits for a place, and asks other connections to leave meanwhile: not for longer than `wait_max`, and for a moment
    /// only while every other connection is busy. Cancel safe.
    pub(crate) async fn take_within(&self, wait_max: Duration) -> Option<Place> {
        let mut free = std::pin::pin!(self.0.free.acquire());
        let mut over = std::pin::pin!(sleep(wait_max));
        let _waiting = self.0.lookout.wait();
        let mut look = interval(PLACE_LOOK_INTERVAL);
        let mut busy_looks = 0;
        while busy_looks <= PLACE_BUSY_LOOKS_MAX {
            // Biased: whoever has a place asks nobody to leave.
            tokio::select! {
                biased;
                permit = &mut free => {
                    permit.expect("the semaphore of places is never closed").forget();
                    return Some(self.taken());
                }
                () = &mut over => return None,
                _ = look.tick() => busy_looks = if self.look() { 0 } else { busy_looks + 1 },
            }
        }
        None
    }

    /// The visit of a connection that has a place.
    pub(crate) fn visit(&self) -> Visiting {
        let visit = Arc::new(Visit::new(self.0.origin));
        let key = self.0.visits().insert(visit.clone());
        Visiting { visit, key, places: self.0.clone() }
    }

    /// How many are taken.
    pub(crate) fn count(&self) -> usize {
        self.0.places_max - self.0.free.available_permits()
    }

    fn taken(&self) -> Place {
        self.0.taken.inc();
        Place(self.0.clone())
    }

    /// Has others asked to leave, unless somebody else has just done that. Whether any is at rest, though it may not be asked
    /// yet.
    fn look(&self) -> bool {
        let now = self.0.origin.elapsed().as_millis() as u64;
        if self.0.lookout.is_due(now) {
            self.0.lookout.look(now, self.0.visits().iter().map(|(_, visit)| visit));
        }
        self.0.lookout.some_rest()
    }
}

impl PlacesParts {
    fn visits(&self) -> MutexGuard<'_, Slab<Arc<Visit>>> {
        self.visits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.dec();
        self.0.free.add_permits(1);
    }
}

impl Deref for Visiting {
    type Target = Arc<Visit>;

    fn deref(&self) -> &Arc<Visit> {
        &self.visit
    }
}

impl Drop for Visiting {
    fn drop(&mut self) {
        self.places.visits().remove(self.key);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::time::advance;

    use super::*;
    use crate::limits::{FIRST_REQUEST_GRACE, PLACE_WAIT_MAX};

    #[tokio::test(start_paused = true)]
    async fn the_connection_that_rests_longest_gives_its_place_up() {
        let places = Places::new(3, Gauge::default());
        let [busy, longest, recent] = [(); 3].map(|()| (places.try_take().unwrap(), places.visit()));
        let open = busy.1.begin_request();
        for visit in [&longest, &recent] {
            advance(Duration::from_secs(1)).await;
            drop(visit.1.begin_request());
        }

        let (place, ()) = tokio::join!(places.take_within(PLACE_WAIT_MAX), async {
            longest.1.asked_to_leave().await;
            drop(longest);
        });

        assert!(place.is_some());
        assert_eq!(recent.1.asked_to_leave().now_or_never(), None);
        assert_eq!(busy.1.asked_to_leave().now_or_never(), None);
        drop(open);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_asked_to_leave_while_there_is_room() {
        let places = Places::new(2, Gauge::default());
        let (_place, visit) = (places.try_take().unwrap(), places.visit());
        advance(FIRST_REQUEST_GRACE).await;

        let second = places.take_within(PLACE_WAIT_MAX).await;

        assert_eq!(visit.asked_to_leave().now_or_never(), None);
        drop(second);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_cannot_leave_is_passed_over_and_the_next_is_asked() {
        let places = Places::new(2, Gauge::default());
        let [first, second] = [(); 2].map(|()| (places.try_take().unwrap(), places.visit()));
        advance(FIRST_REQUEST_GRACE).await;

        let (place, ()) = tokio::join!(places.take_within(PLACE_WAIT_MAX), async {
            // It was asked, and a request came before it had noticed.
            tokio::task::yield_now().await;
            let _open = first.1.begin_request();
            assert_eq!(first.1.asked_to_leave().now_or_never(), None);
            second.1.asked_to_leave().await;
            drop(second);
        });

        assert!(place.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_goes_soon_when_all_places_are_busy() {
        let places = Places::new(1, Gauge::default());
        let (_place, visit) = (places.try_take().unwrap(), places.visit());
        let _open = visit.begin_request();
        let before = Instant::now();

        assert!(places.take_within(PLACE_WAIT_MAX).await.is_none());

        assert_eq!(before.elapsed(), PLACE_LOOK_INTERVAL * PLACE_BUSY_LOOKS_MAX);
        assert_eq!(places.count(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_gets_the_place_of_a_client_that_never_asks() {
        let places = Places::new(1, Gauge::default());
        let silent = (places.try_take().unwrap(), places.visit());
        let before = Instant::now();

        let (place, ()) = tokio::join!(places.take_within(PLACE_WAIT_MAX), async {
            silent.1.asked_to_leave().await;
            drop(silent);
        });

        assert!(place.is_some());
        assert!(before.elapsed() >= FIRST_REQUEST_GRACE);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_goes_at_last_when_those_that_are_asked_do_not_leave() {
        let places = Places::new(1, Gauge::default());
        let (_place, _visit) = (places.try_take().unwrap(), places.visit());
        let before = Instant::now();

        assert!(places.take_within(PLACE_WAIT_MAX).await.is_none());

        assert_eq!(before.elapsed(), PLACE_WAIT_MAX);
    }
}
