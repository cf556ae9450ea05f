//! When the log begins a new epoch: exactly when acknowledged events may be gone. And what becomes of the ids that were
//! given in the epochs before: an event that is still there keeps its own.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use tidings_core::contract::fixture::{ManualClock, draft_with, query};
use tidings_core::{Cursor, DraftFields, Epoch, Placement, Reading, Sequence, Start, UnixMillis};
use tidings_sse::EventId;

use super::corruption::names as names_of;
use super::dice::Dice;
use super::failure::{append, append_draft};
use super::judge::{all, assert_goes_on, assert_readers, read_all};
use super::play::{LATER, host, open_host, open_store, pass_interval};
use super::power::seeds;
use crate::file::config::{Durability, Retention};
use crate::file::disk::Disk;
use crate::file::disk::sim::{SimDisk, World};
use crate::file::header::SegmentHeader;
use crate::file::meta::Meta;
use crate::file::names::{self, FileName};
use crate::file::open::OpenError;
use crate::file::read::read;
use crate::file::writer::LogWriter;

/// How a store ends.
#[derive(Debug, Clone, Copy)]
enum StoreEnd {
    Closed,
    Killed,
    PowerCut,
}

fn open(disk: &SimDisk, durability: Durability, start: usize) -> Result<LogWriter, OpenError> {
    open_store(disk, durability, Retention::default(), (ManualClock::at(0), start))
}

/// Whether the epoch is the same after a store has ended and was started again. `starts` is how often the machine
/// was started in between.
fn survives(durability: Durability, end: StoreEnd, starts: usize) -> bool {
    let disk = SimDisk::new(1);
    let mut writer = open(&disk, durability, 1).unwrap();
    append(&mut writer, "1").unwrap();
    let (epoch, place) = (writer.log.epoch, writer.log.bounds().head);
    let world = match end {
        StoreEnd::Closed => {
            writer.close().unwrap();
            disk.world()
        }
        StoreEnd::Killed => disk.world(),
        StoreEnd::PowerCut => disk.world().after_power_cut(&mut Dice::new(7)),
    };
    let disk = SimDisk::of(world, 2);
    let mut writer = open(&disk, Durability::Fsync, 1 + starts).unwrap();

    // Whatever was lost, the log goes on.
    let held = all(&writer.log);
    assert!(held.iter().all(|event| event.cursor == place), "the id of an event has changed");
    assert_readers(&writer.log, &held, epoch, 0..3);
    assert_goes_on(&mut writer, &disk);
    let (survived, held) = (writer.log.epoch == epoch, all(&writer.log));
    // The answer is given once: from here on, all is durable.
    let again = open(&SimDisk::of(disk.world(), 3), Durability::Fsync, 9).unwrap();
    assert_eq!((again.log.epoch, all(&again.log)), (writer.log.epoch, held));
    survived
}

#[test]
fn an_epoch_ends_when_acknowledged_events_may_be_gone() {
    for durability in [Durability::None, LATER] {
        assert!(!survives(durability, StoreEnd::PowerCut, 1), "{durability:?}");
        assert!(!survives(durability, StoreEnd::Killed, 1), "{durability:?}");
    }
}

#[test]
fn an_epoch_goes_on_when_nothing_acknowledged_can_be_gone() {
    for end in [StoreEnd::Closed, StoreEnd::Killed, StoreEnd::PowerCut] {
        assert!(survives(Durability::Fsync, end, 1), "{end:?}");
    }
    assert!(survives(Durability::Fsync, StoreEnd::Killed, 0));
    assert!(survives(Durability::None, StoreEnd::Closed, 1));
    assert!(survives(Durability::None, StoreEnd::Killed, 0), "the memory of the system outlives a process");
}

#[test]
fn an_epoch_ends_when_somebody_removed_the_log() {
    let disk = SimDisk::new(1);
    let mut writer = open(&disk, Durability::Fsync, 1).unwrap();
    append(&mut writer, "1").unwrap();
    let epoch = writer.log.epoch;
    drop(writer);
    disk.remove("00000000000000000001.log").unwrap();

    let writer = open(&disk, Durability::Fsync, 2).unwrap();

    assert_ne!(writer.log.epoch, epoch);
    assert_eq!(writer.log.bounds().head.sequence, Sequence(0));
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
fn without_a_boot_id_every_crash_counts_as_one_of_the_machine() {
    let disk = SimDisk::new(1);
    let start = |start| {
        let mut host = host(&disk, ManualClock::at(0), start);
        host.boot = None;
        open_host(host, Durability::None, Retention::default()).unwrap()
    };
    let mut writer = start(1);
    append(&mut writer, "1").unwrap();
    let epoch = writer.log.epoch;
    drop(writer);

    assert_ne!(start(2).log.epoch, epoch);
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

    // The machine was started anew, and nothing is gone that might have been.
    let mut writer = open(&disk, Durability::None, 2).unwrap();
    append(&mut writer, "4").unwrap();

    assert_ne!(writer.log.epoch, old.epoch);
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

/// The segment of an epoch without an event tells the next start of the time of the event before.
#[test]
fn times_do_not_go_back_after_an_epoch_without_an_event() {
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
fn the_last_segment_of_an_epoch_gets_an_index_and_leaves_when_its_time_has_come() {
    let disk = SimDisk::new(1);
    let retention = Retention { count: Some(1), ..Retention::default() };
    let open = |start| open_store(&disk, Durability::None, retention, (ManualClock::at(0), start)).unwrap();
    append(&mut open(1), "1").unwrap();

    let mut writer = open(2);
    assert_eq!(names_of(&disk.world(), ".idx"), ["00000000000000000001.idx"]);

    append(&mut writer, "2").unwrap();
    writer.tend();
    let bounds = writer.log.bounds();
    assert_eq!((bounds.floor, bounds.head.sequence), (bounds.head.previous(), Sequence(2)));
}

/// Appends some events, some of which leave the segment full, and some of which are made durable. Notes their places.
fn append_some(writer: &mut LogWriter, dice: &mut Dice, acknowledged: &mut Vec<Cursor>) {
    for _ in 0..dice.below(5) {
        match append(writer, &"x".repeat([1, 700, 5_000][dice.below(3)])).unwrap()[..] {
            [Placement::New(place)] => acknowledged.push(place),
            ref other => panic!("expected a new place, got {other:?}"),
        }
        if dice.chance(1, 3) {
            pass_interval(writer);
        }
    }
}

#[test]
fn events_keep_their_ids_and_readers_their_places_through_many_epochs() {
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
                assert!(!before.contains(&writer.log.epoch), "seed {seed}: a loss is not told");
                let given = 0..acknowledged.len() as u64 + 2;
                before.iter().for_each(|epoch| assert_readers(&writer.log, &held, *epoch, given.clone()));
                cut += acknowledged.len() - held.len();
                acknowledged.truncate(held.len());
                epochs_held
                    .insert(held.iter().map(|event| event.cursor.epoch).collect::<BTreeSet<_>>().len());

                before.push(writer.log.epoch);
                append_some(&mut writer, &mut dice, &mut acknowledged);
                world = disk.world().after_power_cut(&mut dice);
            }
        }
    }

    // Logs of one epoch and of several are there, and something was cut off, or the trial is not what it should be.
    assert!(epochs_held.len() >= 4 && cut > 100, "{epochs_held:?}, {cut} events cut off");
}

/// The epoch of the newest segment.
fn epoch_of_newest(world: &World) -> Option<Epoch> {
    let name = names_of(world, ".log").pop()?;
    let FileName::Log(base) = names::parse(&name) else { panic!("{name} is a segment") };
    let file = SimDisk::of(world.clone(), 0).open(&name).unwrap();
    Some(SegmentHeader::read(&*file, &name, base).unwrap().epoch)
}

/// What each operation of a start finds on the disk.
fn worlds_of_a_start(world: &World, durability: Durability, start: usize) -> Vec<World> {
    let disk = SimDisk::of(world.clone(), 0);
    let worlds = Arc::new(Mutex::new(Vec::new()));
    let seen = worlds.clone();
    disk.watch(move |_, world| {
        seen.lock().unwrap().push(world.clone());
        None
    });
    open(&disk, durability, start).unwrap();
    std::mem::take(&mut *worlds.lock().unwrap())
}

/// If the segment came first, the next start would find a log, and go on in the epoch of the one that was removed.
#[test]
fn the_epoch_of_a_log_that_somebody_removed_never_comes_back_wherever_a_start_ends() {
    let disk = SimDisk::new(1);
    let mut writer = open(&disk, Durability::Fsync, 1).unwrap();
    append(&mut writer, "1").unwrap();
    let epoch = writer.log.epoch;
    drop(writer);
    disk.remove("00000000000000000001.log").unwrap();

    let worlds = worlds_of_a_start(&disk.world(), Durability::Fsync, 2);

    assert!(worlds.len() > 8);
    for left in worlds {
        let writer = open(&SimDisk::of(left, 3), Durability::Fsync, 3).unwrap();
        assert_ne!(writer.log.epoch, epoch);
    }
}

/// A start that begins an epoch writes it to `META`, then makes its segment. It may end between the two.
#[test]
fn a_start_that_ends_before_its_epoch_has_a_segment_is_made_good_by_the_next_one() {
    let mut without_segment = 0;
    for durability in [Durability::None, LATER] {
        for seed in seeds(8) {
            let (mut dice, disk) = (Dice::new(seed), SimDisk::new(seed));
            let mut writer = open(&disk, durability, 1).unwrap();
            append(&mut writer, "1").unwrap();
            append_some(&mut writer, &mut dice, &mut Vec::new());
            let (epoch, given) = (writer.log.epoch, writer.log.bounds().head.sequence.0);
            let world = disk.world().after_power_cut(&mut dice);
            let held = all(&open(&SimDisk::of(world.clone(), seed), durability, 2).unwrap().log);

            for left in worlds_of_a_start(&world, durability, 2) {
                let cut = left.after_power_cut(&mut dice);
                for (left, start) in [(left, 2), (cut, 3)] {
                    let meta = Meta::read(&SimDisk::of(left.clone(), 0)).unwrap().map(|meta| meta.epoch);
                    without_segment += usize::from(meta != epoch_of_newest(&left));
                    let disk = SimDisk::of(left, seed);
                    let mut writer = open(&disk, durability, start).unwrap();
                    assert_eq!(all(&writer.log), held, "seed {seed}");
                    assert_readers(&writer.log, &held, epoch, 0..given + 2);
                    assert_goes_on(&mut writer, &disk);
                    let later = all(&writer.log);
                    writer.close().unwrap();
                    let writer = open(&SimDisk::of(disk.world(), seed), durability, 4).unwrap();
                    assert_eq!(all(&writer.log), later, "seed {seed}: an id has changed");
                    assert_eq!(Some(writer.log.epoch), epoch_of_newest(&disk.world()));
                }
            }
        }
    }

    assert!(without_segment > 50, "{without_segment} starts ended there");
}
