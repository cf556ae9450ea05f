//! WebSocket over HTTP/2, RFC 8441: the same sockets, many on one connection.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use serde_json::json;
use support::scene::Scene;
use support::tls::{scene, scene_with};
use support::websocket::{Came, WebSocket, masked};
use tidings_http::{Cors, Verdict};
use tidings_testkit::certificate::Certificate;
use tidings_testkit::http2::Peer;
use tidings_testkit::wire::Wire;

const VERSION: (&str, &str) = ("sec-websocket-version", "13");

async fn peer(scene: &Scene, certificate: &Certificate) -> Peer {
    let stream = certificate.connect(scene.address, &["h2"]).await.unwrap();
    let peer = Peer::over(stream).await;
    assert!(peer.takes_protocols(), "SETTINGS_ENABLE_CONNECT_PROTOCOL");
    peer
}

/// Opens a socket, and reads its first message.
async fn opened(peer: &mut Peer, target: &str) -> WebSocket {
    let Ok((stream, head)) = peer.tunnel("websocket", target, &[VERSION]).await else {
        panic!("{target} is refused")
    };
    assert_eq!(head.status, 200);
    let mut socket = WebSocket { wire: Wire::over(stream), head: String::new() };
    let first = socket.json().await;
    assert!(first["cursor"].is_string() && first["connection"].is_string(), "{first}");
    socket
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_share_a_connection_with_streams_and_publishes() {
    let (scene, certificate) = scene().await;
    let mut peer = peer(&scene, &certificate).await;
    let mut one = opened(&mut peer, "/events/a").await;
    let mut two = opened(&mut peer, "/events?topic=a&topic=b").await;
    let mut stream = peer.get("/events/a?opening=none", &[]).await;
    assert_eq!(scene.hub.roster().count(), 3);

    let answer = one.ask(&json!({ "subscribe": ["c"], "ref": 1 })).await;
    assert_eq!((&answer["ok"], &answer["ref"]), (&json!(["a", "c"]), &json!(1)));
    let answer = two.ask(&json!({ "publish": { "topic": "c", "data": "x" } })).await;
    assert_eq!(answer, json!({ "published": { "id": "1-1" } }));
    assert_eq!(one.json().await["data"], "x");
    scene.publish("a", &["y"]).await;
    assert_eq!(one.json().await["data"], "y");
    assert_eq!(two.json().await["data"], "y");
    let text = stream.take(47).await;
    assert!(text.ends_with("id: 1-2\ndata: y\n\n"), "{text}");

    // The end of one is not the end of the others.
    one.wire.send(masked(0x88, b"\x03\xe8")).await;
    assert_eq!(one.next().await, Came::Close(Some(1_000), String::new()));
    assert!(one.wire.is_closed().await);
    scene.publish("b", &["z"]).await;
    assert_eq!(two.json().await["data"], "z");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_has_no_header_of_http_1() {
    let (scene, certificate) = scene().await;
    let mut peer = peer(&scene, &certificate).await;

    let offer = ("sec-websocket-protocol", "chat, tidings.v1");
    let (_stream, head) = peer.tunnel("websocket", "/events/a", &[VERSION, offer]).await.ok().unwrap();

    let names: Vec<_> =
        head.headers.keys().map(|name| name.as_str()).filter(|name| *name != "date").collect();
    let expected = ["sec-websocket-protocol", "x-content-type-options", "cross-origin-resource-policy"];
    assert_eq!(names, expected);
    assert_eq!(head.headers["sec-websocket-protocol"], "tidings.v1");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_has_the_status_that_it_has_over_http_1() {
    let app = Cors::Only(vec!["https://app.example".parse().unwrap()]);
    let (scene, certificate) = scene_with(|config| config.cors = app).await;
    let mut peer = peer(&scene, &certificate).await;
    let evil = ("origin", "https://evil.example");
    for (protocol, target, headers, expected) in [
        ("websocket", "/events/a", &[][..], "426 websocket-version"),
        ("websocket", "/events/a", &[("sec-websocket-version", "8")], "426 websocket-version"),
        ("websocket", "/events/a", &[VERSION, evil], "403 origin-not-allowed"),
        ("websocket", "/events/inbox/a", &[VERSION], "403 reserved-topic"),
        ("websocket", "/events/a?mode=poll", &[VERSION], "400 bad-handshake"),
        ("websocket", "/nowhere", &[VERSION], "404 not-found"),
        ("websocket", "/healthz", &[VERSION], "405 method-not-allowed"),
        ("connect-udp", "/events/a", &[VERSION], "405 method-not-allowed"),
    ] {
        let answer = match peer.tunnel(protocol, target, headers).await {
            Ok((_, head)) => head.status.as_u16().to_string(),
            Err(mut refused) => {
                let text = refused.rest().await;
                let kind = text.split("urn:tidings:problem:").nth(1).unwrap().split('"').next().unwrap();
                format!("{} {kind}", refused.head.status.as_u16())
            }
        };
        assert_eq!(answer, expected, "{protocol} {target} {headers:?}");
    }
    let app = ("origin", "https://app.example");
    assert!(peer.tunnel("websocket", "/events/a", &[VERSION, app]).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_end_of_the_hub_each_socket_is_told_when_to_come_back() {
    let (scene, certificate) = scene().await;
    let mut peer = peer(&scene, &certificate).await;
    let mut socket = opened(&mut peer, "/events/a").await;

    let ending = scene.begin_end();

    assert!(socket.json().await["retry_ms"].is_number());
    assert_eq!(socket.next().await, Came::Close(Some(4_000), "drain".to_owned()));
    socket.wire.send(masked(0x88, b"\x0f\xa0")).await;
    assert!(socket.wire.is_closed().await);
    assert!(matches!(ending.verdict().await, Verdict::Drained));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_closes_one_socket_and_large_messages_come_whole() {
    let (scene, certificate) = scene().await;
    let mut peer = peer(&scene, &certificate).await;
    let mut bad = opened(&mut peer, "/events/a").await;
    let mut good = opened(&mut peer, "/events/a").await;

    bad.wire.send(b"\x81\x01x").await;
    assert_eq!(bad.close_code().await, Some(1_002));

    let data = "x".repeat(900_000);
    good.say(&json!({ "publish": { "topic": "a", "data": data } })).await;
    let mut came = [good.json().await, good.json().await];
    came.sort_by_key(|word| word.get("published").is_none());
    assert_eq!(came[0], json!({ "published": { "id": "1-1" } }));
    assert_eq!(came[1]["data"].as_str().unwrap().len(), data.len());
}

/// A client that goes without a close is gone, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_ends_takes_its_sockets_with_it() {
    let (scene, certificate) = scene().await;
    let mut peer = peer(&scene, &certificate).await;
    let socket = opened(&mut peer, "/events/a").await;

    drop((socket, peer));

    while scene.hub.roster().count() > 0 {
        tokio::task::yield_now().await;
    }
}
