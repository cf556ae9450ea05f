//! How far a body is in the log, and what its publisher is told.
//!
//! With an idempotency key, [`KeyedBatch`] knows which events of the body are in the log already.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Serialize;
use tidings_core::{BatchProgress, ConnectionId, Draft, Hub, IdempotencyKey, PublishError, Published, Topic};

use super::body::EventBody;
use super::groups::Groups;
use crate::access::shown::shown;
use crate::answer::body::Body;
use crate::answer::json;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::events::batch::{AnotherBatch, CaughtUp, KeyedBatch, WentBack};
use crate::events::problem::{another_batch, not_published, went_back};
use crate::events::publish::replayed;
use crate::limits::PRODUCER_SHARE_STEP_BYTES;

/// One body on its way into the hub.
pub(super) struct Producer<'a> {
    body: EventBody<'a>,
    groups: Groups,
    batch: Option<KeyedBatch>,
    /// Events of the body that are in the log, from its beginning, and the id of the last one.
    published: u64,
    last_id: Option<String>,
    /// Whether this request has placed any of them.
    has_placed: bool,
}

/// The answer to a whole body: how many events, and the id of the last one.
#[derive(Serialize)]
struct ProducerAnswer {
    published: u64,
    id: Option<String>,
}

impl<'a> Producer<'a> {
    pub(super) fn new(
        hub: &'a Hub,
        topic: Topic,
        key: Option<IdempotencyKey>,
        excepted: Option<ConnectionId>,
    ) -> Self {
        Self {
            batch: key.map(|key| KeyedBatch::new(key, &topic)),
            body: EventBody::new(hub, topic, excepted),
            groups: Groups::default(),
            published: 0,
            last_id: None,
            has_placed: false,
        }
    }

    /// Takes note of what arrived, and whether it is known to be the last of the body.
    pub(super) fn take(&mut self, piece: Result<Option<Bytes>, Problem>, is_last: bool) {
        self.body.take(piece, is_last);
    }

    /// Reads no more. What was complete before is published.
    pub(super) fn end(&mut self, end: Result<(), Problem>) {
        self.body.end(end);
    }

    /// Decodes what has arrived, as far as there is room in the next group.
    pub(super) fn decode(&mut self) {
        self.body.decode(&mut self.groups);
    }

    /// The events that can be published now, if there are any.
    pub(super) fn next_group(&mut self) -> Option<Vec<Draft>> {
        loop {
            self.decode();
            self.pass_over();
            if !self.groups.is_empty() {
                return Some(self.begin_group());
            }
            // What was passed over has made room for what has arrived.
            if self.body.is_decoded() {
                return None;
            }
        }
    }

    /// Passes over the next events as far as they are in the log already.
    fn pass_over(&mut self) {
        let Some(batch) = &mut self.batch else { return };
        let passed = self.groups.change(|next| batch.pass_over(next));
        let takes_more = !batch.is_complete();
        match passed {
            Ok(None) => {}
            Ok(Some(CaughtUp { events, last_id })) => {
                (self.published, self.last_id) = (events, Some(last_id));
            }
            Err(AnotherBatch) => return self.give_up(another_batch()),
        }
        if !takes_more && !self.groups.is_empty() {
            self.give_up(another_batch());
        }
    }

    fn begin_group(&mut self) -> Vec<Draft> {
        let drafts = self.groups.begin();
        let is_complete = self.groups.is_empty() && self.body.is_whole();
        match &mut self.batch {
            Some(batch) => batch.group(drafts, is_complete),
            None => drafts,
        }
    }

    /// Takes note that a group is not published, nor anything after it.
    pub(super) fn refuse_group(&mut self, problem: Problem) {
        self.groups.ended();
        self.give_up(problem);
    }

    /// Takes note of how a group went.
    pub(super) fn note(&mut self, result: Result<Vec<Published>, PublishError>) {
        self.groups.ended();
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
            Ok(drafts) => self.groups.put_back(drafts),
            Err(WentBack) => {
                self.published = progress.through;
                self.give_up(went_back());
            }
        }
    }

    /// Publishes no more, not even what was complete.
    fn give_up(&mut self, problem: Problem) {
        self.groups.forget_next();
        self.body.give_up(problem);
    }

    pub(super) fn has_ended(&self) -> bool {
        self.body.has_ended()
    }

    /// Whether more of the body can be taken.
    pub(super) fn has_room(&self) -> bool {
        self.body.is_decoded() && !self.body.has_ended() && self.groups.has_room()
    }

    /// The number of the event of which the rest is waited for, once it is large enough for a share of the budget. None
    /// between two events, and while the hub has enough.
    pub(super) fn awaited_event(&self) -> Option<u64> {
        let has_share = self.body.decoder_bytes() >= PRODUCER_SHARE_STEP_BYTES;
        let waits = self.has_room() && !self.body.is_between_events();
        (waits && has_share).then(|| self.body.event())
    }

    /// Bytes of the body that are in memory.
    pub(super) fn held_bytes(&self) -> usize {
        self.body.bytes() + self.groups.bytes()
    }

    pub(super) fn answer(mut self) -> Result<Response<Body>, Problem> {
        let ahead = self.batch.as_ref().and_then(KeyedBatch::events_ahead);
        let is_one_line = self.body.is_one_line();
        let stray = self.body.stray_line();
        let unfinished = (self.body.is_unfinished() || is_one_line).then(|| self.body.event());
        if let Some(problem) = self.body.into_problem() {
            return Err(problem.after(ahead.unwrap_or(self.published)));
        }
        if ahead.is_some() {
            return Err(another_batch().after(self.published));
        }
        if let Some(number) = unfinished {
            let mut detail =
                format!("event {number} of the body was not published; end it with a blank line");
            if is_one_line {
                detail.push_str(
                    ". The body has no line end at all: `curl -d @FILE` drops those of the file, `curl --data-binary @FILE` \
                     keeps them",
                );
            }
            return Err(Problem::new(ProblemType::UnfinishedEvent, detail).after(self.published));
        }
        if let Some((number, line)) = stray {
            let detail = format!(
                "the body has no event, and line {number} is neither a field nor a comment: `{}`; an event is the line \
                 `data: TEXT` and a blank one, and `tidings pub URL -` publishes each line of a text",
                shown(line.as_bytes()),
            );
            return Err(Problem::new(ProblemType::NoEventStream, detail).after(self.published));
        }
        let answer = ProducerAnswer { published: self.published, id: self.last_id };
        let response = json::response(StatusCode::CREATED, &answer);
        let is_replayed = self.published > 0 && !self.has_placed;
        Ok(if is_replayed { replayed(response) } else { response })
    }
}
