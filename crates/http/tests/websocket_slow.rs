//! WebSockets whose clients send slowly, over a connection in memory, so that the time of the hub can stand still.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use support::websocket::{HANDSHAKE, masked};
use tidings_core::contract::ManualClock;
use tidings_core::memory::MemoryRetention;
use tidings_core::{Epoch, Hub, Limits, MemoryStore};
use tidings_http::{Front, HttpConfig, Pages};
use tidings_testkit::deadline::within_an_hour;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::sleep;

const WAIT: Duration = Duration::from_secs(8);

/// A socket whose handshake is answered.
async fn opened() -> DuplexStream {
    let clock = ManualClock::at(0);
    let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
    let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
    let mut config = HttpConfig::default();
    config.body_wait_max = WAIT;
    let front = Front::new(hub, config, Pages::default(), clock);
    let (mut client, server) = duplex(64 * 1_024);
    let service = service_fn(move |request| {
        let front = front.clone();
        async move { Ok::<_, std::convert::Infallible>(front.handle(request).await) }
    });
    tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(server), service).with_upgrades());
    client
        .write_all(format!("GET /events/a HTTP/1.1\r\nhost: localhost\r\n{HANDSHAKE}\r\n").as_bytes())
        .await
        .unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(within_an_hour("the answer", client.read_u8()).await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
    client
}

/// The first byte of the next frame, and its payload.
async fn frame(client: &mut DuplexStream) -> (u8, Vec<u8>) {
    let mut read = async || {
        let first = client.read_u8().await?;
        let length = match client.read_u8().await? {
            126 => client.read_u16().await?.into(),
            length => usize::from(length),
        };
        let mut payload = vec![0; length];
        client.read_exact(&mut payload).await.map(|_| (first, payload))
    };
    within_an_hour("a frame", read()).await.unwrap()
}

/// What the hub answers next; the code if it closes. Heartbeats and places are passed over.
async fn answer(client: &mut DuplexStream) -> Result<Value, u16> {
    loop {
        let (first, payload) = frame(client).await;
        if first == 0x88 {
            return Err(u16::from_be_bytes([payload[0], payload[1]]));
        }
        let word: Value = serde_json::from_slice(&payload).unwrap();
        if word.get("cursor").is_none() {
            return Ok(word);
        }
    }
}

fn halves() -> (Vec<u8>, Vec<u8>) {
    let word = json!({ "publish": { "topic": "b", "data": "x" } });
    let mut one = masked(0x81, word.to_string().as_bytes());
    let two = one.split_off(one.len() / 2);
    (one, two)
}

/// A client that is never between two messages is not slow.
#[tokio::test(start_paused = true)]
async fn each_message_has_a_time_of_its_own() {
    let mut client = opened().await;
    let (one, two) = halves();
    client.write_all(&one).await.unwrap();

    for _ in 0..8 {
        sleep(WAIT * 3 / 4).await;
        client.write_all(&[&two[..], &one].concat()).await.unwrap();
        let answer = answer(&mut client).await.unwrap();
        assert!(answer["published"]["id"].is_string(), "{answer}");
    }
}

/// However often something comes of it.
#[tokio::test(start_paused = true)]
async fn a_message_that_is_not_whole_in_its_time_closes_the_socket() {
    let mut client = opened().await;
    let (one, two) = halves();
    client.write_all(&one).await.unwrap();
    for byte in &two[..two.len() - 1] {
        sleep(WAIT / two.len() as u32).await;
        client.write_all(&[*byte]).await.unwrap();
    }
    sleep(WAIT).await;

    assert_eq!(answer(&mut client).await, Err(4_006));
}
