//! Stop 2 of the walk: a draft, the validated event that has no place in the log yet.
//!
//! [`Hub::draft`](crate::Hub::draft) is the only door for publishers, [`Hub::own_draft`](crate::Hub::own_draft) the one
//! for the hub itself. What is inside a draft is never checked again.

use std::num::NonZeroU64;
use std::sync::Arc;

use bytes::Bytes;
use tidings_sse::{EventId, EventType};

use crate::event::batch::BatchPart;
use crate::event::cursor::{Cursor, Epoch};
use crate::event::key::{IdempotencyKey, KeyFields};
use crate::event::topic::Topic;
use crate::limits::{
    CREDENTIAL_BYTES_MAX, EVENT_ID_BYTES_MAX, EVENT_TYPE_BYTES_MAX, IDEMPOTENCY_KEY_BYTES_MAX, Limits,
    RETRY_MS_MAX,
};
use crate::roster::ConnectionId;

/// Event types that begin so are the hub's own.
pub const RESERVED_TYPE_PREFIX: &str = "tidings.";

/// A validated event on its way to a [`Store`](crate::Store).
///
/// Cloning shares the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a draft is nothing until it is published"]
pub struct Draft {
    topic: Topic,
    data: Bytes,
    /// None if none of the fields is set, as for most events: millions of them stand in memory.
    fields: Option<Arc<Fields>>,
}

/// What few drafts have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Fields {
    event_type: Option<EventType>,
    id: Option<EventId>,
    /// One more than the milliseconds, which takes half as many bytes as an option of them.
    retry: Option<NonZeroU64>,
    key: Option<IdempotencyKey>,
    batch_part: Option<BatchPart>,
    excepted: Option<ConnectionId>,
    is_state: bool,
}

/// What a publisher may set beside topic and data, as it arrived.
#[derive(Debug, Clone, Copy, Default)]
pub struct DraftFields<'a> {
    /// The event type; empty is the same as none, and a page hears it as `message`.
    pub event_type: Option<&'a str>,
    /// The publisher's own id for the event.
    pub id: Option<&'a str>,
    /// The reconnection delay for clients that receive the event, in milliseconds.
    pub retry_ms: Option<u64>,
    /// The key under which the same publish may be sent again.
    pub key: Option<KeyFields<'a>>,
}

impl Draft {
    /// Validates a publisher's event. `data` is any UTF-8 text, kept to the byte. `is_on_line` tells
    /// whether an epoch is one of the log's, in which the hub has given ids.
    pub(crate) fn new(
        topic: Topic,
        data: Bytes,
        fields: DraftFields<'_>,
        limits: &Limits,
        is_on_line: impl Fn(Epoch) -> bool,
    ) -> Result<Self, DraftError> {
        check_data(&data, limits.event_bytes_max)?;
        Ok(Self::restore(DraftParts {
            topic,
            data,
            event_type: fields.event_type.filter(|text| !text.is_empty()).map(event_type).transpose()?,
            id: fields.id.map(|text| event_id(text, &is_on_line)).transpose()?,
            retry_ms: fields.retry_ms.map(retry_ms).transpose()?,
            key: fields.key.map(IdempotencyKey::parse).transpose()?,
            batch_part: None,
            is_state: false,
        }))
    }

    /// Validates an event of the hub's own, whose type begins with [`RESERVED_TYPE_PREFIX`].
    pub(crate) fn own(
        topic: Topic,
        own_type: &EventType,
        data: Bytes,
        limits: &Limits,
    ) -> Result<Self, DraftError> {
        if !own_type.as_str().starts_with(RESERVED_TYPE_PREFIX) {
            return Err(DraftError::TypeNotOwn);
        }
        check_data(&data, limits.event_bytes_max)?;
        let event_type = Some(own_type.clone());
        Ok(Self::restore(DraftParts { event_type, ..DraftParts::new(topic, data) }))
    }

    /// The draft as a store wrote it, read back: what was validated once is not validated by newer rules.
    pub fn restore(parts: DraftParts) -> Self {
        let DraftParts { topic, data, event_type, id, retry_ms, key, batch_part, is_state } = parts;
        let retry = retry_ms.map(|ms| NonZeroU64::MIN.saturating_add(ms));
        let fields = Fields { event_type, id, retry, key, batch_part, excepted: None, is_state };
        Self { topic, data, fields: (fields != Fields::default()).then(|| Arc::new(fields)) }
    }

    /// The draft under an idempotency key. For drafts of the hub's own; a publisher's key is among its
    /// [fields](DraftFields::key).
    pub fn with_key(self, key: IdempotencyKey) -> Self {
        self.with_fields(|fields| fields.key = Some(key))
    }

    /// The draft as a state record.
    pub(crate) fn into_state(self) -> Self {
        self.with_fields(|fields| fields.is_state = true)
    }

    /// The draft as the last one of an append of a batch. The drafts before it in the append must have no key.
    pub fn ending_part(self, key: IdempotencyKey, batch_part: BatchPart) -> Self {
        self.with_fields(|fields| {
            fields.key = Some(key);
            fields.batch_part = Some(batch_part);
        })
    }

    /// The draft without an echo to one connection, that of its publisher: while it follows the log, it gets the place of the
    /// event and not the event. No store keeps this on a disk, so history and later readings are the same for all readers.
    pub fn excepting(self, connection: ConnectionId) -> Self {
        self.with_fields(|fields| fields.excepted = Some(connection))
    }

    fn with_fields(self, set: impl FnOnce(&mut Fields)) -> Self {
        let Self { topic, data, fields } = self;
        let mut fields = fields.map(Arc::unwrap_or_clone).unwrap_or_default();
        set(&mut fields);
        Self { topic, data, fields: Some(Arc::new(fields)) }
    }

    /// Takes the text of an equal topic for its own.
    pub(crate) fn share_topic(&mut self, topic: &Topic) {
        debug_assert_eq!(self.topic, *topic, "only the memory changes, never the text");
        self.topic = topic.clone();
    }

    pub(crate) fn with_data(self, data: Bytes) -> Self {
        Self { data, ..self }
    }

    /// Where the event goes.
    pub fn topic(&self) -> &Topic {
        &self.topic
    }

    /// The event's text, valid UTF-8.
    pub fn data(&self) -> &Bytes {
        &self.data
    }

    /// The event type; none is `message`.
    pub fn event_type(&self) -> Option<&EventType> {
        self.fields.as_ref()?.event_type.as_ref()
    }

    /// The publisher's id.
    pub fn id(&self) -> Option<&EventId> {
        self.fields.as_ref()?.id.as_ref()
    }

    /// The reconnection delay, in milliseconds.
    pub fn retry_ms(&self) -> Option<u64> {
        Some(self.fields.as_ref()?.retry?.get() - 1)
    }

    /// The key that makes a second publish of the same draft harmless.
    pub fn key(&self) -> Option<&IdempotencyKey> {
        self.fields.as_ref()?.key.as_ref()
    }

    /// What the draft says of the batch that it belongs to, if it is the last one of an append of a batch. The key is
    /// then the batch's.
    pub fn batch_part(&self) -> Option<&BatchPart> {
        self.fields.as_ref()?.batch_part.as_ref()
    }

    /// The connection that gets no [echo](Self::excepting). What carries a subscription leaves the event out.
    pub fn excepted(&self) -> Option<ConnectionId> {
        self.fields.as_ref()?.excepted
    }

    /// Whether it is a state record: not something that has happened, but what the hub still needs of events that leave
    /// the log. It has a place and is delivered as an event is, and a store keeps that it is one.
    pub fn is_state(&self) -> bool {
        self.fields.as_ref().is_some_and(|fields| fields.is_state)
    }

    /// Bytes of all fields together: what a draft counts for wherever bytes are bounded.
    pub fn bytes(&self) -> usize {
        self.topic.as_str().len() + self.data.len() + self.fields.as_ref().map_or(0, |fields| fields.bytes())
    }

    /// Whether publishing both would be publishing the same event.
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        (&self.topic, &self.data, self.event_type(), self.id(), self.retry_ms(), self.is_state())
            == (&other.topic, &other.data, other.event_type(), other.id(), other.retry_ms(), other.is_state())
    }
}

impl Fields {
    fn bytes(&self) -> usize {
        self.event_type.as_ref().map_or(0, |text| text.as_str().len())
            + self.id.as_ref().map_or(0, |text| text.as_str().len())
            + self.key.as_ref().map_or(0, IdempotencyKey::bytes)
            + self.batch_part.as_ref().map_or(0, size_of_val)
            + self.excepted.as_ref().map_or(0, size_of_val)
    }
}

/// The fields of a draft, already typed, for stores that read one back.
#[derive(Debug, Clone)]
pub struct DraftParts {
    /// See [`Draft::topic`].
    pub topic: Topic,
    /// See [`Draft::data`]. Must be valid UTF-8.
    pub data: Bytes,
    /// See [`Draft::event_type`].
    pub event_type: Option<EventType>,
    /// See [`Draft::id`].
    pub id: Option<EventId>,
    /// See [`Draft::retry_ms`].
    pub retry_ms: Option<u64>,
    /// See [`Draft::key`].
    pub key: Option<IdempotencyKey>,
    /// See [`Draft::batch_part`].
    pub batch_part: Option<BatchPart>,
    /// See [`Draft::is_state`].
    pub is_state: bool,
}

impl DraftParts {
    /// The parts of a draft that has nothing but a topic and data.
    pub fn new(topic: Topic, data: Bytes) -> Self {
        Self {
            topic,
            data,
            event_type: None,
            id: None,
            retry_ms: None,
            key: None,
            batch_part: None,
            is_state: false,
        }
    }
}

fn check_data(data: &Bytes, bytes_max: usize) -> Result<(), DraftError> {
    if data.len() > bytes_max {
        return Err(DraftError::DataTooLong { bytes_max });
    }
    match std::str::from_utf8(data) {
        Ok(_) => Ok(()),
        Err(error) => Err(DraftError::DataNotUtf8 { at: error.valid_up_to() }),
    }
}

fn event_type(text: &str) -> Result<EventType, DraftError> {
    if text.len() > EVENT_TYPE_BYTES_MAX {
        return Err(DraftError::TypeTooLong { bytes: text.len() });
    }
    if text.starts_with(RESERVED_TYPE_PREFIX) {
        return Err(DraftError::TypeReserved);
    }
    if let Some(character) = text.chars().find(|character| character.is_control()) {
        return Err(DraftError::TypeControl { character });
    }
    Ok(EventType::new(text).expect("what an event type may not have are control characters"))
}

fn event_id(text: &str, is_on_line: impl Fn(Epoch) -> bool) -> Result<EventId, DraftError> {
    // A publisher that chose an id of the hub's own could make a subscriber resume at the wrong place.
    if text.parse::<Cursor>().is_ok_and(|cursor| is_on_line(cursor.epoch)) {
        return Err(DraftError::IdReserved);
    }
    check_id(text)
}

/// Parses the id of an event by the rules that every hub has: 1 to [`EVENT_ID_BYTES_MAX`] bytes, no control characters,
/// and no white space at its ends. That it must not be one of a hub's own ids, only that hub can tell.
///
/// # Errors
///
/// Those of these rules.
pub fn check_id(text: &str) -> Result<EventId, DraftError> {
    if text.is_empty() {
        return Err(DraftError::IdEmpty);
    }
    if text.len() > EVENT_ID_BYTES_MAX {
        return Err(DraftError::IdTooLong { bytes: text.len() });
    }
    if let Some(character) = text.chars().find(|character| character.is_control()) {
        return Err(DraftError::IdControl { character });
    }
    // HTTP strips white space around the header value in which the id comes back.
    if text.trim() != text {
        return Err(DraftError::IdSpace);
    }
    Ok(EventId::new(text).expect("what an id may not have are control characters"))
}

fn retry_ms(ms: u64) -> Result<u64, DraftError> {
    if ms > RETRY_MS_MAX { Err(DraftError::RetryTooLong) } else { Ok(ms) }
}

/// Why an event cannot be published. The publisher's to mend; nothing was stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DraftError {
    /// Over [`Limits::event_bytes_max`].
    #[error("an event's data has at most {bytes_max} bytes")]
    DataTooLong {
        /// The limit.
        bytes_max: usize,
    },
    /// Data is text.
    #[error("an event's data is UTF-8 text, and byte {} of it is not", at + 1)]
    DataNotUtf8 {
        /// Offset of the first byte that is not UTF-8. The message counts from 1, as editors do.
        at: usize,
    },
    /// Over [`EVENT_TYPE_BYTES_MAX`].
    #[error("an event type has at most {EVENT_TYPE_BYTES_MAX} bytes, this one has {bytes}")]
    TypeTooLong {
        /// The length as it came.
        bytes: usize,
    },
    /// Begins with [`RESERVED_TYPE_PREFIX`].
    #[error("event types that begin with `{RESERVED_TYPE_PREFIX}` are the hub's own")]
    TypeReserved,
    /// An event of the hub's own must be known by its type.
    #[error("the type of an event of the hub's own begins with `{RESERVED_TYPE_PREFIX}`")]
    TypeNotOwn,
    /// A newline would end the field; other control characters have no use in a listener's name.
    #[error("an event type has no newline and no other control character, and this one has U+{:04X}", u32::from(*character))]
    TypeControl {
        /// The first of them.
        character: char,
    },
    /// An empty id would make clients forget their place.
    #[error("an id needs at least one character")]
    IdEmpty,
    /// Over [`EVENT_ID_BYTES_MAX`].
    #[error("an id has at most {EVENT_ID_BYTES_MAX} bytes, this one has {bytes}")]
    IdTooLong {
        /// The length as it came.
        bytes: usize,
    },
    /// A newline would end the field; NUL voids it; no header could bring the others back.
    #[error("an id has no newline, no NUL and no other control character, and this one has U+{:04X}", u32::from(*character))]
    IdControl {
        /// The first of them.
        character: char,
    },
    /// White space at an end would be lost in the header in which the id comes back.
    #[error("an id neither begins nor ends with white space")]
    IdSpace,
    /// The id has the form of this hub's own cursors.
    #[error("an id of this form is given by the hub itself")]
    IdReserved,
    /// Over [`RETRY_MS_MAX`].
    #[error("a retry is at most {RETRY_MS_MAX} ms")]
    RetryTooLong,
    /// Not a key.
    #[error("an idempotency key is 1 to {IDEMPOTENCY_KEY_BYTES_MAX} visible ASCII characters")]
    Key,
    /// Not the name of a credential. The hub's configuration is to be mended, not the event.
    #[error("a credential's name has at most {CREDENTIAL_BYTES_MAX} bytes and no control character")]
    Credential,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Millions of drafts stand in memory. Before there were state records, these were the sizes.
    #[test]
    fn a_draft_takes_no_more_memory_than_it_must() {
        assert_eq!((size_of::<Draft>(), size_of::<Fields>()), (56, 136));
    }
}
