//! What hyper leaves out of a head that it takes: a `Content-Length` beside a `Transfer-Encoding`, and the fragment of a URL.
//! Both change what a request means, and neither is in what hyper hands over.
//!
//! So the bytes are read along as they come. Where a head ends and the next one begins follows from the length of the body
//! between them. All else about a head is left to hyper: one that hyper does not take is the last of its connection.

use memchr::memchr;

use crate::access::head::LeftOut;

/// Reads the requests of one connection along, up to the first of which something is left out: it is the last one that is
/// answered.
#[derive(Default)]
pub(crate) struct HeadWatch {
    place: Place,
    line: Line,
    head: Head,
    /// Heads that have come whole.
    heads: u64,
}

/// Where the next byte stands.
#[derive(Clone, Copy, Default)]
enum Place {
    #[default]
    RequestLine,
    Header,
    ChunkSize,
    Trailer,
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

/// What counts of a head.
#[derive(Default)]
struct Head {
    has_fragment: bool,
    has_coding: bool,
    length: Option<u64>,
}

const CONTENT_LENGTH: &[u8] = b"content-length:";
const TRANSFER_ENCODING: &[u8] = b"transfer-encoding:";

/// A line that may come in parts.
#[derive(Default)]
struct Line {
    /// Its beginning, in lower case: as much as the longer of the two names.
    beginning: [u8; TRANSFER_ENCODING.len()],
    /// Bytes of it that have come, as far as they stand in the beginning.
    length: usize,
    /// A space has come.
    has_space: bool,
    /// The number that stands in it: in digits behind a name, or in hexadecimal at its beginning.
    number: u64,
    /// What follows is no more of the number.
    number_is_over: bool,
}

impl HeadWatch {
    /// Bytes have come. Tells of the first head of which something is left out, with its number, counted from 1.
    pub(crate) fn came(&mut self, mut bytes: &[u8]) -> Option<(u64, LeftOut)> {
        while !bytes.is_empty() {
            match &mut self.place {
                Place::Found => return None,
                Place::Body { left } | Place::Chunk { left } => {
                    let skipped = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    bytes = &bytes[skipped..];
                    *left -= skipped as u64;
                    if *left == 0 {
                        self.place = self.place.behind();
                    }
                }
                Place::RequestLine | Place::Header | Place::ChunkSize | Place::Trailer => {
                    let end = memchr(b'\n', bytes);
                    self.read_part(&bytes[..end.unwrap_or(bytes.len())]);
                    bytes = end.map_or(&[], |end| &bytes[end + 1..]);
                    if end.is_some()
                        && let Some(left_out) = self.end_line()
                    {
                        self.place = Place::Found;
                        return Some((self.heads, left_out));
                    }
                }
            }
        }
        None
    }

    fn read_part(&mut self, part: &[u8]) {
        match self.place {
            Place::RequestLine => {
                self.line.begin(part);
                self.head.has_fragment |= memchr(b'#', self.line.behind_space(part)).is_some();
            }
            Place::Header => self.line.read_header(part),
            Place::ChunkSize => self.line.read_hexadecimal(part),
            Place::Trailer => {
                self.line.begin(part);
            }
            Place::Body { .. } | Place::Chunk { .. } | Place::Found => {}
        }
    }

    fn end_line(&mut self) -> Option<LeftOut> {
        let line = std::mem::take(&mut self.line);
        self.place = match self.place {
            // RFC 9112, 2.2: empty lines may stand before a request.
            Place::RequestLine if line.is_empty() => Place::RequestLine,
            Place::RequestLine => Place::Header,
            Place::Header if line.is_empty() => {
                let head = std::mem::take(&mut self.head);
                self.heads += 1;
                match (head.has_coding, head.length) {
                    (true, Some(_)) => return Some(LeftOut::Length),
                    _ if head.has_fragment => return Some(LeftOut::Fragment),
                    (true, None) => Place::ChunkSize,
                    (false, None | Some(0)) => Place::RequestLine,
                    (false, Some(left)) => Place::Body { left },
                }
            }
            Place::Header => {
                self.head.has_coding |= line.begins_with(TRANSFER_ENCODING);
                if line.begins_with(CONTENT_LENGTH) {
                    self.head.length = Some(line.number);
                }
                Place::Header
            }
            Place::ChunkSize if line.number == 0 => Place::Trailer,
            Place::ChunkSize => Place::Chunk { left: line.number.saturating_add(b"\r\n".len() as u64) },
            Place::Trailer if line.is_empty() => Place::RequestLine,
            other => other,
        };
        None
    }
}

impl Place {
    /// What follows a body or a chunk.
    fn behind(self) -> Self {
        match self {
            Self::Chunk { .. } => Self::ChunkSize,
            _ => Self::RequestLine,
        }
    }
}

impl Line {
    /// Keeps what belongs to the beginning, and returns the rest.
    fn begin<'a>(&mut self, part: &'a [u8]) -> &'a [u8] {
        let (beginning, rest) = part.split_at(part.len().min(self.beginning.len() - self.length));
        let room = &mut self.beginning[self.length..][..beginning.len()];
        room.copy_from_slice(beginning);
        room.make_ascii_lowercase();
        self.length += beginning.len();
        rest
    }

    fn read_header(&mut self, part: &[u8]) {
        let length_before = self.length;
        self.begin(part);
        if self.begins_with(CONTENT_LENGTH) {
            let of_name = CONTENT_LENGTH.len().saturating_sub(length_before);
            let digits = part[of_name.min(part.len())..].iter().filter(|byte| byte.is_ascii_digit());
            // hyper refuses one that is no number.
            digits.for_each(|digit| self.add_digit(10, u64::from(digit - b'0')));
        }
    }

    /// Reads the size of a chunk, which ends at the first byte that is no digit.
    fn read_hexadecimal(&mut self, part: &[u8]) {
        self.begin(part);
        for byte in part {
            let digit = char::from(*byte).to_digit(16).filter(|_| !self.number_is_over);
            let Some(digit) = digit else {
                self.number_is_over = true;
                return;
            };
            self.add_digit(16, u64::from(digit));
        }
    }

    fn add_digit(&mut self, radix: u64, digit: u64) {
        self.number = self.number.saturating_mul(radix).saturating_add(digit);
    }

    /// What of a part stands behind the first space of the line.
    fn behind_space<'a>(&mut self, part: &'a [u8]) -> &'a [u8] {
        if self.has_space {
            return part;
        }
        let Some(at) = memchr(b' ', part) else { return &[] };
        self.has_space = true;
        &part[at..]
    }

    fn begins_with(&self, name: &[u8]) -> bool {
        self.beginning[..self.length].starts_with(name)
    }

    fn is_empty(&self) -> bool {
        matches!(&self.beginning[..self.length], b"" | b"\r")
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
            assert_eq!(found(&format!("GET {target} HTTP/1.1\r\n\r\n")), Some((1, LeftOut::Fragment)));
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
}
