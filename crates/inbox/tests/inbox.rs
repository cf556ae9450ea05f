//! The inbox on a hub: what is notified is listed, counted, marked and told.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

use std::sync::Arc;
use std::time::Duration;

use tidings_core::{Clock, Epoch, Hub, Limits, MemoryStore, RetentionHold, Selector, Topic, UnixMillis};
use tidings_inbox::{
    Inbox, InboxSettings, ListRequest, Location, Mark, Notification, Shown, User, Watch, Which,
};
use tidings_store::{FileStore, FileStoreConfig, Retention};

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        UnixMillis(u64::try_from(now.as_millis()).unwrap())
    }
}

fn says(title: &str) -> Notification {
    Notification { title: title.into(), ..Notification::default() }
}

fn user(name: &str) -> User {
    User::parse(name).unwrap()
}

async fn in_memory() -> (Hub, Inbox) {
    let store =
        MemoryStore::new(Epoch(7), Arc::new(SystemClock), tidings_core::memory::MemoryRetention::default());
    let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
    let inbox = Inbox::start(hub.clone(), InboxSettings::default(), Arc::new(SystemClock)).await.unwrap();
    inbox.ready().await;
    (hub, inbox)
}

async fn titles(inbox: &Inbox, user: &User) -> Vec<String> {
    let listed = inbox.list(user, ListRequest::default()).await.unwrap();
    listed.items.iter().map(|item| item.says.title.to_string()).collect()
}

async fn next(watch: &mut Watch) -> (Vec<Shown>, u64) {
    let update = tokio::time::timeout(Duration::from_secs(20), watch.next()).await.unwrap().unwrap().unwrap();
    (update.shown, update.unread.count)
}

#[tokio::test]
async fn what_is_notified_is_listed_newest_first_and_counted() {
    let (_hub, inbox) = in_memory().await;
    let alice = user("alice");

    let first = inbox.notify(&alice, says("one"), None).await.unwrap();
    inbox.notify(&alice, says("two"), None).await.unwrap();
    inbox.notify(&user("bob"), says("other"), None).await.unwrap();

    assert_eq!(titles(&inbox, &alice).await, ["two", "one"]);
    assert_eq!(inbox.unread(&alice).await.unwrap().count, 2);
    let marked = inbox.mark(&alice, Mark::Read, Which::Through(first.id.sequence.0)).await.unwrap();
    assert_eq!((marked.unread.count, marked.changed), (1, 1));
    assert_eq!(inbox.unread(&user("nobody")).await.unwrap(), tidings_inbox::Unread::default());
}

#[tokio::test]
async fn a_dedupe_key_a_mute_and_a_followed_topic() {
    let (_hub, inbox) = in_memory().await;
    let (alice, bob) = (user("alice"), user("bob"));
    let keyed =
        |title: &str| Notification { dedupe: Some("k".into()), kind: Some("sale".into()), ..says(title) };

    let first = inbox.notify(&alice, keyed("one"), None).await.unwrap();
    let again = inbox.notify(&alice, keyed("two"), None).await.unwrap();
    assert_eq!((again.id, again.repeated), (first.id, true));
    inbox.mute(&bob, "sale", true).await.unwrap();
    assert!(inbox.notify(&bob, keyed("one"), None).await.unwrap().muted);
    inbox.follow(&alice, &Selector::parse("orders/*").unwrap(), true).await.unwrap();
    inbox.follow(&bob, &Selector::parse("orders/42").unwrap(), true).await.unwrap();
    let topic = Topic::parse("orders/42").unwrap();
    assert_eq!(inbox.notify_topic(&topic, says("paid"), None).await.unwrap().notified, Some(2));
    assert_eq!(
        inbox
            .notify_many(vec![alice.clone(), bob.clone(), alice.clone()], says("all"), None)
            .await
            .unwrap()
            .notified,
        Some(2)
    );

    assert_eq!(titles(&inbox, &alice).await, ["all", "paid", "one"]);
    assert_eq!(titles(&inbox, &bob).await, ["all", "paid"]);
    inbox.erase(&alice).await.unwrap();
    assert!(titles(&inbox, &alice).await.is_empty());
    assert!(inbox.follows(&alice).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_watch_hears_every_change_and_the_count_behind_it() {
    let (_hub, inbox) = in_memory().await;
    let alice = user("alice");
    let mut watch = inbox.watch(&alice);
    assert_eq!(watch.begin(None).await.unwrap().unread.count, 0);

    let one = inbox.notify(&alice, says("one"), None).await.unwrap();
    let (shown, count) = next(&mut watch).await;
    assert!(matches!(&shown[..], [Shown::Notification(item)] if item.id == one.id));
    assert_eq!(count, 1);
    inbox.mark(&alice, Mark::Archived, Which::All).await.unwrap();
    let (shown, count) = next(&mut watch).await;
    assert!(matches!(&shown[..], [Shown::Marked { mark: Mark::Archived, .. }]));
    assert_eq!(count, 0);
    inbox.delete(&alice, one.id.sequence).await.unwrap();
    assert!(matches!(&next(&mut watch).await.0[..], [Shown::Deleted { expired: false, .. }]));

    // One that comes back hears what it missed.
    let mut back = inbox.watch(&alice);
    let update = back.begin(Some(one.id.sequence)).await.unwrap();
    assert!(matches!(&update.shown[..], [Shown::Deleted { .. }]), "{:?}", update.shown);

    inbox.mute(&alice, "sale", true).await.unwrap();
    let update = inbox.watch(&alice).begin(Some(update.place.sequence)).await.unwrap();
    assert!(matches!(&update.shown[..], [Shown::Mutes, Shown::Follows]), "{:?}", update.shown);
}

#[tokio::test]
async fn a_reader_that_comes_back_is_told_of_an_erasure_once_and_of_a_first_notification_as_of_others() {
    let (hub, inbox) = in_memory().await;
    let (alice, bob) = (user("alice"), user("bob"));
    let place = async || {
        // Others write, so the place of a reader who has nothing is none of a change of the reader's own.
        inbox.notify(&user("other"), says("other"), None).await.unwrap();
        Some(hub.bounds().head.sequence)
    };
    let back = async |user: &User, after| inbox.watch(user).begin(after).await.unwrap();
    let before = place().await;

    // Nothing is known of bob, and nothing has to be told.
    assert!(back(&bob, place().await).await.shown.is_empty());
    place().await;
    let one = inbox.notify(&alice, says("one"), None).await.unwrap();
    let update = back(&alice, before).await;
    assert!(!update.is_gap);
    assert!(matches!(&update.shown[..], [Shown::Notification(item)] if item.id == one.id));

    inbox.erase(&alice).await.unwrap();
    assert!(matches!(back(&alice, before).await.shown[..], [Shown::Erased]));
    let after = place().await;
    assert!(back(&alice, after).await.shown.is_empty());
    let two = inbox.notify(&alice, says("two"), None).await.unwrap();
    assert!(back(&alice, before).await.is_gap, "it may show what was erased");
    let update = back(&alice, after).await;
    assert!(!update.is_gap);
    assert!(matches!(&update.shown[..], [Shown::Notification(item)] if item.id == two.id));
}

#[tokio::test]
async fn an_item_ends_at_its_time() {
    let (_hub, inbox) = in_memory().await;
    let alice = user("alice");
    let mut watch = inbox.watch(&alice);
    watch.begin(None).await.unwrap();
    let expires = Some(SystemClock.now().0 + 100);

    inbox.notify(&alice, Notification { expires, ..says("soon over") }, None).await.unwrap();

    assert_eq!(next(&mut watch).await.1, 1);
    let (shown, count) = next(&mut watch).await;
    assert!(matches!(&shown[..], [Shown::Deleted { expired: true, .. }]));
    assert_eq!(count, 0);
}

#[tokio::test]
async fn a_lost_database_is_made_anew_from_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let (log, database) = (dir.path().join("log"), dir.path().join("inbox.db"));
    let alice = user("alice");
    let open = async || {
        let config = FileStoreConfig { dir: log.clone(), ..FileStoreConfig::default() };
        let store = FileStore::open(config, Arc::new(SystemClock)).unwrap();
        let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
        let settings =
            InboxSettings { location: Location::File(database.clone()), ..InboxSettings::default() };
        let inbox = Inbox::start(hub.clone(), settings, Arc::new(SystemClock)).await.unwrap();
        inbox.ready().await;
        (hub, inbox)
    };
    let (hub, inbox) = open().await;
    for number in 0..50 {
        let notified = inbox.notify(&alice, says(&number.to_string()), None).await.unwrap();
        if number % 3 == 0 {
            inbox.mark(&alice, Mark::Read, Which::Ids(vec![notified.id.sequence.0])).await.unwrap();
        }
    }
    let before = (inbox.unread(&alice).await.unwrap(), titles(&inbox, &alice).await);
    // It is over while the hub is away, and leaves when it comes back: its clock agrees with the log.
    let bob = user("bob");
    let expires = Some(SystemClock.now().0 + 100);
    inbox.notify(&bob, Notification { expires, ..says("soon over") }, None).await.unwrap();
    drop(inbox);
    hub.close().await.unwrap();

    let (hub, inbox) = open().await;
    let mut watch = inbox.watch(&bob);
    let mut count = watch.begin(None).await.unwrap().unread.count;
    while count > 0 {
        count = next(&mut watch).await.1;
    }
    assert_eq!((inbox.unread(&alice).await.unwrap(), titles(&inbox, &alice).await), before);
    drop(inbox);
    hub.close().await.unwrap();
    // That of an older version, which had other tables and other rules.
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection.execute_batch("UPDATE users SET unread = 77; PRAGMA user_version = 1").unwrap();
    drop(connection);

    let (hub, inbox) = open().await;
    assert_eq!((inbox.unread(&alice).await.unwrap(), titles(&inbox, &alice).await), before);
    drop(inbox);
    hub.close().await.unwrap();
    for name in ["inbox.db", "inbox.db-wal", "inbox.db-shm"] {
        let _ = std::fs::remove_file(dir.path().join(name));
    }

    let (_hub, inbox) = open().await;
    assert_eq!((inbox.unread(&alice).await.unwrap(), titles(&inbox, &alice).await), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_inbox_holds_outlives_the_events_it_came_from() {
    let dir = tempfile::tempdir().unwrap();
    let hold = Arc::<RetentionHold>::default();
    let retention = Retention { bytes: Some(256 * 1_024), ..Retention::default() };
    let config = FileStoreConfig {
        dir: dir.path().join("log"),
        segment_bytes: 64 * 1_024,
        retention,
        hold: Some(hold.clone()),
        ..FileStoreConfig::default()
    };
    let store = Arc::new(FileStore::open(config, Arc::new(SystemClock)).unwrap());
    let hub = Hub::start(store, Limits::default()).await.unwrap();
    let settings = |name: &str, hold| InboxSettings {
        location: Location::File(dir.path().join(name)),
        hold,
        ..InboxSettings::default()
    };
    let first =
        Inbox::start(hub.clone(), settings("first.db", Some(hold)), Arc::new(SystemClock)).await.unwrap();
    first.ready().await;
    let (alice, bob) = (user("alice"), user("bob"));
    first.mute(&alice, "sale", true).await.unwrap();
    first.follow(&bob, &Selector::parse("orders/**").unwrap(), true).await.unwrap();
    let oldest = first.notify(&alice, says("the oldest"), None).await.unwrap();
    first.notify(&bob, Notification { dedupe: Some("k".into()), ..says("keyed") }, None).await.unwrap();
    first.mark(&alice, Mark::Read, Which::All).await.unwrap();
    let begins_at = hub.bounds().earliest();
    for number in 0..400 {
        let body = Some("x".repeat(3_000).into());
        first
            .notify(&user(&format!("u{}", number % 7)), Notification { body, ..says("filler") }, None)
            .await
            .unwrap();
        first.mark(&user(&format!("u{}", number % 7)), Mark::Read, Which::All).await.unwrap();
        if number % 50 == 0 {
            first.erase(&user(&format!("u{}", number % 7))).await.unwrap();
        }
        if number % 5 == 0 {
            first.delete(&user(&format!("u{}", (number + 3) % 7)), oldest.id.sequence).await.unwrap();
        }
    }
    assert!(hub.bounds().earliest() > oldest.id.sequence, "{begins_at:?} {:?}", hub.bounds());

    let second = Inbox::start(hub.clone(), settings("second.db", None), Arc::new(SystemClock)).await.unwrap();
    second.ready().await;

    for name in ["alice", "bob", "u0", "u1", "u2", "u3", "u4", "u5", "u6"] {
        let user = user(name);
        let (one, other) =
            (first.list(&user, ListRequest::default()), second.list(&user, ListRequest::default()));
        let (one, other) = (one.await.unwrap(), other.await.unwrap());
        assert_eq!(one.unread, other.unread, "{name}");
        let ids = |listed: &tidings_inbox::Listed| {
            listed.items.iter().map(|item| (item.id, item.flags, item.version, item.time)).collect::<Vec<_>>()
        };
        assert_eq!(ids(&one), ids(&other), "{name}");
        assert_eq!(first.mutes(&user).await.unwrap(), second.mutes(&user).await.unwrap(), "{name}");
        assert_eq!(first.follows(&user).await.unwrap(), second.follows(&user).await.unwrap(), "{name}");
    }
    assert_eq!(second.mutes(&alice).await.unwrap(), ["sale"]);
    let again =
        second.notify(&bob, Notification { dedupe: Some("k".into()), ..says("again") }, None).await.unwrap();
    assert!(again.repeated);
}

#[tokio::test]
async fn a_watch_ends_with_its_inbox() {
    let (_hub, inbox) = in_memory().await;
    let mut watch = inbox.watch(&user("alice"));
    watch.begin(None).await.unwrap();

    drop(inbox);

    assert!(tokio::time::timeout(Duration::from_secs(20), watch.next()).await.unwrap().unwrap().is_none());
}

/// The inboxes are larger than what retention keeps, so that each round of carrying gives retention something to want.
#[tokio::test(flavor = "multi_thread")]
async fn an_idle_log_is_not_written_again_and_again_for_large_inboxes() {
    let dir = tempfile::tempdir().unwrap();
    let hold = Arc::<RetentionHold>::default();
    let config = FileStoreConfig {
        dir: dir.path().join("log"),
        segment_bytes: 64 * 1_024,
        retention: Retention { bytes: Some(128 * 1_024), ..Retention::default() },
        durability: tidings_store::Durability::None,
        hold: Some(hold.clone()),
        ..FileStoreConfig::default()
    };
    let store = Arc::new(FileStore::open(config, Arc::new(SystemClock)).unwrap());
    let hub = Hub::start(store, Limits::default()).await.unwrap();
    let location = Location::File(dir.path().join("inbox.db"));
    let settings = InboxSettings { location, hold: Some(hold.clone()), ..InboxSettings::default() };
    let inbox = Inbox::start(hub.clone(), settings, Arc::new(SystemClock)).await.unwrap();
    for number in 0..200 {
        let body = Some("x".repeat(4_000).into());
        inbox
            .notify(&user(&format!("u{}", number % 10)), Notification { body, ..says("large") }, None)
            .await
            .unwrap();
    }

    // A round that was begun ends; the next one waits.
    let published = async || {
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        hub.metrics().published_bytes()
    };
    let first = published().await;
    let second = published().await;

    assert!(hold.wanted_now().is_some(), "retention wants more than it has");
    assert!(second - first < 900_000, "at most one round of 800 KB: {first} {second}");
    assert_eq!(published().await, published().await);
    inbox.close().await.unwrap();
    let files =
        std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    assert_eq!(files.len(), 2, "the log and one file: {files:?}");
}
