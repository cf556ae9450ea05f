//! The post: what reaches a lane from other threads, and the bell that wakes it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mio::Waker;
use tidings_core::ring::Watcher;

use super::catch_up::Caught;
use super::lanes::Parked;

/// A letter to a lane. There are at most as many as connections: each is parked once, and reads one page at a time.
pub(super) enum Letter {
    /// A connection to take over.
    Park(Box<Parked>),
    /// What the store held for those whom the rings left behind.
    Caught(Caught),
    /// End all connections, spread over a time.
    Drain(std::time::Duration),
    /// No connection will come any more.
    End,
}

/// Shared by a lane and all who write to it.
pub(super) struct Post {
    waker: Waker,
    /// Set while the lane is sure to look: rings the bell once, however much comes.
    rung: AtomicBool,
    letters: Mutex<Vec<Letter>>,
    moved: Mutex<Moved>,
}

/// Groups whose rings have moved, each once.
#[derive(Default)]
struct Moved {
    groups: Vec<usize>,
    listed: Vec<bool>,
}

impl Post {
    pub(super) fn new(waker: Waker) -> Arc<Self> {
        Arc::new(Self {
            waker,
            rung: AtomicBool::new(false),
            letters: Mutex::default(),
            moved: Mutex::default(),
        })
    }

    pub(super) fn send(&self, letter: Letter) {
        lock(&self.letters).push(letter);
        self.ring();
    }

    /// Takes all that has come. Whatever comes later rings again.
    pub(super) fn collect(&self, letters: &mut Vec<Letter>, groups: &mut Vec<usize>) {
        self.rung.store(false, Ordering::SeqCst);
        letters.append(&mut lock(&self.letters));
        let mut moved = lock(&self.moved);
        for group in &moved.groups {
            groups.push(*group);
        }
        moved.clear();
    }

    fn ring(&self) {
        if !self.rung.swap(true, Ordering::SeqCst) && self.waker.wake().is_err() {
            // The lane looks at every tick anyway.
            self.rung.store(false, Ordering::SeqCst);
        }
    }
}

impl Watcher for Post {
    fn ring_moved(&self, group: usize) {
        lock(&self.moved).list(group);
        self.ring();
    }
}

impl Moved {
    fn list(&mut self, group: usize) {
        if self.listed.len() <= group {
            self.listed.resize(group + 1, false);
        }
        if !std::mem::replace(&mut self.listed[group], true) {
            self.groups.push(group);
        }
    }

    fn clear(&mut self) {
        for group in self.groups.drain(..) {
            self.listed[group] = false;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
