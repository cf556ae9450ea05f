//! Connections: what the server does with clients that are slow, rude, many, or in the way of its end.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::io::ErrorKind;
use std::time::Duration;

use support::meter::Meter;
use support::scene::{Scene, Stream};
use support::{created, opening, stream_head, unspread};
use tidings_core::Limits;
use tidings_http::Verdict;
use tidings_testkit::deadline::within;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

const POST: &str = "POST /events/a HTTP/1.1\r\nhost: h\r\ncontent-length: 1\r\n\r\nx";

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_kept_for_more_requests_and_takes_them_in_a_row() {
    let scene = Scene::start().await;
    let mut wire = scene.connect().await;

    wire.send(POST.repeat(3)).await;

    for number in 1..=3 {
        assert_eq!(wire.answer().await, created(number));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_may_become_a_subscriber_on_the_same_connection() {
    let scene = Scene::start().await;
    let mut wire = scene.connect().await;

    wire.send(POST).await;
    assert_eq!(wire.answer().await, created(1));
    wire.send("GET /events/a?since=earliest HTTP/1.1\r\nhost: h\r\n\r\n").await;

    assert_eq!(wire.head().await, stream_head(""));
    let mut stream = Stream::of(wire).await;
    stream.expect_events("id: 1-1\ndata: x\n\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http_1_0_publishes_and_is_closed() {
    let scene = Scene::start().await;
    let mut wire = scene.connect().await;

    wire.send("POST /events/a HTTP/1.0\r\ncontent-length: 1\r\n\r\nx").await;

    assert_eq!(wire.rest().await, created(1).replace("HTTP/1.1", "HTTP/1.0"));
}

/// The end of the connection is the end of a page over HTTP/1.0: without a reset, a proxy takes the half of it for a page.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_over_http_1_0_that_is_cut_off_does_not_end_in_good_order() {
    let mut limits = Limits::default();
    limits.page_bytes_max = 2_000_000;
    let scene = Scene::with_limits(limits, |config| config.write_wait_max = Duration::from_millis(500)).await;
    let text = "x".repeat(50_000);
    scene.publish("rest-in-the-connection", &[text.as_str(); 4]).await;
    scene.publish("rest-in-the-page", &[text.as_str(); 30]).await;
    for (topic, bytes) in [("rest-in-the-connection", 200_000), ("rest-in-the-page", 1_500_000)] {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        let mut stream = within("a connection", socket.connect(scene.address)).await.unwrap();
        let request = format!("GET /events/{topic} HTTP/1.0\r\naccept: application/json\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut meter = Meter::of(&scene.front);
        meter.settle("tidings_connections", 1.0).await;
        meter.settle("tidings_connections", 0.0).await;
        let mut said = Vec::new();

        let end = within("the end of the connection", stream.read_to_end(&mut said)).await;

        assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset, "{topic}");
        assert!(said.len() < bytes, "{topic}: {} bytes", said.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_with_half_a_head_is_ended_after_a_while_and_blocks_no_other() {
    let scene = Scene::with(|config| config.head_wait_max = Duration::from_millis(200)).await;
    let mut half = scene.connect().await;
    let mut silent = scene.connect().await;
    half.send("GET /events/a HTTP/1.1\r\nhos").await;

    let mut other = scene.connect().await;
    other.send(POST).await;

    assert_eq!(other.answer().await, created(1));
    assert!(half.is_closed().await);
    assert!(silent.is_closed().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_stops_reading_blocks_no_other_and_misses_nothing() {
    let scene = Scene::start().await;
    let mut stopped = scene.stream("/events/a").await;
    let mut other = scene.stream("/events/a").await;
    let text = "x".repeat(100_000);

    let mut expected = String::new();
    for number in 1..=200 {
        scene.publish("a", &[&text]).await;
        let event = format!("id: 1-{number}\ndata: {text}\n\n");
        other.expect_events(&event).await;
        expected += &event;
    }

    stopped.expect_events(&expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_sends_all_subscribers_away_and_keeps_acknowledged_events() {
    let scene = Scene::with(|config| config.drain_window = Duration::from_millis(300)).await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(scene.stream("/events/a").await);
    }
    let mut idle = scene.connect().await;
    idle.send(POST).await;
    idle.answer().await;
    let hub = scene.hub.clone();

    let verdict = scene.begin_end().verdict().await;

    assert_eq!(verdict, Verdict::Drained);
    let mut delays = Vec::new();
    for stream in &mut streams {
        stream.expect_events("id: 1-1\ndata: x\n\n").await;
        let farewell = stream.wire.chunk().await;
        let delay = farewell.strip_prefix("retry: ").and_then(|rest| rest.strip_suffix("\n")).unwrap();
        delays.push(delay.parse::<u64>().unwrap());
        stream.wire.expect("0\r\n\r\n").await;
        assert!(stream.wire.is_closed().await);
    }
    assert!(idle.is_closed().await);
    assert!(delays.iter().all(|delay| (1_500..=9_000).contains(delay)), "{delays:?}");
    delays.sort_unstable();
    delays.dedup();
    assert!(delays.len() > 10, "they were to come back spread, not at {delays:?}");
    assert_eq!(hub.roster().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_under_way_is_finished_before_the_end() {
    let scene = Scene::start().await;
    let mut wire = scene.connect().await;
    wire.send("POST /events/a HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n")
        .await;
    wire.expect("HTTP/1.1 100 Continue\r\n\r\n").await;

    let ended = scene.begin_end();
    wire.send("hello").await;

    assert!(wire.rest().await.starts_with("HTTP/1.1 201 Created\r\n"));
    assert_eq!(ended.verdict().await, Verdict::Drained);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_producer_is_told_at_the_end_of_the_hub_how_many_events_were_published() {
    let scene = Scene::start().await;
    let mut stream = scene.stream("/events/a").await;
    let mut wire = scene.connect().await;
    wire.send("POST /events/a HTTP/1.1\r\nhost: h\r\ncontent-type: text/event-stream\r\n").await;
    wire.send("transfer-encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n").await;
    stream.expect_events("id: 1-1\ndata: 1\n\n").await;

    let verdict = scene.begin_end().verdict().await;
    let answer = wire.rest().await;

    assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{answer}");
    assert!(answer.contains("\r\nretry-after: 2\r\n"), "{answer}");
    assert!(answer.ends_with("\"published\":1}\n"), "{answer}");
    assert_eq!(verdict, Verdict::Drained);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_does_not_end_is_cut_off_at_the_deadline() {
    let scene = Scene::with(|config| config.drain_wait_max = Duration::from_millis(300)).await;
    let mut wire = scene.connect().await;
    wire.send("POST /events/a HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n")
        .await;
    wire.expect("HTTP/1.1 100 Continue\r\n\r\n").await;

    let verdict = scene.begin_end().verdict().await;

    assert_eq!(verdict, Verdict::CutOff { connections: 1 });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_that_comes_during_the_end_is_refused() {
    let scene = Scene::start().await;
    let front = scene.front.clone();
    scene.begin_end().verdict().await;

    let request = http::Request::post("/events/a").body("x".to_owned()).unwrap();
    let response = within("an answer", front.handle(request)).await;

    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "2");
    assert_eq!(
        body(response).await,
        "{\"type\":\"urn:tidings:problem:ending\",\"title\":\"Service Unavailable\",\"status\":503,\
         \"detail\":\"the hub is ending; try again in a moment\"}\n"
    );
    assert_eq!(front.hub().bounds().head.sequence.0, 0);
}

async fn body(response: http::Response<tidings_http::Body>) -> String {
    let collected = within("the end of a body", http_body_util::BodyExt::collect(response.into_body()));
    let bytes = collected.await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_comes_during_the_end_is_sent_away_kindly() {
    let scene = Scene::start().await;
    let front = scene.front.clone();
    scene.begin_end().verdict().await;

    let request = http::Request::get("/events/a").body(String::new()).unwrap();
    let response = within("an answer", front.handle(request)).await;

    assert_eq!(response.status(), 200);
    let text = body(response).await;
    assert!(text.starts_with("retry: ") && text.lines().count() == 1, "{text:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_sends_a_body_gets_its_stream() {
    let scene = Scene::start().await;
    let mut wire = scene.get("/events/a", "content-length: 5\r\n").await;
    wire.send("hello").await;

    // Whether the body came before the answer is left to chance, and with it whether the answer says that it was not read.
    assert_eq!(wire.head().await.replace("connection: close\r\n", ""), stream_head(""));
    assert_eq!(unspread(&wire.chunk().await), opening(0));
    scene.publish("a", &["x"]).await;
    assert_eq!(wire.chunk().await, "id: 1-1\ndata: x\n\n");
}
