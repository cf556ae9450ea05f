//! The lines of a `text/event-stream` as events, one for each block that has data: one that cannot be published is left out, and
//! those behind it are read.
//!
//! The decoder of `tidings-sse` says what the lines mean. It gets them one by one, because it knows no numbers of lines, and gives a
//! stream up that passes one of its limits.

use std::sync::Arc;

use tidings_client::{Draft, Event, Gap, Opening, RESERVED_TYPE_PREFIX};
use tidings_sse::Decoder;
use tidings_sse::decode::{DecodeError, OwnedItem, Report, StrayLine};

use super::flaws::Flaws;
use super::input::{Entry, InputError};
use super::lines::{Content, Line};
use crate::limits::{INPUT_LINE_BYTES_MAX, SAID_CHARS_MAX};
use crate::terminal::chain::visible;
use crate::terminal::talk::tell;

/// Makes events of lines.
pub(super) struct Blocks {
    decoder: Decoder,
    opening: Opening,
    flaws: Arc<Flaws>,
    block: Block,
    first: First,
}

/// What the stream has had first of what counts. The standard ignores a line whose field it does not know, so lines of text are a stream
/// without events.
enum First {
    Nothing,
    /// A line that is no field, with its number.
    Stray(u64, String),
    Event,
}

/// What is known of the block under way.
#[derive(Default)]
struct Block {
    /// Its first line that is no comment.
    begin: Option<u64>,
    /// U+FFFD stands where a part of the event was no UTF-8.
    is_mended: bool,
    /// Why it is left out.
    too_long: Option<String>,
}

impl Blocks {
    pub(super) fn new(flaws: Arc<Flaws>) -> Self {
        Self {
            decoder: decoder(),
            opening: Opening::default(),
            flaws,
            block: Block::default(),
            first: First::Nothing,
        }
    }

    /// Takes the next line. Returns the event that ends with it.
    pub(super) fn take(&mut self, line: Line) -> Option<Entry> {
        let Line { number, content } = line;
        let (mut text, is_mended) = match content {
            Content::Text(text) => (text, false),
            Content::Mended(text) => (text, true),
            Content::TooLong => {
                self.block.begin.get_or_insert(number);
                self.leave_out(format!("has a line, {number}, of more than {INPUT_LINE_BYTES_MAX} bytes"));
                return None;
            }
        };
        let is_end = text.is_empty();
        if !is_end && !text.starts_with(':') {
            self.block.begin.get_or_insert(number);
            self.block.is_mended |= is_mended && is_part_of_event(&text);
            if matches!(self.first, First::Nothing)
                && let Some(begin) = stray(&text)
            {
                self.first = First::Stray(number, begin.chars().take(SAID_CHARS_MAX).collect());
            }
        }
        text.push('\n');
        let event = match self.decode(&text) {
            Ok(event) => event,
            Err(error) => {
                self.leave_out(format!("is too long, {error}"));
                None
            }
        };
        if is_end { self.end_block(event) } else { None }
    }

    /// The end of the input. An event that it ends within is not published.
    pub(super) fn end(&mut self) -> Option<InputError> {
        let is_cut = self.take(Line { number: 0, content: Content::Text(String::new()) }).is_some();
        match std::mem::replace(&mut self.first, First::Nothing) {
            _ if is_cut => Some(InputError::Incomplete),
            First::Stray(line, text) => Some(InputError::NoEventStream { line, text: visible(&text) }),
            First::Nothing | First::Event => None,
        }
    }

    fn end_block(&mut self, event: Option<Event>) -> Option<Entry> {
        let Block { begin, is_mended, too_long } = std::mem::take(&mut self.block);
        let line = begin.unwrap_or_default();
        if let Some(why) = too_long {
            self.first = First::Event;
            self.flaws.too_long(line, &why);
            return None;
        }
        let event = event?;
        self.first = First::Event;
        if event.type_or_message().starts_with(RESERVED_TYPE_PREFIX) {
            tell_gap(&event);
            return None;
        }
        Some(Entry { draft: Draft::from(event), line, is_mended })
    }

    /// Forgets what the block has said so far. Its further lines say nothing either.
    fn leave_out(&mut self, why: String) {
        self.block.too_long.get_or_insert(why);
        self.decoder = decoder();
    }

    fn decode(&mut self, text: &str) -> Result<Option<Event>, DecodeError> {
        if self.block.too_long.is_some() {
            return Ok(None);
        }
        let mut feed = self.decoder.feed(text.as_bytes());
        let mut event = None;
        while let Some(mut item) = feed.next_owned()? {
            self.opening.hear(&mut item);
            if let OwnedItem::Event(heard) = item {
                event = Some(heard);
            }
        }
        Ok(event)
    }
}

/// A decoder behind the byte order mark of a stream: the lines have lost it.
fn decoder() -> Decoder {
    let mut decoder = Decoder::new().with_report(Report::ALL);
    // It fails for no line as short as this one.
    let _ = decoder.feed(b"\n").next();
    decoder
}

/// Whether a line says something that is published.
fn is_part_of_event(line: &str) -> bool {
    matches!(line.split(':').next(), Some("data" | "event" | "id"))
}

/// The beginning of a line that says nothing that the standard knows.
fn stray(line: &str) -> Option<String> {
    let mut stray = StrayLine::default();
    // The stream has lost its byte order mark: a second one is part of its line.
    stray.feed(b"\n");
    stray.feed(line.as_bytes());
    stray.finish().map(|(_, begin)| begin)
}

/// Says that events are missing from the stream, if this event says so.
fn tell_gap(event: &Event) {
    if let Some(gap) = Gap::of_event(event) {
        let reason: String = gap.reason.as_str().chars().take(SAID_CHARS_MAX).collect();
        tell(&format!("warning: the stream has a gap ({}): events are missing", visible(&reason)));
    }
}

#[cfg(test)]
mod tests {
    use super::super::flaws::Noun;
    use super::*;

    /// The events of some lines, as line and `is_mended`, and what was wrong.
    fn events(lines: &[Content]) -> (Vec<(u64, bool)>, Option<String>) {
        let flaws = Arc::new(Flaws::of(Noun::Event));
        let mut blocks = Blocks::new(flaws.clone());
        let lines = lines.iter().cloned().zip(1..).map(|(content, number)| Line { number, content });
        let found = lines.filter_map(|line| blocks.take(line));
        let found = found.map(|entry| (entry.line, entry.is_mended)).collect();
        (found, flaws.words())
    }

    fn text(text: &str) -> Content {
        Content::Text(text.to_owned())
    }

    fn mended(text: &str) -> Content {
        Content::Mended(text.to_owned())
    }

    #[test]
    fn a_line_is_stray_if_it_is_neither_a_field_nor_a_comment() {
        for line in ["", ": c", "data", "data: 1", "event:x", "id: a\0b", "retry: soon"] {
            assert_eq!(stray(line), None, "{line:?}");
        }
        for line in ["Data: 1", " data: 1", "datas: 1", "{\"data\": 1}", "\u{feff}data: 1"] {
            assert_eq!(stray(line).as_deref(), Some(line));
        }
    }

    #[test]
    fn only_what_is_published_counts_as_mended() {
        let lines = [
            mended(":caf\u{fffd}"),
            text("data: 1"),
            mended("other: \u{fffd}"),
            text(""),
            mended("id:\u{fffd}"),
            text("data"),
            text(""),
            text("data: 2"),
            text(""),
        ];

        assert_eq!(events(&lines).0, [(2, false), (5, true), (8, false)]);
    }

    #[test]
    fn a_block_with_a_line_that_is_too_long_is_left_out_and_the_next_is_read() {
        let lines = [text("data: 1"), Content::TooLong, text("data: 2"), text(""), text("data: 3"), text("")];

        let words = "1 event was too long and left out";
        assert_eq!(events(&lines), (vec![(5, false)], Some(words.to_owned())));
    }

    #[test]
    fn a_block_of_many_lines_with_too_much_data_is_left_out_and_the_next_is_read() {
        let line = text(&format!("data: {}", "x".repeat(INPUT_LINE_BYTES_MAX / 2)));
        let lines = [line.clone(), line.clone(), line, text(""), text("data: 3"), text("")];

        assert_eq!(events(&lines).0, [(5, false)]);
    }
}
