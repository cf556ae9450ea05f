//! What comes out of a decoder.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::string::String;

use super::labels::Labels;
use crate::Retry;

/// One thing that the stream said. Borrows from the chunk and the decoder; see [`OwnedItem`] to keep it.
///
/// Not `non_exhaustive`: the format is frozen, and all it can say is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item<'a> {
    /// An event was dispatched.
    Event(Event<'a>),
    /// A comment line, as it stands after the colon. Reported to those who ask.
    Comment(&'a str),
    /// The reconnection delay changed, with its very line: the block around it may never end. Reported to those
    /// who ask.
    Retry(Retry),
    /// A block without data set the last event id, here as it now is. Reported to those who ask.
    Id(&'a str),
}

/// A dispatched event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event<'a> {
    /// The type if the block set one; see [`type_or_message`](Self::type_or_message).
    pub event_type: Option<&'a str>,
    /// The data lines, joined by LF. May be empty.
    pub data: &'a str,
    /// The last event id of the stream: this block's, else that of an earlier one, else the seed, else empty.
    pub last_event_id: &'a str,
    /// Whether this very block set the id; see [`id`](Self::id).
    pub id_in_block: bool,
    /// The reconnection delay, if this very block set one.
    pub retry: Option<Retry>,
    pub(super) labels: Option<&'a Labels>,
}

impl<'a> Event<'a> {
    /// An event of which the block set nothing but data.
    #[inline]
    pub(super) const fn plain(data: &'a str, last_event_id: &'a str) -> Self {
        Self { event_type: None, data, last_event_id, id_in_block: false, retry: None, labels: None }
    }

    /// The type as a page sees it: `message` unless the block set another.
    #[inline]
    pub fn type_or_message(&self) -> &'a str {
        self.event_type.unwrap_or("message")
    }

    /// The id, if this very block set one. May be empty.
    #[inline]
    pub fn id(&self) -> Option<&'a str> {
        self.id_in_block.then_some(self.last_event_id)
    }

    /// The topic, if the block has a line `topic: TEXT`. No field of the standard: a tidings hub has it in a stream of several topics.
    /// In a line of more than 1 KiB it is ignored.
    #[inline]
    pub fn topic(&self) -> Option<&'a str> {
        self.labels.and_then(Labels::topic)
    }

    /// When the event was published, as text, if the block has a line `time: TEXT`. No field of the standard: a tidings hub has it for
    /// clients that ask by `with=time`, in the form `2026-11-26T09:50:12.000Z`. In a line of more than 1 KiB it is ignored.
    #[inline]
    pub fn time(&self) -> Option<&'a str> {
        self.labels.and_then(Labels::time)
    }

    /// The same event, owning its texts.
    #[inline]
    pub fn to_owned(&self) -> OwnedEvent {
        OwnedEvent {
            event_type: self.event_type.map(ToOwned::to_owned),
            data: self.data.to_owned(),
            last_event_id: self.last_event_id.to_owned(),
            id_in_block: self.id_in_block,
            retry: self.retry,
            labels: self.labels.map(Labels::boxed),
        }
    }
}

impl Item<'_> {
    /// The same item, owning its texts.
    #[inline]
    pub fn to_owned(&self) -> OwnedItem {
        match self {
            Self::Event(event) => OwnedItem::Event(event.to_owned()),
            Self::Comment(text) => OwnedItem::Comment((*text).to_owned()),
            Self::Retry(retry) => OwnedItem::Retry(*retry),
            Self::Id(id) => OwnedItem::Id((*id).to_owned()),
        }
    }
}

/// An [`Item`] that owns its texts.
///
/// Not `non_exhaustive`, like [`Item`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum OwnedItem {
    /// See [`Item::Event`].
    Event(OwnedEvent),
    /// See [`Item::Comment`].
    Comment(String),
    /// See [`Item::Retry`].
    Retry(Retry),
    /// See [`Item::Id`].
    Id(String),
}

/// An [`Event`] that owns its texts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct OwnedEvent {
    /// See [`Event::event_type`].
    pub event_type: Option<String>,
    /// See [`Event::data`].
    pub data: String,
    /// See [`Event::last_event_id`].
    pub last_event_id: String,
    /// Whether this very block set the id.
    pub id_in_block: bool,
    /// See [`Event::retry`].
    pub retry: Option<Retry>,
    /// In a box, because most events have none and every event is moved.
    pub(super) labels: Option<Box<Labels>>,
}

impl OwnedEvent {
    /// See [`Event::type_or_message`].
    pub fn type_or_message(&self) -> &str {
        self.event_type.as_deref().unwrap_or("message")
    }

    /// The id, if this very block set one.
    pub fn id(&self) -> Option<&str> {
        self.id_in_block.then_some(self.last_event_id.as_str())
    }

    /// See [`Event::topic`].
    pub fn topic(&self) -> Option<&str> {
        self.labels.as_deref().and_then(Labels::topic)
    }

    /// See [`Event::time`].
    pub fn time(&self) -> Option<&str> {
        self.labels.as_deref().and_then(Labels::time)
    }

    /// The same event with a topic, for tests of what is made of events. An empty one is none.
    pub fn with_topic(mut self, topic: &str) -> Self {
        self.labels.get_or_insert_default().set_topic(topic);
        self
    }

    /// The same event with a time, for tests of what is made of events. An empty one is none.
    pub fn with_time(mut self, time: &str) -> Self {
        self.labels.get_or_insert_default().set_time(time);
        self
    }
}
