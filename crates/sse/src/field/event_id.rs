//! The `id` field.

use alloc::sync::Arc;
use core::fmt;

/// An event id: what a client sends back as `Last-Event-ID` to say where it stopped.
///
/// Free of CR, LF and NUL. May be empty, which on the wire means "forget the id you have". Cloning shares the
/// text.
///
/// Ids of up to 128 characters from `[A-Za-z0-9._~-]` survive every client and proxy; Safari encodes others
/// twice when it sends them back.
///
/// ```
/// use tidings_sse::{EventId, EventIdError};
///
/// let id = EventId::new("msg-369")?;
/// assert_eq!(id.as_str(), "msg-369");
/// assert_eq!(EventId::new("a\0b"), Err(EventIdError::Nul { at: 1 }));
/// # Ok::<(), EventIdError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(Arc<str>);

impl EventId {
    /// Checks and keeps an id.
    ///
    /// # Errors
    ///
    /// Text with CR or LF is refused, because it would end the line; text with NUL, because clients ignore such
    /// a line and resuming would silently break.
    pub fn new(text: impl AsRef<str> + Into<Arc<str>>) -> Result<Self, EventIdError> {
        let bytes = text.as_ref().as_bytes();
        match memchr::memchr3(b'\n', b'\r', b'\0', bytes) {
            Some(at) if bytes[at] == b'\0' => Err(EventIdError::Nul { at }),
            Some(at) => Err(EventIdError::LineBreak { at }),
            None => Ok(Self(text.into())),
        }
    }

    /// The text.
    #[inline]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EventId").field(&self.as_str()).finish()
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl AsRef<str> for EventId {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl TryFrom<&str> for EventId {
    type Error = EventIdError;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        Self::new(text)
    }
}

impl core::str::FromStr for EventId {
    type Err = EventIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

/// Why a text is no [`EventId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventIdError {
    /// CR or LF would end the field's line and let the rest pass as other fields.
    LineBreak {
        /// Offset of the first one, in bytes.
        at: usize,
    },
    /// HTML 9.2.6: "If the field value does not contain U+0000 NULL, then set the last event ID buffer to the
    /// field value. Otherwise, ignore the field."
    Nul {
        /// Offset of the first one, in bytes.
        at: usize,
    },
}

impl fmt::Display for EventIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LineBreak { at } => write!(f, "an id is one line, and byte {at} ends it"),
            Self::Nul { at } => write!(f, "an id has no NUL, and byte {at} is one"),
        }
    }
}

impl core::error::Error for EventIdError {}
