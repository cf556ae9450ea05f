//! Who is there: `tidings.presence` for those who subscribe to `tidings/presence/` and a topic, over each way in which a stream is
//! carried.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use http::{Request, Response};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use support::scene::{Scene, Stream};
use support::tls::tls;
use support::tokens::{rules, token_of, verifier};
use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::draft;
use tidings_core::memory::MemoryRetention;
use tidings_core::{Epoch, Hub, Limits, MemoryStore, Selector, Selectors};
use tidings_http::grants::{Access, Allowed, Grants, KeyHash, NamedKey, NamedKeys};
use tidings_http::{AccessSettings, Body, Front, HttpConfig, Pages};
use tidings_testkit::certificate::Certificate;
use tidings_testkit::deadline::within_an_hour;
use tidings_testkit::http2::Peer;
use tidings_testkit::wire::Wire;
use tokio::time::sleep;

/// The time of the clock, in seconds.
const NOW: u64 = 1_767_222_000;
const BACKEND: &str = "k-0123456789abcdef0123456789abcdef";
const BOTH: &str = "/events?topic=orders/9&topic=tidings/presence/orders/9";
const DEBOUNCE: Duration = Duration::from_secs(5);

fn access() -> Arc<AccessSettings> {
    let allowed = |text: &str| Allowed::new([Selector::parse(text).unwrap()]);
    let backend = Grants { publish: allowed("**"), subscribe: allowed("**"), ..Grants::default() };
    let access = Access {
        anonymous: Grants { subscribe: allowed("**"), ..Grants::default() },
        keys: NamedKeys::new([NamedKey::new("backend", KeyHash::of(BACKEND.as_bytes()), backend)]),
        tokens: Some(verifier(rules())),
        ..Access::default()
    };
    Arc::new(AccessSettings { access, ..AccessSettings::default() })
}

async fn front() -> (Front, Arc<ManualClock>) {
    let clock = ManualClock::at(NOW * 1_000);
    let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
    let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
    let mut config = HttpConfig::default();
    config.access = Some(access());
    (Front::new(hub, config, Pages::default(), clock.clone()), clock)
}

/// A token of a user who may read orders, and who reads them.
fn token(user: &str) -> String {
    token_of(&json!({"sub": user, "tidings": {"subscribe": ["orders/*", "tidings/presence/orders/*"]}}))
}

async fn send(front: &Front, request: &str, shown: &str, accept: &str) -> Response<Body> {
    let (method, target) = request.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(target).header("host", "localhost");
    request = request.header("accept", accept);
    if !shown.is_empty() {
        request = request.header("authorization", format!("Bearer {shown}"));
    }
    within_an_hour("an answer", front.handle(request.body(String::new()).unwrap())).await
}

/// A stream whose opening has been read.
async fn stream(front: &Front, target: &str, shown: &str) -> Body {
    let response = send(front, &format!("GET {target}"), shown, "text/event-stream").await;
    assert_eq!(response.status(), 200, "{target}");
    let mut body = response.into_body();
    next(&mut body).await.unwrap();
    body
}

async fn next(body: &mut Body) -> Option<String> {
    let frame = within_an_hour("more of the stream", body.frame()).await?;
    Some(String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap())
}

/// The next block that is no heartbeat and tells no place.
async fn heard(body: &mut Body) -> String {
    loop {
        let block = next(body).await.unwrap();
        if block != ":\n" && !block.starts_with("event: tidings.cursor\n") {
            return block;
        }
    }
}

fn presence(data: &str) -> String {
    format!("event: tidings.presence\ndata: {data}\n\n")
}

#[tokio::test(start_paused = true)]
async fn a_stream_hears_who_is_there_and_then_who_comes_and_goes_without_an_id() {
    let (front, _) = front().await;
    let info = token_of(&json!({"sub": "u1", "tidings": {
        "subscribe": ["orders/*", "tidings/presence/**"], "info": {"name": "Ann"},
    }}));
    let mut watches = stream(&front, BOTH, &info).await;
    assert_eq!(
        heard(&mut watches).await,
        presence(r#"{"topic":"orders/9","users":[{"user":"u1","info":{"name":"Ann"}}],"total":1}"#)
    );

    let tabs = [
        stream(&front, "/events/orders/9", &token("u2")).await,
        stream(&front, "/events/orders/*", &token("u2")).await,
        stream(&front, "/events/orders/9", "").await,
    ];
    front.hub().publish(draft("orders/9", "x")).await.unwrap();
    assert_eq!(next(&mut watches).await.unwrap(), "topic: orders/9\nid: 1-1\ndata: x\n\n");
    assert_eq!(
        heard(&mut watches).await,
        presence(r#"{"topic":"orders/9","joined":[{"user":"u2"}],"left":[],"total":2}"#)
    );

    drop(tabs);
    assert_eq!(
        heard(&mut watches).await,
        presence(r#"{"topic":"orders/9","joined":[],"left":[{"user":"u2"}],"total":1}"#)
    );
    sleep(3 * DEBOUNCE).await;
    assert!(heard(&mut watches).now_or_never().is_none_or(|block| !block.contains("presence")));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_with_its_token_is_a_leave() {
    let (front, clock) = front().await;
    let mut watches = stream(&front, "/events/tidings/presence/orders/9", &token("u1")).await;
    assert_eq!(heard(&mut watches).await, presence(r#"{"topic":"orders/9","users":[],"total":0}"#));
    let short = token_of(&json!({"sub": "u2", "exp": NOW + 60, "tidings": {"subscribe": ["orders/9"]}}));
    let mut ends = stream(&front, "/events/orders/9", &short).await;
    assert!(heard(&mut watches).await.contains(r#""joined":[{"user":"u2"}]"#));

    clock.set((NOW + 60) * 1_000);
    while next(&mut ends).await.is_some() {}
    drop(ends);

    assert!(heard(&mut watches).await.contains(r#""left":[{"user":"u2"}],"total":0"#));
}

#[tokio::test(start_paused = true)]
async fn presence_is_told_to_those_alone_whose_grants_name_it() {
    let (front, _) = front().await;
    let of = |subscribe: &str| token_of(&json!({"sub": "u1", "tidings": {"subscribe": [subscribe]}}));
    for (target, shown, expected) in [
        ("/events/tidings/presence/orders/9", of("tidings/presence/orders/9"), 200),
        ("/events/tidings%2Fpresence%2Forders%2F9", of("tidings/presence/**"), 200),
        (BOTH, of("tidings/presence/**"), 200),
        (BOTH, token("u1"), 200),
        ("/events/tidings/presence/orders/9", of("tidings/presence/orders/8"), 403),
        ("/events/tidings/presence/orders/9", of("**"), 403),
        ("/events/tidings/presence/orders/9", of("*/presence/**"), 403),
        ("/events/tidings/presence/orders/9", BACKEND.to_owned(), 403),
        ("/events/tidings/presence/orders/9", String::new(), 401),
        ("/events/tidings/presence/orders/*", of("tidings/presence/**"), 403),
        ("/events/tidings/presence/**", of("tidings/**"), 403),
        ("/events/tidings/presence/%2F", of("tidings/**"), 200),
        ("/events/tidings/presence%2F", of("tidings/**"), 403),
        ("/events/tidings/other", of("tidings/**"), 403),
        ("/events/tidings/**", of("tidings/**"), 403),
    ] {
        let response = send(&front, &format!("GET {target}"), &shown, "text/event-stream").await;
        assert_eq!(response.status(), expected, "{target} with {shown}");
    }
    let pattern = "GET /events/tidings/presence/orders/*";
    let body = send(&front, pattern, &of("tidings/**"), "text/event-stream").await.into_body();
    let problem: Value = serde_json::from_slice(&body.collect().await.unwrap().to_bytes()).unwrap();
    assert_eq!(problem["type"].as_str().unwrap().rsplit(['/', ':', '#']).next(), Some("reserved-topic"));
    assert!(problem["detail"].as_str().unwrap().contains("single topics"), "{problem}");
}

#[tokio::test(start_paused = true)]
async fn presence_is_in_no_log_and_nobody_publishes_it() {
    let (front, _) = front().await;
    let all =
        token_of(&json!({"sub": "u1", "tidings": {"subscribe": ["tidings/**"], "publish": ["tidings/**"]}}));
    for (request, accept) in [
        ("GET /events/tidings/presence/orders/9", "application/json"),
        ("POST /events/tidings/presence/orders/9", "*/*"),
    ] {
        let response = send(&front, request, &all, accept).await;
        assert_eq!(response.status(), 403, "{request}");
    }
    let mut watches = stream(&front, "/events/tidings/presence/orders/9?since=earliest", &all).await;
    heard(&mut watches).await;
    assert_eq!(front.hub().bounds().head.sequence.0, 0);
}

#[tokio::test(start_paused = true)]
async fn a_hub_that_knows_no_users_tells_no_presence() {
    let clock = ManualClock::at(0);
    let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
    let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
    let front = Front::new(hub, HttpConfig::default(), Pages::default(), clock);

    let response = send(&front, "GET /events/tidings/presence/a", "", "text/event-stream").await;

    assert_eq!(response.status(), 403);
}

/// What a program that embeds the hub says about its users need not be JSON, nor short.
#[tokio::test(start_paused = true)]
async fn a_program_that_embeds_the_hub_tells_who_is_there_by_its_own_grants() {
    let (front, _) = front().await;
    let subscribe = async |user: &str, topics: &[&str], info: Option<String>| {
        let request = Request::get("/mine").header("host", "localhost");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let selectors = Selectors::new(topics.iter().map(|topic| Selector::parse(topic).unwrap())).unwrap();
        let info = info.map(Arc::from);
        let grants = Grants { user: Some(user.into()), info, ..Grants::default() };
        let mut body = front.subscribe(&parts, selectors, grants).await.into_body();
        next(&mut body).await.unwrap();
        body
    };
    let long = format!("\"{}\"", "x".repeat(255));
    let fits = format!("\"{}\"", "x".repeat(254));
    let _users = [
        subscribe("a", &["t"], Some("no\n\ndata: JSON".to_owned())).await,
        subscribe("b", &["t"], Some(long)).await,
        subscribe("c", &["t"], Some(fits.clone())).await,
    ];
    let mut watches = subscribe("d", &["tidings/presence/t"], None).await;

    let expected = format!(
        r#"{{"topic":"t","users":[{{"user":"a"}},{{"user":"b"}},{{"user":"c","info":{fits}}}],"total":3}}"#
    );
    assert_eq!(heard(&mut watches).await, presence(&expected));
}

/// A list that was cut says so; a state says it by its total.
#[tokio::test(start_paused = true)]
async fn a_change_of_more_than_a_hundred_users_says_that_there_are_more() {
    let (front, _) = front().await;
    let mut watches = stream(&front, "/events/tidings/presence/orders/9", &token("u1")).await;
    heard(&mut watches).await;
    let mut crowd = Vec::new();
    for number in 0..101 {
        crowd.push(stream(&front, "/events/orders/9", &token(&format!("c{number:03}"))).await);
    }

    let change = heard(&mut watches).await;
    assert!(change.ends_with("],\"left\":[],\"total\":101,\"more\":true}\n\n"), "{change}");
    let mut late = stream(&front, "/events/tidings/presence/orders/9", &token("u2")).await;
    let state = heard(&mut late).await;
    assert_eq!(state.matches("{\"user\"").count(), 100);
    assert!(state.ends_with("{\"user\":\"c099\"}],\"total\":101}\n\n"), "{state}");
}

/// A hub with short debounces, whose streams over plain HTTP/1.1 are parked in lanes.
async fn scene(change: impl FnOnce(&mut HttpConfig)) -> Scene {
    let mut limits = Limits::default();
    limits.presence_debounce = Duration::from_millis(100);
    let change = |config: &mut HttpConfig| {
        config.access = Some(access());
        change(config);
    };
    Scene::keeping_with(MemoryRetention::default(), limits, change).await
}

fn request(target: &str, user: &str) -> String {
    let token = token(user);
    format!(
        "GET {target} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\naccept: text/event-stream\r\n\r\n"
    )
}

async fn over_http1(mut wire: Wire, target: &str, user: &str) -> Stream {
    wire.send(request(target, user)).await;
    wire.head().await;
    Stream::of(wire).await
}

#[tokio::test(flavor = "multi_thread")]
async fn parked_streams_hear_the_same() {
    let scene = scene(|_| ()).await;
    let mut watches = over_http1(scene.connect().await, BOTH, "u1").await;
    watches.expect_events(&presence(r#"{"topic":"orders/9","users":[{"user":"u1"}],"total":1}"#)).await;
    let mut second = over_http1(scene.connect().await, BOTH, "u1").await;
    second.expect_events(&presence(r#"{"topic":"orders/9","users":[{"user":"u1"}],"total":1}"#)).await;

    let reads = over_http1(scene.connect().await, "/events/orders/*", "u2").await;
    let joined = presence(r#"{"topic":"orders/9","joined":[{"user":"u2"}],"left":[],"total":2}"#);
    watches.expect_events(&joined).await;
    second.expect_events(&joined).await;
    drop(reads);
    let left = presence(r#"{"topic":"orders/9","joined":[],"left":[{"user":"u2"}],"total":1}"#);
    watches.expect_events(&left).await;
    second.expect_events(&left).await;
    scene.publish("orders/9", &["x"]).await;
    watches.expect_events("topic: orders/9\nid: 1-1\ndata: x\n\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_over_tls_and_http2_hear_the_same() {
    let certificate = Certificate::new();
    let scene = scene(|config| config.tls = Some(tls(&certificate))).await;
    let mut watches = over_http1(certificate.wire(scene.address).await, BOTH, "u1").await;
    watches.expect_events(&presence(r#"{"topic":"orders/9","users":[{"user":"u1"}],"total":1}"#)).await;

    let mut peer = Peer::over(certificate.connect(scene.address, &["h2"]).await.unwrap()).await;
    let shown = format!("Bearer {}", token("u2"));
    let stream =
        peer.get("/events/orders/9", &[("authorization", &shown), ("accept", "text/event-stream")]).await;
    watches
        .expect_events(&presence(r#"{"topic":"orders/9","joined":[{"user":"u2"}],"left":[],"total":2}"#))
        .await;
    drop((stream, peer));
    watches
        .expect_events(&presence(r#"{"topic":"orders/9","joined":[],"left":[{"user":"u2"}],"total":1}"#))
        .await;
}
