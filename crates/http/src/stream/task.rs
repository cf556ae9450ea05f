//! Stop 8 of the walk, for connections that cannot be parked: a stream of bytes over a subscription.
//!
//! Those of another server, of HTTP/2, and of TLS. Plain HTTP/1 connections of our own server go to the
//! [lanes](crate::lane) instead.

use std::future::pending;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::stream::unfold;
use futures_util::{FutureExt, Stream};
use tidings_core::{Cursor, Delivery, Form, Frame, Subscription};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep_until};

use crate::front::Front;
use crate::limits::CHUNK_BYTES_MAX;
use crate::stream::block;
use crate::stream::drain::{Drain, age_share};

/// The bytes of a stream, from its opening to its end.
pub(crate) fn stream(
    front: &Front,
    opening: Bytes,
    subscription: Subscription,
    form: Form,
    place: Option<OwnedSemaphorePermit>,
) -> impl Stream<Item = Bytes> + Send + 'static {
    blocks(Streaming { opening: Some(opening), _place: place, ..Streaming::new(front, subscription, form) })
}

/// The same for a client that was sent the opening.
pub(crate) fn after_opening(
    front: &Front,
    subscription: Subscription,
    form: Form,
) -> impl Stream<Item = Bytes> + Send + 'static {
    blocks(Streaming::new(front, subscription, form))
}

fn blocks(streaming: Streaming) -> impl Stream<Item = Bytes> + Send + 'static {
    unfold(streaming, |mut streaming| async {
        let bytes = streaming.next().await?;
        Some((bytes, streaming))
    })
}

struct Streaming {
    opening: Option<Bytes>,
    subscription: Subscription,
    form: Form,
    /// The newest place that the client was told.
    told: Cursor,
    drain: Drain,
    heartbeat: Duration,
    retry: Duration,
    /// Where in the drain's window its turn comes, in which part of the heartbeat's last quarter it beats, and in
    /// which of its last tenth it is too old.
    share: f64,
    /// When it is too old.
    until: Option<Instant>,
    ended: bool,
    /// Given back when the stream ends.
    _place: Option<OwnedSemaphorePermit>,
}

impl Streaming {
    fn new(front: &Front, subscription: Subscription, form: Form) -> Self {
        let share = front.drain().share();
        let age_max = front.config().stream_age_max;
        Self {
            opening: None,
            told: subscription.cursor(),
            // As much as a chunk, a TLS record or an HTTP/2 frame holds: whoever stops reading keeps one of them in
            // memory, and its place in the log.
            subscription: subscription.in_pieces_of(CHUNK_BYTES_MAX),
            form,
            drain: front.drain().clone(),
            heartbeat: front.config().heartbeat,
            retry: front.config().retry,
            share,
            until: age_max.map(|age| Instant::now() + age.mul_f64(age_share(share))),
            ended: false,
            _place: None,
        }
    }

    async fn next(&mut self) -> Option<Bytes> {
        if let Some(opening) = self.opening.take() {
            return Some(opening);
        }
        if self.ended {
            return None;
        }
        let beat = Instant::now() + self.heartbeat.mul_f64(0.75 + self.share / 4.0);
        // Biased: events before heartbeats, and the end before both, or a busy stream would outlive the drain.
        tokio::select! {
            biased;
            () = self.drain.turn(self.share) => Some(self.last()),
            () = come(self.until) => Some(self.last()),
            delivery = self.subscription.next() => match delivery {
                Ok(Some(delivery)) => Some(self.encode(delivery)),
                Ok(None) => Some(self.farewell()),
                Err(error) => {
                    tracing::error!(%error, "a subscription ends because the store cannot be read");
                    Some(self.farewell())
                }
            },
            () = sleep_until(beat) => Some(self.heartbeat()),
        }
    }

    fn encode(&mut self, delivery: Delivery) -> Bytes {
        self.told = self.subscription.cursor();
        match delivery {
            Delivery::Frames(frames) => match &frames[..] {
                [frame] => frame.bytes(self.form),
                frames => together(frames, self.form),
            },
            Delivery::Gap(gap) => block::gap(&gap),
        }
    }

    fn heartbeat(&mut self) -> Bytes {
        let place = self.subscription.advance();
        let news = (place != self.told).then_some(place);
        self.told = place;
        block::heartbeat(news)
    }

    /// What is at hand, so that it need not be asked for again, and the farewell.
    fn last(&mut self) -> Bytes {
        let delivery = self.subscription.next().now_or_never();
        let delivery = delivery.and_then(Result::ok).flatten();
        let mut bytes = delivery.map_or_else(BytesMut::new, |delivery| self.encode(delivery).into());
        bytes.extend_from_slice(&self.farewell());
        bytes.freeze()
    }

    fn farewell(&mut self) -> Bytes {
        self.ended = true;
        block::farewell(self.drain.delay(self.retry))
    }
}

/// Waits for a moment that may never come.
async fn come(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}

fn together(frames: &[Frame], form: Form) -> Bytes {
    let mut bytes = BytesMut::with_capacity(frames.iter().map(Frame::len).sum());
    for frame in frames {
        bytes.extend_from_slice(frame.slice(form));
    }
    bytes.freeze()
}
