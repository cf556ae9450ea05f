//! Events of many topics, published all or none.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::draft::Draft;

/// Events of any topics of a hub, which are in its log next to each other, or not at all.
///
/// A hub takes at most 1,000 events and 4 MiB in one. See [`Publisher::publish_atomically`](crate::Publisher::publish_atomically).
///
/// ```
/// use tidings_client::{AtomicBatch, Draft};
///
/// let batch = AtomicBatch::new()
///     .with("orders/42", &Draft::new("shipped").event_type("state")?)
///     .with("users/u1/mail", &Draft::new("Your order has left.").id("mail-7")?)
///     .idempotency_key("order-42-shipped");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "a batch is published by `Publisher::publish_atomically`"]
pub struct AtomicBatch {
    /// Lines of JSON, one for each event.
    body: Vec<u8>,
    pub(crate) key: Option<String>,
}

/// What a hub has of a batch: all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AtomicReceipt {
    /// The ids of the events, in their order: the publisher's if it gave one, else the hub's.
    pub ids: Vec<String>,
    /// The hub had them already: an earlier attempt had arrived after all.
    pub replayed: bool,
}

/// The answer of a hub.
#[derive(Deserialize)]
pub(crate) struct Placed {
    pub(crate) ids: Vec<String>,
}

#[derive(Serialize)]
struct Line<'a> {
    topic: &'a str,
    data: &'a str,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    event_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    /// Hubs of today refuse it, which is better than an event without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<u64>,
}

impl AtomicBatch {
    /// A batch without events.
    pub fn new() -> Self {
        Self::default()
    }

    /// The lines of a file or a pipe as they are: each `{"topic", "data", "type", "id"}`, of which the last two may be left out. The hub checks them, and
    /// [`Problem::line`](crate::Problem::line) says which it does not take.
    pub fn from_ndjson(lines: impl Into<Vec<u8>>) -> Self {
        Self { body: lines.into(), key: None }
    }

    /// Adds an event. Its data arrives as it is, with line ends of all kinds. A key of its own means nothing, and a hub takes no batch with an event that
    /// has a reconnection time.
    pub fn with(mut self, topic: &str, draft: &Draft) -> Self {
        let line = Line {
            topic,
            data: &draft.data,
            event_type: draft.event_type.as_ref().map(|event_type| event_type.as_str()),
            id: draft.id.as_ref().map(|id| id.as_str()),
            retry: draft.retry.map(|retry| retry.as_ms()),
        };
        if !self.body.is_empty() && !self.body.ends_with(b"\n") {
            self.body.push(b'\n');
        }
        serde_json::to_writer(&mut self.body, &line).expect("texts and numbers are always JSON");
        self.body.push(b'\n');
        self
    }

    /// Sets the key by which the hub recognises the batch when it comes again, also from another process or after a restart. Drawn by
    /// chance unless set.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    pub(crate) fn lines(&self) -> Bytes {
        self.body.clone().into()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn body(batch: &AtomicBatch) -> String {
        String::from_utf8(batch.lines().to_vec()).unwrap()
    }

    #[test]
    fn each_event_is_a_line_whatever_is_in_it() {
        let full = Draft::new("a\r\n\"b\"\u{2028}").event_type("x\t").unwrap().id("1").unwrap();
        let retry = Draft::new("").retry(Duration::from_secs(1));
        let batch = AtomicBatch::new().with("a b/\u{e9}", &full).with("c", &retry);

        let first = "{\"topic\":\"a b/\u{e9}\",\"data\":\"a\\r\\n\\\"b\\\"\u{2028}\",\"type\":\"x\\t\",\"id\":\"1\"}\n";
        assert_eq!(body(&batch), format!("{first}{}", "{\"topic\":\"c\",\"data\":\"\",\"retry\":1000}\n"));
    }

    #[test]
    fn an_event_behind_lines_that_have_no_end_stands_in_a_line_of_its_own() {
        let batch = AtomicBatch::from_ndjson("{\"topic\":\"a\",\"data\":\"\"}").with("b", &Draft::new("x"));

        assert_eq!(body(&batch).lines().count(), 2);
    }
}
