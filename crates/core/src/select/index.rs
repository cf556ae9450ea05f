//! An index over patterns: which of very many match a topic.
//!
//! Each pattern is kept under one of its grams, the rarest that it has. A topic looks up its own grams, and compares
//! itself with what is kept there: numbers with numbers, in time linear in the topic whatever the pattern. So a topic costs
//! what matches, and patterns that only look alike are spread over the grams in which they differ.

mod gram;
mod in_use;
mod names;
mod shape;
mod shrink;
mod sketch;
mod topic_view;

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use gram::{Gram, Kind, Place, Runs, grams, rarest};
use in_use::InUse;
use names::Names;
use shape::Shape;
use shrink::shrink;
use sketch::Sketch;
use topic_view::TopicView;

use super::pattern::{ANY, ONE, Pattern};
use crate::as_is::AsIs;
use crate::event::topic::Topic;

/// Numbers of patterns at which all are kept anew, under the grams that are the rarest by then. The first patterns
/// cannot know which grams will be common. No further ones, because each holds up one insertion: the last for some
/// milliseconds.
const SORTED_ANEW_AT: [usize; 3] = [128, 512, 2_048];

/// No entry.
const NONE: u32 = u32::MAX;

/// A value for each of a set of patterns, found by the topics that they match.
///
/// A pattern takes about 250 bytes beside its text and value. Memory is given back when patterns are removed.
pub struct PatternIndex<T> {
    entries: Vec<Entry<T>>,
    /// The first entry whose pattern has this hash; others follow by [`Entry::same_hash`].
    by_hash: HashMap<u64, u32, AsIs>,
    /// The first entry that is kept under the gram of this key; others follow by [`Entry::next`].
    by_gram: HashMap<u64, u32, AsIs>,
    names: Names,
    in_use: InUse,
    sketch: Sketch,
    /// How many of [`SORTED_ANEW_AT`] were reached since the index was empty.
    sorted_anew: usize,
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
    /// Its neighbours under that gram.
    previous: u32,
    next: u32,
    same_hash: u32,
}

impl<T> PatternIndex<T> {
    /// An index of no pattern.
    pub fn new() -> Self {
        let secret = RandomState::new();
        Self {
            entries: Vec::new(),
            by_hash: HashMap::default(),
            by_gram: HashMap::default(),
            names: Names::default(),
            in_use: InUse::default(),
            sketch: Sketch::default(),
            sorted_anew: 0,
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
        let (key, kind, previous, next) = (0, Kind::Wildcards, NONE, NONE);
        self.entries.push(Entry { pattern, value, shape, key, kind, previous, next, same_hash });
        self.link(at);
        if SORTED_ANEW_AT.get(self.sorted_anew) == Some(&self.entries.len()) {
            self.sort_anew();
        }
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
        self.give_memory_back();
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
        let Some(mut view) = TopicView::new(topic, &self.names) else {
            // Only a log from before topics had a greatest number of segments has such a topic.
            let mut matching = self.entries.iter().filter(|entry| entry.pattern.matches(topic));
            return matching.any(|entry| visit(&entry.value));
        };
        let mut look = |gram: Gram, view: &mut TopicView| {
            let mut at = self.by_gram.get(&gram.key()).copied().unwrap_or(NONE);
            while let Some(entry) = self.entries.get(at as usize) {
                // Another kind is there by chance, and is looked at in its own turn.
                if entry.kind == gram.kind && entry.shape.matches(view) && visit(&entry.value) {
                    return true;
                }
                at = entry.next;
            }
            false
        };
        look(Gram::WILDCARDS, &mut view) || self.any_gram(&mut view, look)
    }

    /// Hands out the grams of a topic under which there may be patterns, each once, until one of them is the last.
    fn any_gram(&self, view: &mut TopicView, mut is_last: impl FnMut(Gram, &mut TopicView) -> bool) -> bool {
        let (lengths, segments) = (self.in_use.lengths(), view.len());
        if lengths == 0 {
            return false;
        }
        let runs = Runs::new(view.numbers(), lengths, self.seed);
        let mut visit = |kind, hash| hash != 0 && is_last(Gram { kind, hash }, view);
        for length in 0..lengths {
            let hashes = runs.of_length(length);
            let run = |place| Kind::Run { length: length as u8, place };
            let mut fronts = self.in_use.fronts(length).take_while(|at| *at < segments);
            if fronts.any(|at| visit(run(Place::Front(at as u8)), hashes[at])) {
                return true;
            }
            let mut ends = self.in_use.ends(length).take_while(|at| *at < segments);
            if ends.any(|at| visit(run(Place::End(at as u8)), hashes[segments - 1 - at])) {
                return true;
            }
            if !self.in_use.anywhere(length) {
                continue;
            }
            for (at, hash) in hashes.iter().enumerate().filter(|(_, hash)| **hash != 0) {
                let gram = Gram { kind: run(Place::Anywhere), hash: *hash };
                let is_there = self.by_gram.contains_key(&gram.key());
                // The same gram stands at several places of a topic, and its patterns are visited once.
                if is_there && !hashes[..at].contains(hash) && visit(gram.kind, *hash) {
                    return true;
                }
            }
        }
        let mut pairs = self.in_use.pairs().filter(|(_, second)| *second < segments);
        pairs.any(|(first, second)| visit(Kind::Pair(first as u8, second as u8), runs.pair(first, second)))
    }

    fn hash(&self, pattern: &Pattern) -> u64 {
        self.secret.hash_one(pattern)
    }

    fn find(&self, pattern: &Pattern) -> Option<usize> {
        let mut at = *self.by_hash.get(&self.hash(pattern))?;
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
        let entry = &mut self.entries[at as usize];
        let gram = rarest(&entry.shape, self.seed, |gram| self.sketch.count(gram.key()));
        (entry.key, entry.kind, entry.previous) = (gram.key(), gram.kind, NONE);
        entry.next = self.by_gram.insert(entry.key, at).unwrap_or(NONE);
        self.in_use.add(entry.kind);
        let next = entry.next;
        if let Some(next) = self.entries.get_mut(next as usize) {
            next.previous = at;
        }
    }

    fn unlink(&mut self, at: u32) {
        let entry = &self.entries[at as usize];
        let (key, kind, previous, next) = (entry.key, entry.kind, entry.previous, entry.next);
        self.in_use.remove(kind);
        if let Some(next) = self.entries.get_mut(next as usize) {
            next.previous = previous;
        }
        if let Some(previous) = self.entries.get_mut(previous as usize) {
            previous.next = next;
        } else if next == NONE {
            self.by_gram.remove(&key);
        } else {
            self.by_gram.insert(key, next);
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
        let mut link = self.by_hash[&hash];
        if link == at {
            match by {
                NONE => self.by_hash.remove(&hash),
                by => self.by_hash.insert(hash, by),
            };
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
        let (key, previous, next) = (entry.key, entry.previous, entry.next);
        if let Some(next) = self.entries.get_mut(next as usize) {
            next.previous = to;
        }
        match self.entries.get_mut(previous as usize) {
            Some(previous) => previous.next = to,
            None => {
                self.by_gram.insert(key, to);
            }
        }
    }

    fn sort_anew(&mut self) {
        if !self.sketch.has_begun() {
            self.sketch.begin();
            for entry in &self.entries {
                grams(&entry.shape, self.seed, |gram| self.sketch.add(gram.key()));
            }
        }
        self.sorted_anew += 1;
        for at in 0..self.entries.len() as u32 {
            self.unlink(at);
            self.link(at);
        }
    }

    fn give_memory_back(&mut self) {
        if self.entries.is_empty() {
            *self = Self::new();
        }
        shrink!(self.entries);
        shrink!(self.by_hash);
        shrink!(self.by_gram);
    }
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
mod tests {
    use super::*;
    use crate::select::Selector;

    fn pattern(text: &str) -> Pattern {
        match Selector::parse(text).unwrap() {
            Selector::Pattern(pattern) => pattern,
            Selector::Topic(topic) => panic!("a pattern: {topic}"),
        }
    }

    #[test]
    fn memory_is_given_back_and_numbers_of_literals_are_used_again() {
        let mut index = PatternIndex::new();
        let patterns = |round: usize| (0..3_000).map(move |n| pattern(&format!("r{round}/{n}/*/**/x{n}/**")));
        for round in 0..3 {
            for pattern in patterns(round) {
                assert_eq!(index.insert(pattern, ()), None);
            }
            assert_eq!(index.by_hash.len(), 3_000);
            patterns(round).skip(20).for_each(|pattern| assert_eq!(index.remove(&pattern), Some(())));
            assert_eq!(index.len(), 20);
            assert!(index.entries.capacity() <= 128, "{}", index.entries.capacity());
            assert!(index.by_hash.capacity() <= 128 && index.by_gram.capacity() <= 128);
            assert!(index.names.number("x19") < 8_000, "numbers are given again");
            patterns(round).take(20).for_each(|pattern| assert_eq!(index.remove(&pattern), Some(())));
            assert_eq!((index.entries.capacity(), index.by_gram.capacity()), (0, 0));
            assert!(!index.sketch.has_begun() && index.in_use.lengths() == 0);
        }
    }

    #[test]
    fn patterns_that_differ_in_one_segment_are_kept_apart() {
        let mut index = PatternIndex::new();
        // The first ones cannot know yet what the others have in common.
        for n in 0..2_048 {
            let segment = |at: usize| if at == 18 { format!("n{n}") } else { "a".to_owned() };
            let segments: Vec<_> = (0..20).map(segment).collect();
            index.insert(pattern(&(segments.join("/") + "/**")), ());
        }

        let most = index.by_gram.values().map(|first| {
            let next = |at: &u32| Some(index.entries[*at as usize].next).filter(|next| *next != NONE);
            std::iter::successors(Some(*first), next).count()
        });
        assert_eq!(most.max(), Some(1));
    }
}
