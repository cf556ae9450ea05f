//! Attributes: what a record may have beside topic and data, each with a number for its name.
//!
//! They stand in ascending order of their numbers. A reader passes over those that it does not know or does not use.

use super::number::u16_at;

/// Bytes before the value of an attribute: its number, and the length of the value.
const ATTRIBUTE_HEADER_BYTES: usize = 3;

/// Names of attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Attribute {
    /// The event type, text.
    EventType = 1,
    /// The publisher's id for the event, text.
    Id = 2,
    /// The reconnection delay in milliseconds, 8 bytes.
    Retry = 3,
    /// The idempotency key: the length of the credential's name (1 byte), that name, the key.
    Key = 4,
    /// How far a keyed batch has come with this event: events before this append (8 bytes), events so far (8 bytes), the
    /// hash of all of them (16 bytes), and 1 if the batch is known to end with this event, else 0 (1 byte).
    Batch = 5,
}

/// What the bytes of a record's attributes say, as far as this version uses it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Attributes<'a> {
    pub(super) event_type: &'a [u8],
    pub(super) id: &'a [u8],
    pub(super) retry: Option<&'a [u8]>,
    pub(super) key: Option<&'a [u8]>,
    pub(super) batch: Option<&'a [u8]>,
}

impl<'a> Attributes<'a> {
    /// None if the bytes are not attributes.
    pub(super) fn parse(mut bytes: &'a [u8]) -> Option<Self> {
        let mut attributes = Self::default();
        let mut last = 0;
        while let Some((header, rest)) = bytes.split_at_checked(ATTRIBUTE_HEADER_BYTES) {
            let (name, length) = (header[0], usize::from(u16_at(header, 1)));
            let (value, rest) = rest.split_at_checked(length)?;
            if name < last {
                return None;
            }
            match name {
                1 => attributes.event_type = value,
                2 => attributes.id = value,
                3 => attributes.retry = Some(value),
                4 => attributes.key = Some(value),
                5 => attributes.batch = Some(value),
                _ => {}
            }
            (last, bytes) = (name, rest);
        }
        bytes.is_empty().then_some(attributes)
    }
}

/// Bytes of an attribute whose value has as many.
pub(super) fn encoded_len(value_bytes: usize) -> usize {
    ATTRIBUTE_HEADER_BYTES + value_bytes
}

/// Appends an attribute with a value in several parts, which have less than 64 KiB together.
pub(super) fn put(name: u8, parts: &[&[u8]], into: &mut Vec<u8>) {
    let bytes: usize = parts.iter().map(|part| part.len()).sum();
    into.push(name);
    into.extend_from_slice(&(bytes as u16).to_le_bytes());
    parts.iter().for_each(|part| into.extend_from_slice(part));
}
