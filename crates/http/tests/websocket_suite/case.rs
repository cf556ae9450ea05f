//! One case of the suite: what is sent, what must come, and how it ends.
//!
//! The suite sends a text and expects it back. Here the text is the data of a publish to the topic that the socket reads: it is
//! answered, and comes back as an event. A text that is too short to be a publish is answered with an error.

use serde_json::Value;

use crate::support::scene::Scene;
use crate::support::websocket::{Came, WebSocket, header, masked};

pub(crate) struct Case {
    number: String,
    steps: Vec<Step>,
    end: End,
}

enum Step {
    /// Bytes, in pieces of a length.
    Send(Vec<u8>, usize),
    /// What must have come before the next step, in any order.
    Expect(Vec<Heard>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    Pong(Vec<u8>),
    /// A publish is in the log.
    Published,
    /// An event with this data.
    Event(String),
    /// The text was no message of a client.
    BadMessage,
}

#[derive(Clone, Copy)]
pub(crate) enum End {
    /// The case closes with 1000 once all has come, and the hub answers it.
    Clean,
    /// The hub closes with this code, and says nothing else. None: without a code.
    ByHub(Option<u16>),
}

impl Case {
    pub(crate) fn new(number: impl Into<String>, end: End) -> Self {
        Self { number: number.into(), steps: Vec::new(), end }
    }

    pub(crate) fn send(self, frame: Vec<u8>) -> Self {
        let length = frame.len();
        self.chop(frame, length)
    }

    pub(crate) fn chop(mut self, frame: Vec<u8>, length: usize) -> Self {
        self.steps.push(Step::Send(frame, length));
        self
    }

    pub(crate) fn expect(mut self, heard: impl IntoIterator<Item = Heard>) -> Self {
        self.steps.push(Step::Expect(heard.into_iter().collect()));
        self
    }

    /// Expects a text back that was published.
    pub(crate) fn expect_echo(self, text: &str) -> Self {
        self.expect([Heard::Published, Heard::Event(text.to_owned())])
    }

    pub(crate) async fn pass(&self, scene: &Scene) {
        let mut socket = WebSocket::opened(scene, "/events/echo").await;
        for step in &self.steps {
            match step {
                Step::Send(bytes, length) => {
                    for piece in bytes.chunks((*length).max(1)) {
                        socket.wire.send(piece).await;
                    }
                }
                Step::Expect(heard) => hear_all(&self.number, &mut socket, heard.clone()).await,
            }
        }
        let code = match self.end {
            End::Clean => {
                socket.wire.send(masked(0x88, b"\x03\xe8")).await;
                Some(1_000)
            }
            End::ByHub(code) => code,
        };
        let mut last = next(&mut socket).await;
        if let End::ByHub(_) = self.end {
            // What was published before the fault is answered before the close. Its event may come before it as well, or not at all.
            while matches!(&last, Came::Text(word) if word.get("data").is_some()) {
                last = next(&mut socket).await;
            }
        }
        match last {
            Came::Close(came, _) => assert_eq!(came, code, "case {}", self.number),
            other => panic!("case {} ends with {other:?}", self.number),
        }
        assert!(socket.wire.is_closed().await, "case {}: nothing comes after a close", self.number);
    }
}

/// Hears all of this, in any order, and nothing else.
pub(crate) async fn hear_all(case: &str, socket: &mut WebSocket, mut heard: Vec<Heard>) {
    while !heard.is_empty() {
        let came = match next(socket).await {
            Came::Pong(payload) => Heard::Pong(payload),
            Came::Text(word) if word.get("published").is_some() => Heard::Published,
            Came::Text(word) if word.get("data").is_some() => {
                Heard::Event(word["data"].as_str().unwrap().to_owned())
            }
            Came::Text(word) => {
                assert_eq!(word["error"]["type"], "urn:tidings:problem:bad-message", "{word}");
                Heard::BadMessage
            }
            Came::Close(code, reason) => {
                panic!("case {case} is closed with {code:?} {reason}; {} more expected", heard.len())
            }
        };
        // The first of them: what is answered is answered in order.
        let at = heard.iter().position(|one| *one == came);
        heard.remove(at.unwrap_or_else(|| panic!("case {case}: {came:?} was not expected")));
    }
}

async fn next(socket: &mut WebSocket) -> Came {
    loop {
        match socket.next().await {
            Came::Text(Value::Object(word)) if word.contains_key("heartbeat_ms") => {}
            came => return came,
        }
    }
}

/// A publish of a text to the topic that the socket reads. The text stands there as it is.
pub(crate) fn publish(data: impl AsRef<[u8]>) -> Vec<u8> {
    [br#"{"publish":{"topic":"echo","data":""#, data.as_ref(), br#""}}"#].concat()
}

/// A publish of exactly this many bytes, and its data.
pub(crate) fn publish_of(length: usize) -> (Vec<u8>, String) {
    let data = "*".repeat(length - publish("").len());
    (publish(&data), data)
}

/// A text frame.
pub(crate) fn text(payload: impl AsRef<[u8]>) -> Vec<u8> {
    masked(0x81, payload.as_ref())
}

pub(crate) fn binary(payload: impl AsRef<[u8]>) -> Vec<u8> {
    masked(0x82, payload.as_ref())
}

pub(crate) fn ping(payload: impl AsRef<[u8]>) -> Vec<u8> {
    masked(0x89, payload.as_ref())
}

/// One message in frames, each with a payload of this length at most. `opcode` is that of the first.
pub(crate) fn fragmented(opcode: u8, payload: &[u8], length: usize) -> Vec<u8> {
    let pieces: Vec<_> = payload.chunks(length).collect();
    let mut bytes = Vec::new();
    for (at, piece) in pieces.iter().enumerate() {
        let opcode = if at == 0 { opcode } else { 0 };
        let fin = if at + 1 == pieces.len() { 0x80 } else { 0 };
        bytes.extend(masked(fin | opcode, piece));
    }
    bytes
}

/// The header of a frame, with its mask, whose payload comes behind it as it is.
pub(crate) fn head(first: u8, length: usize) -> Vec<u8> {
    [header(first, length as u64), vec![0; 4]].concat()
}
