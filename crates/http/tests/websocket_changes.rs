//! WebSockets that change what they read: the connection has the name of its opening until its end.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use support::scene::Scene;
use support::tokens::{rules, token_of, verifier};
use support::websocket::WebSocket;
use tidings_core::contract::fixture::selectors;
use tidings_core::{ConnectionId, Dismissal, Subscriber, Whom};
use tidings_http::AccessSettings;
use tidings_http::grants::Access;
use tidings_testkit::deadline::within;
use tokio::time::sleep;

/// A socket on `a`, and its id as the opening tells it.
async fn opened(scene: &Scene) -> (WebSocket, String) {
    let mut socket = WebSocket::open(scene, "/events/a", "").await;
    let first = socket.json().await;
    (socket, first["connection"].as_str().unwrap().to_owned())
}

/// The only subscriber, which may be on its way.
async fn only(scene: &Scene) -> Subscriber {
    within("a list with one", async {
        loop {
            if let [one] = &scene.hub.roster().list(None, 10).await.subscribers[..] {
                return one.clone();
            }
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await
}

async fn post(scene: &Scene, target: &str, body: &str) -> String {
    let mut wire = scene.connect().await;
    let length = body.len();
    wire.send(format!(
        "POST {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    ))
    .await;
    wire.answer().await
}

/// The next message that is no heartbeat.
async fn next(socket: &mut WebSocket) -> Value {
    loop {
        let word = socket.json().await;
        if word.get("heartbeat_ms").is_none() {
            return word;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_answer_names_the_connection_of_the_opening_and_so_does_the_list() {
    let scene = Scene::start().await;
    let (mut socket, id) = opened(&scene).await;
    let named: ConnectionId = id.parse().unwrap();
    let before = only(&scene).await;
    assert_eq!(before.id, named);

    for (word, now) in [
        (json!({ "subscribe": ["b", "c/*"] }), &["a", "b", "c/*"][..]),
        (json!({ "unsubscribe": ["a"] }), &["b", "c/*"]),
        (json!({ "subscribe": ["b"] }), &["b", "c/*"]),
    ] {
        let answer = socket.ask(&word).await;
        assert_eq!((answer["connection"].as_str(), &answer["ok"]), (Some(&*id), &json!(now)));
        let listed = only(&scene).await;
        assert_eq!((listed.id, &listed.selectors), (named, &selectors(now)));
        assert!(listed.age >= before.age, "it has not begun anew");
        assert_eq!((scene.hub.roster().count(), scene.hub.roster().selectors()), (1, now.len()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_that_names_the_opening_sends_it_no_echo_after_a_change() {
    let scene = Scene::start().await;
    let (mut socket, id) = opened(&scene).await;
    let mut other = WebSocket::opened(&scene, "/events/b").await;
    // In a lane, and with the task that the first word calls for.
    for _ in 0..2 {
        socket.ask(&json!({ "subscribe": ["b"] })).await;
        socket.ask(&json!({ "unsubscribe": ["a"] })).await;

        post(&scene, &format!("/events/b?except={id}"), "mine").await;
        post(&scene, "/events/b", "another's").await;

        assert_eq!(next(&mut other).await["data"], "mine");
        assert_eq!(next(&mut other).await["data"], "another's");
        let mut word = next(&mut socket).await;
        while word.get("data").is_none() {
            word = next(&mut socket).await;
        }
        assert_eq!(word["data"], "another's");
        sleep(Duration::from_millis(1_300)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_ends_by_the_name_of_the_opening_a_socket_that_has_changed() {
    let scene = Scene::start().await;
    for waits in [Duration::ZERO, Duration::from_millis(1_300)] {
        let (mut socket, id) = opened(&scene).await;
        socket.ask(&json!({ "subscribe": ["b"] })).await;
        sleep(waits).await;

        let whom = Whom::Connection(id.parse().unwrap());
        let ended = within("the end", scene.hub.roster().dismiss(&whom, Dismissal::ByOperator)).await;

        assert_eq!(ended, 1);
        assert_eq!(socket.close_code().await, Some(4_004));
        drop(socket);
        within("an empty roster", async {
            while scene.hub.roster().count() > 0 {
                sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
}

/// Whatever comes first, the end or a change.
#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_comes_among_changes_is_not_lost() {
    let scene = Scene::start().await;
    for round in 0..20 {
        let (mut socket, id) = opened(&scene).await;
        let whom = Whom::Connection(id.parse().unwrap());
        for word in [json!({ "subscribe": ["b"] }), json!({ "unsubscribe": ["b"] })].iter().cycle().take(20) {
            socket.say(word).await;
        }
        for _ in 0..round {
            tokio::task::yield_now().await;
        }

        let ended = within("the end", scene.hub.roster().dismiss(&whom, Dismissal::ByOperator)).await;

        // It may be told twice to one that is between a lane and its task.
        assert!(ended >= 1, "round {round}");
        assert_eq!(socket.close_code().await, Some(4_004), "round {round}");
    }
}

fn access() -> Arc<AccessSettings> {
    let access = Access { tokens: Some(verifier(rules())), ..Access::default() };
    Arc::new(AccessSettings { access, ..AccessSettings::default() })
}

/// What is told of presence, until an answer with this `ref` has come.
async fn presence_until(socket: &mut WebSocket, reference: u64) -> Vec<Value> {
    let mut told = Vec::new();
    loop {
        let word = next(socket).await;
        if word["ref"] == reference {
            assert!(word["ok"].is_array(), "{word}");
            return told;
        }
        if word["type"] == "tidings.presence" {
            told.push(word["data"].clone());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_goes_on_to_watch_the_same_is_not_told_again_who_is_there() {
    let scene = Scene::with(|config| config.access = Some(access())).await;
    let token = token_of(&json!({ "sub": "ada", "tidings": { "subscribe": ["**", "tidings/presence/**"] } }));
    let target = "/events?topic=a&topic=tidings/presence/a";
    let mut socket = WebSocket::open(&scene, target, &format!("authorization: Bearer {token}\r\n")).await;
    let mut word = next(&mut socket).await;
    while word["type"] != "tidings.presence" {
        word = next(&mut socket).await;
    }
    assert!(word["data"].to_string().contains("ada"), "{word}");

    let same = [json!({ "subscribe": ["b"] }), json!({ "unsubscribe": ["b"] }), json!({ "token": token })];
    for (reference, word) in (0..).zip(&same) {
        let mut word = word.clone();
        word["ref"] = json!(reference);
        socket.say(&word).await;
        assert_eq!(presence_until(&mut socket, reference).await, [Value::Null; 0]);
    }
    socket.say(&json!({ "subscribe": ["tidings/presence/b"], "ref": 7 })).await;
    presence_until(&mut socket, 7).await;
    let told = [next(&mut socket).await, next(&mut socket).await];
    let topic = |word: &Value| word["data"].as_str().unwrap()[..12].to_owned();
    let mut topics = told.each_ref().map(topic);
    topics.sort();
    assert_eq!(topics, [r#"{"topic":"a""#, r#"{"topic":"b""#]);
}
