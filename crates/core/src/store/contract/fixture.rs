//! What a case needs of the store under test, and short words for what cases do all the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::event::{Clock, Cursor, Draft, DraftFields, Event, Sequence, Topic, UnixMillis};
use crate::limits::Limits;
use crate::select::{Selector, Selectors};
use crate::store::{Page, Placement, Query, Reading, RetentionHold, Start, Store};

/// Opens the store under test. Each fixture stands for a log of its own.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// Opens the log, for the first time or again after [`Store::close`]. Keeps everything.
    async fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Store>;

    /// Opens a log that keeps about so many of the newest events, as exactly as the store can.
    async fn open_bounded(&self, clock: Arc<dyn Clock>, events: usize) -> Arc<dyn Store>;

    /// Opens a log as [`open_bounded`](Self::open_bounded) does, with a hold. `None` if the store takes none.
    async fn open_held(
        &self,
        clock: Arc<dyn Clock>,
        events: usize,
        hold: Arc<RetentionHold>,
    ) -> Option<Arc<dyn Store>> {
        let _ = (clock, events, hold);
        None
    }

    /// Whether a log that is opened again is the same log.
    fn survives_restart(&self) -> bool;

    /// How many batches a tail keeps by itself while nobody reads it: one that is behind by so many appends, made
    /// one after another, hands them out even after retention took them; one that is behind by more reads the log.
    /// 0 if a tail always reads the log.
    fn batches_a_tail_keeps(&self) -> usize;

    /// Makes an open store end its epoch after a place and go on in another one, and returns where that begins. `None`
    /// if the store never does so while it is open.
    async fn begin_epoch(&self, store: &Arc<dyn Store>, after: Sequence) -> Option<Cursor> {
        let _ = (store, after);
        None
    }
}

/// A clock that a test moves.
#[derive(Debug, Default)]
pub struct ManualClock {
    ms: AtomicU64,
    uptime_ms: AtomicU64,
}

impl ManualClock {
    /// Shows so many milliseconds, on a machine that has just begun to run.
    pub fn at(ms: u64) -> Arc<Self> {
        Arc::new(Self { ms: AtomicU64::new(ms), uptime_ms: AtomicU64::new(0) })
    }

    /// Shows another time. If that is later, so much time has passed.
    pub fn set(&self, ms: u64) {
        let before = self.ms.swap(ms, Ordering::Relaxed);
        self.uptime_ms.fetch_add(ms.saturating_sub(before), Ordering::Relaxed);
    }

    /// Sets the hands, forward or back, while no time passes.
    pub fn jump(&self, ms: u64) {
        self.ms.store(ms, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.ms.load(Ordering::Relaxed))
    }

    fn uptime(&self) -> Duration {
        Duration::from_millis(self.uptime_ms.load(Ordering::Relaxed))
    }
}

/// A draft of topic and data. The topic may have more segments than a publisher may give it, as in an old log.
pub fn draft(topic: &str, data: &str) -> Draft {
    draft_with(topic, data, DraftFields::default())
}

/// A draft of topic, data and more.
pub fn draft_with(topic: &str, data: &str, fields: DraftFields<'_>) -> Draft {
    let topic = Topic::parse_held(topic).expect("the case names a legal topic");
    // The case may choose any id.
    let on_no_line = |_| false;
    Draft::new(topic, Bytes::copy_from_slice(data.as_bytes()), fields, &Limits::default(), on_no_line)
        .expect("the case makes a legal draft")
}

/// A state record that says what a draft says.
pub fn state(draft: Draft) -> Draft {
    draft.into_state()
}

/// A place in the current epoch of a store.
pub fn at(store: &dyn Store, sequence: u64) -> Cursor {
    store.bounds().head.at(Sequence(sequence))
}

/// Selectors from their texts.
pub fn selectors(texts: &[&str]) -> Selectors {
    let selector = |text: &&str| Selector::parse(text).expect("the case names a legal selector");
    Selectors::new(texts.iter().map(selector)).expect("the case names at least one selector")
}

/// A query with generous bounds.
pub fn query(start: Start, texts: &[&str]) -> Query {
    Query { start, selectors: selectors(texts), events_max: 1_000, bytes_max: 1_048_576 }
}

/// A query for every topic, reserved ones included, with generous bounds.
pub fn query_everything(start: Start) -> Query {
    Query { selectors: Selectors::everything(), ..query(start, &["**"]) }
}

/// Appends one event for each text to a topic; the answer is the place of the last.
pub async fn append(store: &dyn Store, topic: &str, texts: &[&str]) -> Cursor {
    let drafts = texts.iter().map(|text| draft(topic, text)).collect();
    let placements = store.append(drafts).await.expect("the store takes an append");
    match placements.last() {
        Some(Placement::New(cursor)) => *cursor,
        other => panic!("expected a new place, got {other:?}"),
    }
}

/// Reads a page that must be there.
pub async fn page(store: &dyn Store, query: Query) -> Page {
    match store.read(query.clone()).await.expect("the store can be read") {
        Reading::Page(page) => page,
        other => panic!("expected a page for {query:?}, got {other:?}"),
    }
}

/// Reads all that matches from a start, page by page.
pub async fn read_all(store: &dyn Store, first: Query) -> Vec<Event> {
    let (mut events, mut query) = (Vec::new(), first);
    loop {
        let page = page(store, query.clone()).await;
        let done = !page.has_more();
        assert!(page.next.sequence > page.after.sequence || done, "a page that is not the last must move on");
        events.extend(page.events);
        if done {
            return events;
        }
        query.start = Start::After(page.next);
    }
}

/// The data of events, as text.
pub fn texts(events: &[Event]) -> Vec<String> {
    let text = |event: &Event| String::from_utf8_lossy(event.draft.data()).into_owned();
    events.iter().map(text).collect()
}
