//! Large frames that readers keep in memory because they do not read.
//!
//! A reader in the middle of a large frame keeps it, also after the window has evicted it. The frames that are kept so are
//! counted, each once however many readers share it, over all lanes and tasks; readers that each had the event from the
//! store share the copy of the first. When there are too many, the slowest readers are told to let go: they end, and come
//! back. A frame goes only with all its readers, so it counts as fast as its fastest.

mod progress;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use slab::Slab;
use tidings_core::Cursor;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::progress::{Pace, Progress};
use crate::limits::UNREAD_GRACE_SHARE;
use crate::stream::Encoder;
use crate::stream::gzip::Packing;

/// Which frame it is: the bytes of an event are the same for all readers that have it in one encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct FrameKey {
    pub(crate) cursor: Cursor,
    pub(crate) encoder: Encoder,
    pub(crate) packing: Packing,
}

/// What is kept under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    /// An event, for all its readers.
    Event(FrameKey),
    /// Bytes that were made for one reader, such as the changes of an inbox. No other reader may ever be given them.
    Own(u64),
}

/// All frames that are kept. Cloning shares them.
#[derive(Debug, Clone)]
pub(crate) struct UnreadFrames(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    bytes_max: usize,
    frames: Mutex<Frames>,
    /// How often readers were told to let go, for those that look from time to time.
    calls: AtomicU64,
}

#[derive(Debug, Default)]
struct Frames {
    by_key: HashMap<Key, Frame>,
    bytes: usize,
    /// Bytes of frames whose readers were told to let go.
    bytes_leaving: usize,
    /// Frames that ever came.
    arrived: u64,
}

#[derive(Debug)]
struct Frame {
    bytes: Bytes,
    readers: Slab<Arc<Progress>>,
    /// The order in which frames came to be kept.
    number: u64,
    let_go: CancellationToken,
}

/// A frame that one reader keeps; given back when dropped.
#[derive(Debug)]
pub(crate) struct KeptFrame {
    unread: UnreadFrames,
    key: Key,
    /// Its reader's place among those of the frame.
    reader: usize,
    progress: Arc<Progress>,
    let_go: CancellationToken,
}

impl UnreadFrames {
    pub(crate) fn new(bytes_max: usize) -> Self {
        let (frames, calls) = (Mutex::default(), AtomicU64::new(0));
        Self(Arc::new(Shared { bytes_max, frames, calls }))
    }

    /// Counts a whole frame for as long as a reader keeps it. The bytes are those that all its readers share; the
    /// reader should forget its own.
    pub(crate) fn keep(&self, key: FrameKey, frame: Bytes) -> (Bytes, KeptFrame) {
        self.keep_by(|_| Key::Event(key), frame)
    }

    /// Counts bytes that were made for one reader, for as long as it keeps them.
    pub(crate) fn keep_own(&self, bytes: Bytes) -> (Bytes, KeptFrame) {
        self.keep_by(Key::Own, bytes)
    }

    /// `key` makes the name of a number that no frame has had.
    fn keep_by(&self, key: impl FnOnce(u64) -> Key, frame: Bytes) -> (Bytes, KeptFrame) {
        let progress = Arc::new(Progress::begin());
        let mut frames = self.lock();
        let arrived = frames.arrived;
        let key = key(arrived + 1);
        let (bytes, reader, let_go) = frames.add_reader(key, frame, progress.clone());
        if frames.arrived > arrived && frames.make_room(self.0.bytes_max) {
            // A lane that sees the number must see the tokens cancelled, too: it looks at them once for each number.
            self.0.calls.fetch_add(1, Ordering::Release);
        }
        drop(frames);
        (bytes, KeptFrame { unread: self.clone(), key, reader, progress, let_go })
    }

    /// How often readers were told to let go.
    pub(crate) fn calls(&self) -> u64 {
        self.0.calls.load(Ordering::Acquire)
    }

    /// Bytes of frames that are kept, also by readers that were told to let go.
    pub(crate) fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// Beyond so many bytes, readers are told to let go.
    pub(crate) fn bytes_max(&self) -> usize {
        self.0.bytes_max
    }

    fn lock(&self) -> MutexGuard<'_, Frames> {
        self.0.frames.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Frames {
    fn add_reader(
        &mut self,
        key: Key,
        bytes: Bytes,
        progress: Arc<Progress>,
    ) -> (Bytes, usize, CancellationToken) {
        let (total, arrived) = (&mut self.bytes, &mut self.arrived);
        let frame = self.by_key.entry(key).or_insert_with(|| {
            *total += bytes.len();
            *arrived += 1;
            Frame { bytes, readers: Slab::new(), number: *arrived, let_go: CancellationToken::new() }
        });
        let reader = frame.readers.insert(progress);
        (frame.bytes.clone(), reader, frame.let_go.clone())
    }

    fn remove_reader(&mut self, key: Key, reader: usize) {
        let Some(frame) = self.by_key.get_mut(&key) else { return };
        frame.readers.try_remove(reader);
        if !frame.readers.is_empty() {
            return;
        }
        self.bytes -= frame.bytes.len();
        if frame.let_go.is_cancelled() {
            self.bytes_leaving -= frame.bytes.len();
        }
        self.by_key.remove(&key);
    }

    /// Tells the slowest readers to let go until the others have room: those that take nothing once half of it is used
    /// and their grace is over, and any of them once it is full. The newest frame stays, whatever its size. Says whether
    /// anybody was told.
    fn make_room(&mut self, bytes_max: usize) -> bool {
        let staying = |frames: &Self| frames.bytes - frames.bytes_leaving;
        if staying(self) <= bytes_max / UNREAD_GRACE_SHARE {
            return false;
        }
        let now = Instant::now();
        let kept = self.by_key.values().filter(|frame| !frame.let_go.is_cancelled());
        let mut slowest_first: Vec<_> = kept
            .map(|frame| (frame.pace(now), frame.number, frame.bytes.len(), frame.let_go.clone()))
            .filter(|(_, number, ..)| *number != self.arrived)
            .collect();
        slowest_first.sort_unstable_by_key(|(pace, number, ..)| (*pace, *number));
        let mut told = false;
        for (pace, _, bytes, let_go) in slowest_first {
            let is_full = staying(self) > bytes_max;
            if !is_full && (pace > Pace::Stalled || staying(self) <= bytes_max / UNREAD_GRACE_SHARE) {
                break;
            }
            self.bytes_leaving += bytes;
            let_go.cancel();
            told = true;
        }
        told
    }
}

impl Frame {
    /// The pace of its fastest reader.
    fn pace(&self, now: Instant) -> Pace {
        let paces = self.readers.iter().map(|(_, progress)| progress.pace(now));
        paces.max().unwrap_or(Pace::Stalled)
    }
}

impl KeptFrame {
    /// Its reader has taken so many bytes more. No lock: a lane does this whenever a socket takes a part of the frame.
    pub(crate) fn took(&self, bytes: usize) {
        self.progress.took(bytes);
    }

    /// Its reader was told to let go.
    pub(crate) fn must_be_let_go(&self) -> bool {
        self.let_go.is_cancelled()
    }

    /// Is cancelled when its reader must let go.
    pub(crate) fn let_go(&self) -> &CancellationToken {
        &self.let_go
    }
}

impl Drop for KeptFrame {
    fn drop(&mut self) {
        self.unread.lock().remove_reader(self.key, self.reader);
    }
}

#[cfg(test)]
mod tests;
