//! The files of a directory, and the log that recovery makes of them.

use std::collections::{BTreeSet, HashSet};

use tidings_core::{Line, Sequence};

use super::disk::Disk;
use super::fault::Fault;
use super::hash::KeyedHash;
use super::header::FORMAT_MIN;
use super::names::{self, FileName};
use super::open_error::OpenError;
use super::recover::{self, Expectation, Newest};
use super::segment::Segment;

/// The files of a directory.
pub(crate) struct Files {
    pub(crate) logs: BTreeSet<Sequence>,
    indexes: BTreeSet<Sequence>,
    unfinished: Vec<String>,
}

/// What recovery has found.
pub(crate) struct Found {
    pub(crate) ended: Vec<Segment>,
    pub(crate) newest: Newest,
    pub(crate) line: Line,
}

impl Files {
    pub(crate) fn list(disk: &dyn Disk) -> Result<Self, OpenError> {
        let mut files = Self { logs: BTreeSet::new(), indexes: BTreeSet::new(), unfinished: Vec::new() };
        for name in disk.list().map_err(Fault::io("the directory"))? {
            match names::parse(&name) {
                FileName::Log(base) => _ = files.logs.insert(base),
                FileName::Index(base) => _ = files.indexes.insert(base),
                FileName::New => files.unfinished.push(name),
                FileName::Other => {}
            }
        }
        Ok(files)
    }

    /// Removes what means nothing. If that fails, it only takes space.
    pub(crate) fn clean(&self, disk: &dyn Disk) {
        for name in &self.unfinished {
            let _ = disk.remove(name);
        }
        for base in self.indexes.difference(&self.logs) {
            let _ = disk.remove(&names::index(*base));
        }
    }

    /// Opens all segments; none if there is none. `expected` says what the newest one must hold.
    pub(crate) fn recover(
        &self,
        disk: &dyn Disk,
        hash: KeyedHash,
        expected: &Expectation,
    ) -> Result<Option<Found>, Fault> {
        let Some(base) = self.logs.last().copied() else { return Ok(None) };
        let mut ended = Vec::with_capacity(self.logs.len());
        for (base, next) in self.logs.iter().zip(self.logs.iter().skip(1)) {
            ended.push(recover::ended(disk, *base, *next, hash)?);
        }
        let check = |newest: &Segment| line(ended.iter().chain([newest]));
        let (newest, line) = recover::newest(disk, base, expected, hash, check)?;
        Ok(line.map(|line| Found { ended, newest, line }))
    }
}

/// The line of epochs that segments tell, oldest first. The header of a segment says in which epoch the log was when the
/// segment was begun, and records in it say which epochs began then. In version 1 there are no such records, and an
/// epoch begins with a segment.
fn line<'a>(segments: impl Iterator<Item = &'a Segment>) -> Result<Option<Line>, Fault> {
    let mut told: Option<(Line, u32)> = None;
    let mut known = HashSet::new();
    let mut begun_after = Sequence::ZERO;
    for segment in segments {
        let (name, header) = (segment.name(), segment.header);
        if header.base.previous() < begun_after {
            let what = format!("an epoch begins after event {begun_after}, in the segment before");
            return Err(Fault::corrupt(&name, 0, what));
        }
        let repeated = |epoch| Fault::corrupt(&name, 0, format!("epoch {epoch} begins a second time"));
        let line = match &mut told {
            None => {
                known.insert(header.epoch);
                &mut told.insert((Line::new(header.epoch), header.format)).0
            }
            Some((line, format)) => {
                let before = std::mem::replace(format, header.format);
                if header.epoch != line.epoch() {
                    if before != FORMAT_MIN {
                        let what = format!(
                            "it begins in epoch {}, and the log was in {}",
                            header.epoch,
                            line.epoch()
                        );
                        return Err(Fault::corrupt(&name, 16, what));
                    }
                    if !known.insert(header.epoch) {
                        return Err(repeated(header.epoch));
                    }
                    line.begin(header.epoch, header.base.previous());
                }
                line
            }
        };
        for epoch in segment.index().epochs()? {
            let after = Sequence(header.base.0 + u64::from(epoch.ordinal)).previous();
            if epoch.ends != line.epoch() {
                let (begins, ends) = (epoch.begins, epoch.ends);
                let what = format!(
                    "epoch {begins} begins after event {after} where {ends} ends, and the log was in {}",
                    line.epoch()
                );
                return Err(Fault::corrupt(&name, 0, what));
            }
            if !known.insert(epoch.begins) {
                return Err(repeated(epoch.begins));
            }
            if after < begun_after {
                let what = format!("epoch {} begins before the one that ends there", epoch.begins);
                return Err(Fault::corrupt(&name, 0, what));
            }
            begun_after = after;
            line.begin(epoch.begins, after);
        }
    }
    Ok(told.map(|(line, _)| line))
}
