//! Finds the place before the newest events that match.

use std::collections::BinaryHeap;

use tidings_core::read_desk::Meter;
use tidings_core::{Selectors, Sequence};

use super::backward;
use super::candidates::lists;
use super::locate::all;
use super::matcher::Matcher;
use crate::file::fault::Fault;
use crate::file::index::{Index, Postings};
use crate::file::log::{LogView, Span};
use crate::limits::{INDEX_READ_UNITS, ORDINALS_PER_READ, ORDINALS_PER_TOPIC_MIN};

/// What was found in a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// As many as were wanted: the first of them is this record.
    At(u32),
    /// Fewer.
    Fewer {
        /// How many.
        count: u64,
        /// All of them are from here on.
        oldest: Option<u32>,
    },
    /// The budget was used up first.
    OutOfBudget {
        /// The first of those that were found, if any.
        oldest: Option<u32>,
    },
}

/// The place before the last so many events that match; before all of them if they are fewer.
///
/// If the budget is used up first, this is the place before those that were found, or the head if none was, and `true`.
pub(crate) async fn before_last(
    view: &LogView,
    count: usize,
    selectors: &Selectors,
    meter: &Meter,
) -> Result<(Sequence, bool), Fault> {
    let mut missing = count as u64;
    if missing == 0 {
        return Ok((view.head, false));
    }
    let mut matcher = Matcher::new(selectors);
    let mut oldest = None;
    for span in all(view).rev() {
        let found = match selectors.matches_everything() {
            true => last_of_all(&span, missing),
            false => last_of_span(view, &span, missing, (selectors, &mut matcher), meter).await?,
        };
        let before = |ordinal: u32| span.sequence(ordinal).previous();
        match found {
            Found::At(ordinal) => return Ok((before(ordinal), false)),
            Found::OutOfBudget { oldest: found } => {
                return Ok((found.map(before).or(oldest).unwrap_or(view.head), true));
            }
            Found::Fewer { count, oldest: found } => {
                missing -= count;
                oldest = found.map(before).or(oldest);
            }
        }
    }
    Ok((view.earliest().previous(), false))
}

fn last_of_all(span: &Span<'_>, missing: u64) -> Found {
    let count = u64::from(span.end - span.start);
    match count.checked_sub(missing) {
        Some(before) => Found::At(span.start + before as u32),
        None => Found::Fewer { count, oldest: Some(span.start) },
    }
}

async fn last_of_span(
    view: &LogView,
    span: &Span<'_>,
    missing: u64,
    (selectors, matcher): (&Selectors, &mut Matcher<'_>),
    meter: &Meter,
) -> Result<Found, Fault> {
    if meter.is_used_up() {
        return Ok(Found::OutOfBudget { oldest: None });
    }
    let lists = lists(span, selectors, meter).await?;
    let Some(mut lists) = lists else { return backward::search(span, missing, matcher, meter).await };
    // The index of the newest segment may know records that are not to be seen yet.
    if span.sequence(span.end) > view.head {
        for list in &mut lists {
            if meter.is_used_up() {
                return Ok(Found::OutOfBudget { oldest: None });
            }
            list.len = seen(span, *list)?;
            meter.spend(INDEX_READ_UNITS).await;
        }
    }
    let count = lists.iter().map(|list| u64::from(list.len)).sum();
    if count < missing {
        return Ok(Found::Fewer { count, oldest: (count > 0).then_some(span.start) });
    }
    merge_back(span, lists, missing, meter).await
}

/// How many records of a list are in the span.
fn seen(span: &Span<'_>, list: Postings) -> Result<u32, Fault> {
    let index = span.segment.index();
    let last = index.ordinals(list, list.len.saturating_sub(1)..list.len)?;
    match last.first() {
        Some(last) if *last >= span.end => index.rank(list, span.end),
        _ => Ok(list.len),
    }
}

/// The record of some lists with so many from it to the end, itself included. There are as many.
async fn merge_back(
    span: &Span<'_>,
    lists: Vec<Postings>,
    wanted: u64,
    meter: &Meter,
) -> Result<Found, Fault> {
    let index = span.segment.index();
    let each = (wanted / lists.len().max(1) as u64)
        .clamp(ORDINALS_PER_TOPIC_MIN as u64, ORDINALS_PER_READ.into())
        .min(wanted) as u32;
    let mut lists: Vec<_> = lists.into_iter().map(|list| FromTheEnd { list, piece: Vec::new() }).collect();
    let mut newest = BinaryHeap::new();
    for (at, list) in lists.iter_mut().enumerate() {
        // Lists that were not read yet may have more and newer records than the others, so that nothing is known.
        if meter.is_used_up() {
            return Ok(Found::OutOfBudget { oldest: None });
        }
        if list.list.len > 0 {
            list.load(index, each)?;
            meter.spend(INDEX_READ_UNITS).await;
        }
        newest.extend(list.piece.pop().map(|ordinal| (ordinal, at)));
    }
    let mut oldest = None;
    let mut missing = wanted;
    while let Some((ordinal, at)) = newest.pop() {
        oldest = Some(ordinal);
        missing -= 1;
        if missing == 0 {
            break;
        }
        if meter.is_used_up() {
            return Ok(Found::OutOfBudget { oldest });
        }
        let list = &mut lists[at];
        if list.piece.is_empty() && list.list.len > 0 {
            list.load(index, each)?;
            meter.spend(INDEX_READ_UNITS).await;
        }
        newest.extend(list.piece.pop().map(|ordinal| (ordinal, at)));
    }
    Ok(Found::At(oldest.unwrap_or(span.start)))
}

/// A list that is read from its end.
struct FromTheEnd {
    /// What was not read yet.
    list: Postings,
    piece: Vec<u32>,
}

impl FromTheEnd {
    fn load(&mut self, index: &dyn Index, count: u32) -> Result<(), Fault> {
        let start = self.list.len.saturating_sub(count);
        self.piece = index.ordinals(self.list, start..self.list.len)?;
        self.list.len = start;
        Ok(())
    }
}
