//! An index from the literal segments of topics to the topics, so that a pattern is compared with a few of them.
//!
//! A topic that matches a pattern has each literal segment of the pattern among its own. So only the topics that have the
//! rarest of these segments need be compared. Literals that many topics have lead nowhere: of those the index only knows
//! that they are common. It takes nothing out; when too many of the topics are of no use any more, make another one.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

use smallvec::SmallVec;

use crate::limits::{LITERAL_TOPICS_MAX, LITERALS_MAX};
use crate::select::Selector;

/// What topics are entered under that have more than [`LITERALS_MAX`] different segments. No segment has a slash.
pub const OF_LONG_TOPICS: &str = "/";

/// What a topic is entered under in an index: each of its different segments; or [`OF_LONG_TOPICS`] alone, if they are
/// more than [`LITERALS_MAX`].
pub fn literals_of_topic(topic: &str) -> impl Iterator<Item = &str> {
    let mut literals = SmallVec::<[&str; LITERALS_MAX]>::new();
    for segment in topic.split('/') {
        if literals.contains(&segment) {
            continue;
        }
        if literals.len() == LITERALS_MAX {
            literals.clear();
            literals.push(OF_LONG_TOPICS);
            break;
        }
        literals.push(segment);
    }
    literals.into_iter()
}

/// The first segments of a selector that are no wildcards, at most [`LITERALS_MAX`]: the topics that it matches have each of
/// them. One may come twice.
pub fn literals_of_selector(selector: &Selector) -> impl Iterator<Item = &str> {
    let literals = selector.as_str().split('/').filter(|segment| !matches!(*segment, "*" | "**"));
    literals.take(LITERALS_MAX)
}

/// An index from literals to topics, in memory. Topics are numbered from 0 on, in the order in which they are added.
///
/// A topic takes 15 to 30 bytes for each of its segments that no other topic has, and 4 to 8 bytes for one that a few
/// have, plus some 50 bytes for each such segment. A segment that more than [`LITERAL_TOPICS_MAX`] topics have takes nothing.
#[derive(Default)]
pub struct Literals {
    /// The hash function is of this index alone: publishers choose the literals, and could make many of them collide.
    hash: RandomState,
    /// By a part of the literal's hash. Literals that share it share their topics, which only means that more of them are
    /// compared.
    holders: HashMap<u32, Holders, BuildHasherDefault<Spread>>,
    /// The topics of the literals that several have, ascending.
    lists: Vec<Vec<u32>>,
    topics: u32,
}

/// Which topics have a literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holders {
    /// This one.
    One(u32),
    /// Those in the list with this number.
    Several(u32),
    /// More than [`LITERAL_TOPICS_MAX`].
    Many,
}

impl Literals {
    /// Adds a topic that is not there yet, and returns its number.
    pub fn add(&mut self, topic: &str) -> u32 {
        let number = self.topics;
        self.topics += 1;
        for literal in literals_of_topic(topic) {
            let key = self.key(literal);
            match self.holders.entry(key) {
                Entry::Vacant(new) => {
                    new.insert(Holders::One(number));
                }
                Entry::Occupied(mut known) => known.get_mut().add(number, &mut self.lists),
            }
        }
        number
    }

    /// Forgets the topics from this number on. A literal that was common stays so, though it may be common no more.
    pub fn truncate(&mut self, topics: u32) {
        self.topics = self.topics.min(topics);
        let lists = &mut self.lists;
        lists.iter_mut().for_each(|list| list.truncate(list.partition_point(|topic| *topic < topics)));
        self.holders.retain(|_, holders| {
            if let Holders::Several(list) = *holders {
                match lists.get(list as usize).map_or(&[][..], Vec::as_slice) {
                    [] => return false,
                    [first] => *holders = Holders::One(*first),
                    _ => {}
                }
            }
            !matches!(*holders, Holders::One(topic) if topic >= topics)
        });
        // Lists stand in the order of their second topics, so those that are not used any more are the last ones.
        while lists.last().is_some_and(|list| list.len() < 2) {
            lists.pop();
        }
    }

    /// How many topics were added.
    pub fn topics(&self) -> u32 {
        self.topics
    }

    /// The numbers, ascending, of all topics that may match a selector. Each is to be compared with it: most do not match.
    /// There are at most twice [`LITERAL_TOPICS_MAX`]. None if the index cannot tell, because the selector has no literal
    /// or because many topics have each of its literals.
    pub fn candidates(&self, selector: &Selector) -> Option<Vec<u32>> {
        let holders = literals_of_selector(selector).filter_map(|literal| self.holders(literal));
        let rarest = holders.min_by_key(|topics| topics.len())?;
        let long = self.holders(OF_LONG_TOPICS)?;
        let mut candidates = [rarest, long].concat();
        candidates.sort_unstable();
        candidates.dedup();
        Some(candidates)
    }

    /// Bytes of memory that the index takes, about.
    pub fn bytes(&self) -> usize {
        // A slot of the table has one byte beside the entry, and an eighth of the slots stays free.
        let slots = self.holders.capacity() * 8 / 7;
        let lists: usize = self.lists.iter().map(|list| size_of_val(list) + 4 * list.capacity()).sum();
        slots * (size_of::<(u32, Holders)>() + 1) + lists
    }

    /// The topics that have a literal; none if they are many.
    fn holders(&self, literal: &str) -> Option<&[u32]> {
        match self.holders.get(&self.key(literal)) {
            None => Some(&[]),
            Some(Holders::One(topic)) => Some(std::slice::from_ref(topic)),
            Some(Holders::Several(list)) => self.lists.get(*list as usize).map(Vec::as_slice),
            Some(Holders::Many) => None,
        }
    }

    fn key(&self, literal: &str) -> u32 {
        self.hash.hash_one(literal) as u32
    }
}

impl Holders {
    /// Adds a topic that is newer than all that are there.
    fn add(&mut self, topic: u32, lists: &mut Vec<Vec<u32>>) {
        match *self {
            // Two literals of the topic share a key.
            Self::One(same) if same == topic => {}
            Self::One(first) => {
                *self = Self::Several(lists.len() as u32);
                lists.push(vec![first, topic]);
            }
            Self::Several(list) => {
                let Some(list) = lists.get_mut(list as usize) else { return };
                if list.last() == Some(&topic) {
                    return;
                }
                if list.len() < LITERAL_TOPICS_MAX {
                    list.push(topic);
                } else {
                    *list = Vec::new();
                    *self = Self::Many;
                }
            }
            Self::Many => {}
        }
    }
}

/// The hasher of a part of a hash: it only makes use of all bits of the table's own.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u32(&mut self, part: u32) {
        // The golden ratio: see Knuth, The Art of Computer Programming, volume 3, section 6.4.
        self.0 = u64::from(part).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write(&mut self, bytes: &[u8]) {
        // Not reached for keys that are a u32; right for any, if not fast.
        for byte in bytes {
            self.0 = (self.0.rotate_left(8) ^ u64::from(*byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }
}

#[cfg(test)]
mod tests;
