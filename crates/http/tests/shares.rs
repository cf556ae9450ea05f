//! Fair shares over HTTP: each limit for each kind of name, whom it leaves alone, and when a share is given back.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use support::meter::Meter;
use support::scene::Scene;
use support::tokens::{rules, token_of, verifier};
use tidings_core::contract::ManualClock;
use tidings_core::memory::MemoryRetention;
use tidings_core::{Epoch, Hub, Limits, MemoryStore, Selector};
use tidings_http::grants::{Access, Allowed, Grants, KeyHash, NamedKey, NamedKeys};
use tidings_http::{AccessSettings, Body, FairShares, Front, HttpConfig, Pages, ShareLimits};
use tidings_testkit::deadline::{until, within_an_hour};
use tokio::time::advance;

/// The time of the clock, in seconds.
const NOW: u64 = 1_767_222_000;

fn limits(change: impl FnOnce(&mut ShareLimits)) -> ShareLimits {
    let mut limits = ShareLimits::default();
    change(&mut limits);
    limits
}

/// A hub where everybody may do everything, and knows users by tokens and two keys.
async fn front(shares: FairShares) -> Front {
    let all = || Allowed::new([Selector::parse("**").unwrap()]);
    let everything = || Grants { publish: all(), subscribe: all(), ..Grants::default() };
    let named = |name, key: &str| NamedKey::new(name, KeyHash::of(key.as_bytes()), everything());
    let access = Access {
        anonymous: everything(),
        keys: NamedKeys::new([named("one", &key(1)), named("other", &key(2))]),
        tokens: Some(verifier(rules())),
        ..Access::default()
    };
    let mut config = HttpConfig::default();
    config.access = Some(Arc::new(AccessSettings { access, ..AccessSettings::default() }));
    config.shares = shares;
    config.trusted_proxies = vec!["10.0.0.1".parse().unwrap()];
    let clock = ManualClock::at(NOW * 1_000);
    let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
    let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
    Front::new(hub, config, Pages::default(), clock)
}

fn key(number: u32) -> String {
    format!("k-{number:032}")
}

fn token(user: &str) -> String {
    token_of(&json!({"sub": user, "exp": NOW + 60}))
}

/// Who sends a request: an address, and what it shows.
#[derive(Clone, Copy)]
struct From<'a>(&'a str, &'a str);

async fn send(front: &Front, from: From<'_>, request: &str, kind: &str, body: &str) -> Response<Body> {
    let (method, target) = request.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(target).header("host", "localhost");
    if !from.1.is_empty() {
        request = request.header("authorization", format!("Bearer {}", from.1));
    }
    if !kind.is_empty() {
        request = request.header("content-type", kind);
    }
    let front = match from.0 {
        "" => front.clone(),
        address => front.for_peer(address.parse().unwrap()),
    };
    within_an_hour("an answer", front.handle(request.body(body.to_owned()).unwrap())).await
}

async fn publish(front: &Front, from: From<'_>) -> u16 {
    send(front, from, "POST /events/a", "", "12345678").await.status().as_u16()
}

/// A stream; or, if it was sent away at once, its `retry` in milliseconds.
async fn stream(front: &Front, from: From<'_>) -> Result<Body, u64> {
    let response = send(front, from, "GET /events/a", "", "").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body();
    let first = within_an_hour("the first bytes", body.frame()).await.unwrap().unwrap();
    let text = String::from_utf8(first.into_data().unwrap().to_vec()).unwrap();
    match text.strip_prefix("retry: ") {
        None => Ok(body),
        Some(retry) => {
            assert!(within_an_hour("the end", body.frame()).await.is_none());
            Err(retry.trim_end().parse().unwrap())
        }
    }
}

/// What the metrics say of a limit.
async fn limited(front: &Front, limit: &str) -> f64 {
    Meter::of(front).read().await.value(&format!("tidings_limited_total{{limit=\"{limit}\"}}"))
}

/// An address and the credentials that a request from it shows.
type Requester = (&'static str, String);

/// For each kind of name: the limits of that kind, one that has the name, another one with its name, and one with another name.
fn kinds(limits: ShareLimits) -> Vec<(&'static str, FairShares, [Requester; 3])> {
    let none = FairShares::default;
    vec![
        (
            "user",
            FairShares { user: limits, ..none() },
            [("192.0.2.1", token("u1")), ("192.0.2.2", token("u1")), ("192.0.2.1", token("u2"))],
        ),
        (
            "key",
            FairShares { key: limits, ..none() },
            [("192.0.2.1", key(1)), ("192.0.2.2", key(1)), ("192.0.2.1", key(2))],
        ),
        (
            "address",
            FairShares { address: limits, ..none() },
            [("192.0.2.1", String::new()), ("::ffff:192.0.2.1", String::new()), ("192.0.2.2", String::new())],
        ),
        (
            "address",
            FairShares { address: limits, ..none() },
            [
                ("2001:db8:1:2::1", String::new()),
                ("2001:db8:1:2:ffff::9", String::new()),
                ("2001:db8:1:3::1", String::new()),
            ],
        ),
        (
            "address",
            FairShares { private_address: limits, ..none() },
            [("127.0.0.1", String::new()), ("::ffff:127.0.0.1", String::new()), ("192.0.2.1", String::new())],
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn events_in_a_second_are_limited_for_each_name_and_others_go_on() {
    for (kind, shares, senders) in kinds(limits(|limits| limits.publishes_per_second = Some(2))) {
        let [one, same, other] = senders.each_ref().map(|(address, shown)| From(address, shown));
        let front = front(shares).await;

        for _ in 0..5 {
            assert_eq!([publish(&front, one).await, publish(&front, same).await], [201; 2], "{kind}");
        }
        let refused = send(&front, one, "POST /events/a", "", "x").await;

        assert_eq!(refused.status(), 429, "{kind}");
        assert_eq!(refused.headers()["retry-after"], "1");
        let problem = refused.into_body().collect().await.unwrap().to_bytes();
        let problem: Value = serde_json::from_slice(&problem).unwrap();
        let detail = format!(
            "one {kind} may have 2 events a second ({kind}_publishes_per_second_max); send it again later"
        );
        assert_eq!(problem["type"], "urn:tidings:problem:too-many-publishes");
        assert_eq!(problem["detail"], detail);
        assert_eq!([publish(&front, same).await, publish(&front, other).await], [429, 201], "{kind}");
        assert_eq!(limited(&front, &format!("{kind}-publishes")).await, 2.0);
        advance(Duration::from_secs(1)).await;
        let after = [publish(&front, one).await, publish(&front, same).await, publish(&front, one).await];
        assert_eq!(after, [201, 201, 429], "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_in_a_second_are_limited_and_the_time_to_wait_is_told() {
    for (kind, shares, senders) in kinds(limits(|limits| limits.publish_bytes_per_second = Some(4))) {
        let [one, same, other] = senders.each_ref().map(|(address, shown)| From(address, shown));
        let front = front(shares).await;

        assert_eq!([publish(&front, one).await, publish(&front, same).await], [201; 2], "{kind}");
        let refused = send(&front, one, "POST /events/a", "", "12345678").await;

        // 16 of 20 bytes are used, and room for 8 is there a second later.
        assert_eq!(
            (refused.status().as_u16(), &refused.headers()["retry-after"]),
            (429, &"1".parse().unwrap())
        );
        assert_eq!(publish(&front, other).await, 201, "{kind}");
        let refused = send(&front, one, "POST /events/a", "", &"x".repeat(1_000)).await;
        assert_eq!(
            (refused.status().as_u16(), &refused.headers()["retry-after"]),
            (429, &"4".parse().unwrap())
        );
        advance(Duration::from_secs(4)).await;
        // More than a burst is let in when nothing is used, and paid off.
        let large = send(&front, one, "POST /events/a", "", &"x".repeat(1_000)).await;
        assert_eq!(large.status(), 201, "{kind}");
        let refused = send(&front, same, "POST /events/a", "", "x").await;
        assert_eq!(
            (refused.status().as_u16(), &refused.headers()["retry-after"]),
            (429, &"246".parse().unwrap())
        );
        assert_eq!(limited(&front, &format!("{kind}-publish-bytes")).await, 3.0);
    }
}

/// Lines of many topics are published together: all of them have room in the share, or none is taken.
#[tokio::test(start_paused = true)]
async fn each_event_of_lines_counts_and_so_do_the_bytes_of_all() {
    let lines = "{\"topic\":\"a\",\"data\":\"1\"}\n{\"topic\":\"b\",\"data\":\"2\"}\n";
    let kind = "application/x-ndjson";
    for (kind_of_name, shares, senders) in kinds(limits(|limits| limits.publishes_per_second = Some(1))) {
        let [one, same, other] = senders.each_ref().map(|(address, shown)| From(address, shown));
        let front = front(shares).await;
        let mut answers = Vec::new();
        for from in [one, same, one, other] {
            answers.push(send(&front, from, "POST /events", kind, lines).await.status().as_u16());
        }
        // 4 of 5 are used, and there is room for one.
        assert_eq!(answers, [201, 201, 429, 201], "{kind_of_name}");
        assert_eq!([publish(&front, one).await, publish(&front, one).await], [201, 429], "{kind_of_name}");
    }
    for (kind_of_name, shares, senders) in kinds(limits(|limits| limits.publish_bytes_per_second = Some(1))) {
        let [one, same, other] = senders.each_ref().map(|(address, shown)| From(address, shown));
        let front = front(shares).await;
        let mut answers = Vec::new();
        for from in [one, same, other] {
            answers.push(send(&front, from, "POST /events", kind, lines).await.status().as_u16());
        }
        // Topics and data are 4 bytes of 5.
        assert_eq!(answers, [201, 429, 201], "{kind_of_name}");
    }
}

#[tokio::test(start_paused = true)]
async fn streams_at_once_are_limited_and_given_back_when_they_end() {
    for (kind, shares, senders) in kinds(limits(|limits| limits.streams = Some(2))) {
        let [one, same, other] = senders.each_ref().map(|(address, shown)| From(address, shown));
        let front = front(shares).await;

        let first = stream(&front, one).await.unwrap();
        let _second = stream(&front, same).await.unwrap();
        let retry = stream(&front, one).await.err().unwrap();

        assert!((3_000..=6_000).contains(&retry), "{kind}: {retry}");
        let _other = stream(&front, other).await.unwrap();
        assert_eq!(limited(&front, &format!("{kind}-streams")).await, 1.0);
        drop(first);
        let _third = stream(&front, one).await.unwrap();
        stream(&front, same).await.err().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn streams_that_begin_in_a_second_are_limited() {
    for (kind, shares, senders) in kinds(limits(|limits| limits.connects_per_second = Some(1))) {
        let [one, same, other] = senders.each_ref().map(|(address, shown)| From(address, shown));
        let front = front(shares).await;

        for _ in 0..5 {
            drop(stream(&front, one).await.unwrap());
        }
        let retry = stream(&front, same).await.err().unwrap();

        assert!((4_000..=7_000).contains(&retry), "{kind}: {retry}");
        drop(stream(&front, other).await.unwrap());
        assert_eq!(limited(&front, &format!("{kind}-connects")).await, 1.0);
        advance(Duration::from_secs(1)).await;
        drop(stream(&front, one).await.unwrap());
        stream(&front, one).await.err().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn users_of_one_address_share_its_connects_and_nothing_else() {
    let address = limits(|limits| {
        limits.connects_per_second = Some(1);
        limits.streams = Some(1);
        limits.publishes_per_second = Some(1);
    });
    let front = front(FairShares { address, ..FairShares::default() }).await;
    let token = |number: usize| token(&format!("u{number}"));

    let mut streams = Vec::new();
    for number in 0..5 {
        streams.push(stream(&front, From("192.0.2.1", &token(number))).await.unwrap());
    }

    stream(&front, From("192.0.2.1", &token(6))).await.err().unwrap();
    stream(&front, From("192.0.2.1", &key(1))).await.err().unwrap();
    stream(&front, From("192.0.2.2", &token(6))).await.unwrap();
    for number in 0..10 {
        assert_eq!(publish(&front, From("192.0.2.1", &token(number))).await, 201);
    }
}

#[tokio::test(start_paused = true)]
async fn the_address_that_counts_is_the_one_that_a_trusted_proxy_tells() {
    let address = limits(|limits| limits.publishes_per_second = Some(1));
    let front = front(FairShares { address, ..FairShares::default() }).await;
    let through = |list: String| {
        let front = front.for_peer("10.0.0.1".parse().unwrap());
        async move {
            let request = Request::post("/events/a").header("host", "localhost");
            let request = request.header("x-forwarded-for", list).body("x".to_owned()).unwrap();
            within_an_hour("an answer", front.handle(request)).await.status().as_u16()
        }
    };

    for forged in 0..5 {
        assert_eq!(through(format!("203.0.113.{forged}, 192.0.2.1")).await, 201);
    }
    assert_eq!(through("203.0.113.9, 192.0.2.1".to_owned()).await, 429);
    assert_eq!(through("192.0.2.2".to_owned()).await, 201);
    assert_eq!(publish(&front, From("192.0.2.1", "")).await, 429, "without the proxy it is the same");
    for _ in 0..5 {
        assert_eq!(through("unknown".to_owned()).await, 201);
    }
    assert_eq!(through("garbage".to_owned()).await, 429, "nonsense is limited");
    for _ in 0..10 {
        assert_eq!(publish(&front, From("10.0.0.1", "")).await, 201, "who says nothing may be many");
        assert_eq!(publish(&front, From("", "")).await, 201, "there is no address");
    }
}

#[tokio::test(start_paused = true)]
async fn the_events_of_a_body_count_one_by_one_and_the_answer_tells_how_far_it_came() {
    let user = limits(|limits| limits.publishes_per_second = Some(2));
    let front = front(FairShares { user, ..FairShares::default() }).await;
    let (one, body) = (token("u1"), "data: x\n\n".repeat(8));
    let batch = || send(&front, From("192.0.2.1", &one), "POST /events/a", "text/event-stream", &body);

    assert_eq!(batch().await.status(), 201);
    let refused = batch().await;

    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (429, &"3".parse().unwrap()));
    let problem = refused.into_body().collect().await.unwrap().to_bytes();
    let problem: Value = serde_json::from_slice(&problem).unwrap();
    assert_eq!((&problem["published"], &problem["status"]), (&json!(0), &json!(429)));
    advance(Duration::from_secs(3)).await;
    assert_eq!(batch().await.status(), 201);
}

#[tokio::test(start_paused = true)]
async fn without_limits_nobody_is_limited() {
    let front = front(FairShares::default()).await;
    let mut streams = Vec::new();
    for _ in 0..200 {
        streams.push(stream(&front, From("192.0.2.1", "")).await.unwrap());
        assert_eq!(publish(&front, From("192.0.2.1", "")).await, 201);
    }
}

/// Streams in lanes, which have left the server that answered them.
#[tokio::test]
async fn a_parked_stream_gives_its_share_back_however_it_ends() {
    let scene = Scene::with(|config| {
        config.shares.private_address = limits(|limits| limits.streams = Some(1));
    })
    .await;
    let is_let_in = async |scene: &Scene| {
        let mut wire = scene.get("/events/a", "").await;
        let head = wire.head().await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        if head.contains("connection: close") {
            return None;
        }
        wire.chunk().await;
        Some(wire)
    };

    let first = is_let_in(&scene).await.unwrap();
    until("the stream is parked", || scene.hub.roster().count() == 1).await;
    assert!(is_let_in(&scene).await.is_none());
    drop(first);
    until("the stream has ended", || scene.hub.roster().count() == 0).await;

    assert!(is_let_in(&scene).await.is_some());
}
