//! The window: the newest frames of the whole log, in memory, sorted into rings by selector.
//!
//! One bound in bytes holds for all rings together. Every topic with a frame in the window has its ring, so a
//! subscriber may join anywhere in the window without a read of the store; a ring for a pattern is made from the
//! window when the first subscriber asks for it.
//!
//! Two places describe it. All events after `floor` and up to `head` are here, and nothing after `head` may be
//! handed out. A reader takes `head` before it looks into rings and `floor` after: frames are pushed before `head`
//! moves, and `floor` moves before frames are evicted.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::event::Event;
use crate::event::cursor::{Epoch, Sequence};
use crate::event::topic::Topic;
use crate::live::frame::Frame;
use crate::live::ring::{Ring, Watcher};
use crate::select::selector::{Pattern, Selector};

pub(crate) struct Window {
    epoch: Epoch,
    bytes_max: usize,
    floor: AtomicU64,
    head: AtomicU64,
    closed: AtomicBool,
    rings: Mutex<Rings>,
}

#[derive(Default)]
struct Rings {
    frames: VecDeque<(Topic, Frame)>,
    bytes: usize,
    topics: HashMap<Topic, Arc<Ring>>,
    patterns: HashMap<Pattern, Arc<Ring>>,
}

/// What a window counts for a frame beside its bytes: entries in two queues, the shared header.
const FRAME_OVERHEAD_BYTES: usize = 160;

impl Window {
    /// An empty window after a place.
    pub(crate) fn new(epoch: Epoch, after: Sequence, bytes_max: usize) -> Self {
        Self {
            epoch,
            bytes_max,
            floor: AtomicU64::new(after.0),
            head: AtomicU64::new(after.0),
            closed: AtomicBool::new(false),
            rings: Mutex::default(),
        }
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.epoch
    }

    pub(crate) fn floor(&self) -> Sequence {
        Sequence(self.floor.load(Ordering::Acquire))
    }

    pub(crate) fn head(&self) -> Sequence {
        Sequence(self.head.load(Ordering::Acquire))
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Takes the next events of the log, in order and without a hole, and wakes who waits for them.
    pub(crate) fn push(&self, batch: &[Event]) {
        let Some(last) = batch.last() else { return };
        // Encoding is the costly part, and needs no lock.
        let frames: Vec<_> = batch.iter().map(|event| Frame::encode(event, self.epoch)).collect();
        let mut moved = Vec::new();
        let mut rings = self.rings();
        for (event, frame) in batch.iter().zip(frames) {
            rings.push(event.draft.topic(), frame, &mut moved);
        }
        self.head.store(last.sequence.0, Ordering::Release);
        self.shrink(&mut rings);
        drop(rings);
        wake_each_once(moved);
    }

    /// Begins again after a place, empty: the log has a hole before it.
    pub(crate) fn restart(&self, after: Sequence) {
        let mut rings = self.rings();
        // First the floor: whoever sees the new head must see that what is before it is not here.
        self.floor.store(after.0, Ordering::Release);
        while rings.frames.front().is_some() {
            self.evict_oldest(&mut rings);
        }
        self.head.store(after.0, Ordering::Release);
        let all = rings.all();
        drop(rings);
        wake_each_once(all);
    }

    /// No more frames will come: every subscription ends after those that are here.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        let all = self.rings().all();
        wake_each_once(all);
    }

    /// The ring of a selector, with a watcher registered in it.
    pub(crate) fn attach(
        self: &Arc<Self>,
        selector: &Selector,
        watcher: Arc<dyn Watcher>,
        key: usize,
    ) -> Attachment {
        let mut rings = self.rings();
        let ring = match selector {
            Selector::Topic(topic) => rings.topics.entry(topic.clone()).or_default().clone(),
            Selector::Pattern(pattern) => rings.of_pattern(pattern),
        };
        let registration = ring.watch(watcher, key);
        drop(rings);
        Attachment { window: self.clone(), selector: selector.clone(), ring, registration }
    }

    fn shrink(&self, rings: &mut Rings) {
        // The newest frame stays, whatever its size.
        while rings.bytes > self.bytes_max && rings.frames.len() > 1 {
            self.evict_oldest(rings);
        }
    }

    fn evict_oldest(&self, rings: &mut Rings) {
        let Some((topic, frame)) = rings.frames.pop_front() else { return };
        self.floor.fetch_max(frame.sequence.0, Ordering::AcqRel);
        rings.bytes -= frame.len() + FRAME_OVERHEAD_BYTES;
        rings.evict(&topic, frame.sequence);
    }

    fn rings(&self) -> MutexGuard<'_, Rings> {
        self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rings {
    fn push(&mut self, topic: &Topic, frame: Frame, moved: &mut Vec<Arc<Ring>>) {
        let own = self.topics.entry(topic.clone()).or_default();
        let matching =
            self.patterns.iter().filter(|(pattern, _)| pattern.matches(topic)).map(|(_, ring)| ring);
        for ring in matching.chain([&*own]) {
            ring.push(frame.clone());
            moved.push(ring.clone());
        }
        self.bytes += frame.len() + FRAME_OVERHEAD_BYTES;
        self.frames.push_back((topic.clone(), frame));
    }

    fn of_pattern(&mut self, pattern: &Pattern) -> Arc<Ring> {
        if let Some(ring) = self.patterns.get(pattern) {
            return ring.clone();
        }
        let ring = Arc::new(Ring::default());
        for (_, frame) in self.frames.iter().filter(|(topic, _)| pattern.matches(topic)) {
            ring.push(frame.clone());
        }
        self.patterns.insert(pattern.clone(), ring.clone());
        ring
    }

    fn evict(&mut self, topic: &Topic, through: Sequence) {
        if let Some(ring) = self.topics.get(topic) {
            ring.evict(through);
            if ring.is_idle() {
                self.topics.remove(topic);
            }
        }
        for (_, ring) in self.patterns.iter().filter(|(pattern, _)| pattern.matches(topic)) {
            ring.evict(through);
        }
    }

    /// Forgets a ring that nobody watches, unless it is a topic's and still holds frames.
    fn release(&mut self, selector: &Selector, ring: &Ring) {
        match selector {
            Selector::Topic(topic) => {
                if ring.is_idle() {
                    self.topics.remove(topic);
                }
            }
            Selector::Pattern(pattern) => {
                if !ring.is_watched() {
                    self.patterns.remove(pattern);
                }
            }
        }
    }

    fn all(&self) -> Vec<Arc<Ring>> {
        self.topics.values().chain(self.patterns.values()).cloned().collect()
    }
}

fn wake_each_once(mut moved: Vec<Arc<Ring>>) {
    moved.sort_unstable_by_key(Arc::as_ptr);
    moved.dedup_by(|one, other| Arc::ptr_eq(one, other));
    for ring in moved {
        ring.wake();
    }
}

/// A watcher's place in a ring. Dropping it leaves the ring, and drops the ring if it was the last.
pub(crate) struct Attachment {
    window: Arc<Window>,
    selector: Selector,
    registration: usize,
    pub(crate) ring: Arc<Ring>,
}

impl Drop for Attachment {
    fn drop(&mut self) {
        let mut rings = self.window.rings();
        self.ring.unwatch(self.registration);
        rings.release(&self.selector, &self.ring);
    }
}
