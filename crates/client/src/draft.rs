//! An event that is about to be published.

use std::time::Duration;

use tidings_sse::encode::Event as Encoder;
use tidings_sse::{EventId, EventIdError, EventType, EventTypeError, Retry};

use crate::item::Event;

/// An event that has no place in the log yet.
///
/// ```
/// use tidings_client::Draft;
///
/// let plain = Draft::new("hello");
/// let full = Draft::new(r#"{"total":42}"#).event_type("order")?.id("order-42")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub(crate) data: String,
    pub(crate) event_type: Option<EventType>,
    pub(crate) id: Option<EventId>,
    pub(crate) retry: Option<Retry>,
    pub(crate) key: Option<String>,
}

impl Draft {
    /// An event with nothing but data: any text, as it stands.
    ///
    /// In a [batch](crate::Publisher::publish_all) line ends of all kinds become LF, because the wire format knows
    /// no other inside of data.
    pub fn new(data: impl Into<String>) -> Self {
        Self { data: data.into(), event_type: None, id: None, retry: None, key: None }
    }

    /// The same event with other data.
    pub fn with_data(mut self, data: impl Into<String>) -> Self {
        self.data = data.into();
        self
    }

    /// Its data.
    pub fn data(&self) -> &str {
        &self.data
    }

    /// Sets the type. `message` unless set.
    ///
    /// # Errors
    ///
    /// Text that is empty or has line ends.
    pub fn event_type(mut self, event_type: &str) -> Result<Self, EventTypeError> {
        self.event_type = Some(EventType::new(event_type)?);
        Ok(self)
    }

    /// Sets the id. The hub gives one unless set.
    ///
    /// # Errors
    ///
    /// Text with line ends or NUL.
    pub fn id(mut self, id: &str) -> Result<Self, EventIdError> {
        self.id = Some(EventId::new(id)?);
        Ok(self)
    }

    /// Sets the reconnection time of those who receive it, in whole milliseconds.
    pub fn retry(mut self, retry: Duration) -> Self {
        self.retry = Some(Retry::try_from(retry).unwrap_or(Retry::from_ms(u64::MAX)));
        self
    }

    /// Sets the key by which the hub recognises the same publish when it comes again, also from another process or
    /// after a restart. Drawn by chance unless set. A batch has one of its own.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The event as a block of the wire format.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let mut event = Encoder::new().data(&self.data);
        if let Some(event_type) = &self.event_type {
            event = event.event_type(event_type);
        }
        if let Some(id) = &self.id {
            event = event.id(id);
        }
        if let Some(retry) = self.retry {
            event = event.retry(retry);
        }
        event.encode(out);
    }
}

impl From<Event> for Draft {
    /// The same event, to be published elsewhere: with its id if its own block had one that is not empty.
    fn from(event: Event) -> Self {
        Self {
            event_type: event.event_type.as_deref().and_then(|text| EventType::new(text).ok()),
            id: event.id().filter(|id| !id.is_empty()).and_then(|id| EventId::new(id).ok()),
            retry: event.retry,
            data: event.data,
            key: None,
        }
    }
}
