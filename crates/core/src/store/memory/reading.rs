//! Reads a page of a memory store: where it begins, and what is in it.
//!
//! A reading runs in slices and has a budget. It sees the log up to the head that there was when it began. What retention
//! takes meanwhile shortens it: it ends before the events that are gone, and whoever reads on from there is told.

use std::sync::Arc;

use super::MemoryLog;
use super::contents::Contents;
use super::id;
use super::scan::{EpochChanged, Scan, Step, Visit};
use crate::event::Cursor;
use crate::limits::SLICE_UNITS;
use crate::read::gap::Lost;
use crate::read_desk::Meter;
use crate::select::Selectors;
use crate::store::{Page, Query, Reading, Start};

/// Why a reading has to begin again: the place that it begins after, or all that it saw, is no longer in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BeginAgain;

impl From<EpochChanged> for BeginAgain {
    fn from(_: EpochChanged) -> Self {
        Self
    }
}

/// Answers a query, as far as the budget goes.
pub(super) async fn read(log: Arc<MemoryLog>, query: Query, meter: Arc<Meter>) -> Reading {
    loop {
        if let Ok(reading) = read_once(&log, &query, &meter).await {
            return reading;
        }
        // So that one which has to begin again and again has its turns like the others.
        meter.spend(1).await;
    }
}

async fn read_once(log: &MemoryLog, query: &Query, meter: &Meter) -> Result<Reading, BeginAgain> {
    let mut partial = false;
    let located = match &query.start {
        Start::AfterId(id) => match id::find(log, id.as_str(), &query.selectors, meter).await {
            // Retention may have taken it meanwhile.
            Some(after) => log.see(|contents| contents.locate_place(after)),
            None => Err(log.contents().lost(Lost::Unknown)),
        },
        Start::Earliest => log.see(|contents| Ok(contents.floor)),
        Start::After(after) => log.see(|contents| contents.locate_place(*after)),
        Start::Since(time) => log.see(|contents| contents.locate_time(*time)),
        Start::Last(0) => log.see(|contents| Ok(contents.head())),
        Start::Last(count) => {
            let head = log.contents().head();
            let after;
            (after, partial) = before_last(log, (*count, &query.selectors), head, meter).await?;
            Ok(Seen { after, head })
        }
    };
    let seen = match located {
        Ok(seen) => seen,
        Err(lost) => return Ok(lost),
    };
    // A search that has used up its budget still answers with a page that gets somewhere.
    meter.begin_page(SLICE_UNITS);
    let page = page(log, query, seen, meter).await?;
    Ok(Reading::Page(Page { partial, ..page }))
}

/// The part of the log that a page is taken from.
pub(super) struct Seen {
    /// The place that it begins after.
    pub(super) after: Cursor,
    pub(super) head: Cursor,
}

impl MemoryLog {
    fn see(&self, locate: impl FnOnce(&Contents) -> Result<Cursor, Reading>) -> Result<Seen, Reading> {
        let contents = self.contents();
        locate(&contents).map(|after| Seen { after, head: contents.head() })
    }
}

/// The place before the last so many events that match; before all of them if they are fewer.
///
/// If the budget is used up first, this is the place before those that were found, or the head if none was, and `true`.
async fn before_last(
    log: &MemoryLog,
    (count, selectors): (usize, &Selectors),
    head: Cursor,
    meter: &Meter,
) -> Result<(Cursor, bool), EpochChanged> {
    let mut scan = Scan::back((log, selectors), head);
    let (mut missing, mut oldest) = (count, None);
    loop {
        let step = scan.step(|event| {
            missing -= 1;
            oldest = Some(event.cursor.sequence);
            if missing == 0 { Visit::Enough } else { Visit::GoOn }
        })?;
        meter.spend(scan.take_units()).await;
        let before = || {
            let contents = log.contents();
            // Places of another epoch may be gone, or be those of other events.
            if contents.head().epoch != head.epoch {
                return Err(EpochChanged);
            }
            Ok(oldest.map_or(head, |oldest| contents.place_of(oldest.previous())))
        };
        match step {
            Step::End | Step::Overtaken => return Ok((log.contents().floor, false)),
            Step::Enough => return Ok((before()?, false)),
            Step::More if meter.is_used_up() => return Ok((before()?, true)),
            Step::More => {}
        }
    }
}

/// The events that match from a place on, as many as the query and the budget allow.
pub(super) async fn page(
    log: &MemoryLog,
    query: &Query,
    Seen { mut after, head }: Seen,
    meter: &Meter,
) -> Result<Page, BeginAgain> {
    let (mut events, mut bytes) = (Vec::new(), 0);
    let mut scan = Scan::onwards((log, &query.selectors), after, head);
    let mut goes_on = query.events_max > 0;
    while goes_on {
        let step = scan.step(|event| {
            bytes += event.draft.bytes();
            let is_full = events.len() >= query.events_max || bytes > query.bytes_max;
            if is_full && !events.is_empty() {
                return Visit::Enough;
            }
            events.push(event.clone());
            Visit::GoOn
        })?;
        meter.spend(scan.take_units()).await;
        goes_on = match step {
            // Nothing was read yet, so that it may as well begin with what is held now.
            Step::Overtaken if scan.passed() == after => {
                after = begin_later(log, query, head)?;
                scan = Scan::onwards((log, &query.selectors), after, head);
                true
            }
            Step::More => !meter.is_used_up(),
            Step::Enough | Step::End | Step::Overtaken => false,
        };
    }
    let passed = scan.passed();
    // The newest name of the head tells a tail that the log went on in another epoch.
    let next = if passed.sequence == head.sequence { head } else { passed };
    Ok(Page { after, events, next, head, partial: false })
}

/// Where a page begins if retention has taken the event that it was to begin with.
fn begin_later(log: &MemoryLog, query: &Query, head: Cursor) -> Result<Cursor, BeginAgain> {
    let contents = log.contents();
    let may_begin_later = match query.start {
        Start::Earliest | Start::Last(_) => true,
        // These places are lost now.
        Start::After(_) | Start::AfterId(_) | Start::Since(_) => false,
    };
    let is_seen = contents.head().epoch == head.epoch && contents.floor.sequence < head.sequence;
    if may_begin_later && is_seen { Ok(contents.floor) } else { Err(BeginAgain) }
}
