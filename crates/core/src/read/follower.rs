//! Stop 7 of the walk: a follower, a cursor that catches up with the log and follows it.
//!
//! ```text
//!              the rings no longer hold what comes next
//!   rings ------------------------------------------------> log
//!     ^                                                      |
//!     '------------------------------------------------------'
//!                          a page was read
//! ```
//!
//! It is a pure machine: it reads nothing and waits for nothing. Its driver asks what it [needs](Follower::needs), and
//! hands it what the rings or the store say. Lanes, tasks and history drive the same machine. A gap is declared, and
//! the follower goes on behind it.

use crate::event::{Cursor, Event};
use crate::live::scan::Scan;
use crate::live::{Frame, Reach};
use crate::read::gap::{Gap, Lost, OnGap};
use crate::select::Selectors;
use crate::store::{Query, Reading, Start};

/// A place in the log that moves on as events are taken.
#[derive(Debug, Clone)]
pub struct Follower {
    selectors: Selectors,
    on_gap: OnGap,
    cursor: Cursor,
    needs: Needs,
}

/// Where a follower finds what comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// In the rings: hand it [what they hold](Follower::take_reach) after its cursor.
    Rings,
    /// Behind the rings: [`Hub::next_page`](crate::Hub::next_page) finds it and hands it over.
    Log,
}

/// What came of what a follower was handed.
#[derive(Debug, Clone)]
pub enum Step {
    /// This is next for the subscriber.
    Deliver(Delivery),
    /// Nothing for the subscriber; ask again what the follower needs.
    Again,
    /// Nothing until the rings move.
    Wait,
    /// Nothing any more: the hub is closing, and all was handed out.
    End,
}

/// What a subscriber gets next.
#[derive(Debug, Clone)]
pub enum Delivery {
    /// Events in order, at least one.
    Frames(Vec<Frame>),
    /// Events that can no longer be had. What follows begins after [`Gap::resumes_after`].
    Gap(Gap),
}

impl Follower {
    /// A follower at a place, which looks into the rings first.
    pub fn new(selectors: Selectors, on_gap: OnGap, place: Cursor) -> Self {
        Self { selectors, on_gap, cursor: place, needs: Needs::Rings }
    }

    /// What comes next, of this size at most.
    pub fn query(&self, events_max: usize, bytes_max: usize) -> Query {
        let start = Start::After(self.cursor);
        Query { start, selectors: self.selectors.clone(), events_max, bytes_max }
    }

    /// Takes what the rings hold after the cursor.
    pub fn take_reach(&mut self, reach: Reach) -> Step {
        match reach {
            Reach::Frames { frames, through } => {
                self.cursor = through;
                Step::Deliver(Delivery::Frames(frames))
            }
            Reach::Nothing { through } => {
                self.cursor = through;
                Step::Wait
            }
            Reach::Lagged => {
                self.needs = Needs::Log;
                Step::Again
            }
            Reach::NewEpoch { ended, head } if self.cursor.sequence <= ended => {
                self.cursor.epoch = head.epoch;
                Step::Again
            }
            Reach::NewEpoch { ended, head } => self.fall_into(Lost::OtherEpoch, head.at(ended), head),
            Reach::Closed => Step::End,
        }
    }

    /// Takes what a look at the frames of the window has found.
    pub(crate) fn take_scan(&mut self, scan: Scan) -> Step {
        self.needs = Needs::Rings;
        self.cursor = scan.through;
        match scan.frames.is_empty() {
            true => Step::Again,
            false => Step::Deliver(Delivery::Frames(scan.frames)),
        }
    }

    /// Takes the store's answer to the query. `head` is the end of the log now.
    pub fn take_reading(&mut self, reading: Reading, head: Cursor) -> Step {
        self.needs = Needs::Rings;
        match reading {
            Reading::Page(page) => {
                let moved = page.next != self.cursor;
                self.cursor = page.next;
                match page.events.is_empty() {
                    false => {
                        Step::Deliver(Delivery::Frames(page.events.into_iter().map(Frame::of).collect()))
                    }
                    true if moved => Step::Again,
                    // The rings do not hold this place and the store has nothing behind it: the feed is about to come.
                    true => Step::Wait,
                }
            }
            Reading::Lost { lost, resumes_after } => self.fall_into(lost, resumes_after, head),
        }
    }

    /// Moves the cursor over events that were not asked for, as far as the rings show that there are none.
    ///
    /// A client that is told this place from time to time does not fall out of the log on a quiet topic.
    pub fn pass_over(&mut self, reach: &Reach) {
        if let Reach::Nothing { through } = reach {
            self.cursor = *through;
        }
    }

    /// Where it finds what comes next.
    pub fn needs(&self) -> Needs {
        self.needs
    }

    /// The place up to which it has handed out everything that was asked for.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// What was asked for.
    pub fn selectors(&self) -> &Selectors {
        &self.selectors
    }

    /// What happens to it at a gap.
    pub fn on_gap(&self) -> OnGap {
        self.on_gap
    }

    fn fall_into(&mut self, lost: Lost, earliest: Cursor, head: Cursor) -> Step {
        let gap = self.on_gap.declare(self.cursor.to_string(), lost, earliest, head);
        self.cursor = gap.resumes_after;
        Step::Deliver(Delivery::Gap(gap))
    }
}

impl Delivery {
    /// The events; none of a gap.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        let frames = match self {
            Self::Frames(frames) => &frames[..],
            Self::Gap(_) => &[],
        };
        frames.iter().map(Frame::event)
    }
}
