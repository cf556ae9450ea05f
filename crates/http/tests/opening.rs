//! The opening of a stream: which block its first lines belong to, over every way that carries streams.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use support::scene::{Scene, Stream};
use support::tls::scene as secure_scene;
use support::{OPENING_LINES, expect_opening, opening, stream_head};
use tidings_testkit::certificate::Certificate;
use tidings_testkit::http2::Peer;

/// The stream of a request, read as far as its head.
async fn stream(scene: &Scene, target: &str) -> Stream {
    let mut wire = scene.get(target, "accept: text/event-stream\r\n").await;
    assert_eq!(wire.head().await, stream_head(""));
    Stream::of(wire).await
}

/// The same over TLS, where no lane carries it.
async fn stream_over_tls(scene: &Scene, certificate: &Certificate, target: &str) -> Stream {
    let mut wire = certificate.wire(scene.address).await;
    wire.send(format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n")).await;
    assert_eq!(wire.head().await, stream_head(""));
    Stream::of(wire).await
}

/// What opens a stream that has been passed over all events up to one of them.
fn open(number: u64) -> String {
    opening(number).strip_prefix(OPENING_LINES).unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_without_backlog_tells_its_place_as_an_event_with_json_and_then_what_is_published() {
    let scene = Scene::start().await;
    scene.publish("other", &["1"]).await;

    for (target, headers) in [("/events/a", ""), ("/events/a", "last-event-id: 1-1\r\n")] {
        let mut wire = scene.get(target, headers).await;
        wire.head().await;
        assert_eq!(Stream::of(wire).await.opening, opening(1), "{headers:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_event_of_a_backlog_joins_the_first_lines() {
    let scene = Scene::start().await;
    scene.publish("a", &["1", "2"]).await;

    let mut plain = stream(&scene, "/events/a?last=1").await;
    let mut labelled = stream(&scene, "/events?topic=a&topic=b&since=earliest").await;

    assert_eq!([&plain.opening, &labelled.opening], [OPENING_LINES; 2]);
    plain.expect_events("id: 1-2\ndata: 2\n\n").await;
    labelled.expect_events("topic: a\nid: 1-1\ndata: 1\n\ntopic: a\nid: 1-2\ndata: 2\n\n").await;
    scene.publish("a", &["3"]).await;
    plain.expect_events("id: 1-3\ndata: 3\n\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_the_past_has_nothing_for_tells_its_place_when_it_has_looked() {
    let scene = Scene::start().await;
    scene.publish("other", &["1", "2", "3"]).await;

    let mut stream = stream(&scene, "/events/a?since=earliest").await;

    assert_eq!(stream.opening, OPENING_LINES);
    stream.expect_events(&open(3)).await;
    scene.publish("a", &["x"]).await;
    stream.expect_events("id: 1-4\ndata: x\n\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_and_http_2_the_opening_is_the_same() {
    let (scene, certificate) = secure_scene().await;
    let mut peer = Peer::over(certificate.connect(scene.address, &["h2"]).await.unwrap()).await;
    scene.publish("other", &["1", "2"]).await;
    scene.publish("b", &["3"]).await;

    let mut carried = stream_over_tls(&scene, &certificate, "/events/a?since=earliest").await;
    assert_eq!(carried.opening, OPENING_LINES);
    carried.expect_events(&open(3)).await;
    assert_eq!(stream_over_tls(&scene, &certificate, "/events/a").await.opening, opening(3));
    let mut with_backlog = stream_over_tls(&scene, &certificate, "/events/b?since=earliest").await;
    with_backlog.expect_events("id: 1-3\ndata: 3\n\n").await;

    let mut multiplexed = peer.get("/events/a?since=earliest", &[]).await;
    expect_opening(&mut multiplexed, &opening(3)).await;
    let mut with_backlog = peer.get("/events/b?since=earliest", &[]).await;
    expect_opening(&mut with_backlog, OPENING_LINES).await;
    with_backlog.expect("id: 1-3\ndata: 3\n\n").await;
    scene.publish("b", &["4"]).await;
    with_backlog.expect("id: 1-4\ndata: 4\n\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_chooses_a_block_without_data_or_none_in_place_of_the_event() {
    let (scene, certificate) = secure_scene().await;
    scene.publish("other", &["1"]).await;

    for (opening, block) in [("id", "id: 1-1\n\n"), ("none", "")] {
        let at_head = format!("/events/{opening}?opening={opening}");
        let looked = format!("/events/{opening}?opening={opening}&since=earliest");
        let mut stream = stream_over_tls(&scene, &certificate, &at_head).await;
        assert_eq!(stream.opening, OPENING_LINES.to_owned() + block);
        let mut behind = stream_over_tls(&scene, &certificate, &looked).await;
        assert_eq!(behind.opening, OPENING_LINES);
        behind.expect_events(block).await;

        scene.publish(opening, &["x"]).await;
        let event = format!("id: {}\ndata: x\n\n", scene.hub.bounds().head);
        stream.expect_events(&event).await;
        behind.expect_events(&event).await;
    }
}

/// After a crash all clients come back after the delay that they were told here.
#[tokio::test(flavor = "multi_thread")]
async fn each_stream_is_told_another_delay_from_once_to_twice_the_usual_one() {
    let scene = Scene::with(|config| config.retry = std::time::Duration::from_secs(4)).await;
    let mut delays = Vec::new();

    for _ in 0..50 {
        let mut wire = scene.get("/events/a", "").await;
        wire.head().await;
        let opening = wire.chunk().await;
        let line = opening.lines().find_map(|line| line.strip_prefix("retry: "));
        delays.push(line.unwrap().parse::<u64>().unwrap());
    }

    assert!(delays.iter().all(|delay| (4_000..=8_000).contains(delay)), "{delays:?}");
    for fifth in 0..5 {
        let (from, to) = (4_000 + fifth * 800, 4_800 + fifth * 800);
        assert!(
            delays.iter().any(|delay| (from..to).contains(delay)),
            "none between {from} and {to}: {delays:?}"
        );
    }
}
