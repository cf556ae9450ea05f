//! Lines of a body that the format ignores: for those who take streams from people, who may have sent something else.
//!
//! HTML 9.2.6 ignores a field that nobody knows, and so a text, JSON lines or `Data: x` decode to nothing, without an error.

use alloc::string::String;
use alloc::vec::Vec;

use super::limits::STRAY_LINE_BYTES_MAX;
use super::line::Field;

/// Finds the first line of a stream that is neither blank nor a comment nor a field.
///
/// ```
/// use tidings_sse::decode::StrayLine;
///
/// let mut stray = StrayLine::default();
/// for chunk in [&b": hello\nDa"[..], b"ta: 1\ndata: 2\n\n"] {
///     stray.feed(chunk);
/// }
/// assert_eq!(stray.finish(), Some((2, "Data: 1".into())));
/// ```
#[derive(Debug, Clone, Default)]
pub struct StrayLine {
    /// Lines that have ended before this one.
    ended: u64,
    /// The beginning of the line.
    head: Vec<u8>,
    /// Whether the last byte was a CR: an LF behind it ends no second line.
    is_after_cr: bool,
    found: bool,
}

impl StrayLine {
    /// Reads the bytes that follow those of the chunk before.
    pub fn feed(&mut self, chunk: &[u8]) {
        let mut rest = chunk;
        while !self.found && !rest.is_empty() {
            let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let part = &rest[..end.unwrap_or(rest.len())];
            let missing = STRAY_LINE_BYTES_MAX - self.head.len();
            self.head.extend_from_slice(&part[..part.len().min(missing)]);
            let is_pair = part.is_empty() && self.is_after_cr && rest[0] == b'\n';
            self.is_after_cr = end.is_some_and(|end| rest[end] == b'\r');
            rest = end.map_or(&[][..], |end| &rest[end + 1..]);
            if end.is_some() && !is_pair {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        self.found = self.is_stray();
        if !self.found {
            self.ended += 1;
            self.head.clear();
        }
    }

    fn is_stray(&self) -> bool {
        let line = String::from_utf8_lossy(self.line());
        // An id with U+0000 is a field that is ignored.
        !line.is_empty()
            && !line.starts_with("id:")
            && matches!(
                Field::of(&line),
                // Labels are fields of hubs, and no event comes of them.
                Field::Unknown | Field::Topic(_) | Field::Time(_)
            )
    }

    /// The beginning of the line, without a byte order mark at the start of the stream.
    fn line(&self) -> &[u8] {
        match self.head.strip_prefix("\u{feff}".as_bytes()) {
            Some(line) if self.ended == 0 => line,
            _ => &self.head,
        }
    }

    /// The number of the line, of which the first is 1, and its beginning. The last line needs no end.
    pub fn finish(&self) -> Option<(u64, String)> {
        self.is_stray().then(|| (self.ended + 1, String::from_utf8_lossy(self.line()).into_owned()))
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec;

    use super::*;

    /// What is found in a body, in one piece and at every split.
    fn stray(body: &[u8]) -> Option<(u64, String)> {
        let found = |pieces: &[&[u8]]| {
            let mut stray = StrayLine::default();
            pieces.iter().for_each(|piece| stray.feed(piece));
            stray.finish()
        };
        let whole = found(&[body]);
        for at in 0..=body.len() {
            let (first, second) = body.split_at(at);
            assert_eq!(found(&[first, second]), whole, "{body:?} at {at}");
        }
        whole
    }

    #[test]
    fn the_first_line_that_is_no_field_and_no_comment_is_found_with_its_number() {
        for (body, number, line) in [
            (&b"one\ntwo\n"[..], 1, "one"),
            (b"{\"n\":1}\n{\"n\":2}\n", 1, "{\"n\":1}"),
            (b"data: x\n\nData: x\n\n", 3, "Data: x"),
            (b": c\r\n\r\nids: 1\r\n", 3, "ids: 1"),
            (b"\r\r\n\n data: x", 4, " data: x"),
            (b"\xef\xbb\xbfone", 1, "one"),
            (b"\n\xef\xbb\xbfdata", 2, "\u{feff}data"),
            (b"retry: 1\ndatax", 2, "datax"),
            (b"caf\xe9\n", 1, "caf\u{fffd}"),
        ] {
            assert_eq!(stray(body), Some((number, line.to_string())), "{body:?}");
        }
    }

    #[test]
    fn fields_and_comments_are_no_stray_lines_whatever_their_values() {
        for body in [
            &b""[..],
            b"\n\n\r\n\r",
            b": c\n:\n\n",
            b"data\ndata:\ndata: x\nevent: x\nid: 1\nid: a\0b\nretry: soon\nid\n\n",
            b"\xef\xbb\xbfdata: x",
        ] {
            assert_eq!(stray(body), None, "{body:?}");
        }
    }

    #[test]
    fn of_a_long_line_the_beginning_is_kept() {
        let mut stray = StrayLine::default();
        stray.feed(b"data: ");
        stray.feed(&vec![b'x'; 10_000]);
        assert_eq!(stray.finish(), None);
        stray.feed(b"\n");
        for _ in 0..100 {
            stray.feed(&vec![b'y'; 10_000]);
        }

        assert_eq!(stray.finish(), Some((2, "y".repeat(STRAY_LINE_BYTES_MAX))));
        assert_eq!(stray.head.len(), STRAY_LINE_BYTES_MAX);
    }
}
