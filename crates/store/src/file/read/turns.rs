//! The order in which readings that wait get their turns.
//!
//! The reading that was given the least work so far goes first, so that a small one never waits for a large one to end.
//! Every few turns the oldest goes first instead, so that none waits for ever. It knows no threads.

use std::collections::{BTreeMap, BTreeSet};

use crate::limits::TURNS_PER_OLDEST;

/// A reading's number: a later one has a greater number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Arrival(u64);

/// Readings that wait for a turn.
#[derive(Debug)]
pub(crate) struct Turns<R> {
    waiting: BTreeMap<Arrival, Waiting<R>>,
    by_work: BTreeSet<(u64, Arrival)>,
    arrivals: u64,
    /// How often one was taken.
    taken: u64,
    /// How many may wait that were given some work already.
    begun_max: usize,
    begun: usize,
}

#[derive(Debug)]
struct Waiting<R> {
    reading: R,
    work: u64,
}

/// Whose turn it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Next<R> {
    pub(crate) arrival: Arrival,
    pub(crate) reading: R,
    /// Too many readings have begun, and this one was given the most work: it is to end with what it has.
    pub(crate) is_last: bool,
}

impl<R> Turns<R> {
    pub(crate) fn new(begun_max: usize) -> Self {
        let (waiting, by_work) = (BTreeMap::new(), BTreeSet::new());
        Self { waiting, by_work, arrivals: 0, taken: 0, begun_max, begun: 0 }
    }

    /// Adds a reading that has not begun.
    pub(crate) fn arrive(&mut self, reading: R) -> Arrival {
        self.arrivals += 1;
        let arrival = Arrival(self.arrivals);
        self.wait(arrival, reading, 0);
        arrival
    }

    /// Adds a reading again, which was given this much work in all its turns.
    pub(crate) fn wait(&mut self, arrival: Arrival, reading: R, work: u64) {
        self.by_work.insert((work, arrival));
        self.begun += usize::from(work > 0);
        self.waiting.insert(arrival, Waiting { reading, work });
    }

    /// Takes a reading out that is not to go on, if it waits.
    pub(crate) fn leave(&mut self, arrival: Arrival) -> Option<R> {
        let Waiting { reading, work } = self.waiting.remove(&arrival)?;
        self.by_work.remove(&(work, arrival));
        self.begun -= usize::from(work > 0);
        Some(reading)
    }

    /// Takes out the one whose turn it is.
    pub(crate) fn next(&mut self) -> Option<Next<R>> {
        let is_last = self.begun > self.begun_max;
        let (_, least) = *self.by_work.first()?;
        let (_, most) = *self.by_work.last()?;
        let (oldest, _) = self.waiting.first_key_value()?;
        self.taken += 1;
        let arrival = match self.taken % TURNS_PER_OLDEST {
            _ if is_last => most,
            0 => *oldest,
            _ => least,
        };
        let reading = self.leave(arrival)?;
        Some(Next { arrival, reading, is_last })
    }

    /// Takes all out.
    pub(crate) fn clear(&mut self) -> Self {
        std::mem::replace(self, Self::new(self.begun_max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives turns of one unit each to readings that need as many units as they say, and returns the order.
    fn order(turns: &mut Turns<(&'static str, u64)>, count: usize) -> String {
        let mut order = Vec::new();
        while order.len() < count {
            let Some(next) = turns.next() else { break };
            let (name, left) = next.reading;
            let work = next_work(name, &order) + 1;
            order.push(name);
            if left > 1 && !next.is_last {
                turns.wait(next.arrival, (name, left - 1), work);
            }
        }
        order.concat()
    }

    fn next_work(name: &str, order: &[&str]) -> u64 {
        order.iter().filter(|other| **other == name).count() as u64
    }

    #[test]
    fn readings_of_equal_work_go_in_the_order_of_their_arrival() {
        let mut turns = Turns::new(10);
        for name in ["a", "b", "c"] {
            turns.arrive((name, 1));
        }

        assert_eq!(order(&mut turns, 9), "abc");
    }

    #[test]
    fn a_small_reading_passes_the_large_ones_that_were_there_before() {
        let mut turns = Turns::new(10);
        turns.arrive(("a", 100));
        turns.arrive(("b", 100));
        assert_eq!(order(&mut turns, 6), "abaabb");

        turns.arrive(("s", 1));
        assert_eq!(order(&mut turns, 1), "s");
    }

    #[test]
    fn the_oldest_gets_every_fourth_turn_however_many_small_ones_come() {
        let mut turns = Turns::new(10);
        turns.arrive(("a", 100));
        let mut given = order(&mut turns, 1);
        for _ in 0..40 {
            turns.arrive(("s", 1));
            turns.arrive(("s", 1));
            given += &order(&mut turns, 1);
        }

        let expected = format!("a{}", "ssas".repeat(10));
        assert_eq!(given, expected);
    }

    #[test]
    fn a_reading_that_has_left_gets_no_turn() {
        let mut turns = Turns::new(10);
        let leaves = turns.arrive(("a", 5));
        turns.arrive(("b", 1));

        assert_eq!(turns.leave(leaves), Some(("a", 5)));
        assert_eq!(turns.leave(leaves), None);
        assert_eq!(order(&mut turns, 9), "b");
    }

    #[test]
    fn the_reading_with_the_most_work_is_told_to_end_when_too_many_have_begun() {
        let mut turns = Turns::new(2);
        let arrivals = ["a", "b", "c"].map(|name| turns.arrive((name, 9)));
        for (arrival, work) in arrivals.into_iter().zip([1, 3, 2]) {
            let reading = turns.leave(arrival).unwrap();
            turns.wait(arrival, reading, work);
        }

        let next = turns.next().unwrap();
        assert_eq!((next.reading.0, next.is_last), ("b", true));
        // As many as may have begun are left, and the least work goes first again.
        let next = turns.next().unwrap();
        assert_eq!((next.reading.0, next.is_last), ("a", false));
    }
}
