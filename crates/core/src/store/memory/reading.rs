//! Reads a page of a memory store.
//!
//! A reading takes what it needs from behind the lock at once: blocks that it shares, and copies of the newest events, which
//! share their text. It looks through them without the lock, one block after the other, and lets other tasks run in between;
//! a reading that is dropped stops there. It has a budget of events and topics to look at.

use std::sync::Arc;

use tokio::task::yield_now;

use super::MemoryLog;
use super::block::{Block, Candidates};
use super::contents::Contents;
use crate::event::{Cursor, Event, Sequence};
use crate::limits::{MEMORY_BLOCK_EVENTS_MAX, MEMORY_READ_BUDGET};
use crate::read::gap::Lost;
use crate::select::Selectors;
use crate::store::{Page, Query, Reading, Start};

/// Cancel safe: nothing is changed, but for indexes that are made.
pub(super) async fn read(log: &MemoryLog, query: Query) -> Reading {
    let located = match &query.start {
        Start::AfterId(id) => match locate_id(log, id.as_str(), &query.selectors).await {
            // Retention may have taken it meanwhile.
            Some(after) => View::take(log, |contents| contents.locate_place(after)),
            None => Err(log.contents().lost(Lost::Unknown)),
        },
        Start::Earliest => View::take(log, |contents| Ok(contents.floor)),
        Start::After(after) => View::take(log, |contents| contents.locate_place(*after)),
        Start::Since(time) => View::take(log, |contents| contents.locate_time(*time)),
        Start::Last(0) => View::take(log, |contents| Ok(contents.head())),
        Start::Last(_) => View::take(log, |contents| Ok(contents.floor)),
    };
    let mut view = match located {
        Ok(view) => view,
        Err(lost) => return lost,
    };
    let mut partial = false;
    if let Start::Last(count @ 1..) = query.start {
        partial = view.skip_to_last(count, &query.selectors, log).await;
    }
    Reading::Page(Page { partial, ..view.page(&query, log).await })
}

/// The place of the earliest event that has an id and matches, if it is found within the budget.
async fn locate_id(log: &MemoryLog, id: &str, selectors: &Selectors) -> Option<Cursor> {
    let mut after = Sequence::ZERO;
    for _ in 0..MEMORY_READ_BUDGET / MEMORY_BLOCK_EVENTS_MAX {
        let events = log.contents().events_of_id(id, after, MEMORY_BLOCK_EVENTS_MAX);
        if let Some(found) = events.iter().find(|event| selectors.matches(event.draft.topic())) {
            return Some(found.cursor);
        }
        after = events.last()?.cursor.sequence;
        yield_now().await;
    }
    None
}

/// A part of the log as it was at one moment.
struct View {
    /// The place that it begins after.
    after: Cursor,
    head: Cursor,
    blocks: Vec<Arc<Block>>,
    /// The newest events, which are in no block yet.
    newest: Option<Block>,
}

impl View {
    fn take(
        log: &MemoryLog,
        locate: impl FnOnce(&Contents) -> Result<Cursor, Reading>,
    ) -> Result<Self, Reading> {
        let contents = log.contents();
        let after = locate(&contents)?;
        let (blocks, newest) = contents.events.after(after.sequence);
        Ok(Self { after, head: contents.head(), blocks, newest })
    }

    /// Moves the beginning on, to before the last events that match. True if the budget was used up before there were so
    /// many: then it begins after the place to which the search came.
    async fn skip_to_last(&mut self, count: usize, selectors: &Selectors, log: &MemoryLog) -> bool {
        let (mut left, mut looked_at) = (count, 0);
        for at in (0..self.parts()).rev() {
            if looked_at >= MEMORY_READ_BUDGET {
                let before = self.part(at).last();
                self.begin_after(before);
                return true;
            }
            let found = self.candidates(at, selectors, log);
            if let Some(first) = found.places.len().checked_sub(left) {
                let first = self.part(at).first().0 + u64::from(found.places[first]);
                self.begin_after(Sequence(first).previous());
                return false;
            }
            left -= found.places.len();
            looked_at += found.looked_at;
            yield_now().await;
        }
        false
    }

    /// The matching events from the beginning on, as many as the query and the budget allow.
    async fn page(&self, query: &Query, log: &MemoryLog) -> Page {
        let (mut events, mut bytes, mut looked_at) = (Vec::<Event>::new(), 0, 0);
        let mut next = self.after.sequence;
        'parts: for at in 0..self.parts() {
            if looked_at >= MEMORY_READ_BUDGET || query.events_max == 0 {
                break;
            }
            if at > 0 {
                yield_now().await;
            }
            let part = self.part(at);
            let found = self.candidates(at, &query.selectors, log);
            looked_at += found.looked_at;
            for event in found.places.iter().map(|place| &part.events()[usize::from(*place)]) {
                bytes += event.draft.bytes();
                let full = events.len() >= query.events_max || bytes > query.bytes_max;
                if full && !events.is_empty() {
                    next = event.cursor.sequence.previous();
                    break 'parts;
                }
                events.push(event.clone());
            }
            next = part.last();
        }
        Page { after: self.after, events, next: self.place(next), head: self.head, partial: false }
    }

    /// The events of a part that match and stand after the beginning.
    fn candidates(&self, part: usize, selectors: &Selectors, log: &MemoryLog) -> Candidates {
        let mut found = match self.blocks.get(part) {
            Some(block) => block.matching(selectors, &log.hasher),
            None => self.part(part).look_through(selectors),
        };
        let gone = (self.after.sequence.0 + 1).saturating_sub(self.part(part).first().0);
        found.places.retain(|place| u64::from(*place) >= gone);
        found
    }

    fn begin_after(&mut self, after: Sequence) {
        self.after = self.place(after);
        let gone = self.blocks.partition_point(|block| block.last() <= after);
        self.blocks.drain(..gone);
        self.newest = self.newest.take().filter(|newest| newest.last() > after);
    }

    /// The place of an event of the view; at the beginning that of the reader, and at the head the newest name of it.
    fn place(&self, sequence: Sequence) -> Cursor {
        if sequence == self.head.sequence {
            return self.head;
        }
        let parts = (0..self.parts()).map(|at| self.part(at));
        let event = parts.filter(|part| part.last() >= sequence).find_map(|part| part.get(sequence));
        event.filter(|_| sequence > self.after.sequence).map_or(self.after, |event| event.cursor)
    }

    /// How many blocks there are, the newest events counted as one.
    fn parts(&self) -> usize {
        self.blocks.len() + usize::from(self.newest.is_some())
    }

    fn part(&self, at: usize) -> &Block {
        match (self.blocks.get(at), &self.newest) {
            (Some(block), _) => block,
            (None, Some(newest)) => newest,
            (None, None) => unreachable!("parts are counted"),
        }
    }
}
