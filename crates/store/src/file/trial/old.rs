//! A directory of version 1, as a hub of that version could leave it. No hub writes one any more, so the trials make it.

use std::fs;
use std::path::Path;

use tidings_core::contract::fixture::{draft, draft_with};
use tidings_core::{Cursor, Draft, DraftFields, Epoch, Event, Sequence, UnixMillis};

use crate::file::disk::Disk;
use crate::file::disk::sim::{SimDisk, World};
use crate::file::ended::Ended;
use crate::file::hash::KeyedHash;
use crate::file::header::SegmentHeader;
use crate::file::index::build;
use crate::file::meta::{Life, Meta};
use crate::file::names;
use crate::file::record::{RecordStamp, v1};
use crate::file::scan::scan;

/// What is in the directory.
#[derive(Debug, Clone)]
pub(crate) struct Old {
    /// The epoch of each segment, and the appends in it, oldest first.
    pub(crate) segments: Vec<(Epoch, Vec<Vec<Draft>>)>,
    /// The epoch in `META`.
    pub(crate) epoch: Epoch,
    pub(crate) life: Life,
    /// Whether the segments that have ended have indexes.
    pub(crate) is_indexed: bool,
    /// Bytes that are set aside behind the newest segment.
    pub(crate) zeros: usize,
}

impl Old {
    /// Its files, all of them durable.
    pub(crate) fn world(&self) -> World {
        self.torn(0)
    }

    /// Its files, without a number of the last bytes of its newest record.
    pub(crate) fn torn(&self, missing: usize) -> World {
        let (disk, hash) = (SimDisk::new(0), KeyedHash(*b"a key of version"));
        let mut events = self.events().into_iter();
        let mut last = None;
        for (at, (epoch, appends)) in self.segments.iter().enumerate() {
            let (base, time_before) = after(last);
            let header = SegmentHeader { format: 1, epoch: *epoch, base, time_before, key_check: 0 };
            let mut bytes = header.encode().to_vec();
            for append in appends {
                for (lag, _) in (1..).zip(append) {
                    let Event { cursor, time, draft } = events.next().unwrap();
                    let more = lag as usize != append.len();
                    let stamp = RecordStamp { sequence: cursor.sequence, time, lag, more };
                    v1::encode::encode(stamp, &draft, &mut bytes);
                    last = Some((cursor.sequence, time));
                }
            }
            let is_newest = at + 1 == self.segments.len();
            if is_newest {
                bytes.truncate(bytes.len() - missing);
                bytes.resize(bytes.len() + self.zeros, 0);
            }
            put(&disk, &names::log(base), &bytes);
            if self.is_indexed && !is_newest {
                let ended = Ended { end: bytes.len() as u64, last_time: after(last).1 };
                let file = disk.open(&names::log(base)).unwrap();
                let scanned = scan(&*file, "", header, &hash, Sequence(u64::MAX), |_| Ok(None)).unwrap();
                assert_eq!(scanned.stop.offset, ended.end, "the segment is whole");
                build::write(&disk, &header, ended, &scanned.index, &hash).unwrap();
            }
        }
        Meta { hash, life: self.life.clone(), epoch: Some(self.epoch) }.write(&disk).unwrap();
        disk.world()
    }

    /// The events in it.
    pub(crate) fn events(&self) -> Vec<Event> {
        let appends =
            self.segments.iter().flat_map(|(epoch, appends)| appends.iter().map(move |a| (epoch, a)));
        let drafts = appends.flat_map(|(epoch, append)| append.iter().map(move |draft| (epoch, draft)));
        let event = |(number, (epoch, draft)): (u64, (&Epoch, &Draft))| Event {
            cursor: Cursor::new(*epoch, Sequence(number)),
            time: UnixMillis(1_000 + 10 * number),
            draft: draft.clone(),
        };
        (1..).zip(drafts).map(event).collect()
    }

    /// The epochs that a client may have a cursor of: those of the segments, with events or without.
    pub(crate) fn epochs(&self) -> Vec<Epoch> {
        let mut epochs: Vec<_> = self.segments.iter().map(|(epoch, _)| *epoch).collect();
        epochs.dedup();
        epochs
    }

    /// Bytes of the last append in the newest segment.
    pub(crate) fn last_append_bytes(&self) -> usize {
        let append = self.segments.last().and_then(|(_, appends)| appends.last()).unwrap();
        let stamp = RecordStamp { sequence: Sequence(1), time: UnixMillis(1), lag: 1, more: false };
        let mut bytes = Vec::new();
        append.iter().for_each(|draft| v1::encode::encode(stamp, draft, &mut bytes));
        bytes.len()
    }
}

/// The event that follows the last one, and the time of the last one.
fn after(last: Option<(Sequence, UnixMillis)>) -> (Sequence, UnixMillis) {
    last.map_or((Sequence(1), UnixMillis(0)), |(sequence, time)| (sequence.next(), time))
}

/// Puts a file on a disk, durably.
pub(crate) fn put(disk: &SimDisk, name: &str, bytes: &[u8]) {
    let file = disk.create(name).unwrap();
    file.write_at(bytes, 0).unwrap();
    file.sync_data().unwrap();
    disk.sync_dir().unwrap();
}

/// A directory that is committed in `tests/golden`.
pub(crate) fn golden(version: &str) -> World {
    let disk = SimDisk::new(0);
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(version);
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        put(&disk, entry.file_name().to_str().unwrap(), &fs::read(entry.path()).unwrap());
    }
    disk.world()
}

/// Directories of version 1 in different states, with a word for each. All of them were left with `life`, whose head is that
/// of the directory if it was closed.
pub(crate) fn directories(life: &Life) -> Vec<(&'static str, Old)> {
    let (first, second, third) = (Epoch(798_807_289_339), Epoch(12), Epoch(13));
    let id = |id| DraftFields { id: Some(id), ..DraftFields::default() };
    let keyed =
        DraftFields { event_type: Some("t"), id: Some("i"), retry_ms: Some(7), key: Some("k".into()) };
    let one = || vec![vec![draft_with("a", "1", keyed), draft("b", "2")], vec![draft("c/d", "3")]];
    let two = || vec![vec![draft_with("a", &"4".repeat(5_000), id("i"))]];
    let last = || vec![vec![draft("a", "5")], vec![draft("a", "6"), draft_with("b", "7", id("j"))]];
    let old = |segments: Vec<(Epoch, Vec<Vec<Draft>>)>, epoch| {
        let events = segments.iter().flat_map(|(_, appends)| appends).map(Vec::len).sum::<usize>();
        let head = Sequence(events as u64);
        let life = if matches!(life, Life::Closed { .. }) { Life::Closed { head } } else { life.clone() };
        let zeros = if matches!(life, Life::Closed { .. }) { 0 } else { 1_000 };
        Old { segments, epoch, life, is_indexed: true, zeros }
    };
    let several = old(vec![(first, one()), (first, two()), (second, last())], second);
    vec![
        ("no event yet", old(vec![(first, Vec::new())], first)),
        ("one segment", old(vec![(first, one())], first)),
        ("no indexes", Old { is_indexed: false, ..several.clone() }),
        ("three segments, two epochs", several),
        ("an epoch in each segment", old(vec![(first, one()), (second, two()), (third, last())], third)),
        ("the newest segment is empty", old(vec![(first, one()), (first, Vec::new())], first)),
        ("the newest epoch is empty", old(vec![(first, one()), (second, Vec::new())], second)),
        ("the segment of an epoch was never made", old(vec![(first, one()), (first, last())], second)),
        ("the epoch of an empty log was never made", old(vec![(first, Vec::new())], second)),
    ]
}
