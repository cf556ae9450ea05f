//! Bytes as lines of text, whatever they are: a line that is no text is mended, one that is too long is left out, and those
//! behind it are read.
//!
//! This is where a pipe ends that may run for months. An error would end the program at its other end, too, by SIGPIPE.

use bytes::BytesMut;
use tokio_util::codec::Decoder;

use super::input::InputError;
use crate::limits::INPUT_LINE_BYTES_MAX;
use crate::utf8::{self, HEAD_LENGTH};

/// A line of standard input, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The first one is 1.
    pub(super) number: u64,
    pub(super) content: Content,
}

/// What is in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    Text(String),
    /// U+FFFD stands where it was no UTF-8.
    Mended(String),
    /// It is longer than `INPUT_LINE_BYTES_MAX`.
    TooLong,
}

/// Which bytes end a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Ends {
    /// LF. A CR before it is no part of the line.
    #[default]
    Text,
    /// HTML 9.2.5: "end-of-line = ( cr lf / cr / lf )".
    EventStream,
}

/// Finds the lines. It keeps one line at the most, and of one that is too long nothing.
#[derive(Debug, Default)]
pub(super) struct Lines {
    ends: Ends,
    /// The last line of an event-stream ended with CR. An LF that follows belongs to that end.
    is_after_cr: bool,
    /// Lines that were given out.
    count: u64,
    /// Whether the encoding was looked at.
    is_begun: bool,
    /// Bytes at the beginning of the buffer without a line end in them.
    scanned: usize,
    /// Whether the beginning of the line was too long already.
    is_too_long: bool,
}

impl Decoder for Lines {
    type Item = Line;
    type Error = InputError;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Line>, InputError> {
        self.skip_rest_of_end(buffer);
        if !self.is_begun && (self.line_end(buffer).is_some() || buffer.len() >= HEAD_LENGTH) {
            self.begin(buffer)?;
        }
        let Some(end) = self.line_end(buffer) else {
            self.wait(buffer);
            return Ok(None);
        };
        let line = buffer.split_to(end + 1);
        self.is_after_cr = self.ends == Ends::EventStream && line.ends_with(b"\r");
        Ok(Some(self.line(&line[..end])))
    }

    fn decode_eof(&mut self, buffer: &mut BytesMut) -> Result<Option<Line>, InputError> {
        if let Some(line) = self.decode(buffer)? {
            return Ok(Some(line));
        }
        self.begin(buffer)?;
        if buffer.is_empty() && !self.is_too_long {
            return Ok(None);
        }
        let line = buffer.split();
        Ok(Some(self.line(&line)))
    }
}

impl Lines {
    /// The lines of a `text/event-stream`.
    pub(super) fn of_event_stream() -> Self {
        Self { ends: Ends::EventStream, ..Self::default() }
    }

    /// Takes away the LF of a CRLF of which the CR ended the last line.
    fn skip_rest_of_end(&mut self, buffer: &mut BytesMut) {
        if let Some(first) = buffer.first()
            && std::mem::take(&mut self.is_after_cr)
            && *first == b'\n'
        {
            let _ = buffer.split_to(1);
        }
    }

    fn line_end(&self, buffer: &[u8]) -> Option<usize> {
        let is_end = |byte: &u8| *byte == b'\n' || *byte == b'\r' && self.ends == Ends::EventStream;
        buffer[self.scanned..].iter().position(is_end).map(|at| self.scanned + at)
    }

    /// Looks at the first bytes, once.
    fn begin(&mut self, buffer: &mut BytesMut) -> Result<(), InputError> {
        if self.is_begun {
            return Ok(());
        }
        self.is_begun = true;
        if let Some(encoding) = utf8::foreign(buffer) {
            return Err(InputError::Foreign(encoding));
        }
        let mark = buffer.len() - utf8::without_mark(buffer).len();
        let _ = buffer.split_to(mark);
        self.scanned = 0;
        Ok(())
    }

    /// There is no line end in the buffer.
    fn wait(&mut self, buffer: &mut BytesMut) {
        // One byte more than a line: it may be the CR of its end.
        if self.is_too_long || buffer.len() > INPUT_LINE_BYTES_MAX + 1 {
            self.is_too_long = true;
            buffer.clear();
        }
        self.scanned = buffer.len();
    }

    fn line(&mut self, bytes: &[u8]) -> Line {
        self.count += 1;
        self.scanned = 0;
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let content = match std::str::from_utf8(bytes) {
            _ if std::mem::take(&mut self.is_too_long) || bytes.len() > INPUT_LINE_BYTES_MAX => {
                Content::TooLong
            }
            Ok(text) => Content::Text(text.to_owned()),
            Err(_) => Content::Mended(String::from_utf8_lossy(bytes).into_owned()),
        };
        Line { number: self.count, content }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of an input that arrives in these parts.
    fn lines(parts: &[&[u8]]) -> Result<Vec<Content>, String> {
        read(Lines::default(), parts)
    }

    fn read(mut lines: Lines, parts: &[&[u8]]) -> Result<Vec<Content>, String> {
        let (mut buffer, mut found) = (BytesMut::new(), Vec::new());
        for part in parts {
            buffer.extend_from_slice(part);
            while let Some(line) = lines.decode(&mut buffer).map_err(|error| error.to_string())? {
                found.push(line);
            }
        }
        while let Some(line) = lines.decode_eof(&mut buffer).map_err(|error| error.to_string())? {
            found.push(line);
        }
        assert!(found.iter().map(|line| line.number).eq(1..=found.len() as u64), "{found:?}");
        Ok(found.into_iter().map(|line| line.content).collect())
    }

    fn text(text: &str) -> Content {
        Content::Text(text.to_owned())
    }

    fn mended(text: &str) -> Content {
        Content::Mended(text.to_owned())
    }

    #[test]
    fn lines_are_the_same_at_every_split() {
        let input = b"\xef\xbb\xbfone\r\n\ntw\xff\xfeo\n\xe4\xb8\xad\nlast";
        let expected = [text("one"), text(""), mended("tw\u{fffd}\u{fffd}o"), text("\u{4e2d}"), text("last")];

        for at in 0..=input.len() {
            let (first, second) = input.split_at(at);
            assert_eq!(lines(&[first, second]).unwrap(), expected, "at {at}");
        }
        let bytes: Vec<&[u8]> = input.chunks(1).collect();
        assert_eq!(lines(&bytes).unwrap(), expected);
    }

    #[test]
    fn lines_of_an_event_stream_end_with_cr_lf_or_both_at_every_split() {
        let input = b"\xef\xbb\xbfone\r\r\ntwo\n\r\n\n\xff\rlast";
        let texts = ["one", "", "two", "", ""].map(text);
        let expected = [&texts[..], &[mended("\u{fffd}"), text("last")]].concat();

        for at in 0..=input.len() {
            let (first, second) = input.split_at(at);
            assert_eq!(read(Lines::of_event_stream(), &[first, second]).unwrap(), expected, "at {at}");
        }
        let bytes: Vec<&[u8]> = input.chunks(1).collect();
        assert_eq!(read(Lines::of_event_stream(), &bytes).unwrap(), expected);
    }

    #[test]
    fn a_line_that_is_too_long_is_left_out_and_takes_no_memory() {
        let longest = "x".repeat(INPUT_LINE_BYTES_MAX);
        let part = "x".repeat(1 << 20).into_bytes();
        let mut parts: Vec<&[u8]> = vec![b"one\n"];
        parts.extend((0..40).map(|_| &part[..]));
        let exact = format!("end\n{longest}\r\n{longest}x\nlast\n");
        parts.push(exact.as_bytes());

        let found = lines(&parts).unwrap();

        assert_eq!(found.len(), 5);
        assert_eq!(
            (&found[0], &found[1], &found[3], &found[4]),
            (&text("one"), &Content::TooLong, &Content::TooLong, &text("last"))
        );
        assert!(found[2] == text(&longest));
    }

    #[test]
    fn a_line_that_is_too_long_at_the_end_is_told() {
        let long = "x".repeat(INPUT_LINE_BYTES_MAX + 2);

        assert_eq!(lines(&[long.as_bytes()]).unwrap(), [Content::TooLong]);
    }

    #[test]
    fn another_encoding_is_refused_at_its_first_bytes() {
        for input in [&b"\xff\xfea\0\n\0"[..], b"\xfe\xff\0a\0\n", b"a\0b\0\n\0", b"\xff\xfe"] {
            let refused = lines(&[input]).unwrap_err();
            assert!(refused.contains("UTF-16") && refused.contains("iconv"), "{refused}");
        }
        assert_eq!(lines(&[b"a\0\nb\n"]).unwrap(), [text("a\0"), text("b")]);
    }
}
