//! The body of a producer on its way in: checked to be text, and decoded into events.

use bytes::Bytes;
use memchr::memchr2;
use tidings_core::limits::EVENT_ID_BYTES_MAX;
use tidings_core::{ConnectionId, Draft, DraftError, DraftFields, Hub, Topic};
use tidings_sse::Decoder;
use tidings_sse::decode::{Event, Item, Limits, Report, StrayLine};

use super::groups::Groups;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::events::problem::bad_draft;
use crate::limits::{DECODE_STEP_BYTES, FIELD_NAME_BYTES_MAX, PRODUCER_SHARE_STEP_BYTES};
use crate::request::body::too_large;
use crate::request::text::{TextCheck, refuse_wide};

pub(super) struct EventBody<'a> {
    hub: &'a Hub,
    topic: Topic,
    /// The connection that gets no echo of its events.
    excepted: Option<ConnectionId>,
    text: TextCheck,
    decoder: Decoder,
    /// What has arrived and is not decoded.
    rest: Bytes,
    /// What comes after `rest`: the end of the body, or why nothing more is read.
    end: Option<Result<(), Problem>>,
    /// Whether any byte has arrived, and whether a line end has.
    has_begun: bool,
    has_line_end: bool,
    /// Whether the body ended inside an event, once that is known.
    is_unfinished: Option<bool>,
    /// Events that were complete so far.
    events: u64,
    /// Looks for the first line that says nothing, until there is an event.
    stray: StrayLine,
}

impl<'a> EventBody<'a> {
    pub(super) fn new(hub: &'a Hub, topic: Topic, excepted: Option<ConnectionId>) -> Self {
        let bytes_max = hub.limits().event_bytes_max;
        let limits = Limits { line_bytes_max: bytes_max + FIELD_NAME_BYTES_MAX, event_bytes_max: bytes_max };
        Self {
            hub,
            topic,
            excepted,
            text: TextCheck::default(),
            // Ids, because the decoder keeps the last one, also that of a block without data.
            decoder: Decoder::new()
                .with_limits(limits)
                .with_report(Report { ids: true, ..Report::default() }),
            rest: Bytes::new(),
            end: None,
            has_begun: false,
            has_line_end: false,
            is_unfinished: None,
            events: 0,
            stray: StrayLine::default(),
        }
    }

    /// Takes note of what arrived, and whether it is known to be the last of the body.
    pub(super) fn take(&mut self, piece: Result<Option<Bytes>, Problem>, is_last: bool) {
        match piece {
            Ok(None) => self.end(Ok(())),
            Err(problem) => self.end(Err(problem)),
            Ok(Some(piece)) => {
                if !self.has_begun
                    && let Err(problem) = refuse_wide(&piece)
                {
                    return self.end(Err(problem));
                }
                self.has_begun |= !piece.is_empty();
                self.has_line_end = self.has_line_end || memchr2(b'\n', b'\r', &piece).is_some();
                let (valid, fault) = self.text.check(&piece);
                self.rest = piece.slice_ref(valid);
                if let Some(at) = fault {
                    let detail = format!("the body is UTF-8 text, and byte {} is not", at + 1);
                    self.end(Err(Problem::new(ProblemType::DataNotUtf8, detail)));
                } else if is_last {
                    self.end(Ok(()));
                }
            }
        }
    }

    /// Reads no more. What has arrived is decoded still.
    pub(super) fn end(&mut self, end: Result<(), Problem>) {
        self.end = Some(end);
    }

    /// Reads no more, and forgets what has arrived.
    pub(super) fn give_up(&mut self, problem: Problem) {
        self.rest.clear();
        self.end(Err(problem));
    }

    /// Decodes what has arrived, as far as there is room in the next group.
    pub(super) fn decode(&mut self, groups: &mut Groups) {
        let before = self.events;
        while !self.rest.is_empty() && groups.has_room() {
            let step = self.rest.split_to(self.rest.len().min(DECODE_STEP_BYTES));
            if let Err(problem) = self.decode_step(&step, groups) {
                self.give_up(problem);
            }
        }
        // A producer may be at rest for long after a large event, also in the beginning of the next one.
        let has_finished = self.is_between_events() || self.events > before;
        if has_finished && self.decoder.memory_bytes() >= PRODUCER_SHARE_STEP_BYTES {
            self.decoder.shrink_to_fit();
        }
    }

    fn decode_step(&mut self, step: &[u8], groups: &mut Groups) -> Result<(), Problem> {
        self.decode_events(step, groups)?;
        // Behind the decoder: of a body with events nearly nothing is read twice.
        if self.events == 0 {
            self.stray.feed(step);
        }
        Ok(())
    }

    fn decode_events(&mut self, step: &[u8], groups: &mut Groups) -> Result<(), Problem> {
        let mut feed = self.decoder.feed(step);
        loop {
            let number = self.events + 1;
            let about = |problem: Problem| problem.about(&format!("event {number} of the body"));
            match feed.next() {
                Ok(None) => return Ok(()),
                Ok(Some(Item::Event(event))) => {
                    let draft = draft(&event, self.topic.clone(), self.hub).map_err(about)?;
                    groups.push(match self.excepted {
                        Some(connection) => draft.excepting(connection),
                        None => draft,
                    });
                    self.events = number;
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

    /// Whether the body, of which all was decoded, ended inside an event. A client drops such an event, as the standard
    /// says; a publisher that forgot the last blank line should rather be told.
    pub(super) fn is_unfinished(&mut self) -> bool {
        // Two line ends finish whatever was begun, and dispatch it if it was an event.
        let decoder = &mut self.decoder;
        *self
            .is_unfinished
            .get_or_insert_with(|| matches!(decoder.feed(b"\n\n").next(), Ok(Some(Item::Event(_)))))
    }

    /// Whether the body has ended and was all one line, so that it cannot hold a whole event. `curl -d` makes that of a file,
    /// and what it made may look like a comment or a field that nobody knows.
    pub(super) fn is_one_line(&self) -> bool {
        self.has_begun && !self.has_line_end
    }

    /// The first line that is neither a field nor a comment, and its number, in a body without any event: lines of text, or
    /// JSON. The standard ignores them, and so would the hub, with success.
    pub(super) fn stray_line(&self) -> Option<(u64, String)> {
        if self.events == 0 { self.stray.finish() } else { None }
    }

    /// Whether the whole body has arrived, was decoded, and ended behind an event.
    pub(super) fn is_whole(&mut self) -> bool {
        self.is_decoded() && matches!(self.end, Some(Ok(()))) && !self.is_unfinished()
    }

    /// Whether all that has arrived was decoded.
    pub(super) fn is_decoded(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    pub(super) fn is_between_events(&self) -> bool {
        self.decoder.is_between_events()
    }

    /// The number of the event that has begun, or comes next.
    pub(super) fn event(&self) -> u64 {
        self.events + 1
    }

    /// Bytes of the event that has begun, as far as they are decoded.
    pub(super) fn decoder_bytes(&self) -> usize {
        self.decoder.memory_bytes()
    }

    /// Bytes in memory.
    pub(super) fn bytes(&self) -> usize {
        self.rest.len() + self.decoder_bytes()
    }

    /// Why nothing more was read, if it was not the end of the body.
    pub(super) fn into_problem(self) -> Option<Problem> {
        self.end.and_then(Result::err)
    }
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
