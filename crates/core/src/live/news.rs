//! News: where the newest events that match one pattern stand in the window.
//!
//! It holds places and no frames, and a bounded number of them: an event is in the window once, however many patterns
//! match it. A reader that is behind the places held looks at the frames of the window themselves.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::event::Sequence;
use crate::limits::NEWS_PLACES_MAX;
use crate::live::watchers::Watchers;

/// The newest places at which one pattern matched.
pub(crate) struct News {
    places: Mutex<Places>,
    pub(crate) watchers: Watchers,
    /// Nobody watches the pattern any more, and another `News` takes its place when somebody does.
    retired: AtomicBool,
    /// The slice of a batch in which it was moved last.
    slice: AtomicU64,
}

struct Places {
    /// In order.
    newest: VecDeque<Sequence>,
    /// All places after this one are there.
    complete_after: Sequence,
}

impl News {
    /// Knows of nothing up to a place, and of everything after it.
    pub(crate) fn after(head: Sequence) -> Self {
        let places = Places { newest: VecDeque::new(), complete_after: head };
        Self {
            places: Mutex::new(places),
            watchers: Watchers::default(),
            retired: AtomicBool::new(false),
            slice: AtomicU64::new(0),
        }
    }

    pub(crate) fn push(&self, place: Sequence) {
        let mut places = self.places();
        if places.newest.len() == NEWS_PLACES_MAX
            && let Some(oldest) = places.newest.pop_front()
        {
            places.complete_after = oldest;
        }
        places.newest.push_back(place);
    }

    /// Forgets what stands after a place.
    pub(crate) fn cut(&self, after: Sequence) {
        let mut places = self.places();
        while places.newest.pop_back_if(|place| *place > after).is_some() {}
        places.complete_after = places.complete_after.min(after);
    }

    /// Forgets everything, and goes on behind a place.
    pub(crate) fn restart(&self, after: Sequence) {
        *self.places() = Places { newest: VecDeque::new(), complete_after: after };
    }

    /// Adds the places after one and up to another to a list. False if not all of them are known.
    pub(crate) fn between(&self, after: Sequence, through: Sequence, into: &mut Vec<Sequence>) -> bool {
        let places = self.places();
        if after < places.complete_after {
            return false;
        }
        let from = places.newest.partition_point(|place| *place <= after);
        into.extend(places.newest.range(from..).take_while(|place| **place <= through));
        true
    }

    /// Notes that it is moved by a slice of a batch. False if it was before: its watchers are told once.
    pub(crate) fn is_first_of(&self, slice: u64) -> bool {
        self.slice.swap(slice, Ordering::Relaxed) != slice
    }

    /// Gives its places back.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
        self.places().newest = VecDeque::new();
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Relaxed)
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
