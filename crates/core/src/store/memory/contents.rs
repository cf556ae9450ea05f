//! What stands behind the lock of a memory store: the log, and what is known of its keys and ids.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;

use super::MemoryRetention;
use super::events::Events;
use super::held::Held;
use crate::event::{
    Cursor, Draft, Epoch, EpochStatus, Event, IdempotencyKey, Line, Sequence, Topic, UnixMillis,
};
use crate::read::gap::Lost;
use crate::store::{Placement, Reading};

pub(super) struct Contents {
    pub(super) line: Line,
    pub(super) events: Events,
    /// The place before the first event.
    pub(super) floor: Cursor,
    /// The time of the last event that retention took.
    floor_time: UnixMillis,
    bytes: usize,
    /// What keeps events that retention would remove.
    pub(super) held: Option<Held>,
    pub(super) head: Sequence,
    pub(super) closed: bool,
    /// The events of each key; a batch has one for each append.
    keys: HashMap<IdempotencyKey, VecDeque<Sequence>>,
    ids: HashMap<Box<str>, VecDeque<Sequence>>,
}

impl Contents {
    pub(super) fn new(epoch: Epoch) -> Self {
        Self {
            line: Line::new(epoch),
            events: Events::default(),
            floor: Cursor::new(epoch, Sequence::ZERO),
            floor_time: UnixMillis::default(),
            bytes: 0,
            held: None,
            head: Sequence::ZERO,
            closed: false,
            keys: HashMap::new(),
            ids: HashMap::new(),
        }
    }

    pub(super) fn place_all(&mut self, drafts: Vec<Draft>, now: UnixMillis) -> Vec<Placement> {
        let part = drafts.last().filter(|last| last.batch_part().is_some());
        if let Some(answer) = part.and_then(|part| self.answer_known(part)) {
            return vec![answer; drafts.len()];
        }
        drafts.into_iter().map(|draft| self.place(draft, now)).collect()
    }

    /// What a draft is answered with because its key is known.
    fn answer_known(&self, draft: &Draft) -> Option<Placement> {
        let newest = self.keys.get(draft.key()?)?.back()?;
        Placement::under_known_key(self.events.get(*newest)?, draft)
    }

    fn place(&mut self, draft: Draft, now: UnixMillis) -> Placement {
        if let Some(answer) = self.answer_known(&draft) {
            return answer;
        }
        let cursor = self.head().next();
        let time = self.events.last().map_or(self.floor_time, |last| last.time).max(now);
        if let Some(key) = draft.key() {
            self.keys.entry(key.clone()).or_default().push_back(cursor.sequence);
        }
        if let Some(id) = draft.id() {
            self.ids.entry(id.as_str().into()).or_default().push_back(cursor.sequence);
        }
        self.head = cursor.sequence;
        self.bytes += draft.bytes();
        // The data may be a slice of a connection's buffer, which is many times as large and is not counted.
        let data = Bytes::copy_from_slice(draft.data());
        self.events.push(Event { cursor, time, draft }.with_data(data));
        Placement::New(cursor)
    }

    /// Lets go what the bounds say, as far as it is not held.
    pub(super) fn retain(&mut self, retention: MemoryRetention) {
        if let Some(held) = &mut self.held {
            held.want(&self.events, self.bytes, retention);
        }
        let released = self.held.as_ref().map(Held::released);
        while self.events.len() > retention.events_max.max(1)
            || (self.bytes > retention.bytes_max && self.events.len() > 1)
        {
            let first = self.events.first().map(|event| event.cursor.sequence);
            if released.is_some_and(|released| first > Some(released)) {
                break;
            }
            let Some(event) = self.events.pop_first() else { return };
            self.floor = event.cursor;
            self.floor_time = event.time;
            self.forget(&event, VecDeque::pop_front);
        }
        self.line.forget_before(self.floor.sequence);
    }

    pub(super) fn begin_epoch(&mut self, epoch: Epoch, after: Sequence) -> Cursor {
        while self.events.last().is_some_and(|event| event.cursor.sequence > after) {
            let Some(event) = self.events.pop_last() else { break };
            self.head = event.cursor.sequence.previous();
            self.forget(&event, VecDeque::pop_back);
        }
        if let Some(held) = &mut self.held {
            held.cut(self.head);
        }
        self.line.begin(epoch, self.head);
        if self.events.is_empty() {
            self.floor = self.head();
        }
        self.head()
    }

    /// Forgets an event that has left the log at one of its ends; `pop` takes from the same end.
    fn forget(&mut self, event: &Event, pop: fn(&mut VecDeque<Sequence>) -> Option<Sequence>) {
        self.bytes -= event.draft.bytes();
        if let Some(held) = &mut self.held {
            held.forget(event.cursor.sequence, event.draft.bytes());
        }
        if let Some(key) = event.draft.key()
            && let Some(places) = self.keys.get_mut(key)
        {
            pop(places);
            if places.is_empty() {
                self.keys.remove(key);
            }
        }
        if let Some(id) = event.draft.id()
            && let Some(places) = self.ids.get_mut(id.as_str())
        {
            pop(places);
            if places.is_empty() {
                self.ids.remove(id.as_str());
            }
        }
    }

    /// The place of an event that the log holds; otherwise the floor. At the head it has the newest name.
    pub(super) fn place_of(&self, sequence: Sequence) -> Cursor {
        if sequence == self.head {
            return self.head();
        }
        self.events.get(sequence).map_or(self.floor, |event| event.cursor)
    }

    /// The place of a cursor, if its events can still be had.
    pub(super) fn locate_place(&self, after: Cursor) -> Result<Cursor, Reading> {
        match self.line.status_of(after.epoch) {
            EpochStatus::Ended { at } if after.sequence > at => {
                // A reader that was cut off has everything up to there.
                let resumes_after = self.head().at(at.max(self.floor.sequence));
                Err(Reading::Lost { lost: Lost::OtherEpoch, resumes_after })
            }
            // An epoch that has left the line cannot be told from one that was never there.
            EpochStatus::Unknown if after.sequence < self.floor.sequence => Err(self.lost(Lost::Expired)),
            EpochStatus::Unknown => Err(self.lost(Lost::OtherEpoch)),
            EpochStatus::Current if after.sequence > self.head => Err(self.lost(Lost::Unknown)),
            _ if after.sequence < self.floor.sequence => Err(self.lost(Lost::Expired)),
            EpochStatus::Current | EpochStatus::Ended { .. } => Ok(after),
        }
    }

    pub(super) fn lost(&self, lost: Lost) -> Reading {
        Reading::Lost { lost, resumes_after: self.floor }
    }

    /// The place before the first event of a time or later. If even the first event held is late enough, one that is gone
    /// may have been, too.
    pub(super) fn locate_time(&self, time: UnixMillis) -> Result<Cursor, Reading> {
        let first = self.events.first_since(time).map_or(self.head.next(), |event| event.cursor.sequence);
        match first.previous() == self.floor.sequence && self.floor.sequence > Sequence::ZERO {
            true => Err(self.lost(Lost::Expired)),
            false => Ok(self.place_of(first.previous())),
        }
    }

    /// The places and topics of the next events that have an id, after a place.
    pub(super) fn topics_of_id(&self, id: &str, after: Sequence, most: usize) -> Vec<(Cursor, Topic)> {
        let Some(places) = self.ids.get(id) else { return Vec::new() };
        let from = places.partition_point(|at| *at <= after);
        let events = places.range(from..).take(most).filter_map(|at| self.events.get(*at));
        events.map(|event| (event.cursor, event.draft.topic().clone())).collect()
    }

    pub(super) fn head(&self) -> Cursor {
        Cursor::new(self.line.epoch(), self.head)
    }
}
