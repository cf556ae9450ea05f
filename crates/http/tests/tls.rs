//! The hub behind TLS: exact bytes inside, silent and rude peers outside, another certificate in between.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::io::ErrorKind;
use std::time::Duration;

use support::meter::Meter;
use support::scene::{Scene, Stream};
use support::tls::{scene, scene_with, tls};
use support::{created, opening, stream_head, unspread};
use tidings_core::{Limits, Sequence};
use tidings_http::{Tls, TlsError, Verdict};
use tidings_testkit::certificate::Certificate;
use tidings_testkit::deadline::{until, within};
use tidings_testkit::wire::Wire;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const POST: &str = "POST /events/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\n\r\nx";
const GET: &str = "GET /events/a HTTP/1.1\r\nhost: localhost\r\n\r\n";

async fn subscribed(mut wire: Wire) -> Stream {
    wire.send(GET).await;
    assert_eq!(wire.head().await, stream_head(""));
    Stream::of(wire).await
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_the_bytes_are_those_of_plain_http() {
    let (scene, certificate) = scene().await;
    let mut publisher = certificate.wire(scene.address).await;
    let mut subscriber = certificate.wire(scene.address).await;

    subscriber.send(GET).await;
    assert_eq!(subscriber.head().await, stream_head(""));
    assert_eq!(unspread(&subscriber.chunk().await), opening(0));
    for number in 1..=3 {
        publisher.send(POST).await;
        assert_eq!(publisher.answer().await, created(number));
        subscriber.expect(&format!("11\r\nid: 1-{number}\ndata: x\n\n\r\n")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_over_tls_may_become_a_subscriber() {
    let (scene, certificate) = scene().await;
    let mut wire = certificate.wire(scene.address).await;

    wire.send(POST).await;
    assert_eq!(wire.answer().await, created(1));
    wire.send("GET /events/a?since=earliest HTTP/1.1\r\nhost: localhost\r\n\r\n").await;

    assert_eq!(wire.head().await, stream_head(""));
    Stream::of(wire).await.expect_events("id: 1-1\ndata: x\n\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_larger_than_a_record_arrives_whole() {
    let (scene, certificate) = scene().await;
    let mut stream = subscribed(certificate.wire(scene.address).await).await;
    let large = "x".repeat(1_000_000);

    scene.publish("a", &[&large, "y"]).await;

    stream.expect_events(&format!("id: 1-1\ndata: {large}\n\nid: 1-2\ndata: y\n\n")).await;
}

/// Over HTTP/1.0 the end of the connection is the end of a page: `close_notify` would say that all of it was sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_over_http_1_0_that_is_cut_off_is_reset_over_tls_too() {
    let certificate = Certificate::new();
    let mut limits = Limits::default();
    limits.page_bytes_max = 2_000_000;
    let scene = Scene::with_limits(limits, |config| {
        config.tls = Some(tls(&certificate));
        config.write_wait_max = Duration::from_millis(500);
    });
    let scene = scene.await;
    scene.publish("a", &["x".repeat(50_000).as_str(); 30]).await;
    let mut stream = certificate.connect(scene.address, &["http/1.1"]).await.unwrap();
    let request = b"GET /events/a HTTP/1.0\r\nhost: localhost\r\naccept: application/json\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut meter = Meter::of(&scene.front);
    meter.settle("tidings_connections", 1.0).await;
    meter.settle("tidings_connections", 0.0).await;
    let mut said = Vec::new();

    let end = within("the end of the connection", stream.read_to_end(&mut said)).await;

    assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert!(said.len() < 1_500_000, "{} bytes", said.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_of_many_pieces_arrives_in_order() {
    let (scene, certificate) = scene().await;
    let texts: Vec<_> = (1..=2_000).map(|number| format!("{number:0>50}")).collect();
    scene.publish("a", &texts.iter().map(String::as_str).collect::<Vec<_>>()).await;

    let mut wire = certificate.wire(scene.address).await;
    wire.send("GET /events/a?since=earliest HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    wire.head().await;

    let expected: String =
        texts.iter().zip(1..).map(|(text, number)| format!("id: 1-{number}\ndata: {text}\n\n")).collect();
    Stream::of(wire).await.expect_events(&expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_1_2_is_spoken_too() {
    let (scene, certificate) = scene_with(|config| config.drain_window = Duration::ZERO).await;
    let mut stream = subscribed(certificate.wire_over_tls_1_2(scene.address).await).await;
    let large = "x".repeat(100_000);

    scene.publish("a", &[&large, "y"]).await;
    stream.expect_events(&format!("id: 1-1\ndata: {large}\n\nid: 1-2\ndata: y\n\n")).await;

    let ended = scene.begin_end();
    assert!(stream.wire.chunk().await.starts_with("retry: "));
    assert_eq!(stream.wire.chunk().await, "");
    assert!(stream.wire.is_closed().await);
    assert_eq!(ended.verdict().await, Verdict::Drained);
}

/// Bytes that a client may send in the life of its stream: more ends it.
const STRAY_BYTES_MAX: usize = 4_096;

/// Bytes that a record of TLS 1.3 adds to what it carries: its head, its type, its tag.
const RECORD_OVERHEAD: usize = 22;

#[tokio::test(flavor = "multi_thread")]
async fn a_client_may_talk_a_little_on_its_stream_and_is_cut_when_it_goes_on() {
    let (scene, certificate) = scene().await;
    for (wire, bytes_of_each) in [
        (certificate.wire(scene.address).await, GET.len() + RECORD_OVERHEAD),
        (certificate.wire_over_tls_1_2(scene.address).await, GET.len()),
    ] {
        let mut stream = subscribed(wire).await;

        for _ in 0..STRAY_BYTES_MAX / bytes_of_each {
            stream.wire.send(GET).await;
        }
        scene.publish("a", &["x"]).await;
        let number = scene.hub.bounds().head.sequence;
        stream.expect_events(&format!("id: 1-{number}\ndata: x\n\n")).await;

        stream.wire.send(GET).await;
        assert!(stream.wire.is_closed().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_floods_its_stream_is_cut() {
    let (scene, certificate) = scene().await;
    for wire in [certificate.wire(scene.address).await, certificate.wire_over_tls_1_2(scene.address).await] {
        let mut stream = subscribed(wire).await;

        stream.wire.send("x".repeat(STRAY_BYTES_MAX + 1)).await;

        assert!(stream.wire.is_closed().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_over_http_1_0_and_tls_ends_with_close_notify() {
    let (scene, certificate) = scene_with(|config| config.drain_window = Duration::ZERO).await;
    let mut stream = certificate.connect(scene.address, &["http/1.1"]).await.unwrap();
    stream.write_all(b"GET /events/a HTTP/1.0\r\n\r\n").await.unwrap();
    let mut said = String::new();
    let opening = async {
        while !said.ends_with("\n\n") {
            said.push(char::from(stream.read_u8().await.unwrap()));
        }
    };
    within("the opening of the stream", opening).await;
    scene.publish("a", &["x"]).await;
    // What the end sends is what can be seen by then, and a publish is answered before.
    until("the event to be seen", || scene.hub.shown() == Sequence(1)).await;
    let _ended = scene.begin_end();

    // Without it, rustls would report an error: the end might have been cut off.
    within("the end of the stream", stream.read_to_string(&mut said)).await.unwrap();

    assert!(said.contains("\n\nid: 1-1\ndata: x\n\nretry: "), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_stream_carries_heartbeats() {
    let (scene, certificate) = scene_with(|config| config.heartbeat = Duration::from_millis(100)).await;
    let mut wire = certificate.wire(scene.address).await;

    wire.send(GET).await;
    wire.head().await;

    assert_eq!(unspread(&wire.chunk().await), opening(0).replace("15000", "100"));
    assert_eq!(wire.chunk().await, ":\n");
    assert_eq!(wire.chunk().await, ":\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_speaks_neither_tls_nor_http_or_says_nothing_is_dropped() {
    let (scene, _) = scene_with(|config| config.head_wait_max = Duration::from_secs(1)).await;
    let mut strange = scene.connect().await;
    let mut silent = scene.connect().await;
    let mut slow = scene.connect().await;

    strange.send([0x80, 0x2e, 0x01, 0x03, 0x01, 0x00]).await;
    // The head of a record with 512 bytes of a handshake, of which one comes.
    slow.send([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]).await;

    // An alert, which is all that TLS has to say.
    assert!(strange.rest_bytes().await.starts_with(&[0x15, 0x03]));
    assert!(silent.is_closed().await);
    assert!(slow.is_closed().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_shakes_hands_and_asks_for_nothing_is_dropped() {
    let (scene, certificate) = scene_with(|config| config.head_wait_max = Duration::from_secs(1)).await;

    let mut wire = certificate.wire(scene.address).await;

    assert!(wire.is_closed().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_sends_subscribers_away_inside_tls() {
    let (scene, certificate) = scene_with(|config| config.drain_window = Duration::from_millis(50)).await;
    let mut stream = subscribed(certificate.wire(scene.address).await).await;

    let ended = scene.begin_end();

    let farewell = stream.wire.chunk().await;
    assert!(farewell.starts_with("retry: "), "{farewell:?}");
    assert_eq!(stream.wire.chunk().await, "");
    assert!(stream.wire.is_closed().await);
    assert_eq!(ended.verdict().await, Verdict::Drained);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_replaced_and_open_streams_go_on() {
    let old = Certificate::new();
    let shown = tls(&old);
    let shared = shown.clone();
    let (scene, _) = scene_with(|config| config.tls = Some(shared)).await;
    let mut stream = subscribed(old.wire(scene.address).await).await;
    let new = Certificate::new();

    shown.replace(new.pem.as_bytes(), new.key.as_bytes()).unwrap();

    let now = new.connect(scene.address, &["http/1.1"]).await.unwrap();
    assert!(new.is_shown_by(&now));
    scene.publish("a", &["x"]).await;
    stream.expect_events("id: 1-1\ndata: x\n\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_pair_leaves_the_old_one_in_force() {
    let (old, other) = (Certificate::new(), Certificate::new());
    let shown = tls(&old);
    let shared = shown.clone();
    let (scene, _) = scene_with(|config| config.tls = Some(shared)).await;

    let replaced = shown.replace(other.pem.as_bytes(), old.key.as_bytes());

    assert_eq!(replaced, Err(TlsError::Mismatch));
    assert!(old.is_shown_by(&old.connect(scene.address, &["http/1.1"]).await.unwrap()));
}

#[test]
fn a_certificate_and_a_key_that_are_no_pair_are_refused_with_the_reason() {
    let (one, other) = (Certificate::new(), Certificate::new());
    let refused = |pem: &str, key: &str| Tls::from_pem(pem.as_bytes(), key.as_bytes()).unwrap_err();

    assert_eq!(refused(&one.pem, &other.key), TlsError::Mismatch);
    assert_eq!(refused(&one.key, &one.key), TlsError::NoCertificate);
    assert_eq!(refused("", &one.key), TlsError::NoCertificate);
    assert_eq!(refused(&one.pem, &one.pem), TlsError::NoKey);
    assert_eq!(refused(&one.pem, ""), TlsError::NoKey);
    assert!(matches!(
        refused("-----BEGIN CERTIFICATE-----\n!\n", &one.key),
        TlsError::NotPem("certificate", _)
    ));
    let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(matches!(refused(nonsense, &one.key), TlsError::Unusable(_)));
}
