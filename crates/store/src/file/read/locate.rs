//! Finds the place where a reading begins.

use tidings_core::read_desk::Meter;
use tidings_core::{Cursor, EpochStatus, Lost, Query, Sequence, Start, UnixMillis};

use super::id;
use super::last::before_last;
use super::records::Records;
use crate::file::fault::Fault;
use crate::file::hash::KeyedHash;
use crate::file::log::{LogView, Span};

/// Why a start cannot be had, and where a reader goes on that misses nothing which can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotHeld {
    pub(crate) lost: Lost,
    pub(crate) resumes_after: Cursor,
}

/// Where a reading begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) after: Cursor,
    /// The budget was used up before all of the newest events were found that were asked for.
    pub(crate) is_partial: bool,
}

type Located = Result<Cursor, NotHeld>;

/// Locates the start of a query.
pub(crate) async fn locate(
    view: &LogView,
    hash: &KeyedHash,
    query: &Query,
    meter: &Meter,
) -> Result<Result<Place, NotHeld>, Fault> {
    let located = match &query.start {
        Start::Earliest => Ok(view.floor()),
        Start::After(after) => place(view, *after),
        Start::AfterId(id) => {
            meter.begin_id_search();
            let found = id::find(view, hash, (id, &query.selectors), meter).await?;
            found.map_or_else(|| not_held(view, Lost::Unknown), Ok)
        }
        Start::Since(time) => since(view, *time)?,
        Start::Last(count) => {
            let (sequence, is_partial) = before_last(view, *count, &query.selectors, meter).await?;
            return Ok(Ok(Place { after: view.cursor(sequence), is_partial }));
        }
    };
    Ok(located.map(|after| Place { after, is_partial: false }))
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
pub(crate) fn all(view: &LogView) -> impl DoubleEndedIterator<Item = Span<'_>> {
    view.spans_after(view.earliest().previous())
}

fn since(view: &LogView, time: UnixMillis) -> Result<Located, Fault> {
    let late = |segment: &&std::sync::Arc<super::super::segment::Segment>| segment.header.time_before >= time;
    if view.segments.first().is_some_and(|first| late(&first)) && view.earliest() > Sequence(1) {
        return Ok(not_held(view, Lost::Expired));
    }
    // The last segment before which all events are earlier.
    let at = view.segments.partition_point(|segment| segment.header.time_before < time).saturating_sub(1);
    let base = view.segments.get(at).map_or(view.head.next(), |segment| segment.base());
    // What is before a hole. An event in it may be of this time or later.
    let mut last = base.previous();
    for span in view.readable_after(last) {
        let found = first_not_earlier(span, time)?;
        if found > span.start {
            last = span.sequence(found).previous();
        }
        if found < span.end {
            break;
        }
    }
    Ok(Ok(view.cursor(last)))
}

/// The first record of a span that is not earlier than a time; the end of the span if all are.
fn first_not_earlier(span: Span<'_>, time: UnixMillis) -> Result<u32, Fault> {
    let mut records = Records::new(span);
    let (mut low, mut high) = (span.start, span.end);
    while low < high {
        let middle = low + (high - low) / 2;
        match records.record(middle)?.stamp.time < time {
            true => low = middle + 1,
            false => high = middle,
        }
    }
    Ok(low)
}
