//! A program of one's own that decides who may do what. The two pieces between the marks stand in the guide about embedding.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong here need not be told well")]

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::draft;
use tidings_core::memory::MemoryRetention;
use tidings_core::{Epoch, Hub, Limits, MemoryStore, Topic, UnixMillis};
use tidings_http::core::{Selector, Selectors};
use tidings_http::grants::{Allowed, Grants};
use tidings_http::{Asked, AskedAction, Authorizer, Denied, Front, HttpConfig, Pages};
use tidings_testkit::deadline::within_an_hour;
use tower::ServiceExt;

// In the guide: authorizer
struct MyUsers;

#[async_trait::async_trait]
impl Authorizer for MyUsers {
    async fn authorize(&self, asked: &Asked<'_>) -> Result<Grants, Denied> {
        let user = user_of(&asked.parts.headers).await;
        let user = user.ok_or_else(|| Denied::WhoAreYou("sign in first".to_owned()))?;
        if asked.action == AskedAction::Publish && !user.is_editor {
            return Err(Denied::NotAllowed("only editors publish".to_owned()));
        }
        let own = Selector::parse(&format!("users/{}/**", user.number)).expect("a number is a segment");
        let news = Selector::parse("news/**").expect("it is a pattern");
        Ok(Grants {
            subscribe: Allowed::new([own, news.clone()]),
            publish: Allowed::new([news]),
            user: Some(user.number.to_string().into()),
            until: Some(user.signed_in_until),
            ..Grants::default()
        })
    }
}
// End

// In the guide: handler
async fn order(State(front): State<Front>, Path(number): Path<u64>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let Some(user) = user_of(&parts.headers).await.filter(|user| user.owns(number)) else {
        return StatusCode::FORBIDDEN.into_response();
    };
    let topic = Topic::parse(&format!("orders/{number}")).expect("a number is a segment");
    let grants = Grants { until: Some(user.signed_in_until), ..Grants::default() };
    front.subscribe(&parts, Selectors::from(topic), grants).await.map(axum::body::Body::new)
}
// End

struct MyUser {
    number: u64,
    is_editor: bool,
    signed_in_until: UnixMillis,
}

impl MyUser {
    fn owns(&self, order: u64) -> bool {
        order.is_multiple_of(self.number)
    }
}

async fn user_of(headers: &http::HeaderMap) -> Option<MyUser> {
    let number = headers.get("x-user")?.to_str().ok()?.parse().ok()?;
    Some(MyUser { number, is_editor: number == 1, signed_in_until: UnixMillis(60_000) })
}

async fn app() -> (Hub, axum::Router) {
    let clock = ManualClock::at(0);
    let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
    let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
    let front = Front::new(hub.clone(), HttpConfig::default(), Pages::default(), clock);
    let front = front.with_authorizer(Arc::new(MyUsers));
    let app = axum::Router::new().route("/orders/{number}/live", get(order)).with_state(front.clone());
    (hub, app.nest("/hub", front.router()))
}

async fn asked(app: &axum::Router, request: &str, user: &str) -> Response {
    let (method, target) = request.split_once(' ').unwrap();
    let request = http::Request::builder().method(method).uri(target).header("x-user", user);
    let request = request.body(axum::body::Body::from("x")).unwrap();
    within_an_hour("an answer", app.clone().oneshot(request)).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_program_decides_about_the_hubs_urls() {
    let (_hub, app) = app().await;

    for (request, user, status) in [
        ("GET /hub/events/users/7/a", "7", 200),
        ("GET /hub/events/news/**", "7", 200),
        ("GET /hub/events/users/8/a", "7", 403),
        ("GET /hub/events/users/7/a", "", 401),
        ("POST /hub/events/news/a", "7", 403),
        ("POST /hub/events/news/a", "1", 201),
        ("POST /hub/events/orders/7", "1", 403),
    ] {
        assert_eq!(asked(&app, request, user).await.status(), status, "{request} of {user}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_has_decided_answers_with_a_stream() {
    let (hub, app) = app().await;
    hub.publish(draft("orders/14", "packed")).await.unwrap();
    hub.publish(draft("orders/15", "of another")).await.unwrap();

    let response = asked(&app, "GET /orders/14/live?since=earliest&topic=orders/15&mine=1", "7").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body();
    let mut text = String::new();
    while !text.contains("packed") {
        let frame = within_an_hour("a frame", http_body_util::BodyExt::frame(&mut body)).await;
        text.push_str(std::str::from_utf8(&frame.unwrap().unwrap().into_data().unwrap()).unwrap());
    }
    assert!(!text.contains("of another"), "{text}");
    assert_eq!(asked(&app, "GET /orders/15/live", "7").await.status(), 403);
    assert_eq!(asked(&app, "GET /orders/14/live?since=soon", "7").await.status(), 400);
}

#[test]
fn the_guide_shows_these_two_pieces() {
    let guide =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guides/embedding.md"))
            .unwrap();
    let pieces = include_str!("embedding_access.rs").split("// In the guide: ").skip(1);
    let pieces: Vec<_> =
        pieces.filter_map(|piece| piece.split_once('\n')?.1.split_once("// End\n")).collect();

    assert_eq!(pieces.len(), 2);
    for (piece, _) in pieces {
        assert!(guide.contains(&format!("```rust\n{piece}```\n")), "the guide does not have:\n{piece}");
    }
}
