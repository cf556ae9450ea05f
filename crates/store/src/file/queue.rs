//! The queue between publishers and the writer.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tidings_core::{Draft, Placement, StoreError};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};
use tokio::task::yield_now;

use super::gathering::Gathering;
use crate::limits::{APPENDS_MAX, GATHER_WAIT_MAX, GATHERED_MAX};

/// What a call of `append` asks for.
pub(crate) struct Append {
    pub(crate) drafts: Vec<Draft>,
    pub(crate) reply: oneshot::Sender<Result<Vec<Placement>, StoreError>>,
}

/// Appends on their way to the one who writes.
pub(crate) struct Queue {
    state: Mutex<QueueState>,
    wake: Condvar,
    room: Semaphore,
}

/// Wakes the writer when it is dropped, however that comes about.
#[must_use = "the writer sleeps until it is dropped"]
pub(crate) struct Bell(Arc<Queue>);

impl Bell {
    /// Lets the requests that are here already come first, so that one wake and one sync serve them all.
    #[expect(
        clippy::disallowed_methods,
        reason = "it ends after one yield; one that never runs is dropped and rings"
    )]
    pub(crate) fn ring_after_others(self) {
        // Not awaited by whoever appends: its server may poll it again at once. Without a runtime it rings now.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                yield_now().await;
                drop(self);
            });
        }
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        self.0.wake.notify_one();
    }
}

#[derive(Default)]
struct QueueState {
    waiting: Vec<Append>,
    /// Why no more appends are taken.
    closed: Option<StoreError>,
    /// The writer waits to be woken.
    asleep: bool,
    /// The writer is to look at what else there is to do, though no append has come.
    is_nudged: bool,
    gathering: Gathering,
}

impl QueueState {
    /// How many appends end a wait for more.
    fn enough(&self) -> usize {
        match self.gathering.expected() {
            0 => GATHERED_MAX,
            expected => expected,
        }
    }
}

/// What there is for the writer to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// Appends.
    Appends,
    /// Nothing came in time, or there is something else to do.
    Idle,
    /// Nothing will come any more.
    Closed,
}

impl Queue {
    pub(crate) fn new() -> Self {
        Self { state: Mutex::default(), wake: Condvar::new(), room: Semaphore::new(APPENDS_MAX) }
    }

    /// Waits for room, to be held until the append was answered. Cancel safe.
    pub(crate) async fn room(&self) -> Option<SemaphorePermit<'_>> {
        self.room.acquire().await.ok()
    }

    /// Adds an append, or says why the queue was closed. The caller who is handed the bell should let others come first.
    pub(crate) fn push(self: &Arc<Self>, append: Append) -> Result<Option<Bell>, StoreError> {
        let mut state = self.lock();
        if let Some(why) = &state.closed {
            return Err(why.clone());
        }
        state.waiting.push(append);
        let is_enough = state.waiting.len() == state.enough();
        let asleep = std::mem::take(&mut state.asleep);
        drop(state);
        if is_enough {
            self.wake.notify_one();
        }
        Ok(asleep.then(|| Bell(self.clone())))
    }

    /// Has the writer look at what else there is to do.
    pub(crate) fn nudge(&self) {
        self.lock().is_nudged = true;
        self.wake.notify_one();
    }

    /// Takes no more appends. Those that are here will still be taken.
    pub(crate) fn close(&self) {
        self.refuse(StoreError::Stopped("it was closed".into()));
    }

    /// Takes no more appends, and says why to all who come. The first reason stays.
    pub(crate) fn refuse(&self, why: StoreError) {
        self.lock().closed.get_or_insert(why);
        self.wake.notify_one();
    }

    /// Takes all appends there are, waiting for one if there is none; for ever if there is no patience to lose.
    pub(crate) fn take(&self, patience: Option<Duration>, into: &mut Vec<Append>) -> Work {
        let mut state = self.gather(self.lock());
        if state.waiting.is_empty() && state.closed.is_none() {
            state.asleep = true;
            let idle = |state: &mut QueueState| {
                state.waiting.is_empty() && state.closed.is_none() && !state.is_nudged
            };
            state = match patience {
                None => self.wake.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner),
                Some(patience) => {
                    let waited = self.wake.wait_timeout_while(state, patience, idle);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
            state.asleep = false;
        }
        state.is_nudged = false;
        if state.waiting.is_empty() {
            return if state.closed.is_some() { Work::Closed } else { Work::Idle };
        }
        // The two buffers change places, so that neither is allocated anew.
        into.clear();
        std::mem::swap(&mut state.waiting, into);
        Work::Appends
    }

    /// Waits a moment for those who were answered just now, if that is worth it.
    fn gather<'a>(&self, mut state: MutexGuard<'a, QueueState>) -> MutexGuard<'a, QueueState> {
        if state.gathering.expected() > 0 {
            let few = |state: &mut QueueState| {
                state.waiting.len() < state.gathering.expected() && state.closed.is_none()
            };
            let waited = self.wake.wait_timeout_while(state, GATHER_WAIT_MAX, few);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            let count = state.waiting.len();
            state.gathering.gathered(count);
        }
        state
    }

    /// Notes that a sync of so many appends has ended, and that they are about to be answered.
    pub(crate) fn answering(&self, count: usize) {
        let mut state = self.lock();
        let waiting = state.waiting.len();
        state.gathering.answering(count, waiting);
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
