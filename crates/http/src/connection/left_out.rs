//! What hyper leaves out of a head that it takes: a `Content-Length` beside a `Transfer-Encoding`, and the fragment of a URL.
//! Both change what a request means, and neither is in what hyper hands over.
//!
//! So the bytes are read along as they come. Where a head ends and the next one begins follows from the length of the body
//! between them, and with it how much of the next head has come. All else about a head is left to hyper: one that hyper does not take is the last of its connection.

use memchr::{memchr, memchr2};

use super::plain_head::PlainHead;
use crate::access::head::LeftOut;

/// Reads the requests of one connection along, up to the first of which something is left out: it is the last one that is
/// answered. It is done for every request, so a head like most is only searched for the ends of its lines.
#[derive(Default)]
pub(crate) struct HeadWatch {
    place: Place,
    head: Head,
    /// Heads that have come whole.
    heads: u64,
    /// Bytes of the head that has begun, if one has, with the empty lines before it.
    head_bytes: u64,
}

/// Where the next byte stands.
#[derive(Clone, Copy, Default)]
enum Place {
    /// Before a head. RFC 9112, 2.2: empty lines may stand there.
    #[default]
    Before,
    Method,
    /// In the request line, behind the method.
    Target,
    /// At the beginning of a line of a head or of trailers.
    Line(Section),
    /// Behind a carriage return at the beginning of a line.
    EmptyLine(Section),
    /// In a line that has begun like one of the two names.
    Name {
        name: Name,
        matched: usize,
    },
    /// In the value of a `Content-Length`.
    Length,
    /// In a line of which the rest says nothing.
    Rest(Section),
    ChunkSize {
        bytes: u64,
    },
    /// Behind the digits of the size.
    ChunkExtension {
        bytes: u64,
    },
    /// In a body of known length.
    Body {
        left: u64,
    },
    /// In a chunk, or in the end of the line behind it.
    Chunk {
        left: u64,
    },
    /// Behind the head that was looked for.
    Found,
}

/// What lines belong to.
#[derive(Clone, Copy)]
enum Section {
    Head,
    Trailers,
}

/// The headers that count.
#[derive(Clone, Copy)]
enum Name {
    ContentLength,
    TransferEncoding,
}

/// What counts of a head.
#[derive(Default)]
struct Head {
    has_fragment: bool,
    has_coding: bool,
    length: Option<u64>,
}

impl HeadWatch {
    /// Bytes have come. Tells of the first head of which something is left out, with its number, counted from 1.
    pub(crate) fn came(&mut self, mut bytes: &[u8]) -> Option<(u64, LeftOut)> {
        while !bytes.is_empty() && !matches!(self.place, Place::Found) {
            let (place, passed) = match self.plain_head(bytes) {
                Some(PlainHead { length, body }) => {
                    self.heads += 1;
                    self.head_bytes = 0;
                    (Place::behind_head(body), length)
                }
                None => {
                    let (place, passed) = self.pass(bytes);
                    let is_in_head =
                        place.is_in_head() || matches!((self.place, place), (Place::Before, Place::Before));
                    self.head_bytes = if is_in_head { self.head_bytes + passed as u64 } else { 0 };
                    (place, passed)
                }
            };
            self.place = place;
            bytes = &bytes[passed..];
            if let Place::Found = place {
                return self.head.left_out().map(|left_out| (self.heads, left_out));
            }
        }
        None
    }

    /// Bytes that have come of a head whose end has not, with the empty lines before it.
    pub(crate) fn head_bytes(&self) -> u64 {
        self.head_bytes
    }

    fn plain_head(&self, bytes: &[u8]) -> Option<PlainHead> {
        if let Place::Before = self.place { PlainHead::of(bytes) } else { None }
    }

    /// Goes on from the place, and returns the next one, and how many of the bytes were passed by.
    fn pass(&mut self, bytes: &[u8]) -> (Place, usize) {
        let length = bytes.len();
        // To behind the end of the line, if it has come.
        let line = |then: Place| memchr(b'\n', bytes).map_or((self.place, length), |at| (then, at + 1));
        match self.place {
            Place::Before => match bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n')) {
                Some(0) => (Place::Method, 0),
                empty => (Place::Before, empty.unwrap_or(length)),
            },
            Place::Method => match memchr2(b' ', b'\n', bytes) {
                Some(at) if bytes[at] == b' ' => (Place::Target, at + 1),
                // A line that is no request line. hyper refuses it.
                Some(at) => (Place::Line(Section::Head), at + 1),
                None => (Place::Method, length),
            },
            Place::Target => match memchr2(b'#', b'\n', bytes) {
                Some(at) if bytes[at] == b'#' => {
                    self.head.has_fragment = true;
                    (Place::Target, at + 1)
                }
                Some(at) => (Place::Line(Section::Head), at + 1),
                None => (Place::Target, length),
            },
            Place::Line(section) => match (bytes[0], section) {
                (b'\n', _) => (self.end(section), 1),
                (b'\r', _) => (Place::EmptyLine(section), 1),
                (b'C' | b'c', Section::Head) => (Place::Name { name: Name::ContentLength, matched: 0 }, 0),
                (b'T' | b't', Section::Head) => (Place::Name { name: Name::TransferEncoding, matched: 0 }, 0),
                _ => (Place::Rest(section), 0),
            },
            Place::EmptyLine(section) if bytes[0] == b'\n' => (self.end(section), 1),
            Place::EmptyLine(section) => (Place::Rest(section), 0),
            Place::Name { name, matched } => self.pass_name(name, matched, bytes),
            Place::Length => self.pass_length(bytes),
            Place::Rest(section) => line(Place::Line(section)),
            Place::ChunkSize { bytes: size } => pass_hexadecimal(size, bytes),
            Place::ChunkExtension { bytes: 0 } => line(Place::Line(Section::Trailers)),
            Place::ChunkExtension { bytes: size } => {
                line(Place::Chunk { left: size.saturating_add(b"\r\n".len() as u64) })
            }
            Place::Body { left } => match left.saturating_sub(length as u64) {
                0 => (Place::Before, left as usize),
                left => (Place::Body { left }, length),
            },
            Place::Chunk { left } => match left.saturating_sub(length as u64) {
                0 => (Place::ChunkSize { bytes: 0 }, left as usize),
                left => (Place::Chunk { left }, length),
            },
            Place::Found => (Place::Found, length),
        }
    }

    fn pass_name(&mut self, name: Name, matched: usize, bytes: &[u8]) -> (Place, usize) {
        let rest = &name.text()[matched..];
        let length = rest.len().min(bytes.len());
        if !bytes[..length].eq_ignore_ascii_case(&rest[..length]) {
            return (Place::Rest(Section::Head), 0);
        }
        let place = match name {
            _ if length < rest.len() => Place::Name { name, matched: matched + length },
            Name::ContentLength => {
                self.head.length = Some(0);
                Place::Length
            }
            Name::TransferEncoding => {
                self.head.has_coding = true;
                Place::Rest(Section::Head)
            }
        };
        (place, length)
    }

    /// Reads the digits of a length. hyper refuses one that is no number.
    fn pass_length(&mut self, bytes: &[u8]) -> (Place, usize) {
        let number = self.head.length.get_or_insert_default();
        for (at, byte) in bytes.iter().enumerate() {
            match byte {
                b'0'..=b'9' => *number = number.saturating_mul(10).saturating_add(u64::from(byte - b'0')),
                b'\n' => return (Place::Line(Section::Head), at + 1),
                _ => {}
            }
        }
        (Place::Length, bytes.len())
    }

    /// What follows the empty line behind a head or behind trailers.
    fn end(&mut self, section: Section) -> Place {
        if let Section::Trailers = section {
            return Place::Before;
        }
        self.heads += 1;
        if self.head.left_out().is_some() {
            return Place::Found;
        }
        match std::mem::take(&mut self.head) {
            Head { has_coding: true, .. } => Place::ChunkSize { bytes: 0 },
            Head { length, .. } => Place::behind_head(length.unwrap_or_default()),
        }
    }
}

/// Reads the digits of a chunk's size, which ends at the first byte that is none.
fn pass_hexadecimal(mut size: u64, bytes: &[u8]) -> (Place, usize) {
    for (at, byte) in bytes.iter().enumerate() {
        let Some(digit) = char::from(*byte).to_digit(16) else {
            return (Place::ChunkExtension { bytes: size }, at);
        };
        size = size.saturating_mul(16).saturating_add(u64::from(digit));
    }
    (Place::ChunkSize { bytes: size }, bytes.len())
}

impl Place {
    /// What follows a head with a body of so many bytes.
    fn behind_head(body: u64) -> Self {
        if body == 0 { Self::Before } else { Self::Body { left: body } }
    }

    /// Behind the first byte of a head, and before its end.
    fn is_in_head(self) -> bool {
        match self {
            Self::Method
            | Self::Target
            | Self::Line(Section::Head)
            | Self::EmptyLine(Section::Head)
            | Self::Name { .. }
            | Self::Length
            | Self::Rest(Section::Head) => true,
            Self::Before
            | Self::Line(Section::Trailers)
            | Self::EmptyLine(Section::Trailers)
            | Self::Rest(Section::Trailers)
            | Self::ChunkSize { .. }
            | Self::ChunkExtension { .. }
            | Self::Body { .. }
            | Self::Chunk { .. }
            | Self::Found => false,
        }
    }
}

impl Head {
    fn left_out(&self) -> Option<LeftOut> {
        match self {
            Self { has_coding: true, length: Some(_), .. } => Some(LeftOut::Length),
            Self { has_fragment: true, .. } => Some(LeftOut::Fragment),
            _ => None,
        }
    }
}

impl Name {
    /// In lower case, with the colon.
    fn text(self) -> &'static [u8] {
        match self {
            Self::ContentLength => b"content-length:",
            Self::TransferEncoding => b"transfer-encoding:",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found in these bytes, however they are cut.
    fn found(bytes: &str) -> Option<(u64, LeftOut)> {
        let in_parts = |size: usize| {
            let mut watch = HeadWatch::default();
            bytes.as_bytes().chunks(size).find_map(|part| watch.came(part))
        };
        let whole = in_parts(bytes.len());
        for size in [1, 2, 3, 7, 16, 19] {
            assert_eq!(in_parts(size), whole, "{bytes:?} in parts of {size}");
        }
        whole
    }

    #[test]
    fn a_length_beside_a_coding_is_found_in_every_order_and_spelling() {
        let length = "Content-Length: 5\r\n";
        let coding = "Transfer-Encoding: chunked\r\n";
        for lines in [
            format!("{length}{coding}"),
            format!("{coding}{length}"),
            format!("{coding}a: b\r\n{length}"),
            format!("{length}{length}{coding}"),
            format!("{coding}{length}{coding}"),
            "CONTENT-LENGTH:abc\r\ntransfer-ENCODING:chunked\r\n".to_owned(),
            "content-length:\ntransfer-encoding:\n".to_owned(),
        ] {
            let head = format!("\r\nPOST /events/a HTTP/1.1\r\n{lines}\r\n");
            assert_eq!(found(&head), Some((1, LeftOut::Length)), "{head:?}");
        }
        for lines in [
            length,
            coding,
            "x-content-length: 5\r\ntransfer-encoding: chunked\r\n",
            "content-length2: 5\r\ntransfer-encoding: chunked\r\n",
            "a: content-length: 5\r\ntransfer-encoding: chunked\r\n",
            "content-length: 5\r\ntransfer-encodings: chunked\r\n",
        ] {
            assert_eq!(found(&format!("POST /events/a HTTP/1.1\r\n{lines}\r\n")), None, "{lines:?}");
        }
    }

    #[test]
    fn a_fragment_is_found_in_the_target_alone() {
        for target in ["/events/a#b", "/events?topic=a#b", "/#", "http://h/events/a#"] {
            for before in ["", "\n", "\r\n", "\r\n\r\n"] {
                let head = format!("{before}GET {target} HTTP/1.1\r\n\r\n");
                assert_eq!(found(&head), Some((1, LeftOut::Fragment)), "{head:?}");
            }
        }
        for head in
            ["GET /events/a%23b HTTP/1.1\r\na: #\r\n\r\n", "G#T /events/a HTTP/1.1\nreferer: /a#b\n\n"]
        {
            assert_eq!(found(head), None, "{head}");
        }
    }

    #[test]
    fn the_next_head_is_found_behind_every_body_and_no_body_is_taken_for_a_head() {
        let inner = "GET /#a HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n";
        let of_length =
            format!("POST /events/a HTTP/1.1\r\ncontent-length: \t00{}\r\n\r\n{inner}", inner.len());
        let in_chunks = format!(
            "POST /events/a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{:X};a=\"0\"\r\n{inner}\r\n002\r\n\n\n\r\n0\r\n",
            inner.len()
        );
        let bodies = [
            "GET / HTTP/1.1\r\n\r\n".to_owned(),
            "POST /events/a HTTP/1.1\r\ncontent-length: 0\r\n\r\n".to_owned(),
            of_length,
            format!("{in_chunks}\r\n"),
            format!("{in_chunks}x-trailer: #\r\nb: c\r\n\r\n"),
        ];
        for first in &bodies {
            assert_eq!(found(first), None, "{first:?}");
            for second in &bodies {
                let two = format!("{first}{second}");
                assert_eq!(found(&two), None, "{two:?}");
                assert_eq!(found(&format!("{two}{inner}{inner}")), Some((3, LeftOut::Length)), "{two:?}");
            }
        }
    }

    #[test]
    fn what_has_come_of_the_next_head_is_counted_from_the_end_of_the_request_before_it() {
        let get = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
        let post = "POST /events/a HTTP/1.1\r\ncontent-length: 20\r\n\r\n01234567890123456789";
        let chunked = "POST /events/a HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n5;a=b\r\n01234\r\n0\r\nc: d\r\n\r\n";
        let empty_lines_first = format!("\r\n{get}");
        for before in ["", get, &empty_lines_first, post, chunked] {
            for begun in [
                "",
                "G",
                "\r\n",
                "\r\n\r\nGET",
                "GET /heal",
                "GET /healthz HTTP/1.1\r\nco",
                "GET / HTTP/1.1\r\nte: a\r\n\r",
            ] {
                let bytes = format!("{before}{get}{before}{begun}");
                for size in [1, 2, 3, 7, 16, 19, bytes.len()] {
                    let mut watch = HeadWatch::default();
                    for part in bytes.as_bytes().chunks(size) {
                        assert_eq!(watch.came(part), None);
                    }
                    assert_eq!(watch.head_bytes(), begun.len() as u64, "{bytes:?} in parts of {size}");
                }
            }
        }
    }

    /// What a head says does not depend on whether it is read at once or piece by piece.
    #[test]
    fn a_plain_head_is_one_in_which_nothing_else_is_found() {
        let lines = [
            "Content-Length: 5",
            "content-length: 7",
            "content-length:5",
            "CONTENT-LENGTH: 5",
            "Content-Length: 05\t",
            "Content-Language: de",
            "content-length: 99999999999999999999",
            "connection: close",
            "Transfer-Encoding: chunked",
            "te: trailers",
            "cookie: l=#",
            "\rcontent-length: 5",
            " content-length: 5",
            "",
        ];
        let ends = ["\r\n", "\n"];
        let target = ["/events/a", "/events/a#b"];
        for (case, first) in lines.iter().enumerate() {
            for second in lines {
                for third in lines {
                    let (target, end) = (target[case % 2], ends[case / 2 % 2]);
                    let head = format!("POST {target} HTTP/1.1{end}{first}{end}{second}\r\n{third}\r\n\r\n");
                    found(&format!("{head}xGET /# HTTP/1.1\r\n\r\nGET /# HTTP/1.1\r\n\r\n"));
                }
            }
        }
    }
}
