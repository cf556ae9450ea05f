//! The index of the newest segment, in memory.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::ops::Range;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tidings_core::{AsIs, Draft, Epoch, Literals, Selector, Topic, TopicError};

use super::{EpochBegins, IdPostings, Index, Postings};
use crate::file::fault::Fault;
use crate::file::hash::KeyedHash;
use crate::file::record::Record;
use crate::limits::NAMES_PER_LOCK;

/// Where a record stands that cannot be read: nowhere, since a segment begins with its header.
const UNREADABLE: u32 = 0;

/// One writer adds to it, and readers look things up meanwhile. What was added last may not be for their eyes yet:
/// they know the head of the log and look no further.
#[derive(Default)]
pub(crate) struct GrowingIndex(RwLock<Entries>);

/// What there is to know of the records so far.
#[derive(Default)]
pub(crate) struct Entries {
    pub(crate) offsets: Vec<u32>,
    /// The number of each topic. Topics are numbered in the order in which they come.
    pub(crate) topics: HashMap<Topic, u32>,
    /// The topics, by number.
    names: Vec<Topic>,
    literals: Literals,
    /// The records of each topic.
    pub(crate) postings: Vec<Vec<u32>>,
    /// The first record of each hash of an id.
    pub(crate) ids: HashMap<u64, u32, AsIs>,
    /// The other records of a hash: publishers may use an id again.
    pub(crate) more_ids: HashMap<u64, Vec<u32>>,
    /// Hash of each idempotency key, by ordinal. That of a batch comes with each of its parts.
    pub(crate) keys: Vec<(u32, u64)>,
    /// The epochs that begin here.
    pub(crate) epochs: Vec<EpochBegins>,
}

impl GrowingIndex {
    /// Adds records, in order.
    pub(crate) fn extend<'a>(&self, records: impl Iterator<Item = (u32, &'a Draft)>, hash: &KeyedHash) {
        let mut entries = self.entries_mut();
        for (offset, draft) in records {
            let Ok(()) =
                entries.add_topic(draft.topic().as_str(), || Ok::<_, Infallible>(draft.topic().clone()));
            let id = draft.id().map(|id| hash.of(id.as_str()));
            let key = draft.key().map(|key| hash.of_key(key.fields()));
            entries.add(offset, id, key);
        }
    }

    /// Adds one record. Fails if its topic is none.
    pub(crate) fn push(&self, offset: u32, record: &Record<'_>, hash: &KeyedHash) -> Result<(), TopicError> {
        let mut entries = self.entries_mut();
        entries.add_topic(record.topic, || Topic::parse_held(record.topic))?;
        let id = (!record.id.is_empty()).then(|| hash.of(record.id));
        let key = (!record.key.key.is_empty()).then(|| hash.of_key(record.key));
        entries.add(offset, id, key);
        Ok(())
    }

    /// Adds a record that has a place and is no event.
    pub(crate) fn pass(&self, offset: u32) {
        self.entries_mut().add(offset, None, None);
    }

    /// Passes over records that cannot be read.
    pub(crate) fn skip(&self, records: u32) {
        let mut entries = self.entries_mut();
        let records = entries.offsets.len() + records as usize;
        entries.offsets.resize(records, UNREADABLE);
    }

    /// Notes that an epoch begins before the next record, and which one ends there.
    pub(crate) fn begin_epoch(&self, begins: Epoch, ends: Epoch) {
        let mut entries = self.entries_mut();
        let ordinal = entries.offsets.len() as u32;
        entries.epochs.push(EpochBegins { ordinal, begins, ends });
    }

    /// Notes an epoch whose record cannot be read.
    pub(crate) fn begin_epoch_at(&self, epoch: EpochBegins) {
        let mut entries = self.entries_mut();
        entries.epochs.push(epoch);
        entries.epochs.sort_by_key(|epoch| epoch.ordinal);
    }

    /// Forgets all records but so many.
    pub(crate) fn truncate(&self, records: u32) {
        self.entries_mut().truncate(records);
    }

    /// All of it, to look at.
    pub(crate) fn entries(&self) -> RwLockReadGuard<'_, Entries> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn entries_mut(&self) -> RwLockWriteGuard<'_, Entries> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    /// Adds the next record to a topic. The rest of the record is to follow.
    fn add_topic<E>(&mut self, text: &str, topic: impl FnOnce() -> Result<Topic, E>) -> Result<(), E> {
        let ordinal = self.offsets.len() as u32;
        if let Some(at) = self.topics.get(text) {
            self.postings[*at as usize].push(ordinal);
            return Ok(());
        }
        let topic = topic()?;
        let number = self.literals.add(topic.as_str());
        self.names.push(topic.clone());
        self.topics.insert(topic, number);
        self.postings.push(vec![ordinal]);
        Ok(())
    }

    fn add(&mut self, offset: u32, id: Option<u64>, key: Option<u64>) {
        let ordinal = self.offsets.len() as u32;
        self.offsets.push(offset);
        if let Some(id) = id {
            let first = *self.ids.entry(id).or_insert(ordinal);
            if first != ordinal {
                self.more_ids.entry(id).or_default().push(ordinal);
            }
        }
        self.keys.extend(key.map(|key| (ordinal, key)));
    }

    /// The newest record of each hash of an idempotency key, by ordinal.
    pub(crate) fn newest_keys(&self) -> Vec<(u32, u64)> {
        let mut seen = HashSet::<u64, AsIs>::default();
        let mut newest: Vec<_> =
            self.keys.iter().rev().filter(|(_, hash)| seen.insert(*hash)).copied().collect();
        newest.reverse();
        newest
    }

    fn truncate(&mut self, records: u32) {
        self.offsets.truncate(records as usize);
        // A topic comes with its first record, so those that have none any more are the last ones.
        let has_some = |postings: &Vec<u32>| postings.first().is_some_and(|first| *first < records);
        let topics = self.postings.partition_point(has_some);
        if topics < self.names.len() {
            self.names.truncate(topics);
            self.literals.truncate(topics as u32);
            self.topics.retain(|_, number| (*number as usize) < topics);
        }
        self.postings.truncate(topics);
        self.postings.iter_mut().for_each(|postings| postings.retain(|ordinal| *ordinal < records));
        self.ids.retain(|_, ordinal| *ordinal < records);
        self.more_ids.values_mut().for_each(|more| more.retain(|ordinal| *ordinal < records));
        self.keys.retain(|(ordinal, _)| *ordinal < records);
        self.epochs.retain(|epoch| epoch.ordinal < records);
    }

    fn postings(&self, at: u32) -> Postings {
        Postings { at, len: self.postings[at as usize].len() as u32 }
    }
}

impl Index for GrowingIndex {
    fn records(&self) -> u32 {
        self.entries().offsets.len() as u32
    }

    fn offsets(&self, ordinals: Range<u32>) -> Result<Vec<u32>, Fault> {
        Ok(part(&self.entries().offsets, ordinals))
    }

    fn topic(&self, topic: &str) -> Result<Option<Postings>, Fault> {
        let entries = self.entries();
        Ok(entries.topics.get(topic).map(|at| entries.postings(*at)))
    }

    fn topics(&self) -> u32 {
        self.entries().names.len() as u32
    }

    fn candidates(&self, selector: &Selector) -> Result<Option<Vec<u32>>, Fault> {
        Ok(self.entries().literals.candidates(selector))
    }

    fn matching(
        &self,
        topics: &mut dyn Iterator<Item = u32>,
        matches: &mut dyn FnMut(&str) -> bool,
    ) -> Result<Vec<Postings>, Fault> {
        let mut found = Vec::new();
        loop {
            // The writer waits for the lock, so topics are compared without it.
            let some: Vec<_> = {
                let entries = self.entries();
                // Topics may have gone since they were named.
                let name = |number| Some((number, entries.names.get(number as usize)?.clone()));
                topics.take(NAMES_PER_LOCK).map(name).collect()
            };
            if some.is_empty() {
                return Ok(found);
            }
            let matching = some.into_iter().flatten().filter(|(_, topic)| matches(topic.as_str()));
            let matching: Vec<_> = matching.map(|(number, _)| number).collect();
            let entries = self.entries();
            let is_there = |number: &u32| (*number as usize) < entries.names.len();
            found.extend(matching.into_iter().filter(is_there).map(|number| entries.postings(number)));
        }
    }

    fn ordinals(&self, postings: Postings, range: Range<u32>) -> Result<Vec<u32>, Fault> {
        let entries = self.entries();
        Ok(entries.postings.get(postings.at as usize).map_or(Vec::new(), |all| part(all, range)))
    }

    fn id(&self, hash: u64) -> Result<IdPostings, Fault> {
        let entries = self.entries();
        let first = usize::from(entries.ids.contains_key(&hash));
        let len = first + entries.more_ids.get(&hash).map_or(0, Vec::len);
        Ok(IdPostings { hash, at: 0, len: len as u32 })
    }

    fn id_ordinals(&self, ids: IdPostings, range: Range<u32>) -> Result<Vec<u32>, Fault> {
        let entries = self.entries();
        let first = entries.ids.get(&ids.hash).filter(|_| range.start == 0 && range.end > 0).copied();
        // The first one stands apart.
        let more = range.start.saturating_sub(1)..range.end.saturating_sub(1);
        let more = entries.more_ids.get(&ids.hash).map_or(Vec::new(), |all| part(all, more));
        Ok(first.into_iter().chain(more).collect())
    }

    fn epochs(&self) -> Result<Vec<EpochBegins>, Fault> {
        Ok(self.entries().epochs.clone())
    }
}

fn part(all: &[u32], range: Range<u32>) -> Vec<u32> {
    let end = all.len().min(range.end as usize);
    all.get(range.start as usize..end).unwrap_or_default().to_vec()
}

#[cfg(test)]
mod tests {
    use tidings_core::DraftFields;
    use tidings_core::contract::fixture::draft_with;

    use super::*;

    #[test]
    fn an_index_has_each_key_once_at_its_newest_record() {
        let (index, hash) = (GrowingIndex::default(), KeyedHash(*b"0123456789abcdef"));
        let keys = ["one", "two", "one", "three", "one", "two"];
        let draft =
            |key: &str| draft_with("a", "x", DraftFields { key: Some(key.into()), ..DraftFields::default() });
        let drafts = keys.map(draft);
        index.extend((100..).zip(&drafts), &hash);

        let newest = |key: &str, at| (at, hash.of(key));
        let all = [newest("three", 3), newest("one", 4), newest("two", 5)];
        assert_eq!(index.entries().newest_keys(), all);
        // What an append that is cut off had is forgotten, and what was before it counts again.
        index.truncate(4);
        let cut = [newest("two", 1), newest("one", 2), newest("three", 3)];
        assert_eq!(index.entries().newest_keys(), cut);
    }
}
