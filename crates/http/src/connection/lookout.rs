//! Looks for connections that may give their places up, on behalf of all that wait for one.
//!
//! A look goes through every connection that hyper reads, of which there may be ten thousand. A thousand that wait would
//! stop the runtime if each of them looked. So one looks for all of them, and as many connections are asked to leave as
//! there are waiting, less those that are leaving already.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use crate::connection::visit::Visit;
use crate::limits::{PLACE_LEAVE_WAIT_MAX, PLACE_LOOKS_PER_MILLISECOND};

/// What those that wait for a place have in common.
#[derive(Debug, Default)]
pub(crate) struct Lookout {
    waiting: AtomicUsize,
    /// The millisecond from which on there may be another look.
    due: AtomicU64,
    /// The last look has found a connection at rest, or one that may be ended.
    some_rest: AtomicBool,
}

/// Somebody waits for places, until this is dropped.
pub(crate) struct Waiting<'a> {
    lookout: &'a Lookout,
    places: usize,
}

impl Lookout {
    /// So many more places are waited for.
    pub(crate) fn wait(&self, places: usize) -> Waiting<'_> {
        self.waiting.fetch_add(places, Ordering::Relaxed);
        Waiting { lookout: self, places }
    }

    /// Whether it is the caller's turn to look. Only one of all that ask in the same moment is told so.
    pub(crate) fn is_due(&self, now: u64) -> bool {
        let due = self.due.load(Ordering::Relaxed);
        due <= now && self.due.compare_exchange(due, now + 1, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Asks those that have rested longest to leave: as many as are needed.
    pub(crate) fn look<'a>(&self, now: u64, visits: impl Iterator<Item = &'a Arc<Visit>>) {
        let (mut looks, mut some_rest, mut leaving, mut resting) = (0, false, 0, Vec::new());
        for visit in visits {
            looks += 1;
            let Some(since) = visit.gives_way_from() else { continue };
            // An answer that is not taken keeps its connection busy until its time is over.
            some_rest |= visit.is_free() || since <= now;
            match (visit.asked_at(), since) {
                // One that was asked and is still there after this time may be waiting for its client.
                (Some(asked), _) if now < asked + PLACE_LEAVE_WAIT_MAX.as_millis() as u64 => leaving += 1,
                (None, since) if since <= now => resting.push((since, visit)),
                _ => {}
            }
        }
        self.due.store(now + 1 + looks / PLACE_LOOKS_PER_MILLISECOND, Ordering::Relaxed);
        self.some_rest.store(some_rest, Ordering::Relaxed);
        let needed = self.waiting.load(Ordering::Relaxed).saturating_sub(leaving).min(resting.len());
        if needed == 0 {
            return;
        }
        resting.select_nth_unstable_by_key(needed - 1, |(since, _)| *since);
        for (_, visit) in &resting[..needed] {
            visit.ask_to_leave();
        }
    }

    /// Whether any connection is at rest, though it may not be asked yet.
    pub(crate) fn some_rest(&self) -> bool {
        self.some_rest.load(Ordering::Relaxed)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.lookout.waiting.fetch_sub(self.places, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{Instant, advance};

    use super::*;
    use crate::limits::FIRST_REQUEST_GRACE;

    /// Connections that have rested, the first of them for the longest, and the millisecond that it is.
    async fn resting(number: usize) -> (Vec<Arc<Visit>>, u64) {
        let origin = Instant::now();
        let mut visits = Vec::new();
        for _ in 0..number {
            visits.push(Arc::new(Visit::new(origin)));
            advance(Duration::from_millis(10)).await;
        }
        advance(FIRST_REQUEST_GRACE).await;
        (visits, origin.elapsed().as_millis() as u64)
    }

    fn asked(visits: &[Arc<Visit>]) -> Vec<bool> {
        visits.iter().map(|visit| visit.asked_at().is_some()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn as_many_are_asked_as_wait_and_nobody_more_while_those_leave() {
        let (visits, now) = resting(4).await;
        let lookout = Lookout::default();
        let _two = [lookout.wait(1), lookout.wait(1)];

        lookout.look(now, visits.iter());
        assert_eq!(asked(&visits), [true, true, false, false]);
        lookout.look(now + 1, visits.iter());
        assert_eq!(asked(&visits), [true, true, false, false]);

        let _third = lookout.wait(1);
        lookout.look(now + 2, visits.iter());
        assert_eq!(asked(&visits), [true, true, true, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_is_asked_when_one_does_not_leave() {
        let (visits, now) = resting(2).await;
        let lookout = Lookout::default();
        let _one = lookout.wait(1);

        lookout.look(now, visits.iter());
        lookout.look(now + PLACE_LEAVE_WAIT_MAX.as_millis() as u64, visits.iter());

        assert_eq!(asked(&visits), [true, true]);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_asked_for_one_that_waits_no_more() {
        let (visits, now) = resting(1).await;
        let lookout = Lookout::default();
        drop(lookout.wait(1));

        lookout.look(now, visits.iter());

        assert_eq!(asked(&visits), [false]);
        assert!(lookout.some_rest());
    }

    #[tokio::test(start_paused = true)]
    async fn one_looks_for_all_and_the_more_connections_there_are_the_less_often() {
        let lookout = Lookout::default();
        let visits: Vec<_> = std::iter::repeat_with(Arc::<Visit>::default).take(9_000).collect();
        let mut looks = 0;

        for now in 0..100 {
            for _ in 0..100 {
                if lookout.is_due(now) {
                    lookout.look(now, visits.iter());
                    looks += 1;
                }
            }
        }

        assert_eq!(looks, 10);
    }
}
