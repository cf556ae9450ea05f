//! Blocks as nearly everybody writes them, read at a glance.
//!
//! Everything here is done by the decoder line by line, too. This saves most of the work where a block lies whole in
//! the text, begins after a blank line, and holds one data line and perhaps a type and an id. Anything else is left
//! where it is.

use super::block::Borrowed;
use super::limits::Limits;
use super::line::{self, Field};
use super::lines::Lines;
use super::utf8;
use crate::scan;

const NAME: &[u8; 6] = b"data: ";

/// Up to here a chunk may be read without [`Lines`]. Longer ones are searched with wider vectors.
const ONLY_BYTES_MAX: usize = 256;

/// A chunk that is a block of one data line and nothing else: its value.
///
/// That is how events come that are sent one by one.
#[inline(always)]
pub(super) fn only<'i>(chunk: &'i [u8], limits: &Limits) -> Option<&'i str> {
    if chunk.len() > ONLY_BYTES_MAX || !is_small(chunk.len(), limits) {
        return None;
    }
    let value = chunk.strip_prefix(NAME)?.strip_suffix(b"\n\n")?;
    if scan::may_end_line(value) {
        return None;
    }
    utf8::from_utf8(chunk)?.strip_prefix("data: ")?.strip_suffix("\n\n")
}

/// A block of one data line: its value.
#[inline(always)]
pub(super) fn plain<'i>(lines: &mut Lines<'i>, limits: &Limits) -> Option<&'i str> {
    if !line::is(lines.head()?, NAME) {
        return None;
    }
    // The compiler keeps a copy in registers, where it would store a reference's target field by field.
    let mut ahead = *lines;
    let Some(line_bytes) = ahead.line_bytes() else {
        lines.learn_from(&ahead);
        return None;
    };
    let data = ahead.part(NAME.len(), line_bytes)?;
    if !is_small(line_bytes, limits) {
        return None;
    }
    match ahead.bytes_from(line_bytes)? {
        [b'\n', b'\n', ..] => ahead.skip(line_bytes, 2),
        [b'\r', b'\n', b'\r', b'\n', ..] => ahead.skip(line_bytes, 4),
        _ => return None,
    }
    lines.follow(&ahead);
    Some(data)
}

/// A block of one data line, and of types and ids.
#[inline(always)]
pub(super) fn block<'i>(lines: &mut Lines<'i>, limits: &Limits) -> Option<Borrowed<'i>> {
    let mut ahead = *lines;
    let borrowed = read_block(&mut ahead);
    if borrowed.is_none() || !is_small(ahead.bytes_since(lines), limits) {
        lines.learn_from(&ahead);
        return None;
    }
    lines.follow(&ahead);
    borrowed
}

#[inline(always)]
fn read_block<'i>(lines: &mut Lines<'i>) -> Option<Borrowed<'i>> {
    let mut borrowed = Borrowed::default();
    loop {
        let line_bytes = lines.line_bytes()?;
        if line_bytes == 0 {
            skip_line(lines, 0)?;
            return borrowed.data.map(|_| borrowed);
        }
        match line::of_head(lines, line_bytes)? {
            Field::Data(value) if borrowed.data.is_none() => borrowed.data = Some(value),
            Field::Event(value) => borrowed.event_type = Some(value),
            Field::Id(value) => borrowed.id = Some(value),
            _ => return None,
        }
        skip_line(lines, line_bytes)?;
    }
}

/// Whether all that lies in so many bytes passes no limit. If it may, the decoder measures line by line.
#[inline(always)]
fn is_small(bytes: usize, limits: &Limits) -> bool {
    bytes <= limits.line_bytes_max && bytes <= limits.event_bytes_max
}

/// Takes a line, if its end is seen whole.
#[inline(always)]
fn skip_line(lines: &mut Lines<'_>, line_bytes: usize) -> Option<()> {
    match lines.byte(line_bytes)? {
        b'\n' => lines.skip(line_bytes, 1),
        _ if lines.byte(line_bytes + 1)? == b'\n' => lines.skip(line_bytes, 2),
        _ => return None,
    }
    Some(())
}
