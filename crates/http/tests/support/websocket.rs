//! A client of WebSocket, frame by frame, which can send what no good client would.

#![allow(clippy::panic, reason = "a frame that no hub sends fails the test that reads it")]

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use serde_json::Value;
use tidings_testkit::wire::Wire;

use super::scene::Scene;

/// What a good handshake has beside its first lines.
pub(crate) const HANDSHAKE: &str = "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                                    sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

pub(crate) struct WebSocket {
    pub(crate) wire: Wire,
    pub(crate) head: String,
}

/// What the hub has sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Came {
    Text(Value),
    Pong(Vec<u8>),
    /// With a code, and a reason.
    Close(Option<u16>, String),
}

impl WebSocket {
    /// Opens one, and reads the head of the answer.
    pub(crate) async fn open(scene: &Scene, target: &str, headers: &str) -> Self {
        Self::over(scene.get(target, &format!("{HANDSHAKE}{headers}")).await).await
    }

    /// Opens one and reads its first message, which must tell where it begins.
    pub(crate) async fn opened(scene: &Scene, target: &str) -> Self {
        let mut socket = Self::open(scene, target, "").await;
        let first = socket.json().await;
        assert!(first["cursor"].is_string() && first["connection"].is_string(), "{first}");
        socket
    }

    /// Over a connection on which the handshake was sent.
    pub(crate) async fn over(mut wire: Wire) -> Self {
        let head = wire.head().await;
        assert!(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{head}");
        Self { wire, head }
    }

    /// The first byte and the payload of the next frame.
    pub(crate) async fn frame(&mut self) -> (u8, Vec<u8>) {
        let head = self.wire.take_bytes(2).await;
        let length = match head[1] {
            126 => number(&self.wire.take_bytes(2).await),
            127 => number(&self.wire.take_bytes(8).await),
            length => {
                assert!(length < 126, "a frame of the hub is masked");
                usize::from(length)
            }
        };
        (head[0], self.wire.take_bytes(length).await)
    }

    pub(crate) async fn next(&mut self) -> Came {
        let (first, payload) = self.frame().await;
        match first {
            0x81 => Came::Text(serde_json::from_slice(&payload).unwrap()),
            0xc1 => Came::Text(serde_json::from_slice(&inflated(payload)).unwrap()),
            0x8a => Came::Pong(payload),
            0x88 if payload.is_empty() => Came::Close(None, String::new()),
            0x88 => {
                let reason = String::from_utf8(payload[2..].to_vec()).unwrap();
                Came::Close(Some(number(&payload[..2]) as u16), reason)
            }
            other => panic!("a frame begins with {other:x}"),
        }
    }

    /// The next message, which is text.
    pub(crate) async fn json(&mut self) -> Value {
        match self.next().await {
            Came::Text(value) => value,
            other => panic!("{other:?} is no text"),
        }
    }

    /// The code with which the hub closes it, after whatever else comes. Then the connection ends.
    pub(crate) async fn close_code(&mut self) -> Option<u16> {
        loop {
            if let Came::Close(code, _) = self.next().await {
                return code;
            }
        }
    }

    pub(crate) async fn say(&mut self, word: &Value) {
        self.wire.send(masked(0x81, word.to_string().as_bytes())).await;
    }

    /// Says something, and reads the answer to it.
    pub(crate) async fn ask(&mut self, word: &Value) -> Value {
        self.say(word).await;
        self.json().await
    }
}

/// A text as a client compresses it: without the end of the flush. RFC 7692, 7.2.1.
pub(crate) fn deflated(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() + 1_000);
    let mut compress = Compress::new(Compression::best(), false);
    compress.compress_vec(text, &mut bytes, FlushCompress::Sync).unwrap();
    bytes.strip_suffix(&FLUSHED).unwrap().to_vec()
}

/// What a compressed message says. A new decompressor each time: none has a history.
pub(crate) fn inflated(mut payload: Vec<u8>) -> Vec<u8> {
    payload.extend_from_slice(&FLUSHED);
    let mut text = Vec::with_capacity(64 * payload.len().max(1_000));
    Decompress::new(false).decompress_vec(&payload, &mut text, FlushDecompress::Sync).unwrap();
    assert!(text.len() < text.capacity(), "the text may go on");
    text
}

const FLUSHED: [u8; 4] = [0, 0, 0xff, 0xff];

/// A frame of a client, whose first byte may be anything.
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = header(first, payload.len() as u64);
    frame.extend_from_slice(&mask);
    frame.extend(payload.iter().enumerate().map(|(at, byte)| byte ^ mask[at & 3]));
    frame
}

/// The header of a frame that will be masked, without the mask.
pub(crate) fn header(first: u8, length: u64) -> Vec<u8> {
    match length {
        0..126 => vec![first, 0x80 | length as u8],
        126..65_536 => [&[first, 0xfe][..], &(length as u16).to_be_bytes()].concat(),
        _ => [&[first, 0xff][..], &length.to_be_bytes()].concat(),
    }
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
}
