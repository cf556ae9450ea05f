//! What is in a data directory, told without reading all of it.

use std::path::Path;

use tidings_core::{Epoch, Sequence, UnixMillis};

use super::directory::Directory;
use super::examine::{Known, examine};
use super::key;
use crate::file::disk::Disk;
use crate::file::fault::Fault;
use crate::file::hash::KeyedHash;
use crate::file::header::SegmentHeader;
use crate::file::index::{Index, sealed::SealedIndex};
use crate::file::line::GrowingLine;
use crate::file::log::Span;
use crate::file::meta::Life;
use crate::file::names;
use crate::file::open_error::OpenError;
use crate::file::read::records::Records;
use crate::file::segment::{IndexState, Segment};

/// How the last process left a log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Left {
    /// A process has it open.
    Running {
        /// Its number, as this machine knows it.
        pid: u32,
    },
    /// It was not closed: a process has it open, in another container perhaps, or has crashed.
    Open,
    /// It was closed, and everything was durable.
    Closed,
    /// A process could not make events durable.
    Failed {
        /// The last event that was durable.
        durable: Sequence,
        /// The last event that was acknowledged.
        acknowledged: Sequence,
    },
    /// A load or a backup into it was not completed.
    Loading,
    /// `META` cannot be read.
    Unknown {
        /// Why.
        why: String,
    },
}

/// A segment, as its header and its index tell of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SegmentInfo {
    /// The name of the file.
    pub file: String,
    /// The version of its format. None if its header cannot be read.
    pub format: Option<u32>,
    /// Its first event.
    pub first: Sequence,
    /// How many events it has. None if that is not known.
    pub events: Option<u64>,
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes of its index, if that is a file.
    pub index_bytes: Option<u64>,
}

/// What is in a data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Info {
    /// How it was left.
    pub left: Left,
    /// Oldest first.
    pub segments: Vec<SegmentInfo>,
    /// The first event and the last one; none if there is no event.
    pub range: Option<(Sequence, Sequence)>,
    /// Their times.
    pub times: Option<(UnixMillis, UnixMillis)>,
    /// The epochs on the line, oldest first.
    pub epochs: Vec<Epoch>,
    /// Bytes of the database of the inboxes, if there is one.
    pub inbox_bytes: Option<u64>,
    /// What could not be read, in words.
    pub trouble: Vec<String>,
}

/// Says what is in a data directory. It reads the headers, the indexes' heads and the newest segment, takes no lock and changes nothing.
///
/// # Errors
///
/// An error says that the directory cannot be looked at.
pub fn info(dir: &Path) -> Result<Info, OpenError> {
    let directory = Directory::open(dir)?;
    let listing = directory.list()?;
    let found = key::find(&directory, &listing);
    let left = match (found.meta, directory.holder()) {
        (Ok(_), Some(pid)) => Left::Running { pid },
        (Ok(meta), None) => match meta.life {
            Life::Open { .. } => Left::Open,
            Life::Closed { .. } => Left::Closed,
            Life::Failed { durable, acknowledged } => Left::Failed { durable, acknowledged },
            Life::Loading => Left::Loading,
        },
        (Err(fault), _) => Left::Unknown { why: fault.to_string() },
    };
    let inbox = ["inbox.db", "inbox.db-wal"].map(|name| directory.bytes(name));
    let mut info = Info {
        left,
        segments: Vec::new(),
        range: None,
        times: None,
        epochs: Vec::new(),
        inbox_bytes: listing.has_inbox.then(|| inbox.iter().sum()),
        trouble: Vec::new(),
    };
    let mut line = GrowingLine::default();
    let mut bases = listing.logs.into_iter().peekable();
    let mut before = UnixMillis::default();
    while let Some(base) = bases.next() {
        let (name, index) = (names::log(base), names::index(base));
        let mut told = SegmentInfo {
            format: None,
            first: base,
            events: None,
            bytes: directory.bytes(&name),
            index_bytes: directory.disk.open(&index).and_then(|file| file.len()).ok(),
            file: name,
        };
        let epoch = line.line().map_or(Epoch(0), |line| line.epoch());
        let known = Known { base, next: bases.peek().copied(), reaches: None, before: (epoch, before) };
        match found.key.map(|hash| segment(&directory.disk, known, &hash)) {
            None => {}
            // Retention was quicker.
            Some(Err(fault)) if fault.is_missing() => continue,
            Some(Err(fault)) => info.trouble.push(fault.to_string()),
            Some(Ok((segment, last_time))) => {
                told.format = (!segment.header_is_lost).then_some(segment.header.format);
                let records = segment.index().records();
                told.events = Some(records.into());
                if let Err(fault) = line.add(&segment) {
                    info.trouble.push(fault.to_string());
                }
                if let Some(last) = records.checked_sub(1) {
                    let first = info.range.map_or(base, |(first, _)| first);
                    info.range = Some((first, Sequence(base.0 + u64::from(last))));
                    let first_time = info.times.map_or_else(|| first_time(&segment), |(first, _)| first);
                    info.times = Some((first_time, last_time));
                }
                before = last_time;
            }
        }
        info.segments.push(told);
    }
    info.epochs = line.line().map_or(Vec::new(), |line| line.epochs().collect());
    Ok(info)
}

/// Opens a segment by its index. One without an index is read.
fn segment(disk: &dyn Disk, known: Known, hash: &KeyedHash) -> Result<(Segment, UnixMillis), Fault> {
    let name = names::log(known.base);
    let file = disk.open(&name).map_err(Fault::io(&name))?;
    if known.next.is_some()
        && let Ok(header) = SegmentHeader::read(&*file, &name, known.base)
        && let Ok(index) = SealedIndex::open(disk, known.base, header.format, *hash)
        && index.epochs().is_ok()
    {
        let ended = index.ended;
        let segment = Segment {
            header,
            records: header.records(hash),
            file,
            index_state: IndexState::Sealed(Box::new(index)),
            ended: ended.into(),
            holes: Default::default(),
            doubts: Vec::new(),
            header_is_lost: false,
        };
        return Ok((segment, ended.last_time));
    }
    examine(disk, known, hash).map(|examined| (examined.segment, examined.ended.last_time))
}

/// The time of the first event that can be read, or else that of the event before it.
fn first_time(segment: &Segment) -> UnixMillis {
    let span = Span { segment, start: 0, end: segment.index().records() };
    let first = Records::new(span).record(0).map(|record| record.stamp.time);
    first.unwrap_or(segment.header.time_before)
}
