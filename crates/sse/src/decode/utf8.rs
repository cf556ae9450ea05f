//! Bytes as text, the way the standard decodes them.
//!
//! HTML 9.2.6: "Streams must be decoded using the UTF-8 decode algorithm", which turns what is not UTF-8 into
//! U+FFFD and never fails. Here a chunk becomes runs of valid text, each checked once and as a whole: checking
//! event by event would cost more than all the rest of the decoder.

use core::str;

use ascii::AsAsciiStr;

/// Length of the longest UTF-8 sequence.
const SEQUENCE_BYTES_MAX: usize = 4;

/// The start of a sequence that the end of a chunk cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Cut {
    bytes: [u8; SEQUENCE_BYTES_MAX],
    len: usize,
}

/// What a byte made of a cut sequence.
pub(super) enum Mend {
    /// It is still cut.
    Wanting,
    /// It is whole: a character, the byte included.
    Whole(char),
    /// It can never be whole. The byte is not part of it.
    Broken,
}

impl Cut {
    #[inline]
    pub(super) fn is_empty(self) -> bool {
        self.len == 0
    }

    /// Adds the next byte to a sequence that is not empty.
    pub(super) fn mend(&mut self, byte: u8) -> Mend {
        self.bytes[self.len] = byte;
        match str::from_utf8(&self.bytes[..=self.len]) {
            Ok(text) => {
                self.len = 0;
                text.chars().next().map_or(Mend::Broken, Mend::Whole)
            }
            Err(error) if error.error_len().is_none() => {
                self.len += 1;
                Mend::Wanting
            }
            Err(_) => {
                self.len = 0;
                Mend::Broken
            }
        }
    }

    /// The bytes, if they are the start of a sequence or nothing at all.
    #[inline]
    fn of(bytes: &[u8]) -> Option<Self> {
        let mut cut = Self::default();
        if !bytes.is_empty() {
            str::from_utf8(bytes)
                .is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
                .then_some(())?;
            cut.bytes[..bytes.len()].copy_from_slice(bytes);
            cut.len = bytes.len();
        }
        Some(cut)
    }
}

/// The text of a chunk, if all of it is valid but for a sequence that its end cut off.
#[inline]
pub(super) fn whole(bytes: &[u8]) -> Option<(&str, Cut)> {
    let (text, cut) = bytes.split_at(bytes.len() - cut_bytes(bytes));
    Some((from_utf8(text)?, Cut::of(cut)?))
}

/// A run of valid text, and what follows it.
pub(super) struct Run<'i> {
    pub(super) text: &'i str,
    /// Bytes that are to become one U+FFFD. They stand after the text.
    pub(super) broken_bytes: usize,
    /// A sequence that the end of the chunk cut off. It stands after the text.
    pub(super) cut: Cut,
}

/// The first run of a chunk that is not valid as a whole.
pub(super) fn first_run(bytes: &[u8]) -> Run<'_> {
    let Some(first) = bytes.utf8_chunks().next() else {
        return Run { text: "", broken_bytes: 0, cut: Cut::default() };
    };
    let (text, broken) = (first.valid(), first.invalid());
    let at_end = text.len() + broken.len() == bytes.len();
    match Cut::of(broken).filter(|_| at_end) {
        Some(cut) => Run { text, broken_bytes: 0, cut },
        None => Run { text, broken_bytes: broken.len(), cut: Cut::default() },
    }
}

/// How many bytes at the end look like the start of a longer sequence.
#[inline]
fn cut_bytes(bytes: &[u8]) -> usize {
    if bytes.last().is_none_or(u8::is_ascii) {
        return 0;
    }
    let tail = bytes.iter().rev().take(SEQUENCE_BYTES_MAX - 1);
    let Some(back) = tail.clone().position(|byte| *byte >= 0b1100_0000) else {
        return 0;
    };
    let lead = bytes[bytes.len() - 1 - back];
    let sequence_bytes = lead.leading_ones() as usize;
    if back + 1 < sequence_bytes { back + 1 } else { 0 }
}

/// Under so many bytes `simdutf8` leaves the work to std, which takes a byte at a time up to an aligned one.
const SHORT_BYTES: usize = 64;

/// The text of bytes that are valid as a whole.
#[inline(always)]
pub(super) fn from_utf8(bytes: &[u8]) -> Option<&str> {
    if bytes.len() < SHORT_BYTES
        && let Ok(text) = bytes.as_ascii_str()
    {
        return Some(text.as_str());
    }
    from_any_utf8(bytes)
}

#[cfg(feature = "std")]
#[inline]
fn from_any_utf8(bytes: &[u8]) -> Option<&str> {
    simdutf8::basic::from_utf8(bytes).ok()
}

#[cfg(not(feature = "std"))]
#[inline]
fn from_any_utf8(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(bytes).ok()
}
