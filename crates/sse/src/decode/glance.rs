//! Blocks as nearly everybody writes them, read at a glance.
//!
//! Everything here is done by the decoder line by line, too. This saves most of the work where a block lies whole in
//! the text, begins after a blank line, and holds one data line and perhaps a type and an id. Anything else is left
//! where it is.

use super::block::Borrowed;
use super::labels::BlockLabels;
use super::limits::Limits;
use super::line::{self, Field};
use super::lines::Lines;
use super::utf8;
use crate::scan;

const NAME: &str = "data: ";

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
    let [line @ .., b'\n', b'\n'] = chunk else {
        return None;
    };
    if scan::may_end_line(line) {
        return None;
    }
    utf8::from_utf8(chunk)?.strip_prefix(NAME)?.strip_suffix("\n\n")
}

/// A block of one data line: its value.
#[inline(always)]
pub(super) fn plain<'i>(lines: &mut Lines<'i>, limits: &Limits) -> Option<&'i str> {
    let rest = lines.unread()?.strip_prefix(NAME)?;
    // The compiler keeps a copy in registers, where it would store a reference's target field by field.
    let mut ahead = *lines;
    let Some(line_bytes) = ahead.line_bytes() else {
        lines.learn_from(&ahead);
        return None;
    };
    if !is_small(line_bytes, limits) {
        return None;
    }
    let value_bytes = line_bytes - NAME.len();
    if let Some(value) = ending(rest, value_bytes, "\n\n") {
        ahead.skip(line_bytes, 2);
        lines.follow(&ahead);
        return Some(value);
    }
    let value = ending(rest, value_bytes, "\r\n\r\n")?;
    ahead.skip(line_bytes, 4);
    lines.follow(&ahead);
    Some(value)
}

/// So much of a text, if this comes next.
#[inline(always)]
fn ending<'i>(text: &'i str, bytes: usize, end: &str) -> Option<&'i str> {
    let (start, _) = text.split_at_checked(bytes + end.len())?;
    start.strip_suffix(end)
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

/// Whether the next line may be a label, by its first byte.
#[inline(always)]
pub(super) fn may_be_label(lines: &Lines<'_>) -> bool {
    lines.byte(0) == Some(b't')
}

/// A block that begins with labels, as hubs write them, and is otherwise one of those above.
pub(super) fn labelled<'i>(
    lines: &mut Lines<'i>,
    limits: &Limits,
    labels: &mut BlockLabels,
) -> Option<Borrowed<'i>> {
    let mut ahead = *lines;
    let (mut topic, mut time) = (None, None);
    while may_be_label(&ahead) {
        let line_bytes = ahead.line_bytes()?;
        match line::label_of_head(&ahead, line_bytes)? {
            Field::Topic(value) => topic = Some(value),
            Field::Time(value) => time = Some(value),
            _ => return None,
        }
        skip_line(&mut ahead, line_bytes)?;
    }
    let borrowed = read_block(&mut ahead);
    if borrowed.is_none() || !is_small(ahead.bytes_since(lines), limits) {
        lines.learn_from(&ahead);
        return None;
    }
    lines.follow(&ahead);
    topic.into_iter().for_each(|topic| labels.set_topic(topic));
    time.into_iter().for_each(|time| labels.set_time(time));
    borrowed
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
