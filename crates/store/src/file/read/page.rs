//! Fills a page.

use tidings_core::read_desk::Meter;
use tidings_core::{Cursor, Event, Line, Lost, Page, Query, Reading, Sequence};

use super::candidates::Candidates;
use super::matcher::Matcher;
use super::records::{Records, broken};
use crate::file::fault::Fault;
use crate::file::log::{LogView, Span};
use crate::file::record::{Flaw, Record};

/// The page of what matches after a place. It ends where the budget is used up, but not before it has got somewhere. It ends before a hole,
/// too, and if it begins there, the events in the hole are lost.
pub(crate) async fn page(
    view: &LogView,
    after: Cursor,
    query: &Query,
    meter: &Meter,
) -> Result<Reading, Fault> {
    let page = |events, next| Page { after, events, next, head: view.cursor(view.head), partial: false };
    if query.events_max == 0 {
        return Ok(Reading::Page(page(Vec::new(), after)));
    }
    let mut filling = Filling {
        query,
        line: &view.line,
        matcher: Matcher::new(&query.selectors),
        events: Vec::new(),
        next: after.sequence,
        bytes: 0,
        meter,
    };
    let through = filling.add_all(view).await?;
    let Filling { events, next, .. } = filling;
    let is_where_it_began = next == after.sequence && next < view.head;
    match through {
        Some(through) if is_where_it_began => {
            Ok(Reading::Lost { lost: Lost::Damaged, resumes_after: view.cursor(through) })
        }
        _ => Ok(Reading::Page(page(events, if is_where_it_began { after } else { view.cursor(next) }))),
    }
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
    /// Adds what matches, up to a hole if there is one before the page is full: the last event of the hole.
    async fn add_all(&mut self, view: &LogView) -> Result<Option<Sequence>, Fault> {
        for span in view.readable_after(self.next) {
            let first = span.sequence(span.start);
            if first > self.next.next() {
                return Ok(Some(first.previous()));
            }
            if self.add(span).await? == Room::None {
                return Ok(None);
            }
        }
        Ok((self.next < view.head).then_some(view.head))
    }

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
