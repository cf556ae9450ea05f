//! Publishers send text that looks like records: whole, with right checksums, and with the sequences that follow. A torn
//! tail behind which such text stands is cut off like any other, and costs no more work.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tidings_core::contract::fixture::draft;
use tidings_core::{Event, Sequence, UnixMillis};

use super::dice::Dice;
use super::epoch::open;
use super::failure::append;
use super::judge::{all, assert_goes_on};
use super::power::seeds;
use crate::file::config::Durability;
use crate::file::disk::sim::{SimDisk, World};
use crate::file::disk::{Disk, DiskFile};
use crate::file::hash::{KeyedHash, RecordTag};
use crate::file::header::SegmentHeader;
use crate::file::open_error::OpenError;
use crate::file::record::v2::any::AnyRecord;
use crate::file::record::{RecordFormat, RecordStamp, v1};
use crate::file::scan::{scan, written_later};

const SEGMENT: &str = "00000000000000000001.log";

/// The bytes that a disk writes whole or not at all, mostly.
const SECTOR: usize = 512;

/// The key of the log.
fn own() -> RecordTag {
    KeyedHash(*b"a key for trials").tag()
}

/// A key that a publisher made up.
fn other() -> RecordTag {
    KeyedHash(*b"another's guess!").tag()
}

/// A stamp that says: the event before this one was durable when this one was written.
fn stamp(sequence: u64) -> RecordStamp {
    RecordStamp { sequence: Sequence(sequence), time: UnixMillis(0), lag: 1, more: false }
}

/// The first record, of those that `make` makes with one number after the other, that is text: only text is published.
fn text(make: impl Fn(&str) -> Vec<u8>) -> String {
    let mut records = (0..).map(|number: u32| String::from_utf8(make(&number.to_string())));
    records.find_map(Result::ok).unwrap()
}

/// An event as version 1 writes it.
fn of_version_1(sequence: u64) -> String {
    text(|data| {
        let mut bytes = Vec::new();
        v1::encode::encode(stamp(sequence), &draft("a", data), &mut bytes);
        bytes
    })
}

/// A record as version 2 writes it, with some key.
fn of_version_2(sequence: u64, kind: u8, tag: &RecordTag) -> String {
    text(|data| {
        let data = format!("{data:>16}");
        let mut bytes = Vec::new();
        AnyRecord { stamp: stamp(sequence), kind, topic: "a", attributes: &[], data: data.as_bytes() }
            .encode(tag, &mut bytes);
        bytes
    })
}

/// Records that would follow event 2, with some key and of version 1, one behind the other, from every place of eight.
fn forged(tag: &RecordTag) -> String {
    let events: String = (3..6).map(|sequence| of_version_2(sequence, 1, tag)).collect();
    let old: String = (3..6).map(of_version_1).collect();
    let others: String = [2, 6, 64, 65].map(|kind| of_version_2(3, kind, tag)).concat();
    (0..8).map(|shift| ["x".repeat(shift).as_str(), &events, &old, &others].concat()).collect()
}

/// A log with one event, what is in it, and its segment once an event with a text is written behind.
fn log(text: &str) -> (World, Vec<Event>, Vec<u8>) {
    let disk = SimDisk::new(1);
    let mut writer = open(&disk, Durability::Fsync, 1).unwrap();
    append(&mut writer, "kept").unwrap();
    let (world, events) = (disk.world(), all(&writer.log));
    append(&mut writer, text).unwrap();
    assert_eq!(writer.log.view().segments.len(), 1, "the text fits in the segment");
    let end = writer.active.end as usize;
    let bytes = disk.world().file(SEGMENT).unwrap()[..end].to_vec();
    (world, events, bytes)
}

/// The log, in which only some bytes of the last write have reached the disk.
fn torn(world: &World, whole: &[u8], is_there: impl Fn(usize) -> bool) -> SimDisk {
    let disk = SimDisk::of(world.clone(), 0);
    let before = world.file(SEGMENT).unwrap();
    let bytes: Vec<_> =
        (0..whole.len()).map(|at| if is_there(at) { whole[at] } else { before[at] }).collect();
    let file = disk.open(SEGMENT).unwrap();
    file.write_at(&bytes, 0).unwrap();
    file.sync_data().unwrap();
    disk
}

fn assert_cut_off(disk: &SimDisk, events: &[Event], how: &str) {
    let opened = open(disk, Durability::Fsync, 2);
    let mut writer = opened.unwrap_or_else(|error| panic!("{how}: {error}"));
    assert_eq!(all(&writer.log), events, "{how}");
    assert_goes_on(&mut writer);
}

#[test]
fn the_forged_text_is_records_all_the_same() {
    for sequence in 3..6 {
        let old = of_version_1(sequence);
        assert_eq!(RecordFormat::V1.parse(old.as_bytes()).unwrap().stamp, stamp(sequence));
        let new = of_version_2(sequence, 1, &other());
        assert_eq!(RecordFormat::V2(other()).parse(new.as_bytes()).unwrap().stamp, stamp(sequence));
    }
}

#[test]
fn a_torn_tail_is_cut_off_whatever_records_a_publisher_has_put_in_it() {
    let (world, events, whole) = log(&forged(&other()));
    let start = whole.len() - forged(&other()).len();
    let sectors = start / SECTOR..whole.len().div_ceil(SECTOR);
    assert!(sectors.len() > 4, "the text has some sectors");

    for sector in sectors {
        let is_in = |at: usize| at / SECTOR == sector;
        assert_cut_off(&torn(&world, &whole, |at| !is_in(at)), &events, &format!("without sector {sector}"));
        // The first byte of the record is not there, so that sectors alone are never the whole.
        let alone = torn(&world, &whole, |at| is_in(at) && at >= start);
        assert_cut_off(&alone, &events, &format!("sector {sector} alone"));
    }
    for from in (start..whole.len()).step_by(7) {
        let disk = torn(&world, &whole, |at| at >= from);
        assert_cut_off(&disk, &events, &format!("from byte {from} on"));
        let disk = torn(&world, &whole, |at| at < from);
        assert_cut_off(&disk, &events, &format!("up to byte {from}"));
    }
}

/// Or the trial above would prove nothing.
#[test]
fn records_in_the_same_places_that_the_log_made_are_refused() {
    let (world, _, whole) = log(&forged(&own()));
    let start = whole.len() - forged(&own()).len();

    let disk = torn(&world, &whole, |at| at >= start);

    let refused = open(&disk, Durability::Fsync, 2).err();
    assert!(matches!(refused, Some(OpenError::Corrupt { .. })), "{refused:?}");
}

#[test]
fn a_power_cut_amid_forged_records_takes_nothing_that_was_acknowledged() {
    let (mut torn, mut whole) = (0, 0);
    let forged = forged(&other());
    for durability in [Durability::Fsync, Durability::None] {
        let disk = SimDisk::new(1);
        let mut writer = open(&disk, durability, 1).unwrap();
        append(&mut writer, "kept").unwrap();
        writer.close().unwrap();
        let kept = all(&open(&SimDisk::of(disk.world(), 0), durability, 2).unwrap().log);
        let mut writer = open(&disk, durability, 2).unwrap();
        let worlds = Arc::new(Mutex::new(Vec::new()));
        let seen = worlds.clone();
        disk.watch(move |_, world| {
            seen.lock().unwrap().push(world.clone());
            None
        });
        append(&mut writer, &forged).unwrap();
        append(&mut writer, &forged).unwrap();

        for world in worlds.lock().unwrap().iter() {
            for seed in seeds(60) {
                let disk = SimDisk::of(world.after_power_cut(&mut Dice::new(seed)), seed);
                let mut writer = open(&disk, durability, 3)
                    .unwrap_or_else(|error| panic!("seed {seed}, {durability:?}: {error}"));
                let held = all(&writer.log);
                assert!(held.starts_with(&kept), "seed {seed}");
                assert!(held[1..].iter().all(|event| event.draft == draft("a", &forged)), "seed {seed}");
                *(if held.len() == 1 { &mut torn } else { &mut whole }) += 1;
                assert_goes_on(&mut writer);
            }
        }
    }

    assert!(torn > 50 && whole > 50, "{torn} torn, {whole} whole");
}

/// A file that counts what is read of it.
pub(super) struct Counting {
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) bytes: AtomicU64,
}

impl DiskFile for Counting {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let read = self.file.read_at(buffer, offset)?;
        self.bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.file.allocate(bytes)
    }
}

/// A checksum of the bytes that each header claims would be some ten gigabytes of work.
#[test]
fn a_mebibyte_of_forged_headers_is_read_twice_and_none_of_them_is_followed() {
    const JUNK_BYTES: usize = 1_048_576;
    let (world, events, _) = log("");
    let written = world.file(SEGMENT).unwrap().iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let mut junk = Vec::with_capacity(JUNK_BYTES);
    let record = AnyRecord { stamp: stamp(3), kind: 1, topic: "", attributes: &[], data: b"" };
    let mut headers = Vec::new();
    while junk.len() < JUNK_BYTES {
        let at = junk.len();
        headers.push(at);
        record.encode(&other(), &mut junk);
        // As long as all that follows.
        let rest = JUNK_BYTES.saturating_sub(at).max(100) as u32;
        junk[at + 12..at + 16].copy_from_slice(&rest.to_le_bytes());
        let tag = other().of(&junk[at + 8..]);
        junk[at..at + 8].copy_from_slice(&tag.to_le_bytes());
    }
    let disk = SimDisk::of(world, 0);
    let file = disk.open(SEGMENT).unwrap();
    file.write_at(&junk, written as u64).unwrap();
    file.sync_data().unwrap();
    let bytes = file.len().unwrap();

    let counting = Counting { file, bytes: AtomicU64::new(0) };
    let hash = KeyedHash(*b"a key for trials");
    let header = SegmentHeader::read(&counting, SEGMENT, Sequence(1)).unwrap();
    let records = header.records(&hash);
    let scanned = scan(&counting, SEGMENT, header, &hash, Sequence(u64::MAX), |_| Ok(None)).unwrap();
    assert_eq!(scanned.stop.offset, written as u64);
    let later = written_later(&counting, SEGMENT, records, scanned.stop.offset, scanned.stop.next);
    assert_eq!(later.unwrap(), None);

    let read = counting.bytes.load(Ordering::Relaxed);
    assert!(read < 2 * bytes + 1_000, "{read} bytes read of {bytes}");
    for at in headers {
        let header_alone = &junk[at..at + records.header_bytes()];
        let flaw = records.parse(header_alone).unwrap_err();
        assert!(flaw.what().contains("tag"), "{flaw:?}: more than the header is asked for");
    }
    assert_cut_off(&disk, &events, "forged headers");
}
