//! What hyper cannot read, over every kind of connection: the answer says what is wrong, has what every answer has, and is
//! read by its sender. hyper's own answers are empty.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use support::UNSHARED;
use support::scene::Scene;
use support::tls::tls;
use tidings_testkit::certificate::Certificate;
use tidings_testkit::wire::Wire;

const METHODS: [&str; 5] = ["GET", "HEAD", "POST", "OPTIONS", "BREW"];
const VERSIONS: [&str; 2] = ["1.0", "1.1"];

/// More than sockets take while nobody reads.
const LARGE: usize = 4 * 1_048_576;

/// A hub, and how it is reached.
struct Hub {
    scene: Scene,
    certificate: Option<Certificate>,
}

impl Hub {
    async fn all() -> [Self; 2] {
        let certificate = Certificate::new();
        let over_tls = Scene::with(|config| config.tls = Some(tls(&certificate))).await;
        [
            Self { scene: Scene::start().await, certificate: None },
            Self { scene: over_tls, certificate: Some(certificate) },
        ]
    }

    async fn connect(&self) -> Wire {
        match &self.certificate {
            None => self.scene.connect().await,
            Some(certificate) => certificate.wire(self.scene.address).await,
        }
    }

    /// Sends this on a new connection, and reads until the hub ends it.
    async fn said_to(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut wire = self.connect().await;
        wire.send(bytes).await;
        wire.rest().await
    }
}

/// The one answer that a connection gets, and what it says: it has all that every answer has.
fn detail_of(answer: &str, status: u16, kind: &str) -> String {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    assert!(head.contains(UNSHARED.trim_end()), "{answer}");
    assert!(head.contains("\r\nconnection: close"), "{answer}");
    assert!(head.contains("\r\ncontent-type: application/problem+json\r\n"), "{answer}");
    assert!(head.contains(&format!("\r\ncontent-length: {}", body.len())), "{answer}");
    let problem: serde_json::Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}"));
    assert_eq!(problem["type"], format!("urn:tidings:problem:{kind}"), "{answer}");
    assert_eq!(problem["status"], status, "{answer}");
    problem["detail"].as_str().unwrap().to_owned()
}

/// What is sent instead of a request's headers, with a part of the answer's sentence.
fn malformed_headers() -> Vec<(String, u16, &'static str, &'static str)> {
    let header = |line: &str| format!("host: localhost\r\n{line}\r\n");
    let many = (0..101).map(|number| format!("x-{number}: a\r\n")).collect::<String>();
    vec![
        (header("x: a\r\n folded"), 400, "bad-head", "begins with white space"),
        (header("x: a\r\n\tfolded"), 400, "bad-head", "begins with white space"),
        (header("x-y : a"), 400, "bad-head", "the name of the header `x-y ` has a space"),
        (header("x\u{e9}: a"), 400, "bad-head", "has the byte 0xc3"),
        (header("no colon"), 400, "bad-head", "has no colon"),
        (header(": a"), 400, "bad-head", "has no name"),
        (header("x-y: a\u{0}b"), 400, "bad-head", "the header `x-y` has the control character 0x00"),
        (header("x-y: a\u{7f}b"), 400, "bad-head", "the header `x-y` has the control character 0x7f"),
        (header("x-y: a\rb"), 400, "bad-head", "a carriage return without a line feed"),
        (header("content-length: 1x"), 400, "bad-head", "invalid content-length"),
        (header("content-length: -1"), 400, "bad-head", "invalid content-length"),
        (header("content-length: 99999999999999999999"), 400, "bad-head", "invalid content-length"),
        (header("content-length: 1\r\ncontent-length: 2"), 400, "bad-head", "invalid content-length"),
        (many, 431, "head-too-large", "more than 100 headers"),
        (
            header(&format!("x: {}", "a".repeat(70_000))),
            431,
            "head-too-large",
            "65536 bytes (head_bytes_max)",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_head_that_is_malformed_is_answered_with_a_reason_whatever_the_method_and_version() {
    for hub in Hub::all().await {
        for version in VERSIONS {
            for method in METHODS {
                for (headers, status, kind, part) in malformed_headers() {
                    let answer =
                        hub.said_to(format!("{method} /events/a HTTP/{version}\r\n{headers}\r\n")).await;
                    if method == "HEAD" {
                        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{headers}: {answer}");
                        assert!(answer.contains(UNSHARED.trim_end()), "{headers}: {answer}");
                        assert!(answer.ends_with("\r\n\r\n"), "{headers}: {answer}");
                        continue;
                    }
                    let detail = detail_of(&answer, status, kind);
                    assert!(detail.contains(part), "{method} {version} {headers:.80?}: {detail}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_line_that_is_malformed_is_answered_with_a_reason() {
    let long = format!("GET /{} HTTP/1.1", "a".repeat(65_534));
    let header = format!("GET / HTTP/1.1\r\nx: {}", "a".repeat(65_536));
    for hub in Hub::all().await {
        for (line, status, kind, part) in [
            ("no http", 400, "bad-head", "does not end with a version"),
            ("GET", 400, "bad-head", "the first line is only `GET`"),
            ("GET /", 400, "bad-head", "does not end with a version"),
            ("G\u{e4}T / HTTP/1.1", 400, "bad-head", "`G\\xc3\\xa4T`, which is no method"),
            ("GET /a b HTTP/1.1", 400, "bad-head", "must be written as %20"),
            ("GET /a\u{1}b HTTP/1.1", 400, "bad-head", "the control character 0x01"),
            ("GET http:// HTTP/1.1", 400, "bad-head", "invalid URI"),
            ("GET /\u{7f} HTTP/1.1", 400, "bad-head", "the control character 0x7f"),
            ("GET / HTTP/1.2", 505, "unsupported-version", "HTTP/1.2; use HTTP/1.1"),
            ("GET / HTTP/3.0", 505, "unsupported-version", "HTTP/3.0; use HTTP/1.1"),
            ("GET / HTTP/0.9", 505, "unsupported-version", "HTTP/0.9; use HTTP/1.1"),
            ("{\"json\": 1}", 400, "bad-head", "which is no method"),
            (&long, 414, "url-too-long", "more than 65534 bytes"),
            (&header, 431, "head-too-large", "65536 bytes (head_bytes_max)"),
        ] {
            let answer = hub.said_to(format!("{line}\r\nhost: localhost\r\n\r\n")).await;
            let detail = detail_of(&answer, status, kind);
            assert!(detail.contains(part), "{line:?}: {detail}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_coding_that_hyper_does_not_take_is_answered_with_a_reason() {
    for hub in Hub::all().await {
        for (version, coding) in
            [("1.0", "chunked"), ("1.0", "gzip"), ("1.1", "gzip"), ("1.1", "chunked, gzip"), ("1.1", "x")]
        {
            let head = format!("POST /events/a HTTP/{version}\r\nhost: localhost\r\n");
            let answer = hub.said_to(format!("{head}transfer-encoding: {coding}\r\n\r\n")).await;
            let detail = detail_of(&answer, 400, "bad-head");
            assert!(detail.contains("transfer-encoding"), "{version} {coding}: {detail}");
        }
    }
}

/// The body behind the head was taken for the head: "the first line is only `5`".
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_length_is_told_also_with_the_body_behind_it() {
    for hub in Hub::all().await {
        for (version, lines, name) in [
            ("1.1", "content-length: 5\r\ncontent-length: 6\r\n", "invalid content-length; it is a number"),
            ("1.1", "content-length: 5, 5\r\n", "invalid content-length; it is a number"),
            ("1.1", "content-length:\r\n", "invalid content-length; it is a number"),
            (
                "1.1",
                "transfer-encoding: gzip\r\n",
                "invalid transfer-encoding; the hub takes `chunked` alone",
            ),
            ("1.1", "transfer-encoding:\r\n", "invalid transfer-encoding; the hub takes `chunked` alone"),
            (
                "1.1",
                "transfer-encoding: chunked;q=1\r\n",
                "invalid transfer-encoding; the hub takes `chunked` alone",
            ),
            ("1.0", "transfer-encoding: chunked\r\n", "unexpected transfer-encoding; HTTP/1.0 has none"),
        ] {
            for body in ["", "5\r\nhello\r\n0\r\n\r\n", "GET /events/a HTTP/1.1\r\nx y: z\r\n\r\n"] {
                let head = format!("POST /events/a HTTP/{version}\r\nhost: localhost\r\n{lines}\r\n");
                let detail = detail_of(&hub.said_to(head + body).await, 400, "bad-head");
                assert!(detail.contains(name), "{lines} with {body:?}: {detail}");
            }
        }
    }
}

/// hyper leaves the length out and takes the coding, and another program on the way may do the reverse.
#[tokio::test(flavor = "multi_thread")]
async fn a_length_beside_a_transfer_coding_is_refused_in_every_order_and_its_request_is_the_last() {
    const LENGTH: &str = "Content-Length: 5\r\n";
    const CODING: &str = "Transfer-Encoding: chunked\r\n";
    let before = "POST /events/a HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
    for hub in Hub::all().await {
        for lines in [
            format!("{LENGTH}{CODING}"),
            format!("{CODING}{LENGTH}"),
            format!("{LENGTH}x: y\r\n{CODING}{LENGTH}"),
            format!("{CODING}Content-Length: abc\r\n"),
            "content-LENGTH:0\r\ntransfer-encoding:chunked\r\n".to_owned(),
        ] {
            let body = "5\r\nhello\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
            let refused = format!("POST /events/a HTTP/1.1\r\nhost: localhost\r\n{lines}\r\n{body}");
            let detail = detail_of(&hub.said_to(&refused).await, 400, "bad-head");
            assert!(detail.contains("`content-length` and `transfer-encoding`"), "{lines:?}: {detail}");

            let said = hub.said_to(format!("{before}{refused}")).await;
            let (first, second) = said.split_at(said.rfind("HTTP/1.1 ").unwrap());
            assert!(first.starts_with("HTTP/1.1 201 "), "{said}");
            detail_of(second, 400, "bad-head");
        }
        let events = hub
            .scene
            .get("/events/a", "accept: application/json\r\nconnection: close\r\n")
            .await
            .rest()
            .await;
        assert!(!events.contains("hello"), "{events}");
    }
}

/// Python's `http.client` and Node's `http` send it, and hyper leaves it out.
#[tokio::test(flavor = "multi_thread")]
async fn a_fragment_is_refused_wherever_it_stands_in_the_target() {
    let before = "POST /events/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n#\n";
    for hub in Hub::all().await {
        for line in [
            "POST /events/chat#general HTTP/1.1",
            "POST /events/chat# HTTP/1.1",
            "GET /events?topic=a#b HTTP/1.1",
            "GET http://localhost/events/a?last=1# HTTP/1.1",
            "GET /healthz#x HTTP/1.1",
        ] {
            let request = format!("{line}\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n");
            let detail = detail_of(&hub.said_to(&request).await, 400, "fragment");
            assert!(detail.contains("%23"), "{line}: {detail}");

            let said = hub.said_to(format!("{before}{before}{request}")).await;
            detail_of(&said[said.rfind("HTTP/1.1 ").unwrap()..], 400, "fragment");
        }
        let kept = "GET /healthz HTTP/1.1\r\nhost: localhost\r\nreferer: /a#b\r\nconnection: close\r\n\r\n";
        let said = hub.said_to(format!("{before}{kept}")).await;
        assert!(said.starts_with("HTTP/1.1 201 ") && said.contains("HTTP/1.1 200 OK"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_protocols_at_the_port_are_told_what_it_speaks() {
    let scene = Scene::start().await;
    let hello = [&[22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3][..], &[7; 500]].concat();
    let proxy_2 = [b"\r\n\r\n\0\r\nQUIT\n".as_slice(), &[0x21, 0x11, 0, 12], &[1; 12]].concat();
    let hub = Hub { scene, certificate: None };
    for (bytes, part) in [
        (&hello[..], "this port speaks plain HTTP: write http://"),
        (&hello[..2], "--tls-cert and --tls-key"),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 5 6\r\nGET / HTTP/1.1\r\n\r\n", "PROXY protocol"),
        (b"PROXY UNKNOWN\r\n", "PROXY protocol"),
        (&proxy_2, "PROXY protocol"),
        (&[5, 1, 0], "SOCKS"),
        (&[4, 1, 0, 80, 1, 2, 3, 4, 0], "SOCKS"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "the first line is only"),
        (&[0xff; 32], "which is no method"),
    ] {
        let detail = detail_of(&hub.said_to(bytes).await, 400, "bad-head");
        assert!(detail.contains(part), "{bytes:?}: {detail}");
    }
}

/// RFC 9113, 3.4: the settings, and then the end with its reason.
#[tokio::test(flavor = "multi_thread")]
async fn http_2_without_tls_is_told_to_use_http_1_1() {
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    for hub in Hub::all().await {
        for bytes in [&preface[..], &preface[..16], &[&preface[..], &[0, 0, 0, 4, 0, 0, 0, 0, 0]].concat()] {
            let mut wire = hub.connect().await;
            wire.send(bytes).await;
            let said = wire.rest_bytes().await;

            assert_eq!(&said[..9], [0, 0, 0, 4, 0, 0, 0, 0, 0], "{said:?}");
            assert_eq!(said[11] as usize, said.len() - 18, "{said:?}");
            assert_eq!(&said[12..26], [7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xd], "{said:?}");
            assert!(String::from_utf8_lossy(&said[26..]).ends_with("use HTTP/1.1 here"), "{said:?}");
        }
    }
    let scene = Scene::start().await;
    let stream = tokio::net::TcpStream::connect(scene.address).await.unwrap();
    let (_send, connection) = h2::client::handshake(stream).await.unwrap();
    let error = connection.await.unwrap_err();
    assert_eq!(error.reason(), Some(h2::Reason::HTTP_1_1_REQUIRED), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_ends_before_its_empty_line_is_answered_when_its_sender_has_no_more_to_send() {
    for hub in Hub::all().await {
        for half in
            ["GET /heal", "GET /healthz HTTP/1.1\r\nhost: loc", "GET /healthz HTTP/1.1\r\nhost: a\r\n"]
        {
            let mut wire = hub.connect().await;
            wire.send(half).await;
            wire.finish().await;

            let detail = detail_of(&wire.rest().await, 400, "bad-head");
            assert_eq!(detail, "the head of the request ended before its empty line", "{half}");
        }
        let mut wire = hub.connect().await;
        wire.finish().await;
        assert!(wire.is_closed().await, "nothing was asked");
    }
}

/// Two requests in one write: what belongs to the first must not be lost with hyper's answer to the second.
#[tokio::test(flavor = "multi_thread")]
async fn the_answers_before_a_malformed_head_are_whole_and_only_one_follows() {
    for hub in Hub::all().await {
        for (first, ending) in [
            ("GET /healthz", "\n"),
            ("HEAD /healthz", "\r\n\r\n"),
            ("HEAD /nowhere", "\r\n\r\n"),
            ("GET /nowhere", "\n"),
            ("OPTIONS *", "\r\n\r\n"),
        ] {
            let good = format!("{first} HTTP/1.1\r\nhost: localhost\r\n\r\n");
            let said = hub.said_to(format!("{good}{good}GET / HTTP/1.1\r\nx : y\r\n\r\n")).await;

            let answers: Vec<_> = said.split("HTTP/1.1 ").skip(1).collect();
            assert_eq!(answers.len(), 3, "{said}");
            assert_eq!(answers[0], answers[1], "{said}");
            assert!(answers[0].ends_with(ending), "{said}");
            detail_of(&format!("HTTP/1.1 {}", answers[2]), 400, "bad-head");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reason_is_read_by_a_sender_that_goes_on_sending() {
    for hub in Hub::all().await {
        for begin in [&b"no http\r\n\r\n"[..], b"GET / HTTP/1.1\r\nx : y\r\n\r\n", &[5, 1, 0], &[0xff; 32]] {
            let mut wire = hub.connect().await;
            wire.send(begin).await;
            wire.send(vec![b'x'; LARGE]).await;

            detail_of(&wire.rest().await, 400, "bad-head");
        }
    }
}

/// The text of an event may look like an answer of hyper.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_looks_like_an_answer_arrives() {
    let scene = Scene::start().await;
    let text = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    scene.publish("a", &[text]).await;
    for accept in ["application/json", "text/event-stream"] {
        let mut wire = scene.get("/events/a?since=earliest", &format!("accept: {accept}\r\n")).await;

        let said = wire.take_through("content-length: 0").await;

        assert!(said.contains("400 Bad Request"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_waits_to_be_asked_for_its_body_is_asked() {
    let scene = Scene::start().await;
    let mut wire = scene.connect().await;
    wire.send(
        "POST /events/a HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n",
    )
    .await;

    wire.expect("HTTP/1.1 100 Continue\r\n\r\n").await;
    wire.send("hi").await;

    assert!(wire.head().await.starts_with("HTTP/1.1 201 "));
}
