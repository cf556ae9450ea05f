//! Large frames that readers keep in memory because they do not read.
//!
//! A reader in the middle of a large frame keeps it, also after the window has evicted it. The frames that are kept so are
//! counted, each once however many readers share it, over all lanes and tasks; readers that each had the event from the
//! store share the copy of the first. When there are too many, those that were kept for longest are let go: their readers
//! are told, end, and come back.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tidings_core::Cursor;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::limits::{UNREAD_GRACE, UNREAD_GRACE_SHARE};
use crate::stream::Encoder;

/// Which frame it is: the bytes of an event are the same for all readers that have it in one encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct FrameKey {
    pub(crate) cursor: Cursor,
    pub(crate) encoder: Encoder,
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
    by_key: HashMap<FrameKey, Frame>,
    bytes: usize,
    /// Bytes of frames whose readers were told to let go.
    bytes_leaving: usize,
    /// Frames that ever came.
    arrived: u64,
}

#[derive(Debug)]
struct Frame {
    bytes: Bytes,
    readers: usize,
    /// The order in which frames came to be kept.
    number: u64,
    since: Instant,
    let_go: CancellationToken,
}

/// A frame that one reader keeps; given back when dropped.
#[derive(Debug)]
pub(crate) struct KeptFrame {
    unread: UnreadFrames,
    key: FrameKey,
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
        let mut frames = self.lock();
        let (bytes, let_go) = frames.add_reader(key, frame);
        if frames.make_room(self.0.bytes_max) {
            // A lane that sees the number must see the tokens cancelled, too: it looks at them once for each number.
            self.0.calls.fetch_add(1, Ordering::Release);
        }
        drop(frames);
        (bytes, KeptFrame { unread: self.clone(), key, let_go })
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
    fn add_reader(&mut self, key: FrameKey, bytes: Bytes) -> (Bytes, CancellationToken) {
        let (total, arrived) = (&mut self.bytes, &mut self.arrived);
        let frame = self.by_key.entry(key).or_insert_with(|| {
            *total += bytes.len();
            *arrived += 1;
            let (since, let_go) = (Instant::now(), CancellationToken::new());
            Frame { bytes, readers: 0, number: *arrived, since, let_go }
        });
        frame.readers += 1;
        (frame.bytes.clone(), frame.let_go.clone())
    }

    fn remove_reader(&mut self, key: FrameKey) {
        let Some(frame) = self.by_key.get_mut(&key) else { return };
        frame.readers -= 1;
        if frame.readers > 0 {
            return;
        }
        self.bytes -= frame.bytes.len();
        if frame.let_go.is_cancelled() {
            self.bytes_leaving -= frame.bytes.len();
        }
        self.by_key.remove(&key);
    }

    /// Tells readers of the oldest frames to let go until the others have room. The newest stays, whatever its size, and
    /// so do those that have their grace, unless there are far too many. Says whether anybody was told.
    fn make_room(&mut self, bytes_max: usize) -> bool {
        let now = Instant::now();
        let mut told = false;
        while self.bytes - self.bytes_leaving > bytes_max / UNREAD_GRACE_SHARE {
            let too_many = self.bytes - self.bytes_leaving > bytes_max;
            let staying = || self.by_key.values().filter(|frame| !frame.let_go.is_cancelled());
            let Some(oldest) = staying().min_by_key(|frame| frame.number) else { return told };
            let has_grace = now.saturating_duration_since(oldest.since) < UNREAD_GRACE;
            if staying().count() == 1 || (has_grace && !too_many) {
                return told;
            }
            self.bytes_leaving += oldest.bytes.len();
            oldest.let_go.cancel();
            told = true;
        }
        told
    }
}

impl KeptFrame {
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
        self.unread.lock().remove_reader(self.key);
    }
}

#[cfg(test)]
mod tests {
    use tidings_core::{Epoch, Sequence};
    use tokio::time::advance;

    use super::*;

    fn key(number: u64) -> FrameKey {
        FrameKey { cursor: Cursor::new(Epoch(1), Sequence(number)), encoder: Encoder::Sse }
    }

    fn keep(unread: &UnreadFrames, number: u64, bytes: usize) -> KeptFrame {
        unread.keep(key(number), vec![0; bytes].into()).1
    }

    fn bytes(unread: &UnreadFrames) -> (usize, usize) {
        let frames = unread.lock();
        (frames.bytes, frames.bytes_leaving)
    }

    #[test]
    fn a_frame_is_counted_once_and_readers_share_the_copy_of_the_first() {
        let unread = UnreadFrames::new(100);

        let (first, one) = unread.keep(key(1), vec![0; 60].into());
        let (second, other) = unread.keep(key(1), vec![0; 60].into());

        assert_eq!(first.as_ptr(), second.as_ptr());
        assert_eq!(bytes(&unread), (60, 0));
        assert!(!one.must_be_let_go() && !other.must_be_let_go());
        drop((one, other));
        assert_eq!(bytes(&unread), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn the_frame_that_was_kept_for_longest_is_let_go_by_all_its_readers() {
        let unread = UnreadFrames::new(100);
        let (one, other) = (keep(&unread, 1, 30), keep(&unread, 1, 30));
        advance(UNREAD_GRACE).await;
        let newer = keep(&unread, 2, 20);
        assert_eq!(unread.calls(), 0);

        let newest = keep(&unread, 3, 20);

        let told = [&one, &other, &newer, &newest].map(KeptFrame::must_be_let_go);
        assert_eq!((told, unread.calls()), ([true, true, false, false], 1));
        assert_eq!(bytes(&unread), (70, 30));
        drop((one, other));
        assert_eq!(bytes(&unread), (40, 0));
        drop((newer, newest));
        assert_eq!(bytes(&unread), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_young_frame_is_let_go_only_when_all_room_is_taken() {
        let unread = UnreadFrames::new(100);

        let young: Vec<_> = (1..=5).map(|number| keep(&unread, number, 20)).collect();
        assert!(!young.iter().any(KeptFrame::must_be_let_go));
        let one_more = keep(&unread, 6, 20);

        assert_eq!(young.iter().filter(|frame| frame.must_be_let_go()).count(), 1);
        assert!(young[0].must_be_let_go() && !one_more.must_be_let_go());
    }

    #[test]
    fn one_frame_may_be_larger_than_all_that_are_kept() {
        let unread = UnreadFrames::new(100);

        assert!(!keep(&unread, 1, 1_000).must_be_let_go());
    }
}
