//! A line: its end, and the field in it.

use memchr::memchr2;

/// Where the first line of `bytes` ends, and how long it is with its end.
///
/// A CR at the very end of `bytes` ends the line at once; that the next chunk may begin with the LF that belongs
/// to it is the caller's to remember.
#[inline]
pub(super) fn split(bytes: &[u8]) -> Option<LineEnd> {
    let end = memchr2(b'\n', b'\r', bytes)?;
    let cr = bytes[end] == b'\r';
    let crlf = cr && bytes.get(end + 1) == Some(&b'\n');
    let next = end + 1 + usize::from(crlf);
    Some(LineEnd { end, next, lf_may_follow: cr && next == bytes.len() && !crlf })
}

/// The end of a line.
#[derive(Clone, Copy)]
pub(super) struct LineEnd {
    /// Length of the line without its end.
    pub(super) end: usize,
    /// Where the next line begins.
    pub(super) next: usize,
    /// The line ended with a CR that was the last byte there is.
    pub(super) lf_may_follow: bool,
}

/// What a line says.
#[derive(Clone, Copy)]
pub(super) enum Field<'a> {
    /// The block ends.
    Blank,
    Data(&'a [u8]),
    Event(&'a [u8]),
    Id(&'a [u8]),
    Retry(&'a [u8]),
    Comment(&'a [u8]),
    /// HTML 9.2.6: "Otherwise: The field is ignored."
    Unknown,
}

impl<'a> Field<'a> {
    /// Reads a line. Names are compared literally: "with no case folding", and nothing is trimmed.
    #[inline]
    pub(super) fn of(line: &'a [u8]) -> Self {
        match line {
            [b'd', b'a', b't', b'a', rest @ ..] => value(rest).map_or(Field::Unknown, Field::Data),
            [b'i', b'd', rest @ ..] => {
                value(rest).filter(|id| !id.contains(&0)).map_or(Field::Unknown, Field::Id)
            }
            [b'e', b'v', b'e', b'n', b't', rest @ ..] => value(rest).map_or(Field::Unknown, Field::Event),
            [b'r', b'e', b't', b'r', b'y', rest @ ..] => value(rest).map_or(Field::Unknown, Field::Retry),
            [b':', text @ ..] => Field::Comment(text),
            [] => Field::Blank,
            _ => Field::Unknown,
        }
    }
}

/// The value after a field's name, if the name ends there.
///
/// HTML 9.2.6: "If value starts with a U+0020 SPACE character, remove it from value"; and of a line without a
/// colon: "using the whole line as the field name, and the empty string as the field value."
#[inline]
fn value(rest: &[u8]) -> Option<&[u8]> {
    match rest {
        [b':', b' ', value @ ..] | [b':', value @ ..] => Some(value),
        [] => Some(rest),
        _ => None,
    }
}
