//! How much space is left on the file system of the log, and whether it takes events.
//!
//! Some is kept free for what the log writes beside events: `META`, indexes, and the database that stands beside it. So a disk that
//! fills up, by whatever program, never keeps the log from being opened, read and closed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tidings_core::StoreError;

use super::config::FreeMin;
use super::disk::{Disk, FreeSpace};
use crate::limits::{FULL_WARN_EVERY, SPACE_LOOK_EVERY};

/// Watches the space of a disk, for the writer.
pub(crate) struct Space {
    min: FreeMin,
    /// What was seen last, and when by the uptime.
    seen: Option<FreeSpace>,
    looked: Option<Duration>,
    /// What the log wanted last beside what it has set aside: a segment, or nothing.
    needed: u64,
    /// Why no event is taken now.
    trouble: Option<Trouble>,
    /// Whether no event is taken now, for others.
    is_full: Arc<AtomicBool>,
    /// When the beginning of a full disk was last told, by the uptime.
    told: Option<Duration>,
    /// Whether the end of this one is to be told.
    is_told: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    /// Less is free than is to be kept free.
    Low,
    /// The system has refused to write. So much was free then.
    Refused { free: u64 },
}

impl Space {
    pub(crate) fn new(min: FreeMin) -> Self {
        Self {
            min,
            seen: None,
            looked: None,
            needed: 0,
            trouble: None,
            is_full: Arc::default(),
            told: None,
            is_told: false,
        }
    }

    /// Whether no event is taken now, as others see it.
    pub(crate) fn is_full(&self) -> Arc<AtomicBool> {
        self.is_full.clone()
    }

    /// Looks at the disk if it is time: at each turn while it is full, so that what is refused is refused rightly, and else once a second at
    /// the most.
    pub(crate) fn look(&mut self, disk: &dyn Disk, uptime: Duration) {
        let is_young = |looked: Duration| uptime.saturating_sub(looked) < SPACE_LOOK_EVERY;
        if self.trouble.is_some() || !self.looked.is_some_and(is_young) {
            self.look_now(disk, uptime);
        }
    }

    fn look_now(&mut self, disk: &dyn Disk, uptime: Duration) {
        self.looked = Some(uptime);
        // A file system that does not say is taken to have room, until a write fails.
        self.seen = disk.free_space().ok();
        let Some(seen) = self.seen else {
            if self.trouble == Some(Trouble::Low) {
                self.end();
            }
            return;
        };
        let min = self.min.of(seen.total);
        match self.trouble {
            _ if seen.free < min => self.begin(Trouble::Low, uptime),
            // What it could not have before, it could not have now.
            Some(_) if seen.free < min.saturating_add(self.needed) => {}
            Some(Trouble::Refused { free }) if seen.free <= free => {}
            Some(_) => self.end(),
            None => {}
        }
        self.tell(uptime);
    }

    /// Whether events are taken for which the log has set space aside.
    ///
    /// # Errors
    ///
    /// [`StoreError::Full`], if less is free than is to be.
    pub(crate) fn admit(&self) -> Result<(), StoreError> {
        match self.trouble {
            // Only by trying it is known whether the system takes them again.
            Some(Trouble::Refused { .. }) | None => Ok(()),
            Some(Trouble::Low) => Err(self.low(self.needed)),
        }
    }

    /// Whether the log may take so many more bytes of the disk for one append. Usually it takes `segment` bytes.
    ///
    /// # Errors
    ///
    /// As for [`admit`](Self::admit): if less would be free then than is to be. An append that is larger than a segment may be refused alone: others
    /// still fit.
    pub(crate) fn admit_more(
        &mut self,
        bytes: u64,
        segment: u64,
        disk: &dyn Disk,
        uptime: Duration,
    ) -> Result<(), StoreError> {
        // A log that is written fast may take several segments in a second.
        self.look_now(disk, uptime);
        let Some(seen) = self.seen else { return Ok(()) };
        let (min, wanted) = (self.min.of(seen.total), bytes.max(segment));
        self.needed = segment;
        if seen.free >= min.saturating_add(wanted) {
            return Ok(());
        }
        if seen.free < min.saturating_add(segment) {
            self.begin(Trouble::Low, uptime);
        }
        Err(self.low(wanted))
    }

    /// The system has refused to write for want of space.
    pub(crate) fn refused(&mut self, disk: &dyn Disk, uptime: Duration) {
        self.look_now(disk, uptime);
        let free = self.seen.map_or(0, |seen| seen.free);
        self.begin(Trouble::Refused { free }, uptime);
    }

    /// The system has written events.
    pub(crate) fn wrote(&mut self) {
        match self.trouble {
            Some(Trouble::Refused { .. }) => self.end(),
            // State records are written all the same.
            Some(Trouble::Low) => {}
            None => self.needed = 0,
        }
    }

    /// How long to wait for the next look, if one is needed: only a look sees the end of a full disk on which nobody publishes.
    pub(crate) fn interval(&self) -> Option<Duration> {
        self.trouble.map(|_| SPACE_LOOK_EVERY)
    }

    fn begin(&mut self, trouble: Trouble, uptime: Duration) {
        self.trouble = Some(trouble);
        self.is_full.store(true, Ordering::Relaxed);
        self.tell(uptime);
    }

    /// Says that the disk is full, if that was not said, and not of another time just before.
    fn tell(&mut self, uptime: Duration) {
        let is_time = self.told.is_none_or(|told| uptime.saturating_sub(told) >= FULL_WARN_EVERY);
        if let Some(trouble) = self.trouble.filter(|_| is_time && !self.is_told) {
            self.is_told = true;
            self.told = Some(uptime);
            let (free, min) = self.numbers();
            let why = match trouble {
                Trouble::Low => "less is free than disk_free_min and the next file of the log take",
                Trouble::Refused { .. } => "the system has no space left for it",
            };
            tracing::warn!(
                free_bytes = free,
                disk_free_min = min,
                "the disk of the log is full, {why}: publishers are answered 507 until there is room, and readers are served"
            );
        }
    }

    fn end(&mut self) {
        (self.trouble, self.needed) = (None, 0);
        self.is_full.store(false, Ordering::Relaxed);
        if std::mem::take(&mut self.is_told) {
            let (free, _) = self.numbers();
            tracing::warn!(free_bytes = free, "the disk of the log has room again, and events are taken");
        }
    }

    fn numbers(&self) -> (Option<u64>, Option<u64>) {
        (self.seen.map(|seen| seen.free), self.seen.map(|seen| self.min.of(seen.total)))
    }

    fn low(&self, needed: u64) -> StoreError {
        let (free, min) = self.numbers();
        let (free, min) = (free.unwrap_or_default(), min.unwrap_or_default());
        let needed = match needed {
            0 => String::new(),
            needed => format!(", and the next file of its log takes {needed}"),
        };
        StoreError::Full(format!("its disk has {free} bytes, of which {min} are kept free{needed}").into())
    }
}
