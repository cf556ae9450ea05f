//! Streams as lines of JSON, parked and in a task: from their first line to their last.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::scene::Scene;
use support::tls::scene as secure_scene;
use tidings_testkit::wire::Wire;

const ACCEPT: &str = "accept: application/x-ndjson\r\n";

/// The lines of a stream in chunks, or without them.
struct Lines {
    wire: Wire,
    head: String,
    rest: String,
}

impl Lines {
    async fn of(scene: &Scene, target: &str) -> Self {
        Self::over(scene.get(target, ACCEPT).await).await
    }

    async fn over(mut wire: Wire) -> Self {
        let head = wire.head().await;
        Self { wire, head, rest: String::new() }
    }

    async fn next(&mut self) -> Value {
        while !self.rest.contains('\n') {
            self.rest += &self.wire.chunk().await;
        }
        let (line, rest) = self.rest.split_once('\n').unwrap();
        let line = serde_json::from_str(line).unwrap();
        self.rest = rest.to_owned();
        line
    }
}

fn event(number: u64, topic: &str, data: &str) -> Value {
    let id = format!("1-{number}");
    let time = "1970-01-01T01:00:00.000Z";
    json!({ "id": id, "cursor": id, "topic": topic, "type": "message", "data": data, "time": time })
}

fn is_opening(line: &Value, cursor: &str) -> bool {
    line["cursor"] == cursor && line["heartbeat_ms"] == 15_000 && line["connection"].is_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_tells_its_place_first_and_then_what_was_and_what_is_published() {
    let scene = Scene::start().await;
    scene.publish("a", &["old"]).await;

    let mut lines = Lines::of(&scene, "/events?topic=a&topic=b&since=earliest").await;

    assert!(lines.head.contains("\r\ncontent-type: application/x-ndjson\r\n"), "{}", lines.head);
    let first = lines.next().await;
    assert!(is_opening(&first, "0-0") || is_opening(&first, "1-0"), "{first}");
    assert_eq!(lines.next().await, event(1, "a", "old"));
    scene.publish("b", &["two\nlines \"\u{2028}"]).await;
    assert_eq!(lines.next().await, event(2, "b", "two\nlines \"\u{2028}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_the_lines_are_the_same() {
    let (scene, certificate) = secure_scene().await;
    scene.publish("a", &["old"]).await;
    let mut wire = certificate.wire(scene.address).await;
    wire.send(format!("GET /events/a?last=1 HTTP/1.1\r\nhost: localhost\r\n{ACCEPT}\r\n")).await;

    let mut lines = Lines::over(wire).await;

    assert!(is_opening(&lines.next().await, "1-0"));
    assert_eq!(lines.next().await, event(1, "a", "old"));
    scene.publish("a", &["new"]).await;
    assert_eq!(lines.next().await, event(2, "a", "new"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_comes_with_the_first_place() {
    let scene = Scene::start().await;
    scene.publish("a", &["1"]).await;

    let mut lines = Lines::over(scene.get("/events/a", &format!("{ACCEPT}last-event-id: x\r\n")).await).await;

    let first = lines.next().await;
    assert!(is_opening(&first, "1-0"), "{first}");
    assert_eq!(first["gap"], json!({ "requested": "x", "reason": "unknown", "resumes_after": "1-0" }));
    assert_eq!(lines.next().await, event(1, "a", "1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn heartbeats_tell_the_place() {
    let scene = Scene::with(|config| config.heartbeat = Duration::from_millis(200)).await;
    let mut lines = Lines::of(&scene, "/events/a").await;
    lines.next().await;

    assert_eq!(lines.next().await, json!({ "cursor": "1-0", "heartbeat_ms": 200 }));
    scene.publish("elsewhere", &["x"]).await;
    while lines.next().await != json!({ "cursor": "1-1", "heartbeat_ms": 200 }) {}
}

/// A program reads the status; what a browser's `EventSource` is told would look to it like a stream that has ended.
#[tokio::test(flavor = "multi_thread")]
async fn without_room_for_a_stream_the_answer_is_a_problem() {
    let scene = Scene::with(|config| config.connections_max = 1).await;
    let _first = scene.stream("/events/a").await;

    let answer = scene.get("/events/a", ACCEPT).await.answer().await;

    assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{answer}");
    assert!(answer.contains("\r\nretry-after: ") && answer.contains("too-many-connections"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_line_says_when_to_come_back_and_where_to_go_on() {
    let scene = Scene::start().await;
    scene.publish("a", &["1"]).await;
    let mut lines = Lines::of(&scene, "/events/a").await;
    lines.next().await;

    let ending = scene.begin_end();

    let last = lines.next().await;
    assert_eq!(last["cursor"], "1-1");
    assert!(last["retry_ms"].as_u64().is_some(), "{last}");
    ending.verdict().await;
}
