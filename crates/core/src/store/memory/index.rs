//! An index over the topics of a block.
//!
//! It is made when a reader first asks for some topics of the block, so publishers do not wait for it. It costs about
//! as much as looking at the events one after the other, which that reader would have to do anyway.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

use crate::event::Event;
use crate::limits::MEMORY_LOOKS_PER_LOOKUP;
use crate::select::{Literals, Selector, Selectors};

/// No further event.
const NONE: u16 = u16::MAX;

pub(super) struct Index {
    /// The number of each topic, by a part of its hash, or by the next key that is free. A block has far fewer topics than
    /// there are keys.
    topics: HashMap<u16, u16>,
    /// The first and the last event of each topic.
    ends: Vec<(u16, u16)>,
    /// The next event of the same topic, for each event.
    next: Vec<u16>,
    literals: Literals,
}

/// Events of a block that may match.
pub(super) struct Listed {
    /// Their places in the block, ascending, each with a number of its topic.
    pub(super) places: Vec<(u16, u16)>,
    /// How many topics they have.
    pub(super) topics: usize,
    /// The work of finding them.
    pub(super) looks: u64,
}

impl Index {
    /// The hasher is the same for all blocks of a store.
    pub(super) fn new(events: &[Event], hasher: &RandomState) -> Self {
        let mut index = Self {
            topics: HashMap::new(),
            ends: Vec::new(),
            next: vec![NONE; events.len()],
            literals: Literals::default(),
        };
        for (at, event) in (0..NONE).zip(events) {
            let topic = event.draft.topic().as_str();
            let (key, known) = index.find(topic, events, hasher);
            match known {
                Some(number) => {
                    let (_, last) = &mut index.ends[usize::from(number)];
                    index.next[usize::from(*last)] = at;
                    *last = at;
                }
                None => {
                    index.topics.insert(key, index.ends.len() as u16);
                    index.ends.push((at, at));
                    index.literals.add(topic);
                }
            }
        }
        index.topics.shrink_to_fit();
        index.ends.shrink_to_fit();
        index
    }

    /// Bytes of memory that it takes, about.
    pub(super) fn bytes(&self) -> usize {
        // A slot of the table has one byte beside the entry, and an eighth of the slots stays free.
        let slots = self.topics.capacity() * 8 / 7;
        let topics = slots * (size_of::<(u16, u16)>() + 1);
        let lists = size_of_val(&*self.ends) + size_of_val(&*self.next);
        size_of::<Self>() + topics + lists + self.literals.bytes()
    }

    /// The events in a range of the block that may match.
    pub(super) fn list(
        &self,
        selectors: &Selectors,
        (events, range): (&[Event], Range<u16>),
        hasher: &RandomState,
    ) -> Listed {
        let (topics, mut looks) = self.topics(selectors, events, hasher);
        let mut places = Vec::new();
        for (number, topic) in (0..).zip(&topics) {
            let (mut at, _) = self.ends[usize::from(*topic)];
            while at < range.end {
                looks += 1;
                if at >= range.start {
                    places.push((at, number));
                }
                at = self.next[usize::from(at)];
            }
        }
        places.sort_unstable();
        Listed { places, topics: topics.len(), looks }
    }

    /// The key of a topic, and its number if the block has it.
    fn find(&self, topic: &str, events: &[Event], hasher: &RandomState) -> (u16, Option<u16>) {
        let mut key = hasher.hash_one(topic) as u16;
        while let Some(number) = self.topics.get(&key) {
            let (first, _) = self.ends[usize::from(*number)];
            if events[usize::from(first)].draft.topic().as_str() == topic {
                return (key, Some(*number));
            }
            key = key.wrapping_add(1);
        }
        (key, None)
    }

    /// The numbers of the topics that may match, each once, and the work of finding them.
    fn topics(&self, selectors: &Selectors, events: &[Event], hasher: &RandomState) -> (Vec<u16>, u64) {
        let (mut topics, mut looks) = (Vec::new(), 0);
        for selector in selectors.iter() {
            looks += MEMORY_LOOKS_PER_LOOKUP;
            match selector {
                Selector::Topic(topic) => topics.extend(self.find(topic.as_str(), events, hasher).1),
                Selector::Pattern(_) => match self.literals.candidates(selector) {
                    Some(candidates) => {
                        looks += candidates.len() as u64;
                        topics.extend(candidates.into_iter().map(|topic| topic as u16));
                    }
                    // The index cannot tell, so all are compared.
                    None => return (self.all(), looks),
                },
            }
            // To ask for more patterns would cost more than to compare all.
            if topics.len() >= self.ends.len() {
                return (self.all(), looks);
            }
        }
        topics.sort_unstable();
        topics.dedup();
        (topics, looks)
    }

    fn all(&self) -> Vec<u16> {
        (0..self.ends.len() as u16).collect()
    }
}
