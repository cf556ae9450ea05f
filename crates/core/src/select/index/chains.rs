//! Chains: the entries that are kept under one gram.
//!
//! Most grams have one entry, which stands in the table itself. Some have a few, and are a short row. Where many patterns
//! have nothing rarer than the same gram, the row is long: each entry is there as a [`Candidate`], and a topic
//! compares itself with one after the other without looking at the patterns.

use smallvec::SmallVec;

use super::by_hash::ByHash;
use super::candidate::{Candidate, Rest};
use super::chunks::Chunks;
use super::topic_view::TopicView;

/// Entries above which a row is long.
const FEW: usize = 2;

/// All chains, by the keys of their grams. Knows entries by their numbers alone.
#[derive(Default)]
pub(super) struct Chains {
    by_key: ByHash<Chain>,
    rows: Chunks<Row>,
}

enum Chain {
    One(u32),
    /// The number of a row of two or more.
    Row(u32),
}

struct Row {
    key: u64,
    entries: Entries,
}

enum Entries {
    Few(SmallVec<[u32; FEW]>),
    Many(Candidates),
}

/// Two lists of one length. The second is seldom needed, so it may be one step further away.
#[derive(Default)]
struct Candidates {
    candidates: Chunks<Candidate>,
    rests: Box<Chunks<Rest>>,
}

impl Chains {
    /// Adds an entry under a key, and returns its place there. Makes candidates if there are many.
    pub(super) fn add(&mut self, key: u64, entry: u32, candidate: impl Fn(u32) -> (Candidate, Rest)) -> u32 {
        match self.by_key.get(key) {
            None => {
                self.by_key.insert(key, Chain::One(entry));
                0
            }
            Some(Chain::One(first)) => {
                let entries = Entries::Few([*first, entry].as_slice().into());
                self.by_key.insert(key, Chain::Row(self.rows.len() as u32));
                self.rows.push(Row { key, entries });
                1
            }
            Some(Chain::Row(row)) => self.rows[*row as usize].entries.push(entry, candidate),
        }
    }

    /// Takes out the entry at a place. Returns the one that is there now, if another has moved.
    pub(super) fn remove(&mut self, key: u64, place: u32) -> Option<u32> {
        let Some(Chain::Row(row)) = self.by_key.get(key) else {
            self.by_key.remove(key);
            return None;
        };
        let row = *row as usize;
        let entries = &mut self.rows[row].entries;
        entries.swap_remove(place as usize);
        let moved = entries.get(place as usize);
        if let (Some(only), None) = (entries.get(0), entries.get(1)) {
            self.by_key.insert(key, Chain::One(only));
            self.rows.swap_remove(row);
            if let Some(Row { key, .. }) = self.rows.get(row) {
                self.by_key.insert(*key, Chain::Row(row as u32));
            }
        }
        moved
    }

    /// Gives the entry at a place another number.
    pub(super) fn rename(&mut self, key: u64, place: u32, entry: u32) {
        match self.by_key.get(key) {
            None | Some(Chain::One(_)) => drop(self.by_key.insert(key, Chain::One(entry))),
            Some(Chain::Row(row)) => match &mut self.rows[*row as usize].entries {
                Entries::Few(few) => few[place as usize] = entry,
                Entries::Many(many) => many.candidates[place as usize].entry = entry,
            },
        }
    }

    /// Whether there is any entry under a key.
    pub(super) fn has(&self, key: u64) -> bool {
        self.by_key.get(key).is_some()
    }

    /// Visits the entries under a key that may match a topic until it is told to stop, and returns whether it was.
    pub(super) fn any(
        &self,
        key: u64,
        topic: &TopicView,
        seed: u64,
        mut visit: impl FnMut(u32) -> bool,
    ) -> bool {
        match self.by_key.get(key) {
            None => false,
            Some(Chain::One(entry)) => visit(*entry),
            Some(Chain::Row(row)) => match &self.rows[*row as usize].entries {
                Entries::Few(few) => few.iter().any(|entry| visit(*entry)),
                Entries::Many(many) => many.any(topic, seed, visit),
            },
        }
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.by_key.capacity() + self.rows.capacity()
    }
}

impl Entries {
    fn push(&mut self, entry: u32, candidate: impl Fn(u32) -> (Candidate, Rest)) -> u32 {
        match self {
            Self::Few(few) if few.len() < FEW => {
                few.push(entry);
                few.len() as u32 - 1
            }
            Self::Few(few) => {
                let mut many = Candidates::default();
                few.iter().chain([&entry]).for_each(|entry| many.push(candidate(*entry)));
                *self = Self::Many(many);
                FEW as u32
            }
            Self::Many(many) => {
                many.push(candidate(entry));
                many.candidates.len() as u32 - 1
            }
        }
    }

    fn swap_remove(&mut self, place: usize) {
        match self {
            Self::Few(few) => drop(few.swap_remove(place)),
            Self::Many(many) => {
                many.candidates.swap_remove(place);
                many.rests.swap_remove(place);
                if many.candidates.len() <= FEW {
                    *self = Self::Few(many.candidates.iter().map(|candidate| candidate.entry).collect());
                }
            }
        }
    }

    fn get(&self, place: usize) -> Option<u32> {
        match self {
            Self::Few(few) => few.get(place).copied(),
            Self::Many(many) => many.candidates.get(place).map(|candidate| candidate.entry),
        }
    }
}

impl Candidates {
    fn push(&mut self, (candidate, rest): (Candidate, Rest)) {
        self.candidates.push(candidate);
        self.rests.push(rest);
    }

    fn any(&self, topic: &TopicView, seed: u64, mut visit: impl FnMut(u32) -> bool) -> bool {
        let Some(grams) = topic.grams(seed, self.candidates.len()) else {
            let signature = topic.signature(seed);
            let mut candidates = self.candidates.iter().filter(|candidate| candidate.is_within(signature));
            return candidates.any(|candidate| visit(candidate.entry));
        };
        for (candidates, rests) in self.candidates.slices().zip(self.rests.slices()) {
            for (candidate, rest) in candidates.iter().zip(rests) {
                let places = candidate.places(grams);
                if places != 0 && rest.may_match(grams, places) && visit(candidate.entry) {
                    return true;
                }
            }
        }
        false
    }
}
