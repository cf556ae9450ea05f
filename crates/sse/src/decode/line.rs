//! A line, and the field in it.

use super::lines::Lines;

/// The next line: what it says, and where it ends.
#[inline(always)]
pub(super) fn next<'i>(lines: &mut Lines<'i>) -> Option<(Field<'i>, usize)> {
    let end = lines.line_bytes()?;
    if let Some(head) = lines.bytes().first_chunk::<8>() {
        // The names as nearly everybody writes them, told apart by one comparison each. None has a line end in
        // it, so where one matches, the line goes on at least to its end.
        let head = u64::from_le_bytes(*head);
        if is(head, b"data: ") {
            return Some((Field::Data(lines.part(b"data: ".len(), end)), end));
        }
        if is(head, b"id: ") {
            return Some((Field::of_id(lines.part(b"id: ".len(), end)), end));
        }
        if is(head, b"event: ") {
            return Some((Field::Event(lines.part(b"event: ".len(), end)), end));
        }
    }
    Some((Field::of(lines.part(0, end)), end))
}

#[inline]
pub(super) const fn is<const N: usize>(head: u64, name: &[u8; N]) -> bool {
    let mut expected = [0; 8];
    let (start, _) = expected.split_at_mut(N);
    start.copy_from_slice(name);
    (head ^ u64::from_le_bytes(expected)) << (64 - 8 * N) == 0
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
    /// Reads any line. Names are compared literally, "with no case folding performed", and nothing is trimmed.
    pub(super) fn of(line: &'a str) -> Self {
        match line.as_bytes() {
            [] => Field::Blank,
            [b'd', b'a', b't', b'a', ..] => value(line, 4).map_or(Field::Unknown, Field::Data),
            [b'i', b'd', ..] => value(line, 2).map_or(Field::Unknown, Field::of_id),
            [b'e', b'v', b'e', b'n', b't', ..] => value(line, 5).map_or(Field::Unknown, Field::Event),
            [b'r', b'e', b't', b'r', b'y', ..] => value(line, 5).map_or(Field::Unknown, Field::Retry),
            [b':', ..] => Field::Comment(&line[1..]),
            _ => Field::Unknown,
        }
    }

    /// HTML 9.2.6: "If the field value does not contain U+0000 NULL, then set the last event ID buffer to the
    /// field value. Otherwise, ignore the field."
    #[inline]
    fn of_id(id: &'a str) -> Self {
        if id.bytes().any(|byte| byte == 0) { Field::Unknown } else { Field::Id(id) }
    }
}

/// The value of a field, if the line's name is no longer than these bytes.
///
/// HTML 9.2.6: "If value starts with a U+0020 SPACE character, remove it from value"; and of a line without a
/// colon: "using the whole line as the field name, and the empty string as the field value."
#[inline]
fn value(line: &str, name_bytes: usize) -> Option<&str> {
    match &line.as_bytes()[name_bytes..] {
        [b':', b' ', ..] => Some(&line[name_bytes + 2..]),
        [b':', ..] => Some(&line[name_bytes + 1..]),
        [] => Some(""),
        _ => None,
    }
}
