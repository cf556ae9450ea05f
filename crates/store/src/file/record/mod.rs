//! A record: one event in a segment, or a note that the log makes, as bytes.
//!
//! Version 1 is read; [version 2](v2) is read and written. Knows nothing of files.

pub(crate) mod attribute;
pub(crate) mod kind;
pub(crate) mod number;
#[cfg(test)]
mod round_trip;
pub(crate) mod v1;
pub(crate) mod v2;

use bytes::Bytes;
use tidings_core::{
    BatchPart, Cursor, Draft, DraftParts, Epoch, Event, IdempotencyKey, KeyFields, Sequence, Topic,
    UnixMillis,
};
use tidings_sse::{EventId, EventType};

use super::hash::RecordTag;
use kind::Kind;

/// Bytes of the shortest record there can be.
pub(crate) const RECORD_BYTES_MIN: usize = v1::HEADER_BYTES;

/// Where an event stands in the log, and what recovery must know of how it came there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordStamp {
    pub(crate) sequence: Sequence,
    pub(crate) time: UnixMillis,
    /// How many events back the newest one was that was durable when this one was written. At least 1, but for records
    /// without a place of their own.
    pub(crate) lag: u32,
    /// The next record is of the same append: the two are there together or not at all.
    pub(crate) more: bool,
}

/// Why bytes are no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// There are not enough bytes; this many are needed to tell.
    Short(usize),
    /// Space where nothing was written.
    Empty,
    /// Something was written, and it is not what is there.
    Broken(&'static str),
    /// The log wrote this, but not as this version would.
    Foreign(&'static str),
    /// The log wrote this, and it is of a kind that this version does not know.
    UnknownKind(u8),
}

impl Flaw {
    /// What to say of it.
    pub(crate) fn what(self) -> String {
        match self {
            Self::Short(_) => "the record ends early".to_owned(),
            Self::Empty => "there is no record".to_owned(),
            Self::Broken(what) | Self::Foreign(what) => what.to_owned(),
            Self::UnknownKind(kind) => {
                format!(
                    "the record is of kind {kind}, which this version does not know; a later one wrote it"
                )
            }
        }
    }

    /// Whether no crash can have made it: the bytes are as the log wrote them.
    pub(crate) fn is_foreign(self) -> bool {
        matches!(self, Self::Foreign(_) | Self::UnknownKind(_))
    }
}

/// How the records of a segment are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordFormat {
    /// With a checksum that anybody can make.
    V1,
    /// With the tag of one log.
    V2(RecordTag),
}

impl RecordFormat {
    /// Reads the record that the bytes begin with.
    pub(crate) fn parse<'a>(&self, bytes: &'a [u8]) -> Result<Record<'a>, Flaw> {
        match self {
            Self::V1 => v1::parse(bytes),
            Self::V2(tag) => v2::parse(bytes, tag),
        }
    }

    /// The length that a header claims; none if the bytes are no header.
    pub(crate) fn length(&self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::V1 => v1::length(bytes.first_chunk()?).ok(),
            Self::V2(_) => v2::length(bytes.first_chunk()?).ok(),
        }
    }

    /// The length, the place and the kind of a record whose header is whole, be the rest of it as it may. None in version 1, where nothing proves
    /// a header alone.
    pub(crate) fn head(&self, bytes: &[u8]) -> Option<(usize, RecordStamp, Kind)> {
        match self {
            Self::V1 => None,
            Self::V2(tag) => v2::head(bytes, tag),
        }
    }

    /// The sequence that a header claims. There must be a header.
    pub(crate) fn sequence(&self, bytes: &[u8]) -> Sequence {
        match self {
            Self::V1 => v1::sequence(bytes),
            Self::V2(_) => v2::sequence(bytes),
        }
    }

    /// Bytes of a header.
    pub(crate) fn header_bytes(&self) -> usize {
        match self {
            Self::V1 => v1::HEADER_BYTES,
            Self::V2(_) => v2::HEADER_BYTES,
        }
    }
}

/// A record that is whole, in the bytes where it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub(crate) stamp: RecordStamp,
    pub(crate) kind: Kind,
    pub(crate) len: usize,
    pub(crate) topic: &'a str,
    pub(crate) event_type: &'a str,
    pub(crate) id: &'a str,
    /// The idempotency key; its text is empty for none.
    pub(crate) key: KeyFields<'a>,
    pub(crate) batch_part: Option<BatchPart>,
    pub(crate) retry_ms: Option<u64>,
    pub(crate) data: &'a [u8],
}

impl Record<'_> {
    /// The event. The topic is that of the record, perhaps shared with other events; the epoch is the line's.
    pub(crate) fn to_event(self, topic: Topic, epoch: Epoch) -> Result<Event, Flaw> {
        if std::str::from_utf8(self.data).is_err() {
            return Err(Flaw::Broken("the record's data is not UTF-8"));
        }
        let broken = |what| move || Flaw::Broken(what);
        let event_type = optional(self.event_type, |text| EventType::new(text).ok());
        let id = optional(self.id, |text| EventId::new(text).ok());
        let key = optional(self.key.key, |_| IdempotencyKey::parse(self.key).ok());
        let parts = DraftParts {
            topic,
            data: Bytes::copy_from_slice(self.data),
            event_type: event_type.ok_or_else(broken("the record's event type is none"))?,
            id: id.ok_or_else(broken("the record's id is none"))?,
            retry_ms: self.retry_ms,
            key: key.ok_or_else(broken("the record's idempotency key is none"))?,
            batch_part: self.batch_part,
            is_state: self.kind == Kind::State,
        };
        let cursor = Cursor::new(epoch, self.stamp.sequence);
        Ok(Event { cursor, time: self.stamp.time, draft: Draft::restore(parts) })
    }

    /// The epoch that a record of this kind begins, and the one that ends there.
    pub(crate) fn epochs(&self) -> Result<(Epoch, Epoch), Flaw> {
        if self.data.len() != 16 {
            return Err(Flaw::Foreign("the record begins an epoch and does not say which"));
        }
        Ok((Epoch(number::u64_at(self.data, 0)), Epoch(number::u64_at(self.data, 8))))
    }
}

/// Nothing if the text is empty; none if it should be something and is not.
fn optional<T>(text: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<Option<T>> {
    if text.is_empty() { Some(None) } else { parse(text).map(Some) }
}
