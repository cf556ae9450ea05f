//! A line, and the field in it.

use super::limits::LABEL_LINE_BYTES_MAX;
use super::lines::Lines;
use crate::scan;

/// The next line: what it says, and where it ends.
#[inline(always)]
pub(super) fn next<'i>(lines: &mut Lines<'i>) -> Option<(Field<'i>, usize)> {
    let end = lines.long_line_bytes()?;
    let field = of_head(lines, end).or_else(|| Some(Field::of(lines.part(0, end)?)))?;
    Some((field, end))
}

/// What the next line says if it begins with one of the names as nearly everybody writes them, told apart by one
/// comparison each. None has a line end in it, so where one matches, the line goes on at least to its end.
#[inline(always)]
pub(super) fn of_head<'i>(lines: &Lines<'i>, end: usize) -> Option<Field<'i>> {
    let head = lines.head()?;
    if is(head, b"data: ") {
        return lines.part(b"data: ".len(), end).map(Field::Data);
    }
    if is(head, b"id: ") {
        return lines.part(b"id: ".len(), end).map(Field::of_id);
    }
    if is(head, b"event: ") {
        return lines.part(b"event: ".len(), end).map(Field::Event);
    }
    None
}

/// The same for the lines with which hubs label an event. Fewer streams have them, so nobody else's lines are compared with them
/// here.
#[inline(always)]
pub(super) fn label_of_head<'i>(lines: &Lines<'i>, end: usize) -> Option<Field<'i>> {
    let head = lines.head()?;
    if end > LABEL_LINE_BYTES_MAX {
        return None;
    }
    if is(head, b"topic: ") {
        return lines.part(b"topic: ".len(), end).map(Field::Topic);
    }
    if is(head, b"time: ") {
        return lines.part(b"time: ".len(), end).map(Field::Time);
    }
    None
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
    /// Not of the standard, and no more than a word beside an event: a block of labels alone is no event.
    Topic(&'a str),
    /// The same.
    Time(&'a str),
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
            [b't', ..] if line.len() <= LABEL_LINE_BYTES_MAX => Self::of_label(line),
            _ => Field::Unknown,
        }
    }

    fn of_label(line: &'a str) -> Self {
        let named = |name: &str| if line.starts_with(name) { value(line, name.len()) } else { None };
        named("topic").map(Field::Topic).or_else(|| named("time").map(Field::Time)).unwrap_or(Field::Unknown)
    }

    /// HTML 9.2.6: "If the field value does not contain U+0000 NULL, then set the last event ID buffer to the
    /// field value. Otherwise, ignore the field."
    #[inline]
    fn of_id(id: &'a str) -> Self {
        if scan::has_nul(id.as_bytes()) { Field::Unknown } else { Field::Id(id) }
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
