//! What the two adapters share: a decoder, and the items of the last chunk that nobody has taken yet.

use alloc::collections::VecDeque;
use core::fmt;

use bytes::Buf;

use super::{DecodeError, Decoder, OwnedItem};

/// A decoder with the items of one chunk.
///
/// A chunk is decoded as a whole, because its text is checked as a whole. Its items are few and small as the
/// chunk is small.
#[derive(Debug)]
pub(super) struct Reading {
    decoder: Decoder,
    items: VecDeque<OwnedItem>,
    error: Option<DecodeError>,
    /// The source has ended or failed.
    pub(super) over: bool,
}

impl Reading {
    pub(super) fn new(decoder: Decoder) -> Self {
        Self { decoder, items: VecDeque::new(), error: None, over: false }
    }

    /// Decodes a chunk. A stream that passed a limit is over.
    pub(super) fn take_chunk(&mut self, mut chunk: impl Buf) {
        while chunk.has_remaining() {
            let slice = chunk.chunk();
            if let Err(error) = self.take_slice(slice) {
                self.error = Some(error);
                self.over = true;
                return;
            }
            let read = slice.len();
            chunk.advance(read);
        }
    }

    fn take_slice(&mut self, slice: &[u8]) -> Result<(), DecodeError> {
        let mut feed = self.decoder.feed(slice);
        while let Some(item) = feed.next_owned()? {
            self.items.push_back(item);
        }
        Ok(())
    }

    /// The next item; `None` asks for another chunk.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Result<OwnedItem, DecodeError>> {
        match self.items.pop_front() {
            Some(item) => Some(Ok(item)),
            None => self.error.take().map(Err),
        }
    }

    pub(super) fn into_decoder(mut self) -> Decoder {
        self.decoder.reconnect();
        self.decoder
    }

    pub(super) fn decoder(&self) -> &Decoder {
        &self.decoder
    }
}

/// Why a stream of items broke off.
///
/// Not `non_exhaustive`: there are the source and the decoder, and nobody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceError<E> {
    /// The bytes stopped coming. The network's fault, and no end: a client reconnects.
    Source(E),
    /// The bytes passed a limit. The sender's fault.
    Decode(DecodeError),
}

impl<E: fmt::Display> fmt::Display for SourceError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(error) => error.fmt(f),
            Self::Decode(error) => error.fmt(f),
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for SourceError<E> {
    /// The cause of the inner error, because `Display` already speaks for the inner error itself.
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Source(error) => error.source(),
            Self::Decode(error) => error.source(),
        }
    }
}
