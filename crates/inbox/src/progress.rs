//! How far the projection has come, and what came of each record, for whom it was written.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tidings_core::Sequence;
use tokio::sync::{oneshot, watch};

use crate::effect::Outcome;
use crate::limits::OUTCOMES_MAX;

/// How far the projection has come.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    state: Mutex<State>,
    /// The place that the database has.
    noted: watch::Sender<Sequence>,
    /// The place that the projection has come to: the database may have an earlier one, where nothing between concerns it.
    applied: watch::Sender<Sequence>,
}

#[derive(Debug, Default)]
struct State {
    applied: Sequence,
    /// Of the newest records: their writers ask for them, and again those who repeat a call.
    outcomes: BTreeMap<Sequence, Outcome>,
    waiting: HashMap<Sequence, Vec<oneshot::Sender<Option<Outcome>>>>,
    is_over: bool,
}

impl Progress {
    /// The projection has come to a place.
    pub(crate) fn came_to(&self, through: Sequence, outcomes: Vec<(Sequence, Outcome)>) {
        let mut state = self.lock();
        state.applied = state.applied.max(through);
        self.applied.send_replace(state.applied);
        for (sequence, outcome) in outcomes {
            // A writer that has left is no error.
            let waiting = state.waiting.remove(&sequence).into_iter().flatten();
            waiting.for_each(|writer| drop(writer.send(Some(outcome.clone()))));
            state.outcomes.insert(sequence, outcome);
        }
        while state.outcomes.len() > OUTCOMES_MAX {
            state.outcomes.pop_first();
        }
        if !state.waiting.is_empty() {
            // Of places at which there is no record.
            let passed: Vec<_> =
                state.waiting.keys().copied().filter(|sequence| *sequence <= through).collect();
            for sequence in passed {
                let waiting = state.waiting.remove(&sequence).into_iter().flatten();
                waiting.for_each(|writer| drop(writer.send(None)));
            }
        }
    }

    /// The database is made anew: what came of records at places that the log may give again is not known any more.
    pub(crate) fn begin_anew(&self) {
        let mut state = self.lock();
        state.applied = Sequence::ZERO;
        self.applied.send_replace(Sequence::ZERO);
        state.outcomes.clear();
        drop(state);
        self.note(Sequence::ZERO);
    }

    /// The database has this place.
    pub(crate) fn note(&self, place: Sequence) {
        self.noted.send_replace(place);
    }

    /// The place that the database had last.
    pub(crate) fn noted_now(&self) -> Sequence {
        *self.noted.borrow()
    }

    /// Waits until the projection has come to a place. Cancel safe.
    pub(crate) async fn applied(&self, place: Sequence) -> Result<(), Stopped> {
        let mut applied = self.applied.subscribe();
        applied.wait_for(|applied| *applied >= place).await.map(drop).map_err(|_| Stopped)
    }

    /// Waits until the database has a place. The error says that the projection has stopped.
    pub(crate) async fn noted(&self, place: Sequence) -> Result<(), Stopped> {
        let mut noted = self.noted.subscribe();
        noted.wait_for(|noted| *noted >= place).await.map(drop).map_err(|_| Stopped)
    }

    /// Waits until the projection has come to a place, and returns what came of the record there; none if that is not known any more.
    /// The error says that the projection has stopped.
    pub(crate) async fn outcome(&self, at: Sequence) -> Result<Option<Outcome>, Stopped> {
        let mut waiting = {
            let mut state = self.lock();
            if at <= state.applied {
                return Ok(state.outcomes.get(&at).cloned());
            }
            if state.is_over {
                return Err(Stopped);
            }
            let (sender, receiver) = oneshot::channel();
            state.waiting.entry(at).or_default().push(sender);
            Waiting { progress: self, at, receiver: Some(receiver) }
        };
        match &mut waiting.receiver {
            Some(receiver) => receiver.await.map_err(|_| Stopped),
            None => Err(Stopped),
        }
    }

    /// The sequence that the projection has come to, and the number of records whose writers wait for it.
    pub(crate) fn numbers(&self) -> (u64, u64) {
        let state = self.lock();
        (state.applied.0, state.waiting.len() as u64)
    }

    /// Nothing comes any more.
    pub(crate) fn stop(&self) {
        let mut state = self.lock();
        state.is_over = true;
        state.waiting.clear();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A writer that waits. When it leaves, nothing of it stays, however long the projection takes.
struct Waiting<'a> {
    progress: &'a Progress,
    at: Sequence,
    receiver: Option<oneshot::Receiver<Option<Outcome>>>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.progress.lock();
        // Its sender is closed then.
        self.receiver = None;
        if let Entry::Occupied(mut senders) = state.waiting.entry(self.at) {
            senders.get_mut().retain(|sender| !sender.is_closed());
            if senders.get().is_empty() {
                senders.remove();
            }
        }
    }
}

/// The projection has stopped.
#[derive(Debug)]
pub(crate) struct Stopped;

#[cfg(test)]
mod tests {
    use tokio::time::{Duration, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn of_a_writer_that_leaves_nothing_stays() {
        let progress = Progress::default();
        let stays = progress.outcome(Sequence(8));
        tokio::pin!(stays);
        assert!(timeout(Duration::ZERO, &mut stays).await.is_err());

        for sequence in [7, 8, 9] {
            let left = timeout(Duration::from_secs(1), progress.outcome(Sequence(sequence))).await;
            assert!(left.is_err());
        }

        assert_eq!(progress.numbers(), (0, 1));
        progress.came_to(Sequence(8), Vec::new());
        assert!(stays.await.is_ok_and(|outcome| outcome.is_none()));
    }
}
