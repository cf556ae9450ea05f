//! Writes the index of a segment that will not grow any more as a file.

use super::growing::{Entries, GrowingIndex};
use super::literals::{self, LISTED_BYTES, LITERAL_BYTES};
use super::pages;
use super::sealed::{EPOCH_BYTES, ID_BYTES, INDEX_HEADER_BYTES, KEY_BYTES, MAGIC, TOPIC_BYTES};
use crate::file::disk::Disk;
use crate::file::ended::Ended;
use crate::file::fault::Fault;
use crate::file::hash::KeyedHash;
use crate::file::header::{FORMAT_MIN, SegmentHeader};
use crate::file::names;

/// Writes the file, in the version of the segment, under another name first: a crash leaves the whole or nothing.
pub(crate) fn write(
    disk: &dyn Disk,
    segment: &SegmentHeader,
    ended: Ended,
    index: &GrowingIndex,
    hash: &KeyedHash,
) -> Result<(), Fault> {
    let base = segment.base;
    let name = names::index(base);
    let unfinished = names::new(&name);
    let content = content(segment, ended, index, hash, segment.format > FORMAT_MIN);
    let written = disk.create(&unfinished).and_then(|file| {
        pages::write(&*file, base, &content)?;
        file.sync_data()?;
        disk.rename(&unfinished, &name)
    });
    written.map_err(|error| {
        // What is left would only take space, and is removed at the next start at the latest.
        let _ = disk.remove(&unfinished);
        Fault::io(&name)(error)
    })
}

/// What the file holds, in its pages. Files from before there were literals have none.
pub(crate) fn content(
    segment: &SegmentHeader,
    ended: Ended,
    index: &GrowingIndex,
    hash: &KeyedHash,
    has_literals: bool,
) -> Vec<u8> {
    let entries: &Entries = &index.entries();
    let (ids, keys) = (ids(entries), entries.newest_keys());
    let mut topics: Vec<_> =
        entries.topics.iter().map(|(topic, at)| (hash.of(topic.as_str()), topic.as_str(), *at)).collect();
    topics.sort_unstable();
    let literals = match has_literals {
        false => literals::Written::default(),
        true => literals::tables(topics.iter().map(|(_, text, _)| *text), hash),
    };
    let text_bytes: usize = topics.iter().map(|(_, text, _)| text.len()).sum();
    let records = entries.offsets.len();
    let bytes = INDEX_HEADER_BYTES as usize
        + 8 * records
        + topics.len() * TOPIC_BYTES
        + text_bytes
        + ids.len() * ID_BYTES
        + keys.len() * KEY_BYTES
        + entries.epochs.len() * EPOCH_BYTES
        + literals.literals.len() * LITERAL_BYTES
        + literals.lists.len() * LISTED_BYTES;

    let mut content = Vec::with_capacity(bytes);
    content.extend_from_slice(MAGIC);
    put_u32s(&mut content, [segment.format, records as u32]);
    put_u64s(&mut content, [segment.base.0, ended.end, ended.last_time.0, hash.check()]);
    put_u32s(&mut content, [topics.len() as u32, text_bytes as u32, ids.len() as u32]);
    put_u32s(&mut content, [keys.len() as u32]);
    if segment.format > FORMAT_MIN {
        let postings: usize = entries.postings.iter().map(Vec::len).sum();
        put_u32s(&mut content, [entries.epochs.len() as u32, postings as u32]);
        put_u32s(&mut content, [literals.literals.len() as u32, literals.lists.len() as u32]);
    }
    put_u32s(&mut content, entries.offsets.iter().copied());
    let (mut text_at, mut postings_at) = (0, 0);
    for (hash, text, at) in &topics {
        let postings = entries.postings[*at as usize].len() as u32;
        put_u64s(&mut content, [*hash]);
        put_u32s(&mut content, [text_at, text.len() as u32, postings_at, postings]);
        (text_at, postings_at) = (text_at + text.len() as u32, postings_at + postings);
    }
    topics.iter().for_each(|(_, text, _)| content.extend_from_slice(text.as_bytes()));
    for (_, _, at) in &topics {
        put_u32s(&mut content, entries.postings[*at as usize].iter().copied());
    }
    for (hash, ordinal) in ids {
        put_u64s(&mut content, [hash]);
        put_u32s(&mut content, [ordinal]);
    }
    for (ordinal, hash) in &keys {
        put_u64s(&mut content, [*hash]);
        put_u32s(&mut content, [*ordinal]);
    }
    for epoch in &entries.epochs {
        put_u64s(&mut content, [epoch.begins.0, epoch.ends.0]);
        put_u32s(&mut content, [epoch.ordinal]);
    }
    for (hash, at, count) in literals.literals {
        put_u64s(&mut content, [hash]);
        put_u32s(&mut content, [at, count]);
    }
    put_u32s(&mut content, literals.lists);
    content
}

/// Hash and ordinal of every id, sorted.
fn ids(entries: &Entries) -> Vec<(u64, u32)> {
    let first = entries.ids.iter().map(|(hash, ordinal)| (*hash, *ordinal));
    let more = entries.more_ids.iter().flat_map(|(hash, all)| all.iter().map(|ordinal| (*hash, *ordinal)));
    let mut ids: Vec<_> = first.chain(more).collect();
    ids.sort_unstable();
    ids
}

fn put_u32s(content: &mut Vec<u8>, numbers: impl IntoIterator<Item = u32>) {
    numbers.into_iter().for_each(|number| content.extend_from_slice(&number.to_le_bytes()));
}

fn put_u64s(content: &mut Vec<u8>, numbers: impl IntoIterator<Item = u64>) {
    numbers.into_iter().for_each(|number| content.extend_from_slice(&number.to_le_bytes()));
}
