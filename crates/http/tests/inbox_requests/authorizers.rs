//! What a program that decides about requests is asked about inboxes.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::json;
use tidings_http::grants::Grants;
use tidings_http::{Asked, AskedAction, Authorizer, Denied};

use super::hub::{Scene, allowed, open, signed};

/// Lets everything in that concerns `alice`, and remembers what it was asked.
#[derive(Default)]
struct Alice(Mutex<Vec<(AskedAction, Vec<String>)>>);

#[async_trait]
impl Authorizer for Alice {
    async fn authorize(&self, asked: &Asked<'_>) -> Result<Grants, Denied> {
        let selectors = asked.selectors.iter().map(|selector| selector.as_str().to_owned()).collect();
        self.0.lock().unwrap().push((asked.action, selectors));
        let publish = if asked.parts.headers.contains_key("x-backend") {
            allowed(&["inbox/**"])
        } else {
            allowed(&["inbox/alice"])
        };
        Ok(Grants { publish, subscribe: allowed(&["inbox/alice", "orders/*"]), ..Grants::default() })
    }
}

async fn asked() -> (Scene, Arc<Alice>) {
    let Scene { front, inbox } = open().await;
    let alice = Arc::<Alice>::default();
    (Scene { front: front.with_authorizer(alice.clone()), inbox }, alice)
}

#[tokio::test]
async fn it_is_asked_about_the_inbox_of_the_user_and_what_is_to_be_done_with_it() {
    use AskedAction::{History, Publish, Subscribe};
    let (scene, alice) = asked().await;
    for (request, body, action, selectors) in [
        ("GET /inbox/alice", "", History, &["inbox/alice"][..]),
        ("GET /inbox/alice/count", "", History, &["inbox/alice"]),
        ("GET /inbox/alice/follows", "", History, &["inbox/alice"]),
        ("POST /inbox/alice/read", r#"{"all":true}"#, Subscribe, &["inbox/alice"]),
        ("DELETE /inbox/alice/1-1", "", Subscribe, &["inbox/alice"]),
        ("PUT /inbox/alice/mute/sale", "", Subscribe, &["inbox/alice"]),
        ("PUT /inbox/alice/follows/orders/*", "", Subscribe, &["inbox/alice", "orders/*"]),
        ("DELETE /inbox/alice/follows/orders/*", "", Subscribe, &["inbox/alice"]),
        ("DELETE /inbox/alice", "", Subscribe, &["inbox/alice"]),
        ("POST /inbox/alice", r#"{"title":"t"}"#, Publish, &["inbox/alice"]),
    ] {
        let told = scene.told(request, "accept: application/json", body).await;
        assert!(told.starts_with("20"), "{request}: {told}");
        let selectors: Vec<_> = selectors.iter().map(|text| (*text).to_owned()).collect();
        assert_eq!(alice.0.lock().unwrap().pop(), Some((action, selectors)), "{request}");
        let other = request.replace("alice", "bob");
        assert_eq!(
            scene.told(&other, "accept: application/json", body).await,
            "401 credentials-required",
            "{other}"
        );
    }
}

#[tokio::test]
async fn a_call_to_thousands_is_one_short_question() {
    let (scene, alice) = asked().await;
    let call = |count: usize| {
        let users: Vec<_> = (0..count).map(|number| format!("u{number}")).collect();
        json!({"users": users, "notification": {"title": "t"}}).to_string()
    };

    assert_eq!(scene.told("POST /inbox", "x-backend: 1", &call(100)).await, "201");
    assert_eq!(alice.0.lock().unwrap().pop().unwrap().1.len(), 100);
    assert_eq!(scene.told("POST /inbox", "x-backend: 1", &call(10_000)).await, "201");
    assert_eq!(alice.0.lock().unwrap().pop().unwrap().1, ["inbox/**"]);
    // What it answers must still cover each of them.
    let refused = scene.send("POST /inbox", "", &call(10_000)).await;
    assert_eq!(refused.told(), "401 credentials-required");
    assert!(refused.text.len() < 20_000, "{}", refused.text.len());
    assert_eq!(scene.told("POST /inbox?topic=a", "x-backend: 1", r#"{"title":"t"}"#).await, "201");
    assert_eq!(alice.0.lock().unwrap().pop().unwrap().1, ["inbox/**"]);
}

/// It has no place for a signature, and no settings that would read one.
#[tokio::test]
async fn without_settings_a_signature_is_an_unknown_parameter() {
    let (scene, _) = asked().await;
    let told = scene
        .told(
            &format!("GET /inbox/alice?{}", signed("GET", &["inbox/alice"])),
            "accept: application/json",
            "",
        )
        .await;
    assert_eq!(told, "400 unknown-parameter");
}
