//! Measures the index that leads from patterns to topics, with logs of many topics: what it takes, and what it saves.
//!
//! ```text
//! cargo run --release -p tidings-store --example topics -- [TOPICS]...
//! ```
//!
//! For each number it makes a log in which each event has a topic of its own, and reads with patterns: from the newest segment,
//! whose index is in memory, and again when the segment has ended and its index is a file. Beside each time is that of comparing
//! the pattern with all topics, their texts in memory, which is the least that a read costs without the index. Give small numbers
//! first: memory that one round gives back may serve the next, which then seems to take less.
//! 10,000,000 topics take some minutes, 3 GB of memory and 2 GB of disk, under `TIDINGS_BENCH_DIR`; they are removed.

#![allow(clippy::print_stdout, reason = "it is run by hand, and what it prints is what it is for")]
#![allow(clippy::unwrap_used, reason = "a measurement that fails has nothing to tell")]

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tempfile::TempDir;
use tidings_core::{
    Clock, Draft, DraftParts, Literals, Page, Query, Reading, Selector, Selectors, Start, Store, Topic,
    UnixMillis,
};
use tidings_store::{Durability, FileStore, FileStoreConfig};
use tokio::runtime::Runtime;

/// Events of an append.
const APPEND_EVENTS: usize = 10_000;

/// Bytes of a record beside its topic.
const RECORD_BYTES: usize = 44;

/// Times that a thing is done of which the median counts.
const ROUNDS: usize = 5;

/// Most time for the rounds of one measurement.
const TIME_MAX: Duration = Duration::from_secs(10);

struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64)
    }
}

/// Half of the topics are orders, and one in a thousand is late; each order has a number, and ten share a customer.
fn topic(number: usize) -> Topic {
    let kind = if number.is_multiple_of(2) { "orders" } else { "users" };
    let state = if number % 1_000 == 500 { "late" } else { "on-time" };
    Topic::parse(&format!("{kind}/c{}/{number}/{state}", number / 10)).unwrap()
}

/// Patterns, and what they are.
fn patterns(topics: usize) -> [(String, &'static str); 6] {
    let (customer, number) = (topics / 20, topics / 2);
    [
        (format!("orders/c{customer}/**"), "five matches"),
        (format!("**/{number}/*"), "one match, behind `**`"),
        (format!("*/c{customer}/*/*"), "ten matches, behind `*`"),
        ("orders/*/*/late".to_owned(), "one topic in a thousand"),
        ("orders/**".to_owned(), "a literal of half of the topics"),
        ("*/*/*/*".to_owned(), "no literal"),
    ]
}

fn main() {
    let runtime = Runtime::new().unwrap();
    let counts: Vec<usize> = std::env::args().skip(1).map(|word| word.parse().unwrap()).collect();
    // Without a word it only shows that it works.
    for count in if counts.is_empty() { vec![1_000] } else { counts } {
        measure(&runtime, count);
    }
}

fn measure(runtime: &Runtime, count: usize) {
    let topics: Vec<Topic> = (0..count).map(topic).collect();
    println!("\n{count} topics");

    let parent = std::env::var_os("TIDINGS_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let dir = TempDir::new_in(parent).unwrap();
    // The segment is full when all are in it, so that one more ends it.
    let segment_bytes: usize = topics.iter().map(|topic| RECORD_BYTES + topic.as_str().len()).sum();
    let config = FileStoreConfig {
        dir: dir.path().to_owned(),
        durability: Durability::None,
        segment_bytes: segment_bytes as u64 + 60,
        ..FileStoreConfig::default()
    };
    let store = FileStore::open(config, Arc::new(WallClock)).unwrap();
    let before = memory_bytes();
    let began = Instant::now();
    for topics in topics.chunks(APPEND_EVENTS) {
        let drafts = topics.iter().map(|topic| draft(topic, Bytes::new())).collect();
        runtime.block_on(store.append(drafts)).unwrap();
    }
    println!("  append: {:.2} us for each event", began.elapsed().as_secs_f64() * 1e6 / count as f64);
    println!(
        "  index in memory: {} bytes for each topic, all of it",
        each(memory_bytes().saturating_sub(before), count)
    );
    println!("  reads of the newest segment");
    read_all(runtime, &store, &topics);

    let began = Instant::now();
    let large = Bytes::from(vec![b'x'; 65_536]);
    runtime.block_on(store.append(vec![draft(&topics[0], large)])).unwrap();
    let index = wait_for_index(dir.path());
    let bytes = fs::metadata(index).unwrap().len() as usize;
    println!("  seal: {:.3} s", began.elapsed().as_secs_f64());
    println!("  index on disk: {} bytes for each topic, all of it", each(bytes, count));
    println!("  reads of a segment that has ended");
    read_all(runtime, &store, &topics);
    runtime.block_on(store.close()).unwrap();
    measure_literals(&topics);
}

/// What the index of literals takes, which is a part of the index in memory. It counts its bytes itself.
fn measure_literals(topics: &[Topic]) {
    let began = Instant::now();
    let mut literals = Literals::default();
    topics.iter().for_each(|topic| _ = literals.add(topic.as_str()));
    let took = began.elapsed().as_secs_f64() * 1e9 / topics.len() as f64;
    println!(
        "  literals in memory: {} bytes for each topic, {took:.0} ns to add one",
        each(literals.bytes(), topics.len())
    );
}

fn read_all(runtime: &Runtime, store: &FileStore, topics: &[Topic]) {
    println!("    {:<30} {:>9} {:>11} {:>11} {:>8}", "pattern", "on page", "read", "walk", "ratio");
    for (pattern, what) in patterns(topics.len()) {
        let selector = Selector::parse(&pattern).unwrap();
        let selectors = Selectors::new([selector.clone()]).unwrap();
        let walk = median(|| _ = black_box(topics.iter().filter(|topic| selector.matches(topic)).count()));
        let mut found = 0;
        let read = median(|| found = page(runtime, store, &selectors).events.len());
        let ratio = walk.as_secs_f64() / read.as_secs_f64();
        println!(
            "    {pattern:<30} {found:>9} {:>8.3} ms {:>8.3} ms {ratio:>8.2}  {what}",
            read.as_secs_f64() * 1e3,
            walk.as_secs_f64() * 1e3
        );
    }
}

/// The first page.
fn page(runtime: &Runtime, store: &FileStore, selectors: &Selectors) -> Page {
    let query = Query {
        start: Start::Earliest,
        selectors: selectors.clone(),
        events_max: 1_000,
        bytes_max: 1_048_576,
    };
    match runtime.block_on(store.read(query)).unwrap() {
        Reading::Page(page) => page,
        Reading::Lost { .. } => unreachable!("nothing is lost of a new log"),
    }
}

fn median(mut act: impl FnMut()) -> Duration {
    let began = Instant::now();
    let mut times = Vec::new();
    while times.len() < ROUNDS && began.elapsed() < TIME_MAX {
        let began = Instant::now();
        act();
        times.push(began.elapsed());
    }
    times.sort_unstable();
    times[times.len() / 2]
}

fn draft(topic: &Topic, data: Bytes) -> Draft {
    Draft::restore(DraftParts::new(topic.clone(), data))
}

/// Waits until the segment that has ended has an index, and says where it is.
fn wait_for_index(dir: &Path) -> PathBuf {
    loop {
        let mut paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        if let Some(index) = paths.find(|path| path.extension().is_some_and(|extension| extension == "idx")) {
            return index;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Memory of this process, as the kernel counts it.
fn memory_bytes() -> usize {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4_096
}

fn each(bytes: usize, count: usize) -> String {
    format!("{:.1}", bytes as f64 / count as f64)
}
