//! A store without a disk: for tests, for `--memory`, and as the shortest example of what a store is.
//!
//! Its log ends with the process, so each one begins a new epoch.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::event::cursor::{Epoch, Sequence};
use crate::event::draft::{Draft, IdempotencyKey};
use crate::event::{Clock, Event};
use crate::select::selector::Selectors;
use crate::store::tail::{Announcer, ReadLog};
use crate::store::{Bounds, Page, Placement, Query, Reading, Start, Store, StoreError, Tail};

/// Events that one page looks at, at most: bounds the time for which a read holds the lock.
const PAGE_SCAN_MAX: usize = 10_000;

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
    log: Arc<Log>,
    clock: Arc<dyn Clock>,
    retention: MemoryRetention,
    announcer: Announcer,
}

struct Log {
    epoch: Epoch,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    events: VecDeque<Event>,
    bytes: usize,
    head: Sequence,
    closed: bool,
    keys: HashMap<IdempotencyKey, Sequence>,
    ids: HashMap<Box<str>, VecDeque<Sequence>>,
}

impl MemoryStore {
    /// An empty log. The epoch should be random, and differ from that of every log before.
    pub fn new(epoch: Epoch, clock: Arc<dyn Clock>, retention: MemoryRetention) -> Self {
        let log = Arc::new(Log { epoch, state: Mutex::default() });
        Self { log, clock, retention, announcer: Announcer::default() }
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn append(&self, drafts: Vec<Draft>) -> Result<Vec<Placement>, StoreError> {
        let mut state = self.log.state();
        if state.closed {
            return Err(StoreError::Stopped("it was closed".into()));
        }
        let before = state.head;
        let now = self.clock.now();
        let placements = drafts.into_iter().map(|draft| state.place(draft, now)).collect();
        let fresh = state.events.range(state.index_after(before)..).cloned().collect();
        // Under the lock, so that batches are announced in the order of the log.
        self.announcer.announce(fresh);
        state.retain(self.retention);
        Ok(placements)
    }

    async fn read(&self, query: Query) -> Result<Reading, StoreError> {
        self.log.read(query).await
    }

    fn bounds(&self) -> Bounds {
        let state = self.log.state();
        Bounds { epoch: self.log.epoch, earliest: state.earliest(), head: state.head }
    }

    async fn tail(&self, after: Sequence) -> Result<Box<dyn Tail>, StoreError> {
        Ok(self.announcer.tail(after, self.log.clone()))
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.log.state().closed = true;
        self.announcer.close();
        Ok(())
    }
}

#[async_trait]
impl ReadLog for Log {
    async fn read(&self, query: Query) -> Result<Reading, StoreError> {
        let state = self.state();
        Ok(match state.locate(&query) {
            Located::After(after) => Reading::Page(state.page(after, &query)),
            Located::Expired => Reading::Expired { earliest: state.earliest() },
            Located::Unknown => Reading::Unknown { earliest: state.earliest() },
        })
    }
}

impl Log {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Located {
    After(Sequence),
    Expired,
    Unknown,
}

impl State {
    fn place(&mut self, draft: Draft, now: crate::event::UnixMillis) -> Placement {
        if let Some(known) = draft.key().and_then(|key| self.keys.get(key)).and_then(|at| self.get(*at)) {
            return match known.draft.says_the_same_as(&draft) {
                true => Placement::Repeated(known.sequence),
                false => Placement::KeyReused(known.sequence),
            };
        }
        let sequence = self.head.next();
        let time = self.events.back().map_or(now, |last| last.time.max(now));
        if let Some(key) = draft.key() {
            self.keys.insert(key.clone(), sequence);
        }
        if let Some(id) = draft.id() {
            self.ids.entry(id.as_str().into()).or_default().push_back(sequence);
        }
        self.head = sequence;
        self.bytes += draft.bytes();
        self.events.push_back(Event { sequence, time, draft });
        Placement::New(sequence)
    }

    fn retain(&mut self, retention: MemoryRetention) {
        while self.events.len() > retention.events_max.max(1)
            || (self.bytes > retention.bytes_max && self.events.len() > 1)
        {
            let Some(event) = self.events.pop_front() else { return };
            self.bytes -= event.draft.bytes();
            if let Some(key) = event.draft.key() {
                self.keys.remove(key);
            }
            let Some(id) = event.draft.id() else { continue };
            if let Some(places) = self.ids.get_mut(id.as_str()) {
                places.pop_front();
                if places.is_empty() {
                    self.ids.remove(id.as_str());
                }
            }
        }
    }

    fn locate(&self, query: &Query) -> Located {
        match &query.start {
            Start::Earliest => Located::After(self.earliest().previous()),
            Start::After(after) if *after > self.head => Located::Unknown,
            Start::After(after) if after.next() < self.earliest() => Located::Expired,
            Start::After(after) => Located::After(*after),
            Start::AfterId(id) => self.locate_id(id.as_str(), &query.selectors),
            Start::Since(time) => {
                let at = self.events.partition_point(|event| event.time < *time);
                // If even the first event held is late enough, one that is gone may have been, too.
                match at == 0 && self.earliest() > Sequence(1) {
                    true => Located::Expired,
                    false => Located::After(Sequence(self.earliest().previous().0 + at as u64)),
                }
            }
            Start::Last(count) => Located::After(self.before_last(*count, &query.selectors)),
        }
    }

    fn locate_id(&self, id: &str, selectors: &Selectors) -> Located {
        let places = self.ids.get(id).into_iter().flatten();
        let mut matching =
            places.filter(|at| self.get(**at).is_some_and(|event| selectors.matches(event.draft.topic())));
        matching.next().map_or(Located::Unknown, |at| Located::After(*at))
    }

    fn before_last(&self, count: usize, selectors: &Selectors) -> Sequence {
        if count == 0 {
            return self.head;
        }
        let mut matching = self.events.iter().rev().filter(|event| selectors.matches(event.draft.topic()));
        matching.nth(count - 1).map_or(self.earliest(), |event| event.sequence).previous()
    }

    fn page(&self, after: Sequence, query: &Query) -> Page {
        let (mut events, mut bytes, mut next) = (Vec::new(), 0, after);
        for event in self.events.range(self.index_after(after)..).take(PAGE_SCAN_MAX) {
            if query.selectors.matches(event.draft.topic()) {
                bytes += event.draft.bytes();
                let full = events.len() >= query.events_max.max(1) || bytes > query.bytes_max;
                if full && !events.is_empty() {
                    break;
                }
                events.push(event.clone());
            }
            next = event.sequence;
        }
        Page { after, events, next, head: self.head }
    }

    fn earliest(&self) -> Sequence {
        self.events.front().map_or(self.head.next(), |event| event.sequence)
    }

    fn index_after(&self, after: Sequence) -> usize {
        let index = after.next().0.saturating_sub(self.earliest().0);
        usize::try_from(index).unwrap_or(usize::MAX).min(self.events.len())
    }

    fn get(&self, sequence: Sequence) -> Option<&Event> {
        self.events.get(usize::try_from(sequence.0.checked_sub(self.earliest().0)?).ok()?)
    }
}
