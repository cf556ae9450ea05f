//! Text on its way through the decoder, and where its lines end.

use crate::scan::{self, BLOCK_BYTES};

/// How far line ends are looked for without a call. Further on one with the widest vectors of the machine is
/// faster.
const NEAR_BYTES: usize = 2 * BLOCK_BYTES;

/// A text that is read line by line.
///
/// Line ends are found a block at a time and remembered as bits: short lines share the work, and where the next
/// block starts does not depend on what was found in the last one, so that the processor looks at it ahead of time.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lines<'i> {
    text: &'i str,
    /// As much of it as may have line ends: all, until a search came to nothing.
    haystack: &'i [u8],
    /// Where the next line starts.
    at: usize,
    /// Where the block starts that was looked at last.
    block: usize,
    /// The line ends of that block that are not before `at`. There are none between `at` and the block.
    ends: u64,
}

impl<'i> Lines<'i> {
    #[inline]
    pub(super) fn of(text: &'i str) -> Self {
        let haystack = text.as_bytes();
        Self { text, haystack, at: 0, block: 0, ends: scan::line_ends(haystack) }
    }

    #[inline(always)]
    pub(super) fn is_empty(&self) -> bool {
        self.at >= self.text.len()
    }

    /// What has not been read.
    #[inline(always)]
    pub(super) fn rest(&self) -> &'i str {
        &self.text[self.at..]
    }

    /// What has not been read, if that starts with a character.
    #[inline(always)]
    pub(super) fn unread(&self) -> Option<&'i str> {
        self.text.get(self.at..)
    }

    /// A part of what has not been read, counted from there. `None` if it is none, or cuts a character.
    #[inline(always)]
    pub(super) fn part(&self, start: usize, end: usize) -> Option<&'i str> {
        let (until_end, _) = self.text.split_at_checked(self.at + end)?;
        let (_, part) = until_end.split_at_checked(self.at + start)?;
        Some(part)
    }

    #[inline(always)]
    pub(super) fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + at).copied()
    }

    /// How much has been read since there was this to read.
    #[inline(always)]
    pub(super) fn bytes_since(&self, earlier: &Self) -> usize {
        self.at - earlier.at
    }

    /// The next eight bytes, the first one lowest.
    #[inline(always)]
    pub(super) fn head(&self) -> Option<u64> {
        self.bytes_from(0)?.first_chunk().map(|head| u64::from_le_bytes(*head))
    }

    #[inline(always)]
    pub(super) fn bytes_from(&self, start: usize) -> Option<&'i [u8]> {
        self.text.as_bytes().get(self.at + start..)
    }

    /// How far the next line goes, if it has an end.
    #[inline(always)]
    pub(super) fn line_bytes(&mut self) -> Option<usize> {
        let seen = self.look_ahead();
        self.line_bytes_in(seen)
    }

    /// The same, a little slower, and faster among long lines: after one comes another, more often than not.
    #[inline(always)]
    pub(super) fn long_line_bytes(&mut self) -> Option<usize> {
        let is_after_long = self.ends == 0 && self.at == self.block + 1;
        let seen = match is_after_long {
            true => look_far(self.haystack, self.block + BLOCK_BYTES),
            false => self.look_ahead(),
        };
        self.line_bytes_in(seen)
    }

    #[inline(always)]
    fn line_bytes_in(&mut self, seen: Option<(usize, u64)>) -> Option<usize> {
        let Some((block, ends)) = seen else {
            self.give_up();
            return None;
        };
        (self.block, self.ends) = (block, ends);
        Some(block + ends.trailing_zeros() as usize - self.at)
    }

    /// Remembers that there are no more line ends, so that nobody searches the start of a long line twice.
    #[inline(always)]
    fn give_up(&mut self) {
        let end = self.block + BLOCK_BYTES;
        self.haystack = self.haystack.get(..end).unwrap_or(self.haystack);
    }

    /// Goes where somebody who read ahead is.
    #[inline(always)]
    pub(super) fn follow(&mut self, ahead: &Self) {
        (self.at, self.block, self.ends) = (ahead.at, ahead.block, ahead.ends);
    }

    /// Takes over what somebody who read ahead found out about line ends.
    #[inline]
    pub(super) fn learn_from(&mut self, ahead: &Self) {
        self.haystack = ahead.haystack;
    }

    /// Takes these bytes, of which the last ones end lines.
    #[inline(always)]
    pub(super) fn skip(&mut self, bytes: usize, ends_bytes: usize) {
        self.at += bytes + ends_bytes;
        for number in 0..ends_bytes {
            // The first one has been seen.
            if number > 0 && self.ends == 0 {
                (self.block, self.ends) = self.look_on();
            }
            self.ends &= self.ends.wrapping_sub(1);
        }
    }

    /// Takes this text if it comes next. If it is a line end, it is one byte.
    pub(super) fn skip_prefix(&mut self, prefix: &str) {
        if self.rest().starts_with(prefix) {
            let ends_bytes = usize::from(prefix == "\n");
            self.skip(prefix.len() - ends_bytes, ends_bytes);
        }
    }

    /// [`look_ahead`](Self::look_ahead) where it is rare: line ends side by side are seldom in two blocks.
    #[cold]
    #[inline(never)]
    fn look_on(self) -> (usize, u64) {
        self.look_ahead().unwrap_or((self.block, 0))
    }

    /// The next block with line ends.
    #[inline(always)]
    fn look_ahead(&self) -> Option<(usize, u64)> {
        if self.ends != 0 {
            return Some((self.block, self.ends));
        }
        let mut block = self.block;
        for _ in 0..NEAR_BYTES / BLOCK_BYTES {
            block += BLOCK_BYTES;
            let ends = scan::line_ends(self.haystack.get(block..)?);
            if ends != 0 {
                return Some((block, ends));
            }
        }
        look_far(self.haystack, block + BLOCK_BYTES)
    }
}

/// The block that begins with the first line end from there on.
#[inline(never)]
fn look_far(haystack: &[u8], from: usize) -> Option<(usize, u64)> {
    let far = haystack.get(from..)?;
    let near = memchr::memchr2(b'\n', b'\r', far)?;
    Some((from + near, scan::line_ends(&far[near..])))
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    /// Lines of all lengths around those of blocks and of what is looked at without a call.
    fn text() -> impl Strategy<Value = String> {
        let line = prop_oneof![Just(0), 0..20_usize, 40..90_usize, 100..400_usize];
        let end = prop::sample::select(alloc::vec!["\n", "\r", "\r\n", "\n\n", "\u{b}"]);
        let lines = prop::collection::vec((line, end), 0..12);
        lines.prop_map(|lines| {
            lines.iter().flat_map(|(bytes, end)| ["x".repeat(*bytes), (*end).into()]).collect()
        })
    }

    fn ends(text: &str, mut next: impl FnMut(&mut Lines<'_>) -> Option<usize>) -> Vec<usize> {
        let mut lines = Lines::of(text);
        let mut ends = Vec::new();
        while let Some(bytes) = next(&mut lines) {
            ends.push(text.len() - lines.rest().len() + bytes);
            lines.skip(bytes, 1);
        }
        ends
    }

    proptest! {
        #[test]
        fn line_ends_come_one_by_one(text in text()) {
            let expected: Vec<usize> = memchr::memchr2_iter(b'\n', b'\r', text.as_bytes()).collect();

            prop_assert_eq!(&ends(&text, |lines| lines.line_bytes()), &expected);
            prop_assert_eq!(&ends(&text, |lines| lines.long_line_bytes()), &expected);
        }

        #[test]
        fn line_ends_side_by_side_are_taken_at_once(text in text()) {
            let mut lines = Lines::of(&text);
            while let Some(bytes) = lines.line_bytes() {
                let rest = &lines.rest().as_bytes()[bytes..];
                let ends_bytes = rest.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
                lines.skip(bytes, ends_bytes);
                prop_assert_eq!(lines.rest().as_bytes(), &rest[ends_bytes..]);
                prop_assert!(!lines.rest().starts_with(['\n', '\r']));
            }
            prop_assert!(!lines.rest().contains(['\n', '\r']));
        }
    }
}
