//! The decoder itself.

use alloc::string::String;
use core::mem;

use super::block::{Block, Borrowed};
use super::error::DecodeError;
use super::item::{Event, Item};
use super::limits::{Limits, Report};
use super::line::{self, Field};
use super::partial::{Kind, Partial};
use super::text;
use crate::Retry;

const BOM: &[u8] = b"\xEF\xBB\xBF";

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
///     let mut input = chunk;
///     while let Some(item) = decoder.decode(&mut input)? {
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
    partial: Partial,
    block: Block,
    last_event_id: String,
    /// Where a type goes that was not UTF-8.
    mended_type: String,
    /// Where data or a comment goes that was not UTF-8.
    mended_text: String,
}

/// Where in the stream the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At the start, after so many bytes of what may be a byte order mark.
    StreamStart { bom_bytes: usize },
    /// At the start of a line.
    LineStart,
    /// At the start of a line, unless it is the LF that completes the CR that ended the last chunk.
    AfterCr,
    /// In a line that began in an earlier chunk.
    InLine,
    /// Nowhere: the stream was given up.
    Failed(DecodeError),
}

impl Default for Place {
    fn default() -> Self {
        Self::StreamStart { bom_bytes: 0 }
    }
}

/// What is to be reported, with the texts that lie in the chunk; the others are in the decoder.
enum Found<'i> {
    Event {
        borrowed: Borrowed<'i>,
        id_in_block: bool,
        retry: Option<Retry>,
    },
    /// A comment that lies in the chunk.
    Comment(&'i [u8]),
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

    /// Reads on until something is to be reported, and moves `input` past what was read.
    ///
    /// Call it until it returns `None`: then `input` is empty and everything in it has been taken in. The item
    /// borrows the decoder, so it must be dropped, or made [owned](Item::to_owned), before the next call.
    ///
    /// # Errors
    ///
    /// When a [limit](Limits) is passed, and then at every call until [`reconnect`](Self::reconnect). What came
    /// before the offending line has been reported.
    #[inline]
    pub fn decode<'d, 'i: 'd>(&'d mut self, input: &mut &'i [u8]) -> Result<Option<Item<'d>>, DecodeError> {
        let mut found = None;
        if self.place != Place::LineStart {
            found = self.resume(input)?;
        }
        if found.is_none() {
            found = self.read(input)?;
        }
        Ok(found.map(|found| self.item(found)))
    }

    /// Begins a new stream: what was pending is discarded, with the id in it; the last event id stays.
    ///
    /// HTML 9.2.6: "Once the end of the file is reached, any pending data must be discarded. (If the file ends in
    /// the middle of an event, before the final empty line, the incomplete event is not dispatched.)"
    pub fn reconnect(&mut self) {
        self.block.clear();
        self.place = Place::default();
    }

    /// The id to send as `Last-Event-ID` if the connection ended now. Empty means: send none.
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    /// Reads lines that lie whole in the chunk, and keeps the beginning of the last one if it does not.
    #[inline]
    fn read<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<Found<'i>>, DecodeError> {
        let mut borrowed = Borrowed::default();
        while let Some(line) = self.next_line(input)? {
            let found = match Field::of(line) {
                Field::Blank => self.end_block(mem::take(&mut borrowed)),
                Field::Data(value) => {
                    self.take_data(value, &mut borrowed)?;
                    None
                }
                Field::Event(value) => {
                    borrowed.event_type = Some(value);
                    None
                }
                Field::Id(value) => {
                    borrowed.id = Some(value);
                    None
                }
                Field::Retry(value) => self.take_retry(value),
                Field::Comment(text) => self.report.comments.then_some(Found::Comment(text)),
                Field::Unknown => None,
            };
            if found.is_some() {
                self.block.keep(borrowed);
                return Ok(found);
            }
        }
        self.block.keep(borrowed);
        self.begin_line(mem::take(input))?;
        Ok(None)
    }

    /// The next line that lies whole in the chunk.
    #[inline]
    fn next_line<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<&'i [u8]>, DecodeError> {
        let Some(end) = line::split(input) else {
            return Ok(None);
        };
        let line = &input[..end.end];
        self.check_line(line.len())?;
        *input = &input[end.next..];
        if end.lf_may_follow {
            self.place = Place::AfterCr;
        }
        Ok(Some(line))
    }

    #[inline]
    fn take_data<'i>(&mut self, value: &'i [u8], borrowed: &mut Borrowed<'i>) -> Result<(), DecodeError> {
        if borrowed.data.is_none() && !self.block.has_data {
            borrowed.data = Some(value);
            return self.check_data(value.len());
        }
        if let Some(first) = borrowed.data.take() {
            self.block.add_data(first);
        }
        self.block.add_data(value);
        self.check_data(self.block.data.len())
    }

    /// HTML 9.2.6: "set the event stream's reconnection time to that integer", with the line and not with the
    /// block.
    fn take_retry<'i>(&mut self, value: &[u8]) -> Option<Found<'i>> {
        let retry = Retry::parse(value)?;
        self.block.retry = Some(retry);
        self.report.retries.then_some(Found::Retry(retry))
    }

    /// HTML 9.2.6: "dispatch the event". The id is committed even if there is no data.
    #[inline]
    fn end_block<'i>(&mut self, borrowed: Borrowed<'i>) -> Option<Found<'i>> {
        let id_in_block = self.commit_id(borrowed.id);
        let retry = self.block.retry.take();
        if borrowed.data.is_some() || self.block.has_data {
            return Some(Found::Event { borrowed, id_in_block, retry });
        }
        self.block.has_type = false;
        (id_in_block && self.report.ids).then_some(Found::Id)
    }

    fn commit_id(&mut self, borrowed: Option<&[u8]>) -> bool {
        let Some(id) = borrowed.or(self.block.has_id.then_some(&self.block.id)) else {
            return false;
        };
        self.last_event_id.clear();
        text::append(id, &mut self.last_event_id);
        self.block.has_id = false;
        true
    }

    /// Gives what was found its texts.
    #[inline]
    fn item<'d, 'i: 'd>(&'d mut self, found: Found<'i>) -> Item<'d> {
        match found {
            Found::Event { borrowed, id_in_block, retry } => self.event(borrowed, id_in_block, retry),
            Found::Comment(text) => Item::Comment(text::decode(text, &mut self.mended_text)),
            Found::PartialComment => {
                Item::Comment(text::decode(&self.partial.line[1..], &mut self.mended_text))
            }
            Found::Retry(retry) => Item::Retry(retry),
            Found::Id => Item::Id(&self.last_event_id),
        }
    }

    #[inline]
    fn event<'d, 'i: 'd>(
        &'d mut self,
        borrowed: Borrowed<'i>,
        id_in_block: bool,
        retry: Option<Retry>,
    ) -> Item<'d> {
        let kept_type = self.block.has_type.then_some(self.block.event_type.as_slice());
        let event_type = borrowed.event_type.or(kept_type).filter(|value| !value.is_empty());
        let data = borrowed.data.unwrap_or(&self.block.data);
        self.block.has_type = false;
        self.block.has_data = false;
        let last_event_id = self.last_event_id.as_str();
        Item::Event(Event {
            event_type: event_type.map(|value| text::decode(value, &mut self.mended_type)),
            data: text::decode(data, &mut self.mended_text),
            last_event_id,
            id: id_in_block.then_some(last_event_id),
            retry,
        })
    }

    /// Goes on at a place other than the start of a line.
    fn resume<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<Found<'i>>, DecodeError> {
        if input.is_empty() {
            return self.check_failed().map(|()| None);
        }
        match self.place {
            Place::LineStart => Ok(None),
            Place::StreamStart { bom_bytes } => self.skip_bom(bom_bytes, input),
            Place::AfterCr => {
                *input = input.strip_prefix(b"\n").unwrap_or(input);
                self.place = Place::LineStart;
                Ok(None)
            }
            Place::InLine => self.end_line(input),
            Place::Failed(error) => Err(error),
        }
    }

    fn check_failed(&self) -> Result<(), DecodeError> {
        if let Place::Failed(error) = self.place { Err(error) } else { Ok(()) }
    }

    /// HTML 9.2.5: one leading byte order mark is no part of the stream. What only began like one is.
    fn skip_bom<'i>(
        &mut self,
        bom_bytes: usize,
        input: &mut &'i [u8],
    ) -> Result<Option<Found<'i>>, DecodeError> {
        let rest = &BOM[bom_bytes..];
        let same = input.iter().zip(rest).take_while(|(byte, bom)| byte == bom).count();
        let bom_bytes = bom_bytes + same;
        *input = &input[same..];
        if bom_bytes < BOM.len() && input.is_empty() {
            self.place = Place::StreamStart { bom_bytes };
            return Ok(None);
        }
        self.place = Place::LineStart;
        if bom_bytes == 0 || bom_bytes == BOM.len() {
            return Ok(None);
        }
        self.begin_line(&BOM[..bom_bytes])?;
        self.end_line(input)
    }

    /// Keeps the beginning of a line.
    fn begin_line(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.place = Place::InLine;
        self.partial.begin(bytes, self.report.comments, &mut self.block);
        self.check_line(self.partial.len)
    }

    /// Goes on with a line that an earlier chunk began.
    fn end_line<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<Found<'i>>, DecodeError> {
        let end = line::split(input);
        let bytes = &input[..end.map_or(input.len(), |end| end.end)];
        self.partial.extend(bytes, self.report.comments, &mut self.block);
        self.check_line(self.partial.len)?;
        let Some(end) = end else {
            *input = &[];
            return Ok(None);
        };
        *input = &input[end.next..];
        self.place = if end.lf_may_follow { Place::AfterCr } else { Place::LineStart };
        self.take_partial()
    }

    /// Does what the partial line says, now that it is whole.
    fn take_partial<'i>(&mut self) -> Result<Option<Found<'i>>, DecodeError> {
        match self.partial.kind {
            Kind::Ignored => return Ok(None),
            Kind::Data => return self.check_data(self.block.data.len()).map(|()| None),
            Kind::Line => {}
        }
        match Field::of(&self.partial.line) {
            Field::Data(value) => self.block.add_data(value),
            Field::Event(value) => self.block.set_type(value),
            Field::Id(value) => self.block.set_id(value),
            Field::Retry(value) => {
                let retry = Retry::parse(value);
                self.block.retry = retry.or(self.block.retry);
                return Ok(retry.filter(|_| self.report.retries).map(Found::Retry));
            }
            Field::Comment(_) => return Ok(self.report.comments.then_some(Found::PartialComment)),
            Field::Blank | Field::Unknown => {}
        }
        Ok(None)
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
        self.place = Place::Failed(error);
        Err(error)
    }
}
