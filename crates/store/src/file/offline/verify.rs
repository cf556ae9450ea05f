//! Whether all of a data directory is as it was written.

use std::ops::RangeInclusive;
use std::path::Path;

use tidings_core::{Epoch, Sequence, UnixMillis};

use super::check_index::{IndexCheck, check_index};
use super::directory::Directory;
use super::examine::{Examined, Known, examine};
use super::finding::{Damage, Progress};
use super::key;
use crate::file::fault::Fault;
use crate::file::hash::KeyedHash;
use crate::file::line::GrowingLine;
use crate::file::meta::Life;
use crate::file::names;
use crate::file::open_error::OpenError;
use crate::limits::LOOKS_AT_NEWEST_MAX;

/// What a look at a whole directory has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// Segments that were read.
    pub segments: u64,
    /// Indexes that were compared with their segments.
    pub indexes: u64,
    /// Events, and records of other kinds that have a place, that can be read.
    pub events: u64,
    /// Bytes of the segments.
    pub bytes: u64,
    /// The first place and the last one that were looked at. None of a log without an event.
    pub range: Option<(Sequence, Sequence)>,
    /// What is not as it was written.
    pub damage: Vec<Damage>,
    /// Events that are lost and of which the log itself says so, since a repair or a load. They are no damage any more.
    pub declared: Vec<RangeInclusive<Sequence>>,
    /// What is no damage and still worth a word, by file: an index that is to be made, what a crash tore, a file that was not completed.
    pub notes: Vec<(String, String)>,
}

impl Verdict {
    /// Whether everything is as it was written.
    pub fn is_whole(&self) -> bool {
        self.damage.is_empty()
    }
}

/// Reads all of a data directory: each segment record by record, each index against its segment, and `META`. It takes no lock and changes
/// nothing, so a hub may run meanwhile.
///
/// # Errors
///
/// An error says that the directory cannot be looked at. What is wrong in it is no error.
pub fn verify(dir: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Verdict, OpenError> {
    let directory = Directory::open(dir)?;
    let listing = directory.list()?;
    let found = key::find(&directory, &listing);
    let mut verdict = Verdict::default();
    let life = match found.meta {
        Ok(meta) => Some(meta.life),
        Err(fault @ Fault::Io { .. }) => return Err(fault.into()),
        Err(fault) => {
            verdict.damage.push(Damage::of(fault));
            None
        }
    };
    if life == Some(Life::Loading) {
        let what = "a load or a backup into this directory was not completed";
        verdict.damage.push(Damage::new(names::META, 0, what));
    }
    for name in listing.unfinished {
        verdict.notes.push((name, "it was not completed, and is removed at the next start".to_owned()));
    }
    let Some(hash) = found.key else {
        let what = "the key of the log is not known, so that none of its records can be checked";
        verdict.damage.push(Damage::new(names::META, 0, what));
        return Ok(verdict);
    };
    let total = listing.logs.iter().map(|base| directory.bytes(&names::log(*base))).sum();
    let reaches = match life {
        Some(Life::Closed { head }) => Some(head),
        Some(Life::Failed { durable, .. }) => Some(durable),
        Some(Life::Open { .. } | Life::Loading) | None => None,
    };
    Verify { directory, hash, reaches, verdict, line: GrowingLine::default(), last: None }
        .run(total, progress)
}

/// A look that is under way.
struct Verify {
    directory: Directory,
    hash: KeyedHash,
    reaches: Option<Sequence>,
    verdict: Verdict,
    line: GrowingLine,
    /// The last segment: its base, the event that would follow, and the time of its last event.
    last: Option<(Sequence, Sequence, UnixMillis)>,
}

impl Verify {
    fn run(mut self, total: u64, progress: &mut dyn FnMut(Progress)) -> Result<Verdict, OpenError> {
        let mut done = 0;
        progress(Progress { done, total });
        // The directory is listed again for each segment: the log may have grown, and what was the newest one may have ended.
        while let Some((base, next)) = self.following()? {
            let name = names::log(base);
            let bytes = self.directory.bytes(&name);
            match self.segment(base, next) {
                // Retention was quicker, or the next look at the directory finds the same file again.
                Err(fault) if fault.is_missing() && !self.is_listed(base)? => continue,
                Err(fault @ Fault::Io { .. }) => return Err(fault.into()),
                Err(fault) => {
                    let damage = Damage::of(fault).losing(base, next.unwrap_or(base));
                    self.verdict.damage.push(damage);
                    self.last = Some((base, next.unwrap_or(base), UnixMillis::default()));
                }
                Ok(()) => {}
            }
            self.verdict.bytes += bytes;
            done += bytes;
            progress(Progress { done, total: total.max(done) });
            if next.is_none() {
                break;
            }
        }
        if let (Some(head), Some((base, next, _))) = (self.reaches, self.last)
            && head >= next
            && !self
                .verdict
                .damage
                .iter()
                .any(|damage| damage.events.as_ref().is_some_and(|lost| *lost.end() >= head))
        {
            let what = format!("the log had event {head}, and ends before it");
            self.verdict.damage.push(Damage::new(names::log(base), 0, what).losing(next, head.next()));
        }
        Ok(self.verdict)
    }

    /// The next segment, and the first event of the one behind it.
    fn following(&self) -> Result<Option<(Sequence, Option<Sequence>)>, OpenError> {
        let logs = self.directory.list()?.logs;
        let mut rest = logs.into_iter().skip_while(|base| self.last.is_some_and(|(last, ..)| *base <= last));
        Ok(rest.next().map(|base| (base, rest.next())))
    }

    fn is_listed(&self, base: Sequence) -> Result<bool, OpenError> {
        Ok(self.directory.list()?.logs.contains(&base))
    }

    fn segment(&mut self, base: Sequence, next: Option<Sequence>) -> Result<(), Fault> {
        let time = self.last.map_or(UnixMillis::default(), |(_, _, time)| time);
        let epoch = self.line.line().map_or(Epoch(0), |line| line.epoch());
        let reaches = self.reaches.filter(|head| next.is_none() && *head >= base);
        let known = Known { base, next, reaches, before: (epoch, time) };
        let examined = self.look(known)?;
        self.verdict.segments += 1;
        self.gap_before(&examined);
        if let Err(fault) = self.line.add(&examined.segment) {
            self.verdict.damage.push(Damage::of(fault));
        }
        if next.is_some() {
            self.index(&examined)?;
        } else if let Some(offset) = examined.torn_at {
            let what = format!(
                "from byte {offset} on there is what a crash tore or what is being written; it is no part of the log"
            );
            self.verdict.notes.push((examined.segment.name(), what));
        }
        let unreadable: u64 =
            examined.segment.holes.now().iter().map(|hole| u64::from(hole.end - hole.start)).sum();
        self.verdict.events += (examined.next.0 - base.0) - unreadable;
        if examined.next > base {
            let first = self.verdict.range.map_or(base, |(first, _)| first);
            self.verdict.range = Some((first, examined.next.previous()));
        }
        // What cannot be read at its end is told with the segment.
        let told = examined
            .damage
            .iter()
            .filter_map(|damage| damage.events.as_ref())
            .map(|lost| lost.end().next())
            .max();
        let next = told.map_or(examined.next, |told| told.max(examined.next));
        self.last = Some((base, next, examined.ended.last_time));
        self.verdict.damage.extend(examined.damage);
        Ok(())
    }

    /// Reads a segment. Of the newest one, only what is found twice is damage: a record that was being written when it was read is whole
    /// when it is read again.
    fn look(&self, known: Known) -> Result<Examined, Fault> {
        let disk = &self.directory.disk;
        let mut examined = examine(disk, known, &self.hash)?;
        for _ in 0..LOOKS_AT_NEWEST_MAX {
            if known.next.is_some() || self.reaches.is_some() || examined.damage.is_empty() {
                break;
            }
            let again = examine(disk, known, &self.hash)?;
            let same = again
                .damage
                .iter()
                .all(|damage| examined.damage.iter().any(|known| known.offset == damage.offset));
            examined = again;
            if same {
                break;
            }
        }
        Ok(examined)
    }

    /// Tells of events between two segments.
    fn gap_before(&mut self, examined: &Examined) {
        let base = examined.segment.base();
        let Some((before, next, _)) = self.last.filter(|(_, next, _)| *next < base) else { return };
        // A segment without a record has no place for a declaration. It is made by a hub that goes on behind what is lost.
        let is_declared =
            examined.declared.as_ref().is_some_and(|lost| *lost.start() <= next) || examined.next == base;
        if is_declared {
            self.verdict.declared.push(next..=base.previous());
            return;
        }
        let what = format!("it ends before {} begins", names::log(base));
        let end = self.directory.bytes(&names::log(before));
        self.verdict.damage.push(Damage::new(names::log(before), end, what).losing(next, base));
    }

    /// Compares an index with its segment.
    fn index(&mut self, examined: &Examined) -> Result<(), Fault> {
        match check_index(&self.directory.disk, examined, &self.hash)? {
            IndexCheck::Missing => {
                let name = names::index(examined.segment.base());
                self.verdict.notes.push((name, "it is not there, and is made at the next start".to_owned()));
                return Ok(());
            }
            IndexCheck::Whole => {}
            IndexCheck::Damaged(damage) => self.verdict.damage.push(damage),
        }
        self.verdict.indexes += 1;
        Ok(())
    }
}
