//! Text of bodies: what of it is data, and the check that bytes which arrive in pieces are UTF-8.
//!
//! The decoder replaces what is not, as the standard says for clients. A publisher should rather be told.

use bytes::Bytes;
use encoding_rs::WINDOWS_1252;

use super::content::{Charset, foreign};
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::limits::WIDE_LOOK_BYTES;

/// The mark by which some programs tell that text is UTF-8. It is no part of the text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The data of an event that is a whole body: in UTF-8, without a byte order mark. Whether it is UTF-8 is not checked.
pub(crate) fn data(body: Bytes, charset: Charset) -> Result<Bytes, Problem> {
    refuse_wide(&body)?;
    if body.starts_with(BYTE_ORDER_MARK) {
        return Ok(body.slice(BYTE_ORDER_MARK.len()..));
    }
    match charset {
        Charset::Utf8 => Ok(body),
        Charset::Windows1252 | Charset::Ascii(_) if body.is_ascii() => Ok(body),
        // Text in windows-1252 is UTF-8 by a rare accident alone. A publisher whose program names the wrong charset is told.
        Charset::Windows1252 if std::str::from_utf8(&body).is_ok() => Err(misnamed()),
        Charset::Ascii(encoding) => Err(foreign(encoding.name())),
        Charset::Windows1252 => {
            let (text, _) = WINDOWS_1252.decode_without_bom_handling(&body);
            Ok(Bytes::from(text.into_owned().into_boxed_str().into_boxed_bytes()))
        }
    }
}

fn misnamed() -> Problem {
    let detail = "the body is UTF-8, and its charset says ISO-8859-1, in which it would be other text; send it with charset=utf-8";
    Problem::new(ProblemType::UnsupportedMediaType, detail)
}

/// Refuses a body that begins as UTF-16 or UTF-32.
pub(crate) fn refuse_wide(body: &[u8]) -> Result<(), Problem> {
    let beginning = &body[..body.len().min(WIDE_LOOK_BYTES)];
    let encoding = match () {
        () if is_utf32(beginning) => "UTF-32",
        () if is_utf16(beginning) => "UTF-16",
        () => return Ok(()),
    };
    let detail = format!(
        "the body is {encoding}; send it as UTF-8, which `iconv -f {encoding} -t UTF-8` and PowerShell's `-Encoding utf8` make of it"
    );
    Err(Problem::new(ProblemType::DataNotUtf8, detail))
}

/// Whether it begins with the byte order mark, or with ASCII of which every other byte is NUL.
fn is_utf16(beginning: &[u8]) -> bool {
    let pairs = beginning.chunks_exact(2);
    let is_wide = |nul: usize| pairs.clone().all(|pair| pair[nul] == 0 && pair[1 - nul] != 0);
    let has_mark = beginning.starts_with(b"\xff\xfe") || beginning.starts_with(b"\xfe\xff");
    has_mark || beginning.len() >= 4 && (is_wide(0) || is_wide(1))
}

/// Whether it begins with the byte order mark, or with two characters in four bytes each. None is above U+10FFFF, so that one
/// byte of each is NUL, and the one beside it at most 0x10.
fn is_utf32(beginning: &[u8]) -> bool {
    let characters = beginning.chunks_exact(4).map(|four| [four[0], four[1], four[2], four[3]]);
    let is_wide = |read: fn([u8; 4]) -> u32| {
        characters.clone().map(read).all(|character| character != 0 && char::from_u32(character).is_some())
    };
    let has_mark = beginning.starts_with(b"\xff\xfe\0\0") || beginning.starts_with(b"\0\0\xfe\xff");
    has_mark || beginning.len() >= 8 && (is_wide(u32::from_le_bytes) || is_wide(u32::from_be_bytes))
}

/// What is left of a character that was cut by the end of a piece, and how far the text is checked.
#[derive(Debug, Default)]
pub(crate) struct TextCheck {
    cut: Vec<u8>,
    checked: u64,
}

impl TextCheck {
    /// The part of a piece that may be passed on, and the offset in the whole text of the first byte that is not
    /// UTF-8, if there is one.
    pub(crate) fn check<'a>(&mut self, piece: &'a [u8]) -> (&'a [u8], Option<u64>) {
        let mut start = 0;
        while !self.cut.is_empty() && start < piece.len() {
            self.cut.push(piece[start]);
            start += 1;
            match std::str::from_utf8(&self.cut) {
                Ok(_) => self.cut.clear(),
                Err(error) if error.error_len().is_none() => {}
                Err(_) => return (&[], Some(self.checked + start as u64 - self.cut.len() as u64)),
            }
        }
        let before = self.checked;
        self.checked += piece.len() as u64;
        match std::str::from_utf8(&piece[start..]) {
            Ok(_) => (piece, None),
            Err(error) if error.error_len().is_none() => {
                self.cut = piece[start + error.valid_up_to()..].to_vec();
                (piece, None)
            }
            Err(error) => {
                let at = start + error.valid_up_to();
                (&piece[..at], Some(before + at as u64))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(body: &[u8], charset: Charset) -> Option<String> {
        let data = data(Bytes::copy_from_slice(body), charset).ok()?;
        Some(String::from_utf8(data.to_vec()).unwrap())
    }

    #[test]
    fn one_byte_order_mark_is_no_part_of_the_data() {
        let body = "\u{feff}{\"a\":\"\u{feff}\"}";
        for charset in [Charset::Utf8, Charset::Windows1252] {
            assert_eq!(text(body.as_bytes(), charset).as_deref(), Some(&body[3..]));
        }
        assert_eq!(text("\u{feff}\u{feff}".as_bytes(), Charset::Utf8).as_deref(), Some("\u{feff}"));
        assert_eq!(text("a\u{feff}".as_bytes(), Charset::Utf8).as_deref(), Some("a\u{feff}"));
    }

    #[test]
    fn latin_text_becomes_utf_8() {
        assert_eq!(
            text(b"caf\xe9 \x80\xff\x81", Charset::Windows1252).as_deref(),
            Some("caf\u{e9} \u{20ac}\u{ff}\u{81}")
        );
        assert_eq!(text(b"plain", Charset::Windows1252).as_deref(), Some("plain"));
        assert_eq!(text(b"", Charset::Windows1252).as_deref(), Some(""));
        // Cut inside a character it is no UTF-8, and may be what it says.
        assert_eq!(text(b"\xc3\xa9\xc3", Charset::Windows1252).as_deref(), Some("\u{c3}\u{a9}\u{c3}"));
    }

    /// It was stored as other text, and answered 201.
    #[test]
    fn utf_8_under_the_name_of_latin_text_is_refused() {
        for body in ["caf\u{e9}", "\u{8ba2}", "a\u{1f980}b"] {
            assert_eq!(data(Bytes::from(body), Charset::Windows1252), Err(misnamed()), "{body}");
            assert_eq!(text(body.as_bytes(), Charset::Utf8).as_deref(), Some(body));
        }
    }

    /// GBK and many others: what is ASCII in them is ASCII.
    #[test]
    fn of_other_charsets_ascii_is_taken_and_the_rest_refused_by_the_name() {
        let charset = Charset::Ascii(encoding_rs::GBK);

        assert_eq!(text(b"plain {}\x1b", charset).as_deref(), Some("plain {}\x1b"));
        for body in [&b"\xc1\xaa"[..], "\u{8ba2}".as_bytes()] {
            assert_eq!(data(Bytes::copy_from_slice(body), charset), Err(foreign("GBK")), "{body:?}");
        }
    }

    /// Without a byte order mark it was stored as text with three NULs behind each letter.
    #[test]
    fn utf_32_is_told_from_text_that_has_nuls() {
        let detail = |body: &[u8]| format!("{:?}", refuse_wide(body));
        for to_bytes in [u32::to_le_bytes, u32::to_be_bytes] {
            for body in
                ["\u{feff}a", "{}", "\u{8ba2}\u{1f980}", "{\"total\": 42}\r\n", &"data: x\n".repeat(100)]
            {
                let wide: Vec<u8> = body.chars().flat_map(|c| to_bytes(u32::from(c))).collect();
                assert!(detail(&wide).contains("the body is UTF-32"), "{body}");
            }
        }
        for body in ["a\0\0\0", "\0\0\0\0\0\0\0\0", "abcd\0\0\0\0", "a\0\0\0b", "a\0\0\0bcde", "abcdefgh"] {
            assert_eq!(refuse_wide(body.as_bytes()), Ok(()), "{body:?}");
        }
    }

    #[test]
    fn utf_16_is_told_from_text_that_has_a_nul() {
        let wide = |text: &str, to_bytes: fn(u16) -> [u8; 2]| {
            text.encode_utf16().flat_map(to_bytes).collect::<Vec<_>>()
        };
        for to_bytes in [u16::to_le_bytes, u16::to_be_bytes] {
            for body in
                ["\u{feff}\u{8ba2}", "\u{feff}a", "{}", "{\"total\": 42}\r\n", &"data: x\n".repeat(100)]
            {
                assert!(refuse_wide(&wide(body, to_bytes)).is_err(), "{body}");
            }
        }
        for body in ["", "a", "a\0", "\0", "\0\0\0\0", "a\0b", "a\0bc", "a\0\0b", "\0a\0b\0\0"] {
            assert_eq!(refuse_wide(body.as_bytes()), Ok(()), "{body:?}");
        }
    }

    #[test]
    fn text_may_be_cut_anywhere() {
        let text = "a\u{e9}\u{8ba2}\u{1f980}z".as_bytes();
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let mut check = TextCheck::default();
                for piece in [&text[..first], &text[first..second], &text[second..]] {
                    assert_eq!(check.check(piece), (piece, None));
                }
            }
        }
    }

    #[test]
    fn the_first_bad_byte_is_named_wherever_the_text_is_cut() {
        let text = b"ab\xe8\xae\xa2\xffcd";
        for first in 0..5 {
            let mut check = TextCheck::default();
            check.check(&text[..first]);
            assert_eq!(check.check(&text[first..]).1, Some(5), "cut at {first}");
        }
        let mut check = TextCheck::default();
        assert_eq!(check.check(b"a\xe8"), (&b"a\xe8"[..], None));
        assert_eq!(check.check(b"xy"), (&b""[..], Some(1)));
    }
}
