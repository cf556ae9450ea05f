//! Publishing with a `text/event-stream` body: each event goes out as soon as it is complete.
//!
//! A batch and an open-ended stream are the same thing. All events that are complete in what has arrived are
//! published together; what arrives meanwhile is the next group. So a slow producer is live, and a fast one shares
//! each write to the disk among thousands of events.

use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::json;
use tidings_core::{Draft, DraftFields, Topic};
use tidings_sse::Decoder;
use tidings_sse::decode::{DecodeError, Event, Item, Limits};
use tokio::time::timeout;

use crate::body::Body;
use crate::front::Front;
use crate::problem::Problem;
use crate::publish::{bad_draft, cut_off, ending, json_response, key, not_published, too_large, too_slow};
use crate::query::Query;
use crate::text::TextCheck;

/// Events and bytes of one group: what one write to the disk takes at most from one producer.
const GROUP_EVENTS_MAX: usize = 8_192;
const GROUP_BYTES_MAX: usize = 4_194_304;

/// Bytes of a field's name beside an event's data on one line.
const FIELD_BYTES_MAX: usize = 64;

pub(crate) async fn publish<B>(
    front: &Front,
    parts: &Parts,
    topic: Topic,
    query: &Query,
    mut body: B,
) -> Result<Response<Body>, Problem>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    refuse_fields(query)?;
    let mut producer = Producer::new(front, topic, key(&parts.headers)?);
    loop {
        let frame = tokio::select! {
            frame = timeout(front.config().producer_wait_max, body.frame()) => frame,
            () = front.drain().begun() => return Err(ending().after(producer.published)),
        };
        let frame = match frame.map_err(|_| too_slow().after(producer.published))? {
            None => return Ok(producer.answer()),
            Some(frame) => frame.map_err(|_| cut_off().after(producer.published))?,
        };
        if let Ok(chunk) = frame.into_data() {
            producer.take(&chunk).await.map_err(|problem| problem.after(producer.published))?;
        }
    }
}

/// The blocks say themselves what the query would.
fn refuse_fields(query: &Query) -> Result<(), Problem> {
    for name in ["event", "id", "retry"] {
        if query.all(name).next().is_some() {
            let detail =
                format!("`{name}` stands in the blocks of a text/event-stream body, not in the query");
            return Err(Problem::bad_request("field-in-query", detail));
        }
    }
    Ok(())
}

/// One body on its way into the hub.
struct Producer<'a> {
    front: &'a Front,
    topic: Topic,
    key: Option<&'a str>,
    decoder: Decoder,
    text: TextCheck,
    group: Vec<Draft>,
    group_bytes: usize,
    /// Events that were complete so far; numbers the keys.
    seen: u64,
    published: u64,
    last_id: Option<String>,
}

impl<'a> Producer<'a> {
    fn new(front: &'a Front, topic: Topic, key: Option<&'a str>) -> Self {
        let bytes_max = front.hub().limits().event_bytes_max;
        let limits = Limits { line_bytes_max: bytes_max + FIELD_BYTES_MAX, event_bytes_max: bytes_max };
        Self {
            front,
            topic,
            key,
            decoder: Decoder::new().with_limits(limits),
            text: TextCheck::default(),
            group: Vec::new(),
            group_bytes: 0,
            seen: 0,
            published: 0,
            last_id: None,
        }
    }

    /// Publishes every event that is complete with this chunk, in order, also when what follows is at fault.
    async fn take(&mut self, chunk: &[u8]) -> Result<(), Problem> {
        let (valid, fault) = self.text.check(chunk);
        let mut rest = valid;
        // Bounded steps, so that a chunk of a million tiny events is not one group.
        while !rest.is_empty() {
            let (step, after) = rest.split_at(rest.len().min(GROUP_BYTES_MAX / 16));
            let decoded = self.decode(step);
            if decoded.is_err() || self.group.len() >= GROUP_EVENTS_MAX || self.group_bytes >= GROUP_BYTES_MAX
            {
                self.flush().await?;
            }
            decoded?;
            rest = after;
        }
        self.flush().await?;
        match fault {
            None => Ok(()),
            Some(at) => {
                let detail = format!("the body is UTF-8 text, and byte {at} is not");
                Err(Problem::bad_request("data-not-utf8", detail))
            }
        }
    }

    fn decode(&mut self, chunk: &[u8]) -> Result<(), Problem> {
        let bytes_max = self.front.hub().limits().event_bytes_max;
        let mut feed = self.decoder.feed(chunk);
        loop {
            match feed.next() {
                Ok(None) => return Ok(()),
                Ok(Some(Item::Event(event))) => {
                    self.seen += 1;
                    let draft = draft(&event, &self.topic, self.key, self.seen, self.front)?;
                    self.group_bytes += draft.bytes();
                    self.group.push(draft);
                }
                Ok(Some(Item::Comment(_) | Item::Retry(_) | Item::Id(_))) => {}
                Err(DecodeError::LineTooLong { .. } | DecodeError::EventTooLarge { .. } | _) => {
                    return Err(too_large(bytes_max));
                }
            }
        }
    }

    async fn flush(&mut self) -> Result<(), Problem> {
        if self.group.is_empty() {
            return Ok(());
        }
        self.group_bytes = 0;
        let published =
            self.front.hub().publish_all(std::mem::take(&mut self.group)).await.map_err(not_published)?;
        self.published += published.len() as u64;
        self.last_id = published.into_iter().next_back().map(|last| last.id);
        Ok(())
    }

    fn answer(&self) -> Response<Body> {
        json_response(StatusCode::CREATED, &json!({ "published": self.published, "id": self.last_id }))
    }
}

fn draft(
    event: &Event<'_>,
    topic: &Topic,
    key: Option<&str>,
    number: u64,
    front: &Front,
) -> Result<Draft, Problem> {
    let key = key.map(|key| format!("{key}/{number}"));
    let fields = DraftFields {
        event_type: event.event_type,
        id: event.id(),
        retry_ms: event.retry.map(tidings_sse::Retry::as_ms),
        key: key.as_deref(),
    };
    let data = Bytes::copy_from_slice(event.data.as_bytes());
    let told = |error| bad_draft(&error).about(&format!("event {number} of the body"));
    Draft::new(topic.clone(), data, fields, front.hub().limits()).map_err(told)
}
