//! A group: the appends that share one write and one sync.

use std::collections::HashMap;
use std::sync::Arc;

use tidings_core::{
    AsIs, Cursor, Draft, Epoch, Event, KeyFields, Placement, Sequence, StoreError, UnixMillis,
};
use tokio::sync::oneshot;

use super::hash::RecordTag;
use super::queue::Append;
use super::record::{RecordStamp, v2};

/// Drafts with places that are not theirs for sure yet.
pub(crate) struct WriteGroup {
    /// The records, one after the other.
    pub(crate) bytes: Vec<u8>,
    /// Where each record begins among them.
    pub(crate) offsets: Vec<u32>,
    /// The events.
    pub(crate) events: Vec<Event>,
    /// The events with an idempotency key, by its hash.
    pub(crate) keys: HashMap<u64, u32, AsIs>,
    /// The epoch that ends where the group begins, if the group begins another one.
    pub(crate) ends: Option<Epoch>,
    waiting: Vec<Waiting>,
    tag: RecordTag,
}

/// Who waits for the group, and for what.
struct Waiting {
    reply: oneshot::Sender<Result<Vec<Placement>, StoreError>>,
    placements: Vec<Placement>,
}

/// Where a group begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Beginning {
    /// The event before its first, in the epoch of the life.
    pub(crate) after: Cursor,
    /// The epoch that ends there, if that of the life is still to begin.
    pub(crate) ends: Option<Epoch>,
    /// The newest event that is durable.
    pub(crate) durable: Sequence,
    /// The time of all its events.
    pub(crate) time: UnixMillis,
}

/// Finds the event that has a key. Hash first, to be compared with the key itself.
pub(crate) type Known<'a> = &'a dyn Fn(u64, &Draft) -> Result<Option<Event>, StoreError>;

impl WriteGroup {
    /// An empty group.
    pub(crate) fn new(tag: RecordTag) -> Self {
        Self {
            bytes: Vec::new(),
            offsets: Vec::new(),
            events: Vec::new(),
            keys: HashMap::default(),
            ends: None,
            waiting: Vec::new(),
            tag,
        }
    }

    /// Whether nobody waits for it.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Gives the drafts of an append their places. If a known event cannot be read, none has one, and the append is
    /// answered at once.
    pub(crate) fn place(
        &mut self,
        append: Append,
        begin: Beginning,
        hash: impl Fn(KeyFields<'_>) -> u64,
        known: Known<'_>,
    ) {
        let Append { drafts, reply } = append;
        let first = self.events.len();
        let hash = |draft: &Draft| draft.key().map(|key| hash(key.fields()));
        // A part of a batch is judged by its last draft, before any of its drafts has a place.
        let part = drafts.last().filter(|last| last.batch_part().is_some());
        match part.map_or(Ok(None), |part| self.answer_known(hash(part), part, known)) {
            Ok(None) => {}
            Ok(Some(placement)) => {
                let placements = vec![placement; drafts.len()];
                return self.waiting.push(Waiting { reply, placements });
            }
            Err(error) => {
                let _ = reply.send(Err(error));
                return;
            }
        }
        let mut placements = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let key = hash(&draft);
            match self.answer_known(key, &draft, known) {
                Ok(Some(placement)) => placements.push(placement),
                Ok(None) => {
                    let sequence = Sequence(begin.after.sequence.0 + self.events.len() as u64 + 1);
                    let cursor = begin.after.at(sequence);
                    if let Some(key) = key {
                        self.keys.insert(key, self.events.len() as u32);
                    }
                    self.events.push(Event { cursor, time: begin.time, draft });
                    placements.push(Placement::New(cursor));
                }
                Err(error) => {
                    self.events.truncate(first);
                    self.keys.retain(|_, at| (*at as usize) < first);
                    let _ = reply.send(Err(error));
                    return;
                }
            }
        }
        self.encode(first, begin);
        self.waiting.push(Waiting { reply, placements });
    }

    /// What a draft is answered with because its key is known.
    fn answer_known(
        &self,
        key: Option<u64>,
        draft: &Draft,
        known: Known<'_>,
    ) -> Result<Option<Placement>, StoreError> {
        let Some(key) = key else { return Ok(None) };
        let here = self.keys.get(&key).and_then(|at| self.events.get(*at as usize));
        if let Some(event) = here.filter(|event| event.draft.key() == draft.key()) {
            return Ok(Placement::under_known_key(event, draft));
        }
        Ok(known(key, draft)?.and_then(|event| Placement::under_known_key(&event, draft)))
    }

    /// Encodes the events of an append. The first of a life is there whole only with the record that begins its epoch.
    fn encode(&mut self, first: usize, begin: Beginning) {
        if let Some(ends) = begin.ends
            && self.bytes.is_empty()
            && first < self.events.len()
        {
            let sequence = begin.after.sequence;
            let lag = u32::try_from(sequence.0 - begin.durable.0).unwrap_or(u32::MAX);
            let stamp = RecordStamp { sequence, time: begin.time, lag, more: true };
            v2::encode_epoch(stamp, begin.after.epoch, ends, &self.tag, &mut self.bytes);
            self.ends = Some(ends);
        }
        let last = self.events.len().saturating_sub(1);
        for (at, event) in self.events.iter().enumerate().skip(first) {
            let sequence = event.cursor.sequence;
            let lag = u32::try_from(sequence.0 - begin.durable.0).unwrap_or(u32::MAX);
            let stamp = RecordStamp { sequence, time: event.time, lag, more: at < last };
            self.offsets.push(self.bytes.len() as u32);
            v2::encode(stamp, &event.draft, &self.tag, &mut self.bytes);
        }
    }

    /// Takes the events, to be handed out.
    pub(crate) fn take_events(&mut self) -> Arc<[Event]> {
        self.events.drain(..).collect()
    }

    /// Tells everyone who waits how it went, and empties the group.
    pub(crate) fn answer(&mut self, outcome: Result<(), StoreError>) {
        for Waiting { reply, placements } in self.waiting.drain(..) {
            // Whoever does not wait any more has its event all the same.
            let _ = reply.send(outcome.clone().map(|()| placements));
        }
        self.clear();
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.offsets.clear();
        self.events.clear();
        self.keys.clear();
        self.ends = None;
    }
}
