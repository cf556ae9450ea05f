//! The data of an event for people, a piece at a time: a server may send megabytes of line ends, and nobody need keep what becomes of them.

use std::iter::Peekable;
use std::str::Chars;

use crate::limits::{SUB_INDENT_MAX, SUB_PIECE_BYTES};
use crate::terminal::chain::visible;

/// The lines of some data. All but the first stand below it, and so are indented.
pub(super) struct DataLines<'a> {
    rest: Option<Peekable<Chars<'a>>>,
    indent: String,
}

impl<'a> DataLines<'a> {
    /// Data that begins at this column.
    pub(super) fn new(data: &'a str, column: usize) -> Self {
        Self { rest: Some(data.chars().peekable()), indent: " ".repeat(column.min(SUB_INDENT_MAX)) }
    }
}

impl Iterator for DataLines<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let rest = self.rest.as_mut()?;
        let mut piece = String::new();
        while piece.len() < SUB_PIECE_BYTES {
            match rest.next() {
                None => {
                    self.rest = None;
                    piece.push('\n');
                    break;
                }
                Some('\n') => {
                    piece.push('\n');
                    // Nothing stands in an empty line, so nothing is below the first.
                    if rest.peek().is_some_and(|c| *c != '\n') {
                        piece.push_str(&self.indent);
                    }
                }
                Some(c) => piece.push_str(&visible(c.encode_utf8(&mut [0; 4]))),
            }
        }
        Some(piece)
    }
}
