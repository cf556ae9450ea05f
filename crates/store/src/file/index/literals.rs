//! The tables of a sealed index that lead from the literal segments of topics to the topics.
//!
//! They are what [`Literals`](tidings_core::Literals) is in memory: a pattern is compared with the topics that have the rarest of
//! its literals. A literal that more than [`LITERAL_TOPICS_MAX`] topics have is entered without a list.

use tidings_core::Selector;
use tidings_core::limits::LITERAL_TOPICS_MAX;
use tidings_core::select::literals::{OF_LONG_TOPICS, literals_of_selector, literals_of_topic};

use super::pages::IndexPages;
use super::search::Sorted;
use crate::file::fault::Fault;
use crate::file::hash::KeyedHash;
use crate::file::record::number::u32_at;

/// Bytes of an entry of the table of literals, and of the lists.
pub(super) const LITERAL_BYTES: usize = 16;
pub(super) const LISTED_BYTES: usize = 4;

/// Where the tables are, and how many entries they have.
pub(super) struct LiteralTables {
    literals_at: u64,
    literals: u32,
    lists_at: u64,
    listed: u32,
    topics: u32,
}

/// Where the topics of a literal are among the lists.
#[derive(Debug, Clone, Copy)]
enum List {
    /// There is none: too many topics have the literal.
    TooLong,
    /// Here.
    At(u32, u32),
}

impl LiteralTables {
    /// The tables that begin at a place; none if there are topics, and still no literals.
    pub(super) fn new(literals_at: u64, topics: u32, literals: u32, listed: u32) -> Option<Self> {
        let lists_at = literals_at + u64::from(literals) * LITERAL_BYTES as u64;
        (literals > 0 || topics == 0).then_some(Self { literals_at, literals, lists_at, listed, topics })
    }

    /// Where they end.
    pub(super) fn end(&self) -> u64 {
        self.lists_at + u64::from(self.listed) * LISTED_BYTES as u64
    }

    /// The numbers, ascending, of all topics that may match a selector; none if they cannot be told.
    pub(super) fn candidates(
        &self,
        pages: &IndexPages,
        hash: &KeyedHash,
        selector: &Selector,
    ) -> Result<Option<Vec<u32>>, Fault> {
        let mut rarest = List::TooLong;
        for literal in literals_of_selector(selector) {
            rarest = rarest.shorter(self.list(pages, hash.of(literal))?);
            if matches!(rarest, List::At(_, 0)) {
                break;
            }
        }
        if matches!(rarest, List::TooLong) {
            return Ok(None);
        }
        let mut candidates = Vec::new();
        for list in [rarest, self.list(pages, hash.of(OF_LONG_TOPICS))?] {
            let List::At(at, count) = list else { return Ok(None) };
            candidates.extend(self.listed(pages, at, count)?);
        }
        candidates.sort_unstable();
        candidates.dedup();
        Ok(Some(candidates))
    }

    fn list(&self, pages: &IndexPages, hash: u64) -> Result<List, Fault> {
        let read = |range: std::ops::Range<u32>| {
            let byte = |entry: u32| self.literals_at + u64::from(entry) * LITERAL_BYTES as u64;
            pages.read(byte(range.start)..byte(range.end))
        };
        let sorted = Sorted { len: self.literals, entry_bytes: LITERAL_BYTES, read: &read };
        let found = sorted.find(hash)?;
        let Some(entry) = found.first() else { return Ok(List::At(0, 0)) };
        Ok(match (u32_at(entry, 8), u32_at(entry, 12)) {
            (_, 0) => List::TooLong,
            (at, count) => List::At(at, count),
        })
    }

    /// A list of topics. Takes no memory for more than a list may have.
    fn listed(&self, pages: &IndexPages, at: u32, count: u32) -> Result<Vec<u32>, Fault> {
        let start = self.lists_at + u64::from(at) * LISTED_BYTES as u64;
        let end = start + u64::from(count) * LISTED_BYTES as u64;
        if count as usize > LITERAL_TOPICS_MAX || end > self.end() {
            return Err(pages.corrupt_at(start, "the list of a literal's topics is not there"));
        }
        let bytes = pages.read(start..end)?;
        let topics: Vec<_> = bytes.chunks_exact(LISTED_BYTES).map(|topic| u32_at(topic, 0)).collect();
        if !topics.is_sorted_by(|one, two| one < two)
            || topics.last().is_some_and(|last| *last >= self.topics)
        {
            return Err(pages.corrupt_at(start, "the list of a literal's topics is not in order"));
        }
        Ok(topics)
    }
}

impl List {
    fn shorter(self, other: Self) -> Self {
        match (self, other) {
            (Self::TooLong, list) | (list, Self::TooLong) => list,
            (Self::At(_, one), Self::At(_, two)) if two < one => other,
            (Self::At(..), Self::At(..)) => self,
        }
    }
}

/// What is written: the entries of the literals, sorted by hash, and the lists.
#[derive(Default)]
pub(super) struct Written {
    /// Hash, where the list begins, how many are in it.
    pub(super) literals: Vec<(u64, u32, u32)>,
    pub(super) lists: Vec<u32>,
}

/// The tables of some topics, in the order of their numbers.
pub(super) fn tables<'a>(topics: impl Iterator<Item = &'a str>, hash: &KeyedHash) -> Written {
    let of_topic = |(number, text): (u32, &'a str)| {
        literals_of_topic(text).map(move |literal| (hash.of(literal), number))
    };
    let mut holders: Vec<_> = (0..).zip(topics).flat_map(of_topic).collect();
    holders.sort_unstable();
    holders.dedup();
    let mut written = Written::default();
    for same in holders.chunk_by(|one, two| one.0 == two.0) {
        let (at, count) = match same.len() <= LITERAL_TOPICS_MAX {
            true => (written.lists.len() as u32, same.len() as u32),
            false => (0, 0),
        };
        written.literals.push((same[0].0, at, count));
        written.lists.extend(same.iter().take(count as usize).map(|(_, topic)| topic));
    }
    written
}
