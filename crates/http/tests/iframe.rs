//! Streams as documents that a page frames, parked and in a task: from the head of the answer to the last block.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::scene::Scene;
use support::tls::scene as secure_scene;
use tidings_http::Cors;
use tidings_testkit::wire::Wire;

/// What a browser accepts of a frame.
const ACCEPT: &str = "accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n";
const APP: &str = "https://app.example";
const BEGIN: &str = "<script type=\"application/json\">";
const END: &str = "</script>\n";

/// A document, block by block.
struct Blocks {
    wire: Wire,
    head: String,
    rest: String,
}

impl Blocks {
    async fn of(scene: &Scene, target: &str) -> Self {
        Self::over(scene.get(target, ACCEPT).await).await
    }

    async fn over(mut wire: Wire) -> Self {
        let head = wire.head().await;
        let mut blocks = Self { wire, head, rest: String::new() };
        // The prelude ends with its padding.
        while !blocks.rest.contains("-->\n") {
            blocks.rest += &blocks.wire.chunk().await;
        }
        let (prelude, rest) = blocks.rest.split_once("-->\n").unwrap();
        assert!(
            prelude.starts_with("<!DOCTYPE html>\n<html data-page=\"https://app.example\">"),
            "{prelude}"
        );
        assert!(prelude.len() > 2_048, "{prelude}");
        blocks.rest = rest.to_owned();
        blocks
    }

    /// The text of the next block.
    async fn raw(&mut self) -> String {
        while !self.rest.contains(END) {
            self.rest += &self.wire.chunk().await;
        }
        let (block, rest) = self.rest.split_once(END).unwrap();
        let text = block.trim_start_matches('\n').strip_prefix(BEGIN).unwrap().to_owned();
        self.rest = rest.to_owned();
        text
    }

    async fn next(&mut self) -> Value {
        serde_json::from_str(&self.raw().await).unwrap()
    }
}

async fn scene() -> Scene {
    Scene::with(|config| config.cors = Cors::Only(vec![APP.parse().unwrap()])).await
}

fn target(rest: &str) -> String {
    format!("/events/a?mode=iframe&origin={APP}{rest}")
}

fn event(number: u64, data: &str) -> Value {
    let id = format!("1-{number}");
    let time = "1970-01-01T01:00:00.000Z";
    json!({ "id": id, "cursor": id, "topic": "a", "type": "message", "data": data, "time": time })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_tells_its_place_and_then_an_event_a_block_which_nothing_can_end_early() {
    let scene = scene().await;
    let hostile = "</script><script>alert(1)</script><!--<script>\u{2028}\u{2029}\u{0}&\"'\r\n]]>";
    scene.publish("a", &[hostile]).await;

    let mut blocks = Blocks::of(&scene, &target("&last=1")).await;

    assert!(blocks.head.starts_with("HTTP/1.1 200 OK\r\n"), "{}", blocks.head);
    for line in [
        "content-type: text/html; charset=utf-8\r\n",
        "cache-control: no-cache, no-store, no-transform\r\n",
        "x-content-type-options: nosniff\r\n",
        "x-accel-buffering: no\r\n",
        "; frame-ancestors https://app.example; sandbox allow-scripts allow-same-origin\r\n",
    ] {
        assert!(blocks.head.contains(line), "{line} in {}", blocks.head);
    }
    assert_eq!(blocks.next().await["cursor"], "1-0");
    let raw = blocks.raw().await;
    let text = raw.strip_suffix('\n').unwrap();
    assert!(!text.contains(['<', '>', '&', '\n', '\r', '\0', '\u{2028}', '\u{2029}']), "{text}");
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), event(1, hostile));
    scene.publish("a", &["new"]).await;
    assert_eq!(blocks.next().await, event(2, "new"));
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_the_blocks_are_the_same() {
    let (scene, certificate) = secure_scene().await;
    scene.publish("a", &["<old>"]).await;
    let mut wire = certificate.wire(scene.address).await;
    let own = "/events/a?mode=iframe&origin=https://localhost&last=1";
    wire.send(format!("GET {own} HTTP/1.1\r\nhost: localhost\r\n{ACCEPT}\r\n")).await;

    wire.head().await;
    let mut text = String::new();
    while text.matches(END).count() < 3 {
        text += &wire.chunk().await;
    }
    let blocks: Vec<_> = text.split(BEGIN).skip(1).collect();
    assert!(blocks[1].contains("\"data\":\"\\u003cold\\u003e\""), "{text}");
    scene.publish("a", &["new"]).await;
    assert!(wire.chunk().await.starts_with(BEGIN));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_comes_with_the_first_place_and_heartbeats_tell_the_place() {
    let scene = Scene::with(|config| {
        config.cors = Cors::Any;
        config.heartbeat = Duration::from_millis(200);
    })
    .await;
    scene.publish("a", &["1"]).await;

    let mut blocks = Blocks::of(&scene, &target("&last_event_id=x")).await;

    let first = blocks.next().await;
    assert_eq!(first["gap"], json!({ "requested": "x", "reason": "unknown", "resumes_after": "1-0" }));
    assert_eq!(blocks.next().await, event(1, "1"));
    assert_eq!(blocks.next().await, json!({ "cursor": "1-1", "heartbeat_ms": 200 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_block_says_when_to_come_back_and_where_to_go_on() {
    let scene = scene().await;
    scene.publish("a", &["1"]).await;
    let mut blocks = Blocks::of(&scene, &target("")).await;
    blocks.next().await;

    let ending = scene.begin_end();

    let last = blocks.next().await;
    assert_eq!(last["cursor"], "1-1");
    assert!(last["retry_ms"].as_u64().is_some(), "{last}");
    ending.verdict().await;
}

/// A page sees no status of a frame.
#[tokio::test(flavor = "multi_thread")]
async fn without_room_the_document_says_so_and_when_to_come_back() {
    let scene = Scene::with(|config| {
        config.cors = Cors::Any;
        config.connections_max = 1;
    })
    .await;
    let mut first = scene.get("/events/a", "").await;
    first.head().await;

    let answer = scene.get(&target(""), ACCEPT).await.answer().await;

    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("\r\ncontent-type: text/html; charset=utf-8\r\n"), "{answer}");
    assert!(answer.contains("{\"error\":{\"type\":\"urn:tidings:problem:too-many-connections\""), "{answer}");
    assert!(answer.contains(&format!("{BEGIN}{{\"retry_ms\":")), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_tells_the_page_why_unless_the_page_is_what_is_refused() {
    let scene = scene().await;

    let told = scene.get(&target("&since=x"), ACCEPT).await.answer().await;
    assert!(told.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{told}");
    assert!(told.contains("\r\ncontent-type: text/html; charset=utf-8\r\n"), "{told}");
    assert!(told.contains("frame-ancestors https://app.example;"), "{told}");
    assert!(
        told.contains(&format!("{BEGIN}{{\"error\":{{\"type\":\"urn:tidings:problem:bad-since\"")),
        "{told}"
    );
    for (query, status, problem) in [
        ("mode=iframe&origin=https://evil.example", 403, "frame-not-allowed"),
        ("mode=iframe", 400, "bad-origin"),
        ("mode=iframe&origin=null", 400, "bad-origin"),
        ("mode=%69frame&origin=https://evil.example", 403, "frame-not-allowed"),
        ("mode=iframe&mode=poll&origin=https://app.example", 400, "repeated-parameter"),
    ] {
        let answer = scene.get(&format!("/events/a?{query}"), ACCEPT).await.answer().await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{query}: {answer}");
        assert!(answer.contains(problem), "{query}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_is_not_loaded_by_post() {
    let scene = scene().await;
    let mut wire = scene.connect().await;
    let body = r#"{"topics": ["a"], "mode": "iframe"}"#;
    wire.send(format!(
        "POST /subscribe HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    ))
    .await;

    let answer = wire.answer().await;

    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("bad-mode"), "{answer}");
}
