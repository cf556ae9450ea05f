//! The files of a directory, and the log that recovery makes of them.

use std::collections::BTreeSet;

use tidings_core::{Line, Sequence};

use super::disk::Disk;
use super::fault::Fault;
use super::hash::KeyedHash;
use super::line;
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
                FileName::Lock | FileName::Meta | FileName::Other => {}
            }
        }
        Ok(files)
    }

    /// What means nothing: files that were not completed, and indexes whose segment is gone.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        let indexes = self.indexes.difference(&self.logs).map(|base| names::index(*base));
        self.unfinished.iter().cloned().chain(indexes).collect()
    }

    /// Removes what means nothing. If that fails, it only takes space.
    pub(crate) fn clean(&self, disk: &dyn Disk) {
        for name in self.leftovers() {
            let _ = disk.remove(&name);
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
        let check = |newest: &Segment| line::of(ended.iter().chain([newest]));
        let (newest, line) = recover::newest(disk, base, expected, hash, check)?;
        Ok(line.map(|line| Found { ended, newest, line }))
    }
}
