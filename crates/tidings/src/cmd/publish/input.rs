//! Standard input as drafts.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use tidings_client::{Draft, Event, Gap, Opening, RESERVED_TYPE_PREFIX};
use tidings_sse::Decoder;
use tidings_sse::decode::{DecodeError, DecodeStream, OwnedItem, Report, SourceError};
use tokio_util::codec::FramedRead;
use tokio_util::io::ReaderStream;

use super::flaws::Flaws;
use super::lines::{Content, Line, Lines};
use crate::limits::{INPUT_LINE_BYTES_MAX, SAID_CHARS_MAX};
use crate::terminal::chain::visible;
use crate::terminal::talk::tell;
use crate::utf8::{self, Encoding, HEAD_LENGTH};

/// Entries with their sizes in bytes.
pub(super) type Entries = Pin<Box<dyn Stream<Item = Result<(Entry, usize), InputError>> + Send>>;

/// Something to publish.
pub(super) struct Entry {
    pub(super) draft: Draft,
    /// Where it stood, if it is a line.
    pub(super) line: Option<u64>,
}

/// Why nothing more can be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum InputError {
    #[error("standard input is {0}")]
    Foreign(Encoding),
    #[error("the stream passed a limit")]
    Decode(#[source] DecodeError),
    #[error("standard input ended within an event, which was not published; a blank line ends it")]
    Incomplete,
    #[error("standard input cannot be read")]
    Io(#[from] io::Error),
}

/// Each line as the data of an event that is otherwise like `template`. Line ends, LF or CRLF, are not part of it.
pub(super) fn lines(template: Draft, flaws: Arc<Flaws>) -> Entries {
    let lines = FramedRead::new(tokio::io::stdin(), Lines::default());
    let entries = lines.filter_map(move |line| {
        let entry = line.map(|line| text(line, &flaws)).transpose();
        let entry = entry.map(|entry| {
            entry.map(|(number, text)| {
                let size = text.len();
                (Entry { draft: template.clone().with_data(text), line: Some(number) }, size)
            })
        });
        std::future::ready(entry)
    });
    Box::pin(entries)
}

/// The text of a line. What cannot be published as it is, is told.
fn text(line: Line, flaws: &Flaws) -> Option<(u64, String)> {
    let Line { number, content } = line;
    match content {
        Content::Text(text) => Some((number, text)),
        Content::Mended(text) => {
            flaws.mended(number);
            Some((number, text))
        }
        Content::TooLong => {
            flaws.skipped(number, &format!("is longer than {INPUT_LINE_BYTES_MAX} bytes"));
            None
        }
    }
}

/// Each event of a `text/event-stream`, with its own type, id and retry. One that the input ends within is an error.
///
/// The stream may be that of another hub. What that hub says about its own stream is not published: the `retry` of its opening,
/// and events of its own types, which no hub takes. A gap is told.
pub(super) fn events() -> Entries {
    let is_over = Arc::new(AtomicBool::new(false));
    let over = is_over.clone();
    // What a blank line after the end completes was not complete.
    let blank = stream::once(async move {
        over.store(true, Ordering::Relaxed);
        Ok(Bytes::from_static(b"\n\n"))
    });
    let bytes = refusing_foreign(ReaderStream::new(tokio::io::stdin())).chain(Box::pin(blank));
    let decoder = Decoder::new().with_report(Report::ALL);
    let mut opening = Opening::default();
    let drafts = DecodeStream::new(bytes, decoder).filter_map(move |mut item| {
        if let Ok(item) = &mut item {
            opening.hear(item);
        }
        let draft = match item {
            Ok(OwnedItem::Event(event)) if event.type_or_message().starts_with(RESERVED_TYPE_PREFIX) => {
                tell_gap(&event);
                None
            }
            Ok(OwnedItem::Event(_)) if is_over.load(Ordering::Relaxed) => Some(Err(InputError::Incomplete)),
            Ok(OwnedItem::Event(event)) => Some(Ok(sized(event))),
            Ok(_) => None,
            Err(SourceError::Decode(error)) => Some(Err(InputError::Decode(error))),
            Err(SourceError::Source(error)) => Some(Err(error)),
        };
        std::future::ready(draft)
    });
    Box::pin(drafts)
}

/// The same bytes, or an error if the first of them tell another encoding.
fn refusing_foreign(
    bytes: impl Stream<Item = io::Result<Bytes>>,
) -> impl Stream<Item = Result<Bytes, InputError>> {
    let mut head = Vec::new();
    bytes.map(move |bytes| {
        let bytes = bytes?;
        let missing = HEAD_LENGTH.saturating_sub(head.len()).min(bytes.len());
        if missing > 0 {
            head.extend_from_slice(&bytes[..missing]);
            if let Some(encoding) = utf8::foreign(&head) {
                return Err(InputError::Foreign(encoding));
            }
        }
        Ok(bytes)
    })
}

/// Says that events are missing from the stream, if this event says so.
fn tell_gap(event: &Event) {
    if let Some(gap) = Gap::of_event(event) {
        let reason: String = gap.reason.as_str().chars().take(SAID_CHARS_MAX).collect();
        tell(&format!("warning: the stream has a gap ({}): events are missing", visible(&reason)));
    }
}

fn sized(event: Event) -> (Entry, usize) {
    let size = event.data.len();
    (Entry { draft: Draft::from(event), line: None }, size)
}
