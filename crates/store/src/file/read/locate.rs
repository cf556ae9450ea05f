//! Finds the place where a reading begins.

use tidings_core::{Cursor, EpochStatus, Lost, Query, Selectors, Sequence, Start, UnixMillis};

use super::backward::{Backward, Found};
use super::candidates::{matching, of_topics};
use super::matcher::Matcher;
use super::records::Records;
use crate::file::fault::Fault;
use crate::file::hash::KeyedHash;
use crate::file::index::Postings;
use crate::file::log::{LogView, Span};

/// Why a start cannot be had, and where a reader goes on that misses nothing which can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotHeld {
    pub(crate) lost: Lost,
    pub(crate) resumes_after: Cursor,
}

type Located = Result<Cursor, NotHeld>;

/// Locates the start of a query.
pub(crate) fn locate(view: &LogView, hash: &KeyedHash, query: &Query) -> Result<Located, Fault> {
    Ok(match &query.start {
        Start::Earliest => Ok(view.floor()),
        Start::After(after) => place(view, *after),
        Start::AfterId(id) => after_id(view, hash.of(id.as_str()), id.as_str(), &query.selectors)?,
        Start::Since(time) => since(view, *time)?,
        Start::Last(count) => Ok(view.cursor(before_last(view, *count, &query.selectors)?)),
    })
}

fn not_held(view: &LogView, lost: Lost) -> Located {
    Err(NotHeld { lost, resumes_after: view.floor() })
}

fn place(view: &LogView, after: Cursor) -> Located {
    match view.status_of(after.epoch) {
        // An epoch that has left the line cannot be told from one that was never there.
        EpochStatus::Unknown if after.sequence < view.floor().sequence => not_held(view, Lost::Expired),
        EpochStatus::Unknown => not_held(view, Lost::OtherEpoch),
        // A reader that was cut off has everything up to there.
        EpochStatus::Ended { at } if after.sequence > at => {
            Err(NotHeld { lost: Lost::OtherEpoch, resumes_after: view.cursor(view.head).at(at) })
        }
        EpochStatus::Current if after.sequence > view.head => not_held(view, Lost::Unknown),
        _ if after.sequence < view.floor().sequence => not_held(view, Lost::Expired),
        EpochStatus::Current | EpochStatus::Ended { .. } => Ok(after),
    }
}

/// The whole log, oldest first.
fn all(view: &LogView) -> impl DoubleEndedIterator<Item = Span<'_>> {
    view.spans_after(view.earliest().previous())
}

fn after_id(view: &LogView, hash: u64, id: &str, selectors: &Selectors) -> Result<Located, Fault> {
    let mut matcher = Matcher::new(selectors);
    for span in all(view) {
        let ordinals = span.segment.index().id(hash)?;
        let mut records = Records::new(span);
        for ordinal in ordinals.into_iter().take_while(|ordinal| *ordinal < span.end) {
            let record = records.record(ordinal)?;
            if record.id == id && matches!(matcher.admit(record.topic), Ok(Some(_))) {
                return Ok(Ok(view.line.place(record.stamp.sequence)));
            }
        }
    }
    Ok(not_held(view, Lost::Unknown))
}

fn since(view: &LogView, time: UnixMillis) -> Result<Located, Fault> {
    let late = |segment: &&std::sync::Arc<super::super::segment::Segment>| segment.header.time_before >= time;
    if view.segments.first().is_some_and(|first| late(&first)) && view.earliest() > Sequence(1) {
        return Ok(not_held(view, Lost::Expired));
    }
    // The last segment before which all events are earlier.
    let at = view.segments.partition_point(|segment| segment.header.time_before < time).saturating_sub(1);
    let base = view.segments.get(at).map_or(view.head.next(), |segment| segment.base());
    let Some(span) = view.spans_after(base.previous()).next() else {
        return Ok(Ok(view.cursor(view.head)));
    };
    let mut records = Records::new(span);
    let (mut low, mut high) = (span.start, span.end);
    while low < high {
        let middle = low + (high - low) / 2;
        match records.record(middle)?.stamp.time < time {
            true => low = middle + 1,
            false => high = middle,
        }
    }
    Ok(Ok(view.cursor(span.sequence(low).previous())))
}

/// The place before the last so many events that match; before all of them if they are fewer.
fn before_last(view: &LogView, count: usize, selectors: &Selectors) -> Result<Sequence, Fault> {
    let mut missing = count as u64;
    if missing == 0 {
        return Ok(view.head);
    }
    let mut backward = Backward::of(selectors, missing);
    for mut span in all(view).rev() {
        if let Some(backward) = &mut backward {
            match backward.search(&span, missing)? {
                Found::At(ordinal) => return Ok(span.sequence(ordinal).previous()),
                Found::Fewer { count, from } => (missing, span.end) = (missing - count, from),
            }
        }
        if span.start == span.end {
            continue;
        }
        let there = counted(&span, selectors)?;
        let total = there.total();
        if total >= missing {
            let ordinal = there.nth_from_end(&span, missing)?;
            return Ok(span.sequence(ordinal).previous());
        }
        missing -= total;
    }
    Ok(view.earliest().previous())
}

/// How many records of a span match.
enum CountedRecords {
    All(u32),
    /// So many of each list.
    Some(Vec<Postings>),
}

fn counted(span: &Span<'_>, selectors: &Selectors) -> Result<CountedRecords, Fault> {
    let index = span.segment.index();
    if selectors.matches_everything() {
        return Ok(CountedRecords::All(span.end));
    }
    let mut postings = match selectors.topics() {
        Some(topics) => of_topics(index, topics)?,
        None => matching(index, selectors)?,
    };
    for postings in &mut postings {
        // The index may know records that are not to be seen yet.
        let last = index.ordinals(*postings, postings.len.saturating_sub(1)..postings.len)?;
        if last.first().is_some_and(|last| *last >= span.end) {
            postings.len = index.rank(*postings, span.end)?;
        }
    }
    Ok(CountedRecords::Some(postings))
}

impl CountedRecords {
    fn total(&self) -> u64 {
        match self {
            Self::All(end) => (*end).into(),
            Self::Some(postings) => postings.iter().map(|postings| u64::from(postings.len)).sum(),
        }
    }

    /// The record with so many from it to the end, itself included. There must be as many.
    fn nth_from_end(&self, span: &Span<'_>, count: u64) -> Result<u32, Fault> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let postings = match self {
            Self::All(end) => return Ok(end.saturating_sub(count)),
            Self::Some(postings) => postings,
        };
        let mut ordinals = Vec::new();
        for postings in postings {
            let last = postings.len.saturating_sub(count)..postings.len;
            ordinals.extend(span.segment.index().ordinals(*postings, last)?);
        }
        ordinals.sort_unstable();
        let at = ordinals.len().saturating_sub(count as usize);
        Ok(ordinals.get(at).copied().unwrap_or(span.start))
    }
}
