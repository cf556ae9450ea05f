//! Opening a store: what is there, what a crash left of it, and what to go on with.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use tidings_core::limits::IDEMPOTENCY_KEYS_MAX;
use tidings_core::{Clock, Epoch, Sequence, UnixMillis};

use super::active::Active;
use super::config::{Durability, FileStoreConfig};
use super::disk::Disk;
use super::fault::Fault;
use super::group::WriteGroup;
use super::hash::KeyedHash;
use super::header::SegmentHeader;
use super::keys::Keys;
use super::log::Log;
use super::meta::{Life, Meta};
use super::names::{self, FileName};
use super::recover::{self, Expectation, Newest};
use super::retire::Retiring;
use super::seal::Sealer;
use super::segment::{IndexState, Segment};
use super::writer::LogWriter;

/// Bits of an epoch: short as text, and still never the same twice.
const EPOCH_BITS: u32 = 40;

/// Why a store was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has it.
    #[error("{} is in use by {}", dir.display(), pid.map_or("another process".to_owned(), |pid| format!("process {pid}")))]
    InUse {
        /// The directory.
        dir: PathBuf,
        /// The process, if it has said so.
        pid: Option<u32>,
    },
    /// A lock there would not keep a second process out: it is on the file system of a server, or of a kind without locks.
    #[error("{} is on a file system of type {file_system}: {why}", dir.display())]
    NoLock {
        /// The directory.
        dir: PathBuf,
        /// What the system calls the type of its file system.
        file_system: String,
        /// Why a lock means nothing there.
        why: &'static str,
    },
    /// The system refuses.
    #[error("{file}: {source}")]
    Io {
        /// The file or directory.
        file: String,
        /// What the system says.
        source: io::Error,
    },
    /// The bytes are not what was written, and it was not a crash.
    #[error("the log is corrupt: {file} at byte {offset}: {what}")]
    Corrupt {
        /// The name of the file, in the directory.
        file: String,
        /// Where in it.
        offset: u64,
        /// What is wrong there.
        what: String,
    },
}

impl OpenError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::InUse { .. } => "end the other hub, or give this one a directory of its own",
            Self::NoLock { .. } => "put the data on a disk of this machine",
            Self::Io { .. } => "see that the directory can be read and written, and that its disk has space",
            Self::Corrupt { .. } => {
                "the log was not changed; look at the disk, keep a copy, and restore the directory from a backup"
            }
        }
    }
}

impl From<Fault> for OpenError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Io { file, source } => Self::Io { file, source },
            Fault::Corrupt { file, offset, what } => Self::Corrupt { file, offset, what },
        }
    }
}

/// What a store needs of the machine.
pub(crate) struct Host {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Which start of the machine this is, if it tells.
    pub(crate) boot: Option<String>,
    pub(crate) random: Random,
}

/// Random bytes.
pub(crate) struct Random {
    pub(crate) key: [u8; 16],
    pub(crate) epoch: u64,
}

impl Random {
    /// Asks the system.
    #[expect(clippy::disallowed_methods, reason = "the file is a device, and no part of the log")]
    pub(crate) fn of_system() -> io::Result<Self> {
        let (mut key, mut epoch) = ([0; 16], [0; 8]);
        let mut source = std::fs::File::open("/dev/urandom")?;
        source.read_exact(&mut key)?;
        source.read_exact(&mut epoch)?;
        Ok(Self { key, epoch: u64::from_le_bytes(epoch) })
    }

    /// An epoch. Never 0, so that no cursor of a real log looks like one that was made up.
    fn epoch(&self) -> Epoch {
        Epoch((self.epoch >> (u64::BITS - EPOCH_BITS)).max(1))
    }
}

/// Which start of the machine this is.
#[expect(clippy::disallowed_methods, reason = "the kernel's word, and no part of the log")]
pub(crate) fn boot_of_system() -> Option<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let id = text.trim();
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (plain && !id.is_empty()).then(|| id.to_owned())
}

/// Opens a store on a disk that is this process' alone. `seal` makes the sealer.
pub(crate) fn open(
    host: Host,
    config: &FileStoreConfig,
    seal: impl FnOnce(Arc<dyn Disk>, Arc<Log>) -> io::Result<Sealer>,
) -> Result<LogWriter, OpenError> {
    let disk = &*host.disk;
    let files = Files::list(disk)?;
    let before = Meta::read(disk)?;
    let meta = life(before.as_ref(), &files, &host, config.durability)?;
    files.clean(disk);

    let segment_bytes = config.segment_bytes;
    let closed = match before.as_ref().map(|meta| &meta.life) {
        Some(Life::Closed { head }) => Some(*head),
        _ => None,
    };
    let found = files.recover(disk, meta.hash, closed, segment_bytes)?;
    announce_life(disk, &meta, before.as_ref())?;
    let (ended, newest) = begin(disk, found, meta.epoch, segment_bytes)?;

    let Newest { active, head, last_time } = newest;
    let segments: Vec<_> = ended.into_iter().map(Arc::new).chain([active.segment.clone()]).collect();
    let keys = keys(&segments)?;
    let log = Arc::new(Log::new(meta.epoch, meta.hash, segments, head));
    let sealer = seal(host.disk.clone(), log.clone())
        .map_err(|source| OpenError::Io { file: "the sealing thread".to_owned(), source })?;
    sealer.wake();
    Ok(LogWriter {
        log,
        announcer: Arc::default(),
        disk: host.disk,
        clock: host.clock,
        durability: config.durability,
        segment_bytes,
        meta,
        sealer,
        active,
        keys,
        retiring: Retiring::new(config.retention),
        group: WriteGroup::default(),
        head,
        last_time,
        durable: head,
        synced_at: Instant::now(),
        stopped: None,
    })
}

/// What `META` is to say from now on.
fn life(
    before: Option<&Meta>,
    files: &Files,
    host: &Host,
    durability: Durability,
) -> Result<Meta, OpenError> {
    let strict = durability == Durability::Fsync;
    let life = Life::Open { strict, boot: host.boot.clone() };
    let Some(before) = before else {
        if let Some(base) = files.logs.first() {
            let what = "it is missing, and there is a log";
            tracing::error!(first = base.0, "{what}");
            return Err(Fault::corrupt(names::META, 0, what).into());
        }
        return Ok(Meta { epoch: host.random.epoch(), hash: KeyedHash(host.random.key), life });
    };
    let lost = match &before.life {
        Life::Closed { head } if files.logs.is_empty() && *head > Sequence::ZERO => {
            let what = format!("the store was closed after event {head}, and there is no log");
            return Err(Fault::corrupt(names::META, 0, what).into());
        }
        Life::Closed { .. } => false,
        // What was acknowledged may have been in memory only, and that memory is gone.
        Life::Open { strict: false, boot } => boot.is_none() || *boot != host.boot,
        Life::Open { strict: true, .. } => false,
    };
    let epoch = if lost || files.logs.is_empty() { host.random.epoch() } else { before.epoch };
    Ok(Meta { epoch, hash: before.hash, life })
}

/// Writes `META`.
fn announce_life(disk: &dyn Disk, meta: &Meta, before: Option<&Meta>) -> Result<(), OpenError> {
    match meta.write(disk) {
        // What is there says enough: under this durability nothing depends on how the last process ended.
        Err(fault) if fault.is_full() && is_enough(meta, before) => {
            tracing::warn!(%fault, "there is no space left; going on with what there is");
            Ok(())
        }
        written => Ok(written?),
    }
}

fn is_enough(meta: &Meta, before: Option<&Meta>) -> bool {
    let strict = |life: &Life| !matches!(life, Life::Open { strict: false, .. });
    before.is_some_and(|before| before.epoch == meta.epoch && strict(&before.life) && strict(&meta.life))
}

/// The segments to go on with. A new epoch begins with a segment of its own, since the header of a segment says in which
/// epoch its events were written; also if an earlier start wrote the epoch to `META` and came no further.
fn begin(
    disk: &dyn Disk,
    found: Found,
    epoch: Epoch,
    segment_bytes: u64,
) -> Result<(Vec<Segment>, Newest), OpenError> {
    let Found { mut ended, newest } = found;
    let (head, last_time) =
        newest.as_ref().map_or((Sequence::ZERO, UnixMillis(0)), |newest| (newest.head, newest.last_time));
    let newest = match newest {
        Some(newest) if newest.active.segment.header.epoch == epoch => return Ok((ended, newest)),
        newest => newest,
    };
    let header = SegmentHeader { epoch, base: head.next(), time_before: last_time };
    let active = Active::create(disk, header, segment_bytes)?;
    if let Some(old) = newest.filter(|old| !old.active.is_empty()) {
        old.active.finish(last_time);
        let Segment { header, file, ended: end, .. } = &*old.active.segment;
        let index_state = IndexState::Growing(old.active.index.clone());
        ended.push(Segment { header: *header, file: file.clone(), index_state, ended: end.clone() });
    }
    Ok((ended, Newest { active, head, last_time }))
}

/// The newest keys of all segments.
fn keys(segments: &[Arc<Segment>]) -> Result<Keys, Fault> {
    let mut newest_first = Vec::new();
    for segment in segments.iter().rev() {
        let found = match &segment.index_state {
            IndexState::Growing(index) => index.entries().keys.clone(),
            IndexState::Sealed(index) => index.keys()?,
        };
        let base = segment.base();
        newest_first
            .extend(found.into_iter().rev().map(|(at, hash)| (hash, Sequence(base.0 + u64::from(at)))));
        if newest_first.len() >= IDEMPOTENCY_KEYS_MAX {
            break;
        }
    }
    let mut keys = Keys::default();
    newest_first.into_iter().rev().for_each(|(hash, sequence)| keys.remember(hash, sequence));
    Ok(keys)
}

/// The files of a directory.
struct Files {
    logs: BTreeSet<Sequence>,
    indexes: BTreeSet<Sequence>,
    unfinished: Vec<String>,
}

/// What recovery has found.
struct Found {
    ended: Vec<Segment>,
    newest: Option<Newest>,
}

impl Files {
    fn list(disk: &dyn Disk) -> Result<Self, OpenError> {
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
    fn clean(&self, disk: &dyn Disk) {
        for name in &self.unfinished {
            let _ = disk.remove(name);
        }
        for base in self.indexes.difference(&self.logs) {
            let _ = disk.remove(&names::index(*base));
        }
    }

    fn recover(
        &self,
        disk: &dyn Disk,
        hash: KeyedHash,
        closed: Option<Sequence>,
        segment_bytes: u64,
    ) -> Result<Found, OpenError> {
        let mut ended = Vec::with_capacity(self.logs.len());
        for (base, next) in self.logs.iter().zip(self.logs.iter().skip(1)) {
            ended.push(recover::ended(disk, *base, *next, hash)?);
        }
        let Some(base) = self.logs.last().copied() else { return Ok(Found { ended, newest: None }) };
        let expected = Expectation { base, closed, segment_bytes };
        let newest = Some(recover::newest(disk, &expected, hash)?);
        Ok(Found { ended, newest })
    }
}
