//! The window: the newest frames of the whole log, in memory, sorted into rings by selector.
//!
//! One bound in bytes holds for all rings together. Every topic with a frame in the window has its ring, so a
//! subscriber may join anywhere in the window without a read of the store; a ring for a pattern is made from the
//! window when the first subscriber asks for it.
//!
//! Two places describe it. All events after `floor` and up to `head` are here, and nothing after `head` may be
//! handed out. A reader takes `head` before it looks into rings and `floor` after: frames are pushed before `head`
//! moves, and `floor` moves before frames are evicted.
//!
//! A new epoch may cut off the newest frames, and then `head` goes back. A reader compares the window's epoch with its
//! cursor's before and after it looks: the epoch moves before frames are cut off. Meanwhile `floor` is out of reach, so
//! that no reader takes frames of the old epoch for the new one.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::event::{Cursor, Epoch, EpochStatus, Event, Line, Sequence, Topic};
use crate::limits::LINE_EPOCHS_MAX;
use crate::live::encoding::EncodingsInUse;
use crate::live::frame::Frame;
use crate::live::ring::{Ring, Watcher};
use crate::select::{Pattern, Selector};

pub(crate) struct Window {
    bytes_max: usize,
    epoch: AtomicU64,
    floor: AtomicU64,
    head: AtomicU64,
    closed: AtomicBool,
    rings: Mutex<Rings>,
    encodings: Arc<EncodingsInUse>,
}

struct Rings {
    line: Line,
    frames: VecDeque<Frame>,
    bytes: usize,
    topics: HashMap<Topic, Arc<Ring>>,
    patterns: HashMap<Pattern, Arc<Ring>>,
}

impl Window {
    /// An empty window after a place, of which the feed makes these encodings.
    pub(crate) fn encoding(after: Cursor, bytes_max: usize, encodings: Arc<EncodingsInUse>) -> Self {
        let rings = Rings {
            line: Line::new(after.epoch),
            frames: VecDeque::new(),
            bytes: 0,
            topics: HashMap::new(),
            patterns: HashMap::new(),
        };
        Self {
            bytes_max,
            epoch: AtomicU64::new(after.epoch.0),
            floor: AtomicU64::new(after.sequence.0),
            head: AtomicU64::new(after.sequence.0),
            closed: AtomicBool::new(false),
            rings: Mutex::new(rings),
            encodings,
        }
    }

    pub(crate) fn epoch(&self) -> Epoch {
        Epoch(self.epoch.load(Ordering::Acquire))
    }

    pub(crate) fn floor(&self) -> Sequence {
        Sequence(self.floor.load(Ordering::Acquire))
    }

    pub(crate) fn head(&self) -> Sequence {
        Sequence(self.head.load(Ordering::Acquire))
    }

    /// The head, in the epoch to which it belongs.
    pub(crate) fn place(&self) -> Cursor {
        // Both change under this lock alone.
        let _rings = self.rings();
        Cursor::new(self.epoch(), self.head())
    }

    /// What the window knows of an epoch, and its own place at that moment.
    pub(crate) fn status_of(&self, epoch: Epoch) -> (EpochStatus, Cursor) {
        let rings = self.rings();
        (rings.line.status_of(epoch), Cursor::new(self.epoch(), self.head()))
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub(crate) fn encodings(&self) -> &Arc<EncodingsInUse> {
        &self.encodings
    }

    /// Takes the next events of the log, in order and without a hole, and wakes the readers that wait for them.
    pub(crate) fn push(&self, batch: &[Event]) {
        let Some(last) = batch.last() else { return };
        // Encoding is the costly part, and needs no lock.
        let encodings = self.encodings.list();
        let frames = Frame::encode_all(batch, &encodings);
        let mut moved = Vec::new();
        let mut rings = self.rings();
        for frame in frames {
            rings.push(frame, &mut moved);
        }
        self.head.store(last.cursor.sequence.0, Ordering::Release);
        self.shrink(&mut rings);
        drop(rings);
        wake_each_once(moved);
    }

    /// Goes on in another epoch: frames after the place where it begins are cut off.
    pub(crate) fn begin_epoch(&self, begins: Cursor) {
        let mut rings = self.rings();
        self.change_epoch(&mut rings, begins);
        let all = rings.all();
        drop(rings);
        wake_each_once(all);
    }

    /// The same while the window is filled with the past, and nobody reads it: ten thousand lives of a log are ten thousand
    /// epochs.
    pub(crate) fn load_epoch(&self, begins: Cursor) {
        self.change_epoch(&mut self.rings(), begins);
    }

    fn change_epoch(&self, rings: &mut Rings, begins: Cursor) {
        let floor = self.floor().min(begins.sequence);
        // First the floor, as high as can be: a reader that the store has told of the new epoch must not take frames of
        // the old one for it. Then the epoch: a reader that misses frames must see why.
        self.floor.store(u64::MAX, Ordering::Release);
        self.epoch.store(begins.epoch.0, Ordering::Release);
        rings.line.begin(begins.epoch, begins.sequence);
        rings.line.forget_all_but(LINE_EPOCHS_MAX);
        rings.cut(begins.sequence);
        self.head.store(begins.sequence.0, Ordering::Release);
        self.floor.store(floor.0, Ordering::Release);
    }

    /// Begins again after a place, empty: the log has a hole before it.
    pub(crate) fn restart(&self, after: Cursor) {
        let mut rings = self.rings();
        // First the floor: nobody may take what is here for what comes after the place.
        self.floor.store(u64::MAX, Ordering::Release);
        if after.epoch != self.epoch() {
            // Where the epochs before ended is unknown: their readers must ask the store.
            self.epoch.store(after.epoch.0, Ordering::Release);
            rings.line = Line::new(after.epoch);
        }
        while rings.frames.front().is_some() {
            self.evict_oldest(&mut rings);
        }
        self.head.store(after.sequence.0, Ordering::Release);
        self.floor.store(after.sequence.0, Ordering::Release);
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
        let Some(frame) = rings.frames.pop_front() else { return };
        self.floor.fetch_max(frame.sequence().0, Ordering::AcqRel);
        rings.bytes -= frame.bytes_held();
        let topic = frame.event().draft.topic();
        rings.each_of(topic, |ring| ring.evict(frame.sequence()));
        rings.forget_if_idle(topic);
    }

    fn rings(&self) -> MutexGuard<'_, Rings> {
        self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rings {
    fn push(&mut self, mut frame: Frame, moved: &mut Vec<Arc<Ring>>) {
        // Each publish brings its topic's text anew; all events of a topic share one.
        match self.topics.get_key_value(frame.event().draft.topic()) {
            Some((known, _)) => frame.share_topic(known),
            None => drop(self.topics.insert(frame.event().draft.topic().clone(), Arc::default())),
        }
        let topic = frame.event().draft.topic();
        self.each_of(topic, |ring| {
            ring.push(frame.clone());
            moved.push(ring.clone());
        });
        self.bytes += frame.bytes_held();
        self.frames.push_back(frame);
    }

    /// Drops the newest frames, back to a place.
    fn cut(&mut self, after: Sequence) {
        while let Some(frame) = self.frames.pop_back_if(|frame| frame.sequence() > after) {
            self.bytes -= frame.bytes_held();
            let topic = frame.event().draft.topic();
            self.each_of(topic, |ring| ring.cut(after));
            self.forget_if_idle(topic);
        }
    }

    /// The rings that hold, or will hold, the frames of a topic.
    fn each_of(&self, topic: &Topic, mut visit: impl FnMut(&Arc<Ring>)) {
        let matching = self.patterns.iter().filter(|(pattern, _)| pattern.matches(topic));
        for ring in matching.map(|(_, ring)| ring).chain(self.topics.get(topic)) {
            visit(ring);
        }
    }

    fn forget_if_idle(&mut self, topic: &Topic) {
        if self.topics.get(topic).is_some_and(|ring| ring.is_idle()) {
            self.topics.remove(topic);
        }
    }

    fn of_pattern(&mut self, pattern: &Pattern) -> Arc<Ring> {
        if let Some(ring) = self.patterns.get(pattern) {
            return ring.clone();
        }
        let ring = Arc::new(Ring::default());
        for frame in self.frames.iter().filter(|frame| pattern.matches(frame.event().draft.topic())) {
            ring.push(frame.clone());
        }
        self.patterns.insert(pattern.clone(), ring.clone());
        ring
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
