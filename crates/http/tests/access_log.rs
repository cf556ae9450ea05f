//! The access log: one line for each request, whichever way its answer goes, and never anything as a client sent it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::sync::Arc;

use serde_json::json;
use support::scene::Scene;
use support::tls::scene_with;
use support::tokens::{rules, token_of, verifier};
use support::{OPENING_LINES, expect_opening, opening};
use tidings_http::grants::{Access, Grants, KeyHash, NamedKey, NamedKeys};
use tidings_http::{AccessLog, AccessRecords, AccessSettings};
use tidings_testkit::certificate::Certificate;
use tidings_testkit::deadline::{until, within};
use tidings_testkit::http2::Peer;
use tidings_testkit::wire::Wire;

const GET: &str = "GET /events/a HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// A hub with an access log.
async fn logging() -> (Scene, AccessRecords) {
    let (log, records) = AccessLog::new();
    (Scene::with(|config| config.access_log = Some(log)).await, records)
}

/// The same over TLS.
async fn logging_over_tls() -> (Scene, Certificate, AccessRecords) {
    let (log, records) = AccessLog::new();
    let (scene, certificate) = scene_with(|config| config.access_log = Some(log)).await;
    (scene, certificate, records)
}

/// The next line, without its duration.
async fn line(records: &mut AccessRecords) -> String {
    let mut next = Vec::new();
    assert_eq!(within("a line", records.next(&mut next, 1)).await, 1);
    let line = next[0].text();
    assert!(
        next[0]
            .json()
            .starts_with("{\"level\":\"INFO\",\"target\":\"access\",\"time\":\"1970-01-01T01:00:00")
    );
    let (line, seconds) = line.rsplit_once(' ').unwrap();
    assert!(seconds.parse::<f64>().is_ok(), "{line}");
    line.to_owned()
}

fn told(request: &str, status: u16, bytes: usize) -> String {
    format!("127.0.0.1 - - [01/Jan/1970:01:00:00 +0000] \"{request}\" {status} {bytes}")
}

/// The bytes of the body of an answer over HTTP/1.1 that is no stream.
fn body(answer: &str) -> usize {
    answer.split_once("\r\n\r\n").unwrap().1.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_of_a_connection_has_its_line_without_its_query() {
    let (scene, mut records) = logging().await;
    let mut wire = scene.connect().await;

    wire.send("POST /events/a?id=S3CRET HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\n\r\nx").await;
    let published = body(&wire.answer().await);
    wire.send("GET /nothing;token=S3CRET?token=S3CRET HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    let refused = body(&wire.answer().await);
    wire.send("HEAD /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await;

    assert_eq!(line(&mut records).await, told("POST /events/a HTTP/1.1", 201, published));
    assert_eq!(line(&mut records).await, told("GET /nothing;... HTTP/1.1", 404, refused));
    assert_eq!(line(&mut records).await, told("HEAD /healthz HTTP/1.1", 200, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_stream_has_its_line_when_it_ends_with_all_its_bytes() {
    let (scene, mut records) = logging().await;
    let mut stream = scene.stream("/events/a").await;
    scene.publish("a", &["x", "y"]).await;
    stream.expect_events("id: 1-1\ndata: x\n\nid: 1-2\ndata: y\n\n").await;
    assert!(records.try_next().is_none(), "the stream has not ended");

    drop(stream);

    let line = line(&mut records).await;
    let (told, bytes) = line.rsplit_once(' ').unwrap();
    let bytes: usize = bytes.parse().unwrap();
    assert!(told.ends_with("\"GET /events/a HTTP/1.1\" 200"), "{line}");
    let events = "id: 1-1\ndata: x\n\n".len() * 2;
    // Chunks have frames, and the client may have been asked whether it is there.
    let expected = opening(0).len() + events;
    assert!((expected..expected + 40).contains(&bytes), "{bytes}, {expected}");
}

/// Reads streams until the hub ends them. Their lines must tell the bytes that have come, with the frames of chunks.
async fn lines_tell_what_came(scene: Scene, streams: Vec<(&str, Wire)>, records: &mut AccessRecords) {
    let mut read = Vec::new();
    for (request, mut wire) in streams {
        wire.send(format!("{request}\r\nhost: localhost\r\n\r\n")).await;
        wire.head().await;
        let opening = wire.take_through("retry: ").await.len();
        read.push((request, wire, opening));
    }
    // Of several sizes, and one that is larger than a chunk.
    scene.publish("a", &["x", &"y".repeat(40_000), "z"]).await;
    for (_, wire, bytes) in &mut read {
        *bytes += wire.take_through("data: z\n\n").await.len();
    }
    let _ending = scene.begin_end();
    let mut expected = Vec::new();
    for (request, wire, bytes) in &mut read {
        *bytes += wire.rest_bytes().await.len();
        expected.push(told(request, 200, *bytes));
    }
    let mut lines = Vec::new();
    for _ in &expected {
        lines.push(line(records).await);
    }
    expected.sort_unstable();
    lines.sort_unstable();
    assert_eq!(lines, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_of_a_stream_are_those_of_its_body_with_all_frames() {
    let (scene, mut records) = logging().await;
    let mut streams = Vec::new();
    for request in ["GET /events/a HTTP/1.1", "GET /events/a HTTP/1.0"] {
        streams.push((request, scene.connect().await));
    }
    lines_tell_what_came(scene, streams, &mut records).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_of_a_stream_over_tls_are_those_of_its_body_with_all_frames() {
    let (scene, certificate, mut records) = logging_over_tls().await;
    let mut streams = Vec::new();
    for request in ["GET /events/a HTTP/1.1", "GET /events/a HTTP/1.0"] {
        streams.push((request, certificate.wire(scene.address).await));
    }
    lines_tell_what_came(scene, streams, &mut records).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_stream_that_does_not_read_is_counted_by_what_its_socket_took() {
    let (scene, mut records) = logging().await;
    let stream = scene.stream("/events/a").await;
    let large = "l".repeat(900_000);
    for _ in 0..16 {
        scene.publish("a", &[&large]).await;
    }
    until("the stream to be blocked", || scene.hub.shown().0 == 16).await;

    drop(stream);

    let line = line(&mut records).await;
    let bytes: usize = line.rsplit_once(' ').unwrap().1.parse().unwrap();
    assert!(bytes < 15 * 900_000, "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_over_tls_has_its_line_when_it_ends() {
    let (scene, certificate, mut records) = logging_over_tls().await;
    let mut wire = certificate.wire(scene.address).await;
    wire.send(GET).await;
    wire.head().await;
    wire.chunk().await;
    scene.publish("a", &["x"]).await;
    wire.expect("11\r\nid: 1-1\ndata: x\n\n\r\n").await;
    assert!(records.try_next().is_none(), "the stream has not ended");

    drop(wire);

    let line = line(&mut records).await;
    let bytes: usize = line.rsplit_once(' ').unwrap().1.parse().unwrap();
    assert!(line.contains("\"GET /events/a HTTP/1.1\" 200 "), "{line}");
    // Chunks have frames, and a client that has gone is asked once or twice whether it is there.
    let expected = opening(0).len() + "id: 1-1\ndata: x\n\n".len();
    assert!((expected..expected + 40).contains(&bytes), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_over_http_2_have_lines_of_their_own_when_they_end() {
    let (scene, certificate, mut records) = logging_over_tls().await;
    let stream = certificate.connect(scene.address, &["h2"]).await.unwrap();
    let mut peer = Peer::over(stream).await;
    let mut stream = peer.get("/events/a?opening=none", &[]).await;
    expect_opening(&mut stream, OPENING_LINES).await;
    let mut answer = peer.get("/healthz", &[]).await;
    let healthy = answer.rest().await.len();

    assert_eq!(line(&mut records).await, told("GET /healthz HTTP/2.0", 200, healthy));
    drop((stream, answer, peer));
    assert_eq!(line(&mut records).await, told("GET /events/a HTTP/2.0", 200, OPENING_LINES.len()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_has_a_line_without_one() {
    let (scene, mut records) = logging().await;
    let mut wire = scene.connect().await;

    wire.send("GET /events/\x01\r\n\r\n").await;
    let answer = wire.rest().await;

    assert_eq!(line(&mut records).await, told("-", 400, body(&answer)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_before_it_is_answered_has_a_line() {
    let (scene, mut records) = logging().await;
    let mut wire = scene.connect().await;
    wire.send("POST /events/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\nx").await;

    drop(wire);

    let line = line(&mut records).await;
    assert!(line.contains("\"POST /events/a HTTP/1.1\" "), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_nobody_takes_are_left_out_and_counted_and_nobody_waits() {
    let (log, mut records) = AccessLog::new();
    let counted = log.clone();
    let scene = Scene::with(|config| config.access_log = Some(log)).await;
    let mut wire = scene.connect().await;

    for _ in 0..4_100 {
        wire.send("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        wire.answer().await;
    }

    until("four lines to be left out", || counted.dropped() == 4).await;
    let taken = std::iter::from_fn(|| records.try_next()).count();
    assert_eq!(taken, 4_096);
    wire.send("GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert!(wire.answer().await.contains("\ntidings_access_log_dropped_total 4\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_is_that_of_the_client_beyond_proxies_that_are_trusted() {
    let (log, mut records) = AccessLog::new();
    let scene = Scene::with(|config| {
        config.access_log = Some(log);
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;

    let mut wire = scene.get("/healthz", "x-forwarded-for: 203.0.113.9\r\n").await;
    wire.answer().await;

    let line = line(&mut records).await;
    assert!(line.starts_with("203.0.113.9 - - ["), "{line}");
}

/// A user with blanks, who may read `users/` and nothing else, in the hub of which the clock stands at one hour.
#[tokio::test(flavor = "multi_thread")]
async fn the_user_is_told_also_of_a_request_that_is_refused() {
    let access = Access { tokens: Some(verifier(rules())), ..Access::default() };
    let (log, mut records) = AccessLog::new();
    let scene = Scene::with(|config| {
        config.access_log = Some(log);
        config.access = Some(Arc::new(AccessSettings { access, ..AccessSettings::default() }));
    })
    .await;
    let claims = json!({"sub": "u 1", "exp": 7_200, "tidings": {"subscribe": ["users/*"]}});
    let token = token_of(&claims);
    let bearer = format!("authorization: Bearer {token}\r\naccept: application/json\r\n");

    for (target, status) in [("/events/users/1", 200), ("/events/orders/1", 403)] {
        let answer = scene.get(target, &bearer).await.answer().await;
        let expected = format!(
            "127.0.0.1 - u%201 [01/Jan/1970:01:00:00 +0000] \"GET {target} HTTP/1.1\" {status} {}",
            body(&answer)
        );
        assert_eq!(line(&mut records).await, expected);
    }
}

/// It was a hyphen, so the operator could not tell whose requests these were.
#[tokio::test(flavor = "multi_thread")]
async fn a_named_key_is_told_by_its_name_and_so_is_the_publish_key() {
    let key = "k-0123456789abcdef0123456789abcdef";
    let named = NamedKey::new("backend", KeyHash::of(key.as_bytes()), Grants::default());
    let access = Access { keys: NamedKeys::new([named]), ..Access::default() };
    let settings = Arc::new(AccessSettings { access, ..AccessSettings::default() });

    for (access, shown, status, told) in [
        (Some(settings.clone()), key, "403", "key:backend"),
        (Some(settings), "other", "401", "-"),
        (None, key, "201", "key:publish-key"),
        (None, "other", "401", "-"),
    ] {
        let (log, mut records) = AccessLog::new();
        let scene = Scene::with(|config| {
            config.access_log = Some(log);
            config.publish_key = Some(key.to_owned());
            config.access = access;
        })
        .await;
        let mut wire = scene.connect().await;
        let head = "POST /events/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\n";
        wire.send(format!("{head}authorization: Bearer {shown}\r\n\r\nx")).await;
        wire.answer().await;

        let line = line(&mut records).await;
        let expected =
            format!("127.0.0.1 - {told} [01/Jan/1970:01:00:00 +0000] \"POST /events/a HTTP/1.1\" {status} ");
        assert!(line.starts_with(&expected), "{line}");
    }
}
