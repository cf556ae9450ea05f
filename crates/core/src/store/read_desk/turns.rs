//! The order in which readings that wait get their turns.
//!
//! The reading that was given the least work so far goes first, so that a small one never waits for a large one to end.
//! Every few turns the oldest goes first instead, so that none waits for ever. It knows no threads.

use std::collections::{BTreeMap, BTreeSet};

use crate::limits::TURNS_PER_OLDEST;

/// A reading's number: a later one has a greater number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Arrival(u64);

/// Readings that wait for a turn.
#[derive(Debug)]
pub(super) struct Turns<R> {
    waiting: BTreeMap<Arrival, Waiting<R>>,
    by_work: BTreeSet<(u64, Arrival)>,
    /// Those that may end with what they have.
    pages: BTreeSet<(u64, Arrival)>,
    /// Those that have begun and can say what they have: all but searches for an id.
    answerable: BTreeSet<(u64, Arrival)>,
    arrivals: u64,
    /// How often one was taken.
    taken: u64,
    begun: usize,
    bounds: Begun,
}

/// How many readings may wait in the midst of their work.
#[derive(Debug, Clone, Copy)]
pub struct Begun {
    /// Of all.
    pub readings_max: usize,
    /// Of those that fill a page.
    pub pages_max: usize,
}

/// How far a reading has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress {
    /// The work that it was given.
    pub(super) work: u64,
    pub(super) stage: Stage,
}

/// What a reading does, which says what is lost if it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Looks for an id. Until it has found it, it has no answer at all.
    IdSearch,
    /// Looks for the newest events, or has not begun. It answers with those that it has found.
    Search,
    /// Fills a page, which may end anywhere.
    Page,
}

#[derive(Debug)]
struct Waiting<R> {
    reading: R,
    progress: Progress,
}

/// Whose turn it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Next<R> {
    pub(super) arrival: Arrival,
    pub(super) reading: R,
    /// Too many readings have begun, and this one was given the most work: it is to end with what it has.
    pub(super) is_last: bool,
}

impl<R> Turns<R> {
    pub(super) fn new(bounds: Begun) -> Self {
        Self {
            waiting: BTreeMap::new(),
            by_work: BTreeSet::new(),
            pages: BTreeSet::new(),
            answerable: BTreeSet::new(),
            arrivals: 0,
            taken: 0,
            begun: 0,
            bounds,
        }
    }

    /// Adds a reading that has come this far before it came here.
    pub(super) fn arrive(&mut self, reading: R, progress: Progress) -> Arrival {
        self.arrivals += 1;
        let arrival = Arrival(self.arrivals);
        self.wait(arrival, reading, progress);
        arrival
    }

    /// Adds a reading again that has come this far in all its turns.
    pub(super) fn wait(&mut self, arrival: Arrival, reading: R, progress: Progress) {
        self.by_work.insert((progress.work, arrival));
        if progress.stage == Stage::Page {
            self.pages.insert((progress.work, arrival));
        }
        if progress.stage != Stage::IdSearch && progress.work > 0 {
            self.answerable.insert((progress.work, arrival));
        }
        self.begun += usize::from(progress.work > 0);
        self.waiting.insert(arrival, Waiting { reading, progress });
    }

    /// Takes a reading out that is not to go on, if it waits.
    pub(super) fn leave(&mut self, arrival: Arrival) -> Option<R> {
        let Waiting { reading, progress } = self.waiting.remove(&arrival)?;
        self.by_work.remove(&(progress.work, arrival));
        self.pages.remove(&(progress.work, arrival));
        self.answerable.remove(&(progress.work, arrival));
        self.begun -= usize::from(progress.work > 0);
        Some(reading)
    }

    /// Takes out the one whose turn it is.
    pub(super) fn next(&mut self) -> Option<Next<R>> {
        let (_, least) = *self.by_work.first()?;
        let (oldest, _) = self.waiting.first_key_value()?;
        self.taken += 1;
        let last = self.last();
        let arrival = match (last, self.taken % TURNS_PER_OLDEST) {
            (Some(last), _) => last,
            (None, 0) => *oldest,
            (None, _) => least,
        };
        let reading = self.leave(arrival)?;
        Some(Next { arrival, reading, is_last: last.is_some() })
    }

    /// The reading that is to end because too many have begun. A page loses nothing by that, and a search all that it did, so
    /// there may be many more searches than pages. A search for an id goes only if nothing else has begun: it has no answer yet.
    fn last(&self) -> Option<Arrival> {
        let last = if self.pages.len() > self.bounds.pages_max {
            self.pages.last()
        } else if self.begun > self.bounds.readings_max {
            self.answerable.last().or(self.by_work.last())
        } else {
            None
        };
        last.map(|(_, arrival)| *arrival)
    }

    /// Takes all out.
    pub(super) fn clear(&mut self) -> Self {
        std::mem::replace(self, Self::new(self.bounds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns<R>() -> Turns<R> {
        Turns::new(Begun { readings_max: 10, pages_max: 10 })
    }

    fn search(work: u64) -> Progress {
        Progress { work, stage: Stage::Search }
    }

    /// Gives turns of one unit each to readings that need as many units as they say, and returns the order.
    fn order(turns: &mut Turns<(&'static str, u64)>, count: usize) -> String {
        let mut order = Vec::new();
        while order.len() < count {
            let Some(next) = turns.next() else { break };
            let (name, left) = next.reading;
            let work = next_work(name, &order) + 1;
            order.push(name);
            if left > 1 && !next.is_last {
                turns.wait(next.arrival, (name, left - 1), search(work));
            }
        }
        order.concat()
    }

    fn next_work(name: &str, order: &[&str]) -> u64 {
        order.iter().filter(|other| **other == name).count() as u64
    }

    #[test]
    fn readings_of_equal_work_go_in_the_order_of_their_arrival() {
        let mut turns = turns();
        for name in ["a", "b", "c"] {
            turns.arrive((name, 1), search(0));
        }

        assert_eq!(order(&mut turns, 9), "abc");
    }

    #[test]
    fn a_small_reading_passes_the_large_ones_that_were_there_before() {
        let mut turns = turns();
        turns.arrive(("a", 100), search(0));
        turns.arrive(("b", 100), search(0));
        assert_eq!(order(&mut turns, 6), "abaabb");

        turns.arrive(("s", 1), search(0));
        assert_eq!(order(&mut turns, 1), "s");
    }

    #[test]
    fn the_oldest_gets_every_fourth_turn_however_many_small_ones_come() {
        let mut turns = turns();
        turns.arrive(("a", 100), search(0));
        let mut given = order(&mut turns, 1);
        for _ in 0..40 {
            turns.arrive(("s", 1), search(0));
            turns.arrive(("s", 1), search(0));
            given += &order(&mut turns, 1);
        }

        let expected = format!("a{}", "ssas".repeat(10));
        assert_eq!(given, expected);
    }

    #[test]
    fn a_reading_that_has_left_gets_no_turn() {
        let mut turns = turns();
        let leaves = turns.arrive(("a", 5), search(0));
        turns.arrive(("b", 1), search(0));

        assert_eq!(turns.leave(leaves), Some(("a", 5)));
        assert_eq!(turns.leave(leaves), None);
        assert_eq!(order(&mut turns, 9), "b");
    }

    #[test]
    fn the_search_with_the_most_work_is_told_to_end_when_too_many_have_begun() {
        let mut turns = Turns::new(Begun { readings_max: 2, pages_max: 10 });
        let arrivals = ["a", "b", "c"].map(|name| turns.arrive(name, search(0)));
        for (arrival, work) in arrivals.into_iter().zip([1, 3, 2]) {
            let reading = turns.leave(arrival).unwrap();
            turns.wait(arrival, reading, search(work));
        }

        let next = turns.next().unwrap();
        assert_eq!((next.reading, next.is_last), ("b", true));
        // As many as may have begun are left, and the least work goes first again.
        let next = turns.next().unwrap();
        assert_eq!((next.reading, next.is_last), ("a", false));
    }

    #[test]
    fn pages_are_told_to_end_before_searches_with_more_work() {
        let mut turns = Turns::new(Begun { readings_max: 10, pages_max: 1 });
        let arrivals = ["search", "short", "long"].map(|name| turns.arrive(name, search(0)));
        for (arrival, work) in arrivals.into_iter().zip([9, 1, 2]) {
            let reading = turns.leave(arrival).unwrap();
            let stage = if work < 9 { Stage::Page } else { Stage::Search };
            turns.wait(arrival, reading, Progress { work, stage });
        }

        let next = turns.next().unwrap();
        assert_eq!((next.reading, next.is_last), ("long", true));
        let next = turns.next().unwrap();
        assert_eq!((next.reading, next.is_last), ("short", false));
    }

    #[test]
    fn a_search_for_an_id_is_told_to_end_only_if_nothing_else_has_begun() {
        let mut turns = Turns::new(Begun { readings_max: 1, pages_max: 10 });
        let arrivals = ["id", "newest", "page", "other id", "new"].map(|name| turns.arrive(name, search(0)));
        let stages = [Stage::IdSearch, Stage::Search, Stage::Page, Stage::IdSearch];
        for ((arrival, stage), work) in arrivals.into_iter().zip(stages).zip([9, 3, 2, 1]) {
            let reading = turns.leave(arrival).unwrap();
            turns.wait(arrival, reading, Progress { work, stage });
        }

        let mut order = Vec::new();
        while let Some(next) = turns.next() {
            order.push((next.reading, next.is_last));
        }

        let ended = [("newest", true), ("page", true), ("id", true)];
        assert_eq!(order, [&ended[..], &[("other id", false), ("new", false)]].concat());
    }
}
