//! Publishing with a `text/event-stream` body: each event goes out as soon as it is complete.
//!
//! A batch and an open-ended stream are the same thing. All events that are complete in what has arrived are
//! published together as a group; what arrives meanwhile is the next group. So a slow producer is live, and a fast
//! one shares each write to the disk among thousands of events. One group is under way at a time: if it fails,
//! nothing after it was published, and the answer can say how far the body came.

use std::pin::pin;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{Fuse, FusedFuture};
use http::request::Parts;
use http::{Response, StatusCode};
use serde::Serialize;
use tidings_core::{Draft, DraftFields, Hub, PublishError, Published, Topic};
use tidings_sse::Decoder;
use tidings_sse::decode::{Event, Item, Limits};

use super::problem::{bad_draft, ending, not_published};
use crate::answer::body::Body;
use crate::answer::json;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::front::Front;
use crate::limits::{DECODE_STEP_BYTES, FIELD_NAME_BYTES_MAX, GROUP_BYTES_MAX, GROUP_EVENTS_MAX};
use crate::request::body::{read_piece, too_large};
use crate::request::idempotency_key::idempotency_key;
use crate::request::query::Query;
use crate::request::text::TextCheck;

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
    let hub = front.hub();
    let mut producer = Producer::new(hub, topic, idempotency_key(&parts.headers)?);
    let mut group = pin!(Fuse::terminated());
    loop {
        producer.decode();
        if group.is_terminated() {
            match producer.take_group() {
                Some(drafts) => group.set(hub.publish_all(drafts).fuse()),
                None if producer.has_ended() => return producer.answer(),
                None => {}
            }
        }
        // Never without a branch: without a group under way there is room for more. Not biased, which is fair to
        // none but costs nothing: each branch only takes note of what happened.
        tokio::select! {
            published = &mut group, if !group.is_terminated() => producer.note(published),
            piece = read_piece(&mut body, front.config().producer_wait_max), if producer.has_room() => {
                producer.take(piece);
            }
            () = front.drain().begun(), if !producer.has_ended() => producer.end(Err(ending())),
        }
    }
}

/// The answer to a whole body: how many events, and the id of the last one.
#[derive(Serialize)]
struct ProducerAnswer {
    published: u64,
    id: Option<String>,
}

/// The blocks say themselves what the query would.
fn refuse_fields(query: &Query) -> Result<(), Problem> {
    for name in ["event", "id", "retry"] {
        if query.all(name).next().is_some() {
            let detail =
                format!("`{name}` stands in the blocks of a text/event-stream body, not in the query");
            return Err(Problem::new(ProblemType::FieldInQuery, detail));
        }
    }
    Ok(())
}

/// One body on its way into the hub.
struct Producer<'a> {
    hub: &'a Hub,
    topic: Topic,
    key: Option<&'a str>,
    text: TextCheck,
    decoder: Decoder,
    /// What has arrived and is not decoded.
    rest: Bytes,
    /// What comes after `rest`: the end of the body, or why nothing more is read.
    end: Option<Result<(), Problem>>,
    group: Vec<Draft>,
    group_bytes: usize,
    /// Events that were complete so far; numbers the keys.
    seen: u64,
    published: u64,
    last_id: Option<String>,
}

impl<'a> Producer<'a> {
    fn new(hub: &'a Hub, topic: Topic, key: Option<&'a str>) -> Self {
        let bytes_max = hub.limits().event_bytes_max;
        let limits = Limits { line_bytes_max: bytes_max + FIELD_NAME_BYTES_MAX, event_bytes_max: bytes_max };
        Self {
            hub,
            topic,
            key,
            text: TextCheck::default(),
            decoder: Decoder::new().with_limits(limits),
            rest: Bytes::new(),
            end: None,
            group: Vec::new(),
            group_bytes: 0,
            seen: 0,
            published: 0,
            last_id: None,
        }
    }

    /// Takes note of what arrived.
    fn take(&mut self, piece: Result<Option<Bytes>, Problem>) {
        match piece {
            Ok(None) => self.end(Ok(())),
            Err(problem) => self.end(Err(problem)),
            Ok(Some(piece)) => {
                let (valid, fault) = self.text.check(&piece);
                self.rest = piece.slice_ref(valid);
                if let Some(at) = fault {
                    let detail = format!("the body is UTF-8 text, and byte {at} is not");
                    self.end(Err(Problem::new(ProblemType::DataNotUtf8, detail)));
                }
            }
        }
    }

    /// Reads no more. What was complete before is published.
    fn end(&mut self, end: Result<(), Problem>) {
        self.end = Some(end);
    }

    /// Decodes what has arrived, as far as there is room in the group.
    fn decode(&mut self) {
        while !self.rest.is_empty() && self.group_has_room() {
            let step = self.rest.split_to(self.rest.len().min(DECODE_STEP_BYTES));
            if let Err(problem) = self.decode_step(&step) {
                self.rest.clear();
                self.end(Err(problem));
            }
        }
    }

    fn decode_step(&mut self, step: &[u8]) -> Result<(), Problem> {
        let mut feed = self.decoder.feed(step);
        loop {
            let number = self.seen + 1;
            let about = |problem: Problem| problem.about(&format!("event {number} of the body"));
            match feed.next() {
                Ok(None) => return Ok(()),
                Ok(Some(Item::Event(event))) => {
                    let draft =
                        draft(&event, self.topic.clone(), self.key, number, self.hub).map_err(about)?;
                    self.seen = number;
                    self.group_bytes += draft.bytes();
                    self.group.push(draft);
                }
                Ok(Some(Item::Comment(_) | Item::Retry(_) | Item::Id(_))) => {}
                // The decoder has no other limits than those of one event.
                Err(_) => return Err(about(too_large(self.hub.limits().event_bytes_max))),
            }
        }
    }

    /// The events that can be published now, if there are any.
    fn take_group(&mut self) -> Option<Vec<Draft>> {
        self.group_bytes = 0;
        (!self.group.is_empty()).then(|| std::mem::take(&mut self.group))
    }

    /// Takes note of how a group went.
    fn note(&mut self, result: Result<Vec<Published>, PublishError>) {
        let problem = match result {
            Ok(published) => {
                self.published += published.len() as u64;
                self.last_id = published.into_iter().next_back().map(|last| last.id);
                return;
            }
            Err(error @ PublishError::KeyReused { index }) => {
                self.published += index as u64;
                not_published(error).about(&format!("event {} of the body", self.published + 1))
            }
            Err(error) => not_published(error),
        };
        self.rest.clear();
        self.group.clear();
        self.end(Err(problem));
    }

    fn group_has_room(&self) -> bool {
        self.group.len() < GROUP_EVENTS_MAX && self.group_bytes < GROUP_BYTES_MAX
    }

    /// Whether more of the body can be taken.
    fn has_room(&self) -> bool {
        self.rest.is_empty() && self.end.is_none() && self.group_has_room()
    }

    fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Whether the body ended inside an event. A client drops such an event, as the standard says; a publisher that
    /// forgot the last blank line should rather be told.
    fn is_unfinished(&mut self) -> bool {
        // Two line ends finish whatever was begun, and dispatch it if it was an event.
        matches!(self.decoder.feed(b"\n\n").next(), Ok(Some(Item::Event(_))))
    }

    fn answer(mut self) -> Result<Response<Body>, Problem> {
        let unfinished = self.is_unfinished();
        match self.end {
            Some(Err(problem)) => Err(problem.after(self.published)),
            Some(Ok(())) if unfinished => {
                let number = self.seen + 1;
                let detail =
                    format!("event {number} of the body was not published; end it with a blank line");
                Err(Problem::new(ProblemType::UnfinishedEvent, detail).after(self.published))
            }
            Some(Ok(())) | None => {
                let answer = ProducerAnswer { published: self.published, id: self.last_id };
                Ok(json::response(StatusCode::CREATED, &answer))
            }
        }
    }
}

fn draft(
    event: &Event<'_>,
    topic: Topic,
    key: Option<&str>,
    number: u64,
    hub: &Hub,
) -> Result<Draft, Problem> {
    let key = key.map(|key| format!("{key}/{number}"));
    let fields = DraftFields {
        event_type: event.event_type,
        id: event.id(),
        retry_ms: event.retry.map(tidings_sse::Retry::as_ms),
        key: key.as_deref().map(Into::into),
    };
    let data = Bytes::copy_from_slice(event.data.as_bytes());
    hub.draft(topic, data, fields).map_err(|error| bad_draft(&error))
}
