//! What is erased leaves the database's file, not only its lists.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

use std::sync::Arc;

use tempfile::TempDir;
use tidings_core::{Clock, Epoch, Hub, Limits, MemoryStore, UnixMillis};
use tidings_inbox::{Inbox, InboxSettings, Location, Notification, User};

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(1_800_000_000_000)
    }
}

/// Notifies two users, takes away what the first has by `erase`, and returns the bytes of the files of the database after its end.
async fn bytes_after(erase: impl AsyncFnOnce(&Inbox, &User, Vec<tidings_core::Sequence>)) -> Vec<u8> {
    let dir = TempDir::new().unwrap();
    let location = Location::File(dir.path().join("inbox.db"));
    let store =
        MemoryStore::new(Epoch(7), Arc::new(FixedClock), tidings_core::memory::MemoryRetention::default());
    let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
    let settings = InboxSettings { location, ..InboxSettings::default() };
    let inbox = Inbox::start(hub.clone(), settings, Arc::new(FixedClock)).await.unwrap();
    inbox.ready().await;
    let (secret, other) = (User::parse("SECRETUSER").unwrap(), User::parse("OTHERUSER").unwrap());
    inbox.follow(&secret, &tidings_core::Selector::parse("SECRETTOPIC/*").unwrap(), true).await.unwrap();
    inbox.mute(&secret, "SECRETKIND", true).await.unwrap();
    let mut held = Vec::new();
    for number in 0..200 {
        let body = Some("x".repeat(300).into());
        let dedupe = Some(format!("SECRETDEDUPE-{number}").into());
        let says = Notification {
            title: format!("SECRETTITLE-{number}").into(),
            body,
            dedupe,
            ..Notification::default()
        };
        held.push(inbox.notify(&secret, says, None).await.unwrap().id.sequence);
        let says = Notification { title: "OTHERTITLE".into(), ..Notification::default() };
        inbox.notify(&other, says, None).await.unwrap();
    }

    erase(&inbox, &secret, held).await;

    hub.close().await.unwrap();
    inbox.close().await.unwrap();
    let files = std::fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(files, 1, "the changes are in the file itself");
    std::fs::read(dir.path().join("inbox.db")).unwrap()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_is_erased_is_in_no_byte_of_the_database() {
    let kept = bytes_after(async |_, _, _| {}).await;
    for text in ["SECRETUSER", "SECRETTITLE", "SECRETDEDUPE", "SECRETTOPIC", "SECRETKIND", "OTHERTITLE"] {
        assert!(holds(&kept, text), "{text} is not where this test looks for it");
    }

    let erased = bytes_after(async |inbox, secret, _| {
        inbox.erase(secret).await.unwrap();
    })
    .await;

    for text in ["SECRETTITLE", "SECRETDEDUPE", "SECRETTOPIC", "SECRETKIND", "SECRETUSER"] {
        assert!(!holds(&erased, text), "{text} is still in the file");
    }
    assert!(holds(&erased, "OTHERTITLE") && holds(&erased, "OTHERUSER"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_that_is_deleted_is_in_no_byte_of_the_database() {
    let deleted = bytes_after(async |inbox, secret, held| {
        for sequence in held {
            inbox.delete(secret, sequence).await.unwrap();
        }
    })
    .await;

    assert!(!holds(&deleted, "SECRETTITLE") && !holds(&deleted, "SECRETDEDUPE"));
    assert!(holds(&deleted, "SECRETUSER") && holds(&deleted, "OTHERTITLE"));
}
