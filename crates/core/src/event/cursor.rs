//! A cursor: a place in the log, and its text `<epoch>-<sequence>` that travels as an event's id.

use std::fmt;
use std::str::FromStr;

/// Which life of the log a sequence belongs to. Written in base 36.
///
/// Each life of a log is an epoch: a store begins one before it appends for the first time after it was opened. So a place
/// that a lost tail, or a log that was restored from an older copy, has taken back is never mistaken for a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Epoch(pub u64);

/// An event's number in the log. The first event has 1; 0 is the place before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Sequence(pub u64);

impl Sequence {
    /// The place before the first event.
    pub const ZERO: Self = Self(0);

    /// The place after this one.
    ///
    /// # Panics
    ///
    /// Never in practice: a million events a second reach the end after 580,000 years.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The place before this one; zero stays zero.
    pub fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

/// A place in the log: events up to and including [`sequence`](Self::sequence) have been seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// The life of the log.
    pub epoch: Epoch,
    /// The last event seen.
    pub sequence: Sequence,
}

impl Cursor {
    /// The place `sequence` in the life `epoch`.
    pub const fn new(epoch: Epoch, sequence: Sequence) -> Self {
        Self { epoch, sequence }
    }

    /// The place after this one, in the same epoch.
    #[must_use]
    pub fn next(self) -> Self {
        Self::new(self.epoch, self.sequence.next())
    }

    /// The place before this one, in the same epoch; zero stays zero.
    #[must_use]
    pub fn previous(self) -> Self {
        Self::new(self.epoch, self.sequence.previous())
    }

    /// The same place with another sequence.
    #[must_use]
    pub fn at(self, sequence: Sequence) -> Self {
        Self::new(self.epoch, sequence)
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Text { bytes: [0; TEXT_BYTES_MAX], length: 0 };
        text.put_number::<36>(self.0);
        f.write_str(text.as_str())
    }
}

impl fmt::Display for Cursor {
    /// In one piece, so that `to_string` allocates once.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Text { bytes: [0; TEXT_BYTES_MAX], length: 0 };
        text.put_number::<10>(self.sequence.0);
        text.put(b'-');
        text.put_number::<36>(self.epoch.0);
        f.write_str(text.as_str())
    }
}

/// 13 digits of base 36 and 20 of base 10 hold any two `u64`.
const TEXT_BYTES_MAX: usize = 13 + 1 + 20;

/// The text of a cursor, written from its end.
struct Text {
    bytes: [u8; TEXT_BYTES_MAX],
    length: usize,
}

impl Text {
    fn put_number<const BASE: u64>(&mut self, mut number: u64) {
        const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        loop {
            self.put(DIGITS[(number % BASE) as usize]);
            number /= BASE;
            if number == 0 {
                break;
            }
        }
    }

    fn put(&mut self, character: u8) {
        self.length += 1;
        let start = self.bytes.len() - self.length;
        self.bytes[start] = character;
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[self.bytes.len() - self.length..])
            .expect("digits and a hyphen are ASCII")
    }
}

impl FromStr for Cursor {
    type Err = NotACursor;

    /// Only the canonical text is a cursor: no sign, no leading zero, no capital, so text and place are one to one.
    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let (epoch, sequence) = text.split_once('-').ok_or(NotACursor)?;
        let cursor = Self {
            epoch: Epoch(u64::from_str_radix(epoch, 36).map_err(|_| NotACursor)?),
            sequence: Sequence(sequence.parse().map_err(|_| NotACursor)?),
        };
        if cursor.to_string() == text { Ok(cursor) } else { Err(NotACursor) }
    }
}

/// The text is not a cursor of any log. It may still be the id that a publisher chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a cursor is written <epoch>-<sequence>")]
pub struct NotACursor;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_cursor_are_one_to_one() {
        for (epoch, sequence, text) in [
            (0, 0, "0-0"),
            (35, 1, "z-1"),
            (36, 42, "10-42"),
            (u64::MAX, u64::MAX, "3w5e11264sgsf-18446744073709551615"),
        ] {
            let cursor = Cursor { epoch: Epoch(epoch), sequence: Sequence(sequence) };

            assert_eq!(cursor.to_string(), text);
            assert_eq!(text.parse(), Ok(cursor));
        }
    }

    #[test]
    fn only_canonical_text_is_a_cursor() {
        for text in [
            "",
            "-",
            "a",
            "a-",
            "-1",
            "A-1",
            "a-01",
            "0a-1",
            "+a-1",
            "a-+1",
            "a-1-2",
            "a-1 ",
            "3w5e11264sgsg-1",
        ] {
            assert_eq!(text.parse::<Cursor>(), Err(NotACursor), "{text:?}");
        }
    }
}
