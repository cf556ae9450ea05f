//! Heads of requests that two programs could read differently, and answers to HEAD.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use support::scene::Scene;
use support::tls;
use tidings_http::{Hosts, HttpConfig};
use tidings_testkit::http2::Peer;

const TARGETS: [&str; 9] = [
    "/",
    "/console/app.js",
    "/healthz",
    "/readyz",
    "/metrics",
    "/events/a",
    "/events?topic=a",
    "/events/a?x=1",
    "/nowhere",
];

const METHODS: [&str; 5] = ["GET", "HEAD", "POST", "OPTIONS", "PUT"];

fn on_loopback(config: &mut HttpConfig) {
    config.hosts = Hosts::LoopbackAnd(Vec::new());
}

/// The head of the answer to a request with these lines.
async fn answered(scene: &Scene, line: &str, headers: &str) -> String {
    let mut wire = scene.connect().await;
    wire.send(format!("{line}\r\n{headers}\r\n")).await;
    wire.head().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_names_its_host_once_and_as_a_host() {
    let scene = Scene::start().await;

    for method in METHODS {
        for target in TARGETS {
            let line = format!("{method} {target} HTTP/1.1");
            for headers in [
                "",
                "host: a\r\nhost: a\r\n",
                "host: localhost\r\nhost: evil.example\r\n",
                "host:\r\n",
                "host: localhost:evil.example\r\n",
                "host: localhost:80@evil\r\n",
                "host: [[[127.0.0.1]]]\r\n",
                "host: localhost:65536\r\n",
                "host: a..b\r\n",
                "host: a b\r\n",
                "host: a,b\r\n",
                "host: \u{e9}\r\n",
                "host: http://a\r\n",
                "host: 1.2.3.4.5\r\n",
            ] {
                let answer = answered(&scene, &line, headers).await;
                assert!(answer.starts_with("HTTP/1.1 400 "), "{line} with {headers:?}: {answer}");
            }
        }
    }
    for version in ["HTTP/1.0", "HTTP/1.1"] {
        let host = if version == "HTTP/1.0" { "" } else { "host: a\r\n" };
        let answer = answered(&scene, &format!("GET /healthz {version}"), host).await;
        assert!(answer.starts_with(&format!("{version} 200 ")), "{answer}");
        let answer = answered(&scene, &format!("GET /healthz {version}"), "host: a\r\nhost: b\r\n").await;
        assert!(answer.starts_with(&format!("{version} 400 ")), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_of_an_absolute_url_is_the_one_that_counts() {
    let scene = Scene::with(on_loopback).await;
    for (target, host, status) in [
        ("http://localhost/events/a", "evil.example", "200"),
        ("http://evil.example/events/a", "localhost", "421"),
        ("http://user@localhost/events/a", "localhost", "400"),
        ("http://localhost:99999/events/a", "localhost", "400"),
        ("http://localhost/events/a", "a..b", "400"),
    ] {
        let answer = answered(&scene, &format!("GET {target} HTTP/1.1"), &format!("host: {host}\r\n")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{target} with {host}: {answer}");
    }
    // The header must be there all the same. HTTP/1.0 does not know it.
    for (version, status) in [("HTTP/1.1", "400"), ("HTTP/1.0", "200")] {
        let answer = answered(&scene, &format!("GET http://localhost/healthz {version}"), "").await;
        assert!(answer.starts_with(&format!("{version} {status} ")), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_decides_something_stands_once() {
    let scene = Scene::with(|config| config.publish_key = Some("k".to_owned())).await;

    for method in METHODS {
        for target in TARGETS {
            for (name, one, other) in [
                ("origin", "http://a", "http://b"),
                ("authorization", "Bearer k", "Bearer x"),
                ("authorization", "Bearer x", "Bearer k"),
                ("content-type", "text/plain", "text/event-stream"),
                ("sec-fetch-site", "same-origin", "cross-site"),
                ("sec-fetch-mode", "navigate", "no-cors"),
                ("last-event-id", "1-1", "1-2"),
            ] {
                let headers = format!("host: a\r\n{name}: {one}\r\n{name}: {other}\r\n");
                let mut wire = scene.connect().await;
                wire.send(format!("{method} {target} HTTP/1.1\r\n{headers}\r\n")).await;
                let head = wire.head().await;
                assert!(head.starts_with("HTTP/1.1 400 "), "{method} {target} with {headers}: {head}");
                assert!(!head.contains("access-control-"), "{head}");
            }
        }
    }
    let mut wire = scene.connect().await;
    wire.send("GET /events/a HTTP/1.1\r\nhost: a\r\norigin: http://a\r\norigin: http://a\r\n\r\n").await;
    let answer = wire.answer().await;
    assert!(answer.contains("urn:tidings:problem:repeated-header"), "{answer}");
    assert!(answer.contains("the request has 2 lines `origin`, and may have one"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_in_another_transfer_coding_or_compressed_is_refused() {
    let scene = Scene::start().await;
    let post = "POST /events/a HTTP/1.1";

    for coding in ["gzip, chunked", "identity, chunked", ", chunked", "x, chunked"] {
        let headers = format!("host: a\r\ntransfer-encoding: {coding}\r\n");
        let mut wire = scene.connect().await;
        wire.send(format!("{post}\r\n{headers}\r\n1\r\nx\r\n0\r\n\r\n")).await;
        let answer = wire.head().await;
        assert!(answer.starts_with("HTTP/1.1 501 "), "{coding}: {answer}");
    }
    let two = "host: a\r\ntransfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n";
    assert!(answered(&scene, post, two).await.starts_with("HTTP/1.1 501 "));
    for codings in [
        "content-encoding: gzip\r\n",
        "content-encoding: identity\r\ncontent-encoding: gzip\r\n",
        "content-encoding: identity, br\r\n",
        "content-encoding: identity,, br\r\n",
    ] {
        let headers = format!("host: a\r\n{codings}content-length: 1\r\n");
        let mut wire = scene.connect().await;
        wire.send(format!("{post}\r\n{headers}\r\nx")).await;
        let answer = wire.head().await;
        assert!(answer.starts_with("HTTP/1.1 415 "), "{codings}: {answer}");
    }
    let mut wire = scene.connect().await;
    let plain = "host: a\r\ntransfer-encoding: Chunked\r\ncontent-encoding: identity\r\ncontent-encoding: Identity\r\n";
    wire.send(format!("{post}\r\n{plain}\r\n1\r\nx\r\n0\r\n\r\n")).await;
    assert!(wire.answer().await.starts_with("HTTP/1.1 201 "));
    assert_eq!(scene.log().await, ["a: x"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_head_has_no_content_whatever_is_asked_for() {
    let scene = Scene::with(on_loopback).await;
    scene.publish("a", &["one"]).await;
    for version in ["HTTP/1.0", "HTTP/1.1"] {
        for target in TARGETS {
            for headers in [
                "host: localhost\r\n",
                "host: evil.example\r\n",
                "host: localhost\r\norigin: http://evil.example\r\n",
                "host: localhost\r\naccept: application/json\r\n",
                "host: localhost\r\naccept: text/html\r\n",
                "host: localhost\r\naccept: image/png\r\n",
                "host: a..b\r\n",
                "host: localhost\r\naccept: text/event-stream\r\n",
            ] {
                let mut wire = scene.connect().await;
                wire.send(format!("HEAD {target} {version}\r\n{headers}connection: close\r\n\r\n")).await;
                let head = wire.head().await;
                assert_eq!(wire.rest().await, "", "{version} {target} with {headers:?} after {head}");
                let mut wire = scene.connect().await;
                wire.send(format!("GET {target} {version}\r\n{headers}connection: close\r\n\r\n")).await;
                let same = wire.head().await;
                assert_eq!(head.lines().next(), same.lines().next(), "{target} with {headers:?}");
            }
        }
    }
    assert_eq!(scene.hub.roster().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http_2_head_has_no_content_and_the_same_status_as_get() {
    let (scene, certificate) = tls::scene_with(on_loopback).await;
    scene.publish("a", &["one"]).await;
    let mut peer = Peer::over(certificate.connect(scene.address, &["h2"]).await.unwrap()).await;

    for target in TARGETS {
        for headers in [&[][..], &[("origin", "https://evil.example")], &[("accept", "application/json")]] {
            let mut head = peer.request("HEAD", target, headers, "").await;
            let status = peer.get(target, headers).await.head.status;

            assert_eq!(head.head.status, status, "{target} with {headers:?}");
            assert_eq!(head.rest().await, "", "{target} with {headers:?}");
            let tells_length = head.head.headers.get("content-length");
            assert!(tells_length.is_none_or(|length| length != "0"), "{target} with {headers:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http_2_a_host_beside_the_authority_is_the_same() {
    let (scene, certificate) = tls::scene().await;
    let mut peer = Peer::over(certificate.connect(scene.address, &["h2"]).await.unwrap()).await;

    for (host, status) in [
        ("localhost", 200),
        ("LOCALHOST:443", 200),
        ("evil.example", 400),
        ("localhost:444", 400),
        ("a b", 400),
    ] {
        assert_eq!(peer.get("/healthz", &[("host", host)]).await.head.status, status, "{host}");
    }
    let answer = peer.get("/healthz", &[("origin", "https://a"), ("origin", "https://b")]).await;
    assert_eq!(answer.head.status, 400);
}
