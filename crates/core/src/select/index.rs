//! An index over patterns: which of very many match a topic.
//!
//! Each pattern is kept under one of its grams, the rarest that it has. A topic looks up its own grams, and compares
//! itself with what is kept there. So a topic costs what matches, and patterns that only look alike are spread over the
//! grams in which they differ. Where they do not differ in any, thousands are kept under one gram, in a form that takes
//! some nanoseconds to compare. No insertion and no removal moves more than a small part of the index, since all
//! deliveries wait for it.

mod by_hash;
mod candidate;
mod chains;
mod chunks;
mod gram;
mod in_use;
mod names;
mod shape;
mod shrink;
mod signature;
mod sketch;
mod topic_grams;
mod topic_view;

use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

use by_hash::ByHash;
use candidate::candidate;
use chains::Chains;
use chunks::Chunks;
use gram::{Gram, Kind, grams, rarest};
use in_use::InUse;
use names::Names;
use shape::Shape;
use signature::signature;
use sketch::Sketch;
use topic_view::TopicView;

use super::pattern::{ANY, ONE, Pattern};
use crate::event::topic::Topic;

/// Numbers of patterns from which on all are kept anew, under the grams that are the rarest by then. The first patterns
/// cannot know which grams will be common. No further ones, because it would be for little.
const SORTED_ANEW_AT: [usize; 3] = [128, 512, 2_048];
/// Patterns that are kept anew with each insertion. All at once would take some milliseconds.
const SORTED_AT_ONCE: usize = 8;

/// No entry.
const NONE: u32 = u32::MAX;

/// A value for each of a set of patterns, found by the topics that they match.
///
/// A pattern takes about 250 bytes beside its text and value. Memory is given back when patterns are removed.
pub struct PatternIndex<T> {
    entries: Chunks<Entry<T>>,
    /// The first entry whose pattern has this hash; others follow by [`Entry::same_hash`].
    by_hash: ByHash<u32>,
    /// The entries by the grams under which they are kept.
    chains: Chains,
    names: Names,
    in_use: InUse,
    sketch: Sketch,
    /// How many of [`SORTED_ANEW_AT`] were reached since the index was empty.
    sorted_anew: usize,
    /// Entries that are still to be kept anew.
    unsorted: Range<usize>,
    /// The secret of this index: nobody can choose patterns that collide.
    secret: RandomState,
    seed: u64,
}

struct Entry<T> {
    pattern: Pattern,
    value: T,
    shape: Shape,
    /// The key of the gram under which it is kept.
    key: u64,
    kind: Kind,
    /// Where it stands under that gram.
    place: u32,
    same_hash: u32,
    /// Half as many bits as a signature has, since there is room for these: most patterns that do not match are known by it.
    signature: u32,
}

impl<T> PatternIndex<T> {
    /// An index of no pattern.
    pub fn new() -> Self {
        let secret = RandomState::new();
        Self {
            entries: Chunks::default(),
            by_hash: ByHash::default(),
            chains: Chains::default(),
            names: Names::default(),
            in_use: InUse::default(),
            sketch: Sketch::default(),
            sorted_anew: 0,
            unsorted: 0..0,
            seed: secret.hash_one("seed"),
            secret,
        }
    }

    /// Sets the value of a pattern, and returns the one that it had.
    ///
    /// # Panics
    ///
    /// With 4 billion patterns.
    pub fn insert(&mut self, pattern: Pattern, value: T) -> Option<T> {
        if let Some(at) = self.find(&pattern) {
            return Some(std::mem::replace(&mut self.entries[at].value, value));
        }
        let at = u32::try_from(self.entries.len()).ok().filter(|at| *at != NONE).expect("fewer patterns");
        let shape = Shape::new(pattern.as_str(), pattern.hides_reserved(), &mut self.names);
        if self.sketch.has_begun() {
            grams(&shape, self.seed, |gram| self.sketch.add(gram.key()));
        }
        let same_hash = self.by_hash.insert(self.hash(&pattern), at).unwrap_or(NONE);
        let Gram { kind, .. } = Gram::wildcards(0, false);
        let signature = folded(signature(shape.segments(), self.seed));
        self.entries.push(Entry { pattern, value, shape, key: 0, kind, place: 0, same_hash, signature });
        self.link(at);
        self.sort_some();
        None
    }

    /// Removes a pattern, and returns its value.
    pub fn remove(&mut self, pattern: &Pattern) -> Option<T> {
        let at = self.find(pattern)? as u32;
        self.unlink(at);
        let last = self.entries.len() as u32 - 1;
        self.forget_hash(at);
        if at != last {
            self.rename(last, at);
        }
        let entry = self.entries.swap_remove(at as usize);
        if self.sketch.has_begun() {
            grams(&entry.shape, self.seed, |gram| self.sketch.remove(gram.key()));
        }
        let literals = pattern.as_str().split('/').filter(|segment| !matches!(*segment, ANY | ONE));
        literals.for_each(|literal| self.names.give_back(literal));
        if self.entries.is_empty() {
            *self = Self::new();
        }
        Some(entry.value)
    }

    /// The value of a pattern.
    pub fn get(&self, pattern: &Pattern) -> Option<&T> {
        self.find(pattern).map(|at| &self.entries[at].value)
    }

    /// The value of a pattern, to change it.
    pub fn get_mut(&mut self, pattern: &Pattern) -> Option<&mut T> {
        self.find(pattern).map(|at| &mut self.entries[at].value)
    }

    /// Visits the value of each pattern that matches a topic, in no order.
    pub fn matching<'a>(&'a self, topic: &Topic, mut visit: impl FnMut(&'a T)) {
        self.find_matching(topic, |value| {
            visit(value);
            false
        });
    }

    /// Whether any pattern matches a topic.
    pub fn any(&self, topic: &Topic) -> bool {
        self.find_matching(topic, |_| true)
    }

    /// How many patterns there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no pattern.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All patterns with their values, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&Pattern, &T)> {
        self.entries.iter().map(|entry| (&entry.pattern, &entry.value))
    }

    /// Visits what matches until it is told to stop, and returns whether it was.
    fn find_matching<'a>(&'a self, topic: &Topic, mut visit: impl FnMut(&'a T) -> bool) -> bool {
        let Some(view) = TopicView::new(topic, &self.names) else {
            // Only a log from before topics had a greatest number of segments has such a topic.
            let mut matching = self.entries.iter().filter(|entry| entry.pattern.matches(topic));
            return matching.any(|entry| visit(&entry.value));
        };
        self.in_use.any_gram(
            &view,
            self.seed,
            |key| self.chains.has(key),
            |gram| {
                self.chains.any(gram.key(), &view, self.seed, |at| {
                    let entry = &self.entries[at as usize];
                    // Another kind is there by chance, and is looked at in its own turn.
                    entry.signature & !folded(view.signature(self.seed)) == 0
                        && entry.kind == gram.kind
                        && entry.shape.matches(&view)
                        && visit(&entry.value)
                })
            },
        )
    }

    fn hash(&self, pattern: &Pattern) -> u64 {
        self.secret.hash_one(pattern)
    }

    fn find(&self, pattern: &Pattern) -> Option<usize> {
        let mut at = *self.by_hash.get(self.hash(pattern))?;
        while let Some(entry) = self.entries.get(at as usize) {
            if entry.pattern == *pattern {
                return Some(at as usize);
            }
            at = entry.same_hash;
        }
        None
    }

    /// Keeps an entry under its rarest gram.
    fn link(&mut self, at: u32) {
        let entry = &self.entries[at as usize];
        let gram = rarest(&entry.shape, self.seed, |gram| self.sketch.count(gram.key()));
        let candidate = |at: u32| candidate(at, &self.entries[at as usize].shape, self.seed);
        let place = self.chains.add(gram.key(), at, candidate);
        self.in_use.add(gram.kind);
        let entry = &mut self.entries[at as usize];
        (entry.key, entry.kind, entry.place) = (gram.key(), gram.kind, place);
    }

    fn unlink(&mut self, at: u32) {
        let entry = &self.entries[at as usize];
        let (key, kind, place) = (entry.key, entry.kind, entry.place);
        self.in_use.remove(kind);
        if let Some(moved) = self.chains.remove(key, place) {
            self.entries[moved as usize].place = place;
        }
    }

    /// Takes an entry out of those with its hash.
    fn forget_hash(&mut self, at: u32) {
        let next = self.entries[at as usize].same_hash;
        self.replace_in_hash(at, next);
    }

    /// Puts another entry, or none, where an entry stands among those with its hash.
    fn replace_in_hash(&mut self, at: u32, by: u32) {
        let hash = self.hash(&self.entries[at as usize].pattern);
        let first = self.by_hash.get_mut(hash).expect("each entry is there by its hash");
        let mut link = *first;
        if link == at {
            *first = by;
            if by == NONE {
                self.by_hash.remove(hash);
            }
            return;
        }
        while self.entries[link as usize].same_hash != at {
            link = self.entries[link as usize].same_hash;
        }
        self.entries[link as usize].same_hash = by;
    }

    /// Prepares for an entry to stand at another place.
    fn rename(&mut self, from: u32, to: u32) {
        self.replace_in_hash(from, to);
        let entry = &self.entries[from as usize];
        self.chains.rename(entry.key, entry.place, to);
    }

    /// Keeps some entries anew that were kept when less was known.
    fn sort_some(&mut self) {
        if SORTED_ANEW_AT.get(self.sorted_anew) == Some(&self.entries.len()) {
            self.sorted_anew += 1;
            self.unsorted = 0..self.entries.len();
        }
        if !self.sketch.has_begun() && self.sorted_anew > 0 {
            self.sketch.begin();
            for entry in self.entries.iter() {
                grams(&entry.shape, self.seed, |gram| self.sketch.add(gram.key()));
            }
        }
        for _ in 0..SORTED_AT_ONCE {
            // Some may have been removed since then, and others moved. Those are not missed much.
            let Some(at) = self.unsorted.next().filter(|at| *at < self.entries.len()) else { break };
            self.unlink(at as u32);
            self.link(at as u32);
        }
    }
}

/// A signature in half as many bits.
fn folded(signature: u64) -> u32 {
    (signature | signature >> 32) as u32
}

impl<T> Default for PatternIndex<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> FromIterator<(Pattern, T)> for PatternIndex<T> {
    fn from_iter<I: IntoIterator<Item = (Pattern, T)>>(patterns: I) -> Self {
        let mut index = Self::new();
        patterns.into_iter().for_each(|(pattern, value)| drop(index.insert(pattern, value)));
        index
    }
}

#[cfg(test)]
mod tests;
