//! `POST /events`: lines of JSON, events of many topics, all or none.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use serde_json::{Value, json};
use support::scene::Scene;
use tidings_core::{Limits, StoreError};

/// The largest body, and the largest number of events in one.
const BODY_BYTES_MAX: usize = 4_194_304;
const EVENTS_MAX: usize = 1_000;

const KEY: &str = "idempotency-key: k\r\n";

/// Sends a body, and returns the status, the head and the document of the answer.
async fn post(scene: &Scene, query: &str, headers: &str, body: impl AsRef<[u8]>) -> (u16, String, Value) {
    send(scene, &format!("/events{query}"), "application/x-ndjson", headers, body.as_ref()).await
}

async fn send(scene: &Scene, target: &str, kind: &str, headers: &str, body: &[u8]) -> (u16, String, Value) {
    let mut wire = scene.connect().await;
    let length = body.len();
    wire.send(format!(
        "POST {target} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {kind}\r\n{headers}content-length: {length}\r\n\r\n"
    ))
    .await;
    wire.send(body).await;
    let answer = wire.answer().await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), head.to_owned(), serde_json::from_str(body).unwrap())
}

fn line(topic: &str, data: &str) -> String {
    format!("{}\n", json!({"topic": topic, "data": data}))
}

fn ids(answer: &(u16, String, Value)) -> (u16, Value, bool) {
    (answer.0, answer.2["ids"].clone(), answer.1.contains("idempotency-replayed: true"))
}

async fn assert_nothing_published(scene: &Scene) {
    assert_eq!(scene.log().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_many_topics_are_published_in_order_with_the_members_of_each_line() {
    let scene = Scene::start().await;
    let mut stream = scene.stream("/events?topic=a&topic=b%2F1").await;
    let body = "\u{feff}{\"topic\":\"a\",\"data\":\"one\\ntwo\",\"type\":\"tick\",\"id\":\"first\"}\r\n\
                \r\n  \n\
                { \"data\": \"\", \"topic\": \"b/1\", \"type\": null, \"id\": null }\n\
                \t{\"topic\":\"a\",\"data\":\"\\u0000\\ud83e\\udd80\",\"type\":\"\"}";

    let answer = post(&scene, "", "", body).await;

    assert_eq!(ids(&answer), (201, json!(["first", "1-2", "1-3"]), false));
    assert_eq!(answer.2["published"], 3);
    stream
        .expect_events(
            "topic: a\nevent: tick\nid: first\ndata: one\ndata: two\n\n\
             topic: b/1\nid: 1-2\ndata: \n\n\
             topic: a\nid: 1-3\ndata: \u{0}\u{1f980}\n\n",
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_line_is_told_with_its_number_and_nothing_is_published() {
    let scene = Scene::start().await;
    let good = line("a", "1");
    let long = "x".repeat(1_048_577);
    let large = line("a", &long);
    let long_topic = line(&"t".repeat(513), "");
    for (bad, kind, words) in [
        ("x", "bad-line", "it is no JSON object"),
        ("[\"a\",\"b\",null,null]", "bad-line", "it is no JSON object"),
        ("\"a\"", "bad-line", "it is no JSON object"),
        ("null", "bad-line", "it is no JSON object"),
        ("{", "bad-line", "EOF while parsing an object, at column 1"),
        ("{}", "bad-line", "missing field `topic`, at column 2"),
        (r#"{"topic":"a"}"#, "bad-line", "missing field `data`"),
        (r#"{"data":"a"}"#, "bad-line", "missing field `topic`"),
        (r#"{"topic":"a","data":null}"#, "bad-line", "invalid type: null, expected a string"),
        (r#"{"topic":"a","data":{"x":1}}"#, "bad-line", "invalid type: map, expected a string"),
        (r#"{"topic":["a"],"data":"x"}"#, "bad-line", "invalid type: sequence, expected a string"),
        (r#"{"topic":"a","data":"x","type":1}"#, "bad-line", "invalid type: integer `1`, expected a string"),
        (r#"{"topic":"a","data":"x","data":"y"}"#, "bad-line", "duplicate field `data`"),
        (r#"{"topic":"a","topic":"a","data":"x"}"#, "bad-line", "duplicate field `topic`"),
        (r#"{"topic":"a","t\u006fpic":"a","data":"x"}"#, "bad-line", "duplicate field `topic`"),
        (r#"{"topic":"a","data":"x","tpye":"y"}"#, "bad-line", "unknown field `tpye`"),
        (r#"{"topic":"a","data":"x","retry":5}"#, "bad-line", "unknown field `retry`"),
        (r#"{"topic":"a","data":"\ud83e"}"#, "bad-line", "unexpected end of hex escape"),
        (r#"{"topic":"a","data":"x"}{"topic":"a","data":"y"}"#, "bad-line", "curl --data-binary"),
        (
            "{\"topic\":\"a\",\"data\":\"x\"}\r{\"topic\":\"a\",\"data\":\"y\"}",
            "bad-line",
            "curl --data-binary",
        ),
        (r#"{"topic":"a","data":"x"},"#, "bad-line", "trailing characters, at column 25"),
        ("{\"topic\":\"a\",\"data\":\"\u{1}\"}", "bad-line", "control character"),
        (r#"{"topic":"","data":"x"}"#, "bad-topic", "at least one character"),
        (r#"{"topic":"a/*","data":"x"}"#, "bad-topic", "`*`"),
        (r#"{"topic":"a/../b","data":"x"}"#, "bad-topic", ".."),
        (&long_topic, "bad-topic", "512"),
        (r#"{"topic":"inbox/u1","data":"x"}"#, "reserved-topic", "`inbox/u1` is reserved"),
        (r#"{"topic":"tidings/presence/a","data":"x"}"#, "reserved-topic", "is reserved"),
        (r#"{"topic":"a","data":"x","type":"tidings.gap"}"#, "reserved-event-type", "`tidings.`"),
        (r#"{"topic":"a","data":"x","type":"a\nb"}"#, "bad-event-type", "U+000A"),
        (r#"{"topic":"a","data":"x","id":""}"#, "bad-id", "at least one character"),
        (r#"{"topic":"a","data":"x","id":"1-7"}"#, "reserved-id", "given by the hub itself"),
        (&large, "too-large", "at most 1048576 bytes"),
    ] {
        let shown = &bad[..bad.len().min(80)];
        for (body, number) in [
            (format!("{good}{bad}\n{good}"), 2),
            (format!("{bad}\r\n{good}"), 1),
            (format!("{good}\n\r\n{good}{bad}"), 5),
        ] {
            let (status, _, problem) = post(&scene, "", KEY, &body).await;
            let detail = problem["detail"].as_str().unwrap();
            assert_eq!(problem["type"], format!("urn:tidings:problem:{kind}"), "{shown}: {problem}");
            assert_eq!(problem["line"], number, "{shown}: {problem}");
            assert!(detail.starts_with(&format!("line {number} of the body: ")), "{shown}: {detail}");
            assert!(detail.contains(words), "{shown}: {detail}");
            assert!(detail.len() < 700, "{shown}: {detail}");
            assert_eq!(problem["status"], status, "{shown}");
            assert!((400..500).contains(&status), "{shown}");
        }
    }
    let (_, _, problem) = post(&scene, "", "", format!("{good}\u{feff}{good}")).await;
    assert_eq!(problem["detail"], "line 2 of the body: it is no JSON object");
    let (status, _, problem) = post(&scene, "", "", b"\n{\"topic\":\"a\",\"data\":\"\xff\"}").await;
    assert_eq!((status, &problem["line"]), (400, &json!(2)));
    assert_eq!(problem["detail"], "line 2 of the body: a line is UTF-8 text, and byte 22 of it is not");
    assert_nothing_published(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_an_event_is_refused() {
    let scene = Scene::start().await;
    for body in ["", "\n", "\r\n \n", "\u{feff}"] {
        let (status, _, problem) = post(&scene, "", "", body).await;
        assert_eq!((status, problem["detail"].as_str()), (400, Some("the body has no event")), "{body:?}");
    }
    let wide: Vec<u8> = line("a", "x").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (status, _, problem) = post(&scene, "", "", wide).await;
    assert_eq!((status, &problem["type"]), (400, &json!("urn:tidings:problem:data-not-utf8")));
    assert_nothing_published(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_bounded_in_events_and_in_bytes() {
    let scene = Scene::start().await;
    let many = line("a", "x").repeat(EVENTS_MAX);

    let (status, _, problem) = post(&scene, "", "", format!("{many}\n{}", line("b", "y"))).await;
    assert_eq!((status, &problem["line"]), (413, &json!(EVENTS_MAX + 2)), "{problem}");
    let (status, _, problem) = post(&scene, "", "", " ".repeat(BODY_BYTES_MAX + 1)).await;
    assert_eq!(
        (status, problem["detail"].as_str()),
        (413, Some("the body has at most 4194304 bytes; send it in several"))
    );
    assert_nothing_published(&scene).await;

    let answer = post(&scene, "", "", format!("{many}\n\n")).await;
    assert_eq!((answer.0, answer.2["ids"].as_array().unwrap().len()), (201, EVENTS_MAX));
    assert_eq!(answer.2["ids"][999], "1-1000");
    let full = line("a", &"x".repeat(1_048_576)).repeat(3);
    let padded = format!("{full}{}", " ".repeat(BODY_BYTES_MAX - full.len()));
    assert_eq!(post(&scene, "", "", padded).await.0, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_with_a_known_key_is_answered_as_the_first_time() {
    let scene = Scene::start().await;
    let one = line("a", "1")
        + &json!({"topic": "b", "data": "2", "id": "own"}).to_string()
        + "\n"
        + &line("c", "3");

    let first = post(&scene, "", KEY, &one).await;
    // Blank lines, the order of members and escapes are no part of the events.
    let same =
        one.replace("{\"data\":\"1\",\"topic\":\"a\"}", "\n{ \"topic\": \"\\u0061\", \"data\": \"1\" }\r");
    assert_ne!(one, same);
    let again = post(&scene, "", KEY, &same).await;

    assert_eq!(ids(&first), (201, json!(["1-1", "own", "1-3"]), false));
    assert_eq!(ids(&again), (201, json!(["1-1", "own", "1-3"]), true));
    assert_eq!(scene.log().await, ["a: 1", "b: 2", "c: 3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_other_events_is_refused_whatever_they_were() {
    let scene = Scene::start().await;
    let [one, two] = [line("a", "1"), line("a", "2")];
    let batch = "data: 1\n\ndata: 2\n\n";
    post(&scene, "", KEY, format!("{one}{two}")).await;
    send(&scene, "/events/a", "text/plain", "idempotency-key: single\r\n", b"1").await;
    send(&scene, "/events/a", "text/event-stream", "idempotency-key: batch\r\n", batch.as_bytes()).await;
    let log = scene.log().await;

    for (key, body) in [
        ("k", one.clone()),
        ("k", format!("{two}{one}")),
        ("k", format!("{one}{two}{one}")),
        ("k", format!("{one}{}", line("b", "2"))),
        ("single", one.clone()),
        ("single", format!("{one}{two}")),
        ("batch", format!("{one}{two}")),
        ("batch", one.clone()),
    ] {
        let (status, _, problem) = post(&scene, "", &format!("idempotency-key: {key}\r\n"), &body).await;
        assert_eq!(status, 422, "{key} {body}");
        assert_eq!(problem["type"], "urn:tidings:problem:idempotency-key-reused", "{key} {body}");
    }
    for (kind, body) in
        [("text/plain", "1"), ("text/event-stream", batch), ("text/event-stream", "data: 1\n\n")]
    {
        let (status, ..) = send(&scene, "/events/a", kind, KEY, body.as_bytes()).await;
        assert_eq!(status, 422, "{kind} {body}");
    }
    assert_eq!(scene.log().await, log);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_has_published_nothing_and_the_same_key_is_good_afterwards() {
    let (scene, fault) = Scene::with_faulty_store_and(Limits::default(), |_| ()).await;
    let body = line("a", "1") + &line("b", "2");
    fault.refuse(StoreError::Full("no room".into()));

    let (status, ..) = post(&scene, "", KEY, &body).await;
    assert_eq!(status, 507);
    assert_nothing_published(&scene).await;
    fault.recover();
    assert_eq!(ids(&post(&scene, "", KEY, &body).await), (201, json!(["1-1", "1-2"]), false));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bodies_and_parameters_are_refused_here_and_lines_elsewhere() {
    let scene = Scene::start().await;
    let body = line("a", "1");
    for kind in ["text/plain", "application/json", "text/event-stream", "application/json-seq", "image/png"] {
        let (status, _, problem) = send(&scene, "/events", kind, "", body.as_bytes()).await;
        assert_eq!(
            (status, &problem["type"]),
            (415, &json!("urn:tidings:problem:unsupported-media-type")),
            "{kind}"
        );
    }
    for kind in ["application/x-ndjson", "application/ndjson", "application/jsonl; charset=utf-8"] {
        let (status, _, problem) = send(&scene, "/events/a", kind, "", body.as_bytes()).await;
        assert_eq!(status, 415, "{kind}");
        assert!(problem["detail"].as_str().unwrap().contains("`POST /events`"), "{problem}");
        assert_eq!(send(&scene, "/events", kind, "", body.as_bytes()).await.0, 201, "{kind}");
    }
    for (query, kind) in [
        ("?topic=a", "unknown-parameter"),
        ("?event=a", "unknown-parameter"),
        ("?except=X", "bad-connection"),
        ("?except=0000000000000&except=0000000000000", "repeated-parameter"),
    ] {
        let (status, _, problem) = post(&scene, query, "", &body).await;
        assert_eq!(
            (status, &problem["type"]),
            (400, &json!(format!("urn:tidings:problem:{kind}"))),
            "{query}"
        );
    }
    let mut wire = scene.connect().await;
    wire.send("DELETE /events HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert!(wire.answer().await.contains("\r\nallow: GET, HEAD, POST, OPTIONS\r\n"));
    assert_eq!(scene.log().await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connection_that_is_named_gets_no_echo_of_any_of_them() {
    let scene = Scene::start().await;
    let mut other = scene.stream("/events?topic=a&topic=b").await;
    let mut wire = scene.get("/events?topic=a&topic=b&opening=always", "").await;
    wire.head().await;
    let opening = wire.chunk().await;
    let (_, rest) = opening.split_once("\"connection\":\"").unwrap();
    let (connection, _) = rest.split_once('"').unwrap();

    let query = format!("?except={connection}");
    assert_eq!(post(&scene, &query, "", line("a", "1") + &line("b", "2")).await.0, 201);
    scene.publish("a", &["3"]).await;

    other
        .expect_events(
            "topic: a\nid: 1-1\ndata: 1\n\ntopic: b\nid: 1-2\ndata: 2\n\ntopic: a\nid: 1-3\ndata: 3\n\n",
        )
        .await;
    let mut text = String::new();
    while !text.contains("data: 3\n\n") {
        text += &wire.chunk().await;
    }
    assert!(!text.contains("data: 1\n") && !text.contains("data: 2\n"), "{text}");
}
