//! WebSockets: the handshake, what they carry, and every frame that no good client sends.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::UNSHARED;
use support::scene::Scene;
use support::tls::scene as secure_scene;
use support::websocket::{Came, HANDSHAKE, WebSocket, header, masked};
use tidings_http::Cors;

fn event(number: u64, topic: &str, data: &str) -> Value {
    let id = format!("1-{number}");
    let time = "1970-01-01T01:00:00.000Z";
    json!({ "id": id, "cursor": id, "topic": topic, "type": "message", "data": data, "time": time })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_handshake_is_answered_as_the_standard_says() {
    let scene = Scene::start().await;

    let plain = WebSocket::open(&scene, "/events/a", "").await;
    let offers =
        "sec-websocket-protocol: chat, tidings.v1\r\nsec-websocket-extensions: permessage-deflate\r\n";
    let offering = WebSocket::open(&scene, "/events/a", offers).await;

    let accept = "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    let head = |more: &str| {
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n{accept}{more}{UNSHARED}\r\n"
        )
    };
    assert_eq!(plain.head, head(""));
    assert_eq!(offering.head, head("sec-websocket-protocol: tidings.v1\r\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_is_none_is_refused() {
    let scene = Scene::start().await;
    let refused = async |target: &str, headers: String| {
        let answer = scene.get(target, &headers).await.answer().await;
        let status = answer.split(' ').nth(1).unwrap().to_owned();
        let kind = answer.split("urn:tidings:problem:").nth(1).unwrap().split('"').next().unwrap();
        (format!("{status} {kind}"), answer.clone())
    };
    let without =
        |line: &str| HANDSHAKE.split_inclusive("\r\n").filter(|one| !one.starts_with(line)).collect();

    let (version, answer) = refused("/events/a", without("sec-websocket-version")).await;
    assert_eq!(version, "426 websocket-version");
    assert!(answer.contains("\r\nsec-websocket-version: 13\r\n"), "{answer}");
    assert_eq!(refused("/events/a", HANDSHAKE.replace("13", "8")).await.0, "426 websocket-version");
    for headers in [
        without("sec-websocket-key"),
        HANDSHAKE.replace("dGhl", "x"),
        HANDSHAKE.replace("==", "=!"),
        format!("{HANDSHAKE}sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"),
    ] {
        assert_eq!(refused("/events/a", headers.clone()).await.0, "400 bad-handshake", "{headers}");
    }
    for (target, problem) in [
        ("/events/a?mode=poll", "400 bad-handshake"),
        ("/events/a?mod=poll", "400 unknown-parameter"),
        ("/events", "400 bad-topics"),
        ("/events/inbox/a", "403 reserved-topic"),
    ] {
        assert_eq!(refused(target, HANDSHAKE.to_owned()).await.0, problem, "{target}");
    }
}

/// A browser opens a WebSocket for any page, with the cookies of its user.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_origin_opens_no_socket_unless_it_is_allowed() {
    let app = Cors::Only(vec!["https://app.example".parse().unwrap()]);
    let scene = Scene::with(|config| config.cors = app).await;

    let foreign = format!("{HANDSHAKE}origin: https://evil.example\r\n");
    let answer = scene.get("/events/a", &foreign).await.answer().await;
    assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("origin-not-allowed"), "{answer}");
    for origin in ["https://app.example", "http://localhost"] {
        let mut socket = WebSocket::open(&scene, "/events/a", &format!("origin: {origin}\r\n")).await;
        assert_eq!(socket.json().await["cursor"], "1-0", "{origin}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_tells_its_place_first_and_then_what_was_and_what_is_published() {
    let scene = Scene::start().await;
    scene.publish("a", &["old"]).await;

    let mut socket = WebSocket::open(&scene, "/events?topic=a&topic=b&since=earliest", "").await;

    let first = socket.json().await;
    assert_eq!(
        (&first["heartbeat_ms"], &first["time"]),
        (&json!(15_000), &json!("1970-01-01T01:00:00.000Z"))
    );
    assert!(first["connection"].is_string() && first.get("gap").is_none(), "{first}");
    assert_eq!(socket.json().await, event(1, "a", "old"));
    let large = "x".repeat(300_000);
    scene.publish("b", &["two\nlines \"\u{2028}", &large, "behind"]).await;
    assert_eq!(socket.json().await, event(2, "b", "two\nlines \"\u{2028}"));
    assert_eq!(socket.json().await, event(3, "b", &large));
    assert_eq!(socket.json().await, event(4, "b", "behind"));
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_it_is_the_same() {
    let (scene, certificate) = secure_scene().await;
    scene.publish("a", &["old"]).await;
    let mut wire = certificate.wire(scene.address).await;
    wire.send(format!("GET /events/a?last=1 HTTP/1.1\r\nhost: localhost\r\n{HANDSHAKE}\r\n")).await;

    let mut socket = WebSocket::over(wire).await;

    assert!(socket.json().await["connection"].is_string());
    assert_eq!(socket.json().await, event(1, "a", "old"));
    let published = socket.ask(&json!({ "publish": { "topic": "b", "data": "x" } })).await;
    assert_eq!(published, json!({ "published": { "id": "1-2" } }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_comes_back_with_an_id_goes_on_behind_it_and_a_gap_comes_with_the_first_place() {
    let scene = Scene::start().await;
    scene.publish("a", &["1", "2", "3"]).await;

    let mut resumed = WebSocket::opened(&scene, "/events/a?last_event_id=1-1").await;
    assert_eq!(resumed.json().await, event(2, "a", "2"));
    assert_eq!(resumed.json().await, event(3, "a", "3"));

    let mut lost = WebSocket::open(&scene, "/events/a?last_event_id=x&on_gap=latest", "").await;
    let first = lost.json().await;
    assert_eq!(first["cursor"], "1-3");
    assert_eq!(first["gap"], json!({ "requested": "x", "reason": "unknown", "resumes_after": "1-3" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn heartbeats_tell_the_place_and_a_ping_is_answered_with_what_it_brought() {
    let scene = Scene::with(|config| config.heartbeat = Duration::from_millis(200)).await;
    let mut socket = WebSocket::opened(&scene, "/events/a").await;

    socket.wire.send(masked(0x89, b"are you there")).await;
    while socket.next().await != Came::Pong(b"are you there".to_vec()) {}
    scene.publish("elsewhere", &["x"]).await;
    while socket.json().await != json!({ "cursor": "1-1", "heartbeat_ms": 200 }) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_is_listed_as_one_and_is_gone_when_its_client_closes_it() {
    let scene = Scene::start().await;
    let mut socket = WebSocket::opened(&scene, "/events/a").await;
    assert_eq!(scene.hub.roster().count(), 1);

    socket.wire.send(masked(0x88, b"\x03\xe8bye")).await;

    assert_eq!(socket.next().await, Came::Close(Some(1_000), String::new()));
    assert!(socket.wire.is_closed().await);
    assert_eq!(scene.hub.roster().count(), 0);
}

/// Each of them is one that the hub cuts off, with the code that says why.
#[tokio::test(flavor = "multi_thread")]
async fn each_hostile_frame_has_its_close_code() {
    let scene = Scene::start().await;
    let message_max = scene.hub.limits().event_bytes_max + 131_072;
    let huge = header(0x81, 16_777_216);
    let fragments = [masked(0x01, &vec![b'x'; message_max]), masked(0x00, b"x")].concat();
    for (name, bytes, code) in [
        ("a frame that is not masked", b"\x81\x02{}".to_vec(), 1_002),
        ("a reserved bit", masked(0xc1, b"{}"), 1_002),
        ("a reserved opcode", masked(0x83, b"{}"), 1_002),
        ("a reserved control opcode", masked(0x8b, b""), 1_002),
        ("a ping of 126 bytes", masked(0x89, &[b'x'; 126]), 1_002),
        ("a ping in fragments", masked(0x09, b"x"), 1_002),
        ("a fragment without a beginning", masked(0x80, b"x"), 1_002),
        ("a beginning inside a message", [masked(0x01, b"x"), masked(0x81, b"y")].concat(), 1_002),
        ("a close of one byte", masked(0x88, b"\x03"), 1_002),
        ("a close with 1006", masked(0x88, b"\x03\xee"), 1_002),
        ("binary", masked(0x82, b"{}"), 1_003),
        ("no UTF-8", masked(0x81, b"\"\xff\""), 1_007),
        ("16 MiB", [huge, vec![0; 4]].concat(), 1_009),
        ("fragments that are too much", fragments, 1_009),
        ("empty fragments without end", [masked(0x01, b""), masked(0x00, b"").repeat(3_000)].concat(), 4_101),
        ("pings without end", masked(0x89, b"").repeat(3_000), 4_101),
        ("subscriptions without end", masked(0x81, br#"{"subscribe":["a"]}"#).repeat(3_000), 4_101),
    ] {
        let mut socket = WebSocket::opened(&scene, "/events/a").await;

        socket.wire.send(bytes).await;

        assert_eq!(socket.close_code().await, Some(code), "{name}");
    }
    // Nobody else has noticed.
    let mut socket = WebSocket::opened(&scene, "/events/a").await;
    scene.publish("a", &["1"]).await;
    assert_eq!(socket.json().await, event(1, "a", "1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_end_of_the_hub_a_socket_is_told_when_to_come_back() {
    let scene = Scene::start().await;
    scene.publish("a", &["1"]).await;
    let mut socket = WebSocket::opened(&scene, "/events/a").await;

    let ending = scene.begin_end();

    let last = socket.json().await;
    assert!(last["cursor"] == "1-1" && last["retry_ms"].as_u64().is_some(), "{last}");
    assert_eq!(socket.next().await, Came::Close(Some(4_000), "drain".to_owned()));
    drop(socket);
    ending.verdict().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_never_closes_is_cut_off_after_a_time() {
    let scene = Scene::start().await;
    let mut socket = WebSocket::opened(&scene, "/events/a").await;

    let ending = scene.begin_end();

    assert_eq!(socket.close_code().await, Some(4_000));
    // Without a close of its own: the hub ends all the same.
    ending.verdict().await;
    assert!(socket.wire.is_closed().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_is_cut_off_and_keeps_nobody_from_publishing() {
    let scene = Scene::with(|config| config.write_wait_max = Duration::from_millis(200)).await;
    let socket = WebSocket::opened(&scene, "/events/a").await;

    let large = "x".repeat(1_000_000);
    while scene.hub.roster().count() > 0 {
        scene.publish("a", &[&large]).await;
    }

    drop(socket);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_room_for_a_stream_the_handshake_is_refused() {
    let scene = Scene::with(|config| config.connections_max = 1).await;
    let _first = WebSocket::opened(&scene, "/events/a").await;

    let answer = scene.get("/events/a", HANDSHAKE).await.answer().await;

    assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{answer}");
    assert!(answer.contains("\r\nretry-after: ") && answer.contains("too-many-connections"), "{answer}");
}
