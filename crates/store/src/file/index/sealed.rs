//! The index of a segment that does not grow any more, in a file.
//!
//! The layout is in `docs/file-format.md`. Nothing of it is kept in memory but the header.

use std::ops::Range;
use std::sync::Arc;

use tidings_core::{Epoch, Selector, Sequence, UnixMillis};

use super::literals::LiteralTables;
use super::pages::{IndexPages, PAGE_BYTES, PagesAhead};
use super::search::Sorted;
use super::{EpochBegins, IdPostings, Index, Postings};
use crate::file::disk::{Disk, DiskFile};
use crate::file::ended::Ended;
use crate::file::fault::Fault;
use crate::file::hash::KeyedHash;
use crate::file::header::FORMAT_MIN;
use crate::file::names;
use crate::file::record::number::{u32_at, u64_at};

pub(crate) const MAGIC: &[u8; 8] = b"tidings\x02";

/// Bytes of the header, of version 1 and of version 2, and of an entry of each table.
pub(super) const INDEX_HEADER_BYTES_V1: u64 = 64;
pub(super) const INDEX_HEADER_BYTES: u64 = 80;
pub(super) const TOPIC_BYTES: usize = 24;
pub(super) const ID_BYTES: usize = 12;
pub(super) const KEY_BYTES: usize = 12;
pub(super) const EPOCH_BYTES: usize = 20;

/// An index in a file.
pub(crate) struct SealedIndex {
    pages: IndexPages,
    /// How the segment ended.
    pub(crate) ended: Ended,
    /// Records of the segment.
    pub(crate) records: u32,
    tables: Tables,
    hash: KeyedHash,
}

/// Where the tables begin, in bytes of content, and how many entries they have.
struct Tables {
    offsets_at: u64,
    topics_at: u64,
    topics: u32,
    text_at: u64,
    postings_at: u64,
    ids_at: u64,
    ids: u32,
    keys_at: u64,
    keys: u32,
    epochs_at: u64,
    epochs: u32,
    /// None in an index that was made before there were any.
    literals: Option<LiteralTables>,
    end: u64,
}

impl SealedIndex {
    /// Opens the index of a segment. It is corrupt, too, if it was made for another segment or another store, or if it is
    /// of another version than the segment.
    pub(crate) fn open(disk: &dyn Disk, base: Sequence, format: u32, hash: KeyedHash) -> Result<Self, Fault> {
        let name = names::index(base);
        let file = disk.open_ended(&name).map_err(Fault::io(&name))?;
        Self::of(file, name, base, format, hash)
    }

    /// As [`open`](Self::open), of a file that is open.
    pub(crate) fn of(
        file: Arc<dyn DiskFile>,
        name: String,
        base: Sequence,
        format: u32,
        hash: KeyedHash,
    ) -> Result<Self, Fault> {
        let pages = IndexPages::new(file, name, base)?;
        // A file has whole pages, which are longer than any header.
        let header = pages.read(0..INDEX_HEADER_BYTES)?;
        let known = header[..8] == *MAGIC && u32_at(&header, 8) == format;
        if !known || u64_at(&header, 16) != base.0 || u64_at(&header, 40) != hash.check() {
            return Err(Fault::damaged_index(base, 0, "it is not the index of this segment"));
        }
        let tables = Tables::new(&header, format);
        let ended = Ended { end: u64_at(&header, 24), last_time: UnixMillis(u64_at(&header, 32)) };
        let index = Self { pages, ended, records: u32_at(&header, 12), tables, hash };
        index.check_length()?;
        Ok(index)
    }

    /// Hash of each idempotency key, by the ordinal of the newest record that has it, in order.
    pub(crate) fn keys(&self) -> Result<Vec<(u32, u64)>, Fault> {
        let bytes = self.entries(self.tables.keys_at, KEY_BYTES, 0..self.tables.keys)?;
        Ok(bytes.chunks_exact(KEY_BYTES).map(|entry| (u32_at(entry, 8), u64_at(entry, 0))).collect())
    }

    /// Whether it was made when indexes had literals already.
    pub(crate) fn has_literals(&self) -> bool {
        self.tables.literals.is_some()
    }

    fn check_length(&self) -> Result<(), Fault> {
        let bytes = self.pages.file.len().map_err(Fault::io(&self.pages.name))?;
        let last = self.tables.end.saturating_sub(1);
        self.pages.read(last..self.tables.end)?;
        match bytes % PAGE_BYTES as u64 {
            0 => Ok(()),
            _ => Err(Fault::damaged_index(self.pages.base, bytes, "it has a broken page")),
        }
    }

    fn entries(&self, at: u64, entry_bytes: usize, range: Range<u32>) -> Result<Vec<u8>, Fault> {
        let byte = |entry: u32| at + u64::from(entry) * entry_bytes as u64;
        self.pages.read(byte(range.start)..byte(range.end))
    }

    fn numbers(&self, at: u64, range: Range<u32>) -> Result<Vec<u32>, Fault> {
        let bytes = self.entries(at, size_of::<u32>(), range)?;
        Ok(bytes.chunks_exact(size_of::<u32>()).map(|number| u32_at(number, 0)).collect())
    }

    /// Where the text of a topic is.
    fn text(&self, entry: &[u8]) -> Result<Range<u64>, Fault> {
        let start = self.tables.text_at + u64::from(u32_at(entry, 8));
        let end = start + u64::from(u32_at(entry, 12));
        match end <= self.tables.postings_at {
            true => Ok(start..end),
            false => Err(self.pages.corrupt_at(start, "a topic has no text")),
        }
    }

    fn postings(&self, entry: &[u8]) -> Result<Postings, Fault> {
        let postings = Postings { at: u32_at(entry, 16), len: u32_at(entry, 20) };
        let there = (self.tables.ids_at - self.tables.postings_at) / 4;
        match u64::from(postings.at) + u64::from(postings.len) <= there {
            true => Ok(postings),
            false => Err(self.pages.corrupt_at(self.tables.topics_at, "a topic has no records")),
        }
    }
}

impl Tables {
    fn new(header: &[u8], format: u32) -> Self {
        let records = u64::from(u32_at(header, 12));
        let [topics, text_bytes, ids, keys] = [48, 52, 56, 60].map(|at| u32_at(header, at));
        // Of version 1, all records are events.
        let (offsets_at, epochs, postings) = match format {
            FORMAT_MIN => (INDEX_HEADER_BYTES_V1, 0, records),
            _ => (INDEX_HEADER_BYTES, u32_at(header, 64), u64::from(u32_at(header, 68))),
        };
        let topics_at = offsets_at + records * 4;
        let text_at = topics_at + u64::from(topics) * TOPIC_BYTES as u64;
        let postings_at = text_at + u64::from(text_bytes);
        let ids_at = postings_at + postings * 4;
        let keys_at = ids_at + u64::from(ids) * ID_BYTES as u64;
        let epochs_at = keys_at + u64::from(keys) * KEY_BYTES as u64;
        let literals_at = epochs_at + u64::from(epochs) * EPOCH_BYTES as u64;
        let literals = match format {
            FORMAT_MIN => None,
            _ => LiteralTables::new(literals_at, topics, u32_at(header, 72), u32_at(header, 76)),
        };
        let end = literals.as_ref().map_or(literals_at, LiteralTables::end);
        Self {
            offsets_at,
            topics_at,
            topics,
            text_at,
            postings_at,
            ids_at,
            ids,
            keys_at,
            keys,
            epochs_at,
            epochs,
            literals,
            end,
        }
    }
}

impl Index for SealedIndex {
    fn records(&self) -> u32 {
        self.records
    }

    fn offsets(&self, ordinals: Range<u32>) -> Result<Vec<u32>, Fault> {
        let end = ordinals.end.min(self.records);
        self.numbers(self.tables.offsets_at, ordinals.start.min(end)..end)
    }

    fn topic(&self, topic: &str) -> Result<Option<Postings>, Fault> {
        let read = |range| self.entries(self.tables.topics_at, TOPIC_BYTES, range);
        let sorted = Sorted { len: self.tables.topics, entry_bytes: TOPIC_BYTES, read: &read };
        for entry in sorted.find(self.hash.of(topic))? {
            if self.pages.read(self.text(&entry)?)? == topic.as_bytes() {
                return self.postings(&entry).map(Some);
            }
        }
        Ok(None)
    }

    fn topics(&self) -> u32 {
        self.tables.topics
    }

    fn candidates(&self, selector: &Selector) -> Result<Option<Vec<u32>>, Fault> {
        match &self.tables.literals {
            Some(literals) => literals.candidates(&self.pages, &self.hash, selector),
            None => Ok(None),
        }
    }

    fn matching(
        &self,
        topics: &mut dyn Iterator<Item = u32>,
        matches: &mut dyn FnMut(&str) -> bool,
    ) -> Result<Vec<Postings>, Fault> {
        let Tables { topics_at, text_at, postings_at, .. } = self.tables;
        let mut entries = PagesAhead::new(&self.pages, text_at);
        let mut texts = PagesAhead::new(&self.pages, postings_at);
        let mut found = Vec::new();
        for topic in topics {
            let at = topics_at + u64::from(topic) * TOPIC_BYTES as u64;
            let entry = entries.read(at..at + TOPIC_BYTES as u64)?;
            let text = texts.read(self.text(entry)?)?;
            if std::str::from_utf8(text).is_ok_and(&mut *matches) {
                found.push(self.postings(entry)?);
            }
        }
        Ok(found)
    }

    fn ordinals(&self, postings: Postings, part: Range<u32>) -> Result<Vec<u32>, Fault> {
        let end = part.end.min(postings.len);
        let start = part.start.min(end);
        let at = self.tables.postings_at + u64::from(postings.at) * 4;
        self.numbers(at, start..end)
    }

    fn id(&self, hash: u64) -> Result<IdPostings, Fault> {
        let read = |range| self.entries(self.tables.ids_at, ID_BYTES, range);
        let sorted = Sorted { len: self.tables.ids, entry_bytes: ID_BYTES, read: &read };
        let range = sorted.range(hash)?;
        Ok(IdPostings { hash, at: range.start, len: range.end - range.start })
    }

    fn id_ordinals(&self, ids: IdPostings, part: Range<u32>) -> Result<Vec<u32>, Fault> {
        let end = part.end.min(ids.len);
        let start = part.start.min(end);
        let bytes = self.entries(self.tables.ids_at, ID_BYTES, ids.at + start..ids.at + end)?;
        Ok(bytes.chunks_exact(ID_BYTES).map(|entry| u32_at(entry, 8)).collect())
    }

    fn epochs(&self) -> Result<Vec<EpochBegins>, Fault> {
        let bytes = self.entries(self.tables.epochs_at, EPOCH_BYTES, 0..self.tables.epochs)?;
        let epoch = |entry: &[u8]| EpochBegins {
            ordinal: u32_at(entry, 16),
            begins: Epoch(u64_at(entry, 0)),
            ends: Epoch(u64_at(entry, 8)),
        };
        Ok(bytes.chunks_exact(EPOCH_BYTES).map(epoch).collect())
    }
}
