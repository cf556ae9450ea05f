//! Walks over the events that match, forwards or backwards, a step at a time.
//!
//! Between two steps a reading holds nothing of the log but the numbers of events in one block, so that what retention takes
//! meanwhile leaves memory at once. Each step finds its place in the log again.

use std::ops::Range;

use super::MemoryLog;
use super::contents::Contents;
use super::events::Part;
use super::index::Listed;
use super::indexes::Made;
use super::work::Work;
use crate::event::{Cursor, Event, Sequence};
use crate::limits::{
    MEMORY_LOOKS_PER_COMPARISON, MEMORY_LOOKS_PER_EVENT, MEMORY_LOOKS_PER_INDEXED, MEMORY_LOOKS_PER_LOOKUP,
};
use crate::select::Selectors;

/// Where a walk leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Towards {
    /// To the newest event that the reading may see.
    Head,
    /// To the oldest event that is held.
    Floor,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// There is more to look at.
    More,
    /// The visitor has had enough. The walk stands before the event that it was shown last.
    Enough,
    /// All was looked at.
    End,
    /// Retention has taken the event that comes next on the way to the head.
    Overtaken,
}

/// What a visitor says of an event that it was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Visit {
    GoOn,
    Enough,
}

/// The log went on in another epoch, so that a reading has to begin again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EpochChanged;

pub(super) struct Scan<'a> {
    log: &'a MemoryLog,
    selectors: &'a Selectors,
    /// All but reserved topics match, so that no index is asked and a comparison is no work to speak of.
    takes_nearly_all: bool,
    towards: Towards,
    /// The event that comes next.
    at: Sequence,
    /// Everything up to here was looked at, if the walk leads to the head.
    passed: Cursor,
    /// The last event that may be seen.
    head: Cursor,
    /// What may match in the block that the walk is in.
    candidates: Option<Candidates>,
    work: Work,
}

impl<'a> Scan<'a> {
    /// A walk from after a place to the head.
    pub(super) fn onwards(
        (log, selectors): (&'a MemoryLog, &'a Selectors),
        after: Cursor,
        head: Cursor,
    ) -> Self {
        Self {
            log,
            selectors,
            takes_nearly_all: selectors.matches_all_unreserved(),
            towards: Towards::Head,
            at: after.sequence.next(),
            passed: after,
            head,
            candidates: None,
            work: Work::new(selectors),
        }
    }

    /// A walk back from the head.
    pub(super) fn back((log, selectors): (&'a MemoryLog, &'a Selectors), head: Cursor) -> Self {
        let scan = Self::onwards((log, selectors), head, head);
        Self { towards: Towards::Floor, at: head.sequence, ..scan }
    }

    /// Shows the events that match to a visitor, until it has had enough or until the work is to be charged for. Gets
    /// somewhere each time.
    pub(super) fn step(&mut self, mut visit: impl FnMut(&Event) -> Visit) -> Result<Step, EpochChanged> {
        let part = match self.look(&self.log.contents())? {
            Ok(found) => found,
            Err(ended) => return Ok(ended),
        };
        self.work.add(MEMORY_LOOKS_PER_LOOKUP);
        let events = part.events();
        let kept = self.candidates.take().filter(|candidates| candidates.are_of(events));
        let mut candidates = kept.unwrap_or_else(|| self.candidates_of(&part));
        while let Some((place, topic)) = candidates.next() {
            let event = &events[usize::from(place)];
            if event.cursor.sequence > self.head.sequence {
                break;
            }
            let decided = topic.map(|topic| &mut candidates.decided[usize::from(topic)]);
            if self.matches(event, decided) && visit(event) == Visit::Enough {
                self.stand_before(&events[..usize::from(place)]);
                return Ok(Step::Enough);
            }
            self.pass(event, event);
            if self.work.is_step() {
                self.candidates = Some(candidates);
                return Ok(Step::More);
            }
        }
        if let [first, .., last] | [first @ last] = events {
            self.pass(first, last);
        }
        Ok(Step::More)
    }

    /// The work since this was asked last.
    pub(super) fn take_units(&mut self) -> u64 {
        self.work.take_units()
    }

    /// Everything up to here was looked at by a walk to the head.
    pub(super) fn passed(&self) -> Cursor {
        self.passed
    }

    /// The part of the log that comes next, or why there is none. Its first events may be gone: a walk to the floor may look at
    /// them, since all that it says is that the floor was reached.
    fn look(&self, contents: &Contents) -> Result<Result<Part, Step>, EpochChanged> {
        let (head, floor) = (contents.head(), contents.floor.sequence);
        if head.epoch != self.head.epoch {
            return Err(EpochChanged);
        }
        Ok(match self.towards {
            Towards::Head if self.at > self.head.sequence => Err(Step::End),
            Towards::Head if self.at <= floor => Err(Step::Overtaken),
            Towards::Floor if self.at <= floor => Err(Step::End),
            Towards::Head | Towards::Floor => Ok(contents.events.part(self.at, self.towards)),
        })
    }

    /// Goes on behind a run of events.
    fn pass(&mut self, first: &Event, last: &Event) {
        match self.towards {
            Towards::Head => {
                let is_in_sight = last.cursor.sequence < self.head.sequence;
                self.passed = if is_in_sight { last.cursor } else { self.head };
                self.at = self.passed.sequence.next();
            }
            Towards::Floor => self.at = first.cursor.sequence.previous(),
        }
    }

    /// Goes on with the event that follows some of its part, of which none is shown any more.
    fn stand_before(&mut self, events: &[Event]) {
        if let (Towards::Head, Some(last)) = (self.towards, events.last())
            && last.cursor.sequence > self.passed.sequence
        {
            self.pass(last, last);
        }
    }

    /// Whether an event matches. What was decided of its topic is remembered, if there is room for that.
    fn matches(&mut self, event: &Event, decided: Option<&mut Option<bool>>) -> bool {
        self.work.add(MEMORY_LOOKS_PER_EVENT);
        if let Some(Some(decided)) = decided {
            return *decided;
        }
        let topic = event.draft.topic();
        if !self.takes_nearly_all {
            self.work.add(MEMORY_LOOKS_PER_COMPARISON);
            self.work.compare(topic.as_str());
        }
        let matches = self.selectors.matches(topic);
        if let Some(decided) = decided {
            *decided = Some(matches);
        }
        matches
    }

    /// The events of a part that are on the way and may match.
    fn candidates_of(&mut self, part: &Part) -> Candidates {
        let events = part.events();
        let first = events.first().map_or(self.at, |event| event.cursor.sequence);
        let at = (self.at.0 - first.0) as u16;
        let range = match self.towards {
            Towards::Head => at..events.len() as u16,
            Towards::Floor => 0..at + 1,
        };
        let listed = match part {
            Part::Block(block) if !self.takes_nearly_all => {
                let indexes = &self.log.indexes;
                let list = indexes.look(block, |index| {
                    index.list(self.selectors, (events, range.clone()), &indexes.hasher)
                });
                list.map(|(listed, made)| {
                    let making = MEMORY_LOOKS_PER_INDEXED * events.len() as u64;
                    self.work.add(listed.looks + if made == Made::Now { making } else { 0 });
                    listed
                })
            }
            Part::Block(_) | Part::Newest(_) => None,
        };
        Candidates::new((first, events.len()), self.towards, range, listed)
    }
}

/// Events of a part of the log that may match, in the order in which they are looked at.
struct Candidates {
    /// The first event of the part, and how many it has.
    part: (Sequence, usize),
    towards: Towards,
    /// If there is no list: all of these that were not looked at.
    range: Range<u16>,
    /// Places in the part, the next one last, each with a number of its topic.
    listed: Option<Vec<(u16, u16)>>,
    /// What was decided of each topic in the list.
    decided: Vec<Option<bool>>,
}

impl Candidates {
    fn new(part: (Sequence, usize), towards: Towards, range: Range<u16>, listed: Option<Listed>) -> Self {
        let (listed, topics) = listed.map_or((None, 0), |listed| (Some(listed.places), listed.topics));
        let listed = listed.map(|mut places| {
            if towards == Towards::Head {
                places.reverse();
            }
            places
        });
        Self { part, towards, range, listed, decided: vec![None; topics] }
    }

    /// Whether they are of a part that has these events.
    fn are_of(&self, events: &[Event]) -> bool {
        let (first, len) = self.part;
        events.len() == len && events.first().is_some_and(|event| event.cursor.sequence == first)
    }

    /// The place of the next one, and the number of its topic if it is known to have others.
    fn next(&mut self) -> Option<(u16, Option<u16>)> {
        match (&mut self.listed, self.towards) {
            (Some(listed), _) => listed.pop().map(|(place, topic)| (place, Some(topic))),
            (None, Towards::Head) => self.range.next().map(|place| (place, None)),
            (None, Towards::Floor) => self.range.next_back().map(|place| (place, None)),
        }
    }
}
