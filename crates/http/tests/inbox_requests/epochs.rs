//! Ids of a log that was put back: what they name is gone, and their sequences are those of other items.

use std::sync::Arc;

use serde_json::json;
use tidings_core::contract::ManualClock;
use tidings_core::memory::MemoryRetention;
use tidings_core::{Epoch, Hub, Limits, MemoryStore};
use tidings_http::{Front, HttpConfig, Pages};
use tidings_inbox::{Inbox, InboxSettings};
use tidings_testkit::deadline::within;

use super::hub::{NOW, Scene};

/// A hub whose log has lived in this epoch alone.
async fn in_epoch(epoch: u64) -> Scene {
    let clock = ManualClock::at(NOW * 1_000);
    let store = MemoryStore::new(Epoch(epoch), clock.clone(), MemoryRetention::default());
    let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
    let inbox = Inbox::start(hub.clone(), InboxSettings::default(), clock.clone()).await.unwrap();
    within("the inbox", inbox.ready()).await;
    let front = Front::new(hub, HttpConfig::default(), Pages::default(), clock).with_inbox(inbox.clone());
    Scene { front, inbox }
}

#[tokio::test]
async fn an_id_of_another_epoch_marks_and_deletes_nothing() {
    let (old, new) = (in_epoch(3).await, in_epoch(4).await);
    let mut id = String::new();
    for scene in [&old, &new] {
        let body = r#"{"title":"x"}"#;
        id = scene.json("POST /inbox/alice", "", body).await["id"].as_str().unwrap().to_owned();
    }
    let foreign = old.json("GET /inbox/alice", "", "").await["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!((foreign.as_str(), id.as_str()), ("3-1", "4-1"));
    let head = || new.front.hub().bounds().head.sequence.0;

    for body in [json!({"ids": [foreign]}), json!({"through": foreign})] {
        let marked = new.json("POST /inbox/alice/read", "", &body.to_string()).await;
        assert_eq!((&marked["unread"], &marked["changed"]), (&json!(1), &json!(0)), "{body}");
    }
    assert_eq!(new.told(&format!("DELETE /inbox/alice/{foreign}"), "", "").await, "204");
    assert_eq!(head(), 1);
    let list = new.json("GET /inbox/alice", "", "").await;
    assert_eq!((&list["items"][0]["id"], &list["unread"]), (&json!(id), &json!(1)));
    let both = json!({"ids": [foreign, id]}).to_string();
    assert_eq!(new.json("POST /inbox/alice/read", "", &both).await["changed"], json!(1));
}

/// An item has one id for all users that were notified at once; whose it is says the URL.
#[tokio::test]
async fn the_ids_of_another_user_mark_nothing_of_theirs() {
    let scene = in_epoch(1).await;
    for user in ["alice", "bob"] {
        scene.json(&format!("POST /inbox/{user}"), "", r#"{"title":"x"}"#).await;
    }
    scene.json("POST /inbox", "", r#"{"users":["alice","bob"],"notification":{"title":"both"}}"#).await;

    let marked = scene.json("POST /inbox/alice/read", "", r#"{"ids":["1-2","1-3"]}"#).await;
    assert_eq!((&marked["unread"], &marked["changed"]), (&json!(1), &json!(1)));
    assert_eq!(scene.told("DELETE /inbox/alice/1-2", "", "").await, "204");
    assert_eq!(scene.told("DELETE /inbox/alice/1-3", "", "").await, "204");
    let bob = scene.json("GET /inbox/bob", "", "").await;
    assert_eq!((bob["items"].as_array().unwrap().len(), &bob["unread"]), (2, &json!(2)));
}
