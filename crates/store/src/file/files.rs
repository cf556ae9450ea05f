//! The files of a directory, and the log that recovery makes of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use tidings_core::{Line, Sequence};

use super::active::Active;
use super::disk::Disk;
use super::fault::Fault;
use super::hash::KeyedHash;
use super::header::{FORMAT, SegmentHeader};
use super::line;
use super::names::{self, FileName};
use super::open_error::OpenError;
use super::recover::{self, Expectation, Newest};
use super::segment::Segment;
use crate::limits::SEQUENCE_MAX;

/// The files of a directory.
pub(crate) struct Files {
    pub(crate) logs: BTreeSet<Sequence>,
    indexes: BTreeSet<Sequence>,
    unfinished: Vec<String>,
}

/// What recovery has found.
pub(crate) struct Found {
    pub(crate) ended: Vec<Arc<Segment>>,
    pub(crate) newest: Newest,
    pub(crate) line: Line,
}

impl Found {
    /// Begins a segment behind the newest one, if that has lost its last events or its header: what it has stays as it is.
    pub(crate) fn go_on_behind_what_is_lost(
        &mut self,
        disk: &dyn Disk,
        hash: &KeyedHash,
        segment_bytes: u64,
    ) -> Result<(), Fault> {
        let Some(head) = self.newest.lost_through.take() else { return Ok(()) };
        if head.0 >= SEQUENCE_MAX {
            let name = self.newest.active.segment.name();
            return Err(Fault::corrupt(&name, 0, "it has an event that no log can reach"));
        }
        let header = SegmentHeader {
            format: FORMAT,
            epoch: self.line.epoch(),
            base: head.next(),
            time_before: self.newest.last_time,
            key_check: hash.check(),
        };
        let active = match Active::create(disk, header, hash, segment_bytes) {
            // It can be read, and takes events when there is space.
            Err(fault) if fault.is_full() => Active::create(disk, header, hash, 0)?,
            active => active?,
        };
        let damaged = std::mem::replace(&mut self.newest.active, active);
        // One without an event has the same name, and is gone.
        if damaged.segment.base() <= head {
            damaged.finish(self.newest.last_time);
            self.ended.push(damaged.segment);
        }
        self.newest.head = head;
        Ok(())
    }
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
            let segment = recover::ended(
                disk,
                (*base, *next),
                hash,
                expected.recovery,
                ended.last().map(|segment: &Arc<Segment>| &**segment),
            )?;
            ended.push(Arc::new(segment));
        }
        let check = |newest: &Segment| {
            line::of(ended.iter().map(|segment| &**segment).chain([newest]), &hash, expected.recovery)
        };
        let (newest, line) =
            recover::newest(disk, base, expected, hash, ended.last().map(|segment| &**segment), check)?;
        Ok(line.map(|line| Found { ended, newest, line }))
    }
}
