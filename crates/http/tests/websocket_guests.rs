//! WebSockets of a hub in another program's server, and of a program that decides who may do what.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use support::tokens::{rules, token_of, verifier};
use support::websocket::{Came, HANDSHAKE, WebSocket};
use tidings_core::contract::ManualClock;
use tidings_core::memory::MemoryRetention;
use tidings_core::{Epoch, Hub, Limits, MemoryStore, Selector};
use tidings_http::grants::{Access, Allowed, Grants};
use tidings_http::{AccessSettings, Asked, AskedAction, Authorizer, Denied, Front, HttpConfig, Pages};
use tidings_testkit::wire::Wire;
use tokio::net::TcpListener;
use tower::ServiceExt;

async fn front_with(change: impl FnOnce(&mut HttpConfig)) -> Front {
    let clock = ManualClock::at(3_600_000);
    let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
    let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
    let mut config = HttpConfig::default();
    change(&mut config);
    Front::new(hub, config, Pages::default(), clock)
}

/// A server of axum with the hub at `/hub`.
async fn serve_axum(front: &Front) -> SocketAddr {
    let app = axum::Router::new().nest("/hub", front.router());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// A server of hyper, with upgrades or without.
async fn serve_hyper(front: &Front, with_upgrades: bool) -> SocketAddr {
    let (front, listener) = (front.clone(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let front = front.clone();
            let service = service_fn(move |mut request: Request<hyper::body::Incoming>| {
                let front = front.clone();
                async move {
                    if !with_upgrades {
                        request.extensions_mut().remove::<hyper::upgrade::OnUpgrade>();
                    }
                    Ok::<_, std::convert::Infallible>(front.handle(request).await)
                }
            });
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection.with_upgrades());
        }
    });
    address
}

async fn ask(address: SocketAddr, target: &str, headers: &str) -> Wire {
    let mut wire = Wire::open(address).await;
    wire.send(format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n{HANDSHAKE}{headers}\r\n")).await;
    wire
}

async fn opened(address: SocketAddr, target: &str, headers: &str) -> WebSocket {
    let mut socket = WebSocket::over(ask(address, target, headers).await).await;
    assert!(socket.json().await["connection"].is_string());
    socket
}

/// Status and problem of a handshake that is refused.
async fn refused(address: SocketAddr, target: &str, headers: &str) -> String {
    let answer = ask(address, target, headers).await.answer().await;
    let kind = answer.split("urn:tidings:problem:").nth(1).unwrap_or_default().split('"').next().unwrap();
    format!("{} {kind}", answer.split(' ').nth(1).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn in_another_server_a_socket_reads_publishes_and_ends_with_the_drain() {
    let front = front_with(|_| ()).await;
    for (address, target) in
        [(serve_axum(&front).await, "/hub/events/a"), (serve_hyper(&front, true).await, "/events/a")]
    {
        let mut socket = opened(address, target, "").await;
        let answer = socket.ask(&json!({ "subscribe": ["b"], "ref": 1 })).await;
        assert_eq!((&answer["ok"], &answer["ref"]), (&json!(["a", "b"]), &json!(1)));
        socket.say(&json!({ "publish": { "topic": "b", "data": "x" } })).await;
        let mut came = [socket.json().await, socket.json().await];
        came.sort_by_key(|word| word.get("published").is_none());
        assert_eq!(came[0]["published"]["id"], came[1]["id"]);
    }
    assert_eq!(refused(serve_hyper(&front, false).await, "/events/a", "").await, "501 no-upgrade");
    let mut last = opened(serve_axum(&front).await, "/hub/events/a", "").await;

    front.begin_drain();

    assert!(last.json().await["retry_ms"].is_number());
    assert_eq!(last.next().await, Came::Close(Some(4_000), "drain".to_owned()));
}

/// Where a request is handled without a server, nothing can be handed over.
#[tokio::test]
async fn a_router_without_a_connection_says_so() {
    let front = front_with(|_| ()).await;
    let mut request = Request::get("/events/a").header("host", "localhost");
    for line in HANDSHAKE.lines() {
        let (name, value) = line.split_once(": ").unwrap();
        request = request.header(name, value);
    }

    let answer: Response<_> =
        front.router().oneshot(request.body(axum::body::Body::empty()).unwrap()).await.unwrap();

    assert_eq!(answer.status(), 501);
}

/// Lets everybody read below the name in `x-user`, publish to `open`, and counts what it is asked.
#[derive(Default)]
struct ByHeader {
    asked: AtomicUsize,
    barred: Mutex<bool>,
}

fn allowed(texts: &[&str]) -> Allowed {
    Allowed::new(texts.iter().map(|text| Selector::parse(text).unwrap()))
}

#[async_trait]
impl Authorizer for ByHeader {
    async fn authorize(&self, asked: &Asked<'_>) -> Result<Grants, Denied> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let user = asked.parts.headers.get("x-user").and_then(|user| user.to_str().ok());
        let user = user.ok_or_else(|| Denied::WhoAreYou("send X-User".to_owned()))?;
        if *self.barred.lock().unwrap() {
            return Err(Denied::NotAllowed(format!("{user} is barred")));
        }
        let subscribe = allowed(&[&format!("users/{user}/**")]);
        let publish = allowed(if asked.action == AskedAction::Publish { &["open"] } else { &[] });
        Ok(Grants { subscribe, publish, user: Some(user.into()), ..Grants::default() })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_asked_for_the_socket_and_for_each_selector_and_publish() {
    let program = Arc::new(ByHeader::default());
    let front = front_with(|_| ()).await.with_authorizer(program.clone());
    let address = serve_axum(&front).await;
    let problem = |answer: &Value| {
        answer["error"]["type"]
            .as_str()
            .unwrap_or_default()
            .trim_start_matches("urn:tidings:problem:")
            .to_owned()
    };
    assert_eq!(refused(address, "/hub/events/users/u/a", "").await, "401 invalid-credentials");
    assert_eq!(refused(address, "/hub/events/users/v/a", "x-user: u\r\n").await, "403 not-covered");
    let mut socket = opened(address, "/hub/events/users/u/a", "x-user: u\r\n").await;
    let before = program.asked.load(Ordering::SeqCst);

    let answer = socket.ask(&json!({ "subscribe": ["users/u/b"] })).await;
    assert_eq!(answer["ok"], json!(["users/u/a", "users/u/b"]));
    assert_eq!(problem(&socket.ask(&json!({ "subscribe": ["users/v/b"] })).await), "not-covered");
    assert!(socket.ask(&json!({ "publish": { "topic": "open" } })).await["published"]["id"].is_string());
    assert_eq!(problem(&socket.ask(&json!({ "publish": { "topic": "other" } })).await), "not-covered");
    assert_eq!(program.asked.load(Ordering::SeqCst), before + 4);
    *program.barred.lock().unwrap() = true;
    assert_eq!(problem(&socket.ask(&json!({ "publish": { "topic": "open" } })).await), "not-covered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_opens_one_socket() {
    let front = front_with(|config| {
        let access = Access { tokens: Some(verifier(rules())), ..Access::default() };
        config.access = Some(AccessSettings { access, ..AccessSettings::default() }.into());
    })
    .await;
    let address = serve_axum(&front).await;
    let token = token_of(&json!({ "sub": "u", "exp": 3_700, "tidings": { "subscribe": ["a"] } }));
    let request = Request::post("/tickets").header("host", "localhost");
    let request = request.header("authorization", format!("Bearer {token}")).body(String::new()).unwrap();
    let body = front.handle(request).await.into_body().collect().await.unwrap().to_bytes();
    let answer: Value = serde_json::from_slice(&body).unwrap();
    let ticket = answer["ticket"].as_str().unwrap();

    // One that is refused for its form does not use the ticket up.
    let target = format!("/hub/events/a?ticket={ticket}");
    let mut wire = Wire::open(address).await;
    let bad = HANDSHAKE.replace("13", "8");
    wire.send(format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n{bad}\r\n")).await;
    assert!(wire.answer().await.starts_with("HTTP/1.1 426 "));
    let mut socket = opened(address, &target, "").await;
    assert_eq!(refused(address, &target, "").await, "401 invalid-credentials");

    // What the ticket gave goes on to count.
    assert!(socket.ask(&json!({ "subscribe": ["a"] })).await["ok"].is_array());
    let answer = socket.ask(&json!({ "subscribe": ["b"] })).await;
    assert_eq!(answer["error"]["type"], "urn:tidings:problem:not-covered");
}
