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

    /// A part of what has not been read.
    #[inline(always)]
    pub(super) fn part(&self, start: usize, end: usize) -> &'i str {
        &self.text[self.at + start..self.at + end]
    }

    #[inline(always)]
    pub(super) fn bytes(&self) -> &'i [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// How far the next line goes, if it has an end.
    #[inline(always)]
    pub(super) fn line_bytes(&mut self) -> Option<usize> {
        if self.ends == 0 {
            self.find_ends()?;
        }
        Some(self.block + self.ends.trailing_zeros() as usize - self.at)
    }

    /// Takes these bytes, which have no line end among them but at their end.
    #[inline(always)]
    pub(super) fn skip(&mut self, bytes: usize) {
        self.at += bytes;
        let looked_at = self.at.saturating_sub(self.block);
        if looked_at < BLOCK_BYTES {
            self.ends &= u64::MAX << looked_at;
        } else {
            self.ends = 0;
            self.block = self.at - BLOCK_BYTES;
        }
    }

    pub(super) fn skip_prefix(&mut self, prefix: &str) {
        if self.rest().starts_with(prefix) {
            self.skip(prefix.len());
        }
    }

    #[inline(always)]
    fn find_ends(&mut self) -> Option<()> {
        for _ in 0..NEAR_BYTES / BLOCK_BYTES {
            let block = self.block + BLOCK_BYTES;
            let ends = scan::line_ends(self.text.as_bytes().get(block..)?);
            self.block = block;
            self.ends = ends;
            if ends != 0 {
                return Some(());
            }
        }
        self.find_ends_far()
    }

    #[inline(never)]
    fn find_ends_far(&mut self) -> Option<()> {
        let block = self.block + BLOCK_BYTES;
        let far = self.text.as_bytes().get(block..)?;
        let (near, far) = match memchr::memchr2(b'\n', b'\r', far) {
            Some(near) => (near, &far[near..]),
            None => (far.len(), &[][..]),
        };
        self.block = block + near;
        self.ends = scan::line_ends(far);
        (self.ends != 0).then_some(())
    }
}
