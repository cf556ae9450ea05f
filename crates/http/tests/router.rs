//! The hub as a router in somebody else's server: streams that the server carries, in virtual time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use http_body_util::BodyExt;
use support::without_id;
use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::draft;
use tidings_core::memory::MemoryRetention;
use tidings_core::{Epoch, Hub, Limits, MemoryStore};
use tidings_http::{Front, HttpConfig, Pages};
use tidings_testkit::deadline::within_an_hour;
use tokio::time::{Instant, timeout};
use tower::ServiceExt;

struct Scene {
    hub: Hub,
    router: axum::Router,
}

impl Scene {
    async fn start(limits: Limits, retention: MemoryRetention) -> Self {
        let clock = ManualClock::at(0);
        let store = Arc::new(MemoryStore::new(Epoch(1), clock.clone(), retention));
        let hub = Hub::start(store, limits).await.unwrap();
        let front = Front::new(hub.clone(), HttpConfig::default(), Pages::default(), clock);
        Self { hub, router: front.router() }
    }

    async fn send(&self, request: Request<Body>) -> Response<Body> {
        within_an_hour("an answer", self.router.clone().oneshot(request)).await.unwrap()
    }

    async fn get(&self, target: &str) -> Stream {
        let response = self.send(Request::get(target).body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), 200);
        Stream(response.into_body())
    }

    async fn publish(&self, topic: &str, texts: &[&str]) {
        let drafts = texts.iter().map(|text| draft(topic, text)).collect();
        within_an_hour("the answer to a publish", self.hub.publish_all(drafts)).await.unwrap();
    }
}

async fn scene() -> Scene {
    Scene::start(Limits::default(), MemoryRetention::default()).await
}

/// It waited for the pieces of its body to be written, and a program that joins them before it writes any waited for its end.
#[tokio::test(start_paused = true)]
async fn an_answer_can_be_taken_as_a_whole() {
    let scene = scene().await;
    let text = "x".repeat(100_000);
    scene.publish("a", &[&text, &text, &text]).await;

    for (target, accept) in [
        ("/events/a?limit=10", "application/json"),
        ("/events/a?since=earliest&mode=poll", "text/event-stream"),
        ("/events/a?since=earliest&mode=long-poll", "text/event-stream"),
    ] {
        let request = Request::get(target).header("accept", accept).body(Body::empty()).unwrap();
        let body = scene.send(request).await.into_body();
        let whole = within_an_hour("the whole body", body.collect()).await.unwrap().to_bytes();
        assert!(whole.len() > 100_000, "{target}: {}", whole.len());
    }
}

struct Stream(Body);

impl Stream {
    async fn next(&mut self) -> Option<String> {
        let frame = within_an_hour("more of the stream", self.0.frame()).await?;
        Some(String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap())
    }

    /// Reads exactly this, however it is cut.
    async fn expect(&mut self, expected: &str) {
        let mut text = String::new();
        while text.len() < expected.len() {
            text += &self.next().await.unwrap_or_else(|| panic!("the stream ended after {text:?}"));
        }
        assert_eq!(without_id(&text), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_router_publishes_and_streams() {
    let scene = scene().await;
    let mut stream = scene.get("/events/a").await;
    stream
        .expect(
            ": heartbeat 15000\nretry: 3000\nevent: tidings.open\nid: 1-0\n\
             data: {\"cursor\":\"1-0\",\"heartbeat_ms\":15000,\"time\":\"1970-01-01T00:00:00.000Z\",\
             \"connection\":\"0000000000000\"}\n\n",
        )
        .await;

    let response = scene.send(Request::post("/events/a").body(Body::from("hello")).unwrap()).await;

    assert_eq!(response.status(), 201);
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "{\"id\":\"1-1\"}\n");
    stream.expect("id: 1-1\ndata: hello\n\n").await;
}

#[tokio::test(start_paused = true)]
async fn a_router_can_be_nested_below_a_path() {
    let scene = scene().await;
    let app = axum::Router::new().nest("/hub", scene.router.clone());

    let request = Request::post("/hub/events/a").body(Body::from("x")).unwrap();
    let response = app.oneshot(request).await.unwrap();

    assert_eq!(response.status(), 201);
}

#[tokio::test(start_paused = true)]
async fn silence_brings_a_heartbeat_within_the_interval() {
    let scene = scene().await;
    let mut stream = scene.get("/events/a").await;
    stream.next().await;

    for _ in 0..10 {
        let before = Instant::now();
        assert_eq!(stream.next().await.unwrap(), ":\n");
        let silence = before.elapsed();
        assert!(
            Duration::from_millis(11_250) <= silence && silence <= Duration::from_secs(15),
            "a heartbeat after {silence:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn heartbeats_of_many_do_not_fall_together() {
    let scene = scene().await;
    let mut waits = Vec::new();
    for _ in 0..50 {
        let mut stream = scene.get("/events/a").await;
        stream.next().await;
        let before = Instant::now();
        stream.next().await;
        waits.push(before.elapsed());
    }

    waits.sort_unstable();
    waits.dedup();
    assert!(waits.len() >= 45, "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn an_event_puts_the_heartbeat_off() {
    let scene = scene().await;
    let mut stream = scene.get("/events/a").await;
    stream.next().await;

    for number in 1..=5 {
        assert!(timeout(Duration::from_secs(11), stream.next()).await.is_err(), "too early");
        scene.publish("a", &["x"]).await;
        assert_eq!(stream.next().await.unwrap(), format!("id: 1-{number}\ndata: x\n\n"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_tells_a_place_that_is_news_and_tells_it_once() {
    let scene = scene().await;
    let mut stream = scene.get("/events/a").await;
    stream.next().await;
    scene.publish("b", &["1", "2", "3"]).await;

    assert_eq!(
        stream.next().await.unwrap(),
        "event: tidings.cursor\nid: 1-3\ndata: {\"cursor\":\"1-3\"}\n\n"
    );
    assert_eq!(stream.next().await.unwrap(), ":\n");
    scene.publish("a", &["x"]).await;
    assert_eq!(stream.next().await.unwrap(), "id: 1-4\ndata: x\n\n");
    assert_eq!(stream.next().await.unwrap(), ":\n");
}

/// The last place is in the newer half of the log, so the client can come back for long.
#[tokio::test(start_paused = true)]
async fn a_place_that_is_news_is_told_when_the_last_one_is_five_minutes_old() {
    let scene = scene().await;
    scene.publish("b", &["1", "2", "3", "4"]).await;
    let mut stream = scene.get("/events/a").await;
    stream.next().await;
    scene.publish("b", &["5"]).await;
    let before = Instant::now();

    let mut heartbeats = 0;
    let told = loop {
        match stream.next().await.unwrap() {
            text if text == ":\n" => heartbeats += 1,
            text => break text,
        }
    };

    assert_eq!(told, "event: tidings.cursor\nid: 1-5\ndata: {\"cursor\":\"1-5\"}\n\n");
    let elapsed = before.elapsed().as_secs();
    assert!((300..=315).contains(&elapsed) && heartbeats >= 20, "{heartbeats} heartbeats, {elapsed} s");
    assert_eq!(stream.next().await.unwrap(), ":\n");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_wants_no_events_of_the_hub_is_told_a_place_in_its_own_form() {
    let scene = scene().await;
    let mut by_id = scene.get("/events/a?opening=id").await;
    let mut not_at_all = scene.get("/events/a?opening=none").await;
    by_id.next().await;
    not_at_all.next().await;
    scene.publish("b", &["1"]).await;

    assert_eq!(by_id.next().await.unwrap(), "id: 1-1\n\n");
    assert_eq!(by_id.next().await.unwrap(), ":\n");
    assert_eq!(not_at_all.next().await.unwrap(), ":\n");
    assert_eq!(not_at_all.next().await.unwrap(), ":\n");
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_after_an_event_with_an_id_of_its_own_tells_the_place() {
    let scene = scene().await;
    let mut stream = scene.get("/events/a").await;
    stream.next().await;

    let request = Request::post("/events/a?id=own").body(Body::from("x")).unwrap();
    scene.send(request).await;

    assert_eq!(stream.next().await.unwrap(), "id: own\ndata: x\n\n");
    assert_eq!(stream.next().await.unwrap(), ":\n");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_lags_beyond_retention_is_told_in_the_stream() {
    let mut limits = Limits::default();
    limits.window_bytes_max = 100;
    let scene = Scene::start(limits, MemoryRetention { events_max: 2, ..MemoryRetention::default() }).await;
    let mut stream = scene.get("/events/a").await;
    stream.next().await;

    for text in ["1", "2", "3", "4", "5", "6"] {
        scene.publish("a", &[text]).await;
        tokio::task::yield_now().await;
    }

    stream
        .expect(
            "event: tidings.gap\nid: 1-4\n\
             data: {\"requested\":\"1-0\",\"reason\":\"expired\",\"resumes_after\":\"1-4\"}\n\n\
             id: 1-5\ndata: 5\n\nid: 1-6\ndata: 6\n\n",
        )
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_with_a_farewell_when_the_hub_closes() {
    let scene = scene().await;
    let mut stream = scene.get("/events/a").await;
    stream.next().await;
    scene.publish("a", &["last"]).await;

    within_an_hour("the end of the hub", scene.hub.close()).await.unwrap();

    assert_eq!(stream.next().await.unwrap(), "id: 1-1\ndata: last\n\n");
    let farewell = stream.next().await.unwrap();
    assert!(farewell.starts_with("retry: ") && farewell.lines().count() == 1, "{farewell:?}");
    assert_eq!(stream.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_dropped_is_forgotten() {
    let scene = scene().await;
    let stream = scene.get("/events/a").await;
    assert_eq!(scene.hub.roster().count(), 1);

    drop(stream);

    assert_eq!(scene.hub.roster().count(), 0);
}
