//! Why a decoder gives up.

use core::fmt;

/// The stream passed a limit. The sender's fault, or the limit's; the decoder stays failed until
/// [`reconnect`](super::Decoder::reconnect).
///
/// Nothing else is an error: the standard gives every other input a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// A line over [`line_bytes_max`](super::Limits::line_bytes_max).
    LineTooLong {
        /// The limit.
        bytes_max: usize,
    },
    /// Data over [`event_bytes_max`](super::Limits::event_bytes_max).
    EventTooLarge {
        /// The limit.
        bytes_max: usize,
    },
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LineTooLong { bytes_max } => write!(f, "a line has more than {bytes_max} bytes"),
            Self::EventTooLarge { bytes_max } => write!(f, "an event's data has more than {bytes_max} bytes"),
        }
    }
}

impl core::error::Error for DecodeError {}
