//! What must hold of any bytes that come behind the handshake of a WebSocket: the hub answers with whole frames of its own, ends with a
//! close code that the reference has, and does not panic. The fuzz target calls this with bytes of its own, the corpus test with
//! those that are kept.
//!
//! The clock is paused, so that waiting for an answer that does not come takes no time.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tidings_core::contract::ManualClock;
use tidings_core::memory::MemoryRetention;
use tidings_core::{Epoch, Hub, Limits, MemoryStore};
use tidings_http::{Front, HttpConfig, Pages};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// Bytes that the connection holds in each direction.
const BYTES_MAX: usize = 65_536;

const HANDSHAKE: &[u8] =
    b"GET /events/a HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                           sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Codes with which the hub closes by itself. Others are those of the client, sent back.
const CODES: [u16; 8] = [1_002, 1_003, 1_007, 1_009, 4_005, 4_006, 4_101, 4_000];

/// The first byte says in how large pieces the rest is sent; 0 is at once.
pub(crate) fn check(bytes: &[u8]) {
    let Some((piece, sent)) = bytes.split_first() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime can be built");
    let said = runtime.block_on(talk(usize::from(*piece), sent));
    check_frames(&said, sent);
}

/// What the hub says behind the head of its answer, until it has said nothing for a second.
async fn talk(piece: usize, sent: &[u8]) -> Vec<u8> {
    let clock = ManualClock::at(3_600_000);
    let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
    let hub = Hub::start(Arc::new(store), Limits::default()).await.expect("a hub in memory starts");
    let front = Front::new(hub, HttpConfig::default(), Pages::default(), clock);
    let (client, server) = tokio::io::duplex(BYTES_MAX);
    let service = service_fn(async |request| Ok::<_, Infallible>(front.handle(request).await));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(server), service).with_upgrades();
    let (said, _) = tokio::join!(exchange(client, piece, sent), connection);
    said
}

async fn exchange(client: DuplexStream, piece: usize, sent: &[u8]) -> Vec<u8> {
    let (mut from_hub, mut to_hub) = tokio::io::split(client);
    let send = async {
        let length = if piece == 0 { sent.len().max(1) } else { piece };
        for bytes in std::iter::once(HANDSHAKE).chain(sent.chunks(length)) {
            // A hub that closes may not take the rest.
            if to_hub.write_all(bytes).await.is_err() {
                return;
            }
        }
    };
    let read = async {
        let mut said = Vec::new();
        while let Ok(Ok(1..)) =
            tokio::time::timeout(Duration::from_secs(1), from_hub.read_buf(&mut said)).await
        {}
        said
    };
    let ((), said) = tokio::join!(send, read);
    let end = said.windows(4).position(|found| found == b"\r\n\r\n").expect("a head that ends");
    assert!(said.starts_with(b"HTTP/1.1 101 "), "the handshake is good");
    said[end + 4..].to_vec()
}

fn check_frames(mut said: &[u8], sent: &[u8]) {
    while let [first, second, rest @ ..] = said {
        let (length, rest) = match second {
            126 => (usize::from(u16::from_be_bytes([rest[0], rest[1]])), &rest[2..]),
            127 => (u64::from_be_bytes(rest[..8].try_into().expect("eight bytes")) as usize, &rest[8..]),
            length => (usize::from(*length), rest),
        };
        let (payload, rest) = rest.split_at_checked(length).expect("a frame that is whole and not masked");
        match first {
            0x81 => {
                let document: serde_json::Value = serde_json::from_slice(payload).expect("a message is JSON");
                assert!(document.is_object(), "{document}");
            }
            0x8a => assert!(payload.len() <= 125, "a pong of {} bytes", payload.len()),
            0x88 => {
                if let [high, low, reason @ ..] = payload {
                    let code = u16::from_be_bytes([*high, *low]);
                    let is_theirs = reason.is_empty() && !sent.is_empty();
                    assert!(is_theirs || CODES.contains(&code), "{code}");
                    assert!(std::str::from_utf8(reason).is_ok(), "a reason is text");
                }
                assert!(rest.is_empty(), "nothing comes behind a close");
            }
            first => panic!("a frame of the hub begins with {first:x}"),
        }
        said = rest;
    }
    assert!(said.is_empty(), "half a header");
}
