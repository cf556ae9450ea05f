//! What many requests cost others, and what is refused while the hub ends.

use std::sync::Arc;

use http::StatusCode;
use serde_json::json;
use tidings_http::ShareLimits;
use tidings_testkit::deadline::within;

use super::hub::access;
use super::hub::{BACKEND, bearer, guarded, open, scene, titles, token};

/// They are as much work as so many calls; more than a burst is let in once and paid off.
#[tokio::test]
async fn a_call_to_many_counts_as_many_events() {
    let scene = scene(|config| {
        config.access = Some(Arc::new(access()));
        let mut key = ShareLimits::default();
        key.publishes_per_second = Some(10);
        config.shares.key = key;
    })
    .await;
    let backend = bearer(BACKEND);
    let users: Vec<_> = (0..200).map(|number| format!("u{number}")).collect();
    let many = json!({"users": users, "notification": {"title": "t"}}).to_string();

    assert_eq!(scene.told("POST /inbox", &backend, &many).await, "201");
    for request in ["POST /inbox", "POST /inbox/u1", "DELETE /inbox/u1", "PUT /inbox/u1/follows/a"] {
        let refused = scene.send(request, &backend, &many).await;
        assert_eq!(refused.told(), "429 too-many-publishes", "{request}");
        assert!(refused.head.contains_key("retry-after"));
    }
    // Others have shares of their own, and reading takes none.
    let u1 = bearer(&token("u1"));
    assert_eq!(scene.told("POST /inbox/u1/read", &u1, r#"{"all":true}"#).await, "200");
    assert_eq!(titles(&scene.json("GET /inbox/u1", &u1, "").await), ["t"]);
}

#[tokio::test]
async fn a_hub_that_ends_takes_no_change_and_still_answers_what_is_read() {
    let scene = guarded().await;
    scene.notify("alice", r#"{"title":"x"}"#).await;
    let (alice, backend) = (bearer(&token("alice")), bearer(BACKEND));
    scene.front.begin_drain();

    for (request, headers, body) in [
        ("POST /inbox/alice", &backend, r#"{"title":"x"}"#),
        ("POST /inbox", &backend, r#"{"users":["a"],"notification":{"title":"x"}}"#),
        ("POST /inbox?topic=a", &backend, r#"{"title":"x"}"#),
        ("POST /inbox/alice/read", &alice, r#"{"all":true}"#),
        ("DELETE /inbox/alice/1-1", &alice, ""),
        ("PUT /inbox/alice/mute/sale", &alice, ""),
        ("PUT /inbox/alice/follows/orders/1", &alice, ""),
        ("DELETE /inbox/alice", &alice, ""),
    ] {
        assert_eq!(scene.told(request, headers, body).await, "503 ending", "{request}");
    }
    assert_eq!((scene.count("alice").await, scene.titles("alice", "").await.len()), (1, 1));
}

/// A list of short texts takes many times its bytes once it is values.
#[tokio::test]
async fn a_list_is_read_no_further_than_it_may_be_long() {
    let scene = open().await;
    let names = vec!["\"a\""; 1_000_000].join(",");
    let many = format!("{{\"users\":[{names}],\"notification\":{{\"title\":\"t\"}}}}");
    let refused = scene.send("POST /inbox", "", &many).await;
    assert_eq!(
        (refused.status, refused.detail().contains("more than 10000")),
        (400, true),
        "{}",
        refused.detail()
    );
}

/// Lists wait for their readers; counts have their own.
#[tokio::test]
async fn hundreds_of_lists_and_those_who_left_do_not_hold_up_a_count() {
    let scene = open().await;
    for _ in 0..60 {
        let body = json!({"title": "t", "body": "x".repeat(8_000), "data": "y".repeat(8_000)}).to_string();
        scene.json("POST /inbox/alice", "", &body).await;
    }
    let list = || scene.ask("GET /inbox/alice?limit=200", "accept: application/json", "");

    let lists = futures_util::future::join_all((0..300).map(|_| list()));
    let counts = async {
        for _ in 0..20 {
            assert_eq!(scene.json("GET /inbox/alice/count", "", "").await["count"], json!(60));
        }
    };
    let mut lists = Box::pin(lists);
    tokio::select! {
        biased;
        () = counts => {}
        _ = &mut lists => panic!("the counts waited for all lists"),
    }
    drop(lists);
    // What was begun for those who left ends, and gives its readers back.
    let answer = within("a list", list()).await;
    assert!(matches!(answer.status(), StatusCode::OK | StatusCode::SERVICE_UNAVAILABLE));
}
