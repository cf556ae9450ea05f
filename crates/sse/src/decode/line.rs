//! A line: its end, and the field in it.

use memchr::memchr2;

/// Up to here a search without a call is faster than one with the widest vectors of the machine.
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
const NEAR_BYTES: usize = 256;

/// Where the first line ends: at its CR or LF.
#[inline]
pub(super) fn end(text: &str) -> Option<usize> {
    find(text.as_bytes())
}

#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
#[inline]
fn find(bytes: &[u8]) -> Option<usize> {
    let Some(near) = memchr::arch::x86_64::sse2::memchr::Two::new(b'\n', b'\r') else {
        return memchr2(b'\n', b'\r', bytes);
    };
    match bytes.split_at_checked(NEAR_BYTES) {
        None => near.find(bytes),
        Some((head, tail)) => near.find(head).or_else(|| Some(NEAR_BYTES + memchr2(b'\n', b'\r', tail)?)),
    }
}

#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
#[inline]
fn find(bytes: &[u8]) -> Option<usize> {
    memchr2(b'\n', b'\r', bytes)
}

/// What a line says.
#[derive(Clone, Copy)]
pub(super) enum Field<'a> {
    /// The block ends.
    Blank,
    Data(&'a str),
    Event(&'a str),
    Id(&'a str),
    Retry(&'a str),
    Comment(&'a str),
    /// HTML 9.2.6: "Otherwise: The field is ignored."
    Unknown,
}

impl<'a> Field<'a> {
    /// Reads a line. Names are compared literally, "with no case folding performed", and nothing is trimmed.
    #[inline]
    pub(super) fn of(line: &'a str) -> Self {
        let Some(first) = line.as_bytes().first() else {
            return Field::Blank;
        };
        match first {
            b'd' => value(line, "data").map_or(Field::Unknown, Field::Data),
            b'i' => value(line, "id").map_or(Field::Unknown, Field::of_id),
            b'e' => value(line, "event").map_or(Field::Unknown, Field::Event),
            b'r' => value(line, "retry").map_or(Field::Unknown, Field::Retry),
            b':' => Field::Comment(&line[1..]),
            _ => Field::Unknown,
        }
    }

    /// HTML 9.2.6: "If the field value does not contain U+0000 NULL, then set the last event ID buffer to the
    /// field value. Otherwise, ignore the field."
    #[inline]
    fn of_id(id: &'a str) -> Self {
        if id.as_bytes().contains(&0) { Field::Unknown } else { Field::Id(id) }
    }
}

/// The value of a field, if the line's name is this one.
///
/// HTML 9.2.6: "If value starts with a U+0020 SPACE character, remove it from value"; and of a line without a
/// colon: "using the whole line as the field name, and the empty string as the field value."
#[inline]
fn value<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let rest = line.strip_prefix(name)?;
    match rest.as_bytes() {
        [b':', b' ', ..] => Some(&rest[2..]),
        [b':', ..] => Some(&rest[1..]),
        [] => Some(rest),
        _ => None,
    }
}
