//! A chunk on its way through the decoder.

use super::block::Borrowed;
use super::decoder::{Decoder, Found};
use super::error::DecodeError;
use super::item::{Event, Item, OwnedItem};
use super::lines::Lines;
use super::utf8::{self, Mend};

/// A chunk that a decoder is being fed. Made by [`Decoder::feed`].
///
/// A feed that is dropped before [`next`](Self::next) returned `None` takes the rest of its chunk with it, and
/// the next chunk is read as if it followed what was read.
#[derive(Debug)]
#[must_use = "a chunk is read as far as `next` is called"]
pub struct Feed<'d, 'i> {
    decoder: &'d mut Decoder,
    /// Valid text that is being read.
    lines: Lines<'i>,
    /// What follows the lines.
    rest: &'i [u8],
    /// The chunk as a whole is not valid.
    broken: bool,
}

impl Decoder {
    /// Feeds a chunk: the bytes that follow those of the chunk before.
    ///
    /// Call [`Feed::next`] until it returns `None`.
    #[inline]
    pub fn feed<'d, 'i>(&'d mut self, chunk: &'i [u8]) -> Feed<'d, 'i> {
        Feed::new(self, chunk)
    }
}

impl<'d, 'i> Feed<'d, 'i> {
    #[inline]
    pub(super) fn new(decoder: &'d mut Decoder, chunk: &'i [u8]) -> Self {
        let rest = match chunk {
            [byte] if decoder.read_byte(*byte) => &[],
            _ => chunk,
        };
        Self { decoder, lines: Lines::default(), rest, broken: false }
    }

    /// Reads on until there is something to report. `None` says that the chunk is read to its end.
    ///
    /// The item borrows from the decoder, so it must be dropped, or made [owned](Item::to_owned), before the next
    /// call. That is why this is no `Iterator`.
    ///
    /// # Errors
    ///
    /// When a [limit](super::Limits) is passed, and then at every call until [`Decoder::reconnect`]. What came
    /// before the offending line has been reported.
    #[allow(clippy::should_implement_trait, reason = "an iterator cannot lend")]
    #[inline]
    // Items are put together here and not in the functions called, so that the compiler does it in registers. An
    // item that is returned through memory is copied before its bytes have left the processor's store buffer, and
    // the wait for them costs as much as all the rest of a small event.
    pub fn next(&mut self) -> Result<Option<Item<'_>>, DecodeError> {
        if self.is_read() {
            return self.decoder.check_failed().map(|()| None);
        }
        match self.next_plain() {
            Some(data) => Ok(Some(Item::Event(Event::plain(data, self.decoder.last_event_id())))),
            None => match self.next_block() {
                Some(borrowed) => Ok(Some(Item::Event(self.decoder.borrowed_event(borrowed)))),
                None => match self.next_found()? {
                    Some(found) => Ok(Some(self.decoder.item(found))),
                    None => Ok(None),
                },
            },
        }
    }

    /// The decoder, as of the last item.
    pub fn decoder(&self) -> &Decoder {
        self.decoder
    }

    /// Like [`next`](Self::next), for items that are to be kept: a text that the decoder had to put together is
    /// handed over instead of copied.
    ///
    /// # Errors
    ///
    /// Like [`next`](Self::next).
    #[inline(always)]
    pub fn next_owned(&mut self) -> Result<Option<OwnedItem>, DecodeError> {
        if self.is_read() {
            return self.decoder.check_failed().map(|()| None);
        }
        match self.next_plain() {
            Some(data) => {
                Ok(Some(OwnedItem::Event(Event::plain(data, self.decoder.last_event_id()).to_owned())))
            }
            None => self.next_other_owned(),
        }
    }

    #[inline(always)]
    fn is_read(&self) -> bool {
        self.lines.is_empty() && self.rest.is_empty()
    }

    /// Reads a block of one data line.
    #[inline(always)]
    fn next_plain(&mut self) -> Option<&'i str> {
        if self.lines.is_empty() {
            if let Some(data) = self.next_only() {
                return Some(data);
            }
            self.next_whole();
        }
        self.decoder.read_plain(&mut self.lines)
    }

    /// Reads a block of one data line that is all there is.
    #[inline(never)]
    fn next_only(&mut self) -> Option<&'i str> {
        let data = self.decoder.read_only(self.rest)?;
        self.rest = &[];
        Some(data)
    }

    /// Reads a block of one data line, and of types and ids.
    #[inline(never)]
    fn next_block(&mut self) -> Option<Borrowed<'i>> {
        self.decoder.read_block(&mut self.lines)
    }

    /// Takes all the rest of the chunk, if it is valid.
    #[inline(never)]
    fn next_whole(&mut self) {
        if self.decoder.cut.is_empty() && !self.rest.is_empty() && !self.broken {
            match utf8::whole(self.rest) {
                Some((text, cut)) => {
                    self.lines = Lines::of(text);
                    self.rest = &[];
                    self.decoder.cut = cut;
                }
                None => self.broken = true,
            }
        }
    }

    #[inline(never)]
    fn next_other_owned(&mut self) -> Result<Option<OwnedItem>, DecodeError> {
        match self.next_block() {
            Some(borrowed) => Ok(Some(OwnedItem::Event(self.decoder.borrowed_event(borrowed).to_owned()))),
            None => Ok(self.next_found()?.map(|found| self.decoder.owned_item(found))),
        }
    }

    #[inline(never)]
    fn next_found(&mut self) -> Result<Option<Found<'i>>, DecodeError> {
        loop {
            if !self.lines.is_empty()
                && let Some(found) = self.decoder.read(&mut self.lines)?
            {
                return Ok(Some(found));
            }
            if self.rest.is_empty() {
                return self.decoder.check_failed().map(|()| None);
            }
            self.next_run()?;
        }
    }

    /// Takes the next run of valid text from the rest of the chunk.
    fn next_run(&mut self) -> Result<(), DecodeError> {
        if !self.decoder.cut.is_empty() {
            return self.mend_cut();
        }
        self.next_whole();
        if self.rest.is_empty() {
            return Ok(());
        }
        self.next_broken_run()
    }

    /// Text and one broken sequence, read at once: no line ends in either what follows or U+FFFD.
    fn next_broken_run(&mut self) -> Result<(), DecodeError> {
        let run = utf8::first_run(self.rest);
        if run.text.is_empty() && run.broken_bytes > 0 {
            self.rest = &self.rest[run.broken_bytes..];
            return self.decoder.read_replacement();
        }
        self.lines = Lines::of(run.text);
        self.rest = if run.cut.is_empty() { &self.rest[run.text.len()..] } else { &[] };
        self.decoder.cut = run.cut;
        Ok(())
    }

    /// Goes on with the sequence that the last chunk cut off.
    fn mend_cut(&mut self) -> Result<(), DecodeError> {
        while let Some((byte, rest)) = self.rest.split_first() {
            match self.decoder.cut.mend(*byte) {
                Mend::Wanting => self.rest = rest,
                Mend::Whole(char) => {
                    self.rest = rest;
                    return self.decoder.read_char(char);
                }
                Mend::Broken => return self.decoder.read_replacement(),
            }
        }
        Ok(())
    }
}
