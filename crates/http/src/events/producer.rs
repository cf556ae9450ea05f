//! Publishing with a `text/event-stream` body: each event goes out as soon as it is complete.
//!
//! A batch and an open-ended stream are the same thing. All events that are complete in what has arrived are
//! published together as a group; what arrives meanwhile is the next group. So a slow producer is live, and a fast
//! one shares each write to the disk among thousands of events. One group is under way at a time: if it fails,
//! nothing after it was published, and the answer can say how far the body came.
//!
//! What counts against the budget of bodies is what a producer holds in memory. Inside an event that has a share of it, the
//! producer must keep the least rate; otherwise it holds next to nothing, and may be silent.
//!
//! With an idempotency key, [`KeyedBatch`] knows which events of the body are in the log already.

use std::pin::pin;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{Fuse, FusedFuture};
use http::{Response, StatusCode};
use serde::Serialize;
use tidings_core::limits::EVENT_ID_BYTES_MAX;
use tidings_core::{
    BatchProgress, Draft, DraftError, DraftFields, Hub, IdempotencyKey, KeyFields, PublishError, Published,
    Topic,
};
use tidings_sse::Decoder;
use tidings_sse::decode::{Event, Item, Limits, Report};

use super::batch::{AnotherBatch, CaughtUp, KeyedBatch, WentBack};
use super::problem::{another_batch, bad_draft, ending, not_published, went_back};
use super::publish::replayed;
use crate::answer::body::Body;
use crate::answer::json;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::front::Front;
use crate::limits::{
    DECODE_STEP_BYTES, FIELD_NAME_BYTES_MAX, GROUP_BYTES_MAX, GROUP_EVENTS_MAX, PRODUCER_SHARE_STEP_BYTES,
};
use crate::request::body::{read_piece, too_large};
use crate::request::body_budgets::{Admission, BodyShare};
use crate::request::query::Query;
use crate::request::text::TextCheck;

pub(crate) async fn publish<B>(
    front: &Front,
    admission: Admission<'_>,
    topic: Topic,
    key: Option<KeyFields<'_>>,
    query: &Query,
    mut body: B,
) -> Result<Response<Body>, Problem>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    refuse_fields(query)?;
    let hub = front.hub();
    let key = key.map(IdempotencyKey::parse).transpose().map_err(|error| bad_draft(&error))?;
    let mut producer = Producer::new(hub, topic, key);
    let mut share = admission.admit(0).await?;
    let mut watched = None;
    let mut group = pin!(Fuse::terminated());
    loop {
        producer.decode();
        if group.is_terminated() {
            match producer.next_group() {
                Some(drafts) => group.set(hub.publish_all(drafts).fuse()),
                None if producer.has_ended() => return producer.answer(),
                None => {}
            }
        }
        // Each event has its own time. There is no hurry between two of them, nor in one that takes no share.
        let awaited = producer.awaited_event();
        if awaited != watched {
            watched = awaited;
            share.unwatch();
            if awaited.is_some() {
                share.watch();
            }
        }
        // Never without a branch: without a group under way there is room for more. Not biased, which is fair to
        // none but costs nothing: each branch only takes note of what happened.
        tokio::select! {
            published = &mut group, if !group.is_terminated() => producer.note(published),
            piece = next_piece(&mut body, &mut share, producer.held_bytes(), front), if producer.has_room() => {
                producer.take(piece, body.is_end_stream());
            }
            () = front.drain().begun(), if !producer.has_ended() => producer.end(Err(ending())),
        }
    }
}

/// Reads the next bytes of the body, once its share covers what the producer holds. Cancel safe.
async fn next_piece<B>(
    body: &mut B,
    share: &mut BodyShare<'_>,
    held_bytes: usize,
    front: &Front,
) -> Result<Option<Bytes>, Problem>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    share.resize(held_bytes - held_bytes % PRODUCER_SHARE_STEP_BYTES).await?;
    let piece = share.unless_slow(read_piece(body, front.config().producer_wait_max)).await??;
    share.moved(piece.as_ref().map_or(0, Bytes::len));
    Ok(piece)
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
    batch: Option<KeyedBatch>,
    text: TextCheck,
    decoder: Decoder,
    /// What has arrived and is not decoded.
    rest: Bytes,
    /// What comes after `rest`: the end of the body, or why nothing more is read.
    end: Option<Result<(), Problem>>,
    /// Whether the body ended inside an event, once that is known.
    is_unfinished: Option<bool>,
    /// The events that are complete and not under way: the next group, or a little more.
    next: Vec<Draft>,
    next_bytes: usize,
    /// Bytes of the events that are under way.
    group_bytes: usize,
    /// Events that were complete so far.
    seen: u64,
    /// Events of the body that are in the log, from its beginning, and the id of the last one.
    published: u64,
    last_id: Option<String>,
    /// Whether this request has placed any of them.
    has_placed: bool,
}

impl<'a> Producer<'a> {
    fn new(hub: &'a Hub, topic: Topic, key: Option<IdempotencyKey>) -> Self {
        let bytes_max = hub.limits().event_bytes_max;
        let limits = Limits { line_bytes_max: bytes_max + FIELD_NAME_BYTES_MAX, event_bytes_max: bytes_max };
        Self {
            hub,
            batch: key.map(|key| KeyedBatch::new(key, &topic)),
            topic,
            text: TextCheck::default(),
            // Ids, because the decoder keeps the last one, also that of a block without data.
            decoder: Decoder::new()
                .with_limits(limits)
                .with_report(Report { ids: true, ..Report::default() }),
            rest: Bytes::new(),
            end: None,
            is_unfinished: None,
            next: Vec::new(),
            next_bytes: 0,
            group_bytes: 0,
            seen: 0,
            published: 0,
            last_id: None,
            has_placed: false,
        }
    }

    /// Takes note of what arrived, and whether it is known to be the last of the body.
    fn take(&mut self, piece: Result<Option<Bytes>, Problem>, is_last: bool) {
        match piece {
            Ok(None) => self.end(Ok(())),
            Err(problem) => self.end(Err(problem)),
            Ok(Some(piece)) => {
                let (valid, fault) = self.text.check(&piece);
                self.rest = piece.slice_ref(valid);
                if let Some(at) = fault {
                    let detail = format!("the body is UTF-8 text, and byte {at} is not");
                    self.end(Err(Problem::new(ProblemType::DataNotUtf8, detail)));
                } else if is_last {
                    self.end(Ok(()));
                }
            }
        }
    }

    /// Reads no more. What was complete before is published.
    fn end(&mut self, end: Result<(), Problem>) {
        self.end = Some(end);
    }

    /// Decodes what has arrived, as far as there is room in the next group.
    fn decode(&mut self) {
        let seen = self.seen;
        while !self.rest.is_empty() && self.next_has_room() {
            let step = self.rest.split_to(self.rest.len().min(DECODE_STEP_BYTES));
            if let Err(problem) = self.decode_step(&step) {
                self.rest.clear();
                self.end(Err(problem));
            }
        }
        // A producer may be at rest for long after a large event, also in the beginning of the next one.
        let has_finished = self.decoder.is_between_events() || self.seen > seen;
        if has_finished && self.decoder.memory_bytes() >= PRODUCER_SHARE_STEP_BYTES {
            self.decoder.shrink_to_fit();
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
                    let draft = draft(&event, self.topic.clone(), self.hub).map_err(about)?;
                    self.seen = number;
                    self.next_bytes += draft.bytes();
                    self.next.push(draft);
                }
                Ok(Some(Item::Id(id))) if id.len() > EVENT_ID_BYTES_MAX => {
                    return Err(about(bad_draft(&DraftError::IdTooLong { bytes: id.len() })));
                }
                Ok(Some(Item::Comment(_) | Item::Retry(_) | Item::Id(_))) => {}
                // The decoder has no other limits than those of one event.
                Err(_) => return Err(about(too_large(self.hub.limits().event_bytes_max))),
            }
        }
    }

    /// The events that can be published now, if there are any.
    fn next_group(&mut self) -> Option<Vec<Draft>> {
        loop {
            self.decode();
            self.pass_over();
            if !self.next.is_empty() {
                return Some(self.take_group());
            }
            // What was passed over has made room for what has arrived.
            if self.rest.is_empty() {
                return None;
            }
        }
    }

    /// Passes over the next events as far as they are in the log already.
    fn pass_over(&mut self) {
        let Some(batch) = &mut self.batch else { return };
        let passed = batch.pass_over(&mut self.next);
        let takes_more = !batch.is_complete();
        self.count_next();
        match passed {
            Ok(None) => {}
            Ok(Some(CaughtUp { events, last_id })) => {
                (self.published, self.last_id) = (events, Some(last_id));
            }
            Err(AnotherBatch) => return self.give_up(another_batch()),
        }
        if !takes_more && !self.next.is_empty() {
            self.give_up(another_batch());
        }
    }

    fn take_group(&mut self) -> Vec<Draft> {
        let rest = self.next.split_off(self.group_events());
        let drafts = std::mem::replace(&mut self.next, rest);
        self.group_bytes = bytes(&drafts);
        self.count_next();
        let is_complete = self.next.is_empty() && self.is_whole();
        match &mut self.batch {
            Some(batch) => batch.group(drafts, is_complete),
            None => drafts,
        }
    }

    /// Events of the next group. There are more if a group came back.
    fn group_events(&self) -> usize {
        let mut bytes = 0;
        let fits = |draft: &&Draft| {
            let has_room = bytes < GROUP_BYTES_MAX;
            bytes += draft.bytes();
            has_room
        };
        self.next.iter().take(GROUP_EVENTS_MAX).take_while(fits).count()
    }

    fn count_next(&mut self) {
        self.next_bytes = bytes(&self.next);
    }

    /// Takes note of how a group went.
    fn note(&mut self, result: Result<Vec<Published>, PublishError>) {
        self.group_bytes = 0;
        match result {
            Ok(published) => {
                self.published += published.len() as u64;
                self.last_id = published.into_iter().next_back().map(|last| last.id);
                self.has_placed = true;
                self.batch.iter_mut().for_each(KeyedBatch::placed);
            }
            Err(PublishError::BatchAt(progress)) => self.come_back(progress),
            Err(PublishError::KeyReused { .. }) => self.give_up(another_batch()),
            Err(error) => self.give_up(not_published(error)),
        }
    }

    /// Takes note that the group was not placed, because the log has its batch elsewhere.
    fn come_back(&mut self, progress: BatchProgress) {
        let Some(batch) = &mut self.batch else { return };
        match batch.is_elsewhere(progress) {
            Ok(mut drafts) => {
                drafts.append(&mut self.next);
                self.next = drafts;
                self.count_next();
            }
            Err(WentBack) => {
                self.published = progress.through;
                self.give_up(went_back());
            }
        }
    }

    /// Publishes no more, not even what was complete.
    fn give_up(&mut self, problem: Problem) {
        self.rest.clear();
        self.next.clear();
        self.end(Err(problem));
    }

    fn next_has_room(&self) -> bool {
        self.next.len() < GROUP_EVENTS_MAX && self.next_bytes < GROUP_BYTES_MAX
    }

    /// Whether more of the body can be taken.
    fn has_room(&self) -> bool {
        self.rest.is_empty() && self.end.is_none() && self.next_has_room()
    }

    fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// The number of the event of which the rest is waited for, once it is large enough for a share of the budget. None
    /// between two events, and while the hub has enough.
    fn awaited_event(&self) -> Option<u64> {
        let has_share = self.decoder.memory_bytes() >= PRODUCER_SHARE_STEP_BYTES;
        let waits = self.has_room() && !self.decoder.is_between_events();
        (waits && has_share).then_some(self.seen + 1)
    }

    /// Bytes of the body that are in memory.
    fn held_bytes(&self) -> usize {
        self.rest.len() + self.decoder.memory_bytes() + self.next_bytes + self.group_bytes
    }

    /// Whether the whole body has arrived, was decoded, and ended behind an event.
    fn is_whole(&mut self) -> bool {
        self.rest.is_empty() && matches!(self.end, Some(Ok(()))) && !self.is_unfinished()
    }

    /// Whether the body, of which all was decoded, ended inside an event. A client drops such an event, as the standard
    /// says; a publisher that forgot the last blank line should rather be told.
    fn is_unfinished(&mut self) -> bool {
        // Two line ends finish whatever was begun, and dispatch it if it was an event.
        let decoder = &mut self.decoder;
        *self
            .is_unfinished
            .get_or_insert_with(|| matches!(decoder.feed(b"\n\n").next(), Ok(Some(Item::Event(_)))))
    }

    fn answer(mut self) -> Result<Response<Body>, Problem> {
        let ahead = self.batch.as_ref().and_then(KeyedBatch::events_ahead);
        let unfinished = self.is_unfinished();
        match (self.end, ahead) {
            (Some(Err(problem)), ahead) => Err(problem.after(ahead.unwrap_or(self.published))),
            (_, Some(_)) => Err(another_batch().after(self.published)),
            (_, None) if unfinished => {
                let number = self.seen + 1;
                let detail =
                    format!("event {number} of the body was not published; end it with a blank line");
                Err(Problem::new(ProblemType::UnfinishedEvent, detail).after(self.published))
            }
            (_, None) => {
                let answer = ProducerAnswer { published: self.published, id: self.last_id };
                let response = json::response(StatusCode::CREATED, &answer);
                let is_replayed = self.published > 0 && !self.has_placed;
                Ok(if is_replayed { replayed(response) } else { response })
            }
        }
    }
}

fn bytes(drafts: &[Draft]) -> usize {
    drafts.iter().map(Draft::bytes).sum()
}

fn draft(event: &Event<'_>, topic: Topic, hub: &Hub) -> Result<Draft, Problem> {
    let fields = DraftFields {
        event_type: event.event_type,
        id: event.id(),
        retry_ms: event.retry.map(tidings_sse::Retry::as_ms),
        key: None,
    };
    let data = Bytes::copy_from_slice(event.data.as_bytes());
    hub.draft(topic, data, fields).map_err(|error| bad_draft(&error))
}
