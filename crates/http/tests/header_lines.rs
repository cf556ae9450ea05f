//! Every header that the hub reads: twice with one value and with two, in both orders, empty, beyond ASCII, and long. Each outcome
//! is what the header's standard says, or a 400 that names the header.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use support::scene::Scene;
use support::{problem, tls};
use tidings_http::HttpConfig;
use tidings_testkit::http2::Peer;

/// A header, two values of it, and the statuses of a publish and of reading with these lines.
struct Row {
    name: &'static str,
    values: [&'static str; 2],
    /// Twice the first value.
    same: Statuses,
    /// Both values, in either order.
    different: Statuses,
    empty: Statuses,
    /// `é`, in UTF-8.
    foreign: Statuses,
    /// 8 KiB of `a`.
    long: Statuses,
}

/// Of a publish, and of reading.
type Statuses = [u16; 2];

const TAKEN: Statuses = [201, 200];
const REFUSED: Statuses = [400, 400];
/// The header means nothing to readers.
const BAD_PUBLISH: Statuses = [400, 200];
const NO_TEXT: Statuses = [415, 200];
const FOREIGN_PAGE: Statuses = [403, 403];
const NO_KEY: Statuses = [401, 200];

const ROWS: [Row; 9] = [
    Row {
        name: "origin",
        values: ["http://localhost", "http://b.example"],
        same: REFUSED,
        different: REFUSED,
        empty: FOREIGN_PAGE,
        foreign: FOREIGN_PAGE,
        long: FOREIGN_PAGE,
    },
    given_once("sec-fetch-site", ["same-origin", "cross-site"]),
    given_once("sec-fetch-mode", ["cors", "navigate"]),
    given_once("last-event-id", ["1-1", "1-2"]),
    Row {
        name: "content-type",
        values: ["text/plain", "application/json"],
        same: REFUSED,
        different: REFUSED,
        empty: NO_TEXT,
        foreign: NO_TEXT,
        long: NO_TEXT,
    },
    // A list, RFC 9110, 8.4, of which the hub takes `identity` alone.
    Row {
        name: "content-encoding",
        values: ["identity", "gzip"],
        same: TAKEN,
        different: NO_TEXT,
        empty: TAKEN,
        foreign: NO_TEXT,
        long: NO_TEXT,
    },
    Row {
        name: "idempotency-key",
        values: ["k", "l"],
        same: BAD_PUBLISH,
        different: BAD_PUBLISH,
        empty: BAD_PUBLISH,
        foreign: BAD_PUBLISH,
        long: BAD_PUBLISH,
    },
    // A list, RFC 9110, 12.5.1. What is no media range is passed over.
    Row {
        name: "accept",
        values: ["text/event-stream", "application/json"],
        same: TAKEN,
        different: TAKEN,
        empty: TAKEN,
        foreign: TAKEN,
        long: TAKEN,
    },
    // They decide in answers to preflights and about files alone.
    Row {
        name: "access-control-request-headers",
        values: ["x-a", "x-b"],
        same: TAKEN,
        different: TAKEN,
        empty: TAKEN,
        foreign: TAKEN,
        long: TAKEN,
    },
];

/// A header that may be given once, of which a value that nobody knows says nothing.
const fn given_once(name: &'static str, values: [&'static str; 2]) -> Row {
    Row { name, values, same: REFUSED, different: REFUSED, empty: TAKEN, foreign: TAKEN, long: TAKEN }
}

/// Of a hub with a key.
const AUTHORIZATION: Row = Row {
    name: "authorization",
    values: ["Bearer k", "Bearer x"],
    same: REFUSED,
    different: REFUSED,
    empty: NO_KEY,
    foreign: NO_KEY,
    long: NO_KEY,
};

impl Row {
    /// Values of the header's lines, and the statuses that they lead to.
    fn cases(&self) -> Vec<(Vec<String>, Statuses)> {
        let lines = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
        let [one, other] = self.values;
        vec![
            (lines(&[one, one]), self.same),
            (lines(&[one, other]), self.different),
            (lines(&[other, one]), self.different),
            (lines(&[""]), self.empty),
            (lines(&["\u{e9}"]), self.foreign),
            (vec!["a".repeat(8_192)], self.long),
        ]
    }
}

/// A 400 says which header is wrong.
fn assert_names(answer: &str, name: &str, case: &str) {
    let detail = answer.split_once("\"detail\":").map_or("", |(_, detail)| detail).to_lowercase();
    assert!(detail.replace('-', " ").contains(&name.replace('-', " ")), "{case}: {answer}");
}

async fn check_over_http_1(row: &Row, change: fn(&mut HttpConfig)) {
    for (lines, statuses) in row.cases() {
        // The same key with the same event again would be a repetition.
        let scene = Scene::with(change).await;
        let headers: String = lines.iter().map(|value| format!("{}: {value}\r\n", row.name)).collect();
        let case = || headers.get(..200).unwrap_or(&headers).to_owned();
        for (request, status) in [
            ("POST /events/a", statuses[0]),
            ("GET /events/a", statuses[1]),
            ("GET /events/a?last=1", statuses[1]),
            ("GET /events?topic=a", statuses[1]),
        ] {
            let mut wire = scene.connect().await;
            let body = if request.starts_with("POST") { "content-length: 1\r\n\r\nx" } else { "\r\n" };
            wire.send(format!("{request} HTTP/1.1\r\nhost: localhost\r\n{headers}{body}")).await;
            let head = wire.head().await;
            assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{request} with {}: {head}", case());
            if status == 400 {
                let length = head
                    .split_once("content-length: ")
                    .and_then(|(_, rest)| rest.lines().next()?.parse().ok());
                let answer = head + &wire.take(length.unwrap()).await;
                assert_names(&answer, row.name, &format!("{request} with {}", case()));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_header_twice_empty_foreign_or_long_is_taken_or_refused_by_its_name() {
    for row in &ROWS {
        check_over_http_1(row, |_| ()).await;
    }
    check_over_http_1(&AUTHORIZATION, |config| config.publish_key = Some("k".to_owned())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http_2_each_header_is_taken_or_refused_in_the_same_way() {
    for row in &ROWS {
        // The page of a hub with a certificate is one of https.
        if row.name == "origin" {
            continue;
        }
        for (lines, statuses) in row.cases() {
            let (scene, certificate) = tls::scene().await;
            let mut peer = Peer::over(certificate.connect(scene.address, &["h2"]).await.unwrap()).await;
            let headers: Vec<_> = lines.iter().map(|value| (row.name, value.as_str())).collect();
            for (method, target, status) in [
                ("POST", "/events/a", statuses[0]),
                ("HEAD", "/events/a", statuses[1]),
                ("HEAD", "/events/a?last=1", statuses[1]),
            ] {
                let body = if method == "POST" { "x" } else { "" };
                let mut answer = peer.request(method, target, &headers, body).await;
                assert_eq!(answer.head.status, status, "{method} {target} with {} {:.60?}", row.name, lines);
                if status == 400 && method == "POST" {
                    assert_names(&answer.rest().await, row.name, row.name);
                }
            }
        }
    }
}

/// It said that an idempotency key has at most so many characters, which both had.
#[tokio::test(flavor = "multi_thread")]
async fn two_idempotency_keys_are_refused_as_two() {
    let scene = Scene::start().await;

    for keys in [["k", "k"], ["k", "l"]] {
        let lines = keys.map(|key| format!("idempotency-key: {key}\r\n")).concat();
        let mut wire = scene.connect().await;
        wire.send(format!("POST /events/a HTTP/1.1\r\nhost: a\r\n{lines}content-length: 1\r\n\r\nx")).await;

        let detail = "the request has 2 lines `idempotency-key`, and may have one";
        assert_eq!(wire.answer().await, problem("400 Bad Request", "bad-idempotency-key", detail));
    }
    assert!(scene.log().await.is_empty());
}

/// They read "the transfer coding is `chunked`; the hub takes `chunked` alone".
#[tokio::test(flavor = "multi_thread")]
async fn a_coding_that_is_applied_twice_is_refused_as_that_and_one_that_is_unknown_by_its_name() {
    let scene = Scene::start().await;
    let twice = "the request has the transfer coding `chunked` 2 times (`transfer-encoding: chunked, chunked`), and may have it \
                 once";
    let unknown =
        |codings: &str| format!("the transfer coding is `{codings}`; the hub takes `chunked` alone");

    for (lines, status, kind, detail) in [
        (
            "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
            "400 Bad Request",
            "repeated-header",
            twice.to_owned(),
        ),
        ("transfer-encoding: chunked, chunked\r\n", "400 Bad Request", "repeated-header", twice.to_owned()),
        (
            "transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n",
            "501 Not Implemented",
            "unsupported-transfer-coding",
            unknown("gzip, chunked"),
        ),
        (
            "transfer-encoding: chunked, gzip, chunked\r\n",
            "501 Not Implemented",
            "unsupported-transfer-coding",
            unknown("chunked, gzip, chunked"),
        ),
    ] {
        let mut wire = scene.connect().await;
        wire.send(format!("POST /events/a HTTP/1.1\r\nhost: a\r\n{lines}\r\n1\r\nx\r\n0\r\n\r\n")).await;
        // How much of the body was read, and so whether the connection can go on, is no matter here.
        let answer = wire.answer().await.replace("connection: close\r\n", "");
        assert_eq!(answer, problem(status, kind, &detail), "{lines}");
    }
    assert!(scene.log().await.is_empty());
}
