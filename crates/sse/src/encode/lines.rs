//! Text cut where a client would cut it.

use memchr::memchr2;

/// The lines of a text, split at CRLF, CR and LF. A text that ends with a line end has an empty last line.
pub(super) struct Lines<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Lines<'a> {
    pub(super) fn of(text: &'a [u8]) -> Self {
        Self { rest: Some(text) }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        let Some(end) = memchr2(b'\n', b'\r', rest) else {
            self.rest = None;
            return Some(rest);
        };
        let after = if rest[end..].starts_with(b"\r\n") { end + 2 } else { end + 1 };
        self.rest = Some(&rest[after..]);
        Some(&rest[..end])
    }
}
