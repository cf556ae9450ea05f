//! The disk fails, or is full, at every operation of a play.

use std::sync::Arc;
use std::time::Duration;

use tidings_core::contract::fixture::{ManualClock, draft};
use tidings_core::{Draft, Placement, Sequence, StoreError};
use tokio::sync::oneshot;

use super::dice::Dice;
use super::judge::{After, all, judge};
use super::play::{LATER, Ledger, Play, Setting, open_store, pass_interval, take_turn};
use super::power::seeds;
use crate::file::config::{Durability, Retention};
use crate::file::disk::Disk;
use crate::file::disk::sim::{SimDisk, Trouble};
use crate::file::meta::{Life, Meta};
use crate::file::open_error::OpenError;
use crate::file::queue::{Append, Queue};
use crate::file::writer::LogWriter;

/// Plays with trouble at some operations; then another process starts, or the power goes. Returns the play, and
/// whether any operation was troubled.
fn play_with(trouble: Trouble, at: std::ops::Range<u64>, setting: Setting) -> (Play, bool) {
    let Setting { seed, durability, .. } = setting;
    let mut play = Play::new(setting);
    let (met, meeting) = std::sync::mpsc::channel();
    play.disk.watch(move |operation, _| {
        let troubled = at.contains(&operation);
        if troubled {
            let _ = met.send(());
        }
        troubled.then_some(trouble)
    });
    match play.run() {
        Ok(()) | Err(OpenError::Io { .. }) => {}
        Err(error) => panic!("seed {seed}: {error}"),
    }
    let (world, ledger) = (play.disk.world(), play.book.copy());
    let cut = world.after_power_cut(&mut Dice::new(seed));
    for (world, after) in
        [(world.after_eviction(), After::Eviction), (world, After::Kill), (cut, After::PowerCut)]
    {
        judge(world, after, &ledger, durability, seed);
    }
    let troubled = meeting.try_recv().is_ok();
    (play, troubled)
}

/// Plays under every durability, with trouble at each operation in turn. Returns how many appends found no space.
fn at_each_operation(trouble: Trouble, operations: u64, default: u64) -> usize {
    let mut refused = 0;
    // The work grows with the square of the rounds.
    for (durability, rounds) in [(Durability::Fsync, 25), (LATER, 14), (Durability::None, 14)] {
        for seed in seeds(default) {
            let setting = Setting { seed, durability, rounds };
            for at in 1.. {
                let (play, troubled) = play_with(trouble, at..at.saturating_add(operations), setting);
                refused += play.refused;
                if !troubled {
                    break;
                }
            }
        }
    }
    refused
}

#[test]
fn a_failing_disk_takes_nothing_that_was_promised() {
    at_each_operation(Trouble::Broken, 1, 2);
}

#[test]
fn a_disk_that_fails_for_good_takes_nothing_that_was_promised() {
    at_each_operation(Trouble::Broken, u64::MAX, 1);
}

#[test]
fn a_full_disk_refuses_and_takes_nothing() {
    assert!(at_each_operation(Trouble::Full, 1, 2) > 0);
}

#[test]
fn a_disk_that_is_full_for_a_while_is_used_again() {
    assert!(at_each_operation(Trouble::Full, 12, 1) > 0);
}

fn open(disk: &SimDisk) -> LogWriter {
    open_store(disk, Durability::Fsync, Retention::default(), (ManualClock::at(0), 0)).unwrap()
}

/// Appends one event, alone.
pub(crate) fn append(writer: &mut LogWriter, data: &str) -> Result<Vec<Placement>, StoreError> {
    append_draft(writer, draft("a", data))
}

/// Appends a draft, alone.
pub(crate) fn append_draft(writer: &mut LogWriter, draft: Draft) -> Result<Vec<Placement>, StoreError> {
    append_all(writer, vec![draft])
}

/// Appends drafts together, as one append.
pub(crate) fn append_all(writer: &mut LogWriter, drafts: Vec<Draft>) -> Result<Vec<Placement>, StoreError> {
    let (reply, mut answer) = oneshot::channel();
    let append = Append { drafts, reply };
    take_turn(writer, &Arc::new(Queue::new()), vec![append]);
    answer.try_recv().unwrap()
}

/// A place that was given now, in the epoch of the log.
fn new(writer: &LogWriter, sequence: u64) -> Placement {
    Placement::New(writer.log.bounds().head.at(Sequence(sequence)))
}

/// Fails the operations that the test names, counted from now.
pub(crate) fn trouble(disk: &SimDisk, trouble: Trouble, operations: std::ops::Range<u64>) {
    let mut first = None;
    disk.watch(move |operation, _| {
        let now = operation - *first.get_or_insert(operation);
        operations.contains(&now).then_some(trouble)
    });
}

#[test]
fn a_failed_sync_stops_the_store_for_good_and_readers_go_on() {
    let disk = SimDisk::new(0);
    let mut writer = open(&disk);
    append(&mut writer, "kept").unwrap();

    // An append is a write, then a sync.
    trouble(&disk, Trouble::Broken, 1..2);

    assert!(matches!(append(&mut writer, "in doubt"), Err(StoreError::Stopped(_))));
    assert!(matches!(append(&mut writer, "too late"), Err(StoreError::Stopped(_))));
    assert_eq!(writer.log.bounds().head.sequence, Sequence(1));
    assert_eq!(all(&writer.log).len(), 1);
}

/// The next sync would say that all is well, and what the failed one dropped would count as durable.
#[test]
fn a_failed_sync_after_an_interval_stops_the_store_for_good() {
    let disk = SimDisk::new(0);
    let mut writer = open_store(&disk, LATER, Retention::default(), (ManualClock::at(0), 0)).unwrap();
    append(&mut writer, "acknowledged").unwrap();
    let (log, announced) = (writer.log.clone(), writer.log.bounds().head);

    trouble(&disk, Trouble::Broken, 0..1);
    pass_interval(&mut writer);

    assert!(matches!(append(&mut writer, "too late"), Err(StoreError::Stopped(_))));
    assert!(matches!(writer.close(), Err(StoreError::Stopped(_))), "an acknowledged event may be gone");
    assert_eq!(log.bounds().head, announced);
}

/// A process that has seen a sync fail marks the directory, so that the next one knows what to look for.
/// The age of its first event ended the segment in the same breath, with a sync that said yes. The event was not on the
/// disk then, and the segment after it said that it was.
#[test]
fn a_failed_sync_after_an_interval_ends_no_segment_that_is_of_age() {
    let disk = SimDisk::new(0);
    let clock = ManualClock::at(0);
    let retention = Retention { age: Some(Duration::from_secs(1)), count: None, bytes: None };
    let mut writer = open_store(&disk, LATER, retention, (clock.clone(), 0)).unwrap();
    append(&mut writer, "acknowledged").unwrap();
    clock.set(10_000);
    trouble(&disk, Trouble::Broken, 0..1);

    pass_interval(&mut writer);

    assert!(writer.stopped.is_some());
    assert_eq!((writer.durable, writer.log.view().segments.len()), (Sequence(0), 1));
}

#[test]
fn a_failed_sync_is_marked_and_the_next_start_knows_what_was_acknowledged() {
    let disk = SimDisk::new(0);
    let mut writer = open_store(&disk, LATER, Retention::default(), (ManualClock::at(0), 0)).unwrap();
    append(&mut writer, "durable").unwrap();
    pass_interval(&mut writer);
    append(&mut writer, "acknowledged").unwrap();
    trouble(&disk, Trouble::Broken, 0..1);
    pass_interval(&mut writer);
    drop(writer);

    let marked = Life::Failed { durable: Sequence(1), acknowledged: Sequence(2) };
    assert!(Meta::read(&disk).unwrap().unwrap().life == marked);

    // What was durable must be there, whatever the disk has lost since.
    disk.open("00000000000000000001.log").unwrap().write_at(&[0; 100], 64).unwrap();
    let refused = open_store(&disk, LATER, Retention::default(), (ManualClock::at(0), 0)).err().unwrap();
    assert!(refused.to_string().ends_with("a sync failed after event 1"), "{refused}");
}

#[test]
fn a_failed_sync_of_a_full_segment_stops_the_store_for_good() {
    let disk = SimDisk::new(0);
    let none = Durability::None;
    let mut writer = open_store(&disk, none, Retention::default(), (ManualClock::at(0), 0)).unwrap();
    let large = "x".repeat(6_000);
    append(&mut writer, &large).unwrap();

    trouble(&disk, Trouble::Broken, 0..1);

    assert!(matches!(append(&mut writer, &large), Err(StoreError::Stopped(_))));
    assert!(matches!(append(&mut writer, "too late"), Err(StoreError::Stopped(_))));
    assert!(matches!(writer.close(), Err(StoreError::Stopped(_))), "an acknowledged event may be gone");
}

#[test]
fn a_write_that_finds_no_space_leaves_nothing_behind() {
    let disk = SimDisk::new(0);
    let mut writer = open(&disk);
    append(&mut writer, "1").unwrap();

    trouble(&disk, Trouble::Full, 0..1);
    assert!(matches!(append(&mut writer, "no space"), Err(StoreError::Full(_))));
    assert_eq!(append(&mut writer, "2").unwrap(), [new(&writer, 2)]);

    drop(writer);
    let held = all(&open(&disk).log);
    assert_eq!(
        held.iter().map(|event| &event.draft).collect::<Vec<_>>(),
        [&draft("a", "1"), &draft("a", "2")]
    );
}

#[test]
fn a_segment_that_cannot_be_had_is_asked_for_again() {
    let disk = SimDisk::new(0);
    let mut writer = open(&disk);
    let large = "x".repeat(6_000);
    append(&mut writer, &large).unwrap();

    trouble(&disk, Trouble::Full, 0..1);
    assert!(matches!(append(&mut writer, &large), Err(StoreError::Full(_))));
    assert_eq!(append(&mut writer, "a small one still fits").unwrap(), [new(&writer, 2)]);
    assert_eq!(append(&mut writer, &large).unwrap(), [new(&writer, 3)]);

    assert_eq!(all(&writer.log).len(), 3);
}

const LARGE: usize = 20_000;

/// A write that found no space leaves whole records behind. If the cut is not durable before the next write, a power
/// cut can bring them back behind a record that ends just where they begin.
#[test]
fn a_refused_append_never_comes_back() {
    for seed in 0..300 {
        let disk = SimDisk::new(seed);
        let mut writer = open(&disk);
        append(&mut writer, "1").unwrap();
        // So large that no zeros are written behind, which would hide what is there.
        writer.active.extend(100_000).unwrap();
        trouble(&disk, Trouble::Full, 0..1);
        let (mut appends, mut answers) = (Vec::new(), Vec::new());
        for text in ["x", "unwanted", "z"] {
            let (reply, answer) = oneshot::channel();
            appends.push(Append { drafts: vec![draft("a", &text.repeat(LARGE / text.len()))], reply });
            answers.push(answer);
        }
        take_turn(&mut writer, &Arc::new(Queue::new()), appends);
        assert!(answers.iter_mut().all(|answer| matches!(answer.try_recv(), Ok(Err(StoreError::Full(_))))));

        let ledger = Ledger {
            acknowledged: vec![draft("a", "1")],
            places: vec![writer.log.bounds().head],
            ends: [1].into(),
            durable: 1,
            in_doubt: vec![vec![draft("a", &"y".repeat(LARGE))]],
            epoch: Some(writer.epoch),
            ..Ledger::default()
        };
        disk.watch(move |operation, world| {
            let seed = seed << 32 | operation;
            let world = world.after_power_cut(&mut Dice::new(seed));
            judge(world, After::PowerCut, &ledger, Durability::Fsync, seed);
            None
        });
        append(&mut writer, &"y".repeat(LARGE)).unwrap();
    }
}
