//! What the memory store costs: `cargo run --release -p tidings-core --example memory_store`.
//!
//! Prints the time of a publish, of readings, and the memory of an event before and after its block has an index. The argument
//! is the number of topics; a process measures one, because memory that it gave back would count for the next.

#![allow(clippy::print_stdout, reason = "it is run by hand, and what it prints is what it is for")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tidings_core::memory::{MemoryRetention, MemoryStore};
use tidings_core::{
    Clock, Draft, DraftParts, Epoch, Query, Reading, Selector, Selectors, Start, Store, Topic, UnixMillis,
};

const EVENTS: u64 = 1_000_000;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let topics = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(EVENTS);
    println!("{EVENTS} events of 20 bytes");
    println!();
    println!("| of {topics} topics | |");
    println!("|---|---:|");
    let before = resident();
    let store = MemoryStore::new(Epoch(1), Arc::new(Noon), MemoryRetention::default());
    let times = fill(&store, topics).await;
    println!("| publish, median of 100 runs of 10,000 | {} ns |", times[times.len() / 2].as_nanos() / 10_000);
    println!("| publish, fastest run | {} ns |", times[0].as_nanos() / 10_000);
    println!("| bytes of an event | {} |", (resident() - before) as u64 / EVENTS);
    for (name, start, selector) in [
        ("a topic that is not there, `last=1`", Start::Last(1), "nothing"),
        ("the same again", Start::Last(1), "nothing"),
        ("until all blocks have an index", Start::Last(1), "nothing"),
        ("until all blocks have an index", Start::Last(1), "nothing"),
        ("a topic, `last=1`", Start::Last(1), "tenants/5/orders/5"),
        ("a pattern, `last=5`", Start::Last(5), "tenants/*/orders/5"),
        ("a pattern without literals, `last=5`", Start::Last(5), "*/*"),
        ("a pattern that matches nothing, from the beginning", Start::Earliest, "**/nothing/*"),
        ("`**`, `last=1000`", Start::Last(1_000), "**"),
    ] {
        let began = Instant::now();
        let answer = read(&store, start, selector).await;
        println!("| {name}: {answer} | {} us |", began.elapsed().as_micros());
    }
    println!("| bytes of an event, with its index | {} |", (resident() - before) as u64 / EVENTS);
}

/// The times of runs of 10,000 publishes of one event, from the fastest.
async fn fill(store: &MemoryStore, topics: u64) -> Vec<Duration> {
    let mut times = Vec::new();
    for run in 0..EVENTS / 10_000 {
        let drafts: Vec<_> =
            (run * 10_000..(run + 1) * 10_000).map(|number| draft(number % topics)).collect();
        let began = Instant::now();
        for draft in drafts {
            store.append(vec![draft]).await.expect("it takes events");
        }
        times.push(began.elapsed());
    }
    times.sort();
    times
}

fn draft(number: u64) -> Draft {
    let topic = format!("tenants/{}/orders/{number}", number % 1_000);
    Draft::restore(DraftParts::new(Topic::parse(&topic).expect("a topic"), Bytes::from_static(&[b'x'; 20])))
}

async fn read(store: &MemoryStore, start: Start, selector: &str) -> String {
    let selector = Selector::parse(selector).expect("a selector");
    let selectors = Selectors::new([selector]).expect("one");
    match store.read(Query { start, selectors, events_max: 1_000, bytes_max: 262_144 }).await {
        Ok(Reading::Page(page)) => {
            let ends = if page.has_more() { ", there is more" } else { "" };
            format!("{} events{}{ends}", page.events.len(), if page.partial { ", partial" } else { "" })
        }
        other => format!("{other:?}"),
    }
}

struct Noon;

impl Clock for Noon {
    fn now(&self) -> UnixMillis {
        UnixMillis(0)
    }
}

/// Bytes of memory that the process has, by the system's account; 0 where there is no `/proc`.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<usize>().ok());
    kilobytes.unwrap_or(0) * 1_024
}
