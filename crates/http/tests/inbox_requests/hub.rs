//! A hub with inboxes, tokens and keys, and what it answers.

use std::sync::Arc;

use http::{Request, Response};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tidings_core::contract::ManualClock;
use tidings_core::memory::MemoryRetention;
use tidings_core::{Epoch, Hub, Limits, MemoryStore, Selector};
use tidings_http::grants::jwt::Rules;
use tidings_http::grants::signed_url::{Signed, SigningKey};
use tidings_http::grants::{Access, Allowed, Grants, KeyHash, NamedKey, NamedKeys, Template};
use tidings_http::{AccessSettings, Body, Cors, Front, HttpConfig, Pages};
use tidings_inbox::{Inbox, InboxSettings};
use tidings_testkit::deadline::within;

use super::support::tokens::{rules, token_of, verifier};

/// The time of the clock, in seconds.
pub(crate) const NOW: u64 = 1_767_222_000;
/// A key that may notify anybody, and read nothing.
pub(crate) const BACKEND: &str = "k-0123456789abcdef0123456789abcdef";
const SIGNING: &[u8] = b"abcdef0123456789abcdef0123456789";
/// Pages of this origin are allowed.
pub(crate) const APP: &str = "https://app.example";

/// A hub, and what is sent to it.
pub(crate) struct Scene {
    pub(crate) front: Front,
    pub(crate) inbox: Inbox,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: http::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// Its status, and for a refusal its type.
    pub(crate) fn told(&self) -> String {
        if self.status < 300 {
            return self.status.to_string();
        }
        let problem = self.json();
        format!("{} {}", self.status, problem["type"].as_str().unwrap().rsplit(':').next().unwrap())
    }

    pub(crate) fn detail(&self) -> String {
        self.json()["detail"].as_str().unwrap().to_owned()
    }
}

fn selectors(texts: &[&str]) -> Vec<Selector> {
    texts.iter().map(|text| Selector::parse(text).unwrap()).collect()
}

pub(crate) fn allowed(texts: &[&str]) -> Allowed {
    Allowed::new(selectors(texts))
}

/// As in the guide: each user has an own inbox, and one key notifies.
pub(crate) fn access() -> AccessSettings {
    let rules = Rules {
        subscribe: vec![Template::parse("inbox/{sub}").unwrap(), Template::parse("orders/**").unwrap()],
        ..rules()
    };
    let backend = Grants { publish: allowed(&["inbox/**"]), ..Grants::default() };
    let access = Access {
        keys: NamedKeys::new([NamedKey::new("backend", KeyHash::of(BACKEND.as_bytes()), backend)]),
        tokens: Some(verifier(rules)),
        signing: Some(SigningKey::new("default", SIGNING)),
        ..Access::default()
    };
    AccessSettings { access, query: true, ..AccessSettings::default() }
}

/// A hub whose users have tokens.
pub(crate) async fn guarded() -> Scene {
    scene(|config| {
        config.access = Some(Arc::new(access()));
        config.cors = Cors::Only(vec![APP.parse().unwrap()]);
    })
    .await
}

/// A hub that asks for nothing.
pub(crate) async fn open() -> Scene {
    scene(|_| {}).await
}

pub(crate) async fn scene(change: impl FnOnce(&mut HttpConfig)) -> Scene {
    scene_with(change, InboxSettings::default()).await
}

pub(crate) async fn scene_with(change: impl FnOnce(&mut HttpConfig), settings: InboxSettings) -> Scene {
    let clock = ManualClock::at(NOW * 1_000);
    let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
    let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
    let inbox = Inbox::start(hub.clone(), settings, clock.clone()).await.unwrap();
    within("the inbox", inbox.ready()).await;
    let mut config = HttpConfig::default();
    change(&mut config);
    let front = Front::new(hub, config, Pages::default(), clock).with_inbox(inbox.clone());
    Scene { front, inbox }
}

/// A token of a user.
pub(crate) fn token(user: &str) -> String {
    token_with(user, json!({}))
}

/// The same with more claims.
pub(crate) fn token_with(user: &str, claims: Value) -> String {
    let mut all = json!({"sub": user, "exp": NOW + 60});
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    token_of(&all)
}

/// The line that shows it.
pub(crate) fn bearer(text: &str) -> String {
    format!("authorization: Bearer {text}")
}

/// The parameters of a URL that is signed for an hour.
pub(crate) fn signed(method: &str, texts: &[&str]) -> String {
    let expires = NOW + 3_600;
    let selectors = selectors(texts);
    let signature =
        SigningKey::new("default", SIGNING).sign(&Signed { method, expires, selectors: &selectors });
    format!("expires={expires}&key=default&signature={signature}")
}

impl Scene {
    /// Sends a request, whose headers are given as lines.
    pub(crate) async fn send(&self, request: &str, headers: &str, body: &str) -> Answer {
        let (parts, body) = self.ask(request, headers, body).await.into_parts();
        let bytes = within("a body", body.collect()).await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Answer { status: parts.status.as_u16(), head: parts.headers, text }
    }

    /// The same without reading the answer's body.
    pub(crate) async fn ask(&self, request: &str, headers: &str, body: &str) -> Response<Body> {
        let (method, target) = request.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(target).header("host", "hub.example");
        if !body.is_empty() && !headers.contains("content-type") {
            request = request.header("content-type", "application/json");
        }
        for line in headers.lines().filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(": ").unwrap();
            request = request.header(name, value);
        }
        within("an answer", self.front.handle(request.body(body.to_owned()).unwrap())).await
    }

    /// Status, and type of a refusal.
    pub(crate) async fn told(&self, request: &str, headers: &str, body: &str) -> String {
        self.send(request, headers, body).await.told()
    }

    /// What an answer says, which must be this good.
    pub(crate) async fn json(&self, request: &str, headers: &str, body: &str) -> Value {
        let headers = format!("accept: application/json\n{headers}");
        let answer = self.send(request, &headers, body).await;
        assert!(answer.status < 300, "{request}: {answer:?}");
        answer.json()
    }

    /// Notifies, and returns the id.
    pub(crate) async fn notify(&self, user: &str, body: &str) -> String {
        let answer = self.json(&format!("POST /inbox/{user}"), &bearer(BACKEND), body).await;
        answer["id"].as_str().unwrap().to_owned()
    }

    /// The titles of a user's inbox, of a hub that asks for tokens.
    pub(crate) async fn titles(&self, user: &str, query: &str) -> Vec<String> {
        let list = self.json(&format!("GET /inbox/{user}?{query}"), &bearer(&token(user)), "").await;
        titles(&list)
    }

    /// The count.
    pub(crate) async fn count(&self, user: &str) -> u64 {
        let count = self.json(&format!("GET /inbox/{user}/count"), &bearer(&token(user)), "").await;
        count["count"].as_u64().unwrap()
    }
}

/// The titles of a page.
pub(crate) fn titles(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap();
    items.iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect()
}
