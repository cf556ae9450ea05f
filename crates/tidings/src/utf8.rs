//! Text from other programs, as bytes: files, and standard input. It is UTF-8, with or without a byte order mark.
//!
//! Editors and shells of Windows write UTF-16 and byte order marks, and a wrong file is no text at all. What cannot be read is
//! told with its name, its line or its encoding, and with what to do.

use std::fmt;
use std::io;
use std::path::Path;

use crate::content;

/// U+FEFF as UTF-8. At the beginning it says that this is UTF-8, and is no part of the text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Bytes at the beginning that tell an encoding.
pub(crate) const HEAD_LENGTH: usize = 4;

/// An encoding that we do not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Encoding(&'static str);

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(name) = self;
        write!(f, "{name}, not UTF-8; `iconv -f {name} -t UTF-8` converts it")
    }
}

/// Why bytes are no text.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotText {
    #[error("it is {0}")]
    Foreign(Encoding),
    #[error("line {line} is not UTF-8: its byte {byte} is 0x{value:02x}")]
    NotUtf8 { line: usize, byte: usize, value: u8 },
}

/// The encoding that the first bytes tell, if it is not UTF-8: by its byte order mark, or because ASCII stands between zeros.
pub(crate) fn foreign(head: &[u8]) -> Option<Encoding> {
    let name = match head {
        [0xff, 0xfe, 0, 0, ..] => "UTF-32LE",
        [0, 0, 0xfe, 0xff, ..] => "UTF-32BE",
        [0xff, 0xfe, ..] => "UTF-16LE",
        [0xfe, 0xff, ..] => "UTF-16BE",
        [1..=255, 0, 0, 0, ..] => "UTF-32LE",
        [0, 0, 0, 1..=255, ..] => "UTF-32BE",
        [1..=255, 0, 1..=255, 0, ..] => "UTF-16LE",
        [0, 1..=255, 0, 1..=255, ..] => "UTF-16BE",
        _ => return None,
    };
    Some(Encoding(name))
}

/// What follows a byte order mark, if there is one.
pub(crate) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes)
}

/// Reads a file that is text.
pub(crate) fn read(path: &Path) -> io::Result<String> {
    decode(&content::read(path)?).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Reads a file in PEM, which is ASCII between lines of any kind.
pub(crate) fn read_pem(path: &Path) -> io::Result<Vec<u8>> {
    let bytes = content::read(path)?;
    match foreign(&bytes) {
        Some(encoding) => Err(io::Error::new(io::ErrorKind::InvalidData, NotText::Foreign(encoding))),
        None => Ok(without_mark(&bytes).to_owned()),
    }
}

fn decode(bytes: &[u8]) -> Result<String, NotText> {
    if let Some(encoding) = foreign(bytes) {
        return Err(NotText::Foreign(encoding));
    }
    let bytes = without_mark(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = &bytes[..error.valid_up_to()];
        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
        let begin = good.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        NotText::NotUtf8 { line, byte: good.len() - begin + 1, value: bytes[good.len()] }
    })?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_is_no_text() {
        assert_eq!(decode(b"\xef\xbb\xbfa = 1\n").as_deref(), Ok("a = 1\n"));
        assert_eq!(
            decode("\u{e9}\u{feff}".as_bytes()).as_deref(),
            Ok("\u{e9}\u{feff}"),
            "only the first one"
        );
        assert_eq!(decode(b"").as_deref(), Ok(""));
    }

    #[test]
    fn other_encodings_of_unicode_are_called_by_name() {
        let text = "ab\n\u{e9}";
        let utf16 = |of: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(of).collect::<Vec<_>>();
        let (little, big) = (utf16(u16::to_le_bytes), utf16(u16::to_be_bytes));

        let named = |bytes: &[u8]| foreign(bytes).map(|Encoding(name)| name);
        assert_eq!(named(&little), Some("UTF-16LE"));
        assert_eq!(named(&big), Some("UTF-16BE"));
        assert_eq!(named(&[&[0xff, 0xfe], &little[..]].concat()), Some("UTF-16LE"));
        assert_eq!(named(&[&[0xfe, 0xff], &big[..]].concat()), Some("UTF-16BE"));
        assert_eq!(named(b"\xff\xfe\0\0a\0\0\0"), Some("UTF-32LE"));
        assert_eq!(named(b"a\0\0\0b\0\0\0"), Some("UTF-32LE"));
        assert_eq!(named(b"\0\0\0a\0\0\0b"), Some("UTF-32BE"));
        assert_eq!(named(b"\0\0\xfe\xff\0\0\0a"), Some("UTF-32BE"));
        for text in [&b""[..], b"a", b"a\0", b"abc\0", b"\0\0\0\0", "\u{ff}\u{fe}".as_bytes()] {
            assert_eq!(named(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_is_not_utf_8_is_told_by_line_and_byte() {
        let told = decode(b"one\ntw\xe9").unwrap_err();

        assert_eq!(told, NotText::NotUtf8 { line: 2, byte: 3, value: 0xe9 });
        assert_eq!(told.to_string(), "line 2 is not UTF-8: its byte 3 is 0xe9");
    }
}
