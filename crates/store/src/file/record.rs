//! A record: one event in a segment, as bytes.
//!
//! The layout is in `docs/file-format.md`. Knows nothing of files.

use bytes::Bytes;
use tidings_core::{Cursor, Draft, DraftParts, Epoch, Event, IdempotencyKey, Sequence, Topic, UnixMillis};
use tidings_sse::{EventId, EventType};

use crate::limits::RECORD_BYTES_MAX;

/// Bytes before the fields.
pub(crate) const HEADER_BYTES: usize = 36;

const HAS_RETRY: u8 = 1;
const MORE_FOLLOW: u8 = 2;

/// Where an event stands in the log, and what recovery must know of how it came there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordStamp {
    pub(crate) sequence: Sequence,
    pub(crate) time: UnixMillis,
    /// How many events back the newest one was that was durable when this one was written. At least 1.
    pub(crate) lag: u32,
    /// The next record is of the same append: the two are there together or not at all.
    pub(crate) more: bool,
}

/// Bytes of the record of a draft.
pub(crate) fn encoded_len(draft: &Draft) -> usize {
    HEADER_BYTES + draft.retry_ms().map_or(0, |_| size_of::<u64>()) + draft.bytes()
}

/// Appends a record. The draft must be no longer than [`RECORD_BYTES_MAX`] when encoded.
pub(crate) fn encode(stamp: RecordStamp, draft: &Draft, into: &mut Vec<u8>) {
    let start = into.len();
    let [topic, event_type, id, key] = texts(draft).map(str::as_bytes);
    let flags = if draft.retry_ms().is_some() { HAS_RETRY } else { 0 };
    let flags = flags | if stamp.more { MORE_FOLLOW } else { 0 };
    let mut header = [0; HEADER_BYTES];
    header[4..8].copy_from_slice(&(encoded_len(draft) as u32).to_le_bytes());
    header[8..16].copy_from_slice(&stamp.sequence.0.to_le_bytes());
    header[16..24].copy_from_slice(&stamp.time.0.to_le_bytes());
    header[24..28].copy_from_slice(&stamp.lag.to_le_bytes());
    header[28] = flags;
    header[29] = key.len() as u8;
    header[30..32].copy_from_slice(&(topic.len() as u16).to_le_bytes());
    header[32..34].copy_from_slice(&(event_type.len() as u16).to_le_bytes());
    header[34..36].copy_from_slice(&(id.len() as u16).to_le_bytes());
    into.extend_from_slice(&header);
    if let Some(ms) = draft.retry_ms() {
        into.extend_from_slice(&ms.to_le_bytes());
    }
    for field in [topic, event_type, id, key, draft.data()] {
        into.extend_from_slice(field);
    }
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

/// Why bytes are no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// There are not enough bytes; so many are needed to tell.
    Short(usize),
    /// Space where nothing was written.
    Empty,
    /// Something was written, and it is not what is there.
    Broken(&'static str),
}

impl Flaw {
    /// What to say of it.
    pub(crate) fn what(self) -> &'static str {
        match self {
            Self::Short(_) => "the record ends early",
            Self::Empty => "there is no record",
            Self::Broken(what) => what,
        }
    }
}

/// A record that is whole, in the bytes where it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub(crate) stamp: RecordStamp,
    pub(crate) len: usize,
    pub(crate) topic: &'a str,
    pub(crate) event_type: &'a str,
    pub(crate) id: &'a str,
    pub(crate) key: &'a str,
    pub(crate) retry_ms: Option<u64>,
    pub(crate) data: &'a [u8],
}

impl<'a> Record<'a> {
    /// Reads the record that the bytes begin with.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Flaw> {
        let Some(header) = bytes.first_chunk::<HEADER_BYTES>() else { return Err(Flaw::Short(HEADER_BYTES)) };
        let len = length(header)?;
        let Some(whole) = bytes.get(..len) else { return Err(Flaw::Short(len)) };
        if crc32c::crc32c(&whole[4..]) != u32_at(header, 0) {
            return Err(Flaw::Broken("the record's checksum is not that of its bytes"));
        }
        Self::fields(header, whole)
    }

    fn fields(header: &[u8; HEADER_BYTES], whole: &'a [u8]) -> Result<Self, Flaw> {
        let flags = header[28];
        if flags & !(HAS_RETRY | MORE_FOLLOW) != 0 {
            return Err(Flaw::Broken("the record has flags that this version does not know"));
        }
        let mut rest = &whole[HEADER_BYTES..];
        let retry_ms = match flags & HAS_RETRY {
            0 => None,
            _ => Some(u64_at(take(&mut rest, 8)?, 0)),
        };
        let topic = text(&mut rest, u16_at(header, 30))?;
        let event_type = text(&mut rest, u16_at(header, 32))?;
        let id = text(&mut rest, u16_at(header, 34))?;
        let key = text(&mut rest, header[29].into())?;
        Ok(Self { stamp: stamp(header), len: whole.len(), topic, event_type, id, key, retry_ms, data: rest })
    }

    /// The event. The topic is that of the record, perhaps shared with other events; the epoch that of its segment.
    pub(crate) fn to_event(self, topic: Topic, epoch: Epoch) -> Result<Event, Flaw> {
        if std::str::from_utf8(self.data).is_err() {
            return Err(Flaw::Broken("the record's data is not UTF-8"));
        }
        let broken = |what| move || Flaw::Broken(what);
        let event_type = optional(self.event_type, |text| EventType::new(text).ok());
        let id = optional(self.id, |text| EventId::new(text).ok());
        let key = optional(self.key, |text| IdempotencyKey::parse(text.into()).ok());
        let parts = DraftParts {
            topic,
            data: Bytes::copy_from_slice(self.data),
            event_type: event_type.ok_or_else(broken("the record's event type is none"))?,
            id: id.ok_or_else(broken("the record's id is none"))?,
            retry_ms: self.retry_ms,
            key: key.ok_or_else(broken("the record's idempotency key is none"))?,
            batch_part: None,
        };
        let cursor = Cursor::new(epoch, self.stamp.sequence);
        Ok(Event { cursor, time: self.stamp.time, draft: Draft::restore(parts) })
    }
}

/// Nothing if the text is empty; none if it should be something and is not.
fn optional<T>(text: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<Option<T>> {
    if text.is_empty() { Some(None) } else { parse(text).map(Some) }
}

/// The sequence that a header claims, checksum unseen. There must be a header.
pub(crate) fn sequence(bytes: &[u8]) -> Sequence {
    Sequence(u64_at(bytes, 8))
}

fn stamp(header: &[u8; HEADER_BYTES]) -> RecordStamp {
    RecordStamp {
        sequence: sequence(header),
        time: UnixMillis(u64_at(header, 16)),
        lag: u32_at(header, 24),
        more: header[28] & MORE_FOLLOW != 0,
    }
}

/// The length that a header claims, checksum unseen.
pub(crate) fn length(header: &[u8; HEADER_BYTES]) -> Result<usize, Flaw> {
    let len = u32_at(header, 4) as usize;
    match len {
        0 if header.iter().all(|byte| *byte == 0) => Err(Flaw::Empty),
        HEADER_BYTES..=RECORD_BYTES_MAX => Ok(len),
        _ => Err(Flaw::Broken("the record's length is impossible")),
    }
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Result<&'a [u8], Flaw> {
    let (field, after) =
        rest.split_at_checked(count).ok_or(Flaw::Broken("the record's fields overrun its end"))?;
    *rest = after;
    Ok(field)
}

fn text<'a>(rest: &mut &'a [u8], count: u16) -> Result<&'a str, Flaw> {
    std::str::from_utf8(take(rest, count.into())?)
        .map_err(|_| Flaw::Broken("a field of the record is not UTF-8"))
}

/// A little-endian number; the caller has made sure of the bytes.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array(bytes, at))
}

/// A little-endian number; the caller has made sure of the bytes.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at))
}

/// A little-endian number; the caller has made sure of the bytes.
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at))
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tidings_core::contract::fixture::draft_with;
    use tidings_core::{DraftFields, KeyFields};

    const STAMP: RecordStamp =
        RecordStamp { sequence: Sequence(7), time: UnixMillis(1_000), lag: 1, more: false };

    fn encoded(stamp: RecordStamp, draft: &Draft) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(stamp, draft, &mut bytes);
        bytes
    }

    #[test]
    fn the_bytes_are_those_of_the_description() {
        let fields =
            DraftFields { event_type: Some("T"), id: Some("ID"), retry_ms: Some(5), key: Some("KEY".into()) };

        let bytes = encoded(RecordStamp { more: true, ..STAMP }, &draft_with("topic", "data", fields));

        let expected =
            b"\x3b\0\0\0\x07\0\0\0\0\0\0\0\xe8\x03\0\0\0\0\0\0\x01\0\0\0\x03\x03\x05\0\x01\0\x02\0\
            \x05\0\0\0\0\0\0\0topicTIDKEYdata";
        assert_eq!(bytes[4..], expected[..]);
        assert_eq!(bytes[..4], crc32c::crc32c(expected).to_le_bytes());
    }

    #[test]
    fn space_where_nothing_was_written_is_empty() {
        assert_eq!(Record::parse(&[0; 100]), Err(Flaw::Empty));
        assert_eq!(Record::parse(&[0; 10]), Err(Flaw::Short(HEADER_BYTES)));
    }

    #[test]
    fn a_record_that_ends_early_says_what_it_needs() {
        let bytes = encoded(STAMP, &draft_with("a", "some data", DraftFields::default()));

        assert_eq!(Record::parse(&bytes[..bytes.len() - 1]), Err(Flaw::Short(bytes.len())));
    }

    proptest! {
        #[test]
        fn decoding_returns_what_was_encoded(
            topic in "[a-z\u{4e00}-\u{4e10}]{1,20}",
            data in any::<String>(),
            event_type in proptest::option::of("[a-z]{1,9}"),
            id in proptest::option::of("[a-z0-9]{1,9}"),
            key in proptest::option::of("[!-~]{1,255}"),
            retry_ms in proptest::option::of(0..=86_400_000_u64),
            (sequence, time, lag, more) in any::<(u64, u64, u32, bool)>(),
            neighbour in any::<Vec<u8>>(),
        ) {
            let fields = DraftFields {
                event_type: event_type.as_deref(), id: id.as_deref(), retry_ms, key: key.as_deref().map(KeyFields::from),
            };
            let draft = draft_with(&topic, &data, fields);
            let stamp = RecordStamp { sequence: Sequence(sequence), time: UnixMillis(time), lag, more };
            let mut bytes = encoded(stamp, &draft);
            prop_assert_eq!(bytes.len(), encoded_len(&draft));
            bytes.extend(neighbour);

            let record = Record::parse(&bytes).unwrap();

            prop_assert_eq!(record.stamp, stamp);
            let event = record.to_event(Topic::parse(record.topic).unwrap(), Epoch(1)).unwrap();
            let cursor = Cursor::new(Epoch(1), stamp.sequence);
            prop_assert_eq!(event, Event { cursor, time: stamp.time, draft });
        }

        #[test]
        fn a_changed_byte_is_noticed(at in any::<prop::sample::Index>(), change in 1..=255_u8) {
            let fields = DraftFields { id: Some("an-id"), ..DraftFields::default() };
            let mut bytes = encoded(STAMP, &draft_with("a/topic", "some data", fields));
            let at = at.index(bytes.len());
            bytes[at] ^= change;

            prop_assert!(Record::parse(&bytes).is_err());
        }

        #[test]
        fn any_bytes_are_a_record_or_a_flaw(bytes in any::<Vec<u8>>()) {
            let _ = Record::parse(&bytes);
        }
    }
}
