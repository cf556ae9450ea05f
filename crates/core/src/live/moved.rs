//! What a slice of a batch has moved, and whose watchers are told.

use std::sync::Arc;

use tokio::task::yield_now;

use crate::event::Sequence;
use crate::limits::PUSH_STEPS_MAX;
use crate::live::news::News;
use crate::live::ring::Ring;

/// Rings and news with new frames.
#[derive(Default)]
pub(super) struct Moved {
    rings: Vec<Arc<Ring>>,
    news: Vec<Arc<News>>,
    /// The number of the slice.
    slice: u64,
    /// The place of the newest frame.
    newest: Sequence,
    /// Patterns that match the newest frame, and do not know its place yet.
    late: Vec<Arc<News>>,
    /// Frames, and places of frames that patterns were told.
    steps: usize,
}

impl Moved {
    /// Nothing yet, in the slice of a number.
    pub(super) fn in_slice(slice: u64) -> Self {
        Self { slice, ..Self::default() }
    }

    /// All that there is.
    pub(super) fn all<'a>(
        rings: impl Iterator<Item = &'a Arc<Ring>>,
        news: impl Iterator<Item = &'a Arc<News>>,
    ) -> Self {
        Self { rings: rings.cloned().collect(), news: news.cloned().collect(), ..Self::default() }
    }

    /// Whether the lock was held for long enough.
    pub(super) fn is_full(&self) -> bool {
        self.steps >= PUSH_STEPS_MAX
    }

    pub(super) fn has_late(&self) -> bool {
        !self.late.is_empty()
    }

    /// Adds the ring that has the next frame.
    pub(super) fn add_ring(&mut self, ring: &Arc<Ring>, place: Sequence) {
        self.steps += 1;
        self.newest = place;
        self.rings.push(ring.clone());
    }

    /// Tells a pattern the place of the newest frame, or notes it as late if the slice is full.
    pub(super) fn add_news(&mut self, news: &Arc<News>) {
        if self.is_full() {
            self.late.push(news.clone());
            return;
        }
        self.steps += 1;
        news.push(self.newest);
        if news.is_first_of(self.slice) {
            self.news.push(news.clone());
        }
    }

    /// Tells the patterns that are late. Nobody may be handed the newest frame before that.
    pub(super) async fn tell_late(&mut self) {
        for (at, news) in self.late.drain(..).enumerate() {
            if at % PUSH_STEPS_MAX == 0 {
                yield_now().await;
            }
            news.push(self.newest);
            if news.is_first_of(self.slice) {
                self.news.push(news);
            }
        }
    }

    /// Adds patterns that came while others were late.
    pub(super) fn add_joined(&mut self, joined: Vec<Arc<News>>) {
        self.news.extend(joined);
    }

    /// Wakes all watchers.
    pub(super) async fn wake_each_once(mut self) {
        self.rings.sort_unstable_by_key(Arc::as_ptr);
        self.rings.dedup_by(|one, other| Arc::ptr_eq(one, other));
        let mut left = PUSH_STEPS_MAX;
        let of_rings = self.rings.iter().map(|ring| &ring.watchers);
        for watchers in of_rings.chain(self.news.iter().map(|news| &news.watchers)) {
            let mut next = watchers.wake(0, &mut left);
            while let Some(from) = next {
                yield_now().await;
                left = PUSH_STEPS_MAX;
                next = watchers.wake(from, &mut left);
            }
        }
    }
}
