//! Everything that a log says, in order: enough to make the same log again.

use std::path::Path;

use tidings_core::{Epoch, Event, Line, Sequence, UnixMillis};

use super::directory::Directory;
use super::examine::{Examined, Known, examine};
use super::finding::Progress;
use super::key;
use super::lost_epoch;
use crate::file::fault::Fault;
use crate::file::holes;
use crate::file::line::GrowingLine;
use crate::file::log::Span;
use crate::file::meta::Life;
use crate::file::names;
use crate::file::open_error::OpenError;
use crate::file::read::records::Records;

/// What a log says, one thing at a time. Exhaustive: whoever copies a log must copy all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DumpItem {
    /// Where the log begins. It comes once, and first.
    Begin {
        /// The epoch of the place before the first event.
        epoch: Epoch,
        /// That place: what was before it has left the log.
        after: Sequence,
        /// The time of the event at that place.
        time: UnixMillis,
    },
    /// An epoch begins before the next event.
    Epoch {
        /// That epoch.
        begins: Epoch,
        /// The one that ends.
        ends: Epoch,
    },
    /// An event, or a state record.
    Event(Box<Event>),
    /// Events that are lost.
    Lost {
        /// The first of them.
        first: Sequence,
        /// The last of them.
        last: Sequence,
    },
    /// The log ends. It comes once, and last.
    End {
        /// The last place of the log.
        last: Sequence,
    },
}

/// Why a dump was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DumpError<E> {
    /// The directory cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// What took the items has failed.
    #[error("{0}")]
    Taken(E),
}

/// Hands out everything that the log of a directory says. It takes no lock and changes nothing, so a hub may run meanwhile; the dump ends where
/// the log did when its newest segment was read. It holds one event and the index of one segment in memory.
///
/// # Errors
///
/// Fails if the directory cannot be read, or as soon as `take` does. What is damaged in it is no error: it is told as lost.
pub fn dump<E>(
    dir: &Path,
    progress: &mut dyn FnMut(Progress),
    take: &mut dyn FnMut(DumpItem) -> Result<(), E>,
) -> Result<(), DumpError<E>> {
    let directory = Directory::open(dir)?;
    let listing = directory.list()?;
    let found = key::find(&directory, &listing);
    let reaches = match found.meta.as_ref().map(|meta| &meta.life) {
        Ok(Life::Closed { head }) => Some(*head),
        Ok(Life::Failed { durable, .. }) => Some(*durable),
        Ok(Life::Loading) => {
            let what = "a load or a backup into this directory was not completed";
            return Err(OpenError::from(Fault::corrupt(names::META, 0, what)).into());
        }
        Ok(Life::Open { .. }) | Err(_) => None,
    };
    let hash = match (found.key, found.meta) {
        (Some(hash), _) => hash,
        (None, Err(fault)) => return Err(OpenError::from(fault).into()),
        (None, Ok(meta)) => meta.hash,
    };
    let total: u64 = listing.logs.iter().map(|base| directory.bytes(&names::log(*base))).sum();
    let (mut done, mut dumper) =
        (0, Dumper { line: GrowingLine::default(), told: None, next: None, time: UnixMillis::default() });
    let mut last = None;
    loop {
        let logs = directory.list()?.logs;
        let mut rest = logs.into_iter().skip_while(|base| last.is_some_and(|last| *base <= last));
        let Some(base) = rest.next() else { break };
        let next = rest.next();
        let reaches = reaches.filter(|head| next.is_none() && *head >= base);
        let before = (dumper.line.line().map_or(Epoch(0), Line::epoch), dumper.time);
        let known = Known { base, next, reaches, before };
        last = Some(base);
        match examine(&directory.disk, known, &hash) {
            // Retention was quicker. If something was dumped before it, it is a gap.
            Err(fault) if fault.is_missing() => continue,
            examined => {
                let mut examined = examined.map_err(OpenError::from)?;
                let is_oldest = dumper.next.is_none();
                lost_epoch::complete(&directory.disk, &mut examined, next, is_oldest, &hash)
                    .map_err(OpenError::from)?;
                dumper.segment(&examined, take)?;
            }
        }
        done += directory.bytes(&names::log(base));
        progress(Progress { done, total: total.max(done) });
        if next.is_none() {
            break;
        }
    }
    dumper.end(reaches, take)
}

/// A dump that is under way.
struct Dumper {
    line: GrowingLine,
    /// The epoch that was told last.
    told: Option<Epoch>,
    /// The place that comes next.
    next: Option<Sequence>,
    /// The time of the last event.
    time: UnixMillis,
}

impl Dumper {
    fn segment<E>(
        &mut self,
        examined: &Examined,
        take: &mut dyn FnMut(DumpItem) -> Result<(), E>,
    ) -> Result<(), DumpError<E>> {
        let segment = &examined.segment;
        let (base, records) = (segment.base(), (examined.next.0 - segment.base().0) as u32);
        self.line.add(segment).map_err(OpenError::from)?;
        if self.next.is_none() {
            let header = segment.header;
            let (epoch, after, time) = (header.epoch, base.previous(), header.time_before);
            take(DumpItem::Begin { epoch, after, time }).map_err(DumpError::Taken)?;
            (self.told, self.next) = (Some(epoch), Some(base));
        }
        let Some(line) = self.line.line().cloned() else { return Ok(()) };
        for part in holes::between(0..records, &segment.holes.now()) {
            let span = Span { segment, start: part.start, end: part.end };
            let mut reader = Records::new(span);
            for ordinal in part {
                let sequence = span.sequence(ordinal);
                // A record of a kind that no hub writes yet has a place and nothing to show.
                let is_shown = reader.record(ordinal).is_ok_and(|record| record.kind.is_shown());
                let event = match is_shown.then(|| reader.event(ordinal, &line)) {
                    Some(Ok(event)) => event,
                    Some(Err(fault @ Fault::Io { .. })) => return Err(OpenError::from(fault).into()),
                    // It is told as lost, with those behind it.
                    Some(Err(_)) | None => continue,
                };
                self.lost_before(sequence, take)?;
                self.epochs_before(&line, sequence, take)?;
                self.time = event.time;
                take(DumpItem::Event(Box::new(event))).map_err(DumpError::Taken)?;
                self.next = Some(sequence.next());
            }
        }
        self.time = self.time.max(examined.ended.last_time);
        self.lost_before(examined.next, take)
    }

    /// Tells of the places that were passed over.
    fn lost_before<E>(
        &mut self,
        sequence: Sequence,
        take: &mut dyn FnMut(DumpItem) -> Result<(), E>,
    ) -> Result<(), DumpError<E>> {
        if let Some(first) = self.next.filter(|next| *next < sequence) {
            take(DumpItem::Lost { first, last: sequence.previous() }).map_err(DumpError::Taken)?;
            self.next = Some(sequence);
        }
        Ok(())
    }

    /// Tells of the epochs that begin before an event.
    fn epochs_before<E>(
        &mut self,
        line: &Line,
        sequence: Sequence,
        take: &mut dyn FnMut(DumpItem) -> Result<(), E>,
    ) -> Result<(), DumpError<E>> {
        let here = line.place(sequence).epoch;
        while self.told != Some(here) {
            let mut rest = line.epochs().skip_while(|epoch| Some(*epoch) != self.told);
            let (Some(ends), Some(begins)) = (rest.next(), rest.next()) else { break };
            take(DumpItem::Epoch { begins, ends }).map_err(DumpError::Taken)?;
            self.told = Some(begins);
        }
        Ok(())
    }

    fn end<E>(
        mut self,
        reaches: Option<Sequence>,
        take: &mut dyn FnMut(DumpItem) -> Result<(), E>,
    ) -> Result<(), DumpError<E>> {
        if self.next.is_none() {
            let (epoch, after, time) = (Epoch(1), Sequence::ZERO, UnixMillis::default());
            take(DumpItem::Begin { epoch, after, time }).map_err(DumpError::Taken)?;
            self.next = Some(after.next());
        }
        if let Some(head) = reaches {
            self.lost_before(head.next(), take)?;
        }
        let last = self.next.map_or(Sequence::ZERO, Sequence::previous);
        take(DumpItem::End { last }).map_err(DumpError::Taken)
    }
}
