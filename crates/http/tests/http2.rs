//! HTTP/2: many streams on one connection, slow ones among them, and peers that are gone or going.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::time::Duration;

use support::scene::Scene;
use support::tls::{scene, scene_with, tls};
use support::{OPENING_LINES, expect_opening, opening, without_id};
use tidings_core::Limits;
use tidings_http::Verdict;
use tidings_testkit::certificate::Certificate;
use tidings_testkit::deadline::{until, within};
use tidings_testkit::http2::{Peer, Stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// Agrees on HTTP/2 and speaks it.
async fn peer(scene: &Scene, certificate: &Certificate) -> Peer {
    let stream = certificate.connect(scene.address, &["h2", "http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    Peer::over(stream).await
}

/// Subscribes to `a`, and reads the opening.
async fn subscribed(peer: &mut Peer) -> Stream {
    let mut stream = peer.get("/events/a", &[]).await;
    expect_opening(&mut stream, &opening(0)).await;
    stream
}

/// Events of `a` with these texts, from the first of the log on.
fn events(texts: &[String]) -> String {
    texts.iter().zip(1..).map(|(text, number)| format!("id: 1-{number}\ndata: {text}\n\n")).collect()
}

async fn publish(scene: &Scene, texts: &[String]) {
    scene.publish("a", &texts.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_and_a_stream_share_a_connection() {
    let (scene, certificate) = scene().await;
    let mut peer = peer(&scene, &certificate).await;

    let mut stream = subscribed(&mut peer).await;
    let mut published = peer.request("POST", "/events/a", &[], "x").await;

    assert_eq!(
        (published.head.status.as_u16(), published.rest().await.as_str()),
        (201, "{\"id\":\"1-1\"}\n")
    );
    stream.expect("id: 1-1\ndata: x\n\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_head_of_a_stream_is_that_of_http_1_without_headers_of_the_connection() {
    let (scene, certificate) = scene().await;
    let mut peer = peer(&scene, &certificate).await;

    let mut head = peer.get("/events/a", &[]).await.head;

    head.headers.remove("date").unwrap();
    let headers: Vec<_> =
        head.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    assert_eq!(head.status, 200);
    assert_eq!(
        headers,
        [
            "content-type: text/event-stream",
            "cache-control: no-cache, no-store, no-transform",
            "x-accel-buffering: no",
            "incremental: ?1",
            "x-content-type-options: nosniff",
            "cross-origin-resource-policy: same-origin",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_and_fifty_streams_on_one_connection_get_everything_in_order() {
    let (scene, certificate) = scene().await;
    let mut peer = peer(&scene, &certificate).await;
    assert_eq!(peer.requests_max(), 1_000);
    let mut streams = Vec::new();
    for _ in 0..250 {
        streams.push(subscribed(&mut peer).await);
    }
    let texts: Vec<_> = (0..100).map(|number| number.to_string()).collect();

    for text in &texts {
        scene.publish("a", &[text]).await;
    }

    for stream in &mut streams {
        stream.expect(&events(&texts)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_not_read_stops_no_other_and_catches_up() {
    // So small that the hub has to go back to its log for whoever stands still.
    let mut limits = Limits::default();
    limits.window_bytes_max = 100_000;
    let certificate = Certificate::new();
    let scene = Scene::with_limits(limits, |config| config.tls = Some(tls(&certificate))).await;
    let mut peer = peer(&scene, &certificate).await;
    let mut stalled = subscribed(&mut peer).await;
    let mut neighbour = subscribed(&mut peer).await;
    let texts: Vec<_> = (0..1_000).map(|number| format!("{number:x>1000}")).collect();

    publish(&scene, &texts).await;

    neighbour.expect(&events(&texts)).await;
    stalled.expect(&events(&texts)).await;
    scene.publish("a", &["both"]).await;
    for stream in [&mut neighbour, &mut stalled] {
        stream.expect("id: 1-1001\ndata: both\n\n").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_on_after_the_last_event_it_had() {
    let (scene, certificate) = scene().await;
    scene.publish("a", &["1", "2", "3"]).await;
    let mut peer = peer(&scene, &certificate).await;

    let mut stream = peer.get("/events/a", &[("last-event-id", "1-1")]).await;

    expect_opening(&mut stream, OPENING_LINES).await;
    stream.expect("id: 1-2\ndata: 2\n\nid: 1-3\ndata: 3\n\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_reset_leaves_the_others_alone_and_is_no_subscriber_any_more() {
    let (scene, certificate) = scene().await;
    let mut peer = peer(&scene, &certificate).await;
    let mut kept = subscribed(&mut peer).await;
    let reset = subscribed(&mut peer).await;

    drop(reset);

    until("one stream to be left", || scene.hub.roster().count() == 1).await;
    scene.publish("a", &["x"]).await;
    kept.expect("id: 1-1\ndata: x\n\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_answers_no_ping_is_dropped_with_its_streams() {
    let (scene, certificate) = scene_with(|config| {
        config.ping_interval = Duration::from_millis(50);
        config.ping_wait_max = Duration::from_millis(50);
    })
    .await;
    let mut stream = subscribed_by_hand(&scene, &certificate).await;

    let mut said = Vec::new();
    let _ = within("the end of the connection", stream.read_to_end(&mut said)).await;

    assert!(without_id(&String::from_utf8_lossy(&said)).contains(&opening(0)), "it was a subscriber");
    until("no stream to be left", || scene.hub.roster().count() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_answers_nothing_does_not_hold_up_the_end() {
    let (scene, certificate) = scene_with(|config| config.drain_window = Duration::from_millis(50)).await;
    let _subscriber = subscribed_by_hand(&scene, &certificate).await;
    until("the hub to have one stream", || scene.hub.roster().count() == 1).await;

    assert_eq!(scene.begin_end().verdict().await, Verdict::Drained);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_answers_pings_is_kept() {
    let (scene, certificate) = scene_with(|config| {
        config.ping_interval = Duration::from_millis(20);
        config.idle_wait_max = Duration::from_millis(20);
        config.head_wait_max = Duration::from_millis(1_000);
        config.heartbeat = Duration::from_millis(400);
    })
    .await;
    let mut peer = peer(&scene, &certificate).await;

    let mut stream = peer.get("/events/a", &[]).await;

    let opening = opening(0).replace("15000", "400");
    let expected = opening + ":\n:\n:\n";
    assert_eq!(without_id(&stream.take(expected.len()).await), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_with_nothing_open_is_sent_away() {
    let (scene, certificate) = scene_with(|config| {
        config.head_wait_max = Duration::from_secs(1);
        config.idle_wait_max = Duration::from_millis(50);
    })
    .await;
    let mut peer = peer(&scene, &certificate).await;

    assert_eq!(peer.get("/healthz", &[]).await.head.status, 200);

    assert!(peer.ended().await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_agrees_on_http_2_and_says_nothing_is_dropped() {
    let (scene, certificate) = scene_with(|config| config.head_wait_max = Duration::from_secs(1)).await;
    let mut silent = certificate.connect(scene.address, &["h2"]).await.unwrap();
    let mut rude = certificate.connect(scene.address, &["h2"]).await.unwrap();

    rude.write_all(&[b'x'; 100]).await.unwrap();

    for stream in [&mut silent, &mut rude] {
        let mut said = Vec::new();
        // Settings at the most; then the end, in good order or not.
        let _ = within("the end of the connection", stream.read_to_end(&mut said)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_beyond_the_limit_are_told_to_come_back() {
    let (scene, certificate) = scene_with(|config| config.connections_max = 2).await;
    let mut peer = peer(&scene, &certificate).await;
    let _first = subscribed(&mut peer).await;
    let second = subscribed(&mut peer).await;

    let mut third = peer.get("/events/a", &[]).await;

    assert_eq!(third.head.status, 200);
    let said = third.rest().await;
    assert!(said.starts_with("retry: "), "{said}");
    drop(second);
    until("the hub to have one stream", || scene.hub.roster().count() == 1).await;
    subscribed(&mut peer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_too_large_is_answered_like_any_other_refusal() {
    let (scene, certificate) = scene().await;
    let mut peer = peer(&scene, &certificate).await;
    let large = "x".repeat(70_000);
    for method in ["GET", "POST", "HEAD"] {
        let mut answer = peer.request(method, "/events/a", &[("x", &large)], "").await;
        let said = answer.rest().await;

        assert_eq!(answer.head.status, 431, "{method}: {said}");
        assert_eq!(answer.head.headers["x-content-type-options"], "nosniff", "{method}");
        assert_eq!(answer.head.headers["cross-origin-resource-policy"], "same-origin", "{method}");
        assert_eq!(said.contains("65536 bytes (head_bytes_max)"), method != "HEAD", "{method}: {said}");
    }
    assert_eq!(peer.get("/healthz", &[]).await.head.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_over_http_2_is_answered_beyond_the_limit_and_sent_away() {
    let (scene, certificate) = scene_with(|config| {
        config.connections_max = 1;
        config.connections_reserve = 1;
    })
    .await;
    let mut streams = Vec::new();
    for _ in 0..2 {
        // Each connection is busy with a publish whose body does not come, so none gives its place up.
        let mut peer = peer(&scene, &certificate).await;
        let open = peer.publish_open("/events/a", &[]).await;
        streams.push((peer, open));
    }

    for (method, path, status) in
        [("GET", "/events/a", 200), ("GET", "/healthz", 200), ("POST", "/events/a", 503), ("HEAD", "/", 503)]
    {
        let mut peer = Peer::over(certificate.connect(scene.address, &["h2"]).await.unwrap()).await;
        let mut answer = peer.request(method, path, &[], "").await;
        let head = answer.head.clone();
        let said = answer.rest().await;

        assert_eq!(head.status, status, "{method} {path}: {said}");
        assert_eq!(head.headers["x-content-type-options"], "nosniff", "{method} {path}");
        assert_eq!(said.contains("retry: "), path == "/events/a" && status == 200, "{said}");
        assert!(peer.ended().await.is_ok(), "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_sends_streams_away_and_closes() {
    let (scene, certificate) = scene_with(|config| config.drain_window = Duration::from_millis(50)).await;
    let mut peer = peer(&scene, &certificate).await;
    let mut streams = Vec::new();
    for _ in 0..10 {
        streams.push(subscribed(&mut peer).await);
    }

    let ended = scene.begin_end();

    for stream in &mut streams {
        let farewell = stream.rest().await;
        assert!(farewell.starts_with("retry: "), "{farewell:?}");
    }
    drop(streams);
    assert!(peer.ended().await.is_ok());
    assert_eq!(ended.verdict().await, Verdict::Drained);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_publisher_gets_its_answer_after_it_has_sent_its_body() {
    let (scene, certificate) = scene_with(|config| config.publish_key = Some("key".to_owned())).await;
    let mut peer = peer(&scene, &certificate).await;

    let mut refused = peer.request("POST", "/events/a", &[], "body").await;

    assert_eq!(refused.head.status, 401);
    assert!(refused.rest().await.contains("urn:tidings:problem:key-required"));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_the_hub_may_publish_and_those_of_others_may_not() {
    let (scene, certificate) = scene().await;
    let mut peer = peer(&scene, &certificate).await;

    let own = peer.request("POST", "/events/a", &[("origin", "https://localhost")], "x").await;
    let other = peer.request("POST", "/events/a", &[("origin", "https://evil.example")], "x").await;
    let downgraded = peer.request("POST", "/events/a", &[("origin", "http://localhost")], "x").await;

    assert_eq!([own, other, downgraded].map(|answer| answer.head.status.as_u16()), [201, 403, 403]);
}

/// Sends preface, settings and a request for a stream, and answers nothing.
async fn subscribed_by_hand(scene: &Scene, certificate: &Certificate) -> TlsStream<TcpStream> {
    let mut stream = certificate.connect(scene.address, &["h2"]).await.unwrap();
    // GET, https, /events/a, localhost.
    let request = b"\x00\x00\x18\x01\x05\x00\x00\x00\x01\x82\x87\x04\x09/events/a\x01\x09localhost";
    let hello = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".as_slice(), request].concat();
    stream.write_all(&hello).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_counts_with_its_length_until_it_is_published_or_its_request_is_reset() {
    let (scene, certificate) = scene().await;
    let mut peer = peer(&scene, &certificate).await;
    let length = [("content-length", "100000")];
    let (reset, mut body) = peer.publish_open("/events/a", &length).await;
    body.send_data("x".into(), false).unwrap();
    until("the body to be admitted", || scene.front.bodies_bytes() == 100_000).await;
    let (answer, mut other) = peer.publish_open("/events/a", &length).await;
    until("the other body to be admitted", || scene.front.bodies_bytes() == 200_000).await;

    drop((reset, body));
    until("the first to be given back", || scene.front.bodies_bytes() == 100_000).await;
    other.send_data("y".repeat(50_000).into(), false).unwrap();
    other.send_data("y".repeat(50_000).into(), true).unwrap();

    assert_eq!(within("the answer", answer).await.unwrap().status(), 201);
    until("the rest to be given back", || scene.front.bodies_bytes() == 0).await;
    assert_eq!(scene.log().await, [format!("a: {}", "y".repeat(100_000))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_with_another_length_than_it_said_is_not_published_and_gives_back_its_share() {
    let (scene, certificate) = scene().await;
    let mut peer = peer(&scene, &certificate).await;

    for (length, sent) in [("100000", "short"), ("5", "longer")] {
        let (answer, mut body) = peer.publish_open("/events/a", &[("content-length", length)]).await;
        body.send_data(sent.into(), true).unwrap();

        let _ = within("an answer or a reset", answer).await;
        until("the share to be given back", || scene.front.bodies_bytes() == 0).await;
    }

    assert_eq!(scene.log().await, [""; 0]);
}
