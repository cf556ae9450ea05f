//! Room: subscribers, crowds of them and silent clients keep no publisher and no probe out, and nobody goes without an answer.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::time::Duration;

use futures_util::future::join_all;
use support::meter::Meter;
use support::scene::{Scene, Stream};
use support::tls::scene_with;
use support::{created, expect_opening, opening, unspread};
use tidings_http::{Cors, HttpConfig, Verdict};
use tidings_testkit::certificate::Certificate;
use tidings_testkit::deadline::until;
use tidings_testkit::http2::{self, Peer};
use tidings_testkit::wire::Wire;

const GET: &str = "GET /events/a HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n";
const POST: &str = "POST /events/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\n\r\nx";
const HEALTH: &str = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
/// A publish that is under way until its body comes.
const SLOW_POST: &str =
    "POST /events/a HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\n";

/// What became of a subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Subscribed,
    /// Told to come back after so many milliseconds.
    SentAway(u64),
}

impl Fate {
    fn of(text: &str) -> Self {
        let retry = text.strip_prefix("retry: ").and_then(|rest| rest.strip_suffix("\n"));
        retry.map_or_else(
            || {
                assert_eq!(unspread(text), opening(0));
                Self::Subscribed
            },
            |retry| Self::SentAway(retry.parse().unwrap()),
        )
    }

    fn retry(self) -> Option<u64> {
        match self {
            Self::Subscribed => None,
            Self::SentAway(retry) => Some(retry),
        }
    }
}

/// Asks for a stream over HTTP/1. One that is sent away finds its connection closed.
async fn subscribe(mut wire: Wire) -> (Fate, Wire) {
    wire.send(GET).await;
    let head = wire.head().await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"), "{head}");
    let text = match head.contains("transfer-encoding: chunked") {
        true => wire.chunk().await,
        false => wire.rest().await,
    };
    (Fate::of(&text), wire)
}

/// How many of a crowd were subscribed; the others were told to come back, spread in time.
fn count_subscribed(fates: &[Fate]) -> usize {
    let mut retries: Vec<_> = fates.iter().filter_map(|fate| fate.retry()).collect();
    let sent_away = retries.len();
    retries.sort_unstable();
    assert!(retries.first().is_none_or(|first| *first >= 3_000), "{retries:?}");
    retries.dedup();
    assert!(retries.len() > sent_away / 2, "{sent_away} come back at only {} moments", retries.len());
    fates.len() - sent_away
}

fn small(config: &mut HttpConfig) {
    config.connections_max = 20;
    config.connections_reserve = 5;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_of_subscribers_is_answered_to_the_last_and_keeps_no_publisher_out() {
    let scene = Scene::with(small).await;
    let crowd = (0..600).map(|_| async { subscribe(scene.connect().await).await });
    let publish = async {
        let mut answers = Vec::new();
        for request in [HEALTH, POST, HEALTH, POST] {
            let mut wire = scene.connect().await;
            wire.send(request).await;
            answers.push(wire.head().await.lines().next().unwrap().to_owned());
        }
        answers
    };

    // The log stays empty until all openings have come, so the publishes are a topic's of which nobody hears.
    let (crowd, answers) = tokio::join!(join_all(crowd), async {
        until("the streams to be there", || scene.hub.roster().count() == 20).await;
        publish.await
    });

    let fates: Vec<_> = crowd.iter().map(|(fate, _)| *fate).collect();
    assert_eq!(count_subscribed(&fates), 20);
    assert_eq!(
        answers,
        ["HTTP/1.1 200 OK", "HTTP/1.1 201 Created", "HTTP/1.1 200 OK", "HTTP/1.1 201 Created"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_over_tls_is_answered_to_the_last() {
    // A handshake takes long in a build without optimisation, and there is a time for it: a small crowd, in fewer places.
    let (scene, certificate) = scene_with(|config| {
        config.connections_max = 3;
        config.connections_reserve = 2;
    })
    .await;
    let connect = async || certificate.wire(scene.address).await;

    let crowd = join_all((0..12).map(|_| async { subscribe(connect().await).await })).await;

    let fates: Vec<_> = crowd.iter().map(|(fate, _)| *fate).collect();
    assert_eq!(count_subscribed(&fates), 3);
    let mut publisher = connect().await;
    publisher.send(POST).await;
    assert_eq!(publisher.answer().await, created(1));
}

async fn peer(scene: &Scene, certificate: &Certificate) -> Peer {
    Peer::over(certificate.connect(scene.address, &["h2"]).await.unwrap()).await
}

/// Asks for a stream over HTTP/2.
async fn subscribe_over_http_2(peer: &mut Peer) -> (Fate, http2::Stream) {
    let mut stream = peer.get("/events/a", &[]).await;
    assert_eq!(stream.head.status, 200);
    let text = match stream.head.headers.contains_key("content-length") {
        true => stream.rest().await,
        false => {
            expect_opening(&mut stream, &opening(0)).await;
            opening(0)
        }
    };
    (Fate::of(&text), stream)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_over_http_2_is_answered_to_the_last() {
    let (scene, certificate) = scene_with(small).await;
    let crowd = (0..5).map(|_| async {
        let (mut peer, mut streams) = (peer(&scene, &certificate).await, Vec::new());
        for _ in 0..20 {
            streams.push(subscribe_over_http_2(&mut peer).await);
        }
        (peer, streams)
    });

    let mut crowd = join_all(crowd).await;

    let fates: Vec<_> = crowd.iter().flat_map(|(_, streams)| streams).map(|(fate, _)| *fate).collect();
    assert_eq!(count_subscribed(&fates), 20);
    for (peer, _) in &mut crowd {
        assert_eq!(peer.request("POST", "/events/b", &[], "x").await.head.status, 201);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_streams_of_all_protocols_have_one_bound_and_give_their_places_back() {
    let (scene, certificate) = scene_with(|config| config.connections_max = 6).await;
    let mut meter = Meter::of(&scene.front);
    let wire = async || certificate.wire(scene.address).await;
    let tls_1_2 = async || certificate.wire_over_tls_1_2(scene.address).await;
    let mut peer = peer(&scene, &certificate).await;

    let over_tls = [subscribe(wire().await).await, subscribe(wire().await).await];
    let over_tls_1_2 = [subscribe(tls_1_2().await).await, subscribe(tls_1_2().await).await];
    let over_http_2 = [subscribe_over_http_2(&mut peer).await, subscribe_over_http_2(&mut peer).await];
    meter.expect(&[("tidings_streams", 6.0), ("tidings_streams_max", 6.0)]).await;

    assert_ne!(subscribe(wire().await).await.0, Fate::Subscribed);
    assert_ne!(subscribe(tls_1_2().await).await.0, Fate::Subscribed);
    assert_ne!(subscribe_over_http_2(&mut peer).await.0, Fate::Subscribed);
    drop(over_http_2);
    meter.settle("tidings_streams", 4.0).await;
    drop(over_tls);
    meter.settle("tidings_streams", 2.0).await;
    drop(over_tls_1_2);
    meter.settle("tidings_streams", 0.0).await;
    assert_eq!(subscribe(wire().await).await.0, Fate::Subscribed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_stream_has_a_place_until_its_client_goes() {
    let scene = Scene::with(|config| config.connections_max = 2).await;
    let mut meter = Meter::over_http(&scene);
    let streams = [scene.stream("/events/a").await, scene.stream("/events/b").await];
    meter.expect(&[("tidings_streams", 2.0), ("tidings_connections_max", 1_002.0)]).await;

    let (fate, _) = subscribe(scene.connect().await).await;

    assert!((3_000..=6_000).contains(&fate.retry().unwrap()), "{fate:?}");
    drop(streams);
    meter.settle("tidings_streams", 0.0).await;
    let _: Stream = scene.stream("/events/a").await;
}

/// A hub with three places for connections.
fn tiny(config: &mut HttpConfig) {
    config.connections_max = 2;
    config.connections_reserve = 1;
}

/// As many idle connections as there are places.
async fn resting(scene: &Scene) -> Vec<Wire> {
    let mut resting = Vec::new();
    for _ in 0..3 {
        let mut wire = scene.connect().await;
        wire.send(HEALTH).await;
        wire.answer().await;
        resting.push(wire);
        // Times of rest are told apart by milliseconds.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    resting
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connection_that_rests_longest_gives_its_place_to_a_publisher() {
    let scene = Scene::with(tiny).await;
    let mut resting = resting(&scene).await;

    let mut publisher = scene.connect().await;
    publisher.send(POST).await;

    assert_eq!(publisher.answer().await, created(1));
    assert!(resting[0].is_closed().await);
    for wire in &mut resting[1..] {
        wire.send(HEALTH).await;
        assert!(wire.answer().await.ends_with("ok\n"));
    }
}

/// They took the places of others, and were closed for them.
#[tokio::test(flavor = "multi_thread")]
async fn silent_clients_keep_nobody_out_and_are_answered_when_they_ask() {
    let (scene, certificate) = scene_with(|config| {
        tiny(config);
        config.head_wait_max = Duration::from_secs(3_600);
    })
    .await;
    let (mut without_hello, mut half_heads, mut peers) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..10 {
        let mut raw = scene.connect().await;
        // The beginning of a record of TLS.
        raw.send([22, 3, 1, 2]).await;
        without_hello.push(raw);
        let mut wire = certificate.wire(scene.address).await;
        wire.send(&HEALTH[..10]).await;
        half_heads.push(wire);
        peers.push(peer(&scene, &certificate).await);
    }

    for number in 1..=10 {
        let mut publisher = certificate.wire(scene.address).await;
        publisher.send(POST).await;
        assert_eq!(publisher.answer().await, created(number));
    }

    for wire in &mut half_heads {
        wire.send(&HEALTH[10..]).await;
        assert!(wire.answer().await.ends_with("ok\n"));
    }
    for peer in &mut peers {
        assert_eq!(peer.get("/healthz", &[]).await.head.status, 200);
    }
}

/// A hub all of whose places are taken by publishers that are under way.
async fn busy() -> (Scene, Vec<Wire>) {
    let scene = Scene::with(|config| {
        tiny(config);
        config.cors = Cors::Any;
    })
    .await;
    let mut publishers = Vec::new();
    for _ in 0..3 {
        let mut wire = scene.connect().await;
        wire.send(SLOW_POST).await;
        wire.expect("HTTP/1.1 100 Continue\r\n\r\n").await;
        publishers.push(wire);
    }
    (scene, publishers)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_for_which_there_is_no_place_gets_one_answer() {
    let (scene, mut publishers) = busy().await;
    let shared = "connection: close\r\nvary: Origin\r\nx-content-type-options: nosniff\r\n\
        cross-origin-resource-policy: cross-origin\r\n";
    let body = "{\"type\":\"urn:tidings:problem:too-many-connections\",\"title\":\"Service Unavailable\",\
        \"status\":503,\"detail\":\"try again in a few seconds\"}\n";
    let ask = async |request: &str| {
        let mut wire = scene.connect().await;
        wire.send(request).await;
        wire.rest().await
    };

    let (publish, history, health, metrics) = tokio::join!(
        ask(POST),
        ask("GET /events/a HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\n\r\n"),
        ask(HEALTH),
        ask("GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n"),
    );

    for refused in [&publish, &history] {
        assert!(refused.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{refused}");
        assert!(refused.contains("\r\nretry-after: 5\r\n") && refused.ends_with(body), "{refused}");
    }
    for answered in [&health, &metrics] {
        assert!(answered.starts_with("HTTP/1.1 200 OK\r\n"), "{answered}");
    }
    for closed in [&publish, &history, &health, &metrics] {
        assert!(shared.lines().all(|line| closed.contains(line)), "{closed}");
    }
    for (wire, number) in publishers.iter_mut().zip(1..) {
        wire.send("x").await;
        assert!(wire.answer().await.ends_with(&format!("{{\"id\":\"1-{number}\"}}\n")));
    }
}

/// More than were told at once before: the others were dropped without a word.
#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_that_finds_every_connection_busy_is_answered_to_the_last() {
    let (scene, _publishers) = busy().await;

    let crowd = join_all((0..300).map(|_| async { subscribe(scene.connect().await).await })).await;

    let fates: Vec<_> = crowd.iter().map(|(fate, _)| *fate).collect();
    assert_eq!(count_subscribed(&fates), 0);
}

/// A subscriber over TLS that waited for a place was closed without an answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_over_tls_that_waits_for_a_place_when_the_hub_ends_is_answered() {
    let (scene, certificate) = scene_with(tiny).await;
    let mut publishers = Vec::new();
    for _ in 0..3 {
        let mut wire = certificate.wire(scene.address).await;
        wire.send(SLOW_POST).await;
        wire.expect("HTTP/1.1 100 Continue\r\n\r\n").await;
        publishers.push(wire);
    }
    let mut waits = certificate.wire(scene.address).await;
    waits.send(GET).await;

    let ended = scene.begin_end();

    assert!(waits.rest().await.contains("\r\n\r\nretry: "));
    for wire in &mut publishers {
        wire.send("x").await;
        assert!(wire.rest().await.starts_with("HTTP/1.1 201 "));
    }
    assert_eq!(ended.verdict().await, Verdict::Drained);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_for_whom_there_is_no_place_is_told_to_come_back_as_all_are() {
    let (scene, _publishers) = busy().await;
    let ask = async |line: &str| {
        let mut wire = scene.connect().await;
        wire.send(format!("{line}\r\nhost: localhost\r\norigin: https://app.example\r\n\r\n")).await;
        wire.rest().await
    };

    let (get, old, head) = tokio::join!(
        ask("GET /events/a HTTP/1.1"),
        ask("GET /events/a HTTP/1.0"),
        ask("HEAD /events/a HTTP/1.1")
    );

    for answer in [&get, &old, &head] {
        assert!(answer.contains(" 200 OK\r\ncontent-type: text/event-stream\r\n"), "{answer}");
        assert!(answer.contains("access-control-allow-origin: *\r\n"), "{answer}");
    }
    for answer in [&get, &old] {
        assert!(answer.contains("\r\n\r\nretry: "), "{answer}");
    }
    assert!(head.ends_with("\r\n\r\n"), "{head}");
    assert_eq!(scene.hub.roster().count(), 0);
}

/// Such a client held the end up for longer than the hub may take for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_client_for_which_there_is_no_place_does_not_hold_up_the_end() {
    let (scene, mut publishers) = busy().await;
    let mut silent = scene.connect().await;
    // Whoever connects later is accepted later, and this one is answered.
    let mut asks = scene.connect().await;
    asks.send(HEALTH).await;
    asks.head().await;

    let ended = scene.begin_end();
    for wire in &mut publishers {
        wire.send("x").await;
        assert!(wire.rest().await.starts_with("HTTP/1.1 201 "));
    }
    assert!(silent.is_closed().await);

    assert_eq!(ended.verdict().await, Verdict::Drained);
}

/// Checks of health connect and close, and each of them cost somebody a connection.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_gives_a_place_up_for_a_client_that_has_left() {
    let scene = Scene::with(tiny).await;
    let mut resting = resting(&scene).await;

    for _ in 0..10 {
        drop(scene.connect().await);
    }
    // Longer than the hub needs to ask one to leave for each of them.
    tokio::time::sleep(Duration::from_millis(500)).await;

    for wire in &mut resting {
        wire.send(HEALTH).await;
        assert!(wire.answer().await.ends_with("ok\n"));
    }
}
