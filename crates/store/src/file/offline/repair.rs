//! Makes of a damaged log one that is whole: what cannot be read is declared to be lost, and everything else is made anew from what is there.
//!
//! A damaged file is copied aside before anything takes its place. New files get their names from the newest to the oldest, so that at each
//! moment there is a log of which a hub can read the same events.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use tidings_core::{Epoch, Line, Sequence, UnixMillis};

use super::aside::Aside;
use super::check_index::{IndexCheck, check_index};
use super::directory::{Directory, Listing};
use super::examine::{Examined, Known, examine};
use super::key;
use super::lost_epoch;
use super::segment_writer::SegmentWriter;
use crate::file::directory;
use crate::file::disk::Disk;
use crate::file::disk::os::OsDisk;
use crate::file::fault::Fault;
use crate::file::hash::KeyedHash;
use crate::file::header::{FORMAT, FORMAT_MIN, SegmentHeader};
use crate::file::holes;
use crate::file::host::Random;
use crate::file::index::{Index, build};
use crate::file::line::GrowingLine;
use crate::file::lock::LockedDirectory;
use crate::file::meta::{Life, Meta};
use crate::file::names;
use crate::file::open_error::OpenError;
use crate::file::record::{RecordFormat, v2};

/// Something that a repair does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RepairStep {
    /// The file.
    pub file: String,
    /// What becomes of it.
    pub what: String,
    /// The events that are declared to be lost with it.
    pub lost: Option<RangeInclusive<Sequence>>,
}

/// What a repair does, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repair {
    /// What, in order. Nothing if the directory is whole.
    pub steps: Vec<RepairStep>,
    /// Where copies of the damaged files are, and their names.
    pub kept: Option<(PathBuf, Vec<String>)>,
}

/// Why a directory cannot be repaired.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RepairError {
    /// It cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Without the key of the log, none of its records can be told from other bytes.
    #[error("the key of the log is lost: META does not tell it, and no segment has a copy of it")]
    NoKey,
    /// A load or a backup into it was not completed.
    #[error("a load or a backup into this directory was not completed, so that there is no log to repair")]
    Incomplete,
}

impl From<Fault> for RepairError {
    fn from(fault: Fault) -> Self {
        Self::Open(fault.into())
    }
}

/// Says how a directory can be mended. With a directory that is to take the damaged files, it does so: then no hub may have the data directory.
/// Without one it takes no lock and changes nothing.
///
/// # Errors
///
/// See [`RepairError`].
pub fn repair(dir: &Path, aside: Option<&Path>) -> Result<Repair, RepairError> {
    let reading = Directory::open(dir)?;
    let locked = match aside {
        Some(_) => {
            let locked = LockedDirectory::take(dir)?;
            directory::refuse_what_is_not_ours(&locked.dir, dir)?;
            let io = |source| OpenError::Io { file: dir.display().to_string(), source };
            let disk = OsDisk::new(&locked.dir).map_err(io)?;
            Some((disk, locked.with_file()?))
        }
        None => None,
    };
    let listing = reading.list()?;
    let found = key::find(&reading, &listing);
    let mut work = Work {
        disk: locked.as_ref().map(|(disk, _)| disk),
        reading: &reading.disk,
        hash: KeyedHash([0; 16]),
        aside: Aside::new(aside.map_or(PathBuf::new(), Path::to_owned)),
        line: GrowingLine::default(),
        expected: None,
        time: UnixMillis::default(),
        repair: Repair::default(),
    };
    let (hash, life) = match (found.key, found.meta) {
        (_, Ok(Meta { life: Life::Loading, .. })) => return Err(RepairError::Incomplete),
        (_, Ok(meta)) => (meta.hash, Some(meta.life)),
        (_, Err(fault @ Fault::Io { .. })) => return Err(fault.into()),
        (key, Err(fault)) => {
            let hash = key.map_or_else(|| work.new_key(&listing), Ok)?;
            work.meta(&hash, &fault, listing.has_meta)?;
            (hash, None)
        }
    };
    work.hash = hash;
    let reaches = match life {
        Some(Life::Closed { head }) => Some(head),
        Some(Life::Failed { durable, .. }) => Some(durable),
        Some(Life::Open { .. } | Life::Loading) | None => None,
    };
    let bases: Vec<_> = listing.logs.into_iter().collect();
    for (at, base) in bases.iter().enumerate() {
        let next = bases.get(at + 1).copied();
        work.segment(*base, next, reaches.filter(|head| next.is_none() && head >= base))?;
    }
    work.end(reaches)?;
    let kept = work.aside.kept().map(|(path, names)| (path.to_owned(), names.to_vec()));
    Ok(Repair { kept, ..work.repair })
}

/// A repair that is under way, or is only thought through.
struct Work<'a> {
    /// What is changed; none if nothing is to be.
    disk: Option<&'a OsDisk>,
    reading: &'a OsDisk,
    hash: KeyedHash,
    aside: Aside,
    line: GrowingLine,
    /// The event that comes next; none before the first segment.
    expected: Option<Sequence>,
    time: UnixMillis,
    repair: Repair,
}

impl Work<'_> {
    fn step(
        &mut self,
        file: impl Into<String>,
        what: impl Into<String>,
        lost: Option<RangeInclusive<Sequence>>,
    ) {
        self.repair.steps.push(RepairStep { file: file.into(), what: what.into(), lost });
    }

    /// A log of version 1 needs no key but for its indexes, which are made anew.
    fn new_key(&self, listing: &Listing) -> Result<KeyedHash, RepairError> {
        let is_old = |base: &Sequence| {
            let name = names::log(*base);
            let header = self.reading.open(&name).map_err(Fault::io(&name));
            header
                .and_then(|file| SegmentHeader::read(&*file, &name, *base))
                .is_ok_and(|header| header.format == FORMAT_MIN)
        };
        if listing.logs.is_empty() || !listing.logs.iter().all(is_old) {
            return Err(RepairError::NoKey);
        }
        let random = Random::of_system().map_err(Fault::io("/dev/urandom"))?;
        Ok(KeyedHash(random.key))
    }

    fn meta(&mut self, hash: &KeyedHash, fault: &Fault, is_there: bool) -> Result<(), RepairError> {
        let why = match fault {
            Fault::Corrupt { what, .. } | Fault::Damaged { what, .. } => what.clone(),
            Fault::Io { source, .. } => source.to_string(),
        };
        self.step(names::META, format!("{why}; it is made anew, with the key that the segments tell"), None);
        let Some(disk) = self.disk else { return Ok(()) };
        if is_there {
            self.aside.keep(disk, names::META).map_err(Fault::io(names::META))?;
        }
        // How the last process left the log is not known any more.
        let life = Life::Open { strict: false, boot: None };
        Ok(Meta { hash: *hash, life, epoch: None }.write(disk)?)
    }

    fn segment(
        &mut self,
        base: Sequence,
        next: Option<Sequence>,
        reaches: Option<Sequence>,
    ) -> Result<(), RepairError> {
        let name = names::log(base);
        let epoch = self.line.line().map_or(Epoch(0), Line::epoch);
        let known = Known { base, next, reaches, before: (epoch, self.time) };
        let mut examined = match examine(self.reading, known, &self.hash) {
            // Written with another key: a file of another log.
            Err(Fault::Corrupt { offset: 40, what, .. }) => {
                self.step(&*name, format!("{what}; it is taken out of the log"), None);
                return self.take_out(&name, base);
            }
            examined => examined?,
        };
        lost_epoch::complete(self.reading, &mut examined, next, self.line.line().is_none(), &self.hash)?;
        let expected = self.expected.unwrap_or(base);
        let is_gap = expected < base && self.expected.is_some();
        let has_records = examined.next > base;
        let is_told = examined.declared.as_ref().is_some_and(|lost| *lost.start() <= expected);
        let is_silent = is_gap && !is_told && has_records && examined.segment.header.format == FORMAT;
        if examined.damage.is_empty() && !is_silent {
            self.index(&examined, next.is_some())?;
            self.line.add(&examined.segment)?;
        } else {
            self.rewrite(&examined, next.is_some())?;
        }
        (self.expected, self.time) = (Some(examined.next.max(base)), self.time.max(examined.ended.last_time));
        Ok(())
    }

    /// Makes an index anew if it is not what its segment says.
    fn index(&mut self, examined: &Examined, is_ended: bool) -> Result<(), RepairError> {
        let name = names::index(examined.segment.base());
        if !is_ended {
            return Ok(());
        }
        match check_index(self.reading, examined, &self.hash)? {
            // The next start makes one that is missing.
            IndexCheck::Missing | IndexCheck::Whole => return Ok(()),
            IndexCheck::Damaged(damage) => {
                self.step(&*name, format!("{}; it is made anew from its segment", damage.what), None);
            }
        }
        let Some(disk) = self.disk else { return Ok(()) };
        self.aside.keep(disk, &name).map_err(Fault::io(&name))?;
        Ok(build::write(disk, &examined.segment.header, examined.ended, &examined.index, &self.hash)?)
    }

    /// Writes the parts of a segment that can be read as segments of their own.
    fn rewrite(&mut self, examined: &Examined, is_ended: bool) -> Result<(), RepairError> {
        let epochs = examined.index.epochs()?;
        let segment = &examined.segment;
        let (base, name) = (segment.base(), segment.name());
        let records = (examined.next.0 - base.0) as u32;
        let parts = holes::between(0..records, &segment.holes.now());
        let mut expected = self.expected.unwrap_or(base);
        let mut plan = Vec::new();
        for part in &parts {
            let first = Sequence(base.0 + u64::from(part.start));
            let lost = (self.expected.is_some() || part.start > 0) && expected < first;
            plan.push((part.clone(), lost.then(|| expected..=first.previous())));
            expected = Sequence(base.0 + u64::from(part.end));
        }
        let declared: Vec<_> = plan.iter().filter_map(|(_, lost)| lost.clone()).collect();
        for damage in &examined.damage {
            let lost = damage.events.clone();
            self.step(
                &*name,
                format!("byte {}: {}; it is written anew without that", damage.offset, damage.what),
                lost,
            );
        }
        for lost in declared {
            if !examined.damage.iter().any(|damage| damage.events.as_ref() == Some(&lost)) {
                self.step(
                    &*name,
                    "the events before it are not there; it is written anew, and says so",
                    Some(lost),
                );
            }
        }
        let Some(disk) = self.disk else { return Ok(self.line.add(segment)?) };
        self.aside.keep(disk, &name).map_err(Fault::io(&name))?;
        let mut writers = Vec::new();
        let mut time = segment.header.time_before.max(self.time);
        for (part, lost) in plan {
            let before = epochs.iter().rev().find(|epoch| epoch.ordinal < part.start);
            let epoch = before.map_or(segment.header.epoch, |epoch| epoch.begins);
            let header = SegmentHeader {
                epoch,
                base: Sequence(base.0 + u64::from(part.start)),
                time_before: time,
                ..segment.header
            };
            let mut writer = SegmentWriter::with(disk, self.hash, header)?;
            if let Some(lost) = lost.filter(|_| header.format == FORMAT) {
                writer.declare(&lost);
            }
            for ordinal in part.clone() {
                let is_last = ordinal + 1 == part.end;
                for epoch in epochs.iter().filter(|epoch| epoch.ordinal == ordinal) {
                    writer.begin_epoch(epoch.begins, epoch.ends);
                }
                time = self.copy(examined, ordinal, is_last, &mut writer)?;
            }
            writer.complete()?;
            writers.push(writer);
        }
        let has_first = parts.first().is_some_and(|part| part.start == 0);
        // It may be that of the segment as it was. Without one, the segment is read.
        match disk.remove(&names::index(base)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Fault::io(&name)(error).into());
            }
            _ => {}
        }
        for (at, writer) in writers.into_iter().enumerate().rev() {
            writer.name(disk, is_ended || at + 1 < parts.len())?;
        }
        if !has_first {
            disk.remove(&name).map_err(Fault::io(&name))?;
        }
        disk.sync_dir().map_err(Fault::io("the directory"))?;
        Ok(self.line.add(segment)?)
    }

    /// Copies a record. The last one of a part ends its append, of which the rest is lost: recovery would take it for torn.
    fn copy(
        &self,
        examined: &Examined,
        ordinal: u32,
        is_last: bool,
        writer: &mut SegmentWriter,
    ) -> Result<UnixMillis, Fault> {
        let segment = &examined.segment;
        let (name, records) = (segment.name(), segment.records);
        let offset = examined.index.offsets(ordinal..ordinal + 1)?.first().copied().map_or(0, u64::from);
        let mut raw = vec![0; records.header_bytes()];
        segment.file.read_at(&mut raw, offset).map_err(Fault::io(&name))?;
        let length = records.length(&raw).unwrap_or_default();
        raw.resize(length, 0);
        segment.file.read_at(&mut raw, offset).map_err(Fault::io(&name))?;
        if is_last && let RecordFormat::V2(tag) = &records {
            v2::end_append(&mut raw, tag);
        }
        let record =
            records.parse(&raw).map_err(|flaw| Fault::damaged(segment.base(), offset, flaw.what()))?;
        writer.copy(&record, &raw)?;
        Ok(record.stamp.time)
    }

    /// Takes a file out of the log.
    fn take_out(&mut self, name: &str, base: Sequence) -> Result<(), RepairError> {
        let Some(disk) = self.disk else { return Ok(()) };
        self.aside.keep(disk, name).map_err(Fault::io(name))?;
        // An index without its segment is removed at the next start.
        let _ = disk.remove(&names::index(base));
        disk.remove(name).and_then(|()| disk.sync_dir()).map_err(Fault::io(name))?;
        Ok(())
    }

    /// Goes on behind what is lost at the end of the log.
    fn end(&mut self, reaches: Option<Sequence>) -> Result<(), RepairError> {
        let next = self.expected.unwrap_or(Sequence::ZERO.next());
        let Some(head) = reaches.filter(|head| *head >= next) else { return Ok(()) };
        let name = names::log(head.next());
        self.step(&*name, format!("the log had event {head}; it goes on behind it"), Some(next..=head));
        let Some(disk) = self.disk else { return Ok(()) };
        let epoch = match self.line.line() {
            Some(line) => line.epoch(),
            None => Random::of_system().map_err(Fault::io("/dev/urandom"))?.epoch(None),
        };
        let mut writer = SegmentWriter::create(disk, self.hash, (epoch, head.next(), self.time))?;
        writer.declare(&(next..=head));
        writer.finish(disk, false)?;
        Ok(disk.sync_dir().map_err(Fault::io("the directory"))?)
    }
}
