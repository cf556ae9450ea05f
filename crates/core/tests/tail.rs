//! The announcer that stores of one process share: what a tail that nobody reads holds in memory.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tidings_core::contract::ManualClock;
use tidings_core::limits::ANNOUNCED_BYTES_MAX;
use tidings_core::memory::MemoryRetention;
use tidings_core::tail::{Announcer, ReadLog};
use tidings_core::{
    Cursor, Draft, DraftParts, Epoch, Event, MemoryStore, Page, Query, Reading, Sequence, Start, Store,
    StoreError, Tail, Tailed, Topic, UnixMillis,
};
use tokio::time::timeout;

const MIB: usize = 1_048_576;

/// Data that is counted for as long as it is in memory.
struct Counted(Vec<u8>, Arc<AtomicUsize>);

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.fetch_sub(self.0.len(), Ordering::Relaxed);
    }
}

fn large(in_memory: &Arc<AtomicUsize>) -> Draft {
    in_memory.fetch_add(MIB, Ordering::Relaxed);
    let data = Bytes::from_owner(Counted(vec![b'x'; MIB], in_memory.clone()));
    let topic = Topic::parse("a").unwrap();
    Draft::restore(DraftParts::new(topic, data))
}

/// A store that keeps so many events, and a tail of it that waits.
async fn store_with_tail(events_max: usize) -> (MemoryStore, Box<dyn Tail>) {
    let retention = MemoryRetention { events_max, ..MemoryRetention::default() };
    let store = MemoryStore::new(Epoch(36), ManualClock::at(0), retention);
    let mut tail = store.tail(store.bounds().head).await.unwrap();
    assert!(timeout(Duration::from_millis(1), tail.next()).await.is_err());
    (store, tail)
}

/// A log whose events have all left it.
struct EmptyLog;

#[async_trait]
impl ReadLog for EmptyLog {
    async fn read(&self, query: Query) -> Result<Reading, StoreError> {
        let Start::After(after) = query.start else { panic!("a tail reads on from its place") };
        Ok(Reading::Page(Page { after, events: Vec::new(), next: after, head: after }))
    }
}

#[tokio::test(start_paused = true)]
async fn a_tail_that_nobody_reads_holds_a_bounded_number_of_bytes() {
    let start = Cursor::new(Epoch(36), Sequence(0));
    let announcer = Announcer::default();
    let mut tail = announcer.tail(start, Arc::new(EmptyLog));
    assert!(timeout(Duration::from_millis(1), tail.next()).await.is_err());
    let in_memory = Arc::new(AtomicUsize::new(0));

    for number in 1..=4 * ANNOUNCED_BYTES_MAX / MIB {
        let cursor = start.at(Sequence(number as u64));
        announcer.announce(Arc::new([Event { cursor, time: UnixMillis(0), draft: large(&in_memory) }]));
        assert!(in_memory.load(Ordering::Relaxed) <= ANNOUNCED_BYTES_MAX);
    }

    assert!(in_memory.load(Ordering::Relaxed) > ANNOUNCED_BYTES_MAX / 2, "a tail does keep what fits");
    drop((announcer, tail));
    assert_eq!(in_memory.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_tail_that_held_as_much_as_it_may_misses_nothing_and_may_hold_as_much_again() {
    let (store, mut tail) = store_with_tail(1_000).await;
    let in_memory = Arc::new(AtomicUsize::new(0));
    let mut seen = Vec::new();

    for round in 1..=3 {
        for _ in 0..20 {
            store.append(vec![large(&in_memory)]).await.unwrap();
        }
        while seen.len() < round * 20 {
            match timeout(Duration::from_secs(1), tail.next()).await {
                Ok(Ok(Some(Tailed::Events(batch)))) => {
                    seen.extend(batch.iter().map(|event| event.cursor.sequence.0));
                }
                other => panic!("expected events, got {other:?}"),
            }
        }
    }
    assert_eq!(seen, (1..=60).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn bytes_that_a_tail_has_taken_are_no_longer_counted() {
    let (store, mut tail) = store_with_tail(1).await;
    let in_memory = Arc::new(AtomicUsize::new(0));

    // Ten times the bound in all, and never more than half of it at once. What the store keeps no longer comes from the
    // tail alone, so none of it may be left to the log.
    for round in 0..20_u64 {
        for _ in 0..8 {
            store.append(vec![large(&in_memory)]).await.unwrap();
        }
        for n in 1..=8 {
            match tail.next().await {
                Ok(Some(Tailed::Events(batch))) => assert_eq!(batch[0].cursor.sequence.0, round * 8 + n),
                other => panic!("expected an event, got {other:?}"),
            }
        }
    }
}
