//! Whether one selector contains another: every topic of the other is one of its own.
//!
//! Segments are the letters here, and there are endlessly many of them. So a wildcard of the other stands for a segment that
//! nobody has thought of: a selector that matches that one matches it with a wildcard, and then matches every other, too. What
//! is left is to follow all words of the other through both selectors at once. Where the own selector may stand after a word is
//! a set of places, kept as bits.

use super::pattern::{ANY, ONE};
use super::selector::Selector;
use crate::event::topic::is_reserved_name;
use crate::limits::{CONTAINS_STEPS_MAX, TOPIC_SEGMENTS_MAX};

/// A set of places in a pattern: bit `n` is the place before its segment `n`. There is one more after the last segment.
type Places = u128;

const _: () = assert!(TOPIC_SEGMENTS_MAX < 128, "each place is a bit");

impl Selector {
    /// Whether every topic that `other` matches is matched by this one. Wildcards in the first segment of this one contain no
    /// [reserved topic](crate::Topic::is_reserved), as they match none.
    ///
    /// A pair that takes more than [`CONTAINS_STEPS_MAX`] steps counts as not contained. Only pairs that were made for it do.
    pub fn contains(&self, other: &Self) -> bool {
        let (own, other) = match (self, other) {
            (_, Self::Topic(topic)) => return self.matches(topic),
            // A pattern has more topics than one.
            (Self::Topic(_), Self::Pattern(_)) => return false,
            (Self::Pattern(own), Self::Pattern(other)) => (own, other),
        };
        if own.is_everything() || own == other {
            return true;
        }
        if own.hides_reserved() && other.reaches_reserved() {
            return false;
        }
        if own.is_any() {
            return true;
        }
        own.prefix_may_contain(other) && Walk::new(own.as_str(), other.as_str()).is_contained()
    }
}

/// A walk through all words of one pattern, which notes where another one stands.
struct Walk<'a> {
    own: Vec<&'a str>,
    other: Vec<&'a str>,
    /// The places of the own pattern before a `**`.
    any: Places,
    /// Those before a wildcard of either kind.
    wildcards: Places,
}

/// What remains to be looked at: all words that begin in one way.
#[derive(Clone, Copy)]
struct Rest {
    /// The place in the other pattern.
    at: usize,
    /// The places in the own one.
    places: Places,
    /// There was a segment already. The word without any is no topic.
    has_begun: bool,
    /// The word begins with a reserved name that the other pattern has behind a `**`, which keeps it from being more than this
    /// segment: with another one the topic would be reserved, and hidden from it.
    ends_here: bool,
}

impl Rest {
    /// Whether the other need not be looked at beside this one: from fewer places, as much must be matched.
    fn covers(&self, other: &Self) -> bool {
        (self.has_begun, self.ends_here) == (other.has_begun, other.ends_here)
            && self.places & !other.places == 0
    }
}

impl<'a> Walk<'a> {
    fn new(own: &'a str, other: &'a str) -> Self {
        let own: Vec<_> = own.split('/').collect();
        let places = |is_meant: fn(&str) -> bool| {
            let meant = own.iter().enumerate().filter(|(_, segment)| is_meant(segment));
            meant.fold(0, |places, (at, _)| places | 1 << at)
        };
        let any = places(|segment| segment == ANY);
        let wildcards = places(|segment| matches!(segment, ANY | ONE));
        Self { any, wildcards, other: other.split('/').collect(), own }
    }

    fn is_contained(&self) -> bool {
        // More places can only do better, so what was looked at with fewer need not be looked at again.
        let mut seen: Vec<Vec<Rest>> = vec![Vec::new(); self.other.len()];
        let mut waiting = vec![Rest { at: 0, places: self.beside(1), has_begun: false, ends_here: false }];
        let mut steps = 0;
        while let Some(rest) = waiting.pop() {
            steps += 1;
            // Without a place there is a topic of the other that this one does not match: the rest of it is anything.
            if rest.places == 0 || steps > CONTAINS_STEPS_MAX {
                return false;
            }
            let Some(segment) = self.other.get(rest.at) else {
                let is_matched = rest.places & 1 << self.own.len() != 0;
                if rest.has_begun && !is_matched {
                    return false;
                }
                continue;
            };
            let known = &mut seen[rest.at];
            // To look through what is known is work, too.
            steps += known.len();
            if known.iter().any(|less| less.covers(&rest)) {
                continue;
            }
            known.push(rest);
            if *segment == ANY {
                waiting.push(Rest { at: rest.at + 1, ..rest });
            }
            if rest.ends_here {
                continue;
            }
            let after = |at, places| Rest { at, places, has_begun: true, ends_here: false };
            match *segment {
                ANY => waiting.push(after(rest.at, self.step(rest.places, None))),
                ONE => waiting.push(after(rest.at + 1, self.step(rest.places, None))),
                literal => waiting.push(Rest {
                    ends_here: !rest.has_begun && rest.at > 0 && is_reserved_name(literal),
                    ..after(rest.at + 1, self.step(rest.places, Some(literal)))
                }),
            }
        }
        true
    }

    /// The places after one more segment, which only wildcards match if it is none that anybody wrote.
    fn step(&self, places: Places, segment: Option<&str>) -> Places {
        let stay = places & self.any;
        let mut go = places & self.wildcards;
        if let Some(segment) = segment {
            let same = self.own.iter().enumerate().filter(|(_, own)| **own == segment);
            go |= places & same.fold(0, |same, (at, _)| same | 1 << at);
        }
        self.beside(stay | go << 1)
    }

    /// These places and those that are reached from them without a segment, past `**`.
    fn beside(&self, mut places: Places) -> Places {
        loop {
            let more = places | (places & self.any) << 1;
            if more == places {
                return places;
            }
            places = more;
        }
    }
}

#[cfg(test)]
mod tests;
