//! Blocks as nearly everybody writes them, read at a glance.
//!
//! Everything here is done by the decoder line by line, too. This saves most of the work where a block lies whole in
//! the text, begins after a blank line, and holds one data line and perhaps a type and an id. Anything else is left
//! where it is.

use super::block::Borrowed;
use super::limits::Limits;
use super::line::{self, Field};
use super::lines::Lines;

/// A block of one data line: its value.
#[inline(always)]
pub(super) fn plain<'i>(lines: &mut Lines<'i>, limits: &Limits) -> Option<&'i str> {
    const NAME: &[u8; 6] = b"data: ";
    if !line::is(lines.head()?, NAME) {
        return None;
    }
    // The compiler keeps a copy in registers, where it would store a reference's target field by field.
    let mut ahead = *lines;
    let line_bytes = ahead.line_bytes()?;
    let ends_bytes = ends_of_two_lines(ahead.bytes_from(line_bytes)?)?;
    let data = ahead.part(NAME.len(), line_bytes)?;
    if line_bytes > limits.line_bytes_max || data.len() > limits.event_bytes_max {
        return None;
    }
    ahead.skip(line_bytes + ends_bytes);
    *lines = ahead;
    Some(data)
}

/// A block of one data line, and of types and ids.
#[inline(always)]
pub(super) fn block<'i>(lines: &mut Lines<'i>, limits: &Limits) -> Option<Borrowed<'i>> {
    let mut ahead = *lines;
    let mut borrowed = Borrowed::default();
    loop {
        let line_bytes = ahead.line_bytes()?;
        let next = line_bytes + end_of_line(ahead.bytes_from(line_bytes)?)?;
        if line_bytes == 0 {
            ahead.skip(next);
            break;
        }
        match line::of_head(&ahead, line_bytes)? {
            Field::Data(value) if borrowed.data.is_none() => borrowed.data = Some(value),
            Field::Event(value) => borrowed.event_type = Some(value),
            Field::Id(value) => borrowed.id = Some(value),
            _ => return None,
        }
        if line_bytes > limits.line_bytes_max {
            return None;
        }
        ahead.skip(next);
    }
    if borrowed.data?.len() > limits.event_bytes_max {
        return None;
    }
    *lines = ahead;
    Some(borrowed)
}

/// The length of the end of a line, if it is seen whole.
#[inline(always)]
fn end_of_line(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [b'\n', ..] => Some(1),
        [b'\r', b'\n', ..] => Some(2),
        _ => None,
    }
}

/// The length of the ends of a line and of the blank line after it.
#[inline(always)]
fn ends_of_two_lines(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [b'\n', b'\n', ..] => Some(2),
        [b'\r', b'\n', b'\r', b'\n', ..] => Some(4),
        _ => None,
    }
}
