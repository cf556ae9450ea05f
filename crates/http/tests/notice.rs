//! The notice before the drain, over every protocol of our own server.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::time::Duration;

use support::scene::{Ending, Scene};
use support::tls::scene_with;
use support::{created, expect_opening, opening, unspread};
use tidings_http::{Front, HttpConfig, Verdict};
use tidings_testkit::deadline::until;
use tidings_testkit::http2::Peer;
use tidings_testkit::wire::Wire;

const GET: &str = "GET /events/a HTTP/1.1\r\nhost: localhost\r\n\r\n";
const READY: &str = "GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n";
const POST: &str = "POST /events/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\n\r\nx";

/// Longer than any test.
fn long(config: &mut HttpConfig) {
    config.drain_notice = Duration::from_secs(600);
    config.drain_wait_max = Duration::from_secs(1_200);
    config.drain_window = Duration::from_millis(50);
}

/// Asks the hub to end, and waits until it has given notice.
async fn give_notice(scene: Scene) -> (Front, Ending) {
    let front = scene.front.clone();
    let ending = scene.begin_end();
    until("the hub to give notice", || front.is_giving_notice()).await;
    (front, ending)
}

/// What a new connection is answered, from the status to the end of the connection.
async fn asked(mut wire: Wire, request: &str) -> String {
    wire.send(request).await;
    wire.rest().await
}

/// What is true over HTTP/1, with TLS and without.
async fn check(scene: Scene, connect: impl AsyncFn() -> Wire) {
    let mut stream = connect().await;
    stream.send(GET).await;
    stream.head().await;
    assert_eq!(unspread(&stream.chunk().await), opening(0));
    let mut idle = connect().await;
    idle.send(READY).await;
    assert!(idle.answer().await.ends_with("ready\n"));

    let (front, ending) = give_notice(scene).await;

    assert!(asked(connect().await, READY).await.starts_with("HTTP/1.1 503 "));
    let closing = created(1).replace("content-length", "connection: close\r\ncontent-length");
    idle.send(POST).await;
    assert_eq!(idle.rest().await, closing);
    assert_eq!(stream.chunk().await, "id: 1-1\ndata: x\n\n");
    let late = asked(connect().await, GET).await;
    let (head, body) = late.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && body.starts_with("retry: "), "{late}");

    front.begin_drain();

    assert!(stream.chunk().await.starts_with("retry: "));
    assert_eq!(ending.verdict().await, Verdict::Drained);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_its_notice_the_hub_answers_and_streams_go_on() {
    let scene = Scene::with(long).await;
    let address = scene.address;

    check(scene, async || Wire::open(address).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_its_notice_the_hub_answers_over_tls() {
    let (scene, certificate) = scene_with(long).await;
    let address = scene.address;

    check(scene, async || certificate.wire(address).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_its_notice_the_hub_answers_over_http_2_and_closes_at_the_drain() {
    let (scene, certificate) = scene_with(long).await;
    let mut peer = Peer::over(certificate.connect(scene.address, &["h2"]).await.unwrap()).await;
    let mut stream = peer.get("/events/a", &[]).await;
    expect_opening(&mut stream, &opening(0)).await;
    assert_eq!(peer.get("/readyz", &[]).await.head.status, 200);

    let (front, ending) = give_notice(scene).await;

    assert_eq!(peer.get("/readyz", &[]).await.head.status, 503);
    assert_eq!(peer.request("POST", "/events/a", &[], "x").await.head.status, 201);
    stream.expect("id: 1-1\ndata: x\n\n").await;
    assert!(peer.get("/events/a", &[]).await.rest().await.starts_with("retry: "));

    front.begin_drain();

    assert!(stream.rest().await.starts_with("retry: "));
    drop(stream);
    assert!(peer.ended().await.is_ok());
    assert_eq!(ending.verdict().await, Verdict::Drained);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_whose_readiness_nobody_asked_for_drains_at_once() {
    let scene = Scene::with(long).await;
    let mut stream = scene.stream("/events/a").await;

    let ending = scene.begin_end();

    assert!(stream.wire.chunk().await.starts_with("retry: "));
    assert_eq!(ending.verdict().await, Verdict::Drained);
}
