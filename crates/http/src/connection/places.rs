//! The places of connections: how many there may be, and which connection gives its place up when all are taken. The lobby,
//! where connections are before their first request, is a number of places, too.
//!
//! A client that holds a connection without asking for anything must not keep others out. So when somebody waits for a
//! place, the connection that has been without a request for the longest is asked to leave. See [`lookout`](super::lookout).

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

/// An entry among the connections that may be asked to leave, until this is dropped.
pub(crate) struct Listed {
    key: usize,
    places: Arc<PlacesParts>,
}

/// Counts a connection that stands in the lobby among those of the hub, until this is dropped.
pub(crate) struct Newcomer(Arc<PlacesParts>);

impl Places {
    /// `origin` is what the times of visits are counted from.
    pub(crate) fn new(places_max: usize, taken: Gauge, origin: Instant) -> Self {
        let places_max = places_max.min(Semaphore::MAX_PERMITS);
        Self(Arc::new(PlacesParts {
            free: Semaphore::new(places_max),
            places_max,
            taken,
            visits: Mutex::default(),
            lookout: Lookout::default(),
            origin,
        }))
    }

    /// A place, if one is free and nobody waits for it.
    pub(crate) fn try_take(&self) -> Option<Place> {
        self.0.free.try_acquire().ok()?.forget();
        Some(self.taken())
    }

    /// Waits for a place, and asks another connection to leave meanwhile: not for longer than `wait_max`, and for a moment
    /// only while every other connection is busy. Cancel safe.
    pub(crate) async fn take_within(&self, wait_max: Duration) -> Option<Place> {
        let mut over = std::pin::pin!(sleep(wait_max));
        let mut take = std::pin::pin!(self.take(1, PLACE_BUSY_LOOKS_MAX));
        // Biased: a place that is there is taken.
        tokio::select! {
            biased;
            place = &mut take => place,
            () = &mut over => None,
        }
    }

    /// Waits for a place for as long as it takes. Asks several connections to leave, since others come behind the one that
    /// waits here. Cancel safe.
    pub(crate) async fn take_with_room(&self, room: usize) -> Place {
        loop {
            if let Some(place) = self.take(room, u32::MAX).await {
                return place;
            }
        }
    }

    /// Asks connections to leave, as if somebody waited for so many places.
    pub(crate) fn make_room(&self, room: usize) {
        let _waiting = self.0.lookout.wait(room);
        self.look();
    }

    async fn take(&self, room: usize, busy_looks_max: u32) -> Option<Place> {
        if let Some(place) = self.try_take() {
            return Some(place);
        }
        let mut free = std::pin::pin!(self.0.free.acquire());
        let _waiting = self.0.lookout.wait(room);
        let mut look = interval(PLACE_LOOK_INTERVAL);
        let mut busy_looks = 0;
        while busy_looks <= busy_looks_max {
            // Biased: whoever has a place asks nobody to leave.
            tokio::select! {
                biased;
                permit = &mut free => {
                    permit.expect("the semaphore of places is never closed").forget();
                    return Some(self.taken());
                }
                _ = look.tick() => busy_looks = if self.look() { 0 } else { busy_looks.saturating_add(1) },
            }
        }
        None
    }

    /// Counts a connection that has no place yet.
    pub(crate) fn count_newcomer(&self) -> Newcomer {
        self.0.taken.inc();
        Newcomer(self.0.clone())
    }

    /// Enters a connection among those that may be asked to leave.
    pub(crate) fn list(&self, visit: Arc<Visit>) -> Listed {
        let key = self.0.visits().insert(visit);
        Listed { key, places: self.0.clone() }
    }

    /// What the times of visits are counted from.
    pub(crate) fn origin(&self) -> Instant {
        self.0.origin
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

impl Drop for Newcomer {
    fn drop(&mut self) {
        self.0.taken.dec();
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let visit = self.places.visits().remove(self.key);
        // The last one holds a place, which is not given back under the lock.
        drop(visit);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::time::advance;

    use super::*;
    use crate::limits::{FIRST_REQUEST_GRACE, PLACE_WAIT_MAX};

    fn places(places_max: usize) -> Places {
        Places::new(places_max, Gauge::default(), Instant::now())
    }

    /// A connection with a place.
    fn arrive(places: &Places) -> (Place, Arc<Visit>, Listed) {
        let visit = Arc::new(Visit::new(places.origin()));
        (places.try_take().unwrap(), visit.clone(), places.list(visit))
    }

    #[tokio::test(start_paused = true)]
    async fn the_connection_that_rests_longest_gives_its_place_up() {
        let places = places(3);
        let [busy, longest, recent] = [(); 3].map(|()| arrive(&places));
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
        let places = places(2);
        let (_place, visit, _listed) = arrive(&places);
        advance(FIRST_REQUEST_GRACE).await;

        let second = places.take_within(PLACE_WAIT_MAX).await;

        assert_eq!(visit.asked_to_leave().now_or_never(), None);
        drop(second);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_cannot_leave_is_passed_over_and_the_next_is_asked() {
        let places = places(2);
        let [first, second] = [(); 2].map(|()| arrive(&places));
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
        let places = places(1);
        let (_place, visit, _listed) = arrive(&places);
        let _open = visit.begin_request();
        let before = Instant::now();

        assert!(places.take_within(PLACE_WAIT_MAX).await.is_none());

        assert_eq!(before.elapsed(), PLACE_LOOK_INTERVAL * PLACE_BUSY_LOOKS_MAX);
        assert_eq!(places.count(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_gets_the_place_of_a_client_that_never_asks() {
        let places = places(1);
        let silent = arrive(&places);
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
        let places = places(1);
        let _guest = arrive(&places);
        let before = Instant::now();

        assert!(places.take_within(PLACE_WAIT_MAX).await.is_none());

        assert_eq!(before.elapsed(), PLACE_WAIT_MAX);
    }

    /// The lobby is full of clients that are silent: one newcomer after the other would wait for one of them to leave.
    #[tokio::test(start_paused = true)]
    async fn several_are_asked_together_where_others_come_behind_the_one_that_waits() {
        let places = places(8);
        let mut guests = Vec::new();
        for _ in 0..8 {
            guests.push(arrive(&places));
            advance(Duration::from_millis(1)).await;
        }
        let before = Instant::now();
        let leave = async |guest: (Place, Arc<Visit>, Listed)| guest.1.asked_to_leave().await;

        let mut guests = guests.into_iter();
        let leaving = futures_util::future::join_all(guests.by_ref().take(3).map(leave));
        let (place, _) = tokio::join!(places.take_with_room(3), leaving);

        assert!(before.elapsed() <= FIRST_REQUEST_GRACE + PLACE_LOOK_INTERVAL);
        drop(place);
        assert_eq!(places.count(), 5);
        assert!(guests.all(|guest| guest.1.asked_at().is_none()));
    }
}
