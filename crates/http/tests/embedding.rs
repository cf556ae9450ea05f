//! The hub in a server that is not ours: below a path of it, and ending with it, in virtual time.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong here need not be told well")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response, request};
use http_body_util::BodyExt;
use tidings_core::contract::ManualClock;
use tidings_core::memory::MemoryRetention;
use tidings_core::{Attendee, Epoch, Hub, Limits, MemoryStore, RosterListener};
use tidings_http::{Front, HttpConfig, Pages};
use tidings_testkit::deadline::within_an_hour;
use tokio::time::{Instant, timeout};
use tower::ServiceExt;

/// A hub at `/hub` of a server.
struct Host {
    front: Front,
    app: axum::Router,
}

impl Host {
    async fn start() -> Self {
        Self::with_config(HttpConfig::default()).await
    }

    async fn with_config(config: HttpConfig) -> Self {
        let clock = ManualClock::at(0);
        let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
        let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
        let front = Front::new(hub, config, Pages::default(), clock);
        let app = axum::Router::new().nest("/hub", front.router());
        Self { front, app }
    }

    async fn get(&self, target: &str) -> Response<Body> {
        self.send(Request::get(target), "").await
    }

    async fn publish(&self, data: &'static str) -> u16 {
        self.send(Request::post("/hub/events/a/b"), data).await.status().as_u16()
    }

    async fn send(&self, request: request::Builder, body: &'static str) -> Response<Body> {
        let request = request.body(Body::from(body)).unwrap();
        within_an_hour("an answer", self.app.clone().oneshot(request)).await.unwrap()
    }
}

async fn text(response: Response<Body>) -> String {
    let collected = within_an_hour("the end of a body", response.into_body().collect());
    String::from_utf8(collected.await.unwrap().to_bytes().to_vec()).unwrap()
}

/// Whether it is one line that says when to come back.
fn is_farewell(text: &str) -> bool {
    text.starts_with("retry: ") && text.ends_with('\n') && text.lines().count() == 1
}

async fn next(stream: &mut Response<Body>) -> String {
    let frame =
        within_an_hour("more of the stream", stream.frame()).await.expect("the stream goes on").unwrap();
    String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn below_a_path_the_hub_publishes_streams_and_resumes() {
    let host = Host::start().await;
    let mut stream = host.get("/hub/events/a/*").await;
    next(&mut stream).await;

    assert_eq!(host.publish("first").await, 201);
    assert_eq!(next(&mut stream).await, "topic: a/b\nid: 1-1\ndata: first\n\n");
    assert_eq!(host.publish("second").await, 201);
    assert_eq!(next(&mut stream).await, "topic: a/b\nid: 1-2\ndata: second\n\n");

    let resume = Request::get("/hub/events?topic=a/b").header("last-event-id", "1-1");
    let mut resumed = host.send(resume, "").await;
    let opening = next(&mut resumed).await;
    let retry = opening.strip_prefix(": heartbeat 15000\nretry: ").and_then(|rest| rest.strip_suffix('\n'));
    assert!(retry.is_some_and(|retry| (3_000..=6_000).contains(&retry.parse().unwrap())), "{opening:?}");
    assert_eq!(next(&mut resumed).await, "id: 1-2\ndata: second\n\n");
}

#[tokio::test(start_paused = true)]
async fn a_drain_sends_subscribers_away_over_its_window_and_takes_no_more() {
    let host = Host::start().await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        let mut stream = host.get("/hub/events/a/b").await;
        next(&mut stream).await;
        streams.push(tokio::spawn(async { (text(stream).await, Instant::now()) }));
    }
    let before = Instant::now();

    host.front.begin_drain();

    assert_eq!(host.publish("late").await, 503);
    assert_eq!(host.get("/hub/readyz").await.status(), 503);
    let mut ends = Vec::new();
    for stream in streams {
        let (farewell, end) = stream.await.unwrap();
        assert!(is_farewell(&farewell), "{farewell:?}");
        assert!(end - before <= Duration::from_secs(2), "{:?}", end - before);
        ends.push(end);
    }
    ends.sort_unstable();
    ends.dedup();
    assert!(ends.len() >= 18, "they leave together: {ends:?}");
}

#[tokio::test(start_paused = true)]
async fn a_notice_is_told_to_probes_and_new_subscribers_alone_and_lasts_its_time() {
    let host = Host::start().await;
    let mut stream = host.get("/hub/events/a/b").await;
    next(&mut stream).await;
    assert_eq!(host.get("/hub/readyz").await.status(), 200);
    let before = Instant::now();

    host.front.begin_notice();

    assert_eq!(host.get("/hub/readyz").await.status(), 503);
    assert_eq!(host.publish("in time").await, 201);
    assert_eq!(next(&mut stream).await, "id: 1-1\ndata: in time\n\n");
    let late = text(host.get("/hub/events/a/b").await).await;
    let retry: u64 = late.strip_prefix("retry: ").unwrap().trim_end().parse().unwrap();
    // 3 s of notice, and once to twice the 3 s of `retry`.
    assert!((6_000..=9_000).contains(&retry), "{retry}");
    host.front.begin_notice();
    host.front.notice_over().await;
    assert_eq!(before.elapsed(), Duration::from_secs(3));

    host.front.begin_drain();
    assert_eq!(host.publish("late").await, 503);
    host.front.drain_overdue().await;
    assert_eq!(before.elapsed(), Duration::from_secs(8), "the notice is part of the time for the end");
}

#[tokio::test(start_paused = true)]
async fn a_notice_that_nobody_would_notice_is_not_given() {
    let host = Host::start().await;
    let before = Instant::now();

    host.front.begin_notice();
    host.front.notice_over().await;

    assert_eq!((before.elapsed(), host.front.is_giving_notice()), (Duration::ZERO, false));
    assert_eq!(host.get("/hub/readyz").await.status(), 200);
}

/// One look of a stranger does not slow the end for ever, and a balancer may ask seldom.
#[tokio::test(start_paused = true)]
async fn a_question_for_readiness_counts_for_ten_minutes() {
    for (age, notice) in [(600, true), (601, false)] {
        let host = Host::start().await;
        host.get("/hub/readyz").await;
        tokio::time::advance(Duration::from_secs(age)).await;

        host.front.begin_notice();

        assert_eq!(host.front.is_giving_notice(), notice, "after {age} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_notice_leaves_time_for_the_drain() {
    let mut config = HttpConfig::default();
    config.drain_notice = Duration::from_secs(60);
    let host = Host::with_config(config).await;
    host.get("/hub/readyz").await;
    let before = Instant::now();

    host.front.begin_notice();
    host.front.notice_over().await;

    assert_eq!(before.elapsed(), Duration::from_secs(6));
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_is_sent_away_gets_the_events_at_hand_first() {
    let host = Host::start().await;
    let mut stream = host.get("/hub/events/a/b").await;
    let mut other = host.get("/hub/events/a/b").await;
    next(&mut stream).await;
    next(&mut other).await;
    assert_eq!(host.publish("last").await, 201);
    assert_eq!(next(&mut other).await, "id: 1-1\ndata: last\n\n");

    host.front.begin_drain();
    tokio::time::advance(Duration::from_secs(3)).await;

    let rest = text(stream).await;
    assert!(rest.starts_with("id: 1-1\ndata: last\n\nretry: "), "{rest:?}");
}

/// The endings of subscribers that have left.
#[derive(Default)]
struct Endings(Mutex<Vec<&'static str>>);

impl RosterListener for Endings {
    fn joined(&self, _who: Attendee<'_>) {}

    fn left(&self, who: Attendee<'_>) {
        self.0.lock().unwrap().extend(who.ending);
    }

    fn asks_for_all(&self) -> bool {
        true
    }
}

#[tokio::test(start_paused = true)]
async fn listeners_are_told_why_a_stream_has_ended() {
    let host = Host::start().await;
    let endings = Arc::new(Endings::default());
    host.front.hub().roster().add_listener(endings.clone());
    let mut gone = host.get("/hub/events/a/b").await;
    let sent_away = host.get("/hub/events/a/b").await;
    next(&mut gone).await;

    drop(gone);
    host.front.begin_drain();
    text(sent_away).await;

    assert_eq!(*endings.0.lock().unwrap(), ["client-gone", "drain"]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_too_old_ends_in_good_order() {
    let mut config = HttpConfig::default();
    config.stream_age_max = Some(Duration::from_secs(600));
    let host = Host::with_config(config).await;
    let before = Instant::now();
    let stream = host.get("/hub/events/a/b").await;

    let text = text(stream).await;

    let age = before.elapsed();
    assert!(Duration::from_secs(540) <= age && age <= Duration::from_secs(601), "{age:?}");
    let farewell = text.rsplit(":\n").next().unwrap();
    assert!(is_farewell(farewell), "{farewell:?}");
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_comes_during_a_drain_is_told_when_to_come_back() {
    let host = Host::start().await;

    host.front.begin_drain();

    let response = host.get("/hub/events/a").await;
    assert_eq!(response.status(), 200);
    assert!(text(response).await.starts_with("retry: "));
}

#[tokio::test(start_paused = true)]
async fn a_drain_is_overdue_once_it_has_lasted_too_long() {
    let host = Host::start().await;
    let hour = Duration::from_secs(3_600);
    assert!(timeout(hour, host.front.drain_overdue()).await.is_err(), "no drain has begun");
    let before = Instant::now();
    host.front.begin_drain();

    tokio::time::advance(Duration::from_secs(1)).await;
    host.front.begin_drain();
    within_an_hour("the drain to be overdue", host.front.drain_overdue()).await;

    assert_eq!(before.elapsed(), Duration::from_secs(8));
}
