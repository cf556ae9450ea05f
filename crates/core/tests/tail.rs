//! The announcer that stores of one process share: what a tail that nobody reads holds in memory, and how tails end.

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
    StoreError, Tail, TailError, Tailed, Topic, UnixMillis,
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
        Ok(Reading::Page(Page { after, events: Vec::new(), next: after, head: after, partial: false }))
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

/// A tail with one event that it has not handed out, and the announcer.
fn tail_with_an_event() -> (Announcer, Box<dyn Tail>) {
    let start = Cursor::new(Epoch(36), Sequence(0));
    let announcer = Announcer::default();
    let tail = announcer.tail(start, Arc::new(EmptyLog));
    let cursor = start.at(Sequence(1));
    let draft = large(&Arc::default());
    announcer.announce(Arc::new([Event { cursor, time: UnixMillis(0), draft }]));
    (announcer, tail)
}

async fn hand_out(tail: &mut dyn Tail) -> String {
    match timeout(Duration::from_secs(1), tail.next())
        .await
        .expect("a tail of a store that has ended never waits")
    {
        Ok(Some(Tailed::Events(batch))) => format!("{} event", batch.len()),
        Ok(None) => "the end".to_owned(),
        Err(TailError::Store(error)) => error.to_string(),
        other => panic!("unexpected: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_tail_of_a_store_that_failed_hands_out_what_was_announced_and_then_the_error() {
    let (announcer, mut tail) = tail_with_an_event();

    announcer.fail(StoreError::Stopped("the disk is gone".into()));
    announcer.close();

    assert_eq!(hand_out(&mut *tail).await, "1 event");
    for _ in 0..2 {
        assert_eq!(hand_out(&mut *tail).await, "the store has stopped: the disk is gone");
    }
    let mut late = announcer.tail(Cursor::new(Epoch(36), Sequence(1)), Arc::new(EmptyLog));
    assert_eq!(hand_out(&mut *late).await, "the store has stopped: the disk is gone");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_was_closed_in_good_order_does_not_fail_afterwards() {
    let (announcer, mut tail) = tail_with_an_event();

    announcer.close();
    announcer.fail(StoreError::Stopped("too late".into()));

    assert_eq!(hand_out(&mut *tail).await, "1 event");
    assert_eq!(hand_out(&mut *tail).await, "the end");
}

#[tokio::test(start_paused = true)]
async fn the_first_error_of_a_store_is_the_one_that_its_tails_tell() {
    let (announcer, mut tail) = tail_with_an_event();

    announcer.fail(StoreError::Stopped("the cause".into()));
    announcer.fail(StoreError::Stopped("what came of it".into()));

    assert_eq!(hand_out(&mut *tail).await, "1 event");
    assert_eq!(hand_out(&mut *tail).await, "the store has stopped: the cause");
}

/// A log that cannot be read.
struct BrokenLog;

#[async_trait]
impl ReadLog for BrokenLog {
    async fn read(&self, _: Query) -> Result<Reading, StoreError> {
        Err(StoreError::Unavailable("the disk does not answer".into()))
    }
}

/// The feed would try to read it again and again, and never hear that the store has stopped.
#[tokio::test(start_paused = true)]
async fn a_tail_that_cannot_read_the_log_of_a_store_that_failed_says_that_it_failed() {
    let announcer = Announcer::default();
    let mut tail = announcer.tail(Cursor::new(Epoch(36), Sequence(0)), Arc::new(BrokenLog));

    assert_eq!(hand_out(&mut *tail).await, "the store is unavailable: the disk does not answer");
    announcer.fail(StoreError::Stopped("the disk is gone".into()));

    assert_eq!(hand_out(&mut *tail).await, "the store has stopped: the disk is gone");
}

#[tokio::test(start_paused = true)]
async fn a_tail_that_waits_hears_at_once_that_the_store_failed() {
    let announcer = Announcer::default();
    let mut tail = announcer.tail(Cursor::new(Epoch(36), Sequence(0)), Arc::new(EmptyLog));
    let fail = async {
        tokio::task::yield_now().await;
        announcer.fail(StoreError::Stopped("the disk is gone".into()));
    };

    let (heard, ()) = tokio::join!(hand_out(&mut *tail), fail);

    assert_eq!(heard, "the store has stopped: the disk is gone");
}
