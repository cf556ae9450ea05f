//! A poll: what a stream would say next, as an answer that ends.
//!
//! The answer is a piece of the stream, so its reader is the same, and a browser's `EventSource` polls by coming back after `retry`.
//! There is no session between two polls: the place that the client comes back with is all.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tidings_core::roster::Attendance;
use tidings_core::{Cursor, Delivery, Follower, Frame, Session, Subscription, Transport, Upcoming, Visitor};
use tokio::time::{Instant, sleep, sleep_until};

use super::problem::unreadable;
use crate::answer::body::Body;
use crate::answer::problem::Problem;
use crate::budget::Taken;
use crate::connection::interruption::Interruption;
use crate::front::Front;
use crate::limits::{OPENING_LOOK_WAIT, POLL_BYTES_MAX};
use crate::stream::gzip::blocks;
use crate::stream::{Encoder, Ending, Sum, expiry};

/// A stream of which one piece is asked for.
pub(super) struct Poll {
    pub(super) follower: Follower,
    pub(super) attendance: Attendance,
    pub(super) session: Option<Arc<Session>>,
    pub(super) encoder: Encoder,
    /// The answer is compressed, and this is the sum of its first bytes.
    pub(super) gzip: Option<Sum>,
    pub(super) transport: Transport,
    /// The first bytes.
    pub(super) opening: Bytes,
    /// They tell the client a place.
    pub(super) is_told: bool,
    /// How long the answer may wait for something to say.
    pub(super) wait: Duration,
    /// What ends the wait early: the client may have left.
    pub(super) interruption: Interruption,
}

/// An answer in the making.
struct Answer<'a> {
    front: &'a Front,
    subscription: Subscription,
    session: Option<Arc<Session>>,
    encoder: Encoder,
    /// Of all that it says, if it is compressed.
    gzip: Option<Sum>,
    bytes: Vec<u8>,
    /// Where the client stands when it has read these bytes, whether or not they tell it.
    place: Cursor,
    is_told: bool,
    /// It says something beside its opening.
    has_news: bool,
    /// There was no room for something that was taken: it comes with the next poll.
    left_out: bool,
}

/// Answers with what there is, or waits until there is something. The answer holds its bytes of the budget of answers until they
/// are read; while it waits for events it holds none.
pub(super) async fn poll(front: &Front, poll: Poll) -> Result<Body, Problem> {
    let Poll {
        follower,
        attendance,
        session,
        encoder,
        gzip,
        transport,
        opening,
        is_told,
        wait,
        interruption,
    } = poll;
    let visitor = Visitor { session: session.clone(), address: front.peer(), transport };
    let place = follower.cursor();
    let subscription = front.hub().follow(follower, visitor, attendance).in_pieces_of(POLL_BYTES_MAX);
    let mut answer = Answer {
        front,
        subscription,
        session,
        encoder,
        gzip,
        bytes: opening.into(),
        place,
        is_told,
        has_news: false,
        left_out: false,
    };
    // What its publisher was told before the poll began is in its answer, though the rings may show it a moment later.
    let shown_through = front.hub().bounds().head.sequence;
    let mut ends_at = Instant::now() + wait;
    loop {
        // Without room the client is told to come back, as one for which there is nothing.
        let Some(mut taken) = front.answers().take(POLL_BYTES_MAX).await else {
            return Ok(answer.finish(None));
        };
        if answer.collect(&mut taken).await?.is_break() {
            return Ok(answer.finish(Some(taken)));
        }
        if front.hub().shown() < shown_through.min(front.hub().bounds().head.sequence) {
            drop(taken);
            sleep(OPENING_LOOK_WAIT).await;
            continue;
        }
        if Instant::now() >= ends_at || front.drain().has_begun() {
            return Ok(answer.finish(Some(taken)));
        }
        drop(taken);
        tokio::select! {
            () = answer.wait_until(ends_at) => {}
            () = interruption.comes() => ends_at = Instant::now(),
        }
    }
}

impl Answer<'_> {
    /// Takes what there is, up to the bound. Whether the answer is complete with it.
    async fn collect(&mut self, taken: &mut Taken) -> Result<ControlFlow<()>, Problem> {
        let begun_with = self.bytes.len();
        loop {
            if let Some(ending) = expiry::ending(self.session.as_deref(), self.front.clock().now()) {
                self.end(ending);
                return Ok(ControlFlow::Break(()));
            }
            match self.subscription.upcoming().await.map_err(|error| unreadable(&error))? {
                Upcoming::Delivery(delivery) => {
                    if let (Some(_), Delivery::Frames(frames)) = (self.gzip, &delivery) {
                        self.front.deflater().prepare(self.encoder, frames).await;
                    }
                    if self.say(&delivery, taken).is_break() || self.bytes.len() >= POLL_BYTES_MAX {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                Upcoming::Nothing if self.bytes.len() > begun_with => return Ok(ControlFlow::Break(())),
                Upcoming::Nothing => return Ok(ControlFlow::Continue(())),
                Upcoming::End => {
                    let dismissed = self.subscription.dismissed();
                    self.end(dismissed.map_or(Ending::HubClosed, Ending::from));
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
    }

    /// Says what was delivered, if there is room for it.
    fn say(&mut self, delivery: &Delivery, taken: &mut Taken) -> ControlFlow<()> {
        let id = self.subscription.id();
        let (bytes, sum) = match delivery {
            Delivery::Frames(frames) => self.events(frames.iter().filter(|frame| frame.is_for(id))),
            Delivery::Gap(gap) => self.block(&self.encoder.gap(gap)),
        };
        let more = (self.bytes.len() + bytes.len()).saturating_sub(taken.bytes());
        if more > 0 && !taken.try_grow(more) {
            self.left_out = true;
            return ControlFlow::Break(());
        }
        self.front.metrics().streams().delivered(delivery, bytes.len());
        self.place = self.subscription.cursor();
        self.has_news |= !bytes.is_empty();
        self.is_told |= self.has_news;
        self.add((bytes, sum));
        ControlFlow::Continue(())
    }

    /// Events as the answer has them, and their sum if it is compressed.
    fn events<'f>(&self, frames: impl Iterator<Item = &'f Frame>) -> (Vec<u8>, Sum) {
        if self.gzip.is_none() {
            return (
                frames.map(|frame| self.encoder.borrow(frame)).collect::<Vec<_>>().concat(),
                Sum::default(),
            );
        }
        let packed: Vec<_> = frames.map(|frame| self.front.deflater().event(self.encoder, frame)).collect();
        let sum = packed.iter().fold(Sum::default(), |sum, packed| sum.then(packed.sum));
        (packed.iter().map(|packed| &packed.bytes[..]).collect::<Vec<_>>().concat(), sum)
    }

    /// The same of what is no event.
    fn block(&self, block: &[u8]) -> (Vec<u8>, Sum) {
        match self.gzip {
            None => (block.to_vec(), Sum::default()),
            Some(_) => (blocks::stored(block), Sum::of(block)),
        }
    }

    fn add(&mut self, (bytes, sum): (Vec<u8>, Sum)) {
        self.bytes.extend_from_slice(&bytes);
        self.gzip = self.gzip.map(|before| before.then(sum));
    }

    fn end(&mut self, ending: Ending) {
        tracing::debug!(%ending, "a poll ends");
        self.subscription.note_ending(ending.code());
        if ending == Ending::AccessEnded {
            let reason = expiry::reason(self.session.as_deref(), self.front.clock().now());
            self.add(self.block(&self.encoder.expired(self.place, &reason)));
            self.is_told = true;
        }
        // Before the farewell, behind which nothing comes.
        self.tell_place();
        let retry = self.front.drain().delay(self.front.config().retry);
        self.add(self.block(&self.encoder.farewell(self.place, retry)));
    }

    /// Waits until there may be something to say, or until the answer must be given.
    async fn wait_until(&mut self, ends_at: Instant) {
        let expires_at = expiry::wake_at(self.session.as_deref(), self.front.clock().now());
        let wake_at = expires_at.map_or(ends_at, |at| at.min(ends_at));
        tokio::select! {
            () = self.subscription.rung() => {}
            () = sleep_until(wake_at) => {}
            () = self.front.drain().begun() => {}
        }
    }

    /// Tells a place, if none was told: the client could not go on without one.
    fn tell_place(&mut self) {
        if !self.is_told {
            self.add(self.block(&self.encoder.place(self.place)));
            self.is_told = true;
        }
    }

    /// The answer, with a place if it has told none. `taken` is none if there was no room to look for something.
    fn finish(mut self, taken: Option<Taken>) -> Body {
        if !self.has_news && !self.left_out {
            // A client that is told this place does not fall out of the log on a quiet topic. The opening may have told the one
            // that was asked for.
            let place = self.subscription.advance();
            self.is_told &= place == self.place;
            self.place = place;
        }
        self.tell_place();
        if self.front.drain().is_ending() {
            let delay = self.front.drain().delay_beyond_notice(self.front.config().retry);
            self.add(self.block(&self.encoder.farewell(self.place, delay)));
        }
        if let Some(sum) = self.gzip {
            self.bytes.extend_from_slice(&blocks::end(sum, b""));
        }
        let body = Body::full(self.bytes);
        match taken {
            Some(mut taken) => {
                taken.shrink_to(http_body::Body::size_hint(&body).lower() as usize);
                body.taking(taken)
            }
            None => body,
        }
    }
}
