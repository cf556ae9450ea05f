//! Makes a log of what a dump says.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use tidings_core::{Epoch, Event, Sequence, UnixMillis};

use super::dump::DumpItem;
use super::segment_writer::SegmentWriter;
use crate::file::content;
use crate::file::directory;
use crate::file::disk::Disk;
use crate::file::disk::os::OsDisk;
use crate::file::fault::Fault;
use crate::file::hash::KeyedHash;
use crate::file::host::Random;
use crate::file::lock::{Lock, LockedDirectory};
use crate::file::meta::{Life, Meta};
use crate::file::names::{self, FileName};
use crate::file::open_error::OpenError;
use crate::limits::{SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN, SEQUENCE_MAX};

/// Why a load failed. Then the directory is marked as incomplete: no hub starts on it, and the next load into it begins again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The directory cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The directory has a log already.
    #[error("{} has a log already", dir.display())]
    NotEmpty {
        /// The directory.
        dir: PathBuf,
    },
    /// What came is not what can come next in a dump.
    #[error("{0}")]
    Order(String),
}

impl From<Fault> for LoadError {
    fn from(fault: Fault) -> Self {
        Self::Open(fault.into())
    }
}

/// Whether a directory has a log with an event. One that is not there has none.
///
/// # Errors
///
/// Fails if the directory cannot be looked at.
pub fn has_log(dir: &Path) -> Result<bool, OpenError> {
    match super::info(dir) {
        Ok(info) if info.left == super::Left::Loading => Ok(false),
        Ok(info) => Ok(info.range.is_some() || info.segments.len() > 1),
        Err(OpenError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// A log that is being made of a dump, in a directory that had none.
///
/// Until it is [finished](Self::finish), `META` says that the directory is incomplete, and no hub starts on it.
#[must_use = "a load is nothing until it is finished"]
pub struct Loader {
    disk: OsDisk,
    hash: KeyedHash,
    segment_bytes: u64,
    state: State,
    _lock: Lock,
}

/// How far it has come.
struct State {
    writer: Option<SegmentWriter>,
    /// The place that comes next; none before the beginning.
    next: Option<Sequence>,
    epoch: Epoch,
    time: UnixMillis,
    /// What is to stand before the next event.
    epochs: Vec<(Epoch, Epoch)>,
    lost: Option<RangeInclusive<Sequence>>,
    is_over: bool,
}

impl Loader {
    /// Takes a directory, which is made if it is not there. Segments get about so many bytes.
    ///
    /// # Errors
    ///
    /// See [`LoadError`]. A directory that has a log is left as it is.
    pub fn begin(dir: &Path, segment_bytes: u64) -> Result<Self, LoadError> {
        let io = |source| OpenError::Io { file: dir.display().to_string(), source };
        let is_taken = has_log(dir)?;
        directory::make(dir).map_err(io)?;
        let locked = LockedDirectory::take(dir)?;
        directory::refuse_what_is_not_ours(&locked.dir, dir)?;
        let disk = OsDisk::new(&locked.dir).map_err(io)?;
        let is_half = matches!(Meta::read(&disk)?, Some(Meta { life: Life::Loading, .. }));
        if !is_half {
            content::refuse_what_is_not_ours(&disk, dir)?;
        }
        let has_inbox = disk.list().map_err(io)?.iter().any(|name| name.starts_with("inbox.db"));
        if is_taken || has_inbox {
            return Err(LoadError::NotEmpty { dir: dir.to_owned() });
        }
        let lock = locked.with_file()?;
        let hash = KeyedHash(Random::of_system().map_err(io)?.key);
        // First, so that what comes is known to be incomplete.
        Meta { hash, life: Life::Loading, epoch: None }.write(&disk)?;
        for name in disk.list().map_err(io)? {
            if matches!(names::parse(&name), FileName::Log(_) | FileName::Index(_) | FileName::New) {
                disk.remove(&name).map_err(io)?;
            }
        }
        let state = State {
            writer: None,
            next: None,
            epoch: Epoch(0),
            time: UnixMillis::default(),
            epochs: Vec::new(),
            lost: None,
            is_over: false,
        };
        let segment_bytes = segment_bytes.clamp(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX);
        Ok(Self { disk, hash, segment_bytes, state, _lock: lock })
    }

    /// Adds what comes next.
    ///
    /// # Errors
    ///
    /// Fails if it cannot come next, or if the disk does.
    pub fn add(&mut self, item: &DumpItem) -> Result<(), LoadError> {
        let state = &mut self.state;
        if state.is_over {
            return Err(LoadError::Order("the dump goes on behind its end".to_owned()));
        }
        let Some(next) = state.next else {
            let DumpItem::Begin { epoch, after, time } = item else {
                return Err(LoadError::Order("the dump does not begin with its beginning".to_owned()));
            };
            if after.0 >= SEQUENCE_MAX {
                return Err(LoadError::Order(format!("no log can reach event {after}")));
            }
            (state.epoch, state.next, state.time) = (*epoch, Some(after.next()), *time);
            return Ok(());
        };
        match item {
            DumpItem::Begin { .. } => Err(LoadError::Order("the dump begins a second time".to_owned())),
            DumpItem::Epoch { begins, ends } => state.begin_epoch(*begins, *ends),
            DumpItem::Lost { first, last } => state.lose(next, *first, *last),
            DumpItem::End { last } if last.next() != next => Err(LoadError::Order(format!(
                "the dump ends after event {last}, and has come to {}",
                next.previous()
            ))),
            DumpItem::End { .. } => {
                state.is_over = true;
                Ok(())
            }
            DumpItem::Event(event) => self.event(event, next),
        }
    }

    fn event(&mut self, event: &Event, next: Sequence) -> Result<(), LoadError> {
        let state = &mut self.state;
        let sequence = event.cursor.sequence;
        let epoch = state.epochs.last().map_or(state.epoch, |(begins, _)| *begins);
        if sequence != next || sequence.0 >= SEQUENCE_MAX {
            return Err(LoadError::Order(format!("event {sequence} stands where {next} should be")));
        }
        if event.cursor.epoch != epoch {
            return Err(LoadError::Order(format!(
                "event {sequence} is of epoch {}, and the log is in {epoch}",
                event.cursor.epoch
            )));
        }
        if event.time < state.time {
            return Err(LoadError::Order(format!("event {sequence} is older than the one before it")));
        }
        let bytes = state.writer.as_ref().map_or(0, SegmentWriter::bytes);
        let is_full = bytes >= self.segment_bytes || state.lost.is_some();
        if is_full && let Some(writer) = state.writer.take() {
            writer.finish(&self.disk, true)?;
        }
        let writer = match &mut state.writer {
            Some(writer) => writer,
            none => {
                let begin = (state.epoch, sequence, state.time);
                let writer = none.insert(SegmentWriter::create(&self.disk, self.hash, begin)?);
                if let Some(lost) = state.lost.take() {
                    writer.declare(&lost);
                }
                writer
            }
        };
        for (begins, ends) in state.epochs.drain(..) {
            writer.begin_epoch(begins, ends);
            state.epoch = begins;
        }
        writer.add(event)?;
        (state.next, state.time) = (Some(sequence.next()), event.time);
        Ok(())
    }

    /// Makes everything durable, and lets hubs start on it. Returns the last place of the log.
    ///
    /// # Errors
    ///
    /// Fails if the dump has no end, or if the disk fails.
    pub fn finish(mut self) -> Result<Sequence, LoadError> {
        let state = &mut self.state;
        let Some(next) = state.next.filter(|_| state.is_over) else {
            return Err(LoadError::Order("the dump has no end: a part of it is missing".to_owned()));
        };
        // Behind what is lost at the end, a segment without an event says where the log goes on.
        let is_empty_needed = state.lost.is_some() || state.writer.is_none();
        if let Some(writer) = state.writer.take() {
            writer.finish(&self.disk, is_empty_needed)?;
        }
        if is_empty_needed {
            let epoch = state.epochs.last().map_or(state.epoch, |(begins, _)| *begins);
            let mut writer = SegmentWriter::create(&self.disk, self.hash, (epoch, next, state.time))?;
            state.lost.iter().for_each(|lost| writer.declare(lost));
            writer.finish(&self.disk, false)?;
        }
        self.disk.sync_dir().map_err(Fault::io("the directory"))?;
        let head = next.previous();
        Meta { hash: self.hash, life: Life::Closed { head }, epoch: None }.write(&self.disk)?;
        Ok(head)
    }
}

impl State {
    fn begin_epoch(&mut self, begins: Epoch, ends: Epoch) -> Result<(), LoadError> {
        let epoch = self.epochs.last().map_or(self.epoch, |(begins, _)| *begins);
        if ends != epoch {
            return Err(LoadError::Order(format!(
                "epoch {begins} begins where {ends} ends, and the log is in {epoch}"
            )));
        }
        self.epochs.push((begins, ends));
        Ok(())
    }

    fn lose(&mut self, next: Sequence, first: Sequence, last: Sequence) -> Result<(), LoadError> {
        if first != next || last < first || last.0 >= SEQUENCE_MAX {
            return Err(LoadError::Order(format!(
                "events {first} to {last} are lost where {next} should be"
            )));
        }
        let first = self.lost.as_ref().map_or(first, |lost| *lost.start());
        self.lost = Some(first..=last);
        self.next = Some(last.next());
        Ok(())
    }
}
