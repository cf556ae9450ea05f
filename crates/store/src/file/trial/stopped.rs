//! A store that has stopped: who hears of it, and what is said of the events that were acknowledged.

use std::sync::Arc;
use std::time::Duration;

use tidings_core::contract::fixture::{ManualClock, draft};
use tidings_core::{Placement, Store, StoreError, Tail, TailError, Tailed};
use tokio::sync::oneshot;
use tokio::sync::oneshot::Receiver;
use tokio::time::timeout;

use super::failure::{append, trouble};
use super::play::{LATER, open_store, pass_interval};
use crate::file::config::{Durability, Retention};
use crate::file::disk::sim::{SimDisk, Trouble};
use crate::file::queue::{Append, Queue};
use crate::file::store::FileStore;
use crate::file::writer::LogWriter;

/// More than a writer takes to end, and less than a person waits.
const PATIENCE: Duration = Duration::from_secs(30);

const SEGMENT: &str = "00000000000000000001.log: the device has failed";

fn open(disk: &SimDisk, durability: Durability) -> LogWriter {
    open_store(disk, durability, Retention::default(), (ManualClock::at(0), 0)).unwrap()
}

fn stopped(acknowledged: &str) -> String {
    format!("the store has stopped: {SEGMENT}; {acknowledged}")
}

fn error<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn under_fsync_it_says_that_what_was_acknowledged_is_there() {
    let disk = SimDisk::new(0);
    let mut writer = open(&disk, Durability::Fsync);
    append(&mut writer, "acknowledged").unwrap();

    // An append is a write, then a sync.
    trouble(&disk, Trouble::Broken, 1..2);

    let expected = stopped("what was acknowledged is on the disk");
    assert_eq!(error(append(&mut writer, "in doubt")), expected);
    assert_eq!(error(append(&mut writer, "too late")), expected);
}

#[test]
fn under_interval_it_names_the_events_since_the_last_sync() {
    let disk = SimDisk::new(0);
    let mut writer = open(&disk, LATER);
    append(&mut writer, "1").unwrap();
    pass_interval(&mut writer);
    append(&mut writer, "2").unwrap();
    append(&mut writer, "3").unwrap();

    trouble(&disk, Trouble::Broken, 0..1);
    pass_interval(&mut writer);

    let expected = stopped("events after 1 up to 3 were acknowledged and may be gone");
    assert_eq!(error(append(&mut writer, "too late")), expected);
    assert_eq!(error(writer.close()), expected);
}

#[test]
fn under_interval_it_says_so_if_all_events_were_synced() {
    let disk = SimDisk::new(0);
    let mut writer = open(&disk, LATER);
    append(&mut writer, "1").unwrap();
    pass_interval(&mut writer);

    trouble(&disk, Trouble::Broken, 0..1);

    let expected = stopped("all that was acknowledged is on the disk");
    assert_eq!(error(append(&mut writer, "in doubt")), expected);
    assert!(writer.close().is_ok(), "nothing that was acknowledged may be gone");
}

#[test]
fn without_syncs_it_names_the_events_of_the_newest_segment() {
    let disk = SimDisk::new(0);
    let mut writer = open(&disk, Durability::None);
    let large = "x".repeat(6_000);
    append(&mut writer, &large).unwrap();

    // The second one has no room in the segment, which is synced before another one begins.
    trouble(&disk, Trouble::Broken, 0..1);

    let expected = stopped("events after 0 up to 1 were acknowledged and may be gone");
    assert_eq!(error(append(&mut writer, &large)), expected);
}

fn ask(queue: &Arc<Queue>, data: &str) -> Receiver<Result<Vec<Placement>, StoreError>> {
    let (reply, answer) = oneshot::channel();
    queue.push(Append { drafts: vec![draft("a", data)], reply }).unwrap();
    answer
}

#[test]
fn an_append_that_comes_while_the_store_stops_is_answered_and_later_ones_are_refused() {
    let disk = SimDisk::new(0);
    let writer = open(&disk, Durability::Fsync);
    let queue = Arc::new(Queue::new());
    let mut in_doubt = ask(&queue, "in doubt");
    let (tell, late) = std::sync::mpsc::channel();
    let latecomer = queue.clone();
    disk.watch(move |_, _| {
        let _ = tell.send(ask(&latecomer, "while the disk fails"));
        Some(Trouble::Broken)
    });

    let ended = writer.run(&queue);

    let expected = stopped("what was acknowledged is on the disk");
    assert!(ended.is_ok(), "nothing that was acknowledged may be gone");
    assert_eq!(error(in_doubt.try_recv().unwrap()), expected);
    let mut late = late.try_iter().collect::<Vec<_>>();
    assert!(!late.is_empty());
    for late in &mut late {
        assert_eq!(error(late.try_recv().unwrap()), expected);
    }
    let (reply, _) = oneshot::channel();
    let refused = queue.push(Append { drafts: vec![draft("a", "too late")], reply }).err().unwrap();
    assert_eq!(refused.to_string(), expected);
}

async fn next(tail: &mut dyn Tail) -> Result<Option<Tailed>, TailError> {
    timeout(PATIENCE, tail.next()).await.expect("the tail hears of the failure")
}

/// With `interval` and no further append, nobody would ever be told.
#[tokio::test]
async fn a_failed_sync_ends_the_tails_without_another_append() {
    let disk = SimDisk::new(0);
    let writer = open(&disk, Durability::Interval(Duration::from_millis(1)));
    let start = writer.log.bounds().head;
    let store = FileStore::start(writer, None).unwrap();
    let mut tail = store.tail(start).await.unwrap();

    // An append is a write; its sync comes by itself.
    trouble(&disk, Trouble::Broken, 1..u64::MAX);
    store.append(vec![draft("a", "acknowledged")]).await.unwrap();

    let Ok(Some(Tailed::Events(events))) = next(&mut *tail).await else { panic!("the event was announced") };
    assert_eq!(events.len(), 1);
    let expected = stopped("events after 0 up to 1 were acknowledged and may be gone");
    assert_eq!(next(&mut *tail).await.unwrap_err().to_string(), expected);
    let mut late = store.tail(events[0].cursor).await.unwrap();
    assert_eq!(next(&mut *late).await.unwrap_err().to_string(), expected);
    assert_eq!(error(store.append(vec![draft("a", "too late")]).await), expected);
    assert_eq!(error(store.close().await), expected);
}

/// The writer looks at the age of events once a minute. It must not sleep until then when it has stopped.
#[tokio::test]
async fn a_store_that_stops_while_it_ends_an_old_segment_does_not_sleep_first() {
    let (disk, clock) = (SimDisk::new(0), ManualClock::at(0));
    let retention = Retention { age: Some(Duration::from_secs(86_400)), ..Retention::default() };
    let mut writer = open_store(&disk, Durability::None, retention, (clock.clone(), 0)).unwrap();
    append(&mut writer, "acknowledged").unwrap();
    let head = writer.log.bounds().head;

    clock.set(80_000_000);
    trouble(&disk, Trouble::Broken, 0..u64::MAX);
    let store = FileStore::start(writer, None).unwrap();

    let mut tail = store.tail(head).await.unwrap();
    let expected = stopped("events after 0 up to 1 were acknowledged and may be gone");
    assert_eq!(next(&mut *tail).await.unwrap_err().to_string(), expected);
}

#[tokio::test]
async fn a_writer_that_panics_ends_the_tails_with_an_error() {
    let disk = SimDisk::new(0);
    let writer = open(&disk, Durability::Fsync);
    let start = writer.log.bounds().head;
    let store = FileStore::start(writer, None).unwrap();
    let mut tail = store.tail(start).await.unwrap();

    disk.watch(|_, _| panic!("this disk makes the writer panic, as the test wants it"));

    assert!(matches!(store.append(vec![draft("a", "in doubt")]).await, Err(StoreError::Stopped(_))));
    let expected = "the store has stopped: its writer has panicked";
    assert_eq!(next(&mut *tail).await.unwrap_err().to_string(), expected);
    assert_eq!(error(store.append(vec![draft("a", "too late")]).await), expected);
    assert_eq!(error(store.close().await), expected);
}
