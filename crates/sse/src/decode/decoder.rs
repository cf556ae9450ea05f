//! The decoder itself: what it keeps between chunks, and what each line does to it.

use alloc::string::String;
use core::mem;

use super::block::{Block, Borrowed};
use super::error::DecodeError;
use super::glance;
use super::item::{Event, Item, OwnedEvent, OwnedItem};
use super::limits::{Limits, Report};
use super::line::{self, Field};
use super::lines::Lines;
use super::partial::{Kind, Partial};
use super::utf8::Cut;
use crate::Retry;

/// An incremental decoder of one stream after another.
///
/// Takes chunks of any size, and what comes out does not depend on how the stream is cut. A decoder keeps what
/// outlives a connection: the last event id.
///
/// ```
/// use tidings_sse::Decoder;
/// use tidings_sse::decode::Item;
///
/// let mut decoder = Decoder::new();
/// let mut heard = Vec::new();
/// for chunk in [&b"id: 1\ndata: he"[..], b"llo\n\ndata: wor", b"ld\n\n"] {
///     let mut feed = decoder.feed(chunk);
///     while let Some(item) = feed.next()? {
///         if let Item::Event(event) = item {
///             heard.push((event.data.to_owned(), event.last_event_id.to_owned()));
///         }
///     }
/// }
/// assert_eq!(heard, [("hello".into(), "1".into()), ("world".into(), "1".into())]);
/// # Ok::<(), tidings_sse::decode::DecodeError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Decoder {
    limits: Limits,
    report: Report,
    place: Place,
    /// Why the stream was given up, if it was.
    failed: Option<DecodeError>,
    /// What the end of the last chunk cut off in the middle of a character.
    pub(super) cut: Cut,
    /// Sequences of bytes that became U+FFFD.
    replaced: u64,
    partial: Partial,
    block: Block,
    last_event_id: String,
}

/// Where in the stream the next character stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    /// At the start, where a byte order mark may stand.
    #[default]
    StreamStart,
    /// At the start of a line, between blocks: nothing has been said since the last blank line.
    BlockStart,
    /// At the start of a line.
    LineStart,
    /// At the start of a line, unless it is the LF that completes the CR that ended the last run.
    AfterCr,
    /// In a line that began in an earlier run.
    InLine,
    /// Nowhere: the stream was given up.
    Failed,
}

/// What is to be reported, with the texts that lie in the chunk; the others are in the decoder.
pub(super) enum Found<'i> {
    Event {
        borrowed: Borrowed<'i>,
        id_in_block: bool,
        retry: Option<Retry>,
    },
    /// A comment that lies in the chunk.
    Comment(&'i str),
    /// A comment that lies in the partial line, behind its colon.
    PartialComment,
    Retry(Retry),
    Id,
}

impl Decoder {
    /// A decoder with no last event id, default limits, that reports events and nothing else.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the last event id, for instance one that was kept from an earlier run.
    ///
    /// The standard's letter would let a new connection begin with an empty id; browsers carry it over, and so
    /// does this decoder.
    pub fn with_last_event_id(mut self, id: impl Into<String>) -> Self {
        self.last_event_id = id.into();
        self
    }

    /// Sets the limits.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets what is reported beside events.
    pub fn with_report(mut self, report: Report) -> Self {
        self.report = report;
        self
    }

    /// Begins a new stream: what was pending is discarded, with the id in it; the last event id stays.
    ///
    /// HTML 9.2.6: "Once the end of the file is reached, any pending data must be discarded. (If the file ends in
    /// the middle of an event, before the final empty line, the incomplete event is not dispatched.)"
    pub fn reconnect(&mut self) {
        self.place = Place::default();
        self.failed = None;
        self.cut = Cut::default();
        self.partial = Partial::default();
        self.block.clear();
    }

    /// The id to send as `Last-Event-ID` if the connection ended now. Empty means: send none.
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    /// How many times U+FFFD was read in place of bytes that are not UTF-8, in all streams so far.
    ///
    /// Between two calls of [`Feed::next`](super::Feed::next) it grows by what was replaced up to the item of the second one.
    pub fn replaced(&self) -> u64 {
        self.replaced
    }

    /// Whether nothing of a further event has come: the stream stands between two events, or in a comment there.
    ///
    /// ```
    /// use tidings_sse::Decoder;
    ///
    /// let mut decoder = Decoder::new();
    /// assert!(decoder.is_between_events());
    /// let mut feed = decoder.feed(b"data: 1\n\ndata");
    /// while feed.next()?.is_some() {}
    /// assert!(!decoder.is_between_events());
    /// # Ok::<(), tidings_sse::decode::DecodeError>(())
    /// ```
    pub fn is_between_events(&self) -> bool {
        let is_in_field = self.place == Place::InLine && self.partial.kind != Kind::Ignored;
        self.cut.is_empty() && !is_in_field && !self.block.has_begun()
    }

    /// Bytes of memory that the decoder has taken for texts: for the event that is coming, and for the last event id. It
    /// keeps what a large event took, for the next one.
    pub fn memory_bytes(&self) -> usize {
        self.partial.line.capacity() + self.block.memory_bytes() + self.last_event_id.capacity()
    }

    /// Gives back the memory that no text is in.
    pub fn shrink_to_fit(&mut self) {
        self.block.shrink_to_fit();
        if self.place != Place::InLine {
            self.partial = Partial::default();
        }
        self.partial.line.shrink_to_fit();
        self.last_event_id.shrink_to_fit();
    }

    /// Reads a chunk that is what most events are, and nothing else.
    #[inline(always)]
    pub(super) fn read_only<'i>(&self, chunk: &'i [u8]) -> Option<&'i str> {
        if self.place == Place::BlockStart && self.cut.is_empty() {
            glance::only(chunk, &self.limits)
        } else {
            None
        }
    }

    /// Reads what most events are: one data line and a blank one. What is not read is left as it is.
    #[inline(always)]
    pub(super) fn read_plain<'i>(&self, lines: &mut Lines<'i>) -> Option<&'i str> {
        if self.place == Place::BlockStart { glance::plain(lines, &self.limits) } else { None }
    }

    /// Reads what most other events are: one data line, a type and an id.
    #[inline(always)]
    pub(super) fn read_block<'i>(&mut self, lines: &mut Lines<'i>) -> Option<Borrowed<'i>> {
        if self.place != Place::BlockStart {
            return None;
        }
        if glance::may_be_label(lines) {
            return self.read_labelled(lines);
        }
        let borrowed = glance::block(lines, &self.limits)?;
        self.commit_id(borrowed.id);
        Some(borrowed)
    }

    /// The same, with labels before it. Not inlined: blocks without them would be read with fewer registers.
    #[inline(never)]
    fn read_labelled<'i>(&mut self, lines: &mut Lines<'i>) -> Option<Borrowed<'i>> {
        let borrowed = glance::labelled(lines, &self.limits, &mut self.block.labels)?;
        self.commit_id(borrowed.id);
        Some(borrowed)
    }

    /// Reads a chunk of one byte that only makes a data line longer.
    #[inline]
    pub(super) fn read_byte(&mut self, byte: u8) -> bool {
        let is_value = self.place == Place::InLine && self.partial.kind == Kind::Data && self.cut.is_empty();
        let is_text = byte.is_ascii() && byte != b'\n' && byte != b'\r';
        if !is_value || !is_text || self.partial.len >= self.limits.line_bytes_max {
            return false;
        }
        self.partial.len += 1;
        self.block.data.push(char::from(byte));
        true
    }

    /// Reads a run of text until there is something to report, and moves `lines` past what was read.
    ///
    /// When it returns `None`, the run is read to its end.
    #[inline(always)]
    pub(super) fn read<'i>(&mut self, lines: &mut Lines<'i>) -> Result<Option<Found<'i>>, DecodeError> {
        match self.place {
            Place::BlockStart | Place::LineStart => {}
            Place::StreamStart | Place::AfterCr | Place::InLine | Place::Failed => {
                if let Some(found) = self.resume(lines)? {
                    return Ok(Some(found));
                }
            }
        }
        self.read_lines(lines)
    }

    /// Reads U+FFFD in place of bytes that are not UTF-8.
    pub(super) fn read_replacement(&mut self) -> Result<(), DecodeError> {
        self.replaced += 1;
        self.read_char(char::REPLACEMENT_CHARACTER)
    }

    /// Reads a character that lies in no run, because the stream has it in pieces or not at all. It ends no line.
    pub(super) fn read_char(&mut self, char: char) -> Result<(), DecodeError> {
        let mut bytes = [0; 4];
        self.read(&mut Lines::of(char.encode_utf8(&mut bytes))).map(|_| ())
    }

    /// Reads lines that lie whole in the run, and keeps the beginning of the last one if it does not.
    #[inline(always)]
    fn read_lines<'i>(&mut self, lines: &mut Lines<'i>) -> Result<Option<Found<'i>>, DecodeError> {
        let mut borrowed = Borrowed::default();
        // The compiler keeps a copy in registers, where it would store a reference's target line by line.
        let mut rest = *lines;
        if !rest.is_empty() {
            self.place = Place::LineStart;
        }
        while let Some((field, end)) = line::next(&mut rest) {
            self.check_line(end)?;
            self.end_line(&mut rest, end);
            let found = match field {
                Field::Data(value) => {
                    self.take_data(value, &mut borrowed)?;
                    continue;
                }
                Field::Event(value) => {
                    borrowed.event_type = Some(value);
                    continue;
                }
                Field::Id(value) => {
                    borrowed.id = Some(value);
                    continue;
                }
                Field::Topic(value) => {
                    self.block.labels.set_topic(value);
                    continue;
                }
                Field::Time(value) => {
                    self.block.labels.set_time(value);
                    continue;
                }
                Field::Unknown => continue,
                Field::Blank => self.end_block(mem::take(&mut borrowed)),
                Field::Retry(value) => self.take_retry(value),
                Field::Comment(text) => self.report.comments.then_some(Found::Comment(text)),
            };
            if found.is_some() {
                *lines = rest;
                self.block.keep(borrowed);
                return Ok(found);
            }
        }
        *lines = Lines::default();
        self.block.keep(borrowed);
        self.begin_line(rest.rest())?;
        Ok(None)
    }

    /// What follows the CR, the LF or both that end a line.
    ///
    /// Branches on purpose: the processor guesses them, and goes on to the next line while an addition of 0 or 1
    /// would make it wait for the byte. On events of four lines that is a third of the time.
    #[inline(always)]
    fn end_line(&mut self, lines: &mut Lines<'_>, end: usize) {
        match lines.bytes_from(end).unwrap_or_default() {
            [b'\r', b'\n', ..] => lines.skip(end, 2),
            [b'\r'] => {
                lines.skip(end, 1);
                self.place = Place::AfterCr;
            }
            _ => lines.skip(end, 1),
        }
    }

    #[inline]
    fn take_data<'i>(&mut self, value: &'i str, borrowed: &mut Borrowed<'i>) -> Result<(), DecodeError> {
        if !self.block.has_data {
            let Some(first) = borrowed.data.take() else {
                borrowed.data = Some(value);
                return self.check_data(value.len());
            };
            self.block.add_data(first);
        }
        self.block.add_data(value);
        self.check_data(self.block.data.len())
    }

    /// HTML 9.2.6: "set the event stream's reconnection time to that integer", with the line and not with the
    /// block.
    fn take_retry<'i>(&mut self, value: &str) -> Option<Found<'i>> {
        let retry = Retry::parse(value.as_bytes())?;
        self.block.retry = Some(retry);
        self.report.retries.then_some(Found::Retry(retry))
    }

    /// HTML 9.2.6: "dispatch the event". The id is committed even if there is no data.
    #[inline(always)]
    fn end_block<'i>(&mut self, borrowed: Borrowed<'i>) -> Option<Found<'i>> {
        let id_in_block = self.commit_id(borrowed.id);
        let retry = self.block.retry.take();
        if borrowed.data.is_some() || self.block.has_data {
            // Only here, where the caller stops reading: more lines would make the place wrong.
            if self.place == Place::LineStart {
                self.place = Place::BlockStart;
            }
            return Some(Found::Event { borrowed, id_in_block, retry });
        }
        self.block.has_type = false;
        self.block.labels.take();
        (id_in_block && self.report.ids).then_some(Found::Id)
    }

    #[inline]
    fn commit_id(&mut self, borrowed: Option<&str>) -> bool {
        if let Some(id) = borrowed {
            self.last_event_id.clear();
            self.last_event_id.push_str(id);
            self.block.has_id = false;
            return true;
        }
        if self.block.has_id {
            mem::swap(&mut self.last_event_id, &mut self.block.id);
        }
        mem::take(&mut self.block.has_id)
    }

    /// Gives what was found its texts.
    #[inline(always)]
    pub(super) fn item<'d>(&'d mut self, found: Found<'d>) -> Item<'d> {
        match found {
            Found::Event { borrowed, id_in_block, retry } => {
                Item::Event(self.event(borrowed, id_in_block, retry))
            }
            Found::Comment(text) => Item::Comment(text),
            Found::PartialComment => Item::Comment(&self.partial.line[1..]),
            Found::Retry(retry) => Item::Retry(retry),
            Found::Id => Item::Id(&self.last_event_id),
        }
    }

    /// The event of a block that lay whole in the chunk.
    #[inline(always)]
    pub(super) fn borrowed_event<'d>(&'d mut self, borrowed: Borrowed<'d>) -> Event<'d> {
        let labels = self.block.labels.take();
        Event {
            event_type: borrowed.event_type.filter(|value| !value.is_empty()),
            data: borrowed.data.unwrap_or_default(),
            last_event_id: &self.last_event_id,
            id_in_block: borrowed.id.is_some(),
            retry: None,
            labels,
        }
    }

    #[inline(always)]
    fn event<'d>(&'d mut self, borrowed: Borrowed<'d>, id_in_block: bool, retry: Option<Retry>) -> Event<'d> {
        self.block.has_data = false;
        let has_type = mem::take(&mut self.block.has_type);
        let kept_type = has_type.then_some(self.block.event_type.as_str());
        let labels = self.block.labels.take();
        Event {
            event_type: borrowed.event_type.or(kept_type).filter(|value| !value.is_empty()),
            data: borrowed.data.unwrap_or(&self.block.data),
            last_event_id: &self.last_event_id,
            id_in_block,
            retry,
            labels,
        }
    }

    /// Gives what was found texts of its own.
    pub(super) fn owned_item(&mut self, found: Found<'_>) -> OwnedItem {
        match found {
            Found::Event { borrowed: borrowed @ Borrowed { data: None, .. }, id_in_block, retry } => {
                let data = self.block.take_data();
                let event =
                    self.event(Borrowed { data: Some(""), ..borrowed }, id_in_block, retry).to_owned();
                OwnedItem::Event(OwnedEvent { data, ..event })
            }
            other => self.item(other).to_owned(),
        }
    }

    /// Goes on at a place other than the start of a line.
    #[inline(never)]
    fn resume<'i>(&mut self, lines: &mut Lines<'i>) -> Result<Option<Found<'i>>, DecodeError> {
        self.check_failed()?;
        match mem::replace(&mut self.place, Place::LineStart) {
            // HTML 9.2.5: one leading byte order mark is no part of the stream.
            Place::StreamStart => lines.skip_prefix("\u{FEFF}"),
            Place::AfterCr => lines.skip_prefix("\n"),
            Place::InLine => return self.resume_line(lines),
            Place::BlockStart | Place::LineStart | Place::Failed => {}
        }
        Ok(None)
    }

    /// Keeps the beginning of a line.
    #[inline(never)]
    fn begin_line(&mut self, text: &str) -> Result<(), DecodeError> {
        if text.is_empty() {
            return Ok(());
        }
        self.place = Place::InLine;
        self.partial.begin(text, self.report.comments, &mut self.block);
        self.check_line(self.partial.len)
    }

    /// Goes on with a line that an earlier run began.
    fn resume_line<'i>(&mut self, lines: &mut Lines<'i>) -> Result<Option<Found<'i>>, DecodeError> {
        let end = lines.line_bytes();
        let more = end.and_then(|end| lines.part(0, end)).unwrap_or_else(|| lines.rest());
        self.partial.extend(more, self.report.comments, &mut self.block);
        self.check_line(self.partial.len)?;
        match end {
            None => {
                *lines = Lines::default();
                self.place = Place::InLine;
                Ok(None)
            }
            Some(end) => {
                self.end_line(lines, end);
                self.take_partial()
            }
        }
    }

    /// Does what the partial line says, now that it is whole.
    fn take_partial<'i>(&mut self) -> Result<Option<Found<'i>>, DecodeError> {
        match self.partial.kind {
            Kind::Ignored => return Ok(None),
            Kind::Data => return self.check_data(self.block.data.len()).map(|()| None),
            Kind::Line => {}
        }
        match Field::of(&self.partial.line) {
            Field::Data(value) => {
                self.block.add_data(value);
                self.check_data(self.block.data.len())?;
            }
            Field::Event(value) => self.block.set_type(value),
            Field::Id(value) => self.block.set_id(value),
            Field::Retry(value) => {
                let retry = Retry::parse(value.as_bytes());
                self.block.retry = retry.or(self.block.retry);
                return Ok(retry.filter(|_| self.report.retries).map(Found::Retry));
            }
            Field::Topic(value) => self.block.labels.set_topic(value),
            Field::Time(value) => self.block.labels.set_time(value),
            Field::Comment(_) => return Ok(self.report.comments.then_some(Found::PartialComment)),
            Field::Blank | Field::Unknown => {}
        }
        Ok(None)
    }

    #[inline]
    pub(super) fn check_failed(&self) -> Result<(), DecodeError> {
        self.failed.map_or(Ok(()), Err)
    }

    #[inline]
    fn check_line(&mut self, bytes: usize) -> Result<(), DecodeError> {
        let bytes_max = self.limits.line_bytes_max;
        if bytes <= bytes_max { Ok(()) } else { self.fail(DecodeError::LineTooLong { bytes_max }) }
    }

    #[inline]
    fn check_data(&mut self, bytes: usize) -> Result<(), DecodeError> {
        let bytes_max = self.limits.event_bytes_max;
        if bytes <= bytes_max { Ok(()) } else { self.fail(DecodeError::EventTooLarge { bytes_max }) }
    }

    #[cold]
    fn fail(&mut self, error: DecodeError) -> Result<(), DecodeError> {
        self.place = Place::Failed;
        self.failed = Some(error);
        Err(error)
    }
}
