//! What `/metrics` tells: the numbers move by exactly what happened, and by nothing that a client chooses.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use support::meter::Meter;
use support::scene::{Scene, Stream};
use support::tls::{scene, scene_with};
use support::{created, expect_opening, opening, stream_head};
use tidings_core::memory::MemoryRetention;
use tidings_core::{Dismissal, Limits, Topic, Whom};
use tidings_http::HttpConfig;
use tidings_http::prometheus_client::metrics::counter::Counter;
use tidings_testkit::certificate::Certificate;
use tidings_testkit::deadline::until;
use tidings_testkit::http2::Peer;
use tidings_testkit::metrics::Exposition;
use tidings_testkit::wire::Wire;

const POST: &str = "POST /events/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\n\r\nx";
const GET: &str = "GET /events/a HTTP/1.1\r\nhost: localhost\r\n\r\n";

const EVENTS: &str = "tidings_delivered_events_total";
const BYTES: &str = "tidings_delivered_bytes_total";

fn gone(code: &str) -> String {
    format!("tidings_disconnected_total{{reason=\"{code}\"}}")
}

fn refused(name: &str) -> String {
    format!("tidings_refused_total{{reason=\"{name}\"}}")
}

async fn subscribed(mut wire: Wire) -> Stream {
    wire.send(GET).await;
    assert_eq!(wire.head().await, stream_head(""));
    Stream::of(wire).await
}

async fn peer(scene: &Scene, certificate: &Certificate) -> Peer {
    Peer::over(certificate.connect(scene.address, &["h2"]).await.unwrap()).await
}

async fn dismiss_all(scene: &Scene) {
    let whom = Whom::Topic(Topic::parse("a").unwrap());
    scene.hub.roster().dismiss(&whom, Dismissal::ByOperator).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn publishes_and_deliveries_of_a_lane_are_counted() {
    let scene = Scene::start().await;
    let mut meter = Meter::over_http(&scene);
    let (mut one, mut other) = (scene.stream("/events/a").await, scene.stream("/events/*").await);
    meter.expect(&[("tidings_subscriptions", 2.0), ("tidings_selectors", 2.0), (EVENTS, 0.0)]).await;

    let mut publisher = scene.connect().await;
    publisher.send(POST).await;
    assert_eq!(publisher.answer().await, created(1));
    scene.publish("a", &["yy", "zzz"]).await;
    let expected = "id: 1-1\ndata: x\n\nid: 1-2\ndata: yy\n\nid: 1-3\ndata: zzz\n\n";
    let labelled = expected.replace("id", "topic: a\nid");
    one.expect_events(expected).await;
    other.expect_events(&labelled).await;

    let bytes = (expected.len() + labelled.len()) as f64;
    meter
        .expect(&[
            (EVENTS, 6.0),
            (BYTES, bytes),
            ("tidings_published_events_total", 3.0),
            ("tidings_published_bytes_total", 9.0),
            ("tidings_repeated_events_total", 0.0),
            ("tidings_feed_lag", 0.0),
            ("tidings_log_head", 3.0),
            ("tidings_log_earliest", 1.0),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_many_chunks_to_a_slow_reader_is_counted_once() {
    let scene = Scene::start().await;
    let mut meter = Meter::over_http(&scene);
    let mut slow = scene.stream("/events/a").await;
    let texts = ["x", "y"].map(|letter| letter.repeat(1_000_000));

    for text in texts.iter().cycle().take(20) {
        scene.publish("a", &[text]).await;
    }
    let event = |number: usize| format!("id: 1-{number}\ndata: {}\n\n", texts[(number - 1) % 2]);
    let events: Vec<_> = (1..=20).map(event).collect();
    for event in &events {
        slow.expect_events(event).await;
    }

    let bytes: usize = events.iter().map(String::len).sum();
    meter.expect(&[(EVENTS, 20.0), (BYTES, bytes as f64)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_slow_publisher_and_a_slow_subscriber_hold_is_told_until_they_go() {
    let scene = Scene::start().await;
    let mut meter = Meter::of(&scene.front);
    let stalled = scene.stream("/events/a").await;
    let mut slow = scene.connect().await;
    slow.send("POST /events/b HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000\r\n\r\nx").await;
    meter.expect(&[("tidings_bodies_bytes", 100_000.0), ("tidings_unread_bytes", 0.0)]).await;

    let text = "x".repeat(1_000_000);
    // From here on the numbers have two digits, and all large events the same length.
    scene.publish("b", &["x"; 10]).await;
    let event = format!("id: 1-11\ndata: {text}\n\n").len() as f64;
    for _ in 11..99 {
        if meter.read().await.value("tidings_unread_bytes") > 0.0 {
            break;
        }
        scene.publish("a", &[&text]).await;
    }
    meter.expect(&[("tidings_unread_bytes", event), ("tidings_selectors", 1.0)]).await;

    drop((stalled, slow));
    meter.settle("tidings_unread_bytes", 0.0).await;
    meter.settle("tidings_bodies_bytes", 0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_of_tasks_are_counted_like_those_of_lanes() {
    let (scene, certificate) = scene().await;
    let mut meter = Meter::of(&scene.front);
    let mut carried = subscribed(certificate.wire(scene.address).await).await;
    let mut peer = peer(&scene, &certificate).await;
    let mut multiplexed = peer.get("/events/a", &[]).await;
    expect_opening(&mut multiplexed, &opening(0)).await;

    scene.publish("a", &["x", "yy"]).await;
    let expected = "id: 1-1\ndata: x\n\nid: 1-2\ndata: yy\n\n";
    carried.expect_events(expected).await;
    multiplexed.expect(expected).await;

    meter.expect(&[(EVENTS, 4.0), (BYTES, 2.0 * expected.len() as f64), ("tidings_connections", 2.0)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_ends_is_counted_once_by_its_reason_in_a_lane() {
    let scene = Scene::start().await;
    let mut meter = Meter::over_http(&scene);
    let leaving = scene.stream("/events/a").await;
    let mut talking = scene.stream("/events/a").await;

    drop(leaving);
    talking.wire.send("x".repeat(4_097)).await;
    until("both are gone", || scene.hub.roster().count() == 0).await;
    let mut sent_away = scene.stream("/events/a").await;
    dismiss_all(&scene).await;
    sent_away.wire.rest().await;

    let [client_gone, client_bytes, dismissed] = ["client-gone", "client-bytes", "dismissed"].map(gone);
    meter.expect(&[(&client_gone, 1.0), (&client_bytes, 1.0), (&dismissed, 1.0)]).await;
    assert_eq!(all_ended(&meter.read().await), 3.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_ends_is_counted_once_by_its_reason_in_a_task() {
    let (scene, certificate) = scene().await;
    let mut meter = Meter::of(&scene.front);
    let leaving = subscribed(certificate.wire(scene.address).await).await;
    let mut talking = subscribed(certificate.wire(scene.address).await).await;
    let mut peer_that_leaves = peer(&scene, &certificate).await;
    let mut stream = peer_that_leaves.get("/events/a", &[]).await;
    expect_opening(&mut stream, &opening(0)).await;

    drop(leaving);
    talking.wire.send("x".repeat(4_097)).await;
    drop((stream, peer_that_leaves));
    until("all are gone", || scene.hub.roster().count() == 0).await;
    let mut carried = subscribed(certificate.wire(scene.address).await).await;
    let mut peer = peer(&scene, &certificate).await;
    let mut multiplexed = peer.get("/events/a", &[]).await;
    dismiss_all(&scene).await;
    carried.wire.rest().await;
    multiplexed.rest().await;

    let [client_gone, client_bytes, dismissed] = ["client-gone", "client-bytes", "dismissed"].map(gone);
    meter.expect(&[(&client_gone, 2.0), (&client_bytes, 1.0), (&dismissed, 2.0)]).await;
    assert_eq!(all_ended(&meter.read().await), 5.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_takes_nothing_is_counted_as_stalled_in_a_lane_and_over_tls() {
    let stalls = |config: &mut HttpConfig| {
        config.write_wait_max = Duration::from_millis(200);
        config.heartbeat = Duration::from_millis(400);
    };
    let plain = Scene::with(stalls).await;
    let (secure, certificate) = scene_with(stalls).await;
    let _parked = plain.stream("/events/a").await;
    let _carried = subscribed(certificate.wire(secure.address).await).await;

    let text = "x".repeat(1_000_000);
    for scene in [&plain, &secure] {
        for _ in 0..40 {
            scene.publish("a", &[&text]).await;
        }
        until("it is ended", || scene.hub.roster().count() == 0).await;
        Meter::of(&scene.front).expect(&[(&gone("write-stalled"), 1.0), (&gone("client-gone"), 0.0)]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_of_a_lane_that_must_let_go_of_a_large_event_is_counted_as_stalled() {
    let scene = Scene::with(|config| config.unread_bytes_max = 1).await;
    let (_first, _second) = (scene.stream("/events/a").await, scene.stream("/events/b").await);

    // The second socket that blocks needs the room of the first.
    for topic in ["a", "b"] {
        for _ in 0..40 {
            scene.publish(topic, &[&"x".repeat(1_000_000)]).await;
        }
    }

    let mut meter = Meter::of(&scene.front);
    meter.expect(&[(&gone("write-stalled"), 1.0), ("tidings_subscriptions", 1.0)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_hub_is_the_reason_of_all_who_are_there() {
    let (scene, certificate) = scene_with(|config| config.drain_window = Duration::ZERO).await;
    let front = scene.front.clone();
    let carried = subscribed(certificate.wire(scene.address).await).await;
    let mut peer = peer(&scene, &certificate).await;
    let mut multiplexed = peer.get("/events/a", &[]).await;
    expect_opening(&mut multiplexed, &opening(0)).await;

    let ending = scene.begin_end();
    multiplexed.rest().await;
    drop((peer, multiplexed, carried));
    ending.verdict().await;

    let mut meter = Meter::of(&front);
    meter.expect(&[(&gone("drain"), 2.0), ("tidings_connections", 0.0)]).await;
    assert_eq!(all_ended(&meter.read().await), 2.0);
}

fn all_ended(now: &Exposition) -> f64 {
    let ended = now.samples().filter(|sample| sample.name() == "tidings_disconnected_total");
    ended.map(|sample| sample.value).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_behind_the_rings_is_counted_with_its_page() {
    let mut limits = Limits::default();
    limits.window_bytes_max = 1;
    let scene = Scene::with_limits(limits, |_| ()).await;
    let mut meter = Meter::over_http(&scene);
    scene.publish("a", &["x", "y", "z"]).await;
    until("they are shown", || scene.hub.shown().0 == 3).await;

    let mut behind = scene.stream("/events/a?since=earliest").await;
    behind.expect_events("id: 1-1\ndata: x\n\nid: 1-2\ndata: y\n\nid: 1-3\ndata: z\n\n").await;

    let (window, store) = ("tidings_lagged_total{page=\"window\"}", "tidings_lagged_total{page=\"store\"}");
    meter.expect(&[(store, 1.0), (window, 0.0), (EVENTS, 3.0), ("tidings_pages", 0.0)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gaps_are_counted_by_their_reasons() {
    let scene = Scene::start().await;
    let mut meter = Meter::over_http(&scene);
    scene.publish("a", &["x"]).await;

    for (id, times) in [("zz-1", 2), ("nobodys", 1)] {
        for _ in 0..times {
            let mut wire = scene.get("/events/a", &format!("last-event-id: {id}\r\n")).await;
            assert!(wire.head().await.contains("tidings-gap: "));
        }
    }
    let mut page = scene.get("/events/a?after=zz-1", "accept: application/json\r\n").await;
    assert!(page.answer().await.contains("\"gap\""));

    let gaps = ["expired", "unknown", "other-epoch"];
    let [expired, unknown, other] = gaps.map(|reason| format!("tidings_gaps_total{{reason=\"{reason}\"}}"));
    meter.expect(&[(&expired, 0.0), (&unknown, 1.0), (&other, 3.0)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_of_a_lane_that_falls_into_a_gap_is_counted_for_each_gap_that_it_is_told() {
    let mut limits = Limits::default();
    limits.window_bytes_max = 100_000;
    let retention = MemoryRetention { events_max: 50, ..MemoryRetention::default() };
    let scene = Scene::keeping(retention, limits).await;
    let mut stalled = scene.stream("/events/a").await;
    for _ in 0..2_000 {
        scene.publish("a", &[&"x".repeat(10_000)]).await;
    }
    scene.publish("a", &["the last"]).await;

    let (mut told, mut gaps, mut events) = (String::new(), 0, 0);
    while !told.contains("data: the last\n\n") {
        told = told.split_off(told.rfind("\n\n").map_or(0, |end| end + 2));
        let chunk = stalled.wire.chunk().await;
        gaps += chunk.matches("event: tidings.gap\n").count();
        events += chunk.matches("data: x").count() + chunk.matches("data: the last\n\n").count();
        told.push_str(&chunk);
    }

    assert!(gaps > 0, "retention was to overtake the reader");
    let mut meter = Meter::over_http(&scene);
    meter.expect(&[("tidings_gaps_total{reason=\"expired\"}", gaps as f64), (EVENTS, events as f64)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_is_counted_by_the_type_of_its_problem() {
    let scene = Scene::start().await;
    let mut meter = Meter::over_http(&scene);

    for target in ["/nothing", "/events/a?since=never", "/events/a?since=never", "/events/inbox/1"] {
        scene.get(target, "").await.answer().await;
    }
    let mut keyed = scene.connect().await;
    let post = |text: &str| {
        POST.replace("content-length", "idempotency-key: k\r\ncontent-length")
            .replace("\r\n\r\nx", &format!("\r\n\r\n{text}"))
    };
    for text in ["x", "x", "y"] {
        keyed.send(post(text)).await;
        keyed.answer().await;
    }

    let [not_found, bad_since, reserved, reused] =
        ["not-found", "bad-since", "reserved-topic", "idempotency-key-reused"].map(refused);
    meter
        .expect(&[
            (&not_found, 1.0),
            (&bad_since, 2.0),
            (&reserved, 1.0),
            (&reused, 1.0),
            ("tidings_repeated_events_total", 1.0),
            ("tidings_published_events_total", 1.0),
        ])
        .await;
    assert_eq!(all_refused(&meter.read().await), 5.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_without_a_problem_is_counted_under_the_type_that_it_would_have_had() {
    let (scene, certificate) = scene_with(|config| config.connections_max = 1).await;
    let mut meter = Meter::of(&scene.front);
    let mut peer = peer(&scene, &certificate).await;
    let mut first = peer.get("/events/a", &[]).await;
    expect_opening(&mut first, &opening(0)).await;

    let mut beyond = peer.get("/events/a", &[]).await;
    assert!(beyond.rest().await.starts_with("retry: "));
    let mut second = certificate.wire(scene.address).await;
    second.send(GET).await;
    assert!(second.rest().await.contains("\r\n\r\nretry: "));
    let crowded = refused("too-many-connections");
    meter.settle("tidings_connections", 1.0).await;
    meter.expect(&[(&crowded, 2.0), ("tidings_connections_max", 1_001.0)]).await;

    scene.front.begin_drain();
    // Not over the connection, which tells its client to ask no more.
    let late = Request::get("/events/a").header("host", "localhost").body(Empty::<Bytes>::new()).unwrap();
    let answer = scene.front.handle(late).await.into_body().collect().await.unwrap().to_bytes();
    assert!(answer.starts_with(b"retry: "));
    meter.expect(&[(&crowded, 2.0), (&refused("ending"), 1.0)]).await;
    assert_eq!(all_refused(&meter.read().await), 3.0);
}

fn all_refused(now: &Exposition) -> f64 {
    let refused = now.samples().filter(|sample| sample.name() == "tidings_refused_total");
    refused.map(|sample| sample.value).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_client_sends_stands_in_the_metrics_or_makes_them_more() {
    let scene = Scene::start().await;
    let mut meter = Meter::over_http(&scene);
    let before: Vec<_> = meter.read().await.samples().map(|sample| sample.series.clone()).collect();

    for number in 0..50 {
        let topic = format!("evil{number}%22%7D%201%5C%23%20EOF");
        let mut wire = scene.connect().await;
        let head = format!("POST /events/{topic}?id=evil{number}&event=evil HTTP/1.1\r\nhost: localhost\r\n");
        wire.send(head + "content-length: 1\r\n\r\nx").await;
        assert!(wire.answer().await.starts_with("HTTP/1.1 201 "));
        drop(scene.stream(&format!("/events/{topic}")).await);
        scene.get(&format!("/events/a?evil{number}=1"), "").await.answer().await;
        scene.get(&format!("/evil{number}"), "user-agent: evil\r\n").await.answer().await;
    }

    let after: Vec<_> = meter.read().await.samples().map(|sample| sample.series.clone()).collect();
    assert_eq!(after, before);
    let text = scene.get("/metrics", "").await.answer().await;
    assert!(!text.contains("evil"), "{text}");
    assert!(text.len() < 16_384, "{} bytes", text.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_gets_openmetrics_and_everybody_else_plain_text() {
    let scene = Scene::start().await;
    let prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                      application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;q=0.3,\
                      text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
    let open = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n";
    let plain = "content-type: text/plain; version=0.0.4; charset=utf-8\r\n";

    for (accept, content_type) in [
        (prometheus, open),
        ("application/openmetrics-text", open),
        ("*/*", plain),
        ("text/html, */*;q=0.8", plain),
        ("text/plain, application/openmetrics-text;q=0.5", plain),
        ("application/openmetrics-text;q=0", plain),
    ] {
        let answer = scene.get("/metrics", &format!("accept: {accept}\r\n")).await.answer().await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(format!("{head}\r\n").contains(content_type), "{accept}: {head}");
        match content_type == open {
            true => Exposition::open_metrics(body),
            false => Exposition::prometheus(body),
        };
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_adds_metrics_of_its_own() {
    let scene = Scene::start().await;
    let own = Counter::<u64>::default();

    scene.front.add_metrics(|registry| registry.register("orders", "Orders", own.clone()));
    own.inc_by(3);

    Meter::over_http(&scene).expect(&[("orders_total", 3.0), ("tidings_log_head", 0.0)]).await;
}
