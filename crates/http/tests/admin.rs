//! What operators ask of live connections: lists, the users of a topic, and their end.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use support::scene::Scene;
use support::tokens::{rules, token_of, verifier};
use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::draft;
use tidings_core::memory::MemoryRetention;
use tidings_core::{Epoch, Hub, Limits, MemoryStore, Selector, Topic};
use tidings_http::grants::{Access, Allowed, Grants, KeyHash, NamedKey, NamedKeys};
use tidings_http::{AccessSettings, Body, Front, HttpConfig, Pages};
use tidings_testkit::deadline::{until, within, within_an_hour};
use tidings_testkit::faulty::FaultyStore;

/// The time of the clock, in seconds.
const NOW: u64 = 1_767_222_000;
const OPERATOR: &str = "k-0123456789abcdef0123456789abcdef";

/// A hub with tokens, a key of its operator, and one topic for everybody.
async fn front() -> Front {
    front_with(settings(), ManualClock::at(NOW * 1_000)).await
}

fn settings() -> HttpConfig {
    let public = Allowed::new([Selector::parse("public/**").unwrap()]);
    let operator = Grants { admin: true, ..Grants::default() };
    let access = Access {
        anonymous: Grants { subscribe: public, ..Grants::default() },
        keys: NamedKeys::new([NamedKey::new("operator", KeyHash::of(OPERATOR.as_bytes()), operator)]),
        tokens: Some(verifier(rules())),
        ..Access::default()
    };
    let mut config = HttpConfig::default();
    config.access = Some(Arc::new(AccessSettings { access, ..AccessSettings::default() }));
    config
}

async fn front_with(config: HttpConfig, clock: Arc<ManualClock>) -> Front {
    let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
    front_on(Arc::new(store), config, clock).await
}

async fn front_on(store: Arc<MemoryStore>, config: HttpConfig, clock: Arc<ManualClock>) -> Front {
    let hub = Hub::start(store, Limits::default()).await.unwrap();
    Front::new(hub, config, Pages::default(), clock).for_peer("192.0.2.1".parse().unwrap())
}

/// A token of a user, with an id, for some selectors.
fn token(user: &str, id: &str, subscribe: &[&str]) -> String {
    token_of(&json!({"sub": user, "jti": id, "exp": NOW + 60, "tidings": {"subscribe": subscribe}}))
}

async fn send(front: &Front, request: &str, shown: &str, body: &str) -> Response<Body> {
    let (method, target) = request.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(target).header("host", "localhost");
    if !shown.is_empty() {
        request = request.header("authorization", format!("Bearer {shown}"));
    }
    within_an_hour("an answer", front.handle(request.body(body.to_owned()).unwrap())).await
}

/// The status and the JSON of an answer.
async fn asked(front: &Front, request: &str, shown: &str, body: &str) -> (u16, Value) {
    let response = send(front, request, shown, body).await;
    let status = response.status().as_u16();
    let body = within_an_hour("a body", response.into_body().collect()).await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

/// A stream that has begun, with the id that its opening told.
async fn stream(front: &Front, target: &str, shown: &str) -> (Body, String) {
    let response = send(front, &format!("GET {target}"), shown, "").await;
    assert_eq!(response.status(), 200, "{target}");
    let mut body = response.into_body();
    let opening = next(&mut body).await.unwrap();
    let id = opening.split_once("\"connection\":\"").unwrap().1.split('"').next().unwrap().to_owned();
    (body, id)
}

async fn next(body: &mut Body) -> Option<String> {
    let frame = within_an_hour("more of the stream", body.frame()).await?;
    Some(String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn connections_are_listed_in_pages_with_what_is_known_of_them() {
    let front = front().await;
    let (_first, first) = stream(&front, "/events/orders/*", &token("u1", "t1", &["orders/*"])).await;
    let (_second, second) = stream(&front, "/events?topic=public/b&topic=public/a", "").await;
    tokio::time::advance(Duration::from_secs(5)).await;

    let (status, page) = asked(&front, "GET /admin/connections?limit=1", OPERATOR, "").await;

    assert_eq!(status, 200);
    let since = "2025-12-31T22:59:55.000Z";
    let expected = json!({"connections": [{
        "id": first, "user": "u1", "address": "192.0.2.1", "transport": "sse", "selectors": ["orders/*"],
        "since": since, "lag": 0,
    }], "more": true});
    assert_eq!(page, expected);
    let (_, page) = asked(&front, &format!("GET /admin/connections?after={first}"), OPERATOR, "").await;
    let expected = json!({"connections": [{
        "id": second, "user": null, "address": "192.0.2.1", "transport": "sse",
        "selectors": ["public/a", "public/b"], "since": since, "lag": 0,
    }], "more": false});
    assert_eq!(page, expected);
}

#[tokio::test(start_paused = true)]
async fn a_list_tells_the_lag_the_plain_form_of_an_address_and_a_hundred_at_most_unless_it_is_asked_for_more()
{
    let front = front().await;
    let mapped = front.for_peer("::ffff:198.51.100.7".parse().unwrap());
    let _first = stream(&mapped, "/events/public/a", "").await;
    let mut streams = Vec::new();
    for _ in 0..100 {
        streams.push(stream(&front, "/events/public/b", "").await);
    }
    for text in ["1", "2", "3"] {
        front.hub().publish(draft("public/a", text)).await.unwrap();
    }
    until("the rings to have them", || front.hub().shown().0 == 3).await;

    let (_, page) = asked(&front, "GET /admin/connections", OPERATOR, "").await;

    let listed = page["connections"].as_array().unwrap();
    assert_eq!((listed.len(), &page["more"]), (100, &json!(true)));
    assert_eq!((&listed[0]["lag"], &listed[0]["address"]), (&json!(3), &json!("198.51.100.7")));
    for target in ["/admin/connections", "/subscriptions?topic=public/a"] {
        assert_eq!(send(&front, &format!("HEAD {target}"), OPERATOR, "").await.status(), 200, "{target}");
    }
}

/// A thousand users with long names would be megabytes.
#[tokio::test(start_paused = true)]
async fn a_page_of_users_with_long_names_ends_early_and_says_so() {
    let front = front().await;
    let name = |number: usize| format!("{number:03}{}", "x".repeat(4_000));
    let (parts, ()) = Request::get("/mine").header("host", "localhost").body(()).unwrap().into_parts();
    let mut streams = Vec::new();
    for number in 0..300 {
        let grants = Grants { user: Some(name(number).into()), ..Grants::default() };
        streams.push(front.subscribe(&parts, Topic::parse("a").unwrap().into(), grants).await);
    }

    let (mut listed, mut after, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let request = format!("GET /subscriptions?topic=a&limit=1000{after}");
        let (_, page) = asked(&front, &request, OPERATOR, "").await;
        listed.extend(
            page["users"].as_array().unwrap().iter().map(|one| one["user"].as_str().unwrap().to_owned()),
        );
        after = format!("&after={}", listed.last().unwrap());
        pages += 1;
        if page["more"] == false {
            break;
        }
    }

    assert_eq!((listed, pages), ((0..300).map(name).collect(), 2));
}

#[tokio::test(start_paused = true)]
async fn a_connection_through_a_trusted_proxy_has_the_address_that_it_tells() {
    let mut config = settings();
    config.trusted_proxies = vec!["192.0.2.1".parse().unwrap()];
    let front = front_with(config, ManualClock::at(NOW * 1_000)).await;
    let beyond = |front: Front, bearer: Option<String>, list: &'static str| async move {
        let mut request = Request::get("/events/public/a").header("host", "localhost");
        request = request.header("x-forwarded-for", list);
        if let Some(bearer) = bearer {
            request = request.header("authorization", format!("Bearer {bearer}"));
        }
        within_an_hour("an answer", front.handle(request.body(String::new()).unwrap())).await
    };

    let streams = [
        beyond(front.clone(), None, "203.0.113.9, 198.51.100.7").await,
        beyond(front.clone(), Some(token("u1", "t1", &[])), "2001:db8::1").await,
        beyond(front.clone(), None, "unknown").await,
        beyond(front.for_peer("192.0.2.2".parse().unwrap()), None, "198.51.100.7").await,
    ];
    let (_, page) = asked(&front, "GET /admin/connections", OPERATOR, "").await;

    let connections = page["connections"].as_array().unwrap().iter();
    let told: Vec<_> = connections.map(|connection| connection["address"].as_str().unwrap()).collect();
    assert_eq!(told, ["198.51.100.7", "2001:db8::1", "192.0.2.1", "192.0.2.2"]);
    drop(streams);
}

#[tokio::test(start_paused = true)]
async fn the_users_that_receive_a_topic_are_listed_in_pages_beside_the_number_of_connections() {
    let front = front().await;
    let mut streams = Vec::new();
    for (target, user) in [
        ("/events/public/*", "u2"),
        ("/events/public/a", "u1"),
        ("/events/**", "u1"),
        ("/events/public/b", "u0"),
    ] {
        streams.push(stream(&front, target, &token(user, "t", &["**"])).await);
    }
    streams.push(stream(&front, "/events/public/a", "").await);

    let (status, page) = asked(&front, "GET /subscriptions?topic=public/a&limit=1", OPERATOR, "").await;

    assert_eq!(status, 200);
    let users = json!([{"user": "u1", "connections": 2}]);
    assert_eq!(page, json!({"connections": 4, "users": users, "more": true}));
    let (_, page) = asked(&front, "GET /subscriptions?topic=public/a&after=u1", OPERATOR, "").await;
    let users = json!([{"user": "u2", "connections": 1}]);
    assert_eq!(page, json!({"connections": 4, "users": users, "more": false}));
    let presence = token("u9", "t", &["tidings/presence/public/a"]);
    let (_, page) = asked(&front, "GET /subscriptions?topic=public/a", &presence, "").await;
    assert_eq!(page["connections"], 4);
    let (status, _) = asked(&front, "GET /subscriptions?topic=public/b", &presence, "").await;
    assert_eq!(status, 403, "the presence of another topic");
}

#[tokio::test(start_paused = true)]
async fn connections_are_ended_by_user_token_topic_and_id() {
    let front = front().await;
    let of = |user: &str, id: &str| token(user, id, &["**"]);
    let mut streams = [
        stream(&front, "/events/a", &of("u1", "t1")).await,
        stream(&front, "/events/b", &of("u1", "t2")).await,
        stream(&front, "/events/a", &of("u2", "t3")).await,
        stream(&front, "/events/c", &of("u3", "t4")).await,
        stream(&front, "/events/c", &of("u3", "t5")).await,
    ];

    for (order, ended) in [
        (json!({"user": "u1"}), &[0, 1][..]),
        (json!({"token_id": "t4"}), &[3]),
        (json!({"topic": "a"}), &[2]),
        (json!({"connection": streams[4].1.clone()}), &[4]),
        (json!({"connection": streams[4].1.clone()}), &[]),
    ] {
        let answer = asked(&front, "POST /admin/disconnect", OPERATOR, &order.to_string()).await;
        assert_eq!(answer, (200, json!({"disconnected": ended.len()})), "{order}");
        for number in ended {
            let last = next(&mut streams[*number].0).await.unwrap();
            assert!(last.starts_with("retry: "), "{last:?}");
            assert_eq!(next(&mut streams[*number].0).await, None);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn only_operators_are_let_in() {
    let (front, user) = (front().await, token("u1", "t1", &["**"]));
    let open = front_with(HttpConfig::default(), ManualClock::at(0)).await;
    let mut config = HttpConfig::default();
    config.publish_key = Some("secret".to_owned());
    let keyed = front_with(config, ManualClock::at(0)).await;

    for (request, body) in [
        ("GET /admin/connections", ""),
        ("POST /admin/disconnect", r#"{"user":"u1"}"#),
        ("GET /subscriptions?topic=a", ""),
    ] {
        let status = async |front: &Front, shown: &str| asked(front, request, shown, body).await.0;
        let with_grants =
            [status(&front, "").await, status(&front, &user).await, status(&front, OPERATOR).await];
        assert_eq!(with_grants, [401, 403, 200], "{request}");
        assert_eq!(status(&open, "").await, 403, "{request}");
        let with_key =
            [status(&keyed, "").await, status(&keyed, "other").await, status(&keyed, "secret").await];
        assert_eq!(with_key, [401, 401, 200], "{request}");
    }
    let (_, problem) = asked(&open, "GET /admin/connections", "", "").await;
    assert_eq!(problem["type"], "urn:tidings:problem:no-operator");
    let foreign = Request::post("/admin/disconnect")
        .header("host", "localhost")
        .header("origin", "http://evil.example");
    let foreign = foreign.header("authorization", format!("Bearer {OPERATOR}")).body(String::new()).unwrap();
    assert_eq!(front.handle(foreign).await.status(), 403, "a page of another origin");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_meant_is_refused_by_its_name() {
    let front = front().await;

    for (request, body, status, named) in [
        ("GET /admin/connections?limit=0", "", 400, "`limit`"),
        ("GET /admin/connections?limit=1001", "", 400, "`limit`"),
        ("GET /admin/connections?after=A", "", 400, "`after`"),
        ("GET /admin/connections?user=u1", "", 400, "`user`"),
        ("GET /subscriptions", "", 400, "`topic` is missing"),
        ("GET /subscriptions?topic=a&topic=b", "", 400, "`topic`"),
        ("GET /subscriptions?topic=a/*", "", 400, "not in topics"),
        ("GET /subscriptions?topic=tidings/x", "", 403, "tidings/"),
        ("POST /admin/disconnect?user=u1", "{}", 400, "`user`"),
        ("POST /admin/disconnect", "{}", 400, "one of `user`"),
        ("POST /admin/disconnect", r#"{"usr":"u1"}"#, 400, "`usr`"),
        ("GET /admin/disconnect", "", 405, "POST"),
        ("POST /admin/connections", "", 405, "GET"),
        ("GET /admin", "", 404, ""),
    ] {
        let (found, problem) = asked(&front, request, OPERATOR, body).await;
        let detail = problem["detail"].as_str().unwrap();
        assert!(found == status && detail.contains(named), "{request} {body}: {found} {detail}");
    }
    let large = format!("{{\"user\":\"{}\"}}", "x".repeat(16_384));
    assert_eq!(asked(&front, "POST /admin/disconnect", OPERATOR, &large).await.0, 413);
}

/// The status and the type of the answer to a reader with this token.
async fn reads(front: &Front, token: &str) -> String {
    let response = send(front, "HEAD /events/a", token, "").await;
    let (_, answer) = match response.status().as_u16() {
        200 => return "200".to_owned(),
        _ => asked(front, "GET /events/a", token, "").await,
    };
    format!("{} {}", response.status().as_u16(), answer["type"].as_str().unwrap().rsplit(':').next().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_user_or_a_token_is_kept_out_for_a_time_and_its_streams_hear_that_their_access_is_over() {
    let clock = ManualClock::at(NOW * 1_000);
    let front = front_with(settings(), clock.clone()).await;
    let of = |user: &str, id: &str| token(user, id, &["a"]);
    let (mut body, _) = stream(&front, "/events/a", &of("u1", "t1")).await;

    let order = json!({"user": "u1", "deny_for": 30}).to_string();
    let answer = asked(&front, "POST /admin/disconnect", OPERATOR, &order).await;
    assert_eq!(answer, (200, json!({"disconnected": 1})));
    let last = next(&mut body).await.unwrap();
    let told = "event: tidings.expired\nid: 1-0\ndata: {\"reason\":\"the access of this stream was withdrawn\"}\n\nretry: ";
    assert!(last.starts_with(told), "{last}");
    let order = json!({"token_id": "t3", "deny_for": 20}).to_string();
    assert_eq!(asked(&front, "POST /admin/disconnect", OPERATOR, &order).await.1, json!({"disconnected": 0}));

    // Of two orders that keep somebody out, the one that ends last is told.
    let (_, problem) = asked(&front, "GET /events/a", &of("u1", "t3"), "").await;
    assert!(problem["detail"].as_str().unwrap().ends_with("until 2025-12-31T23:00:30.000Z"), "{problem}");
    let (_, problem) = asked(&front, "GET /events/a", &of("u2", "t3"), "").await;
    assert!(problem["detail"].as_str().unwrap().ends_with("until 2025-12-31T23:00:20.000Z"), "{problem}");

    let all = async || {
        let mut found = Vec::new();
        for (user, id) in [("u1", "t1"), ("u1", "t2"), ("u2", "t3"), ("u2", "t1"), ("t3", "u1")] {
            found.push(reads(&front, &of(user, id)).await);
        }
        found
    };
    assert_eq!(all().await, ["403 kept-out", "403 kept-out", "403 kept-out", "200", "200"]);
    assert_eq!(asked(&front, "POST /events/a", &of("u1", "t1"), "x").await.0, 403);
    for request in ["POST /tickets", "GET /events/public/x"] {
        let (status, problem) = asked(&front, request, &of("u1", "t1"), "x").await;
        assert_eq!((status, &problem["type"]), (403, &json!("urn:tidings:problem:kept-out")), "{request}");
    }
    assert_eq!(send(&front, "HEAD /events/public/x", "", "").await.status(), 200, "everybody may read this");
    clock.set(NOW * 1_000 + 20_000);
    assert_eq!(all().await, ["403 kept-out", "403 kept-out", "200", "200", "200"]);
    clock.set(NOW * 1_000 + 29_999);
    assert_eq!(all().await[0], "403 kept-out");
    clock.set(NOW * 1_000 + 30_000);
    assert_eq!(all().await, ["200"; 5]);
}

#[tokio::test(start_paused = true)]
async fn a_denial_holds_after_a_restart_and_on_every_hub_of_the_log() {
    let clock = ManualClock::at(NOW * 1_000);
    let store = Arc::new(MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default()));
    let (one, other) = (
        front_on(store.clone(), settings(), clock.clone()).await,
        front_on(store.clone(), settings(), clock.clone()).await,
    );
    let token = token("u1", "t1", &["a"]);
    for front in [&one, &other] {
        assert_eq!(reads(front, &token).await, "200");
    }

    let order = json!({"user": "u1", "deny_for": 50}).to_string();
    asked(&one, "POST /admin/disconnect", OPERATOR, &order).await;

    assert_eq!(reads(&one, &token).await, "403 kept-out");
    while other.hub().shown() < other.hub().bounds().head.sequence {
        tokio::task::yield_now().await;
    }
    assert_eq!(reads(&other, &token).await, "403 kept-out");
    drop((one, other));
    let again = front_on(store, settings(), clock.clone()).await;
    assert_eq!(reads(&again, &token).await, "403 kept-out");
    let order = json!({"user": "u1", "deny_for": 1}).to_string();
    assert_eq!(asked(&again, "POST /admin/disconnect", OPERATOR, &order).await.0, 200);
    clock.set(NOW * 1_000 + 1_000);
    assert_eq!(reads(&again, &token).await, "200", "the newest order counts");
}

/// The first request after a start reads all orders of the log.
#[tokio::test(start_paused = true)]
async fn an_order_of_the_past_ends_no_stream_after_a_restart() {
    let clock = ManualClock::at(NOW * 1_000);
    let store = Arc::new(MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default()));
    let before = front_on(store.clone(), settings(), clock.clone()).await;
    let order = json!({"user": "u1", "deny_for": 5}).to_string();
    asked(&before, "POST /admin/disconnect", OPERATOR, &order).await;
    drop(before);
    clock.set(NOW * 1_000 + 5_000);

    let front = front_on(store, settings(), clock).await;
    let _stream = stream(&front, "/events/a", &token("u1", "t1", &["a"])).await;
    tokio::time::sleep(Duration::from_secs(1)).await;

    let by_operator = json!({"user": "u1"}).to_string();
    let answer = asked(&front, "POST /admin/disconnect", OPERATOR, &by_operator).await;
    assert_eq!(answer, (200, json!({"disconnected": 1})), "the stream goes on");
}

/// The last words of a stream whose access was withdrawn, and no more.
async fn hears_that_its_access_was_withdrawn(mut body: Body) {
    let mut told = String::new();
    while let Some(text) = next(&mut body).await {
        assert_ne!(text, ":\n", "the stream goes on after {told:?}");
        told.push_str(&text);
    }
    let expected = "{\"reason\":\"the access of this stream was withdrawn\"}\n\nretry: ";
    assert!(told.contains("event: tidings.expired\n") && told.contains(expected), "{told:?}");
}

/// The other hub only refused the next request.
#[tokio::test(start_paused = true)]
async fn a_denial_ends_the_open_streams_of_every_hub_of_the_log() {
    let clock = ManualClock::at(NOW * 1_000);
    let store = Arc::new(MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default()));
    let one = front_on(store.clone(), settings(), clock.clone()).await;
    let other = front_on(store, settings(), clock).await;
    let of = |user: &str, id: &str| token(user, id, &["a"]);
    let (of_user, _) = stream(&other, "/events/a", &of("u1", "t1")).await;
    let (of_token, _) = stream(&other, "/events/a", &of("u2", "t2")).await;
    let (_of_nobody_meant, _) = stream(&other, "/events/a", &of("u2", "t3")).await;

    for order in [json!({"user": "u1", "deny_for": 50}), json!({"token_id": "t2", "deny_for": 50})] {
        let answer = asked(&one, "POST /admin/disconnect", OPERATOR, &order.to_string()).await;
        assert_eq!(answer, (200, json!({"disconnected": 0})), "the streams are those of another hub");
    }

    hears_that_its_access_was_withdrawn(of_user).await;
    hears_that_its_access_was_withdrawn(of_token).await;
    assert_eq!(other.hub().roster().count(), 1);
}

/// The stream stayed open until its token ended.
#[tokio::test(start_paused = true)]
async fn a_stream_that_was_let_in_before_a_denial_and_began_after_it_ends() {
    let clock = ManualClock::at(NOW * 1_000);
    let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
    let (store, fault) = FaultyStore::new(Arc::new(store));
    let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
    let front = Front::new(hub, settings(), Pages::default(), clock).for_peer("192.0.2.1".parse().unwrap());
    let (token, other) = (token("u1", "t1", &["a"]), token("u2", "t2", &["a"]));
    // From here on new denials are read from memory.
    let order = json!({"user": "u9", "deny_for": 50}).to_string();
    asked(&front, "POST /admin/disconnect", OPERATOR, &order).await;
    tokio::time::sleep(Duration::from_secs(1)).await;

    fault.hold_reads();
    let read = |token: String| {
        let front = front.clone();
        let read = async move { send(&front, "GET /events/a?since=2025-01-01T00:00:00Z", &token, "").await };
        tokio::spawn(read)
    };
    let (of_user, of_other) = (read(token), read(other));
    // Both are counted once they were let in; they are on no carrier's list yet.
    until("they are let in", || front.hub().roster().count() == 2).await;
    let order = json!({"user": "u1", "deny_for": 50}).to_string();
    let answer = asked(&front, "POST /admin/disconnect", OPERATOR, &order).await;
    assert_eq!(answer, (200, json!({"disconnected": 0})), "the stream has not begun");
    // Time goes on when nobody has anything to do: the streams of this user were ended, of which there are none.
    tokio::time::sleep(Duration::from_secs(1)).await;
    fault.let_all_reads_through();

    hears_that_its_access_was_withdrawn(of_user.await.unwrap().into_body()).await;
    let _of_other = of_other.await.unwrap();
    assert_eq!(front.hub().roster().count(), 1);
}

/// What the program decides does not outweigh what an operator has ordered.
#[tokio::test(start_paused = true)]
async fn a_stream_of_the_programs_own_is_refused_to_a_user_or_a_token_that_is_kept_out() {
    let front = front().await;
    let order = json!({"user": "u1", "deny_for": 50}).to_string();
    asked(&front, "POST /admin/disconnect", OPERATOR, &order).await;
    let order = json!({"token_id": "t2", "deny_for": 50}).to_string();
    asked(&front, "POST /admin/disconnect", OPERATOR, &order).await;

    for (user, token_id, status) in
        [(Some("u1"), None, 403), (None, Some("t2"), 403), (Some("u2"), Some("t1"), 200), (None, None, 200)]
    {
        let request = Request::get("/mine").header("host", "localhost").body(()).unwrap();
        let (parts, ()) = request.into_parts();
        let (user, token_id) = (user.map(Into::into), token_id.map(Into::into));
        let grants = Grants { user, token_id, ..Grants::default() };
        let selectors = Topic::parse("a").unwrap().into();
        let answer = within_an_hour("an answer", front.subscribe(&parts, selectors, grants.clone())).await;
        assert_eq!(answer.status(), status, "{grants:?}");
    }
}

/// A thousand connections of a hundred long selectors each would be a hundred megabytes.
#[tokio::test(start_paused = true)]
async fn a_page_of_connections_with_many_selectors_ends_early_and_says_so() {
    let front = front().await;
    let selectors: Vec<_> = (0..100).map(|n| format!("topic=public/{n:03}{}", "x".repeat(500))).collect();
    let target = format!("/events?{}", selectors.join("&"));
    let mut streams = Vec::new();
    for _ in 0..30 {
        streams.push(stream(&front, &target, "").await);
    }

    let (mut listed, mut after, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let (_, page) =
            asked(&front, &format!("GET /admin/connections?limit=1000{after}"), OPERATOR, "").await;
        let ids =
            page["connections"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned());
        listed.extend(ids);
        after = format!("&after={}", listed.last().unwrap());
        pages += 1;
        if page["more"] == false {
            break;
        }
    }

    assert_eq!((listed, pages), (streams.into_iter().map(|(_, id)| id).collect(), 2));
}

/// Over sockets, where a lane carries the stream.
#[tokio::test(flavor = "multi_thread")]
async fn a_parked_stream_is_listed_and_ended_by_the_id_that_its_opening_told() {
    let scene = Scene::with(|config| config.publish_key = Some("secret".to_owned())).await;
    let mut wire = scene.get("/events/a", "").await;
    wire.head().await;
    let opening = wire.chunk().await;
    let id = opening.split_once("\"connection\":\"").unwrap().1.split('"').next().unwrap();
    let key = "authorization: Bearer secret\r\n";

    // It comes to the lane a moment after its opening was written.
    let listed = async {
        loop {
            let mut admin = scene.get("/admin/connections", key).await;
            let listed = admin.answer().await;
            let (_, listed) = listed.split_once("\r\n\r\n").unwrap();
            let listed: Value = serde_json::from_str(listed).unwrap();
            if listed["connections"] != json!([]) {
                return listed;
            }
        }
    };
    let listed = within("the connection on the list", listed).await;
    let connection = &listed["connections"][0];
    assert_eq!((&connection["id"], &connection["address"]), (&json!(id), &json!("127.0.0.1")));
    assert_eq!((&connection["since"], &connection["lag"]), (&json!("1970-01-01T01:00:00.000Z"), &json!(0)));

    let mut admin = scene.connect().await;
    let order = format!("{{\"connection\":\"{id}\"}}");
    let length = order.len();
    let head = format!(
        "POST /admin/disconnect HTTP/1.1\r\nhost: localhost\r\n{key}content-length: {length}\r\n\r\n"
    );
    admin.send(head + &order).await;
    assert!(admin.answer().await.ends_with("{\"disconnected\":1}\n"));
    assert!(wire.chunk().await.starts_with("retry: "));
    assert_eq!(wire.chunk().await, "");
    until("it is forgotten", || scene.hub.roster().count() == 0).await;
}
