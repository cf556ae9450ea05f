//! Measures the file store: durable publishes, batches, and finding one's place among many events.
//!
//! ```text
//! cargo bench -p tidings-store --bench file_store -- publish [PUBLISHERS] [SECONDS]
//! cargo bench -p tidings-store --bench file_store -- batch [EVENTS]
//! cargo bench -p tidings-store --bench file_store -- resume [EVENTS]
//! ```
//!
//! Without a word it runs a little of each, to see that it works. `TIDINGS_BENCH_DIR` says on which disk.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it is run by hand, and what it prints is what it is for"
)]
#![allow(clippy::unwrap_used, reason = "a measurement that fails has nothing to tell")]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tempfile::TempDir;
use tidings_core::{
    Clock, Draft, DraftParts, Lost, Query, Reading, Selector, Selectors, Sequence, Start, Store, Topic,
    UnixMillis,
};
use tidings_sse::EventId;
use tidings_store::{Durability, FileStore, FileStoreConfig};
use tokio::runtime::Runtime;

const DATA_BYTES: usize = 128;
const BATCH_EVENTS: u64 = 1_000;
const TOPICS: u64 = 1_000;
const LOOKUPS: u64 = 1_000;

struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64)
    }
}

fn main() {
    let words: Vec<_> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let number = |at: usize, default: u64| words.get(at).map_or(default, |word| word.parse().unwrap());
    let runtime = Runtime::new().unwrap();
    match words.first().map(String::as_str) {
        Some("publish") => publish(&runtime, number(1, 256), Duration::from_secs(number(2, 10))),
        Some("batch") => batch(&runtime, number(1, 5_000_000)),
        Some("resume") => resume(&runtime, number(1, 1_000_000)),
        Some(other) => eprintln!("publish, batch or resume, not {other:?}"),
        None => {
            publish(&runtime, 8, Duration::from_millis(100));
            batch(&runtime, 5_000);
            resume(&runtime, 5_000);
        }
    }
}

fn dir() -> TempDir {
    let parent = std::env::var_os("TIDINGS_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    TempDir::new_in(parent).unwrap()
}

fn open(dir: &TempDir, durability: Durability) -> Arc<FileStore> {
    let config = FileStoreConfig { dir: dir.path().join("data"), durability, ..FileStoreConfig::default() };
    Arc::new(FileStore::open(config, Arc::new(WallClock)).unwrap())
}

fn draft(number: u64) -> Draft {
    let topic = Topic::parse(&format!("orders/{}", number % TOPICS)).unwrap();
    draft_of(topic, Some(&format!("order-{number}")))
}

fn draft_of(topic: Topic, id: Option<&str>) -> Draft {
    let id = id.map(|id| EventId::new(id).unwrap());
    let data = Bytes::from_static(&[b'x'; DATA_BYTES]);
    Draft::restore(DraftParts { id, ..DraftParts::new(topic, data) })
}

/// Publishers that each publish one event, wait for the answer, and publish the next.
fn publish(runtime: &Runtime, publishers: u64, time: Duration) {
    let dir = dir();
    let store = open(&dir, Durability::Fsync);
    let published = Arc::new(AtomicU64::new(0));
    let begin = Instant::now();
    runtime.block_on(async {
        let publish = |publisher: u64| {
            let (store, published) = (store.clone(), published.clone());
            async move {
                let draft = draft(publisher);
                while begin.elapsed() < time {
                    store.append(vec![draft.clone()]).await.unwrap();
                    published.fetch_add(1, Ordering::Relaxed);
                }
            }
        };
        let tasks: Vec<_> = (0..publishers).map(|publisher| tokio::spawn(publish(publisher))).collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    let rate = published.load(Ordering::Relaxed) as f64 / begin.elapsed().as_secs_f64();
    println!("{publishers} publishers: {rate:.0} durable publishes/s");
}

/// One publisher with batches, of which two are under way.
fn batch(runtime: &Runtime, events: u64) {
    let dir = dir();
    let store = open(&dir, Durability::Fsync);
    let (took, cpu) = fill(runtime, &store, events);
    let rate = events as f64 / took.as_secs_f64();
    let per_event = cpu.as_secs_f64() * 1e6 / events as f64;
    println!(
        "{events} events in batches of {BATCH_EVENTS}: {rate:.0} durable events/s, \
         {per_event:.2} us of processor time per event, drafts included"
    );
}

fn fill(runtime: &Runtime, store: &Arc<FileStore>, events: u64) -> (Duration, Duration) {
    let (begin, cpu) = (Instant::now(), processor_time());
    runtime.block_on(async {
        let mut under_way = None;
        for first in (0..events).step_by(BATCH_EVENTS as usize) {
            let drafts = (first..events.min(first + BATCH_EVENTS)).map(draft).collect();
            let store = store.clone();
            let next = tokio::spawn(async move { store.append(drafts).await });
            if let Some(before) = under_way.replace(next) {
                let before: tokio::task::JoinHandle<Result<_, _>> = before;
                before.await.unwrap().unwrap();
            }
        }
        if let Some(last) = under_way {
            last.await.unwrap().unwrap();
        }
    });
    (begin.elapsed(), processor_time() - cpu)
}

/// Processor time of this process.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

/// Finding one's place: by id, by an id that is not there, by cursor, and the last of a rare topic.
fn resume(runtime: &Runtime, events: u64) {
    let dir = dir();
    let store = open(&dir, Durability::Fsync);
    fill(runtime, &store, events / 2);
    let rare = Topic::parse("rare").unwrap();
    runtime.block_on(store.append(vec![draft_of(rare.clone(), None)])).unwrap();
    fill(runtime, &store, events - events / 2);
    runtime.block_on(store.close()).unwrap();
    drop(store);

    let begin = Instant::now();
    let store = open(&dir, Durability::Fsync);
    println!("{events} events: opened in {:.1} ms", begin.elapsed().as_secs_f64() * 1e3);
    // The second half was published under the ids of the first, so every id stands at its earliest event.
    let spread = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % (events / 2).max(1);
    let order = |number: u64| Selectors::from(Topic::parse(&format!("orders/{}", number % TOPICS)).unwrap());
    let id = |text: String| Start::AfterId(EventId::new(text).unwrap());
    let rare = Selectors::from(rare);
    let pattern = Selectors::new([Selector::parse("rare/**").unwrap()]).unwrap();
    let measure = |what: &str, query: &dyn Fn(u64) -> Query| {
        let mut times: Vec<_> = (0..LOOKUPS).map(|number| timed(runtime, &store, query(number))).collect();
        times.sort_unstable();
        let at = |part: usize| times[times.len() * part / 1_000].as_secs_f64() * 1e6;
        println!("  {what:<42} p50 {:>7.0} us   p99 {:>7.0} us", at(500), at(990));
    };
    let head = store.bounds().head;
    let query = |start, selectors, events_max| Query { start, selectors, events_max, bytes_max: 262_144 };

    measure("by id, the next event", &|n| {
        let number = spread(n);
        query(id(format!("order-{number}")), order(number), 1)
    });
    measure("by an id that is not there", &|n| query(id(format!("order-x{n}")), order(n), 1));
    measure("by cursor, the next event of a topic", &|n| {
        query(Start::After(head.at(Sequence(spread(n)))), order(n), 1)
    });
    measure("by cursor, 1,000 events of all topics", &|n| {
        query(Start::After(head.at(Sequence(spread(n)))), Selectors::everything(), 1_000)
    });
    measure("the last event of a rare topic", &|_| query(Start::Last(1), rare.clone(), 1));
    measure("all of a rare topic, from the beginning", &|_| query(Start::Earliest, rare.clone(), 10));
    measure("the last event of a pattern that is rare", &|_| query(Start::Last(1), pattern.clone(), 1));
}

fn timed(runtime: &Runtime, store: &FileStore, query: Query) -> Duration {
    let begin = Instant::now();
    let reading = runtime.block_on(store.read(query)).unwrap();
    let took = begin.elapsed();
    assert!(!matches!(reading, Reading::Lost { lost: Lost::Expired, .. }));
    took
}
