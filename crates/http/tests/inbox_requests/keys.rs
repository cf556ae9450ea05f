//! Idempotency keys: a call that is made again is the same call.

use serde_json::json;

use super::hub::{Answer, BACKEND, Scene, bearer, guarded, open, token_with};

async fn keyed(scene: &Scene, target: &str, key: &str, body: &str) -> Answer {
    scene.send(&format!("POST {target}"), &format!("{}\nidempotency-key: {key}", bearer(BACKEND)), body).await
}

fn is_replayed(answer: &Answer) -> bool {
    answer.head.get("idempotency-replayed").is_some_and(|value| value == "true")
}

#[tokio::test]
async fn a_repeated_call_has_the_same_answer_and_adds_nothing() {
    let scene = guarded().await;
    for user in ["alice", "bob"] {
        let follow = format!("PUT /inbox/{user}/follows/orders/*");
        assert_eq!(scene.told(&follow, &bearer(BACKEND), "").await, "204");
    }
    let head = || scene.front.hub().bounds().head.sequence.0;
    for (target, key, body, again, expected, repeated) in [
        (
            "/inbox/alice",
            "k-1",
            r#"{"title":"x","expires":"10m"}"#,
            r#" {"expires":"10m", "title":"x"} "#,
            json!({"id": "1-3", "repeated": false}),
            json!({"id": "1-3", "repeated": true}),
        ),
        (
            "/inbox",
            "k-2",
            r#"{"users":["alice","bob","carol"],"notification":{"title":"y"}}"#,
            r#"{"notification":{"title":"y"},"users":["carol","bob","alice","bob"]}"#,
            json!({"notified": 3}),
            json!({"notified": 3}),
        ),
        (
            "/inbox?topic=orders/42",
            "k-3",
            r#"{"title":"z"}"#,
            r#"{"notification":{"title":"z"}}"#,
            json!({"notified": 2}),
            json!({"notified": 2}),
        ),
    ] {
        let first = keyed(&scene, target, key, body).await;
        assert_eq!((first.status, first.json(), is_replayed(&first)), (201, expected, false), "{target}");
        let before = head();
        for body in [body, again] {
            let answer = keyed(&scene, target, key, body).await;
            assert_eq!(
                (answer.status, answer.json(), is_replayed(&answer)),
                (201, repeated.clone(), true),
                "{target}"
            );
        }
        assert_eq!(head(), before, "{target}");
    }
    assert_eq!((scene.count("alice").await, scene.count("bob").await, scene.count("carol").await), (3, 2, 1));
}

#[tokio::test]
async fn a_key_is_for_one_call() {
    let scene = guarded().await;
    assert_eq!(keyed(&scene, "/inbox/alice", "k-1", r#"{"title":"x","expires":"10m"}"#).await.told(), "201");

    for (target, body) in [
        ("/inbox/alice", r#"{"title":"other","expires":"10m"}"#),
        ("/inbox/alice", r#"{"title":"x","expires":"20m"}"#),
        ("/inbox/alice", r#"{"title":"x"}"#),
        ("/inbox/alice", r#"{"title":"x","body":"x","expires":"10m"}"#),
        ("/inbox/alice", r#"{"title":"x","expires":"10m","data":1}"#),
        ("/inbox/bob", r#"{"title":"x","expires":"10m"}"#),
        ("/inbox", r#"{"users":["alice"],"notification":{"title":"x","expires":"10m"}}"#),
        ("/inbox?topic=alice", r#"{"title":"x","expires":"10m"}"#),
    ] {
        assert_eq!(
            keyed(&scene, target, "k-1", body).await.told(),
            "422 idempotency-key-reused",
            "{target} {body}"
        );
    }
    for key in ["", "a b", &"x".repeat(300)] {
        assert_eq!(
            keyed(&scene, "/inbox/alice", key, r#"{"title":"x"}"#).await.told(),
            "400 bad-idempotency-key",
            "{key}"
        );
    }
    assert_eq!(scene.count("alice").await, 1);
}

#[tokio::test]
async fn the_key_of_one_sender_is_not_that_of_another() {
    let scene = guarded().await;
    let other = token_with("service", json!({"tidings": {"publish": ["inbox/alice"]}}));
    let body = r#"{"title":"x"}"#;
    assert_eq!(keyed(&scene, "/inbox/alice", "k-1", body).await.told(), "201");
    let answer =
        scene.send("POST /inbox/alice", &format!("{}\nidempotency-key: k-1", bearer(&other)), body).await;
    assert_eq!((answer.status, is_replayed(&answer), scene.count("alice").await), (201, false, 2));
}

/// The same key of an event: one thing was published under it.
#[tokio::test]
async fn a_key_of_an_event_is_not_one_of_a_notification() {
    let scene = open().await;
    let key = "idempotency-key: k-1";
    assert_eq!(scene.told("POST /events/a", key, "x").await, "201");
    assert_eq!(scene.told("POST /inbox/alice", key, r#"{"title":"x"}"#).await, "422 idempotency-key-reused");
    assert_eq!(scene.told("POST /inbox/bob", "idempotency-key: k-2", r#"{"title":"x"}"#).await, "201");
    assert_eq!(scene.told("POST /events/a", "idempotency-key: k-2", "x").await, "422 idempotency-key-reused");
}
