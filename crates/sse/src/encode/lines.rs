//! Text of any number of lines, each behind the name of its field.

use super::buffer::Buffer;
use crate::scan;

/// A text cut where a client would cut it: at CRLF, CR and LF. A text that ends with a line end has an empty last
/// line.
#[derive(Clone, Copy)]
pub(super) struct Lines<'a> {
    text: &'a [u8],
    /// Found once, because mostly there is none.
    first_end: Option<usize>,
}

impl<'a> Lines<'a> {
    #[inline]
    pub(super) fn of(text: &'a [u8]) -> Self {
        Self { text, first_end: scan::line_end(text) }
    }

    /// Bytes of all lines, each between a name and a LF.
    #[inline]
    pub(super) fn encoded_len(self, name: &[u8]) -> usize {
        let (ends, pairs) = match self.first_end {
            None => (0, 0),
            Some(first_end) => scan::count(&self.text[first_end..]),
        };
        let lines = 1 + ends - pairs;
        self.text.len() - ends + lines * (name.len() + 1)
    }

    /// Appends all lines, each between a name and a LF.
    #[inline]
    pub(super) fn encode(self, name: &[u8], out: &mut impl Buffer) {
        self.for_each(|line| {
            out.push(name);
            out.push(line);
            out.push(b"\n");
        });
    }

    /// Visits each line, without its end.
    #[inline]
    pub(super) fn for_each(self, mut visit: impl FnMut(&'a [u8])) {
        let mut rest = self.text;
        let mut end = self.first_end;
        while let Some(at) = end {
            visit(&rest[..at]);
            let is_pair = rest[at..].starts_with(b"\r\n");
            rest = if is_pair { &rest[at + 2..] } else { &rest[at + 1..] };
            end = scan::line_end(rest);
        }
        visit(rest);
    }
}
