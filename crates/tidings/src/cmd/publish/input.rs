//! Standard input as drafts.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use tidings_client::{Draft, Event};
use tidings_sse::Decoder;
use tidings_sse::decode::{DecodeError, DecodeStream, OwnedItem, SourceError};
use tokio_util::codec::{FramedRead, LinesCodec, LinesCodecError};
use tokio_util::io::ReaderStream;

use crate::limits::INPUT_LINE_BYTES_MAX;

/// Drafts with their sizes in bytes.
pub(super) type Input = Pin<Box<dyn Stream<Item = Result<(Draft, usize), InputError>> + Send>>;

/// Why nothing more can be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum InputError {
    #[error("line {number} is longer than {INPUT_LINE_BYTES_MAX} bytes")]
    LineTooLong { number: usize },
    #[error("line {number} is not UTF-8")]
    NotUtf8 { number: usize },
    #[error("the stream passed a limit")]
    Decode(#[source] DecodeError),
    #[error("standard input ended within an event, which was not published; a blank line ends it")]
    Incomplete,
    #[error("standard input cannot be read")]
    Io(#[source] io::Error),
}

/// Each line as the data of an event that is otherwise like `template`. Line ends, LF or CRLF, are not part of it.
pub(super) fn lines(template: Draft) -> Input {
    let lines = FramedRead::new(tokio::io::stdin(), LinesCodec::new_with_max_length(INPUT_LINE_BYTES_MAX));
    let drafts = lines.enumerate().map(move |(index, line)| match line {
        Ok(line) => {
            let size = line.len();
            Ok((template.clone().with_data(line), size))
        }
        Err(error) => Err(InputError::of_line(index + 1, error)),
    });
    Box::pin(drafts)
}

impl InputError {
    fn of_line(number: usize, error: LinesCodecError) -> Self {
        match error {
            LinesCodecError::MaxLineLengthExceeded => Self::LineTooLong { number },
            LinesCodecError::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
                Self::NotUtf8 { number }
            }
            LinesCodecError::Io(error) => Self::Io(error),
        }
    }
}

/// Each event of a `text/event-stream`, with its own type, id and retry. One that the input ends within is an error.
pub(super) fn events() -> Input {
    let is_over = Arc::new(AtomicBool::new(false));
    let over = is_over.clone();
    // What a blank line after the end completes was not complete.
    let blank = stream::once(async move {
        over.store(true, Ordering::Relaxed);
        Ok(Bytes::from_static(b"\n\n"))
    });
    let bytes = ReaderStream::new(tokio::io::stdin()).chain(Box::pin(blank));
    let drafts = DecodeStream::new(bytes, Decoder::new()).filter_map(move |item| {
        let draft = match item {
            Ok(OwnedItem::Event(_)) if is_over.load(Ordering::Relaxed) => Some(Err(InputError::Incomplete)),
            Ok(OwnedItem::Event(event)) => Some(Ok(sized(event))),
            Ok(_) => None,
            Err(SourceError::Decode(error)) => Some(Err(InputError::Decode(error))),
            Err(SourceError::Source(error)) => Some(Err(InputError::Io(error))),
        };
        std::future::ready(draft)
    });
    Box::pin(drafts)
}

fn sized(event: Event) -> (Draft, usize) {
    let size = event.data.len();
    (Draft::from(event), size)
}
