//! The `event` field.

use alloc::sync::Arc;
use core::fmt;

/// An event type: the name under which a page listens, `addEventListener(name, ...)`.
///
/// Never empty and free of CR and LF. Cloning shares the text.
///
/// The types `open` and `error` are legal, and a page cannot tell such an event from the ones that `EventSource`
/// itself fires. Avoid them.
///
/// ```
/// use tidings_sse::{EventType, EventTypeError};
///
/// let tick = EventType::new("tick")?;
/// assert_eq!(tick.as_str(), "tick");
/// assert_eq!(EventType::new("a\rdata: pwned"), Err(EventTypeError::LineBreak { at: 1 }));
/// # Ok::<(), EventTypeError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventType(Arc<str>);

impl EventType {
    /// Checks and keeps a type.
    ///
    /// # Errors
    ///
    /// The empty text is refused, because on the wire it says "no type": an event that carried it would arrive
    /// as `message`. So is text with CR or LF, which would end the line.
    pub fn new(text: impl AsRef<str> + Into<Arc<str>>) -> Result<Self, EventTypeError> {
        let bytes = text.as_ref().as_bytes();
        if bytes.is_empty() {
            return Err(EventTypeError::Empty);
        }
        match memchr::memchr2(b'\n', b'\r', bytes) {
            Some(at) => Err(EventTypeError::LineBreak { at }),
            None => Ok(Self(text.into())),
        }
    }

    /// The text.
    #[inline]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EventType").field(&self.as_str()).finish()
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl AsRef<str> for EventType {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl TryFrom<&str> for EventType {
    type Error = EventTypeError;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        Self::new(text)
    }
}

impl core::str::FromStr for EventType {
    type Err = EventTypeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

/// Why a text is no [`EventType`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventTypeError {
    /// Nothing in it.
    Empty,
    /// CR or LF would end the field's line and let the rest pass as other fields.
    LineBreak {
        /// Offset of the first one, in bytes.
        at: usize,
    },
}

impl fmt::Display for EventTypeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("an event type needs at least one character"),
            Self::LineBreak { at } => write!(f, "an event type is one line, and byte {at} ends it"),
        }
    }
}

impl core::error::Error for EventTypeError {}
