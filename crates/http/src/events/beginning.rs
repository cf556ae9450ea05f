//! How a stream begins: its first bytes, before any event.

use std::time::Duration;

use bytes::Bytes;
use tidings_core::{ConnectionId, Located, Position};

use super::subscribe_request::SubscribeRequest;
use crate::front::Front;
use crate::limits::LONG_POLL_RETRY;
use crate::request::mode::Mode;
use crate::stream::{FirstBlock, FirstBytes, Whereabouts};

/// The beginning of a stream.
pub(super) struct Beginning {
    /// The first bytes.
    pub(super) bytes: Bytes,
    /// They have their first block, so that the client need not be told its place by another.
    pub(super) is_opened: bool,
    /// They tell the client a place.
    pub(super) tells_place: bool,
    /// They say what the client must be told now, also if it would wait for events.
    pub(super) is_news: bool,
}

impl Beginning {
    /// The beginning of what is asked for, at the place that was found for it.
    pub(super) fn of(
        front: &Front,
        request: &SubscribeRequest,
        located: &Located,
        connection: ConnectionId,
    ) -> Self {
        let (encoder, mode) = (request.encoder, request.mode);
        let Located { place, gap, partial } = located;
        // What a client comes back with to a poll is what it was told by the one before.
        let always_opens =
            request.always_opens || mode.ends() && !matches!(request.events.from, Position::Id(_));
        let block = match (gap, partial) {
            (Some(gap), _) => FirstBlock::Gap(gap),
            (None, Some(partial)) => FirstBlock::Partial(partial),
            (None, None) if always_opens => FirstBlock::Place,
            (None, None) if !mode.ends() && *place == front.hub().bounds().head => FirstBlock::Place,
            (None, None) => FirstBlock::Later,
        };
        let heartbeat = front.config().heartbeat;
        let whereabouts = Whereabouts { place: *place, connection, heartbeat, time: front.clock().now() };
        let first = encoder.opening(&FirstBytes { whereabouts, retry: retry(front, mode), block });
        let behind = match always_opens && !encoder.opens_at_once() && block != FirstBlock::Place {
            // Behind the gap: its place is that after the gap, and a client that is cut off between the two must hear of the gap.
            true => encoder.open(whereabouts).unwrap_or_default(),
            false => Bytes::new(),
        };
        Self {
            bytes: joined([request.prelude(), first, behind]),
            is_opened: block.is_known() || encoder.opens_at_once(),
            tells_place: block.is_known() && !encoder.is_told_events_alone(),
            is_news: gap.is_some() || partial.is_some(),
        }
    }
}

/// After a crash all clients come back, and each of them after the delay that it was told here.
pub(crate) fn retry(front: &Front, mode: Mode) -> Duration {
    match mode {
        Mode::Stream | Mode::Iframe | Mode::Poll => front.drain().delay(front.config().retry),
        Mode::LongPoll(_) => LONG_POLL_RETRY,
    }
}

/// Most streams begin with one part.
fn joined(parts: [Bytes; 3]) -> Bytes {
    let mut filled = parts.iter().filter(|part| !part.is_empty());
    match (filled.next(), filled.next()) {
        (Some(only), None) => only.clone(),
        _ => parts.concat().into(),
    }
}
