//! A hub with the configuration of the guide, and what it answers.

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
use tidings_testkit::deadline::within_an_hour;

use super::support::tokens::{rules, token_of, verifier};

/// The time of the clock, in seconds.
pub(crate) const NOW: u64 = 1_767_222_000;
pub(crate) const BACKEND: &str = "k-0123456789abcdef0123456789abcdef";
const SIGNING: &[u8] = b"abcdef0123456789abcdef0123456789";
const APP: &str = "https://app.example";

fn selectors(texts: &[&str]) -> Vec<Selector> {
    texts.iter().map(|text| Selector::parse(text).unwrap()).collect()
}

pub(crate) fn allowed(texts: &[&str]) -> Allowed {
    Allowed::new(selectors(texts))
}

/// As in the configuration of the guide.
pub(crate) fn settings() -> AccessSettings {
    let rules = Rules {
        audience: vec!["tidings".to_owned()],
        leeway_ms: 2_000,
        subscribe: vec![Template::parse("users/{sub}/**").unwrap()],
        ..rules()
    };
    let everything = allowed(&["**"]);
    let backend =
        Grants { publish: everything.clone(), subscribe: everything, admin: true, ..Grants::default() };
    let access = Access {
        anonymous: Grants { subscribe: allowed(&["public/**"]), ..Grants::default() },
        keys: NamedKeys::new([NamedKey::new("backend", KeyHash::of(BACKEND.as_bytes()), backend)]),
        tokens: Some(verifier(rules)),
        signing: Some(SigningKey::new("default", SIGNING)),
    };
    AccessSettings { access, query: true, ..AccessSettings::default() }
}

pub(crate) async fn front_with(change: impl FnOnce(&mut HttpConfig)) -> Front {
    let clock = ManualClock::at(NOW * 1_000);
    let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
    let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
    let mut config = HttpConfig::default();
    config.access = Some(Arc::new(settings()));
    change(&mut config);
    Front::new(hub, config, Pages::default(), clock)
}

pub(crate) async fn front() -> Front {
    front_with(|config| config.cors = Cors::Only(vec![APP.parse().unwrap()])).await
}

/// A token with these claims, those of every good one beside.
pub(crate) fn token(claims: Value) -> String {
    let mut all = json!({"sub": "u1", "aud": "tidings", "exp": NOW + 60});
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    all.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    token_of(&all)
}

pub(crate) fn signature(method: &str, expires: u64, texts: &[&str]) -> String {
    let selectors = selectors(texts);
    SigningKey::new("default", SIGNING).sign(&Signed { method, expires, selectors: &selectors })
}

/// The answer to a request, whose headers are given as lines.
pub(crate) async fn send(front: &Front, request: &str, headers: &str) -> Response<Body> {
    let (method, target) = request.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(target).header("host", "hub.example");
    for line in headers.lines() {
        let (name, value) = line.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    within_an_hour("an answer", front.handle(request.body("x".to_owned()).unwrap())).await
}

/// Its status, and for a refusal its type, its sentence and its challenge.
pub(crate) async fn told(front: &Front, request: &str, headers: &str) -> String {
    let response = send(front, request, headers).await;
    let status = response.status().as_u16();
    if status < 300 {
        return status.to_string();
    }
    let challenge = response.headers().get("www-authenticate");
    let challenge = challenge.map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let body = within_an_hour("a body", response.into_body().collect()).await.unwrap().to_bytes();
    let problem: Value = serde_json::from_slice(&body).unwrap();
    let kind = problem["type"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
    let detail = problem["detail"].as_str().unwrap();
    for secret in [BACKEND, "0123456789abcdef", "eyJ"] {
        assert!(!format!("{detail}{challenge}").contains(secret), "{request}: {detail} {challenge}");
    }
    match challenge.split_once(' ') {
        None => format!("{status} {kind} {challenge}: {detail}"),
        Some((_, fields)) => {
            let error = fields.split('"').nth(1).unwrap();
            format!("{status} {kind} {error}: {detail}")
        }
    }
}
