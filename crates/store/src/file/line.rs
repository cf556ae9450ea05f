//! The line of epochs, as the segments of a log tell it.
//!
//! The header of a segment says in which epoch the log was when the segment was begun, and records in it say which epochs
//! began then. In version 1 there are no such records, and an epoch begins with a segment.

use std::collections::HashSet;

use tidings_core::{Epoch, Line, Sequence};

use super::fault::Fault;
use super::hash::KeyedHash;
use super::header::{FORMAT_MIN, SegmentHeader};
use super::index::EpochBegins;
use super::recover::Recovery;
use super::segment::Segment;

/// The line that segments tell, oldest first; none if there is no segment.
///
/// If an epoch may have begun where nothing can be read, and nothing behind that says which one the log was in, an epoch begins there that no log
/// had: whoever has a place of the epoch before, from beyond there, is told, since nobody knows whether it was a place of this log.
pub(crate) fn of<'a>(
    segments: impl Iterator<Item = &'a Segment>,
    hash: &KeyedHash,
    recovery: Recovery,
) -> Result<Option<Line>, Fault> {
    let mut growing = GrowingLine { told: None, recovery };
    segments.into_iter().try_for_each(|segment| growing.add(segment))?;
    Ok(growing.told.map(|mut told| {
        if let Some(after) = told.doubt.take() {
            told.line.begin(Epoch(hash.of(&format!("an epoch after event {after}"))), after);
        }
        told.line
    }))
}

/// A place of a segment where an epoch may have begun, since something stands there that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Doubt {
    /// The first record that it concerns.
    pub(crate) ordinal: u32,
    /// How many epochs begin before it in the segment: one may begin with the same record.
    pub(crate) epochs_before: usize,
}

/// The line that the segments seen so far tell, oldest first.
///
/// What segments say may not go together: one of them could not be read when the next was begun, and can be now. Then strict recovery refuses
/// them, and otherwise each is taken at its word from where it stands.
pub(crate) struct GrowingLine {
    told: Option<ToldLine>,
    recovery: Recovery,
}

impl Default for GrowingLine {
    fn default() -> Self {
        Self { told: None, recovery: Recovery::Strict }
    }
}

impl GrowingLine {
    /// Adds the next segment.
    pub(crate) fn add(&mut self, segment: &Segment) -> Result<(), Fault> {
        let (name, header) = (segment.name(), &segment.header);
        let told = match &mut self.told {
            None => self.told.insert(ToldLine::new(header, segment.header_is_lost, self.recovery)),
            Some(told) => {
                told.doubt_what_is_missing_before(header.base);
                if !segment.header_is_lost {
                    told.go_on(&name, header)?;
                }
                told
            }
        };
        let mut doubts = segment.doubts.iter().copied().peekable();
        for (number, epoch) in segment.index().epochs()?.into_iter().enumerate() {
            while let Some(doubt) = doubts.next_if(|doubt| doubt.epochs_before <= number) {
                told.doubt(header, doubt);
            }
            told.begin(&name, header, epoch)?;
        }
        doubts.for_each(|doubt| told.doubt(header, doubt));
        told.next = Sequence(header.base.0 + u64::from(segment.index().records()));
        Ok(())
    }

    /// None before there was a segment.
    pub(crate) fn line(&self) -> Option<&Line> {
        self.told.as_ref().map(|told| &told.line)
    }
}

/// What the segments have told so far.
struct ToldLine {
    line: Line,
    /// All epochs that were ever on it.
    known: HashSet<Epoch>,
    /// The version of the last segment.
    format: u32,
    /// Where the last epoch began.
    begun_after: Sequence,
    /// The event that would follow the last segment.
    next: Sequence,
    /// After this event, nobody knows in which epoch the log was.
    doubt: Option<Sequence>,
    recovery: Recovery,
}

impl ToldLine {
    fn new(oldest: &SegmentHeader, header_is_lost: bool, recovery: Recovery) -> Self {
        Self {
            line: Line::new(oldest.epoch),
            known: HashSet::from([oldest.epoch]),
            format: oldest.format,
            begun_after: Sequence::ZERO,
            next: oldest.base,
            recovery,
            doubt: header_is_lost.then(|| oldest.base.previous()),
        }
    }

    /// Goes on with the next segment.
    fn go_on(&mut self, name: &str, header: &SegmentHeader) -> Result<(), Fault> {
        let (after, begun_after) = (header.base.previous(), self.begun_after);
        if after < begun_after {
            let what = format!("an epoch begins after event {begun_after}, in the segment before");
            return Err(Fault::corrupt(name, 0, what));
        }
        let before = std::mem::replace(&mut self.format, header.format);
        let doubt = self.doubt.take();
        if header.epoch == self.line.epoch() {
            return Ok(());
        }
        match doubt {
            Some(after) => self.add_in_doubt(header.epoch, after),
            None if before != FORMAT_MIN => {
                let (epoch, was) = (header.epoch, self.line.epoch());
                let what = format!("it begins in epoch {epoch}, and the log was in {was}");
                self.contradicted(Fault::corrupt(name, 16, what))?;
                self.add_in_doubt(header.epoch, after);
            }
            None => self.add(name, header.epoch, after)?,
        }
        Ok(())
    }

    /// Notes that an epoch may have begun in what is missing before a segment.
    fn doubt_what_is_missing_before(&mut self, base: Sequence) {
        if self.next < base {
            self.doubt.get_or_insert(self.next.previous());
        }
    }

    /// Notes that an epoch may have begun in a segment.
    fn doubt(&mut self, header: &SegmentHeader, doubt: Doubt) {
        self.doubt.get_or_insert(Sequence(header.base.0 + u64::from(doubt.ordinal)).previous());
    }

    /// Begins an epoch of which only a later record tells.
    fn add_in_doubt(&mut self, epoch: Epoch, after: Sequence) {
        if self.known.insert(epoch) {
            self.line.begin(epoch, after.max(self.begun_after));
        }
    }

    /// Begins an epoch in a segment.
    fn begin(&mut self, name: &str, header: &SegmentHeader, epoch: EpochBegins) -> Result<(), Fault> {
        let EpochBegins { ordinal, begins, ends } = epoch;
        let after = Sequence(header.base.0 + u64::from(ordinal)).previous();
        if ends != self.line.epoch()
            && let Some(after) = self.doubt
        {
            self.add_in_doubt(ends, after);
        } else if ends != self.line.epoch() {
            let was = self.line.epoch();
            let what = format!(
                "epoch {begins} begins after event {after} where {ends} ends, and the log was in {was}"
            );
            self.contradicted(Fault::corrupt(name, 0, what))?;
            self.add_in_doubt(ends, after);
        }
        if after < self.begun_after {
            let what = format!("epoch {begins} begins before the one that ends there");
            return Err(Fault::corrupt(name, 0, what));
        }
        self.doubt = None;
        self.begun_after = after;
        self.add(name, begins, after)
    }

    /// Refuses what does not go together with what was told before, unless all is taken that can be read.
    fn contradicted(&self, fault: Fault) -> Result<(), Fault> {
        if self.recovery == Recovery::Strict {
            return Err(fault);
        }
        tracing::warn!(%fault, "parts of the log contradict each other: a part was damaged, or put back from an older copy");
        Ok(())
    }

    fn add(&mut self, name: &str, epoch: Epoch, after: Sequence) -> Result<(), Fault> {
        if !self.known.insert(epoch) {
            return self.contradicted(Fault::corrupt(name, 0, format!("epoch {epoch} begins a second time")));
        }
        self.line.begin(epoch, after);
        Ok(())
    }
}
