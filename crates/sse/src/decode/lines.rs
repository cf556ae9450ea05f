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
        Self { text, at: 0, block: 0, ends: scan::line_ends(text.as_bytes()) }
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

    /// A part of what has not been read, counted from there. `None` if it is none, or cuts a character.
    #[inline(always)]
    pub(super) fn part(&self, start: usize, end: usize) -> Option<&'i str> {
        let (until_end, _) = self.text.split_at_checked(self.at + end)?;
        let (_, part) = until_end.split_at_checked(self.at + start)?;
        Some(part)
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
        (self.block, self.ends) = self.look_ahead()?;
        Some(self.block + self.ends.trailing_zeros() as usize - self.at)
    }

    /// Takes these bytes, which have no line end among them but at their end.
    #[inline(always)]
    pub(super) fn skip(&mut self, bytes: usize) {
        self.at += bytes;
        (self.block, self.ends) = without_ends_before(self.at, self.block, self.ends);
    }

    pub(super) fn skip_prefix(&mut self, prefix: &str) {
        if self.rest().starts_with(prefix) {
            self.skip(prefix.len());
        }
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
            let ends = scan::line_ends(self.text.as_bytes().get(block..)?);
            if ends != 0 {
                return Some((block, ends));
            }
        }
        look_far(self.text.as_bytes(), block + BLOCK_BYTES)
    }
}

/// Forgets what has been read. Text is read as far as a line end of the block at most, or just behind it.
#[inline(always)]
fn without_ends_before(at: usize, block: usize, ends: u64) -> (usize, u64) {
    let bytes = at - block;
    if bytes < BLOCK_BYTES { (block, ends & u64::MAX << bytes) } else { (at - BLOCK_BYTES, 0) }
}

#[inline(never)]
fn look_far(text: &[u8], from: usize) -> Option<(usize, u64)> {
    let far = text.get(from..)?;
    let near = memchr::memchr2(b'\n', b'\r', far)?;
    Some((from + near, scan::line_ends(&far[near..])))
}
