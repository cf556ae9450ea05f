//! The phases of a connection, the same over every version of HTTP, with and without TLS: a refusal is read by clients that
//! send everything first, a client that has no more to send gets its answer, and each phase has its end.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::time::Duration;

use bytes::Bytes;
use support::meter::Meter;
use support::scene::{Scene, Stream};
use support::tls::tls;
use tidings_http::{Cors, HttpConfig, Verdict};
use tidings_testkit::certificate::Certificate;
use tidings_testkit::deadline::{until, within};
use tidings_testkit::http2::Peer;
use tidings_testkit::wire::Wire;
use tokio::net::TcpStream;

/// More than sockets take of it while nobody reads, and more than was once read after an answer.
const LARGE: usize = 4 * 1_048_576;

/// What a request of HTTP/1 goes over.
#[derive(Debug, Clone, Copy)]
enum Over {
    Tcp,
    Tls12,
    Tls13,
}

const ALL: [(Over, &str); 6] = [
    (Over::Tcp, "1.0"),
    (Over::Tcp, "1.1"),
    (Over::Tls12, "1.0"),
    (Over::Tls12, "1.1"),
    (Over::Tls13, "1.0"),
    (Over::Tls13, "1.1"),
];

/// A hub, and how it is reached.
struct Place {
    scene: Scene,
    certificate: Certificate,
    over: Over,
}

impl Place {
    async fn new(over: Over, change: impl FnOnce(&mut HttpConfig)) -> Self {
        let certificate = Certificate::new();
        let scene = Scene::with(|config| {
            if !matches!(over, Over::Tcp) {
                config.tls = Some(tls(&certificate));
            }
            change(config);
        });
        Self { scene: scene.await, certificate, over }
    }

    async fn connect(&self) -> Wire {
        let address = self.scene.address;
        match self.over {
            Over::Tcp => Wire::open(address).await,
            Over::Tls12 => self.certificate.wire_over_tls_1_2(address).await,
            Over::Tls13 => self.certificate.wire(address).await,
        }
    }
}

fn status(answer: &str) -> u16 {
    answer.get(9..12).unwrap_or_else(|| panic!("no answer: {answer:?}")).parse().unwrap()
}

/// Sends all, and reads only then. The number of the answer's status.
async fn refused(place: &Place, head: &str, body: &[u8]) -> u16 {
    let mut wire = place.connect().await;
    wire.send(head).await;
    wire.send(body).await;
    let answer = wire.rest().await;
    assert!(answer.to_ascii_lowercase().contains("\r\nconnection: close\r\n"), "{answer}");
    status(&answer)
}

/// From 2 MiB on a client that sent everything first found its connection reset.
#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_is_read_by_a_client_that_sends_its_whole_body_first() {
    let place = Place::new(Over::Tcp, |config| config.publish_key = Some("key".to_owned())).await;
    let body = vec![b'x'; LARGE];
    let key = "authorization: Bearer key\r\n";
    let requests = [
        ("POST /events/a", String::new(), 401),
        ("POST /events/a", key.to_owned(), 413),
        ("POST /events/a", format!("{key}content-type: image/png\r\n"), 415),
        ("POST /events/a?what=1", key.to_owned(), 400),
        ("POST /nowhere", key.to_owned(), 404),
        ("PATCH /events/a", key.to_owned(), 405),
        ("POST /events/a", format!("{key}origin: https://evil.example\r\n"), 403),
    ];

    for (what, headers, expected) in requests {
        let head = format!("{what} HTTP/1.1\r\nhost: localhost\r\n{headers}content-length: {LARGE}\r\n\r\n");
        assert_eq!(refused(&place, &head, &body).await, expected, "{what} {headers}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_read_over_every_version_with_and_without_tls_whether_the_length_is_known_or_not() {
    let body = vec![b'x'; LARGE];
    let chunked = [format!("{LARGE:x}\r\n").as_bytes(), &body, b"\r\n0\r\n\r\n"].concat();

    for (over, version) in ALL {
        let place = Place::new(over, |_| ()).await;
        let head = format!("POST /events/a HTTP/{version}\r\nhost: localhost\r\n");
        let declared = format!("{head}content-length: {LARGE}\r\n\r\n");
        let mut wire = place.connect().await;
        wire.send(declared).await;
        wire.send(&body).await;
        assert_eq!(status(&wire.rest().await), 413, "{over:?} {version}");
        if version == "1.1" {
            let undeclared = format!("{head}transfer-encoding: chunked\r\n\r\n");
            assert_eq!(refused(&place, &undeclared, &chunked).await, 413, "{over:?} {version}, chunked");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_none_is_refused_in_words_that_its_sender_can_read() {
    let place = Place::new(Over::Tcp, |_| ()).await;
    let mut wire = place.connect().await;

    wire.send("no http\r\n\r\n").await;
    wire.send(vec![b'x'; LARGE]).await;

    assert_eq!(status(&wire.rest().await), 400);
}

/// curl forgot the answer from 3 MiB on, since a reset followed it.
#[tokio::test(flavor = "multi_thread")]
async fn over_http_2_a_refusal_comes_at_once_and_no_reset_follows_while_the_body_still_comes() {
    let place = Place::new(Over::Tls13, |_| ()).await;
    let stream = place.certificate.connect(place.scene.address, &["h2"]).await.unwrap();
    let mut peer = Peer::over(stream).await;
    let length = LARGE.to_string();
    let (answer, mut body) = peer.publish_open("/events/a", &[("content-length", &length)]).await;

    let (head, mut text) = within("the answer", answer).await.unwrap().into_parts();
    let mut left = LARGE;
    while left > 0 {
        body.reserve_capacity(left);
        let room = within("room", std::future::poll_fn(|context| body.poll_capacity(context))).await;
        let room = room.unwrap().unwrap().min(left);
        left -= room;
        body.send_data(Bytes::from(vec![b'x'; room]), left == 0).unwrap();
    }

    assert_eq!(head.status, 413);
    let mut said = Vec::new();
    while let Some(data) = within("the answer's body", text.data()).await {
        said.extend_from_slice(&data.unwrap());
    }
    assert!(String::from_utf8(said).unwrap().contains("urn:tidings:problem:too-large"));
    // The other requests on the connection go on.
    assert_eq!(peer.request("POST", "/events/a", &[], "x").await.head.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_body_that_was_not_wanted_does_not_cost_the_connection() {
    let place = Place::new(Over::Tcp, |_| ()).await;
    let mut wire = place.connect().await;
    let refused = "POST /nowhere HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\n\r\nbody";

    wire.send(refused.repeat(2)).await;

    for _ in 0..2 {
        let answer = wire.answer().await;
        assert_eq!(status(&answer), 404);
        assert!(!answer.contains("connection: close"), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_on_after_its_refusal_does_not_hold_up_the_end() {
    let place = Place::new(Over::Tcp, |_| ()).await;
    let mut wire = place.connect().await;
    wire.send("POST /events/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9999999\r\n\r\nx").await;
    assert_eq!(status(&wire.head().await), 413);

    let ended = place.scene.begin_end();

    assert_eq!(ended.verdict().await, Verdict::Drained);
}

/// A client that shut its sending side after the request got no answer, although its event was stored.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_has_no_more_to_send_gets_its_answers() {
    for (over, version) in ALL {
        let place = Place::new(over, |_| ()).await;
        for (request, expected) in [
            ("POST /events/a", 201),
            ("POST /events/a?type=%00", 400),
            ("POST /nowhere", 404),
            ("PUT /events/a", 405),
            ("GET /healthz", 200),
            ("GET /metrics", 200),
            ("GET /events/a", 200),
            ("GET /", 200),
            ("OPTIONS /events/a", 204),
        ] {
            let (headers, body) = match request.starts_with("POST") {
                true => ("content-length: 1\r\n", "x"),
                false => ("accept: application/json, text/html\r\n", ""),
            };
            let request = format!("{request} HTTP/{version}\r\nhost: localhost\r\n{headers}\r\n{body}");
            let mut wire = place.connect().await;
            wire.send(&request).await;
            wire.finish().await;

            assert_eq!(status(&wire.rest().await), expected, "{over:?} {request}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_a_row_are_all_answered_though_their_client_has_no_more_to_send() {
    for over in [Over::Tcp, Over::Tls12, Over::Tls13] {
        let place = Place::new(over, |_| ()).await;
        let mut wire = place.connect().await;
        let request = "POST /events/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\n\r\nx";

        wire.send(request.repeat(20)).await;
        wire.finish().await;

        assert_eq!(wire.rest().await.matches("HTTP/1.1 201").count(), 20, "{over:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_its_client_ends_too_early_is_answered_and_not_published() {
    for (over, version) in ALL {
        let place = Place::new(over, |_| ()).await;
        let mut wire = place.connect().await;
        let request =
            format!("POST /events/a HTTP/{version}\r\nhost: localhost\r\ncontent-length: 3\r\n\r\nxx");

        wire.send(request).await;
        wire.finish().await;

        let answer = wire.rest().await;
        assert_eq!(status(&answer), 400, "{over:?} {version}");
        assert!(answer.contains("urn:tidings:problem:cut-off"), "{answer}");
        assert_eq!(place.scene.log().await, [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_has_no_more_to_send_is_served_on() {
    for over in [Over::Tcp, Over::Tls12, Over::Tls13] {
        let place = Place::new(over, |_| ()).await;
        let mut wire = place.connect().await;
        wire.send("GET /events/a HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n").await;
        wire.finish().await;
        wire.head().await;
        let mut stream = Stream::of(wire).await;
        // The heartbeats with which the hub finds out that it is still there.
        tokio::time::sleep(Duration::from_millis(1_500)).await;

        place.scene.publish("a", &["x"]).await;

        let said = stream.wire.take_through("data: x\n\n").await;
        assert!(said.contains("id: 1-1\n"), "{over:?}: {said}");
        assert_eq!(place.scene.hub.roster().count(), 1, "{over:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_leaves_is_noticed_long_before_the_next_heartbeat() {
    for over in [Over::Tcp, Over::Tls12, Over::Tls13] {
        let place = Place::new(over, |config| config.heartbeat = Duration::from_secs(3_600)).await;
        let mut wire = place.connect().await;
        wire.send("GET /events/a HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n").await;
        wire.head().await;
        let stream = Stream::of(wire).await;
        assert_eq!(place.scene.hub.roster().count(), 1);

        drop(stream);

        let roster = place.scene.hub.roster().clone();
        until("nobody to be subscribed", || roster.count() == 0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_that_resets_its_connection_publishes_nothing_and_leaves_nothing_behind() {
    let place = Place::new(Over::Tcp, |_| ()).await;
    for sent in ["POST /eve", "POST /events/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3\r\n\r\nxx"] {
        let socket = TcpStream::connect(place.scene.address).await.unwrap();
        let mut wire = Wire::over(socket);
        wire.send(sent).await;
        drop(wire);
    }
    let front = place.scene.front.clone();

    until("all bodies to be given back", || front.bodies_bytes() == 0).await;
    assert_eq!(place.scene.log().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_and_half_a_head_are_closed() {
    for over in [Over::Tcp, Over::Tls12, Over::Tls13] {
        for next in ["", "GET /heal"] {
            let short = |config: &mut HttpConfig| {
                config.idle_wait_max = Duration::from_secs(1);
                config.head_wait_max = Duration::from_secs(1);
            };
            let place = Place::new(over, short).await;
            let mut wire = place.connect().await;
            wire.send("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
            assert_eq!(status(&wire.answer().await), 200);

            wire.send(next).await;

            assert!(wire.is_closed().await, "{over:?} {next}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_on_the_port_of_tls_is_told_to_write_https() {
    // Each is answered because of what it is, and not because its time is over.
    let place = Place::new(Over::Tls13, |config| {
        config.cors = Cors::Any;
        config.head_wait_max = Duration::from_secs(3_600);
    })
    .await;
    let port = place.scene.address.port();
    let text =
        format!("This is plain HTTP, and port {port} speaks HTTPS: write https:// in place of http://.\n");
    let body = "x".repeat(LARGE);
    for request in [
        "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
        "GET / HTTP/1.0\r\n\r\n".to_owned(),
        format!("POST /events/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: {LARGE}\r\n\r\n{body}"),
        "PROPFIND / HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
        format!("GET /{} HTTP/1.1\r\n", &body[..20_000]),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        // Line ends and beginnings that HTTP/1 allows or once had.
        "GET / HTTP/1.1\nhost: localhost\n\n".to_owned(),
        "GET / HTTP/1.1\r\nhost: localhost\n\r\n".to_owned(),
        "\r\n\nGET / HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
        "GET /\r\n".to_owned(),
        "GET /\n".to_owned(),
        "SSH-2.0-OpenSSH_9\r\n".to_owned(),
    ] {
        let mut wire = Wire::open(place.scene.address).await;
        wire.send(request).await;
        let answer = wire.rest().await;
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
        assert!(answer.contains("\r\ncontent-type: text/plain; charset=utf-8\r\n"), "{answer}");
        // As every answer of a hub that all origins may read.
        for header in
            ["x-content-type-options: nosniff", "vary: Origin", "cross-origin-resource-policy: cross-origin"]
        {
            assert!(answer.contains(&format!("\r\n{header}\r\n")), "{answer}");
        }
        assert!(answer.ends_with(&format!("\r\n\r\n{text}")), "{answer}");
    }

    let mut wire = Wire::open(place.scene.address).await;
    wire.send("HEAD / HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    let answer = wire.rest().await;
    assert!(answer.contains("content-length: ") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_request_in_plain_http_to_the_port_of_tls_does_not_hold_up_the_end() {
    let place = Place::new(Over::Tls13, |_| ()).await;
    let mut half = Wire::open(place.scene.address).await;
    half.send("GET / HT").await;
    let mut meter = Meter::of(&place.scene.front);
    meter.settle("tidings_connections", 1.0).await;

    let ended = place.scene.begin_end();

    assert!(half.rest().await.starts_with("HTTP/1.1 400 "));
    assert_eq!(ended.verdict().await, Verdict::Drained);
}

/// They were closed without a word.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_in_plain_http_whose_end_does_not_come_is_answered_after_its_time() {
    let place = Place::new(Over::Tls13, |config| config.head_wait_max = Duration::from_millis(100)).await;

    for half in ["GET / HT", "GET / HTTP/1.1\r\nhost: localhost\r\n"] {
        let mut wire = Wire::open(place.scene.address).await;
        wire.send(half).await;
        assert!(wire.rest().await.contains(" speaks HTTPS: "), "{half}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_allowed_can_read_that_it_should_write_https() {
    let place = Place::new(Over::Tls13, |config| {
        config.cors = Cors::Only(vec!["https://app.example".parse().unwrap()]);
    })
    .await;

    for (origin, is_allowed) in [("https://app.example", true), ("https://evil.example", false)] {
        let mut wire = Wire::open(place.scene.address).await;
        wire.send(format!("POST /events/a HTTP/1.1\r\nORIGIN:{origin}\r\ncontent-length: 0\r\n\r\n")).await;
        let answer = wire.rest().await;
        let allow = format!("\r\naccess-control-allow-origin: {origin}\r\n");
        assert_eq!(answer.contains(&allow), is_allowed, "{answer}");
        assert_eq!(answer.contains("access-control-allow-origin"), is_allowed, "{answer}");
    }
}

/// The connection was closed over the second request, although the hub had the whole body of the first.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_body_in_chunks_that_came_whole_does_not_end_its_connection() {
    let place = Place::new(Over::Tcp, |_| ()).await;

    for chunks in ["0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"] {
        let mut wire = place.connect().await;
        let refused = format!(
            "POST /nowhere HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n{chunks}"
        );
        wire.send(format!("{refused}GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")).await;
        assert_eq!(status(&wire.answer().await), 404, "{chunks:?}");
        assert!(wire.answer().await.ends_with("ok\n"), "{chunks:?}");
    }
}
