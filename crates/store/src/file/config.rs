//! What an operator may choose.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tidings_core::RetentionHold;

use crate::limits::{
    DISK_FREE_MIN_DEFAULT, OPEN_FILES_DEFAULT, SCRUB_BYTES_PER_SECOND_DEFAULT, SEGMENT_BYTES_DEFAULT,
};

/// How a [`FileStore`](super::FileStore) keeps its log.
///
/// Open to `..FileStoreConfig::default()`, so that a new setting breaks nobody who uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileStoreConfig {
    /// The directory, made if it is not there. Default `tidings-data`, in the current directory, because there a
    /// newcomer sees it. It must be the store's alone, and on a file system of this machine: over a network, neither
    /// the lock nor `fdatasync` can be trusted.
    pub dir: PathBuf,
    /// When an event counts as kept. Default [`Durability::Fsync`].
    pub durability: Durability,
    /// Bytes of a segment, one file of the log, set aside ahead of time. Default 64 MiB: large enough that files
    /// stay few, small enough that retention, which takes whole segments, is
    /// fine-grained, and that the newest one is read in a moment at a start. Values outside 64 KiB to 1 GiB are
    /// taken as the nearest of these. An append larger than a segment gets a larger segment of its own.
    pub segment_bytes: u64,
    /// When events leave. By default never.
    pub retention: Retention,
    /// What keeps events that retention would remove, until they are released. By default nothing does. The store wants to
    /// remove whole segments: all that retention would remove now, and by bytes and count also what it would remove if
    /// the log had one more segment, so that the holder has time while that one fills. With a hold that is not
    /// released, the log grows beyond its bounds. All that was appended before a release is on the disk before what was released
    /// leaves, whatever the durability.
    pub hold: Option<Arc<RetentionHold>>,
    /// Whether a log of which a part cannot be read is refused at the opening. By default it is not: the events that cannot be read are a gap
    /// for readers that want to go across it ([`Lost::Damaged`](tidings_core::Lost::Damaged)), and all others are served. `META` and the
    /// version of the format must be readable in any case.
    pub strict_recovery: bool,
    /// Bytes a second at which segments that have ended are read through, again and again, so that damage is found before a reader comes to
    /// it. 0 reads nothing. Default 1 MiB: a log of half a terabyte is read within a week, at a thousandth of what a disk and a core can do. A pass
    /// begins an hour after the one before it at the earliest.
    pub scrub_bytes_per_second: u64,
    /// How much of the directory's file system is kept free. Default 64 MiB: room for `META`, for indexes, and for a database beside the
    /// log. With less, appends are refused with [`StoreError::Full`](tidings_core::StoreError::Full), whoever has filled the disk, but for
    /// state records, with which a holder lets the oldest events go.
    pub disk_free_min: FreeMin,
    /// Files of segments that have ended, and of their indexes, that are open at once. Each takes a file descriptor. Default 512; fewer than 2
    /// count as 2. With fewer than the log has, one that is read again is opened again, which takes microseconds. Beside them the store
    /// has some ten files open, and one for each thread that reads.
    pub open_files_max: usize,
}

/// How much of a file system is kept free.
///
/// Exhaustive: there is no third way to say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FreeMin {
    /// So many bytes.
    Bytes(u64),
    /// So many hundredths of it.
    Percent(u8),
}

impl FreeMin {
    /// Bytes of a file system of a size.
    pub fn of(self, total: u64) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Percent(percent) => total / 100 * u64::from(percent),
        }
    }
}

impl Default for FreeMin {
    fn default() -> Self {
        Self::Bytes(DISK_FREE_MIN_DEFAULT)
    }
}

impl Default for FileStoreConfig {
    fn default() -> Self {
        Self {
            dir: "tidings-data".into(),
            durability: Durability::default(),
            segment_bytes: SEGMENT_BYTES_DEFAULT,
            retention: Retention::default(),
            hold: None,
            strict_recovery: false,
            scrub_bytes_per_second: SCRUB_BYTES_PER_SECOND_DEFAULT,
            disk_free_min: FreeMin::default(),
            open_files_max: OPEN_FILES_DEFAULT,
        }
    }
}

/// When an event counts as kept: its publisher is answered, and subscribers see it.
///
/// Exhaustive: whoever adds a way must decide everywhere what it promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Once it is on the disk, by `fdatasync`. Many publishers share one. The default, because then nothing that
    /// was acknowledged is ever lost while the disk keeps its word.
    #[default]
    Fsync,
    /// Once the operating system has it; it is on the disk within about this time. When the machine (not just the
    /// hub) fails, that much is lost, and the log begins a new epoch, so that every subscriber is told of a gap.
    /// Zero means right after each write.
    Interval(Duration),
    /// Once the operating system has it. It puts it on the disk when it likes, and when a segment ends. For events
    /// that can be had again.
    None,
}

/// When events leave the log, oldest first. Each bound is by itself enough; none by default, because nobody should
/// lose an event without having asked for it.
///
/// Events leave as whole segments, and the newest segment never does: a bound that is smaller than a segment keeps
/// up to a segment. Open to `..Retention::default()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// Events leave when they are older than this, at the latest when they are an eighth older: segments are ended
    /// early for it. An idle log empties, too.
    pub age: Option<Duration>,
    /// The oldest segments leave when all of them together have more bytes than this, indexes not counted.
    pub bytes: Option<u64>,
    /// The oldest segment leaves when the others hold at least so many events. Zero is like one.
    pub count: Option<u64>,
}
