//! A page of history as JSON, in pieces that are encoded when they are asked for.
//!
//! Escaped, an event may be six times as large as its data. A page that is not read holds its events once, and no more of
//! its text than one piece.

use std::borrow::Cow;

use bytes::Bytes;
use memchr::memmem;
use serde::Serialize;
use tidings_core::{Event, History};

use crate::answer::document::{EventDocument, GapDocument};
use crate::answer::json;
use crate::limits::{DATA_STEP_BYTES, PIECE_BYTES};

/// Where an event's data stands in its document. No other place looks like it: inside of a text, a quotation mark follows
/// a backslash.
const DATA: &[u8] = b",\"data\":\"";

/// The text of a page, from its beginning to its end.
pub(super) struct HistoryPieces {
    /// Those that have not been begun. Each is dropped when it has been encoded.
    events: std::vec::IntoIter<Event>,
    open: Option<OpenEvent>,
    /// The page is not the first event's any more: a comma stands before the next.
    begun: bool,
    /// What comes after the events.
    end: Vec<u8>,
    /// Encoded, and not handed out.
    ready: Vec<u8>,
}

/// An event in the midst of its data.
struct OpenEvent {
    /// Data that is left. UTF-8.
    data: Bytes,
    /// What comes after the data.
    end: Vec<u8>,
}

/// The answer.
#[derive(Serialize)]
struct HistoryPage<'a> {
    events: [EventDocument<'a>; 0],
    /// To go on after it: the next request's `after`.
    cursor: String,
    /// Whether there is more after it now.
    more: bool,
    /// Whether `last` was asked for and the search for it ended too early. Absent if it did not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    gap: Option<GapDocument<'a>>,
}

impl HistoryPieces {
    pub(super) fn new(history: History) -> Self {
        let page = HistoryPage {
            events: [],
            cursor: history.cursor.to_string(),
            more: history.more,
            partial: history.partial,
            gap: history.gap.as_ref().map(GapDocument::from),
        };
        let text = json::text(&page);
        // The list of events is the first one.
        let (start, end) = text.split_at(text.find('[').map_or(0, |at| at + 1));
        Self {
            events: history.events.into_iter(),
            open: None,
            begun: false,
            end: [end.as_bytes(), b"\n"].concat(),
            ready: start.as_bytes().to_vec(),
        }
    }

    /// Whether everything was handed out.
    pub(super) fn is_done(&self) -> bool {
        self.ready.is_empty() && self.end.is_empty() && self.open.is_none() && self.events.len() == 0
    }

    /// Encodes a little more. False if there is no more.
    fn encode_step(&mut self) -> bool {
        if let Some(open) = &mut self.open {
            put_text(&mut self.ready, &open.next());
            if open.data.is_empty() {
                self.ready.append(&mut open.end);
                self.open = None;
            }
        } else if let Some(event) = self.events.next() {
            self.begin(&event);
        } else if !self.end.is_empty() {
            self.ready.append(&mut self.end);
        } else {
            return false;
        }
        true
    }

    fn begin(&mut self, event: &Event) {
        if std::mem::replace(&mut self.begun, true) {
            self.ready.push(b',');
        }
        if event.draft.data().len() <= DATA_STEP_BYTES {
            return self.ready.extend_from_slice(json::text(&EventDocument::new(event)).as_bytes());
        }
        let data = match String::from_utf8_lossy(event.draft.data()) {
            Cow::Borrowed(_) => event.draft.data().clone(),
            // Another hub's doing; this one takes UTF-8 only.
            Cow::Owned(text) => text.into(),
        };
        let document = json::text(&EventDocument::without_data(event)).into_bytes();
        let at = memmem::find(&document, DATA).map_or(document.len(), |at| at + DATA.len());
        self.ready.extend_from_slice(&document[..at]);
        self.open = Some(OpenEvent { data, end: document[at..].to_vec() });
    }
}

impl OpenEvent {
    /// The next whole characters.
    fn next(&mut self) -> Bytes {
        let mut step = self.data.len().min(DATA_STEP_BYTES);
        // Bytes of a character after its first begin with the bits 10.
        while self.data.get(step).is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000) {
            step -= 1;
        }
        self.data.split_to(step)
    }
}

impl Iterator for HistoryPieces {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        while self.ready.len() < PIECE_BYTES && self.encode_step() {}
        (!self.ready.is_empty()).then(|| std::mem::take(&mut self.ready).into())
    }
}

/// Puts whole characters as they stand in a JSON text, without the quotation marks around it.
fn put_text(bytes: &mut Vec<u8>, text: &[u8]) {
    let text = json::text(&String::from_utf8_lossy(text));
    bytes.extend_from_slice(&text.as_bytes()[1..text.len() - 1]);
}

#[cfg(test)]
mod tests {
    use tidings_core::contract::fixture::draft;
    use tidings_core::{Cursor, Epoch, Sequence, UnixMillis};

    use super::*;

    fn history(texts: &[&str]) -> History {
        let event = |(number, text): (u64, &&str)| {
            let cursor = Cursor::new(Epoch(1), Sequence(number));
            Event { cursor, time: UnixMillis(0), draft: draft("a,\"data\":\"/b", text) }
        };
        let events = (1..).zip(texts).map(event).collect();
        let cursor = Cursor::new(Epoch(1), Sequence(texts.len() as u64));
        History { events, cursor, more: false, gap: None, partial: false }
    }

    /// The same page, made at once.
    fn at_once(history: &History) -> String {
        let events: Vec<_> =
            history.events.iter().map(|event| json::text(&EventDocument::new(event))).collect();
        format!("{{\"events\":[{}],\"cursor\":\"{}\",\"more\":false}}\n", events.join(","), history.cursor)
    }

    #[test]
    fn the_pieces_are_the_page_whatever_stands_where_they_are_cut() {
        for text in ["\u{1f600}", "\u{e9}\n", "\"\\", "\0", "x"] {
            for ahead in 0..5 {
                let large = format!("{}{}", "-".repeat(ahead), text.repeat(3 * PIECE_BYTES / text.len()));
                let history = history(&["", &large, text, "{\"data\":\"}", &large]);
                let expected = at_once(&history);

                let pieces: Vec<_> = HistoryPieces::new(history).collect();

                assert_eq!(String::from_utf8(pieces.concat()).unwrap(), expected);
                let largest = pieces.iter().map(Bytes::len).max().unwrap();
                assert!(largest < PIECE_BYTES + 6 * DATA_STEP_BYTES + 1_024, "a piece of {largest} bytes");
            }
        }
    }

    #[test]
    fn a_page_that_fits_one_piece_is_done_with_it() {
        let mut pieces = HistoryPieces::new(history(&["x", "y"]));

        let first = pieces.next().unwrap();

        assert!(first.ends_with(b"\"more\":false}\n"));
        assert!(pieces.is_done() && pieces.next().is_none());
    }
}
