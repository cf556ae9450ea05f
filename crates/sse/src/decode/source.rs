//! What the two adapters share: a decoder, and the chunk that it is reading.

use core::fmt;

use bytes::Buf;

use super::{DecodeError, Decoder, OwnedItem};

/// A decoder with a chunk in its hands.
#[derive(Debug)]
pub(super) struct Reading<D> {
    decoder: Decoder,
    chunk: Option<D>,
    /// After the end, or an error, nothing more comes.
    pub(super) over: bool,
}

impl<D: Buf> Reading<D> {
    pub(super) fn new(decoder: Decoder) -> Self {
        Self { decoder, chunk: None, over: false }
    }

    pub(super) fn take_chunk(&mut self, chunk: D) {
        self.chunk = Some(chunk);
    }

    /// The next item of the chunk; `None` asks for another chunk.
    pub(super) fn next(&mut self) -> Option<Result<OwnedItem, DecodeError>> {
        let chunk = self.chunk.as_mut()?;
        while chunk.has_remaining() {
            let slice = chunk.chunk();
            let mut input = slice;
            let item = self.decoder.decode(&mut input).map(|item| item.map(|item| item.to_owned()));
            let read = slice.len() - input.len();
            chunk.advance(read);
            self.over = item.is_err();
            if let Some(item) = item.transpose() {
                return Some(item);
            }
        }
        self.chunk = None;
        None
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
