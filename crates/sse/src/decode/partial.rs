//! The line under way: what a chunk began and did not end.

use alloc::string::String;

use super::block::Block;
use super::limits::LABEL_LINE_BYTES_MAX;

/// `data:` and the byte that tells whether a space follows.
const DATA_NAME_BYTES: usize = 6;

/// A line of which the end has not arrived.
#[derive(Debug, Clone, Default)]
pub(super) struct Partial {
    /// The line so far, while `kind` is `Line`.
    pub(super) line: String,
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
    /// Begins a line with its first text, which is not empty.
    pub(super) fn begin(&mut self, text: &str, comments: bool, block: &mut Block) {
        self.line.clear();
        self.len = 0;
        self.kind = Kind::Line;
        self.extend(text, comments, block);
    }

    /// Goes on with the line.
    #[inline]
    pub(super) fn extend(&mut self, text: &str, comments: bool, block: &mut Block) {
        self.len += text.len();
        match self.kind {
            Kind::Line => self.extend_line(text, comments, block),
            Kind::Data => block.data.push_str(text),
            Kind::Ignored => {}
        }
    }

    /// Reads only until it is known where the rest goes, so that a long value is copied once.
    fn extend_line(&mut self, text: &str, comments: bool, block: &mut Block) {
        let name_bytes = text.floor_char_boundary(DATA_NAME_BYTES.saturating_sub(self.line.len()).max(1));
        let (name, rest) = text.split_at(if name_bytes == 0 { text.len() } else { name_bytes });
        self.line.push_str(name);
        self.kind = kind(&self.line, comments);
        match self.kind {
            // A label that is too long says nothing, so it need not be kept.
            Kind::Line if self.line.starts_with('t') && self.len > LABEL_LINE_BYTES_MAX => {
                self.kind = Kind::Ignored;
            }
            Kind::Line => self.line.push_str(rest),
            Kind::Data => {
                block.begin_data_line();
                let value = &self.line["data:".len()..];
                block.data.push_str(value.strip_prefix(' ').unwrap_or(value));
                block.data.push_str(rest);
            }
            Kind::Ignored => {}
        }
    }
}

fn kind(line: &str, comments: bool) -> Kind {
    match line.as_bytes() {
        [b'd', b'a', b't', b'a', b':', _, ..] => Kind::Data,
        [b':', ..] if !comments => Kind::Ignored,
        [b't', ..] if !is_label(line) => Kind::Ignored,
        [b'd' | b'e' | b'i' | b'r' | b't' | b':', ..] | [] => Kind::Line,
        _ => Kind::Ignored,
    }
}

/// Whether the beginning of a line is that of a label, as far as it goes.
fn is_label(line: &str) -> bool {
    ["topic", "time"].iter().any(|name| name.starts_with(line) || line.starts_with(name))
}
