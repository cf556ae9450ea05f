//! What publishers, subscribers and the conductor tell each other. Each number has one writer.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};

use super::plan::Soak;

/// What is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Everybody does as planned.
    Load,
    /// Subscribers have no more whims and come back; publishers go on.
    Settle,
    /// Publishers send one more event to each topic and end.
    Last,
    /// All is published: subscribers hear the rest and end.
    Judge,
    /// Something failed: everybody ends.
    Broken,
}

pub(super) struct World<'a> {
    pub(super) plan: &'a Soak,
    pub(super) address: SocketAddr,
    stage: Mutex<Stage>,
    /// Number of the newest acknowledged event, by topic.
    acknowledged: Vec<AtomicU64>,
    /// Answers that said: this was published before.
    pub(super) replayed: AtomicU64,
    /// Hubs that have ended.
    pub(super) ended: AtomicUsize,
    /// Restarts that were announced, and those of which the subscribers took note.
    pub(super) announced: AtomicUsize,
    pub(super) noted: AtomicUsize,
    /// Subscribers that a restart cut off and that are not back.
    pub(super) cut_off: AtomicUsize,
    /// Subscribers that have no stream.
    pub(super) away: AtomicUsize,
}

impl<'a> World<'a> {
    pub(super) fn new(plan: &'a Soak, address: SocketAddr) -> Self {
        Self {
            plan,
            address,
            stage: Mutex::new(Stage::Load),
            acknowledged: (0..plan.topics).map(|_| AtomicU64::new(0)).collect(),
            replayed: AtomicU64::new(0),
            ended: AtomicUsize::new(0),
            announced: AtomicUsize::new(0),
            noted: AtomicUsize::new(0),
            cut_off: AtomicUsize::new(0),
            away: AtomicUsize::new(plan.subscribers),
        }
    }

    /// Does something; if it fails, all others end too.
    pub(super) fn guard<T>(&self, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let done = act();
        if done.is_err() {
            self.enter(Stage::Broken);
        }
        done
    }

    /// Begins a stage. What is broken stays so.
    pub(super) fn enter(&self, stage: Stage) {
        let mut current = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        if *current != Stage::Broken {
            *current = stage;
        }
    }

    pub(super) fn acknowledge(&self, topic: usize, number: u64) {
        self.acknowledged[topic].store(number, SeqCst);
    }

    pub(super) fn stage(&self) -> Stage {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest acknowledged event of a topic. At most one more is published.
    pub(super) fn acknowledged(&self, topic: usize) -> u64 {
        self.acknowledged[topic].load(SeqCst)
    }

    /// All events that were acknowledged.
    pub(super) fn published(&self) -> u64 {
        self.acknowledged.iter().map(|number| number.load(SeqCst)).sum()
    }
}
