//! What a client of a WebSocket says: more and fewer selectors, publishes, another token.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::scene::Scene;
use support::tokens::{rules, token_of, verifier};
use support::websocket::{Came, HANDSHAKE, WebSocket, masked};
use tidings_http::AccessSettings;
use tidings_http::grants::Access;

/// Topic and data of the next event.
async fn heard(socket: &mut WebSocket) -> String {
    let event = socket.json().await;
    format!("{}: {}", event["topic"].as_str().unwrap(), event["data"].as_str().unwrap())
}

/// The problem of an answer, by its name, and the `ref`.
fn problem(answer: &Value) -> (String, Value) {
    let kind = answer["error"]["type"].as_str().unwrap_or_else(|| panic!("{answer} is no error"));
    (kind.trim_start_matches("urn:tidings:problem:").to_owned(), answer["ref"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_selector_that_is_added_begins_at_the_place_of_the_socket() {
    let scene = Scene::start().await;
    let mut socket = WebSocket::opened(&scene, "/events/a").await;
    scene.publish("b/1", &["before"]).await;
    scene.publish("a", &["one"]).await;
    assert_eq!(heard(&mut socket).await, "a: one");

    let answer = socket.ask(&json!({ "subscribe": ["b/*", "c"], "ref": "r1" })).await;

    assert_eq!((&answer["ok"], &answer["ref"]), (&json!(["a", "c", "b/*"]), &json!("r1")));
    scene.publish("b/1", &["two"]).await;
    scene.publish("c", &["three"]).await;
    assert_eq!(heard(&mut socket).await, "b/1: two");
    assert_eq!(heard(&mut socket).await, "c: three");

    let answer = socket.ask(&json!({ "unsubscribe": ["a", "never"], "ref": 2 })).await;
    assert_eq!((&answer["ok"], &answer["ref"]), (&json!(["c", "b/*"]), &json!(2)));
    scene.publish("a", &["unheard"]).await;
    scene.publish("c", &["four"]).await;
    assert_eq!(heard(&mut socket).await, "c: four");
    assert_eq!(scene.hub.roster().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_answered_and_the_socket_goes_on() {
    let scene = Scene::start().await;
    let mut socket = WebSocket::opened(&scene, "/events/a").await;
    let many: Vec<_> = (0..10_000).map(|number| format!("t/{number}")).collect();

    for (word, name) in [
        (json!({ "subscribe": many, "ref": "x" }), "bad-topics"),
        (json!({ "subscribe": ["a//*/**/**/**/**"], "ref": "x" }), "pattern-too-complex"),
        (json!({ "subscribe": ["inbox/a"], "ref": "x" }), "reserved-topic"),
        (json!({ "unsubscribe": ["a"], "ref": "x" }), "bad-topics"),
        (json!({ "publish": { "topic": "tidings/x", "data": "" }, "ref": "x" }), "reserved-topic"),
        (
            json!({ "publish": { "topic": "a", "data": "", "type": "tidings.x" }, "ref": "x" }),
            "reserved-event-type",
        ),
        (json!({ "publish": { "topic": "a", "data": "", "id": "1-1" }, "ref": "x" }), "reserved-id"),
        (json!({ "publish": { "topic": "a", "data": "", "key": "" }, "ref": "x" }), "bad-idempotency-key"),
        (json!({ "token": "x", "ref": "x" }), "invalid-credentials"),
    ] {
        let answer = socket.ask(&word).await;
        assert_eq!(problem(&answer), (name.to_owned(), json!("x")), "{answer}");
    }
    assert_eq!(problem(&socket.ask(&json!([])).await), ("bad-message".to_owned(), Value::Null));
    assert_eq!(problem(&socket.ask(&json!({ "subscribe": 1 })).await).0, "bad-message");
    // What is unknown is not answered.
    socket.say(&json!({ "dance": true, "ref": 1 })).await;
    socket.say(&json!({})).await;
    scene.publish("a", &["1"]).await;
    assert_eq!(heard(&mut socket).await, "a: 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn publishes_are_answered_in_order_when_they_are_in_the_log() {
    let scene = Scene::start().await;
    let mut socket = WebSocket::opened(&scene, "/events/elsewhere").await;
    let words: Vec<_> = (0..500)
        .map(|number| json!({ "publish": { "topic": "a", "data": number.to_string(), "key": format!("k{number}") }, "ref": number }))
        .collect();
    let bytes: Vec<_> = words.iter().map(|word| masked(0x81, word.to_string().as_bytes())).collect();

    socket.wire.send(bytes.concat()).await;

    for number in 0..500 {
        let answer = socket.json().await;
        let id = format!("1-{}", number + 1);
        let published = json!({ "id": id, "key": format!("k{number}") });
        assert_eq!(answer, json!({ "published": published, "ref": number }));
    }
    let again = socket.ask(&words[3]).await;
    assert_eq!(again["published"], json!({ "id": "1-4", "key": "k3", "replayed": true }));
    let log: Vec<_> = (0..500).map(|number| format!("a: {number}")).collect();
    assert_eq!(scene.log().await, log);
}

/// More than the hub takes at once: nothing is read until there is room, and nothing is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_event_is_published_whole_and_one_that_is_too_large_is_refused() {
    let scene = Scene::start().await;
    let mut socket = WebSocket::opened(&scene, "/events/a").await;
    let bytes_max = scene.hub.limits().event_bytes_max;

    socket.say(&json!({ "publish": { "topic": "a", "data": "x".repeat(bytes_max) } })).await;
    let mut answers = [socket.json().await, socket.json().await];
    answers.sort_by_key(|answer| answer.get("published").is_none());
    assert_eq!(answers[0], json!({ "published": { "id": "1-1" } }));
    assert_eq!(answers[1]["data"].as_str().unwrap().len(), bytes_max);

    let answer = socket.ask(&json!({ "publish": { "topic": "a", "data": "x".repeat(bytes_max + 1) } })).await;
    assert_eq!(problem(&answer).0, "too-large");
    assert_eq!(scene.front.bodies_bytes(), 0);
}

/// A hub with tokens, whose clock stands at one hour.
async fn guarded() -> Scene {
    Scene::with(|config| {
        let access = Access { tokens: Some(verifier(rules())), ..Access::default() };
        config.access = Some(AccessSettings { access, ..AccessSettings::default() }.into());
        config.heartbeat = Duration::from_millis(100);
    })
    .await
}

fn token(user: &str, until: u64, grants: &Value) -> String {
    token_of(&json!({ "sub": user, "exp": until, "tidings": grants }))
}

async fn open_with(scene: &Scene, token: &str) -> WebSocket {
    let headers = format!("{HANDSHAKE}authorization: Bearer {token}\r\n");
    let mut socket = WebSocket::over(scene.get("/events/a", &headers).await).await;
    socket.json().await;
    socket
}

/// The next message that is no heartbeat.
async fn answer(socket: &mut WebSocket) -> Value {
    loop {
        let message = socket.json().await;
        if message.get("heartbeat_ms").is_none() {
            return message;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_may_do_what_its_grants_cover_and_nothing_else() {
    let scene = guarded().await;
    let grants = json!({ "subscribe": ["a", "b"], "publish": ["b"] });
    let mut socket = open_with(&scene, &token("u", 3_700, &grants)).await;

    socket.say(&json!({ "subscribe": ["b"], "ref": 1 })).await;
    assert_eq!(answer(&mut socket).await["ok"], json!(["a", "b"]));
    socket.say(&json!({ "subscribe": ["c", "b"], "ref": 2 })).await;
    let refused = answer(&mut socket).await;
    assert_eq!(problem(&refused), ("not-covered".to_owned(), json!(2)));
    assert_eq!(refused["error"]["uncovered"], json!(["c"]));
    socket.say(&json!({ "publish": { "topic": "a", "data": "x" }, "ref": 3 })).await;
    assert_eq!(problem(&answer(&mut socket).await), ("not-covered".to_owned(), json!(3)));
    socket.say(&json!({ "publish": { "topic": "b", "data": "x" }, "ref": 4 })).await;
    let mut both = [answer(&mut socket).await, answer(&mut socket).await];
    both.sort_by_key(|message| message.get("published").is_none());
    assert_eq!(both[0], json!({ "published": { "id": "1-1" }, "ref": 4 }));
    assert_eq!(both[1]["topic"], "b");

    let unknown = scene.get("/events/a", HANDSHAKE).await.answer().await;
    assert!(unknown.starts_with("HTTP/1.1 401 "), "{unknown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_ends_with_its_token_unless_it_shows_another_of_the_same_user() {
    let scene = guarded().await;
    let grants = json!({ "subscribe": ["a"] });
    let mut left = open_with(&scene, &token("u", 3_610, &grants)).await;
    let mut renewed = open_with(&scene, &token("u", 3_610, &grants)).await;

    let later = |user| token(user, 3_700, &grants);
    renewed.say(&json!({ "token": later("somebody-else"), "ref": 1 })).await;
    assert_eq!(problem(&answer(&mut renewed).await).0, "invalid-credentials");
    renewed.say(&json!({ "token": token("u", 3_700, &json!({})), "ref": 2 })).await;
    assert_eq!(problem(&answer(&mut renewed).await).0, "not-covered");
    renewed.say(&json!({ "token": later("u"), "ref": 3 })).await;
    assert_eq!(answer(&mut renewed).await["ok"], json!(["a"]));
    scene.clock.set(3_611_000);

    let error = answer(&mut left).await;
    assert_eq!(problem(&error).0, "invalid-credentials");
    assert!(answer(&mut left).await["retry_ms"].is_number());
    assert_eq!(left.next().await, Came::Close(Some(4_100), "access-ended".to_owned()));
    scene.publish("a", &["1"]).await;
    assert_eq!(answer(&mut renewed).await["data"], "1");
}
