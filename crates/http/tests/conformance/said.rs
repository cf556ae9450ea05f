//! What a subscriber hears, whatever the transport, and how it is read out of the bytes of each of them.

use memchr::memmem;
use serde_json::Value;

use crate::transport::Transport;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    Event {
        id: String,
        /// None where a stream of one topic need not tell it.
        topic: Option<String>,
        data: String,
    },
    Gap {
        reason: String,
    },
    /// Where to go on, without an event.
    Place(String),
    Heartbeat,
    /// The access is over.
    Expired,
    /// When to come back, in milliseconds.
    Retry(u64),
    /// A WebSocket is closed, with a code.
    Closed(u16),
    /// The status of an answer that is none of this transport.
    Refused(u16),
}

/// Reads the bytes of one answer.
pub(crate) struct Reader {
    transport: Transport,
    bytes: Vec<u8>,
    /// So many of them hold no end of a piece.
    looked_at: usize,
    /// The fields of the block that has not ended.
    block: Vec<(String, String)>,
}

impl Reader {
    pub(crate) fn new(transport: Transport) -> Self {
        Self { transport, bytes: Vec::new(), looked_at: 0, block: Vec::new() }
    }

    /// What more bytes say. What is not complete is kept.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Vec<Said> {
        self.bytes.extend_from_slice(bytes);
        match self.transport {
            Transport::EventStream
            | Transport::EventStreamWithTime
            | Transport::EventStreamByPost
            | Transport::Envelope
            | Transport::Poll
            | Transport::LongPoll => {
                self.pieces(b"\n").into_iter().flat_map(|line| self.line(&line)).collect()
            }
            Transport::Lines => {
                let lines = self.pieces(b"\n");
                lines.iter().flat_map(|line| document(&serde_json::from_str(line).unwrap())).collect()
            }
            Transport::Page => Vec::new(),
            Transport::WebSocket => std::iter::from_fn(|| self.frame()).flatten().collect(),
            Transport::Iframe => self.pieces(b"</script>\n").iter().flat_map(|piece| block(piece)).collect(),
        }
    }

    /// What an answer says that has ended.
    pub(crate) fn finish(&mut self) -> Vec<Said> {
        if self.transport != Transport::Page {
            return Vec::new();
        }
        page(&serde_json::from_slice(&self.bytes).unwrap())
    }

    /// Takes the pieces that have ended.
    fn pieces(&mut self, end: &[u8]) -> Vec<String> {
        let mut pieces = Vec::new();
        let mut begin = 0;
        while let Some(at) = memmem::find(&self.bytes[self.looked_at..], end) {
            let at = self.looked_at + at;
            pieces.push(String::from_utf8(self.bytes[begin..at].to_vec()).unwrap());
            begin = at + end.len();
            self.looked_at = begin;
        }
        self.bytes.drain(..begin);
        self.looked_at = (self.bytes.len() + 1).saturating_sub(end.len());
        pieces
    }

    /// A line of server-sent events.
    fn line(&mut self, line: &str) -> Vec<Said> {
        match line.split_once(": ") {
            None if line == ":" => vec![Said::Heartbeat],
            None if line.is_empty() => {
                let block = std::mem::take(&mut self.block);
                self.dispatch(&block)
            }
            Some(("", _)) => Vec::new(),
            Some(("retry", delay)) => vec![Said::Retry(delay.parse().unwrap())],
            Some((name, value)) => {
                self.block.push((name.to_owned(), value.to_owned()));
                Vec::new()
            }
            None => unreachable!("{line:?} is no line of this hub"),
        }
    }

    fn dispatch(&self, block: &[(String, String)]) -> Vec<Said> {
        let field =
            |name: &str| block.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone());
        let place = || field("id").map(Said::Place);
        let data = field("data");
        match (field("event").as_deref(), data) {
            (Some("tidings.gap"), Some(data)) => {
                let gap: Value = serde_json::from_str(&data).unwrap();
                let gap = Said::Gap { reason: gap["reason"].as_str().unwrap().to_owned() };
                [gap].into_iter().chain(place()).collect()
            }
            (Some("tidings.expired"), _) => place().into_iter().chain([Said::Expired]).collect(),
            (None, Some(data)) if self.transport == Transport::Envelope => {
                let event: Value = serde_json::from_str(&data).unwrap();
                assert_eq!(event["id"].as_str(), field("id").as_deref());
                document(&event)
            }
            (None, Some(data)) => {
                let with_time = self.transport == Transport::EventStreamWithTime;
                assert_eq!(field("time").is_some(), with_time, "{block:?}");
                vec![Said::Event { id: field("id").unwrap(), topic: field("topic"), data }]
            }
            (_, _) => place().into_iter().collect(),
        }
    }

    /// A frame of a WebSocket that has come whole.
    fn frame(&mut self) -> Option<Vec<Said>> {
        let [first, length, rest @ ..] = &self.bytes[..] else { return None };
        let extended = match length {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let number = rest.get(..extended)?.iter().fold(0, |number, byte| number << 8 | usize::from(*byte));
        let length = if extended == 0 { usize::from(*length) } else { number };
        let payload = rest.get(extended..extended + length)?;
        let said = match first {
            0x81 => document(&serde_json::from_slice(payload).unwrap()),
            0x88 => vec![Said::Closed(u16::from_be_bytes([payload[0], payload[1]]))],
            0x89 | 0x8a => Vec::new(),
            other => unreachable!("a frame of a hub begins with {other:x}"),
        };
        let whole = 2 + extended + length;
        self.bytes.drain(..whole);
        Some(said)
    }
}

/// A document of JSON.
fn document(document: &Value) -> Vec<Said> {
    let text = |name: &str| document[name].as_str().map(str::to_owned);
    if let (Some(id), Some(topic), Some(data)) = (text("id"), text("topic"), text("data")) {
        assert!(text("time").is_some(), "{document}");
        return vec![Said::Event { id, topic: Some(topic), data }];
    }
    if let Some(problem) = document["error"]["type"].as_str() {
        assert_eq!(problem, "urn:tidings:problem:invalid-credentials");
        return vec![Said::Expired];
    }
    let gap = document["gap"]["reason"].as_str().map(|reason| Said::Gap { reason: reason.to_owned() });
    let place = text("cursor").map(Said::Place);
    let is_heartbeat = document["heartbeat_ms"].is_number() && document["connection"].is_null();
    let retry = document["retry_ms"].as_u64().map(Said::Retry);
    gap.into_iter().chain(place).chain(is_heartbeat.then_some(Said::Heartbeat)).chain(retry).collect()
}

/// A block of an iframe, or what stands before the first one.
fn block(piece: &str) -> Vec<Said> {
    let Some((_, json)) = piece.split_once("<script type=\"application/json\">") else {
        assert!(piece.starts_with("<!DOCTYPE html>"), "{piece}");
        return Vec::new();
    };
    document(&serde_json::from_str(json).unwrap())
}

/// A page of history.
fn page(page: &Value) -> Vec<Said> {
    let gap = page["gap"]["reason"].as_str().map(|reason| Said::Gap { reason: reason.to_owned() });
    let events = page["events"].as_array().unwrap();
    let place = Said::Place(page["cursor"].as_str().unwrap().to_owned());
    gap.into_iter().chain(events.iter().flat_map(document)).chain([place]).collect()
}
