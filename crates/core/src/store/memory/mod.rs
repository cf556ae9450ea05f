//! A store without a disk: for tests, for `--memory`, and as the shortest example of what a store is.
//!
//! Its log ends with the process, so each one begins a new epoch.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;

use crate::event::{
    Clock, Cursor, Draft, Epoch, EpochStatus, Event, IdempotencyKey, Line, Sequence, UnixMillis,
};
use crate::limits::MEMORY_PAGE_SCAN_MAX;
use crate::read::gap::Lost;
use crate::select::Selectors;
use crate::store::tail::{Announcer, ReadLog};
use crate::store::{Bounds, Page, Placement, Query, Reading, Start, Store, StoreError, Tail};

/// What a [`MemoryStore`] keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryRetention {
    /// Newest events kept. Default 1,000,000.
    pub events_max: usize,
    /// Bytes of their fields. Default 256 MiB, because it is main memory.
    pub bytes_max: usize,
}

impl Default for MemoryRetention {
    fn default() -> Self {
        Self { events_max: 1_000_000, bytes_max: 268_435_456 }
    }
}

/// Keeps the log in memory.
pub struct MemoryStore {
    log: Arc<MemoryLog>,
    clock: Arc<dyn Clock>,
    retention: MemoryRetention,
    announcer: Announcer,
}

struct MemoryLog(Mutex<Contents>);

struct Contents {
    line: Line,
    events: VecDeque<Event>,
    /// The place before the first event.
    floor: Cursor,
    /// The time of the last event that retention took.
    floor_time: UnixMillis,
    bytes: usize,
    head: Sequence,
    closed: bool,
    /// The events of each key; a batch has one for each append.
    keys: HashMap<IdempotencyKey, VecDeque<Sequence>>,
    ids: HashMap<Box<str>, VecDeque<Sequence>>,
}

impl MemoryStore {
    /// An empty log. The epoch should be random, and differ from that of every log before.
    pub fn new(epoch: Epoch, clock: Arc<dyn Clock>, retention: MemoryRetention) -> Self {
        let contents = Contents {
            line: Line::new(epoch),
            events: VecDeque::new(),
            floor: Cursor::new(epoch, Sequence::ZERO),
            floor_time: UnixMillis::default(),
            bytes: 0,
            head: Sequence::ZERO,
            closed: false,
            keys: HashMap::new(),
            ids: HashMap::new(),
        };
        let log = Arc::new(MemoryLog(Mutex::new(contents)));
        Self { log, clock, retention, announcer: Announcer::default() }
    }

    /// Ends the current epoch after a place, at the head at the latest, and goes on in another one, as an engine does
    /// that lost its newest events: what stood after the place is gone. For tests of what followers make of it.
    pub fn begin_epoch(&self, epoch: Epoch, after: Sequence) -> Cursor {
        let mut contents = self.log.contents();
        let begins = contents.begin_epoch(epoch, after);
        // Under the lock, so that it is announced in the order of the log.
        self.announcer.announce_epoch(begins);
        begins
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn append(&self, drafts: Vec<Draft>) -> Result<Vec<Placement>, StoreError> {
        let mut contents = self.log.contents();
        if contents.closed {
            return Err(StoreError::Stopped("it was closed".into()));
        }
        let before = contents.head;
        let now = self.clock.now();
        let placements = contents.place_all(drafts, now);
        let fresh = contents.events.range(contents.index_after(before)..).cloned().collect();
        // Under the lock, so that batches are announced in the order of the log.
        self.announcer.announce(fresh);
        contents.retain(self.retention);
        Ok(placements)
    }

    async fn read(&self, query: Query) -> Result<Reading, StoreError> {
        self.log.read(query).await
    }

    fn bounds(&self) -> Bounds {
        let contents = self.log.contents();
        Bounds { floor: contents.floor, head: contents.head() }
    }

    fn status_of(&self, epoch: Epoch) -> EpochStatus {
        self.log.contents().line.status_of(epoch)
    }

    async fn tail(&self, after: Cursor) -> Result<Box<dyn Tail>, StoreError> {
        Ok(self.announcer.tail(after, self.log.clone()))
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.log.contents().closed = true;
        self.announcer.close();
        Ok(())
    }
}

#[async_trait]
impl ReadLog for MemoryLog {
    async fn read(&self, query: Query) -> Result<Reading, StoreError> {
        let contents = self.contents();
        Ok(match contents.locate(&query) {
            Ok(after) => Reading::Page(contents.page(after, &query)),
            Err(lost) => lost,
        })
    }
}

impl MemoryLog {
    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contents {
    fn place_all(&mut self, drafts: Vec<Draft>, now: UnixMillis) -> Vec<Placement> {
        let part = drafts.last().filter(|last| last.batch_part().is_some());
        if let Some(answer) = part.and_then(|part| self.answer_known(part)) {
            return vec![answer; drafts.len()];
        }
        drafts.into_iter().map(|draft| self.place(draft, now)).collect()
    }

    /// What a draft is answered with because its key is known.
    fn answer_known(&self, draft: &Draft) -> Option<Placement> {
        let newest = self.keys.get(draft.key()?)?.back()?;
        Placement::under_known_key(self.get(*newest)?, draft)
    }

    fn place(&mut self, draft: Draft, now: UnixMillis) -> Placement {
        if let Some(answer) = self.answer_known(&draft) {
            return answer;
        }
        let cursor = self.head().next();
        let time = self.events.back().map_or(self.floor_time, |last| last.time).max(now);
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
        self.events.push_back(Event { cursor, time, draft }.with_data(data));
        Placement::New(cursor)
    }

    fn retain(&mut self, retention: MemoryRetention) {
        while self.events.len() > retention.events_max.max(1)
            || (self.bytes > retention.bytes_max && self.events.len() > 1)
        {
            let Some(event) = self.events.pop_front() else { return };
            self.floor = event.cursor;
            self.floor_time = event.time;
            self.forget(&event, VecDeque::pop_front);
        }
        self.line.forget_before(self.floor.sequence);
    }

    fn begin_epoch(&mut self, epoch: Epoch, after: Sequence) -> Cursor {
        while self.events.back().is_some_and(|event| event.cursor.sequence > after) {
            let Some(event) = self.events.pop_back() else { break };
            self.head = event.cursor.sequence.previous();
            self.forget(&event, VecDeque::pop_back);
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

    /// The place that a start comes to, or the answer that there is none.
    fn locate(&self, query: &Query) -> Result<Cursor, Reading> {
        match &query.start {
            Start::Earliest => Ok(self.floor),
            Start::After(after) => self.locate_place(*after),
            Start::AfterId(id) => self.locate_id(id.as_str(), &query.selectors),
            Start::Since(time) => {
                let at = self.events.partition_point(|event| event.time < *time);
                // If even the first event held is late enough, one that is gone may have been, too.
                match at == 0 && self.floor.sequence > Sequence::ZERO {
                    true => Err(self.lost(Lost::Expired)),
                    false => Ok(self.before(at)),
                }
            }
            Start::Last(count) => Ok(self.before_last(*count, &query.selectors)),
        }
    }

    fn locate_place(&self, after: Cursor) -> Result<Cursor, Reading> {
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

    fn lost(&self, lost: Lost) -> Reading {
        Reading::Lost { lost, resumes_after: self.floor }
    }

    fn locate_id(&self, id: &str, selectors: &Selectors) -> Result<Cursor, Reading> {
        let places = self.ids.get(id).into_iter().flatten();
        let mut events = places.filter_map(|at| self.get(*at));
        let first = events.find(|event| selectors.matches(event.draft.topic()));
        first.map(|event| event.cursor).ok_or_else(|| self.lost(Lost::Unknown))
    }

    fn before_last(&self, count: usize, selectors: &Selectors) -> Cursor {
        if count == 0 {
            return self.head();
        }
        let matching = |(_, event): &(usize, &Event)| selectors.matches(event.draft.topic());
        let first = self.events.iter().enumerate().rev().filter(matching).nth(count - 1);
        self.before(first.map_or(0, |(at, _)| at))
    }

    fn page(&self, after: Cursor, query: &Query) -> Page {
        let (mut events, mut bytes, mut next) = (Vec::new(), 0, after);
        let from = self.index_after(after.sequence);
        for event in self.events.range(from..).take(MEMORY_PAGE_SCAN_MAX) {
            if query.selectors.matches(event.draft.topic()) {
                bytes += event.draft.bytes();
                let full = events.len() >= query.events_max.max(1) || bytes > query.bytes_max;
                if full && !events.is_empty() {
                    break;
                }
                events.push(event.clone());
            }
            next = event.cursor;
        }
        // At the end of an epoch its last place has two names, and the newer one is good for longer.
        let next = if next.sequence == self.head { self.head() } else { next };
        Page { after, events, next, head: self.head(), partial: false }
    }

    fn head(&self) -> Cursor {
        Cursor::new(self.line.epoch(), self.head)
    }

    /// The place before an event, by its index; the head if there is none.
    fn before(&self, index: usize) -> Cursor {
        match index.checked_sub(1) {
            None => self.floor,
            Some(last) if last + 1 == self.events.len() => self.head(),
            Some(last) => self.events[last].cursor,
        }
    }

    fn index_after(&self, after: Sequence) -> usize {
        let index = after.0.saturating_sub(self.floor.sequence.0);
        usize::try_from(index).unwrap_or(usize::MAX).min(self.events.len())
    }

    fn get(&self, sequence: Sequence) -> Option<&Event> {
        let index = sequence.previous().0.checked_sub(self.floor.sequence.0)?;
        self.events.get(usize::try_from(index).ok()?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::event::{DraftParts, Topic};

    struct Buffer(Vec<u8>, Arc<AtomicBool>);

    impl AsRef<[u8]> for Buffer {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }

    impl Drop for Buffer {
        fn drop(&mut self) {
            self.1.store(true, Ordering::Relaxed);
        }
    }

    struct Noon;

    impl Clock for Noon {
        fn now(&self) -> UnixMillis {
            UnixMillis(0)
        }
    }

    #[tokio::test]
    async fn the_store_does_not_keep_the_buffer_alive_in_which_an_event_arrived() {
        let freed = Arc::new(AtomicBool::new(false));
        let data = Bytes::from_owner(Buffer(vec![b'x'; 1_000_000], freed.clone())).slice(..1);
        let topic = Topic::parse("a").unwrap();
        let parts = DraftParts::new(topic, data);
        let store = MemoryStore::new(Epoch(1), Arc::new(Noon), MemoryRetention::default());

        store.append(vec![Draft::restore(parts)]).await.unwrap();

        assert!(freed.load(Ordering::Relaxed));
    }
}
