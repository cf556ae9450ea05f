//! Large frames that readers keep in memory because they do not read.
//!
//! A reader in the middle of a large frame holds a slice of it, also after the window has evicted the frame. The frames
//! that are held so are counted, each once however many readers share it, over all lanes and tasks. When there are too
//! many, the one that has been kept for longest is let go: its readers are told, end, and come back for it later.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

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
    /// By where a frame ends in memory: streams of one topic and of several have slices of it that begin at different
    /// bytes, and end at the same.
    by_end: HashMap<usize, Frame>,
    bytes: usize,
    /// Bytes of frames whose readers were told to let go.
    bytes_leaving: usize,
    arrived: u64,
}

#[derive(Debug)]
struct Frame {
    bytes: usize,
    readers: usize,
    /// The order in which frames came to be kept.
    number: u64,
    let_go: CancellationToken,
}

/// A frame that one reader keeps; given back when dropped.
#[derive(Debug)]
pub(crate) struct KeptFrame {
    unread: UnreadFrames,
    end: usize,
    let_go: CancellationToken,
}

impl UnreadFrames {
    pub(crate) fn new(bytes_max: usize) -> Self {
        let (frames, calls) = (Mutex::default(), AtomicU64::new(0));
        Self(Arc::new(Shared { bytes_max, frames, calls }))
    }

    /// Counts a frame for as long as a reader keeps the rest of it. `rest` reaches to the frame's end.
    pub(crate) fn keep(&self, rest: &Bytes) -> KeptFrame {
        let end = rest.as_ptr_range().end as usize;
        let mut frames = self.lock();
        let let_go = frames.add_reader(end, rest.len());
        if frames.make_room(self.0.bytes_max) {
            self.0.calls.fetch_add(1, Ordering::Relaxed);
        }
        drop(frames);
        KeptFrame { unread: self.clone(), end, let_go }
    }

    /// How often readers were told to let go.
    pub(crate) fn calls(&self) -> u64 {
        self.0.calls.load(Ordering::Relaxed)
    }

    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.lock().bytes
    }

    fn lock(&self) -> MutexGuard<'_, Frames> {
        self.0.frames.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Frames {
    fn add_reader(&mut self, end: usize, bytes: usize) -> CancellationToken {
        self.arrived += 1;
        let number = self.arrived;
        let new = || Frame { bytes: 0, readers: 0, number, let_go: CancellationToken::new() };
        let frame = self.by_end.entry(end).or_insert_with(new);
        frame.readers += 1;
        // A reader that is further knows less of the frame than one that has just begun.
        let more = bytes.saturating_sub(frame.bytes);
        frame.bytes += more;
        self.bytes += more;
        if frame.let_go.is_cancelled() {
            self.bytes_leaving += more;
        }
        frame.let_go.clone()
    }

    fn remove_reader(&mut self, end: usize) {
        let Some(frame) = self.by_end.get_mut(&end) else { return };
        frame.readers -= 1;
        if frame.readers > 0 {
            return;
        }
        self.bytes -= frame.bytes;
        if frame.let_go.is_cancelled() {
            self.bytes_leaving -= frame.bytes;
        }
        self.by_end.remove(&end);
    }

    /// Tells readers of the oldest frames to let go until the others have room. The newest stays, whatever its size. Says
    /// whether anybody was told.
    fn make_room(&mut self, bytes_max: usize) -> bool {
        let mut told = false;
        while self.bytes - self.bytes_leaving > bytes_max {
            let staying = || self.by_end.values().filter(|frame| !frame.let_go.is_cancelled());
            let Some(oldest) = staying().min_by_key(|frame| frame.number) else { return told };
            if staying().count() == 1 {
                return told;
            }
            self.bytes_leaving += oldest.bytes;
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
        self.unread.lock().remove_reader(self.end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(bytes: usize) -> Bytes {
        vec![0; bytes].into()
    }

    fn bytes(unread: &UnreadFrames) -> (usize, usize) {
        let frames = unread.lock();
        (frames.bytes, frames.bytes_leaving)
    }

    #[test]
    fn a_frame_is_counted_once_however_many_readers_keep_a_part_of_it() {
        let unread = UnreadFrames::new(100);
        let shared = frame(60);

        let kept: Vec<_> = [10, 0, 20].map(|from| unread.keep(&shared.slice(from..))).into();

        assert_eq!(bytes(&unread), (60, 0));
        assert!(!kept.iter().any(KeptFrame::must_be_let_go));
        drop(kept);
        assert_eq!(bytes(&unread), (0, 0));
    }

    #[test]
    fn the_frame_that_was_kept_for_longest_is_let_go_by_all_its_readers() {
        let unread = UnreadFrames::new(100);
        let (first, second, third) = (frame(50), frame(50), frame(50));
        let (one, other) = (unread.keep(&first), unread.keep(&first));
        let newer = unread.keep(&second);
        assert_eq!(unread.calls(), 0);

        let newest = unread.keep(&third);

        let told = [&one, &other, &newer, &newest].map(KeptFrame::must_be_let_go);
        assert_eq!((told, unread.calls()), ([true, true, false, false], 1));
        assert_eq!(bytes(&unread), (150, 50));
        drop((one, other));
        assert_eq!(bytes(&unread), (100, 0));
        drop((newer, newest));
        assert_eq!(bytes(&unread), (0, 0));
    }

    #[test]
    fn one_frame_may_be_larger_than_all_that_are_kept() {
        let unread = UnreadFrames::new(100);

        let kept = unread.keep(&frame(1_000));

        assert!(!kept.must_be_let_go());
    }
}
