//! The window: the newest frames of the whole log, in memory, sorted into rings by selector.
//!
//! One bound in bytes holds for all rings together, whatever is subscribed. Every topic with a frame in the window has its
//! ring, so a subscriber of topics may join anywhere in the window without a read of the store. A pattern that somebody
//! watches has [`News`]: the places of its newest matches, from the moment on at which the first subscriber asked for it.
//! Who joins further back, or falls behind, looks at the frames one after the other, a slice at a time.
//!
//! Two places describe it. All events after `floor` and up to `head` are here, and nothing after `head` may be
//! handed out. A reader takes `head` before it looks into rings and `floor` after: frames are pushed before `head`
//! moves, and `floor` moves before frames are evicted.
//!
//! A new epoch may cut off the newest frames, and then `head` goes back. A reader compares the window's epoch with its
//! cursor's before and after it looks: the epoch moves before frames are cut off. Meanwhile `floor` is out of reach, so
//! that no reader takes frames of the old epoch for the new one.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::event::{Cursor, Epoch, EpochStatus, Line, Sequence};
use crate::limits::{LINE_EPOCHS_MAX, PUSH_STEPS_MAX};
use crate::live::encoding::EncodingsInUse;
use crate::live::frame::Frame;
use crate::live::moved::Moved;
use crate::live::ring::Watcher;
use crate::live::rings::{Attachment, Rings};
use crate::select::Selector;

pub(crate) struct Window {
    bytes_max: usize,
    epoch: AtomicU64,
    floor: AtomicU64,
    head: AtomicU64,
    closed: AtomicBool,
    rings: Mutex<Rings>,
    encodings: Arc<EncodingsInUse>,
}

impl Window {
    /// An empty window after a place, of which the feed makes these encodings.
    pub(crate) fn encoding(after: Cursor, bytes_max: usize, encodings: Arc<EncodingsInUse>) -> Self {
        Self {
            bytes_max,
            epoch: AtomicU64::new(after.epoch.0),
            floor: AtomicU64::new(after.sequence.0),
            head: AtomicU64::new(after.sequence.0),
            closed: AtomicBool::new(false),
            rings: Mutex::new(Rings::new(Line::new(after.epoch))),
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

    /// Goes on in another epoch: frames after the place where it begins are cut off.
    pub(crate) async fn begin_epoch(&self, begins: Cursor) {
        let all = {
            let mut rings = self.rings();
            self.change_epoch(&mut rings, begins);
            rings.all()
        };
        all.wake_each_once().await;
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
    pub(crate) async fn restart(&self, after: Cursor) {
        let all = self.empty(after);
        all.wake_each_once().await;
    }

    fn empty(&self, after: Cursor) -> Moved {
        let mut rings = self.rings();
        // First the floor: nobody may take what is here for what comes after the place.
        self.floor.store(u64::MAX, Ordering::Release);
        if after.epoch != self.epoch() {
            // Where the epochs before ended is unknown: their readers must ask the store.
            self.epoch.store(after.epoch.0, Ordering::Release);
            rings.line = Line::new(after.epoch);
        }
        while self.evict_oldest(&mut rings) {}
        rings.patterns.all().for_each(|news| news.restart(after.sequence));
        self.head.store(after.sequence.0, Ordering::Release);
        self.floor.store(after.sequence.0, Ordering::Release);
        rings.all()
    }

    /// No more frames will come: every subscription ends after those that are here.
    pub(crate) async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        let all = self.rings().all();
        all.wake_each_once().await;
    }

    /// Registers a watcher with each of some selectors.
    pub(crate) fn attach<'a>(
        &self,
        selectors: impl Iterator<Item = &'a Selector>,
        watcher: &Arc<dyn Watcher>,
        key: usize,
    ) -> Vec<Attachment> {
        let mut rings = self.rings();
        // From the newest frame on, which may stand after the head: it is being pushed, and has passed this pattern over.
        let newest = rings.frames.newest().unwrap_or_default().max(self.head());
        let attach = |selector: &Selector| {
            let source = rings.source(selector, newest);
            let registration = source.watchers().add(watcher.clone(), key);
            Attachment { source, registration: registration as u32 }
        };
        selectors.map(attach).collect()
    }

    /// Takes watchers back, and drops what nobody watches and what holds no frames. In the order of
    /// [`attach`](Self::attach).
    pub(crate) fn detach<'a>(
        &self,
        selectors: impl Iterator<Item = &'a Selector>,
        attachments: &[Attachment],
    ) {
        let mut rings = self.rings();
        for (selector, attachment) in selectors.zip(attachments) {
            attachment.source.watchers().remove(attachment.registration as usize);
            rings.release(selector, &attachment.source);
        }
    }

    /// Bytes that its frames are counted with.
    pub(crate) fn bytes(&self) -> usize {
        self.rings().frames.bytes
    }

    /// How many frames there are after a place.
    pub(crate) fn frames_after(&self, place: Sequence) -> usize {
        self.rings().frames.count_after(place)
    }

    /// The first frames after a place and up to another, at most so many. None if the window does not hold all of them.
    pub(crate) fn slice(&self, after: Cursor, through: Sequence, count: usize) -> Option<Vec<Frame>> {
        let rings = self.rings();
        let is_held = self.epoch() == after.epoch && self.floor() <= after.sequence;
        let frames = rings.frames.after(after.sequence).take_while(|frame| frame.sequence() <= through);
        is_held.then(|| frames.take(count).cloned().collect())
    }

    /// The frames at some places until `bytes_max` is reached, at least one. One that was evicted is left out.
    pub(crate) fn at(&self, places: &[Sequence], bytes_max: usize) -> Vec<Frame> {
        let rings = self.rings();
        let mut bytes = 0;
        let has_room = |frame: &&Frame| {
            let has_room = bytes == 0 || bytes < bytes_max;
            bytes += frame.bytes();
            has_room
        };
        let frames = places.iter().filter_map(|place| rings.frames.get(*place));
        frames.take_while(has_room).cloned().collect()
    }

    /// Moves the head to the newest frame, and drops old frames. True if there are more to drop.
    pub(super) fn advance(&self, rings: &mut Rings) -> bool {
        if let Some(newest) = rings.frames.newest() {
            self.head.store(newest.0, Ordering::Release);
        }
        self.shrink(rings)
    }

    /// Drops old frames, a slice of them. True if there are more to drop.
    pub(super) fn shrink(&self, rings: &mut Rings) -> bool {
        // The newest frame stays, whatever its size.
        let is_too_large = |rings: &Rings| rings.frames.bytes > self.bytes_max && rings.frames.len() > 1;
        for _ in 0..PUSH_STEPS_MAX {
            if !is_too_large(rings) {
                return false;
            }
            self.evict_oldest(rings);
        }
        is_too_large(rings)
    }

    /// Drops the oldest frame; false if there is none.
    fn evict_oldest(&self, rings: &mut Rings) -> bool {
        let Some(oldest) = rings.frames.oldest() else { return false };
        self.floor.fetch_max(oldest.0, Ordering::AcqRel);
        rings.drop_oldest();
        true
    }

    pub(super) fn rings(&self) -> MutexGuard<'_, Rings> {
        self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
