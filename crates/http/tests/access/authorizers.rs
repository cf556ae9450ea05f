//! A program that decides in the place of the settings.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use http::Request;
use http_body_util::BodyExt;
use serde_json::json;
use tidings_core::{Position, Selector, Selectors, Topic, UnixMillis};
use tidings_http::grants::Grants;
use tidings_http::{Asked, AskedAction, Authorizer, Cors, Denied};
use tidings_testkit::deadline::within_an_hour;

use super::hub::{BACKEND, NOW, allowed, front, front_with, send, token, told};

/// Lets a user of a header read what is below the user's name, and publish nothing.
struct ByHeader;

#[async_trait]
impl Authorizer for ByHeader {
    async fn authorize(&self, asked: &Asked<'_>) -> Result<Grants, Denied> {
        assert_eq!(asked.place.is_none(), asked.action == AskedAction::Publish);
        assert!(asked.place.is_none_or(|place| *place == Position::Now || *place == Position::Earliest));
        let user = asked.parts.headers.get("x-user").and_then(|user| user.to_str().ok());
        let user = user.ok_or_else(|| Denied::WhoAreYou("send X-User".to_owned()))?;
        if user == "mallory" {
            return Err(Denied::NotAllowed("mallory may nothing".to_owned()));
        }
        let subscribe = allowed(&[&format!("users/{user}/**")]);
        Ok(Grants {
            subscribe,
            user: Some(user.into()),
            until: Some(UnixMillis(u64::MAX)),
            ..Grants::default()
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_program_decides_by_what_the_hub_has_read() {
    let front = front_with(|config| config.access = None).await.with_authorizer(Arc::new(ByHeader));

    for (request, headers, answer) in [
        ("GET /events/users/alice/a", "x-user: alice", "200"),
        ("GET /events/users%2Falice%2Fa", "x-user: alice", "200"),
        ("GET /events?topic=users/alice/a&topic=users/alice/b", "x-user: alice", "200"),
        ("GET /events/users/alice/a", "x-user: alice\naccept: application/json", "200"),
        (
            "GET /events/users/bob/a",
            "x-user: alice",
            "403 not-covered insufficient_scope: subscribe does not cover `users/bob/a`",
        ),
        (
            "GET /events?topic=users/alice/a&topic=users/bob/a",
            "x-user: alice",
            "403 not-covered insufficient_scope: subscribe does not cover `users/bob/a`",
        ),
        (
            "POST /events/users/alice/a",
            "x-user: alice",
            "403 not-covered insufficient_scope: publish does not cover `users/alice/a`",
        ),
        ("GET /events/users/alice/a", "", "401 invalid-credentials invalid_token: send X-User"),
        (
            "GET /events/users/mallory/a",
            "x-user: mallory",
            "403 not-covered insufficient_scope: mallory may nothing",
        ),
    ] {
        assert_eq!(told(&front, request, headers).await, answer, "{request} with {headers:?}");
    }
    let twice = told(&front, "GET /events/users/alice/a?topic=users/bob/a", "x-user: alice").await;
    assert!(twice.starts_with("400 topics-twice"), "{twice}");
}

/// Knows an `Authorization` of its own, and otherwise what the hub knows.
struct ByAuthorization;

#[async_trait]
impl Authorizer for ByAuthorization {
    async fn authorize(&self, asked: &Asked<'_>) -> Result<Grants, Denied> {
        match asked.parts.headers.get("authorization").and_then(|value| value.to_str().ok()) {
            Some("Basic dTpw") => {
                Ok(Grants { subscribe: allowed(&["**"]), user: Some("u".into()), ..asked.who.clone() })
            }
            Some("Bearer down") => Err(Denied::CannotTell("come back later".to_owned())),
            _ => Ok(asked.who.clone()),
        }
    }

    fn reads_authorization(&self) -> bool {
        true
    }
}

#[tokio::test(start_paused = true)]
async fn a_program_may_know_an_authorization_that_the_hub_does_not_know() {
    let front = front().await.with_authorizer(Arc::new(ByAuthorization));
    let expired = format!("authorization: Bearer {}", token(json!({"exp": NOW - 12})));

    for (request, headers, answer) in [
        ("GET /events/orders/9", "authorization: Basic dTpw", "200"),
        (
            "POST /events/orders/9",
            "authorization: Basic dTpw",
            "403 not-covered insufficient_scope: publish does not cover `orders/9`",
        ),
        ("GET /events/public/a", "authorization: Bearer other", "200"),
        (
            "GET /events/orders/9",
            "authorization: Bearer other",
            "401 invalid-credentials invalid_token: subscribe does not cover `orders/9`; this is no key of this hub",
        ),
        (
            "GET /events/public/a",
            "authorization: Bearer down\naccept: application/json",
            "503 access-unavailable : come back later",
        ),
        ("POST /events/public/a", "authorization: Bearer down", "503 access-unavailable : come back later"),
        // The hub can check it, and nobody else is asked.
        (
            "GET /events/public/a",
            expired.as_str(),
            "401 invalid-credentials invalid_token: the token expired 12 s ago",
        ),
    ] {
        assert_eq!(told(&front, request, headers).await, answer, "{request} with {headers:?}");
    }
    let in_url = told(&front, "GET /events/public/a?access_token=a.b.c", "").await;
    assert!(in_url.starts_with("401 invalid-credentials"), "{in_url}");
    // What is not known gives no ticket.
    let ticket = told(&front, "POST /tickets", "authorization: Basic dTpw").await;
    assert!(ticket.starts_with("401 invalid-credentials"), "{ticket}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_about_which_nobody_can_tell_is_told_when_to_come_back_and_all_else_is_refused() {
    let front = front().await.with_authorizer(Arc::new(ByAuthorization));
    let down = "authorization: Bearer down";

    let mut delays = Vec::new();
    for _ in 0..10 {
        let answer =
            send(&front, "GET /events/public/a", &format!("{down}\naccept: text/event-stream")).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        assert_eq!(answer.headers()["connection"], "close");
        assert!(!answer.headers().contains_key("retry-after"));
        let body = within_an_hour("a body", answer.into_body().collect()).await.unwrap().to_bytes();
        let text = std::str::from_utf8(&body).unwrap();
        let delay = text.strip_prefix("retry: ").map(str::trim_end);
        delays.push(delay.and_then(|delay| delay.parse::<u64>().ok()).unwrap_or_else(|| panic!("{text:?}")));
    }
    assert!(delays.iter().all(|delay| (3_000..=6_500).contains(delay)), "{delays:?}");
    let first = delays[0];
    assert!(delays.iter().any(|delay| delay.abs_diff(first) > 500), "not all at once: {delays:?}");

    let head = send(&front, "HEAD /events/public/a", down).await;
    assert_eq!(head.status(), 503);
    assert_eq!(head.headers()["retry-after"], "2");
    let json = send(&front, "GET /events/public/a", &format!("{down}\naccept: application/json")).await;
    assert_eq!(json.status(), 503);
    assert_eq!(json.headers()["retry-after"], "2");
    let metrics = send(&front, "GET /metrics", &format!("authorization: Bearer {BACKEND}")).await;
    let metrics = within_an_hour("a body", metrics.into_body().collect()).await.unwrap().to_bytes();
    let metrics = String::from_utf8_lossy(&metrics);
    assert!(metrics.contains("refused_total{reason=\"access-unavailable\"} 12\n"), "{metrics}");
}

/// Takes down what it is asked, and refuses.
#[derive(Default)]
struct Asking(Mutex<Vec<(AskedAction, String, bool)>>);

#[async_trait]
impl Authorizer for Asking {
    async fn authorize(&self, asked: &Asked<'_>) -> Result<Grants, Denied> {
        let selectors: Vec<_> = asked.selectors.iter().map(Selector::as_str).collect();
        self.0.lock().unwrap().push((asked.action, selectors.join(" "), asked.cookies_count));
        Err(Denied::NotAllowed("no".to_owned()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_program_is_told_whether_cookies_count_and_is_not_asked_for_what_another_grant_gives() {
    let asking = Arc::new(Asking::default());
    let front = front_with(|config| config.cors = Cors::Any).await.with_authorizer(asking.clone());
    let operator = format!("authorization: Bearer {BACKEND}");
    let long = "x".repeat(500);
    let presence = "tidings/presence/a".to_owned();
    let no = "403 not-covered insufficient_scope: no";

    for (request, headers, answer, asked) in [
        ("GET /events/a", "", no, Some((AskedAction::Subscribe, "a".to_owned(), true))),
        (
            "GET /events/a",
            "origin: https://evil.example",
            no,
            Some((AskedAction::Subscribe, "a".to_owned(), false)),
        ),
        ("POST /events/a", "", no, Some((AskedAction::Publish, "a".to_owned(), false))),
        (
            "POST /events/a",
            "origin: http://hub.example",
            no,
            Some((AskedAction::Publish, "a".to_owned(), true)),
        ),
        ("GET /subscriptions?topic=a", "", no, Some((AskedAction::Subscribe, presence, true))),
        ("GET /subscriptions?topic=a", &operator, "200", None),
        // The presence of a topic with so long a name has none.
        (&format!("GET /subscriptions?topic={long}"), "", no, Some((AskedAction::Admin, long.clone(), true))),
    ] {
        assert_eq!(told(&front, request, headers).await, answer, "{request} with {headers}");
        assert_eq!(asking.0.lock().unwrap().pop(), asked, "{request} with {headers}");
    }
}

#[tokio::test(start_paused = true)]
async fn parameters_by_which_grants_are_asked_for_are_known_where_something_gives_them() {
    let open = front_with(|config| config.access = None).await;
    let own = front_with(|config| config.access = None).await.with_authorizer(Arc::new(ByHeader));
    let front = front().await;
    let unknown = "400 unknown-parameter";

    for (request, answers) in [
        ("GET /events/public/a?partial=true", [unknown, "401", "200"]),
        ("GET /events/public/a?ticket=x", [unknown, unknown, "401"]),
        ("GET /events/public/a?access_token=x", [unknown, unknown, "401"]),
        ("GET /events/public/a?expires=1&key=x&signature=x", [unknown, unknown, "401"]),
        ("POST /events/public/a?partial=true", [unknown; 3]),
    ] {
        for (front, answer) in [&open, &own, &front].into_iter().zip(answers) {
            let told = told(front, request, "").await;
            assert!(told.starts_with(answer), "{request}: {told}, and not {answer}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_the_programs_own_is_read_with_get() {
    let front = front().await;

    for (method, status) in [("GET", 200), ("HEAD", 200), ("POST", 405), ("DELETE", 405)] {
        let request = Request::builder().method(method).uri("/own").header("host", "hub.example");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let selectors = Selectors::from(Topic::parse("secret").unwrap());
        let answer = within_an_hour("an answer", front.subscribe(&parts, selectors, Grants::default())).await;
        assert_eq!(answer.status(), status, "{method}");
    }
}
