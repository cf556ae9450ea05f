//! Fills a page.

use tidings_core::read_desk::Meter;
use tidings_core::{Cursor, Event, Line, Page, Query, Sequence};

use super::candidates::Candidates;
use super::matcher::Matcher;
use super::records::{Records, broken};
use crate::file::fault::Fault;
use crate::file::log::{LogView, Span};
use crate::file::record::{Flaw, Record};

/// The page of what matches after a place. It ends where the budget is used up, but not before it has got somewhere.
pub(crate) async fn page(view: &LogView, after: Cursor, query: &Query, meter: &Meter) -> Result<Page, Fault> {
    let mut filling = Filling {
        query,
        line: &view.line,
        matcher: Matcher::new(&query.selectors),
        events: Vec::new(),
        next: after.sequence,
        bytes: 0,
        meter,
    };
    let spans = view.spans_after(after.sequence).filter(|_| query.events_max > 0);
    for span in spans {
        if filling.add(span).await? == Room::None {
            break;
        }
    }
    let Filling { events, next, .. } = filling;
    let next = if next == after.sequence && next < view.head { after } else { view.cursor(next) };
    Ok(Page { after, events, next, head: view.cursor(view.head), partial: false })
}

/// Whether more may be added to a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    Some,
    None,
}

struct Filling<'a> {
    query: &'a Query,
    line: &'a Line,
    matcher: Matcher<'a>,
    events: Vec<Event>,
    /// Everything that matches up to here is among the events.
    next: Sequence,
    bytes: usize,
    meter: &'a Meter,
}

impl Filling<'_> {
    /// Adds what matches of a span.
    async fn add(&mut self, span: Span<'_>) -> Result<Room, Fault> {
        let mut records = Records::new(span);
        let mut rest = span;
        while rest.start < rest.end {
            let wanted = self.query.events_max - self.events.len().min(self.query.events_max) + 1;
            let candidates = Candidates::of(&rest, &self.query.selectors, wanted, self.meter).await?;
            for ordinal in candidates.iter() {
                if self.consider(records.record(ordinal)?, &span)? == Room::None {
                    return Ok(Room::None);
                }
                self.meter.spend(records.take_units() + self.matcher.take_units()).await;
                // After a record, so that each page gets somewhere, however little its budget.
                if self.meter.is_used_up() {
                    return Ok(Room::None);
                }
            }
            rest.start = candidates.until();
            self.next = span.sequence(rest.start).previous();
            if self.meter.is_used_up() {
                return Ok(Room::None);
            }
        }
        Ok(Room::Some)
    }

    /// Takes a record if it matches. If there is no room for it, the page ends before it.
    fn consider(&mut self, record: Record<'_>, span: &Span<'_>) -> Result<Room, Fault> {
        let sequence = record.stamp.sequence;
        if !record.kind.is_shown() {
            self.next = sequence;
            return Ok(Room::Some);
        }
        let flaw = |flaw: Flaw| broken(span.segment, 0, &format!("event {sequence}: {}", flaw.what()));
        let Ok(topic) = self.matcher.admit(record.topic) else {
            return Err(flaw(Flaw::Broken("its topic is none")));
        };
        if let Some(topic) = topic {
            let epoch = self.line.place(sequence).epoch;
            let event = record.to_event(topic, epoch).map_err(flaw)?;
            if self.is_full_for(&event) {
                self.next = sequence.previous();
                return Ok(Room::None);
            }
            self.bytes += event.draft.bytes();
            self.events.push(event);
        }
        self.next = sequence;
        Ok(Room::Some)
    }

    fn is_full_for(&self, event: &Event) -> bool {
        let events = self.events.len();
        let bytes = self.bytes + event.draft.bytes();
        events > 0 && (events >= self.query.events_max || bytes > self.query.bytes_max)
    }
}
