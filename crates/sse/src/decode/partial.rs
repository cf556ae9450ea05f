//! The line under way: what a chunk began and did not end.

use alloc::vec::Vec;

use super::block::Block;

/// `data:` and the byte that tells whether a space follows.
const DATA_NAME_BYTES: usize = 6;

/// A line of which the end has not arrived.
#[derive(Debug, Clone, Default)]
pub(super) struct Partial {
    /// The line so far, while `kind` is `Line`.
    pub(super) line: Vec<u8>,
    /// Length of the line so far, whatever became of its bytes.
    pub(super) len: usize,
    pub(super) kind: Kind,
}

/// Where the bytes of the line go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Kind {
    /// Into the line buffer, to be looked at when the line ends.
    #[default]
    Line,
    /// Straight to the block's data: the name has been read.
    Data,
    /// Nowhere: nobody will ask for this line.
    Ignored,
}

impl Partial {
    /// Begins a line with its first bytes, at least one.
    pub(super) fn begin(&mut self, bytes: &[u8], comments: bool, block: &mut Block) {
        self.line.clear();
        self.len = 0;
        self.kind = Kind::Line;
        self.extend(bytes, comments, block);
    }

    /// Goes on with the line.
    #[inline]
    pub(super) fn extend(&mut self, bytes: &[u8], comments: bool, block: &mut Block) {
        self.len += bytes.len();
        match self.kind {
            Kind::Line => self.extend_line(bytes, comments, block),
            Kind::Data => block.data.extend_from_slice(bytes),
            Kind::Ignored => {}
        }
    }

    /// Reads as many bytes as it takes to know where the rest goes, so that a long value is copied once.
    fn extend_line(&mut self, bytes: &[u8], comments: bool, block: &mut Block) {
        let name_bytes = DATA_NAME_BYTES.saturating_sub(self.line.len()).min(bytes.len());
        let (name, rest) = bytes.split_at(name_bytes);
        self.line.extend_from_slice(name);
        self.kind = kind(&self.line, comments);
        match self.kind {
            Kind::Line => self.line.extend_from_slice(rest),
            Kind::Data => {
                block.begin_data_line();
                let space = usize::from(self.line[DATA_NAME_BYTES - 1] == b' ');
                block.data.extend_from_slice(&self.line[DATA_NAME_BYTES - 1 + space..]);
                block.data.extend_from_slice(rest);
            }
            Kind::Ignored => {}
        }
    }
}

fn kind(line: &[u8], comments: bool) -> Kind {
    match line {
        [b'd', b'a', b't', b'a', b':', _, ..] => Kind::Data,
        [b':', ..] if !comments => Kind::Ignored,
        [b'd' | b'e' | b'i' | b'r' | b':', ..] | [] => Kind::Line,
        _ => Kind::Ignored,
    }
}
