//! When the log begins a new life: exactly when acknowledged events may be gone.

use tidings_core::Sequence;
use tidings_core::contract::fixture::ManualClock;

use super::dice::Dice;
use super::failure::append;
use super::judge::all;
use super::play::{host, open_host, open_store};
use crate::file::config::{Durability, Retention};
use crate::file::disk::Disk;
use crate::file::disk::sim::SimDisk;
use crate::file::open::OpenError;
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
    let epoch = writer.log.epoch;
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
    let before = writer.log.bounds().head;
    append(&mut writer, "another").unwrap();
    assert_eq!(writer.log.bounds().head, before.next());
    assert_eq!(all(&writer.log).len() as u64, before.0 + 1);
    let survived = writer.log.epoch == epoch;
    // The answer is given once: from here on, all is durable.
    let again = open(&SimDisk::of(disk.world(), 3), Durability::Fsync, 9).unwrap();
    assert_eq!(again.log.epoch, writer.log.epoch);
    survived
}

#[test]
fn an_epoch_ends_when_acknowledged_events_may_be_gone() {
    for durability in [Durability::None, Durability::Interval(std::time::Duration::from_secs(9))] {
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
    assert_eq!(writer.log.bounds().head, Sequence(0));
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
