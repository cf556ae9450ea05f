//! Copies a log into another directory, from which a hub can start.
//!
//! Segments that have ended do not change, so only what is new is copied. New files get their names from the oldest to the newest, `META` is
//! written behind them, and what has left the log is removed last. So at each moment the copy is a log that has everything it had before, until
//! it has what the log has now. A first copy says in `META` that it is incomplete, until it is whole.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tidings_core::{Epoch, Line, Sequence, UnixMillis};

use super::directory::Directory;
use super::examine::{Examined, Known, examine};
use super::finding::{Damage, Progress};
use super::info::info;
use super::key;
use crate::file::content;
use crate::file::directory;
use crate::file::disk::os::OsDisk;
use crate::file::disk::{Disk, DiskFile};
use crate::file::fault::Fault;
use crate::file::files::Files;
use crate::file::hash::KeyedHash;
use crate::file::index::build;
use crate::file::line::GrowingLine;
use crate::file::lock::LockedDirectory;
use crate::file::meta::{Life, Meta};
use crate::file::names::{self, FileName};
use crate::file::open_error::OpenError;
use crate::limits::{COMPARED_BYTES, SCAN_READ_BYTES};

/// What a backup has done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backup {
    /// Segments that were copied, and their bytes.
    pub copied: u64,
    /// Bytes that were copied.
    pub bytes: u64,
    /// Segments that were there already.
    pub kept: u64,
    /// Segments that were removed from the copy, because they have left the log.
    pub removed: u64,
    /// The last place of the copy.
    pub last: Sequence,
    /// What is damaged in what was copied. The copy has it as it is.
    pub damage: Vec<Damage>,
}

/// Why a backup was not made. The copy is as it was, or has a part of what is new.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The directory of the log cannot be read.
    #[error(transparent)]
    From(OpenError),
    /// The directory of the copy cannot be written.
    #[error(transparent)]
    To(OpenError),
    /// There is another log where the copy should be.
    #[error("{} has another log", to.display())]
    OtherLog {
        /// The directory of the copy.
        to: PathBuf,
    },
    /// A hub has gone on with the copy, so that it is not the past of the log any more.
    #[error("{} has events that the log does not have: a hub has gone on with it", to.display())]
    GoneOn {
        /// The directory of the copy.
        to: PathBuf,
    },
}

/// Copies what is new. It takes no lock on the log and changes nothing of it, so a hub may run meanwhile: the copy has all that was acknowledged
/// before this began.
///
/// # Errors
///
/// See [`BackupError`].
pub fn backup(dir: &Path, to: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Backup, BackupError> {
    let reading = Directory::open(dir).map_err(BackupError::From)?;
    let listing = reading.list().map_err(BackupError::From)?;
    let found = key::find(&reading, &listing);
    let meta = found.meta.map_err(|fault| BackupError::From(fault.into()))?;
    if meta.life == Life::Loading {
        let what = "a load or a backup into this directory was not completed";
        return Err(BackupError::From(Fault::corrupt(names::META, 0, what).into()));
    }
    let reaches = match meta.life {
        Life::Closed { head } => Some(head),
        Life::Failed { durable, .. } => Some(durable),
        Life::Open { .. } | Life::Loading => None,
    };
    let io = |source| BackupError::To(OpenError::Io { file: to.display().to_string(), source });
    directory::make(to).map_err(io)?;
    let locked = LockedDirectory::take(to).map_err(BackupError::To)?;
    directory::refuse_what_is_not_ours(&locked.dir, to).map_err(BackupError::To)?;
    let disk = OsDisk::new(&locked.dir).map_err(io)?;
    let before = Meta::read(&disk).map_err(|fault| BackupError::To(fault.into()))?;
    let is_begun = !matches!(before, None | Some(Meta { life: Life::Loading, .. }));
    match &before {
        Some(Meta { life: Life::Loading, .. }) => {}
        Some(before) if before.hash != meta.hash => return Err(BackupError::OtherLog { to: to.to_owned() }),
        _ => content::refuse_what_is_not_ours(&disk, to).map_err(BackupError::To)?,
    }
    if is_begun {
        refuse_what_has_gone_on(dir, to)?;
    }
    let _lock = locked.with_file().map_err(BackupError::To)?;
    let copying = Copying {
        reading: &reading,
        disk: &disk,
        hash: meta.hash,
        there: BTreeSet::new(),
        line: GrowingLine::default(),
        time: UnixMillis::default(),
        unindexed: Vec::new(),
        done: Backup::default(),
    };
    copying.run(is_begun, reaches, progress)
}

/// A copy with which a hub has gone on has events of its own.
fn refuse_what_has_gone_on(dir: &Path, to: &Path) -> Result<(), BackupError> {
    // The copy first: the log may grow.
    let copy = info(to).map_err(BackupError::To)?;
    let log = info(dir).map_err(BackupError::From)?;
    let (Some((_, last)), Some(epoch)) = (copy.range, copy.epochs.last()) else { return Ok(()) };
    let is_behind = log.range.is_some_and(|(_, head)| last <= head);
    // All of it may have left the log meanwhile, and its epoch with it.
    let is_older = log.range.is_some_and(|(first, _)| last < first);
    match is_behind && (is_older || log.epochs.contains(epoch)) {
        true => Ok(()),
        false => Err(BackupError::GoneOn { to: to.to_owned() }),
    }
}

/// A backup that is under way.
struct Copying<'a> {
    reading: &'a Directory,
    disk: &'a OsDisk,
    hash: KeyedHash,
    /// Segments of the log that are in the copy now.
    there: BTreeSet<Sequence>,
    line: GrowingLine,
    time: UnixMillis,
    /// Segments that get their index when another one stands behind them.
    unindexed: Vec<Examined>,
    done: Backup,
}

impl Copying<'_> {
    fn run(
        mut self,
        is_begun: bool,
        reaches: Option<Sequence>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Backup, BackupError> {
        let written = |fault: Fault| BackupError::To(fault.into());
        if !is_begun {
            Meta { hash: self.hash, life: Life::Loading, epoch: None }.write(self.disk).map_err(written)?;
        }
        self.clean(is_begun)?;
        let logs = self.reading.list().map_err(BackupError::From)?.logs;
        let total: u64 = logs.iter().map(|base| self.reading.bytes(&names::log(*base))).sum();
        let (mut done, mut last) = (0, None);
        loop {
            let logs = self.reading.list().map_err(BackupError::From)?.logs;
            let mut rest = logs.into_iter().skip_while(|base| last.is_some_and(|last| *base <= last));
            let Some(base) = rest.next() else { break };
            let next = rest.next();
            last = Some(base);
            let bytes = self.reading.bytes(&names::log(base));
            self.segment(base, next, reaches.filter(|head| next.is_none() && *head >= base))?;
            done += bytes;
            progress(Progress { done, total: total.max(done) });
            if next.is_none() {
                break;
            }
        }
        self.disk.sync_dir().map_err(Fault::io("the directory")).map_err(written)?;
        let head = reaches.map_or(self.done.last, |head| head.max(self.done.last));
        self.done.last = head;
        Meta { hash: self.hash, life: Life::Closed { head }, epoch: None }
            .write(self.disk)
            .map_err(written)?;
        self.remove_what_has_left()?;
        Ok(self.done)
    }

    /// Removes what means nothing: files that were not completed, and all of a first copy that was not.
    fn clean(&self, is_begun: bool) -> Result<(), BackupError> {
        let io = |error| BackupError::To(Fault::io("the directory")(error).into());
        for name in self.disk.list().map_err(io)? {
            let goes = match names::parse(&name) {
                FileName::New => true,
                FileName::Log(_) | FileName::Index(_) => !is_begun,
                FileName::Lock | FileName::Meta | FileName::Other => false,
            };
            if goes {
                self.disk.remove(&name).map_err(io)?;
            }
        }
        Ok(())
    }

    fn segment(
        &mut self,
        base: Sequence,
        next: Option<Sequence>,
        reaches: Option<Sequence>,
    ) -> Result<(), BackupError> {
        let name = names::log(base);
        let read = |fault: Fault| BackupError::From(fault.into());
        if next.is_some() && self.is_there(base).map_err(read)? {
            self.there.insert(base);
            self.done.kept += 1;
            return Ok(());
        }
        let epoch = self.line.line().map_or(Epoch(0), Line::epoch);
        let known = Known { base, next, reaches, before: (epoch, self.time) };
        let examined = match examine(&self.reading.disk, known, &self.hash) {
            // Retention was quicker.
            Err(fault) if fault.is_missing() => return Ok(()),
            examined => examined.map_err(read)?,
        };
        // A damaged line is no reason to keep nothing: it is copied as it is.
        let _ = self.line.add(&examined.segment);
        self.time = examined.ended.last_time;
        let end = match next {
            // Behind the last record there may be something that cannot be read.
            Some(_) if !examined.damage.is_empty() => {
                examined.segment.file.len().map_err(Fault::io(&name)).map_err(read)?
            }
            _ => examined.ended.end,
        };
        self.copy(&name, &*examined.segment.file, end)?;
        self.there.insert(base);
        (self.done.copied, self.done.bytes) = (self.done.copied + 1, self.done.bytes + end);
        self.done.last = self.done.last.max(examined.next.previous());
        self.done.damage.extend(examined.damage.iter().cloned());
        // The newest segment has no index, and a segment before it may have one only when that is there.
        for before in self.unindexed.drain(..) {
            let written =
                build::write(self.disk, &before.segment.header, before.ended, &before.index, &self.hash);
            written.map_err(|fault| BackupError::To(fault.into()))?;
        }
        if next.is_some() && examined.damage.is_empty() && examined.next > base {
            self.unindexed.push(examined);
        }
        Ok(())
    }

    /// Copies a file up to a byte. It gets its name when it is durable.
    fn copy(&self, name: &str, from: &dyn DiskFile, end: u64) -> Result<(), BackupError> {
        let to = |error| BackupError::To(Fault::io(name)(error).into());
        let unfinished = names::new(name);
        let file = self.disk.create(&unfinished).map_err(to)?;
        let (mut bytes, mut at) = (vec![0; SCAN_READ_BYTES], 0);
        while at < end {
            let length = usize::try_from(end - at).unwrap_or(bytes.len()).min(bytes.len());
            let read = from.read_at(&mut bytes[..length], at);
            let read = read.map_err(|error| BackupError::From(Fault::io(name)(error).into()))?;
            if read == 0 {
                break;
            }
            file.write_at(&bytes[..read], at).map_err(to)?;
            at += read as u64;
        }
        file.sync_data().map_err(to)?;
        // After a repair of the log, the index of what stood there is that of another segment. One that is missing is made at a start.
        if let FileName::Log(base) = names::parse(name) {
            let _ = self.disk.remove(&names::index(base));
        }
        self.disk.rename(&unfinished, name).map_err(to)
    }

    /// Whether the copy has a segment that has ended. It was copied when it had ended already, and does not change, but for a repair.
    fn is_there(&self, base: Sequence) -> Result<bool, Fault> {
        let name = names::log(base);
        let Ok(copy) = self.disk.open(&name) else { return Ok(false) };
        let file = self.reading.disk.open(&name).map_err(Fault::io(&name));
        let file = match file {
            Err(fault) if fault.is_missing() => return Ok(true),
            file => file?,
        };
        let length = |file: &dyn DiskFile| file.len().map_err(Fault::io(&name));
        let bytes = length(&*file)?;
        if bytes != length(&*copy)? {
            return Ok(false);
        }
        let part = |file: &dyn DiskFile, at: u64| {
            let mut part = vec![0; COMPARED_BYTES];
            let read = file.read_at(&mut part, at)?;
            part.truncate(read);
            std::io::Result::Ok(part)
        };
        let end = bytes.saturating_sub(COMPARED_BYTES as u64);
        let is_same = |at| Ok(part(&*file, at)? == part(&*copy, at)?);
        is_same(0).and_then(|begins: bool| Ok(begins && is_same(end)?)).map_err(Fault::io(&name))
    }

    /// Removes what is not part of the log any more, the oldest first.
    fn remove_what_has_left(&mut self) -> Result<(), BackupError> {
        let files = Files::list(self.disk).map_err(BackupError::To)?;
        // Retention may have been at work meanwhile, and what was copied before it must not stand apart from the rest.
        if let Some(first) = self.reading.list().map_err(BackupError::From)?.logs.first() {
            self.there.retain(|base| base >= first);
        }
        for base in files.logs.difference(&self.there) {
            let name = names::log(*base);
            let _ = self.disk.remove(&names::index(*base));
            self.disk.remove(&name).map_err(|error| BackupError::To(Fault::io(&name)(error).into()))?;
            self.done.removed += 1;
        }
        let synced = self.disk.sync_dir();
        synced.map_err(|error| BackupError::To(Fault::io("the directory")(error).into()))
    }
}
