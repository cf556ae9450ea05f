//! How the feed pushes events: in slices. Neither the lock nor a worker of the runtime is held for long by a large batch, by
//! an event that very many patterns match, or by a large event that takes the place of very many small ones. One thing is not
//! divided: to find the patterns that match an event takes some 200 ns for each of them, under the lock.

use std::vec::IntoIter;

use tokio::task::yield_now;

use crate::event::Event;
use crate::limits::PUSH_BYTES_MAX;
use crate::live::frame::Frame;
use crate::live::moved::Moved;
use crate::live::window::Window;

impl Window {
    /// Takes the next events of the log, in order and without a hole, and wakes the readers that wait for them.
    ///
    /// Not cancel safe: events would be missing.
    pub(crate) async fn push(&self, batch: &[Event]) {
        let mut rest = batch;
        while !rest.is_empty() {
            let (slice, others) = rest.split_at(events_of_slice(rest));
            rest = others;
            // Encoding is the costly part, and needs no lock.
            let mut frames = Frame::encode_all(slice, &self.encodings().list()).into_iter();
            while frames.len() > 0 {
                self.push_slice(&mut frames).await;
                if frames.len() > 0 || !rest.is_empty() {
                    yield_now().await;
                }
            }
        }
    }

    /// Pushes the first of some frames, as many as one hold of the lock is to take.
    async fn push_slice(&self, frames: &mut IntoIter<Frame>) {
        let (mut moved, mut is_too_large) = self.add(frames);
        if moved.has_late() {
            moved.tell_late().await;
            let mut rings = self.rings();
            moved.add_joined(rings.end_pushing());
            is_too_large = self.advance(&mut rings);
        }
        moved.wake_each_once().await;
        while is_too_large {
            yield_now().await;
            is_too_large = self.shrink(&mut self.rings());
        }
    }

    /// Adds frames in one hold of the lock. They may be handed out then, unless there are patterns that are late. Returns
    /// what they moved, and whether the window holds too much now.
    fn add(&self, frames: &mut IntoIter<Frame>) -> (Moved, bool) {
        let mut rings = self.rings();
        let mut moved = rings.begin_slice();
        while !moved.is_full()
            && let Some(frame) = frames.next()
        {
            rings.push(frame, &mut moved);
        }
        if moved.has_late() {
            rings.begin_pushing();
            return (moved, false);
        }
        let is_too_large = self.advance(&mut rings);
        (moved, is_too_large)
    }
}

/// How many events are encoded in one go, at least one.
fn events_of_slice(events: &[Event]) -> usize {
    let mut bytes = 0;
    let fits = |event: &&Event| {
        bytes += event.draft.bytes();
        bytes <= PUSH_BYTES_MAX
    };
    events.iter().take_while(fits).count().max(1)
}
