//! The `retry` field.

use core::fmt;
use core::time::Duration;

/// How long a client waits before it reconnects, in whole milliseconds.
///
/// Any number that fits 64 bits. What a client does with an extreme one is the client's affair: clamp it before
/// use, because a stream may say `retry: 0` or two hundred million years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Retry(u64);

impl Retry {
    /// A delay of so many milliseconds.
    #[inline]
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms)
    }

    /// Reads a field value as it stands on the wire; anything that is not a number is `None`.
    ///
    /// HTML 9.2.6: "If the field value consists of only ASCII digits, then interpret the field value as an
    /// integer in base ten [...]. Otherwise, ignore the field." The empty value, of which the condition is
    /// vacuously true, and numbers beyond 64 bits are ignored too.
    pub fn parse(value: &[u8]) -> Option<Self> {
        if value.is_empty() {
            return None;
        }
        let mut ms = 0_u64;
        for byte in value {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            ms = ms.checked_mul(10)?.checked_add(u64::from(digit))?;
        }
        Some(Self(ms))
    }

    /// The delay in milliseconds.
    #[inline]
    pub const fn as_ms(self) -> u64 {
        self.0
    }

    /// The delay as a duration.
    pub const fn as_duration(self) -> Duration {
        Duration::from_millis(self.0)
    }
}

impl fmt::Display for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<i64> for Retry {
    type Error = RetryError;

    fn try_from(ms: i64) -> Result<Self, Self::Error> {
        u64::try_from(ms).map(Self).map_err(|_| RetryError)
    }
}

impl TryFrom<Duration> for Retry {
    type Error = RetryError;

    /// Rounds down to whole milliseconds.
    fn try_from(duration: Duration) -> Result<Self, Self::Error> {
        u64::try_from(duration.as_millis()).map(Self).map_err(|_| RetryError)
    }
}

/// The number is negative, or too large for 64 bits of milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryError;

impl fmt::Display for RetryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a retry is a number of milliseconds, not negative and of at most 64 bits")
    }
}

impl core::error::Error for RetryError {}
