//! Polls: pieces of a stream as answers that end, and pages of history that wait.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use support::scene::Scene;
use support::without_id;
use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::draft;
use tidings_core::memory::MemoryRetention;
use tidings_core::{Dismissal, Epoch, Hub, Limits, MemoryStore, Topic, Whom};
use tidings_http::{Front, HttpConfig, Pages};
use tidings_testkit::deadline::within_an_hour;
use tokio::time::Instant;

/// A hub whose first event is `1-1`, without sockets, so that time can stand still.
async fn front() -> (Front, Hub) {
    let clock = ManualClock::at(3_600_000);
    let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
    let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
    (Front::new(hub.clone(), HttpConfig::default(), Pages::default(), clock), hub)
}

async fn get(front: &Front, target: &str, id: Option<&str>) -> String {
    let request = Request::get(target).header("host", "localhost").header("accept", "text/event-stream");
    let request = id.into_iter().fold(request, |request, id| request.header("last-event-id", id));
    text(front.handle(request.body(Body::empty()).unwrap()).await).await
}

/// The text of an answer. Its pieces are dropped one by one: an answer ends when none of them is held.
async fn text<B>(response: Response<B>) -> String
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Debug,
{
    assert_eq!(response.status(), StatusCode::OK);
    let (mut body, mut bytes) = (response.into_body(), Vec::new());
    while let Some(frame) = within_an_hour("the rest of the answer", body.frame()).await {
        bytes.extend_from_slice(&frame.unwrap().into_data().unwrap());
    }
    without_id(&String::from_utf8(bytes).unwrap())
}

async fn page(front: &Front, target: &str) -> Value {
    let request = Request::get(target).header("host", "localhost").header("accept", "application/json");
    let response = front.handle(request.body(Body::empty()).unwrap()).await;
    serde_json::from_str(&text(response).await).unwrap()
}

async fn publish(hub: &Hub, topic: &str, texts: &[&str]) {
    hub.publish_all(texts.iter().map(|text| draft(topic, text)).collect()).await.unwrap();
}

/// The answer without its delay, and the delay in milliseconds.
fn split_retry(answer: &str) -> (String, u64) {
    let (before, rest) = answer.split_once("retry: ").unwrap();
    let (retry, after) = rest.split_once('\n').unwrap();
    (format!("{before}{after}"), retry.parse().unwrap())
}

const HEARTBEAT: &str = ": heartbeat 15000\n";

fn cursor(place: &str) -> String {
    format!("event: tidings.cursor\nid: {place}\ndata: {{\"cursor\":\"{place}\"}}\n\n")
}

#[tokio::test]
async fn a_poll_is_a_whole_answer_with_its_length() {
    let scene = Scene::start().await;
    scene.publish("a", &["1", "2"]).await;

    let headers = "accept: text/event-stream\r\nlast-event-id: 1-1\r\n";
    let answer = scene.get("/events/a?mode=poll", headers).await.answer().await;

    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(format!("{head}\r\n").contains(&format!("\r\ncontent-length: {}\r\n", body.len())), "{head}");
    assert!(head.contains("\r\ncontent-type: text/event-stream\r\n"), "{head}");
    assert!(head.contains("\r\ncache-control: no-cache, no-store, no-transform\r\n"), "{head}");
    assert!(!head.contains("incremental"), "{head}");
    let (body, retry) = split_retry(body);
    assert_eq!(body, format!("{HEARTBEAT}id: 1-2\ndata: 2\n\n"));
    assert!((3_000..=6_000).contains(&retry), "{retry}");
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_finds_nothing_answers_at_once_with_a_place() {
    let (front, hub) = front().await;
    publish(&hub, "other", &["1", "2"]).await;
    let began = Instant::now();

    let (first, _) = split_retry(&get(&front, "/events/a?mode=poll", None).await);
    let (later, _) = split_retry(&get(&front, "/events/a?mode=poll", Some("1-1")).await);
    let (unasked, _) = split_retry(&get(&front, "/events/a?mode=poll&opening=none", None).await);

    assert!(first.starts_with(&format!("{HEARTBEAT}event: tidings.open\nid: 1-2\n")), "{first}");
    assert_eq!(later, format!("{HEARTBEAT}{}", cursor("1-2")));
    assert_eq!(unasked, format!("{HEARTBEAT}id: 1-2\n\n"), "without a place it could not go on");
    assert!(began.elapsed() < Duration::from_millis(100), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_poll_on_a_quiet_topic_tells_a_newer_place_behind_its_opening() {
    let (front, hub) = front().await;
    publish(&hub, "other", &["1", "2"]).await;

    let (quick, _) = split_retry(&get(&front, "/events/a?mode=poll&opening=always", Some("1-1")).await);
    let (same, _) = split_retry(&get(&front, "/events/a?mode=poll&opening=always", Some("1-2")).await);
    let waiting = tokio::spawn({
        let front = front.clone();
        async move { get(&front, "/events/a?mode=long-poll&opening=always", Some("1-2")).await }
    });
    tokio::time::sleep(Duration::from_secs(10)).await;
    publish(&hub, "other", &["3"]).await;
    let (slow, _) = split_retry(&waiting.await.unwrap());

    assert!(quick.starts_with(&format!("{HEARTBEAT}event: tidings.open\nid: 1-1\n")), "{quick}");
    assert!(quick.ends_with(&format!("\n\n{}", cursor("1-2"))), "{quick}");
    assert!(same.starts_with(&format!("{HEARTBEAT}event: tidings.open\nid: 1-2\n")), "{same}");
    assert!(!same.contains("tidings.cursor"), "{same}");
    assert!(slow.ends_with(&format!("\n\n{}", cursor("1-3"))), "{slow}");
}

#[tokio::test(start_paused = true)]
async fn a_client_without_a_place_is_told_one_before_its_events() {
    let (front, hub) = front().await;
    publish(&hub, "a", &["1", "2"]).await;

    let (answer, _) = split_retry(&get(&front, "/events/a?mode=poll&last=1", None).await);

    assert!(answer.starts_with(&format!("{HEARTBEAT}event: tidings.open\nid: 1-1\n")), "{answer}");
    assert!(answer.ends_with("\n\nid: 1-2\ndata: 2\n\n"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_ends_with_the_first_event_or_after_its_wait() {
    let (front, hub) = front().await;
    publish(&hub, "a", &["1"]).await;
    let began = Instant::now();

    let (nothing, retry) = split_retry(&get(&front, "/events/a?mode=long-poll&wait=40s", Some("1-1")).await);
    assert_eq!(began.elapsed().as_secs(), 40);
    assert_eq!((nothing, retry), (format!("{HEARTBEAT}{}", cursor("1-1")), 250));

    let waiting = tokio::spawn({
        let front = front.clone();
        async move { get(&front, "/events/a?mode=long-poll", Some("1-1")).await }
    });
    tokio::time::sleep(Duration::from_secs(10)).await;
    publish(&hub, "other", &["x"]).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(!waiting.is_finished(), "another topic is none of its business");
    publish(&hub, "a", &["2"]).await;
    let (answer, retry) = split_retry(&waiting.await.unwrap());
    assert_eq!((answer, retry), (format!("{HEARTBEAT}id: 1-3\ndata: 2\n\n"), 250));
    assert_eq!(began.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn a_gap_is_told_at_once() {
    let (front, hub) = front().await;
    publish(&hub, "other", &["1"]).await;
    let began = Instant::now();

    let (answer, _) = split_retry(&get(&front, "/events/a?mode=long-poll", Some("gone")).await);

    assert!(answer.starts_with(&format!("{HEARTBEAT}event: tidings.gap\nid: 1-0\n")), "{answer}");
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn many_events_come_in_pieces_and_none_is_lost_or_repeated() {
    let (front, hub) = front().await;
    let texts: Vec<_> = (0..150).map(|number| format!("{number} {}", "x".repeat(10_000))).collect();
    publish(&hub, "a", &texts.iter().map(String::as_str).collect::<Vec<_>>()).await;

    let (mut id, mut read, mut answers) = (None::<String>, Vec::new(), 0);
    while read.len() < texts.len() {
        let answer = get(&front, "/events/a?mode=poll&since=earliest", id.as_deref()).await;
        assert!(answer.len() < 300_000, "{}", answer.len());
        read.extend(answer.lines().filter_map(|line| line.strip_prefix("data: ")).map(str::to_owned));
        id = answer.lines().filter_map(|line| line.strip_prefix("id: ")).next_back().map(str::to_owned);
        answers += 1;
        read.retain(|data| !data.starts_with('{'));
    }

    assert_eq!(read, texts);
    assert!((5..10).contains(&answers), "{answers}");
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_larger_than_an_answer_comes_alone() {
    let (front, hub) = front().await;
    let large = "x".repeat(900_000);
    publish(&hub, "a", &[&large, "2"]).await;

    let (first, _) = split_retry(&get(&front, "/events/a?mode=poll", Some("1-0")).await);
    let (second, _) = split_retry(&get(&front, "/events/a?mode=poll", Some("1-1")).await);

    assert_eq!(first, format!("{HEARTBEAT}id: 1-1\ndata: {large}\n\n"));
    assert_eq!(second, format!("{HEARTBEAT}id: 1-2\ndata: 2\n\n"));
}

#[tokio::test(start_paused = true)]
async fn each_of_many_that_wait_is_woken_once() {
    let (front, hub) = front().await;
    let polls: Vec<_> = (0..2_000)
        .map(|_| {
            let front = front.clone();
            tokio::spawn(async move { get(&front, "/events/a?mode=long-poll", Some("1-0")).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(hub.roster().count(), 2_000);

    publish(&hub, "a", &["1"]).await;

    for answer in join_all(polls).await {
        assert_eq!(split_retry(&answer.unwrap()).0, format!("{HEARTBEAT}id: 1-1\ndata: 1\n\n"));
    }
    assert_eq!(hub.roster().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_is_dismissed_or_whose_hub_ends_is_answered() {
    let (front, hub) = front().await;
    let poll = || {
        let front = front.clone();
        tokio::spawn(async move { get(&front, "/events/a?mode=long-poll", Some("1-0")).await })
    };
    let withdrawn = poll();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let whom = Whom::Topic(Topic::parse("a").unwrap());
    assert_eq!(hub.roster().dismiss(&whom, Dismissal::AccessEnded).await, 1);
    let answer = withdrawn.await.unwrap();
    assert!(answer.contains("event: tidings.expired\nid: 1-0\n"), "{answer}");

    let dismissed = poll();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(hub.roster().dismiss(&whom, Dismissal::ByOperator).await, 1);
    let answer = dismissed.await.unwrap();
    let (before, retry) = answer.rsplit_once("retry: ").unwrap();
    assert!(before.ends_with(&cursor("1-0")), "the place is told before the last line: {answer}");
    assert!((3_000..=6_000).contains(&retry.trim_end().parse().unwrap()), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn lines_and_envelopes_can_be_polled_too() {
    let (front, hub) = front().await;
    publish(&hub, "a", &["1"]).await;

    let request = Request::get("/events/a?mode=poll&last_event_id=1-0").header("host", "localhost");
    let request = request.header("accept", "application/x-ndjson");
    let lines = text(front.handle(request.body(Body::empty()).unwrap()).await).await;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["cursor"], &lines[1]["data"]), (2, &json!("1-0"), &json!("1")));

    let (envelope, _) = split_retry(&get(&front, "/events/a?mode=poll&envelope=json", Some("1-0")).await);
    assert!(envelope.starts_with(&format!("{HEARTBEAT}id: 1-1\ndata: {{\"id\":\"1-1\",")), "{envelope}");
}

#[tokio::test(start_paused = true)]
async fn a_page_of_history_waits_for_its_first_event() {
    let (front, hub) = front().await;
    let began = Instant::now();

    let empty = page(&front, "/events/a?wait=5s").await;
    assert_eq!((began.elapsed().as_secs(), &empty["events"]), (5, &json!([])));
    let waiting = tokio::spawn({
        let front = front.clone();
        let target = format!("/events/a?wait=30s&after={}", empty["cursor"].as_str().unwrap());
        async move { page(&front, &target).await }
    });
    tokio::time::sleep(Duration::from_secs(2)).await;
    publish(&hub, "a", &["1"]).await;
    let page_with_event = waiting.await.unwrap();

    assert_eq!(page_with_event["events"][0]["data"], "1");
    assert_eq!(began.elapsed().as_secs(), 7);
    assert_eq!(
        page(&front, "/events/a?wait=30s").await["events"][0]["data"],
        "1",
        "it begins at the earliest"
    );
    let now = page(&front, "/events/a?since=now").await;
    assert_eq!((&now["events"], &now["cursor"]), (&json!([]), &json!("1-1")));
    assert_eq!(began.elapsed().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_body_asks_for_what_the_parameters_ask_for() {
    let (front, hub) = front().await;
    publish(&hub, "a", &["1"]).await;
    publish(&hub, "b/c", &["2"]).await;
    let post = async |accept: &str, body: Value| {
        let request = Request::post("/subscribe").header("host", "localhost").header("accept", accept);
        let request = request.header("content-type", "application/json");
        text(front.handle(request.body(Body::from(body.to_string())).unwrap()).await).await
    };

    let body = json!({ "topics": ["a", "b/*"], "mode": "poll", "last_event_id": "1-0" });
    let posted = split_retry(&post("text/event-stream", body).await).0;
    let got = get(&front, "/events?topic=a&topic=b/*&mode=poll", Some("1-0")).await;
    assert_eq!(posted, split_retry(&got).0);
    assert_eq!(posted.matches("data: ").count(), 2);

    let body = json!({ "topics": ["**"], "limit": 1, "wait": 5 });
    let history: Value = serde_json::from_str(&post("application/json", body).await).unwrap();
    assert_eq!(history, page(&front, "/events/**?limit=1").await);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_asks_for_nothing_is_told_why() {
    let (front, _) = front().await;
    for (target, kind, body, status, problem) in [
        ("/subscribe", "application/json", "{}", 400, "bad-topics"),
        ("/subscribe", "application/json", r#"{"topics":["a"],"mode":"x"}"#, 400, "bad-mode"),
        ("/subscribe", "application/json", "[]", 400, "bad-subscription"),
        ("/subscribe", "text/plain", "{}", 415, "unsupported-media-type"),
        ("/subscribe?topic=a", "application/json", r#"{"topics":["b"]}"#, 400, "unknown-parameter"),
        ("/subscribe", "application/json", r#"{"topics":["tidings/x"]}"#, 403, "reserved-topic"),
    ] {
        let request = Request::post(target).header("host", "localhost").header("content-type", kind);
        let response = front.handle(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(response.status().as_u16(), status, "{target} {body}");
        let document = response.into_body().collect().await.unwrap().to_bytes();
        let document: Value = serde_json::from_slice(&document).unwrap();
        assert_eq!(document["type"], format!("urn:tidings:problem:{problem}"), "{body}");
    }
    let large = format!("{{\"topics\":[\"{}\"]}}", "x".repeat(140_000));
    let request = Request::post("/subscribe").header("host", "localhost");
    let request = request.header("content-type", "application/json").body(Body::from(large)).unwrap();
    assert_eq!(front.handle(request).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

/// It would have a place that is kept for publishers and probes.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_waits_takes_the_place_of_a_stream() {
    let scene = Scene::with(|config| config.connections_max = 1).await;
    let accept = "accept: application/json\r\n";
    let stream = scene.stream("/events/a").await;

    let refused = scene.get("/events/a?wait=30s", accept).await.answer().await;
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    assert!(refused.contains("too-many-connections") && refused.contains("retry-after: "), "{refused}");

    let page = scene.get("/events/a", accept).await.answer().await;
    assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
    drop(stream);
}
