//! Standard input as drafts.

use std::io;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt, stream};
use tidings_client::Draft;
use tokio_util::codec::FramedRead;

use super::blocks::Blocks;
use super::flaws::Flaws;
use super::lines::{Content, Line, Lines};
use crate::limits::INPUT_LINE_BYTES_MAX;
use crate::utf8::Encoding;

/// Entries with their sizes in bytes.
pub(super) type Entries = Pin<Box<dyn Stream<Item = Result<(Entry, usize), InputError>> + Send>>;

/// Something to publish.
pub(super) struct Entry {
    pub(super) draft: Draft,
    /// The line that it is, or that it begins with.
    pub(super) line: u64,
    /// U+FFFD stands in it where it was no UTF-8.
    pub(super) is_mended: bool,
}

/// Why nothing more can be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum InputError {
    #[error("standard input is {0}")]
    Foreign(Encoding),
    #[error("standard input ended within an event, which was not published; a blank line ends it")]
    Incomplete,
    #[error(
        "standard input is no event-stream: line {line} is `{text}`, and a line begins with data:, event:, id:, retry: or a colon; without \
         --event-stream each line is an event"
    )]
    NoEventStream { line: u64, text: String },
    #[error("standard input cannot be read")]
    Io(#[from] io::Error),
}

/// Each line as the data of an event that is otherwise like `template`. Line ends, LF or CRLF, are not part of it.
pub(super) fn lines(template: Draft, flaws: Arc<Flaws>) -> Entries {
    let lines = FramedRead::new(tokio::io::stdin(), Lines::default());
    let entries = lines.filter_map(move |line| {
        let entry = line.map(|line| entry(line, &template, &flaws)).transpose();
        std::future::ready(entry.map(|entry| entry.map(sized)))
    });
    Box::pin(entries)
}

/// A line as an event. One that cannot be published is told.
fn entry(line: Line, template: &Draft, flaws: &Flaws) -> Option<Entry> {
    let Line { number, content } = line;
    let (text, is_mended) = match content {
        Content::Text(text) => (text, false),
        Content::Mended(text) => (text, true),
        Content::TooLong => {
            flaws.too_long(number, &format!("is longer than {INPUT_LINE_BYTES_MAX} bytes"));
            return None;
        }
    };
    Some(Entry { draft: template.clone().with_data(text), line: number, is_mended })
}

/// Each event of a `text/event-stream`, with its own type, id and retry. One that the input ends within is an error.
///
/// The stream may be that of another hub. What that hub says about its own stream is not published: the `retry` of its opening,
/// and events of its own types, which no hub takes. A gap is told.
pub(super) fn events(flaws: Arc<Flaws>) -> Entries {
    let lines = FramedRead::new(tokio::io::stdin(), Lines::of_event_stream());
    let end = stream::once(std::future::ready(Ok(None)));
    let mut blocks = Blocks::new(flaws);
    let entries = lines.map(|line| line.map(Some)).chain(end).filter_map(move |line| {
        let entry = match line {
            Ok(Some(line)) => blocks.take(line).map(|entry| Ok(sized(entry))),
            Ok(None) => blocks.end().map(Err),
            Err(error) => Some(Err(error)),
        };
        std::future::ready(entry)
    });
    Box::pin(entries)
}

fn sized(entry: Entry) -> (Entry, usize) {
    let size = entry.draft.data().len();
    (entry, size)
}
