//! WebSockets whose messages are compressed: `permessage-deflate`, RFC 7692.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use serde_json::{Value, json};
use support::scene::Scene;
use support::tls::scene_with as secure_scene_with;
use support::websocket::{Came, HANDSHAKE, WebSocket, deflated, inflated, masked};
use tidings_core::{Dismissal, Topic, Whom};
use tidings_http::HttpConfig;

const OFFER: &str = "sec-websocket-extensions: permessage-deflate; client_max_window_bits\r\n";

/// Larger than what a lane or a task compresses by itself.
const LARGE: usize = 300_000;

fn compressing(config: &mut HttpConfig) {
    config.compression = true;
}

async fn opened(scene: &Scene, target: &str) -> WebSocket {
    let mut socket = WebSocket::open(scene, target, OFFER).await;
    assert!(socket.json().await["connection"].is_string());
    socket
}

/// A message of the hub, and its first byte and length on the wire.
async fn message(socket: &mut WebSocket) -> (Value, u8, usize) {
    let (first, payload) = socket.frame().await;
    let length = payload.len();
    let text = if first == 0xc1 { inflated(payload) } else { payload };
    (serde_json::from_slice(&text).unwrap(), first, length)
}

/// A frame of a client, compressed.
fn compressed(first: u8, text: &[u8]) -> Vec<u8> {
    masked(first, &deflated(text))
}

fn text(len: usize) -> String {
    let mut text: String = (0..len / 4).map(|word| format!("word {word}, ")).collect();
    text.truncate(len);
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_agreed_on_where_the_operator_and_the_client_want_it() {
    let agreed = "sec-websocket-extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n";
    let (on, off) = (Scene::with(compressing).await, Scene::start().await);

    assert!(WebSocket::open(&on, "/events/a", OFFER).await.head.contains(agreed));
    assert!(!WebSocket::open(&on, "/events/a", "").await.head.contains("extensions"));
    assert!(!WebSocket::open(&off, "/events/a", OFFER).await.head.contains("extensions"));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_compressed_and_all_else_is_not_in_a_lane_and_over_tls() {
    let plain = Scene::with(compressing).await;
    let (secure, certificate) = secure_scene_with(compressing).await;
    let mut wire = certificate.wire(secure.address).await;
    wire.send(format!("GET /events/a HTTP/1.1\r\nhost: localhost\r\n{HANDSHAKE}{OFFER}\r\n")).await;
    let mut over_tls = WebSocket::over(wire).await;
    assert!(over_tls.json().await["connection"].is_string());
    let in_lane = opened(&plain, "/events/a").await;

    for (scene, mut socket) in [(plain, in_lane), (secure, over_tls)] {
        let texts = ["x".to_owned(), text(1_900), text(LARGE), text(1_900)];
        scene.publish("a", &texts.each_ref().map(String::as_str)).await;
        let mut firsts = Vec::new();
        for expected in &texts {
            let (event, first, length) = message(&mut socket).await;
            assert_eq!(event["data"], **expected);
            assert!(first == 0x81 || length < expected.len() / 3, "{length}");
            firsts.push(first);
        }
        assert_eq!(firsts, [0x81, 0xc1, 0xc1, 0xc1]);
        // The client wakes it, and it goes on as it was.
        assert_eq!(socket.ask(&json!({ "subscribe": ["b"], "ref": 1 })).await["ok"], json!(["a", "b"]));
        scene.publish("b", &[&text(500)]).await;
        assert_eq!(message(&mut socket).await.1, 0xc1);
        scene.hub.roster().dismiss(&Whom::Topic(Topic::parse("b").unwrap()), Dismissal::ByOperator).await;
        assert_eq!(socket.close_code().await, Some(4_004));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_is_compressed_as_well() {
    let scene = Scene::with(compressing).await;
    scene.publish("a", &[&text(700), &text(LARGE)]).await;

    let mut socket = opened(&scene, "/events/a?since=earliest").await;

    assert_eq!(message(&mut socket).await.0["data"], text(700));
    let (large, first, _) = message(&mut socket).await;
    assert_eq!((large["data"].as_str().unwrap().len(), first), (LARGE, 0xc1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_may_compress_what_it_says_whole_or_in_fragments() {
    let scene = Scene::with(compressing).await;
    let mut socket = opened(&scene, "/events/a").await;
    let word = |number: u64| json!({ "unsubscribe": ["x"], "ref": number }).to_string();

    socket.wire.send(compressed(0xc1, word(1).as_bytes())).await;
    assert_eq!(socket.json().await["ref"], 1);
    // Not each message is compressed.
    socket.wire.send(masked(0x81, word(2).as_bytes())).await;
    assert_eq!(socket.json().await["ref"], 2);
    let whole = compressed(0xc1, word(3).as_bytes());
    let payload: Vec<_> =
        whole[6..].iter().enumerate().map(|(at, byte)| byte ^ whole[2 + (at & 3)]).collect();
    let (one, two) = payload.split_at(5);
    for frame in [masked(0x41, one), masked(0x89, b"ping"), masked(0x80, two)] {
        socket.wire.send(frame).await;
    }
    assert_eq!(socket.next().await, Came::Pong(b"ping".to_vec()));
    assert_eq!(socket.json().await["ref"], 3);
    let publish = json!({ "publish": { "topic": "a", "data": text(50_000) }, "ref": 4 }).to_string();
    socket.wire.send(compressed(0xc1, publish.as_bytes())).await;
    let answers = [message(&mut socket).await.0, message(&mut socket).await.0];
    assert!(answers.iter().any(|answer| answer["ref"] == 4), "{answers:?}");
    assert!(answers.iter().any(|answer| answer["data"] == text(50_000)), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_of_a_compressed_message_has_its_code() {
    let scene = Scene::with(compressing).await;
    let zeros = vec![b' '; 50_000_000];

    for (name, frames, code) in [
        ("a bomb", vec![compressed(0xc1, &zeros)], 1_009),
        ("what is not compressed", vec![masked(0xc1, b"\xff\xff")], 1_007),
        ("no UTF-8", vec![compressed(0xc1, b"\"\xff\"")], 1_007),
        ("a binary message", vec![compressed(0xc2, b"x")], 1_003),
        ("a ping", vec![masked(0xc9, b"x")], 1_002),
        ("a later fragment", vec![masked(0x01, b"x"), masked(0xc0, b"y")], 1_002),
        ("another reserved bit", vec![masked(0xa1, b"x")], 1_002),
    ] {
        let mut socket = opened(&scene, "/events/a").await;
        for frame in frames {
            socket.wire.send(frame).await;
        }
        assert_eq!(socket.close_code().await, Some(code), "{name}");
    }
    let mut plain = WebSocket::opened(&scene, "/events/a").await;
    plain.wire.send(compressed(0xc1, b"{}")).await;
    assert_eq!(plain.close_code().await, Some(1_002), "nothing was agreed on");
}
