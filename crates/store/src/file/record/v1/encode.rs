//! Writes records of version 1, for tests. The hub writes none any more.

use tidings_core::{Draft, IdempotencyKey};
use tidings_sse::{EventId, EventType};

use super::{HAS_RETRY, HEADER_BYTES, MORE_FOLLOW};
use crate::file::record::RecordStamp;

/// Appends the record of an event.
pub(crate) fn encode(stamp: RecordStamp, draft: &Draft, into: &mut Vec<u8>) {
    let start = into.len();
    let [topic, event_type, id, key] = texts(draft).map(str::as_bytes);
    let retry = draft.retry_ms().map(u64::to_le_bytes);
    let retry: &[u8] = retry.as_ref().map_or(&[], |bytes| bytes);
    let flags = if retry.is_empty() { 0 } else { HAS_RETRY } | if stamp.more { MORE_FOLLOW } else { 0 };
    let fields = [retry, topic, event_type, id, key, draft.data()].concat();
    into.extend_from_slice(&[0; 4]);
    into.extend_from_slice(&((HEADER_BYTES + fields.len()) as u32).to_le_bytes());
    into.extend_from_slice(&stamp.sequence.0.to_le_bytes());
    into.extend_from_slice(&stamp.time.0.to_le_bytes());
    into.extend_from_slice(&stamp.lag.to_le_bytes());
    into.extend_from_slice(&[flags, key.len() as u8]);
    for text in [topic, event_type, id] {
        into.extend_from_slice(&(text.len() as u16).to_le_bytes());
    }
    into.extend_from_slice(&fields);
    let checksum = crc32c::crc32c(&into[start + 4..]);
    into[start..start + 4].copy_from_slice(&checksum.to_le_bytes());
}

/// The short fields, in the order of the record.
fn texts(draft: &Draft) -> [&str; 4] {
    [
        draft.topic().as_str(),
        draft.event_type().map_or("", EventType::as_str),
        draft.id().map_or("", EventId::as_str),
        draft.key().map_or("", IdempotencyKey::as_str),
    ]
}
