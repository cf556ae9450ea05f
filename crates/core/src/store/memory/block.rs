//! A run of events that does not change any more, and an index over its topics.
//!
//! The index is made when a reader first asks for some topics of the block, so publishers do not wait for it. It costs about
//! as much as looking at the events one after the other, which that reader would have to do anyway.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use crate::event::{Event, Sequence};
use crate::select::{Literals, Selector, Selectors};

/// No further event.
const NONE: u16 = u16::MAX;

/// Events that stand next to each other in the log; at least one, fewer than 65,535.
pub(super) struct Block {
    events: Vec<Event>,
    index: OnceLock<Index>,
}

struct Index {
    /// The number of each topic, by a part of its hash, or by the next key that is free. A block has far fewer topics than
    /// there are keys.
    topics: HashMap<u16, u16>,
    /// The first and the last event of each topic.
    ends: Vec<(u16, u16)>,
    /// The next event of the same topic, for each event.
    next: Vec<u16>,
    literals: Literals,
}

/// Which events of a block may match.
pub(super) struct Candidates {
    /// Their places in the block, ascending.
    pub(super) places: Vec<u16>,
    /// Events and topics that were looked at to find them.
    pub(super) looked_at: usize,
}

impl Block {
    pub(super) fn new(events: Vec<Event>) -> Self {
        Self { events, index: OnceLock::new() }
    }

    pub(super) fn events(&self) -> &[Event] {
        &self.events
    }

    /// The first event's number.
    pub(super) fn first(&self) -> Sequence {
        self.events.first().map_or(Sequence::ZERO, |event| event.cursor.sequence)
    }

    /// The last event's number.
    pub(super) fn last(&self) -> Sequence {
        self.events.last().map_or(Sequence::ZERO, |event| event.cursor.sequence)
    }

    /// The event with a number.
    pub(super) fn get(&self, sequence: Sequence) -> Option<&Event> {
        let at = sequence.0.checked_sub(self.first().0)?;
        self.events.get(usize::try_from(at).ok()?)
    }

    /// The events that match, found without the index: for a block that was made for one reading.
    pub(super) fn look_through(&self, selectors: &Selectors) -> Candidates {
        let matching = |at: &u16| selectors.matches(self.events[usize::from(*at)].draft.topic());
        let places = (0..self.events.len() as u16).filter(matching).collect();
        Candidates { places, looked_at: self.events.len() }
    }

    /// The events that match. The hasher is the same for all blocks of a store.
    pub(super) fn matching(&self, selectors: &Selectors, hasher: &RandomState) -> Candidates {
        if selectors.matches_all_unreserved() {
            return self.look_through(selectors);
        }
        let made = self.index.get().is_none();
        let index = self.index.get_or_init(|| Index::new(&self.events, hasher));
        let topics = index.topics(selectors, &self.events, hasher);
        let mut looked_at = if made { self.events.len() } else { 1 + topics.len() };
        let mut places = Vec::new();
        for topic in topics {
            let (mut at, _) = index.ends[usize::from(topic)];
            if !selectors.matches(self.events[usize::from(at)].draft.topic()) {
                continue;
            }
            while at != NONE {
                places.push(at);
                at = index.next[usize::from(at)];
            }
        }
        looked_at += places.len();
        places.sort_unstable();
        Candidates { places, looked_at }
    }
}

impl Index {
    fn new(events: &[Event], hasher: &RandomState) -> Self {
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

    /// The numbers of the topics that may match, each once.
    fn topics(&self, selectors: &Selectors, events: &[Event], hasher: &RandomState) -> Vec<u16> {
        let mut topics = Vec::new();
        for selector in selectors.iter() {
            match selector {
                Selector::Topic(topic) => {
                    topics.extend(self.find(topic.as_str(), events, hasher).1);
                }
                Selector::Pattern(_) => match self.literals.candidates(selector) {
                    Some(candidates) => topics.extend(candidates.into_iter().map(|topic| topic as u16)),
                    // The index cannot tell, so all are compared.
                    None => return (0..self.ends.len() as u16).collect(),
                },
            }
        }
        topics.sort_unstable();
        topics.dedup();
        topics
    }
}
