//! Each life of a log is an epoch: when one begins, what becomes of the ids that were given before, and what a reader
//! hears who comes with one of them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use tidings_core::contract::fixture::{ManualClock, draft_with, query};
use tidings_core::{
    Cursor, DraftFields, Epoch, EpochStatus, Placement, Reading, Sequence, Start, StoreError, UnixMillis,
};
use tidings_sse::EventId;

use super::dice::Dice;
use super::failure::{append, append_draft};
use super::judge::{all, assert_goes_on, assert_readers, read_all};
use super::play::{LATER, open_store, pass_interval};
use super::power::seeds;
use crate::file::config::{Durability, Retention};
use crate::file::disk::Disk;
use crate::file::disk::sim::{SimDisk, Trouble, World};
use crate::file::open_error::OpenError;
use crate::file::read::sliced_tests::read;
use crate::file::writer::LogWriter;

pub(super) fn open(disk: &SimDisk, durability: Durability, start: usize) -> Result<LogWriter, OpenError> {
    open_store(disk, durability, Retention::default(), (ManualClock::at(0), start))
}

/// Appends some events, some of which leave the segment full, and some of which are made durable. Returns their places.
pub(super) fn append_some(writer: &mut LogWriter, dice: &mut Dice) -> Vec<Cursor> {
    let mut places = Vec::new();
    for _ in 0..dice.below(5) {
        match append(writer, &"x".repeat([1, 700, 5_000][dice.below(3)])).unwrap()[..] {
            [Placement::New(place)] => places.push(place),
            ref other => panic!("expected a new place, got {other:?}"),
        }
        if dice.chance(1, 3) {
            pass_interval(writer);
        }
    }
    places
}

#[test]
fn each_life_that_appends_is_an_epoch_and_one_that_does_not_is_none() {
    for durability in [Durability::Fsync, LATER, Durability::None] {
        for closes in [true, false] {
            let disk = SimDisk::new(1);
            let mut places = Vec::new();
            for life in 1..6 {
                let mut writer = open(&disk, durability, 1).unwrap();
                let before = writer.log.bounds().head;
                assert_eq!(
                    places.last().copied().unwrap_or(before),
                    before,
                    "an opening alone moves nothing"
                );
                if life != 3 {
                    append(&mut writer, "x").unwrap();
                    places.push(writer.log.bounds().head);
                }
                if closes {
                    writer.close().unwrap();
                }
            }

            let writer = open(&disk, durability, 1).unwrap();
            let held: Vec<_> = all(&writer.log).iter().map(|event| event.cursor).collect();
            assert_eq!(held, places, "an id has changed");
            assert_eq!(held.iter().map(|place| place.epoch).collect::<BTreeSet<_>>().len(), 4);
            // Nobody hears of a gap: nothing is gone.
            for place in places {
                let answer = read(&writer.log.view(), &writer.log.hash, &query(Start::After(place), &["**"]));
                assert!(matches!(answer, Ok(Reading::Page(page)) if page.after == place));
            }
        }
    }
}

#[test]
fn an_epoch_costs_some_tens_of_bytes_and_no_segment() {
    let disk = SimDisk::new(1);
    let lives = 40;
    for _ in 0..lives {
        append(&mut open(&disk, Durability::Fsync, 1).unwrap(), "").unwrap();
    }

    let writer = open(&disk, Durability::Fsync, 1).unwrap();

    assert_eq!(writer.log.view().segments.len(), 1);
    assert!(writer.active.end < 64 + lives * 120, "{} bytes", writer.active.end);
}

#[test]
fn a_log_whose_segments_somebody_removed_begins_another_epoch() {
    let disk = SimDisk::new(1);
    let mut writer = open(&disk, Durability::Fsync, 1).unwrap();
    append(&mut writer, "1").unwrap();
    let old = writer.log.bounds().head;
    drop(writer);
    disk.remove("00000000000000000001.log").unwrap();

    let mut writer = open(&disk, Durability::Fsync, 2).unwrap();
    append(&mut writer, "another").unwrap();

    assert_readers(&writer.log, &all(&writer.log), old.epoch, 0..3);
    assert_ne!(writer.log.bounds().head, old);
}

#[test]
fn a_closed_log_that_is_gone_is_refused() {
    let disk = SimDisk::new(1);
    let mut writer = open(&disk, Durability::Fsync, 1).unwrap();
    append(&mut writer, "1").unwrap();
    writer.close().unwrap();
    disk.remove("00000000000000000001.log").unwrap();

    assert!(matches!(open(&disk, Durability::Fsync, 2), Err(OpenError::Corrupt { .. })));
}

#[test]
fn an_id_and_a_key_of_an_earlier_epoch_lead_to_the_place_that_was_given_then() {
    let disk = SimDisk::new(1);
    let named = |data| {
        draft_with("a", data, DraftFields { id: Some("i"), key: Some("k".into()), ..DraftFields::default() })
    };
    let mut writer = open(&disk, Durability::None, 1).unwrap();
    append(&mut writer, "1").unwrap();
    append_draft(&mut writer, named("2")).unwrap();
    let old = writer.log.bounds().head;
    append(&mut writer, "3").unwrap();
    drop(writer);

    let mut writer = open(&disk, Durability::None, 1).unwrap();
    append(&mut writer, "4").unwrap();

    assert_ne!(writer.log.bounds().epoch(), old.epoch);
    assert_eq!(append_draft(&mut writer, named("2")).unwrap(), [Placement::Repeated(old)]);
    assert_eq!(append_draft(&mut writer, named("other")).unwrap(), [Placement::KeyReused(old)]);
    let (id, events) = (EventId::new("i").unwrap(), all(&writer.log));
    for start in [Start::AfterId(id), Start::Last(2), Start::After(old)] {
        match read(&writer.log.view(), &writer.log.hash, &query(start.clone(), &["a"])) {
            Ok(Reading::Page(page)) => assert_eq!((page.after, &page.events[..]), (old, &events[2..])),
            other => panic!("expected a page for {start:?}, got {other:?}"),
        }
    }
}

#[test]
fn a_publish_that_is_only_repeated_begins_no_epoch() {
    let disk = SimDisk::new(1);
    let keyed = || draft_with("a", "1", DraftFields { key: Some("k".into()), ..DraftFields::default() });
    append_draft(&mut open(&disk, Durability::Fsync, 1).unwrap(), keyed()).unwrap();

    let mut writer = open(&disk, Durability::Fsync, 1).unwrap();
    let before = (writer.log.bounds().head, writer.active.end);
    assert_eq!(append_draft(&mut writer, keyed()).unwrap(), [Placement::Repeated(before.0)]);

    assert_eq!((writer.log.bounds().head, writer.active.end), before);
}

#[test]
fn times_do_not_go_back_after_a_life_without_an_event() {
    let disk = SimDisk::new(1);
    let open = |start, ms| {
        open_store(&disk, Durability::None, Retention::default(), (ManualClock::at(ms), start)).unwrap()
    };
    append(&mut open(1, 1_000), "1").unwrap();
    drop(open(2, 500));

    let mut writer = open(3, 500);
    append(&mut writer, "2").unwrap();

    let events = all(&writer.log);
    assert_eq!(events.iter().map(|event| event.time.0).collect::<Vec<_>>(), [1_000, 1_000]);
    let since = |ms| read_all(&writer.log, query(Start::Since(UnixMillis(ms)), &["a"]));
    assert_eq!((since(1_000), since(1_001)), (events, Vec::new()));
}

#[test]
fn an_epoch_leaves_the_line_when_it_ended_before_the_first_event_held() {
    let disk = SimDisk::new(1);
    let retention = Retention { count: Some(1), ..Retention::default() };
    let open = || open_store(&disk, Durability::Fsync, retention, (ManualClock::at(0), 1)).unwrap();
    let mut epochs = Vec::new();
    for _ in 0..6 {
        let mut writer = open();
        append(&mut writer, &"x".repeat(6_000)).unwrap();
        writer.tend();
        epochs.push(writer.epoch);
    }

    for writer in [open(), open()] {
        let statuses: Vec<_> = epochs.iter().map(|epoch| writer.log.view().status_of(*epoch)).collect();
        // The last event is held, and the place before it is one of the epoch before.
        let ended = |at| EpochStatus::Ended { at: Sequence(at) };
        assert_eq!(statuses[..4], [EpochStatus::Unknown; 4]);
        assert_eq!(statuses[4..], [ended(5), ended(6)]);
        epochs.iter().for_each(|epoch| assert_readers(&writer.log, &all(&writer.log), *epoch, 0..9));
    }
}

#[test]
fn events_keep_their_ids_and_readers_their_places_through_many_lives() {
    let (mut epochs_held, mut cut) = (BTreeSet::new(), 0);
    for durability in [Durability::None, LATER] {
        for seed in seeds(60) {
            let mut dice = Dice::new(seed);
            let mut world = World::default();
            let mut acknowledged: Vec<Cursor> = Vec::new();
            let mut before: Vec<Epoch> = Vec::new();
            for start in 1..7 {
                let disk = SimDisk::of(world, seed);
                let mut writer = open(&disk, durability, start).unwrap();

                let held = all(&writer.log);
                let places: Vec<_> = held.iter().map(|event| event.cursor).collect();
                assert!(acknowledged.starts_with(&places), "seed {seed}: {places:?} of {acknowledged:?}");
                assert!(!before.contains(&writer.epoch), "seed {seed}: a loss is not told");
                let given = 0..acknowledged.len() as u64 + 2;
                before.iter().for_each(|epoch| assert_readers(&writer.log, &held, *epoch, given.clone()));
                cut += acknowledged.len() - held.len();
                acknowledged.truncate(held.len());
                epochs_held
                    .insert(held.iter().map(|event| event.cursor.epoch).collect::<BTreeSet<_>>().len());

                before.push(writer.epoch);
                acknowledged.extend(append_some(&mut writer, &mut dice));
                world = disk.world().after_power_cut(&mut dice);
            }
        }
    }

    // Logs of one epoch and of several are there, and something was cut off, or the trial is not what it should be.
    assert!(epochs_held.len() >= 4 && cut > 100, "{epochs_held:?}, {cut} events cut off");
}

/// What each operation of a life finds on the disk that opens a log and appends to it.
fn worlds_of_a_life(world: &World, durability: Durability, start: usize) -> Vec<World> {
    let disk = SimDisk::of(world.clone(), 0);
    let worlds = Arc::new(Mutex::new(Vec::new()));
    let seen = worlds.clone();
    disk.watch(move |_, world| {
        seen.lock().unwrap().push(world.clone());
        None
    });
    append(&mut open(&disk, durability, start).unwrap(), &"first of its epoch ".repeat(90)).unwrap();
    std::mem::take(&mut *worlds.lock().unwrap())
}

/// The record of an epoch and the event behind it are one write, which may be torn anywhere.
#[test]
fn an_epoch_that_is_torn_with_its_first_event_has_never_been() {
    let (mut torn, mut whole) = (0, 0);
    for durability in [Durability::Fsync, Durability::None, LATER] {
        for seed in seeds(8) {
            let (mut dice, disk) = (Dice::new(seed), SimDisk::new(seed));
            let mut writer = open(&disk, durability, 1).unwrap();
            append(&mut writer, "1").unwrap();
            append_some(&mut writer, &mut dice);
            pass_interval(&mut writer);
            let (epoch, given) = (writer.epoch, writer.log.bounds().head.sequence.0);
            writer.close().unwrap();
            let world = disk.world();
            let held = all(&open(&SimDisk::of(world.clone(), seed), durability, 2).unwrap().log);

            for left in worlds_of_a_life(&world, durability, 2) {
                for left in [left.clone(), left.after_power_cut(&mut dice), left.after_power_cut(&mut dice)] {
                    let disk = SimDisk::of(left, seed);
                    let mut writer = open(&disk, durability, 3).unwrap();
                    let found = all(&writer.log);
                    assert!(found.starts_with(&held) && found.len() <= held.len() + 1, "seed {seed}");
                    *(if found.len() == held.len() { &mut torn } else { &mut whole }) += 1;
                    assert_readers(&writer.log, &found, epoch, 0..given + 2);
                    assert_goes_on(&mut writer);
                    let later = all(&writer.log);
                    writer.close().unwrap();
                    let writer = open(&SimDisk::of(disk.world(), seed), durability, 4).unwrap();
                    assert_eq!(all(&writer.log), later, "seed {seed}: an id has changed");
                }
            }
        }
    }

    assert!(torn > 100 && whole > 10, "{torn} without the event, {whole} with it");
}

#[test]
fn a_disk_that_is_full_at_a_start_is_read_and_begins_the_epoch_when_there_is_space() {
    for durability in [Durability::Fsync, LATER, Durability::None] {
        let disk = SimDisk::new(1);
        let mut writer = open(&disk, durability, 1).unwrap();
        append(&mut writer, "1").unwrap();
        let old = writer.log.bounds().head;
        writer.close().unwrap();

        let is_full = Arc::new(Mutex::new(true));
        let full = is_full.clone();
        disk.watch(move |_, _| full.lock().unwrap().then_some(Trouble::Full));
        let mut writer = open(&disk, durability, 1).unwrap();
        assert_eq!(all(&writer.log).len(), 1);
        assert!(matches!(append(&mut writer, "no space"), Err(StoreError::Full(_))), "{durability:?}");
        assert_eq!(writer.log.bounds().head, old);
        assert_eq!(writer.log.view().status_of(writer.epoch), EpochStatus::Unknown);

        *is_full.lock().unwrap() = false;
        assert_goes_on(&mut writer);
        drop(writer);
        assert_eq!(all(&open(&disk, durability, 1).unwrap().log).len(), 2);
    }
}

/// 10,000 lives take more than a minute, with `TIDINGS_TEST_LIVES=10000`.
#[test]
fn thousands_of_lives_with_one_event_each_are_all_on_the_line() {
    let lives =
        std::env::var("TIDINGS_TEST_LIVES").map_or(2_000, |lives| lives.parse().expect("a number of lives"));
    let disk = SimDisk::new(1);
    let mut places = Vec::new();
    for life in 0..lives {
        let mut writer = open(&disk, Durability::Fsync, 1).unwrap();
        append(&mut writer, "").unwrap();
        places.push(writer.log.bounds().head);
        // Every second life ends as a crash does.
        if life % 2 == 0 {
            writer.close().unwrap();
        }
    }

    let writer = open(&disk, Durability::Fsync, 1).unwrap();

    let held: Vec<_> = all(&writer.log).iter().map(|event| event.cursor).collect();
    assert_eq!(held, places, "an id has changed");
    assert_eq!(held.iter().map(|place| place.epoch).collect::<BTreeSet<_>>().len(), lives);
    let view = writer.log.view();
    for place in places {
        assert_eq!(view.status_of(place.epoch), EpochStatus::Ended { at: place.sequence });
    }
    let bytes: u64 = view.segments.iter().map(|segment| segment.file.len().unwrap()).sum();
    assert!(bytes < 120 * lives as u64, "{bytes} bytes for {lives} epochs with an event each");
}
