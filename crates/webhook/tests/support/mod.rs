//! A backend that is asked, and a hub that asks it.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::BodyExt;
use serde_json::Value;
use tidings_core::contract::ManualClock;
use tidings_core::memory::MemoryRetention;
use tidings_core::{Epoch, Hub, Limits, MemoryStore, Selector};
use tidings_http::grants::{Access, Allowed, Grants, KeyHash, NamedKey, NamedKeys};
use tidings_http::{AccessSettings, Body, Cors, Front, HttpConfig, Pages};
use tidings_testkit::deadline::within;
use tidings_webhook::{Webhook, WebhookSettings, WebhookUrl};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

pub(crate) const KEY: &str = "k-0123456789abcdef0123456789abcdef";
pub(crate) const ADMIN_KEY: &str = "a-0123456789abcdef0123456789abcdef";
pub(crate) const APP: &str = "https://app.example";
/// The time of the clock.
const NOW_MS: u64 = 1_767_222_000_000;

/// What the backend does with a question.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// These bytes, and the connection stays.
    Bytes(String),
    /// The same, and the connection ends without notice.
    BytesAndClose(String),
    /// The same, when the gate lets it through.
    Gated(String),
    /// A body that goes on for as long as anybody reads, with a declared length of 1 GB or without one.
    Endless {
        declared: bool,
    },
    /// A head that goes on for as long as anybody reads.
    EndlessHead,
    /// These bytes, one after the other, and nothing behind them.
    Drip(&'static str),
    Hang,
    Close,
    /// The connection ends without an answer, and the next question has this one.
    CloseThen(Box<Reply>),
}

/// An answer with a body.
pub(crate) fn reply(status: &str, content_type: &str, body: &str) -> Reply {
    let length = body.len();
    Reply::Bytes(format!(
        "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n{body}"
    ))
}

pub(crate) fn json(body: &str) -> Reply {
    reply("200 OK", "application/json", body)
}

pub(crate) fn gated(body: &str) -> Reply {
    match json(body) {
        Reply::Bytes(bytes) => Reply::Gated(bytes),
        other => other,
    }
}

pub(crate) struct Backend {
    pub(crate) url: String,
    parts: Arc<BackendParts>,
}

struct BackendParts {
    reply: Mutex<Reply>,
    asked: watch::Sender<Vec<Value>>,
    connections: AtomicUsize,
    /// Connections whose client left while it waited.
    left: watch::Sender<usize>,
    gate: Semaphore,
}

impl Backend {
    pub(crate) async fn start(reply: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/who?secret=s3cret", listener.local_addr().unwrap());
        let parts = Arc::new(BackendParts {
            reply: Mutex::new(reply),
            asked: watch::Sender::default(),
            connections: AtomicUsize::new(0),
            left: watch::Sender::default(),
            gate: Semaphore::new(0),
        });
        let shared = parts.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                shared.connections.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(shared.clone().serve(socket));
            }
        });
        Self { url, parts }
    }

    pub(crate) fn set(&self, reply: Reply) {
        *self.parts.reply.lock().unwrap() = reply;
    }

    pub(crate) fn open_gate(&self, questions: usize) {
        self.parts.gate.add_permits(questions);
    }

    /// What was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<Value> {
        self.parts.asked.send_replace(Vec::new())
    }

    pub(crate) async fn wait_for_questions(&self, count: usize) {
        let mut asked = self.parts.asked.subscribe();
        within(format!("{count} questions"), asked.wait_for(|asked| asked.len() >= count)).await.unwrap();
    }

    pub(crate) async fn wait_for_left(&self, count: usize) {
        let mut left = self.parts.left.subscribe();
        within(format!("{count} clients to leave"), left.wait_for(|left| *left >= count)).await.unwrap();
    }

    pub(crate) fn connections(&self) -> usize {
        self.parts.connections.load(Ordering::Relaxed)
    }
}

impl BackendParts {
    async fn serve(self: Arc<Self>, mut socket: TcpStream) {
        while let Some(question) = tidings_testkit::request::Request::read(&mut socket).await {
            assert_eq!((question.method.as_str(), question.path.as_str()), ("POST", "/who?secret=s3cret"));
            assert_eq!(question.header("content-type"), Some("application/json"));
            let question = serde_json::from_slice(&question.body).unwrap();
            self.asked.send_modify(|asked| asked.push(question));
            let reply = self.reply.lock().unwrap().clone();
            match reply {
                Reply::Bytes(bytes) => socket.write_all(bytes.as_bytes()).await.unwrap(),
                Reply::BytesAndClose(bytes) => return socket.write_all(bytes.as_bytes()).await.unwrap(),
                Reply::Gated(bytes) => {
                    tokio::select! {
                        permit = self.gate.acquire() => permit.unwrap().forget(),
                        _ = socket.read_u8() => return self.left.send_modify(|left| *left += 1),
                    }
                    socket.write_all(bytes.as_bytes()).await.unwrap();
                }
                Reply::Endless { declared } => {
                    let framing = if declared { "content-length: 1000000000\r\n" } else { "" };
                    let head = format!("HTTP/1.1 200 OK\r\n{framing}\r\n");
                    socket.write_all(head.as_bytes()).await.unwrap();
                    while socket.write_all(&[b' '; 16_384]).await.is_ok() {}
                    return self.left.send_modify(|left| *left += 1);
                }
                Reply::EndlessHead => {
                    socket.write_all(b"HTTP/1.1 200 OK\r\n").await.unwrap();
                    while socket.write_all(&b"x-more: and more\r\n".repeat(512)).await.is_ok() {}
                    return self.left.send_modify(|left| *left += 1);
                }
                Reply::Drip(bytes) => {
                    socket.set_nodelay(true).unwrap();
                    for byte in bytes.bytes() {
                        let _ = socket.write_all(&[byte]).await;
                        tokio::task::yield_now().await;
                    }
                    let _ = socket.read_u8().await;
                    return self.left.send_modify(|left| *left += 1);
                }
                Reply::Hang => {
                    // Nothing comes but the end.
                    let _ = socket.read_u8().await;
                    return self.left.send_modify(|left| *left += 1);
                }
                Reply::Close => return,
                Reply::CloseThen(next) => {
                    *self.reply.lock().unwrap() = *next;
                    return;
                }
            }
        }
    }
}

pub(crate) struct Scene {
    pub(crate) backend: Backend,
    pub(crate) front: Front,
    pub(crate) clock: Arc<ManualClock>,
}

/// A hub where everybody may read `public/**`, with one key, that asks a backend about all else.
pub(crate) async fn scene(reply: Reply) -> Scene {
    scene_with(reply, |_| {}).await
}

pub(crate) async fn scene_with(reply: Reply, change: impl FnOnce(&mut WebhookSettings)) -> Scene {
    let backend = Backend::start(reply).await;
    let mut settings = WebhookSettings::new(WebhookUrl::parse(&backend.url).unwrap());
    settings.timeout = Duration::from_secs(60);
    change(&mut settings);
    let clock = ManualClock::at(NOW_MS);
    let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
    let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
    let allowed = |text: &str| Allowed::new([Selector::parse(text).unwrap()]);
    let of_key = Grants { subscribe: allowed("orders/*"), ..Grants::default() };
    let access = Access {
        anonymous: Grants { subscribe: allowed("public/**"), ..Grants::default() },
        keys: NamedKeys::new([
            NamedKey::new("backend", KeyHash::of(KEY.as_bytes()), of_key),
            NamedKey::new(
                "ops",
                KeyHash::of(ADMIN_KEY.as_bytes()),
                Grants { admin: true, ..Grants::default() },
            ),
        ]),
        ..Access::default()
    };
    let mut config = HttpConfig::default();
    config.access = Some(Arc::new(AccessSettings { access, ..AccessSettings::default() }));
    config.cors = Cors::Only(vec![APP.parse().unwrap()]);
    let webhook = Webhook::new(settings, clock.clone()).unwrap();
    let front = Front::new(hub, config, Pages::default(), clock.clone());
    let front = front.with_authorizer(Arc::new(webhook)).for_peer(IpAddr::from([192, 0, 2, 7]));
    Scene { backend, front, clock }
}

/// The answer to a request, whose headers are given as lines.
pub(crate) async fn send(front: &Front, request: &str, headers: &str) -> Response<Body> {
    let (method, target) = request.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(target).header("host", "hub.example");
    for line in headers.lines() {
        let (name, value) = line.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    within("an answer", front.handle(request.body("x".to_owned()).unwrap())).await
}

/// Its status, and for a refusal its type and its sentence.
pub(crate) async fn told(front: &Front, request: &str, headers: &str) -> String {
    let response = send(front, request, headers).await;
    let status = response.status().as_u16();
    if status < 300 {
        return status.to_string();
    }
    let body = within("a body", response.into_body().collect()).await.unwrap().to_bytes();
    let problem: Value = serde_json::from_slice(&body).unwrap();
    let kind = problem["type"].as_str().unwrap().rsplit(':').next().unwrap();
    format!("{status} {kind}: {}", problem["detail"].as_str().unwrap())
}

/// The same of a stream. One that is told when to come back "comes back".
pub(crate) async fn stream(front: &Front, request: &str, headers: &str) -> String {
    let headers = format!("{headers}\naccept: text/event-stream");
    let told = told(front, request, headers.trim_start()).await;
    if told != "200" {
        return told;
    }
    let mut body = send(front, request, headers.trim_start()).await.into_body();
    let opening = within("an opening", body.frame()).await.unwrap().unwrap().into_data().unwrap();
    if !opening.starts_with(b"retry: ") {
        return told;
    }
    assert!(within("the end", body.frame()).await.is_none(), "{opening:?} is all of it");
    "200, and comes back".to_owned()
}
