//! Measures how long a small reading takes beside readings that ask for as much work as they can.
//!
//! ```text
//! cargo run -p tidings-store --example hostile_reads -- [memory] [EVENTS] [SECONDS] [READERS]...
//! ```
//!
//! With `memory`, the log is in the memory store, and a hundred of the worst patterns are asked for as well.
//!
//! The log has EVENTS events of as many topics, and all of them have the same id. Each of the READERS asks again as soon as
//! it is answered, in turn: for the newest events of patterns that nothing matches, for an event with that id on a topic
//! where it never was, and for pages of a pattern that nothing matches. Beside them a reader asks every few milliseconds
//! for a page of fifty events, and for the last five events of a topic.

#![allow(clippy::print_stdout, reason = "it is run by hand, and what it prints is what it is for")]
#![allow(clippy::unwrap_used, reason = "a measurement that fails has nothing to tell")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tidings_core::memory::{MemoryRetention, MemoryStore};
use tidings_core::{
    Clock, Draft, DraftParts, Epoch, Query, Reading, Selector, Selectors, Sequence, Start, Store, Topic,
    UnixMillis,
};
use tidings_sse::EventId;
use tidings_store::{Durability, FileStore, FileStoreConfig};
use tokio::time::timeout;

const BATCH_EVENTS: u64 = 1_000;

/// Every so many events, one is of the topic that the small readings ask for.
const SMALL_EVERY: u64 = 100;

/// How long is waited for a small reading, so that a measurement ends.
const WAIT_MAX: Duration = Duration::from_secs(30);

struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64)
    }
}

#[tokio::main]
async fn main() {
    let mut words: Vec<_> = std::env::args().skip(1).collect();
    let in_memory = words.first().is_some_and(|word| word == "memory");
    words.drain(..usize::from(in_memory));
    let words: Vec<u64> = words.iter().map(|word| word.parse().unwrap()).collect();
    let word = |at: usize, default| words.get(at).copied().unwrap_or(default);
    let (events, time) = (word(0, 20_000), Duration::from_secs(word(1, 1)));
    let readers = words.get(2..).filter(|readers| !readers.is_empty()).unwrap_or(&[0, 4]);

    let dir = tempfile::tempdir().unwrap();
    let config = FileStoreConfig {
        dir: dir.path().join("data"),
        durability: Durability::None,
        ..FileStoreConfig::default()
    };
    let clock = Arc::new(WallClock);
    let (store, hostile): (Arc<dyn Store>, _) = match in_memory {
        true => {
            let retention = MemoryRetention::default();
            (Arc::new(MemoryStore::new(Epoch(1), clock, retention)), [hostile(), worst()].concat())
        }
        false => (Arc::new(FileStore::open(config, clock).unwrap()), hostile()),
    };
    fill(&*store, events).await;
    for readers in readers {
        measure(&store, &hostile, *readers, time).await;
    }
    store.close().await.unwrap();
}

async fn fill(store: &dyn Store, events: u64) {
    let id = EventId::new("shared").unwrap();
    for batch in 0..events.div_ceil(BATCH_EVENTS) {
        let draft = |number: u64| {
            let topic = match number % SMALL_EVERY {
                0 => "small".to_owned(),
                _ => format!("orders/{number}/moved"),
            };
            let data = Bytes::from_static(&[b'x'; 64]);
            let parts = DraftParts::new(Topic::parse(&topic).unwrap(), data);
            Draft::restore(DraftParts { id: Some(id.clone()), ..parts })
        };
        let numbers = batch * BATCH_EVENTS..((batch + 1) * BATCH_EVENTS).min(events);
        store.append(numbers.map(draft).collect()).await.unwrap();
    }
}

fn query(start: Start, selector: &str) -> Query {
    let selectors = Selectors::new([Selector::parse(selector).unwrap()]).unwrap();
    Query { start, selectors, events_max: 50, bytes_max: 262_144 }
}

/// Readings of costly patterns.
fn hostile() -> Vec<Query> {
    vec![
        query(Start::Last(1_000), "*/**/never"),
        query(Start::AfterId(EventId::new("shared").unwrap()), "*/never/**"),
        query(Start::Last(5), "*/*/never"),
        query(Start::Earliest, "*/**/never"),
    ]
}

/// Readings of as many patterns as there may be. All topics have the segments that are in them, so that no index helps.
fn worst() -> Vec<Query> {
    let segments = |number: u32| format!("{number:07b}").replace('0', "/orders").replace('1', "/moved");
    let selector = |number| Selector::parse(&format!("**{}", segments(number))).unwrap();
    let selectors = Selectors::new((0..100).map(selector)).unwrap();
    let of = |start| Query { start, selectors: selectors.clone(), events_max: 50, bytes_max: 262_144 };
    vec![of(Start::Earliest), of(Start::Last(1_000)), of(Start::AfterId(EventId::new("shared").unwrap()))]
}

async fn measure(store: &Arc<dyn Store>, hostile: &[Query], readers: u64, time: Duration) {
    let answered = Arc::new(AtomicU64::new(0));
    let ask = |number| {
        let mut queries = hostile.to_vec();
        queries.rotate_left(number as usize % hostile.len());
        tokio::spawn(ask_for_all(store.clone(), queries, answered.clone()))
    };
    let readings: Vec<_> = (0..readers).map(ask).collect();
    let mut waits = Vec::new();
    let began = Instant::now();
    while began.elapsed() < time {
        let head = store.bounds().head;
        let page = query(Start::After(head.at(Sequence(head.sequence.0.saturating_sub(50)))), "**");
        for small in [page, query(Start::Last(5), "small")] {
            let asked = Instant::now();
            let answer = timeout(WAIT_MAX, store.read(small)).await;
            waits.push(asked.elapsed());
            if let Ok(answer) = answer {
                assert!(matches!(answer.unwrap(), Reading::Page(page) if !page.events.is_empty()));
            }
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    for task in readings {
        task.abort();
        let _ = task.await;
    }
    waits.sort_unstable();
    let at = |part: usize| waits[(waits.len() * part / 1_000).min(waits.len() - 1)].as_secs_f64() * 1_000.0;
    let (median, late, worst) = (at(500), at(990), at(1_000));
    println!(
        "{readers:>4} hostile readers: {:>5} small readings, p50 {median:.2} ms, p99 {late:.2} ms, worst {worst:.2} ms; \
         {} hostile ones answered in {:.1} s",
        waits.len(),
        answered.load(Ordering::Relaxed),
        began.elapsed().as_secs_f64(),
    );
}

/// Asks for one costly reading after another.
async fn ask_for_all(store: Arc<dyn Store>, queries: Vec<Query>, answered: Arc<AtomicU64>) {
    for query in queries.iter().cycle() {
        let _ = store.read(query.clone()).await;
        answered.fetch_add(1, Ordering::Relaxed);
    }
}
