//! A hold: what keeps retention from taking events that somebody still needs.
//!
//! A value, handed to a store at its opening; the verbs of [`Store`](crate::Store) know nothing of it. The store says what
//! retention wants to remove, the holder first saves what it needs of that, and then releases it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::event::Sequence;

/// Keeps the oldest events of one log until they are released.
///
/// A store that has a hold removes no event beyond what is released. It *wants* to remove more: what its retention
/// would have removed without the hold, and a little ahead of that, so that the holder has done its work before the space is
/// needed. When the holder releases that, the store removes at once what its retention says by then.
///
/// Before the store removes anything that was held, all that was appended before its release is as durable as the store can make
/// it, whatever it promises of other appends: what the holder has saved may be in this very log.
///
/// In every life of a process it begins with nothing released: a holder that is not there yet loses nothing. A hold whose
/// holder never releases anything keeps the whole log, beyond every bound of retention.
///
/// A hold belongs to one store at a time.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use tidings_core::contract::ManualClock;
/// use tidings_core::memory::MemoryRetention;
/// use tidings_core::{DraftParts, Draft, Epoch, MemoryStore, RetentionHold, Sequence, Store, Topic};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// let hold = Arc::new(RetentionHold::default());
/// let retention = MemoryRetention { events_max: 2, ..MemoryRetention::default() };
/// let store = MemoryStore::new(Epoch(1), ManualClock::at(0), retention).with_hold(hold.clone());
/// for data in ["1", "2", "3"] {
///     let parts = DraftParts::new(Topic::parse("a")?, data.into());
///     store.append(vec![Draft::restore(parts)]).await?;
/// }
///
/// assert_eq!(store.bounds().earliest(), Sequence(1));
/// let wanted = hold.wanted().await;
/// // Here the holder saves what it needs of the events up to `wanted`.
/// hold.release_through(wanted);
/// assert_eq!(store.bounds().earliest(), Sequence(2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct RetentionHold {
    places: watch::Sender<Places>,
    /// What the store does after a release.
    listener: Mutex<Option<Listener>>,
}

type Listener = Arc<dyn Fn() + Send + Sync>;

/// How far the two sides are.
#[derive(Debug, Clone, Copy, Default)]
struct Places {
    released: Sequence,
    wanted: Sequence,
}

impl Places {
    fn wanted(self) -> Option<Sequence> {
        (self.wanted > self.released).then_some(self.wanted)
    }
}

impl RetentionHold {
    /// Lets the store remove all events up to this one, as its retention asks for. What was released stays released: a
    /// smaller number changes nothing.
    pub fn release_through(&self, sequence: Sequence) {
        let is_news = self.places.send_if_modified(|places| {
            let is_news = sequence > places.released;
            places.released = places.released.max(sequence);
            is_news
        });
        let listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if is_news && let Some(listener) = listener {
            listener();
        }
    }

    /// The last event that the store may remove; none if it is [`Sequence::ZERO`].
    pub fn released(&self) -> Sequence {
        self.places.borrow().released
    }

    /// Waits until the store wants to remove events that are not released, and returns the last one of them.
    ///
    /// Returns at once, with the same answer, until they are released: a holder that could not do its work waits by
    /// itself before it asks again. Cancel safe.
    pub async fn wanted(&self) -> Sequence {
        let mut places = self.places.subscribe();
        let wanted = places.wait_for(|places| places.wanted().is_some()).await;
        wanted.expect("the sender is in this very hold").wanted
    }

    /// The last event that the store wants to remove and that is not released, if there is one now.
    pub fn wanted_now(&self) -> Option<Sequence> {
        self.places.borrow().wanted()
    }

    /// For the store: it wants to remove all events up to this one. Never goes back.
    pub fn want_through(&self, sequence: Sequence) {
        self.places.send_if_modified(|places| {
            let is_news = sequence > places.wanted;
            places.wanted = places.wanted.max(sequence);
            is_news
        });
    }

    /// For the store: calls this after each release, in place of what another store gave before. It must be quick, and must
    /// not keep the store alive.
    pub fn on_release(&self, listener: impl Fn() + Send + Sync + 'static) {
        *self.listener.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(listener));
    }
}

impl fmt::Debug for RetentionHold {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Places { released, wanted } = *self.places.borrow();
        formatter.debug_struct("RetentionHold").field("released", &released).field("wanted", &wanted).finish()
    }
}

/// A hold equals itself alone.
impl PartialEq for RetentionHold {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for RetentionHold {}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// Polls a wait once.
    fn poll(wait: &mut (impl Future<Output = Sequence> + Unpin)) -> Poll<Sequence> {
        std::pin::Pin::new(wait).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn neither_side_goes_back() {
        let hold = RetentionHold::default();
        hold.want_through(Sequence(9));
        hold.want_through(Sequence(5));
        assert_eq!(hold.wanted_now(), Some(Sequence(9)));

        hold.release_through(Sequence(7));
        hold.release_through(Sequence(3));

        assert_eq!((hold.released(), hold.wanted_now()), (Sequence(7), Some(Sequence(9))));
        hold.release_through(Sequence(9));
        assert_eq!(hold.wanted_now(), None);
    }

    #[test]
    fn a_wait_ends_with_news_and_a_dropped_one_takes_nothing() {
        let hold = RetentionHold::default();
        let mut wait = Box::pin(hold.wanted());
        assert_eq!(poll(&mut wait), Poll::Pending);

        hold.want_through(Sequence(4));
        drop(wait);

        assert_eq!(poll(&mut Box::pin(hold.wanted())), Poll::Ready(Sequence(4)));
        // Until it is released, it is wanted.
        assert_eq!(poll(&mut Box::pin(hold.wanted())), Poll::Ready(Sequence(4)));
        hold.release_through(Sequence(4));
        let mut wait = Box::pin(hold.wanted());
        assert_eq!(poll(&mut wait), Poll::Pending);
        hold.want_through(Sequence(5));
        assert_eq!(poll(&mut wait), Poll::Ready(Sequence(5)));
    }

    #[test]
    fn the_store_hears_of_each_release_that_is_news() {
        let (hold, heard) = (RetentionHold::default(), Arc::new(AtomicUsize::new(0)));
        let listener = heard.clone();
        hold.on_release(move || {
            listener.fetch_add(1, Ordering::Relaxed);
        });

        for sequence in [2, 2, 1, 3] {
            hold.release_through(Sequence(sequence));
        }

        assert_eq!(heard.load(Ordering::Relaxed), 2);
    }
}
