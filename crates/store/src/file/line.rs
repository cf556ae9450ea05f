//! The line of epochs, as the segments of a log tell it.
//!
//! The header of a segment says in which epoch the log was when the segment was begun, and records in it say which epochs
//! began then. In version 1 there are no such records, and an epoch begins with a segment.

use std::collections::HashSet;

use tidings_core::{Epoch, Line, Sequence};

use super::fault::Fault;
use super::header::{FORMAT_MIN, SegmentHeader};
use super::index::EpochBegins;
use super::segment::Segment;

/// The line that segments tell, oldest first; none if there is no segment.
pub(crate) fn of<'a>(segments: impl Iterator<Item = &'a Segment>) -> Result<Option<Line>, Fault> {
    let mut growing = GrowingLine::default();
    segments.into_iter().try_for_each(|segment| growing.add(segment))?;
    Ok(growing.line().cloned())
}

/// The line that the segments seen so far tell, oldest first.
#[derive(Default)]
pub(crate) struct GrowingLine(Option<ToldLine>);

impl GrowingLine {
    /// Adds the next segment.
    pub(crate) fn add(&mut self, segment: &Segment) -> Result<(), Fault> {
        let (name, header) = (segment.name(), &segment.header);
        let told = match &mut self.0 {
            None => self.0.insert(ToldLine::new(header)),
            Some(told) if segment.header_is_lost => told,
            Some(told) => {
                told.go_on(&name, header)?;
                told
            }
        };
        told.is_unsure |= segment.header_is_lost || !segment.holes.now().is_empty();
        for epoch in segment.index().epochs()? {
            told.begin(&name, header, epoch)?;
        }
        told.next = Sequence(header.base.0 + u64::from(segment.index().records()));
        Ok(())
    }

    /// None before there was a segment.
    pub(crate) fn line(&self) -> Option<&Line> {
        self.0.as_ref().map(|told| &told.line)
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
    /// A part of the log cannot be read, and epochs may have begun there.
    is_unsure: bool,
}

impl ToldLine {
    fn new(oldest: &SegmentHeader) -> Self {
        Self {
            line: Line::new(oldest.epoch),
            known: HashSet::from([oldest.epoch]),
            format: oldest.format,
            begun_after: Sequence::ZERO,
            next: oldest.base,
            is_unsure: false,
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
        self.is_unsure |= self.next < header.base;
        if header.epoch == self.line.epoch() {
            return Ok(());
        }
        if before != FORMAT_MIN && !self.is_unsure {
            let (epoch, was) = (header.epoch, self.line.epoch());
            let what = format!("it begins in epoch {epoch}, and the log was in {was}");
            return Err(Fault::corrupt(name, 16, what));
        }
        self.add(name, header.epoch, after)
    }

    /// Begins an epoch in a segment.
    fn begin(&mut self, name: &str, header: &SegmentHeader, epoch: EpochBegins) -> Result<(), Fault> {
        let EpochBegins { ordinal, begins, ends } = epoch;
        let after = Sequence(header.base.0 + u64::from(ordinal)).previous();
        if ends != self.line.epoch() && !self.is_unsure {
            let was = self.line.epoch();
            let what = format!(
                "epoch {begins} begins after event {after} where {ends} ends, and the log was in {was}"
            );
            return Err(Fault::corrupt(name, 0, what));
        }
        if after < self.begun_after {
            let what = format!("epoch {begins} begins before the one that ends there");
            return Err(Fault::corrupt(name, 0, what));
        }
        self.begun_after = after;
        self.add(name, begins, after)
    }

    fn add(&mut self, name: &str, epoch: Epoch, after: Sequence) -> Result<(), Fault> {
        if !self.known.insert(epoch) {
            return Err(Fault::corrupt(name, 0, format!("epoch {epoch} begins a second time")));
        }
        self.line.begin(epoch, after);
        Ok(())
    }
}
