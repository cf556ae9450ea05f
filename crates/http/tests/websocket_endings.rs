//! Why the hub ends a socket, and the code that says so. Those of a client's own doing are in `websocket_bad_input`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::scene::Scene;
use support::websocket::{Came, WebSocket, masked};
use tidings_core::roster::{Dismissal, Whom};
use tidings_core::{Cursor, Epoch, Limits, Sequence, StoreError, Topic};
use tidings_testkit::deadline::{until, within};

/// The documents before the close, but heartbeats, and the close.
async fn end(socket: &mut WebSocket) -> (Vec<Value>, u16, String) {
    let mut documents = Vec::new();
    loop {
        match socket.next().await {
            Came::Text(word) if word.get("heartbeat_ms").is_some() => {}
            Came::Text(word) => documents.push(word),
            Came::Close(code, reason) => return (documents, code.unwrap(), reason),
            Came::Pong(_) => {}
        }
    }
}

/// The client is told when to come back, then why, and its own close is waited for.
async fn expect_farewell(mut socket: WebSocket, code: u16, reason: &str) {
    let (documents, came, why) = end(&mut socket).await;
    assert_eq!((came, &*why), (code, reason));
    let [farewell] = &documents[..] else { panic!("{documents:?} before {code}") };
    assert!(farewell["cursor"].is_string() && farewell["retry_ms"].is_number(), "{farewell}");
    socket.wire.send(masked(0x88, &code.to_be_bytes())).await;
    assert!(socket.wire.is_closed().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_is_as_old_as_a_stream_may_become_ends_with_4001() {
    let scene = Scene::with(|config| config.stream_age_max = Some(Duration::from_millis(200))).await;

    expect_farewell(WebSocket::opened(&scene, "/events/a").await, 4_001, "age").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_of_a_hub_that_is_closed_ends_with_4002() {
    let scene = Scene::start().await;
    let socket = WebSocket::opened(&scene, "/events/a").await;

    within("the hub to close", scene.hub.close()).await.unwrap();

    expect_farewell(socket, 4_002, "hub-closed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_whose_events_cannot_be_read_ends_with_4003() {
    let mut limits = Limits::default();
    limits.window_bytes_max = 1;
    let (scene, fault) = Scene::with_faulty_store_and(limits, |_| ()).await;
    scene.publish("a", &["one", "two", "three"]).await;
    let first = Cursor { epoch: Epoch(1), sequence: Sequence(1) };
    until("the second event to leave memory", || scene.hub.has_evicted(first)).await;
    fault.hold_reads();
    fault.let_reads_through(1);
    let socket = WebSocket::open(&scene, "/events/a?last_event_id=1-1", "").await;

    fault.refuse_reads(StoreError::Stopped("the disk is gone".into()));
    fault.let_all_reads_through();

    let mut socket = socket;
    let (documents, code, why) = end(&mut socket).await;
    assert_eq!((code, &*why), (4_003, "store-failed"));
    assert!(documents.last().unwrap()["retry_ms"].is_number(), "{documents:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_an_operator_dismisses_ends_with_4004_also_after_its_selectors_changed() {
    let scene = Scene::start().await;
    let mut socket = WebSocket::opened(&scene, "/events/a").await;
    assert!(socket.ask(&json!({ "subscribe": ["b"] })).await["ok"].is_array());

    let of_b = Whom::Topic(Topic::parse("b").unwrap());
    assert_eq!(scene.hub.roster().dismiss(&of_b, Dismissal::ByOperator).await, 1);

    expect_farewell(socket, 4_004, "dismissed").await;
}
