//! What one user, one call or one clock can do to an inbox, and what it cannot. `TIDINGS_TEST_FLOOD` says how many notifications a flood has.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;
use tidings_core::memory::MemoryRetention;
use tidings_core::{
    Clock, DraftFields, Epoch, Hub, Limits, MemoryStore, Selector, Sequence, Topic, UnixMillis,
};
use tidings_inbox::limits::{
    BODY_BYTES_MAX, CLOCK_JUMP_WAIT_SECONDS, DATA_BYTES_MAX, FOLLOWERS_OF_RECORD, LINK_BYTES_MAX,
    TITLE_CHARACTERS_MAX, TOMBSTONES_MAX, USERS_MAX,
};
use tidings_inbox::{Inbox, InboxSettings, ListRequest, Location, Mark, Notification, Shown, User, Which};
use tidings_sse::EventType;
use tokio::task::JoinSet;

const FLOOD: u64 = 3_000;
const BEGIN: u64 = 1_700_000_000_000;
const MONTH: u64 = 30 * 86_400_000;

struct HandClock(AtomicU64);

impl Clock for HandClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::SeqCst))
    }
}

fn clock() -> Arc<HandClock> {
    Arc::new(HandClock(AtomicU64::new(BEGIN)))
}

async fn inbox(settings: InboxSettings, clock: &Arc<HandClock>) -> (Hub, Inbox) {
    let store = MemoryStore::new(Epoch(7), clock.clone(), MemoryRetention::default());
    let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
    let inbox = Inbox::start(hub.clone(), settings, clock.clone()).await.unwrap();
    inbox.ready().await;
    (hub, inbox)
}

fn says(title: &str) -> Notification {
    Notification { title: title.into(), ..Notification::default() }
}

fn user(name: &str) -> User {
    User::parse(name).unwrap()
}

#[tokio::test]
async fn a_flood_to_one_user_has_bounded_rows_and_lets_others_through() {
    let flood = std::env::var("TIDINGS_TEST_FLOOD").map_or(FLOOD, |flood| flood.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("inbox.db");
    let settings = InboxSettings {
        location: Location::File(path.clone()),
        items_max: 100,
        unread_max: 200,
        ..InboxSettings::default()
    };
    let (_hub, inbox) = inbox(settings, &clock()).await;
    let (alice, bob) = (user("alice"), user("bob"));
    let mut watch = inbox.watch(&alice);
    watch.begin(None).await.unwrap();
    let mut writers = JoinSet::new();
    for writer in 0..50 {
        let (inbox, alice) = (inbox.clone(), alice.clone());
        writers.spawn(async move {
            for number in 0..flood / 50 {
                inbox.notify(&alice, says(&format!("{writer}.{number}")), None).await.unwrap();
            }
        });
    }

    // It is answered while the flood goes on, since no writer waits for more than what is before it.
    inbox.notify(&bob, says("through"), None).await.unwrap();
    assert!(!writers.is_empty());
    writers.join_all().await;

    assert_eq!(inbox.unread(&alice).await.unwrap().count, 200);
    assert_eq!(inbox.unread(&bob).await.unwrap().count, 1);
    let connection = rusqlite::Connection::open(&path).unwrap();
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM items"), 201);
    assert!(count("SELECT count(*) FROM deleted") <= i64::try_from(TOMBSTONES_MAX).unwrap());
    // One who has heard nothing of it hears the end of it, or that it is to load the list.
    let update = watch.next().await.unwrap().unwrap();
    assert!(update.is_gap || update.unread.count <= 200);
}

#[tokio::test]
async fn ten_thousand_users_of_one_call_have_one_item_each() {
    let (_hub, inbox) = inbox(InboxSettings::default(), &clock()).await;
    let users: Vec<_> = (0..USERS_MAX).map(|number| user(&format!("user-{number}"))).collect();

    let notified = inbox.notify_many(users.clone(), says("all"), None).await.unwrap();

    assert_eq!(notified.notified, Some(USERS_MAX as u64));
    for user in users.iter().step_by(501) {
        assert_eq!(inbox.unread(user).await.unwrap().count, 1);
    }
}

#[tokio::test]
async fn two_devices_that_mark_all_at_the_same_instant_change_each_item_once() {
    let (_hub, inbox) = inbox(InboxSettings::default(), &clock()).await;
    let alice = user("alice");
    let mut writers = JoinSet::new();
    for number in 0..2_050 {
        let (inbox, alice) = (inbox.clone(), alice.clone());
        writers.spawn(async move {
            inbox.notify(&alice, says(&number.to_string()), None).await.unwrap();
        });
    }
    writers.join_all().await;
    let held = inbox.unread(&alice).await.unwrap().count;
    let mut watch = inbox.watch(&alice);
    watch.begin(None).await.unwrap();

    let (one, other) =
        tokio::join!(inbox.mark(&alice, Mark::Read, Which::All), inbox.mark(&alice, Mark::Read, Which::All));

    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(held, 2_000);
    assert_eq!(one.changed + other.changed, held);
    assert_eq!(one.unread, other.unread, "both see the change of one of them");
    assert_eq!(one.unread.count, 0);
    let update = watch.next().await.unwrap().unwrap();
    assert!(matches!(&update.shown[..], [Shown::Marked { ids, .. }] if ids.len() as u64 == held));
    assert!(watch.at_hand().await.unwrap().is_none(), "nothing changed for a second time");
}

/// More than one record of the keeper has, at one instant and at several, and old ones.
#[tokio::test(start_paused = true)]
async fn many_items_leave_in_steps_between_which_others_write() {
    let clock = clock();
    let (hub, inbox) = inbox(of_a_day(), &clock).await;
    let users: Vec<_> = (0..2_500).map(|number| user(&format!("user-{number}"))).collect();
    let ends = |after: u64| Notification { expires: Some(BEGIN + after), ..says("ends") };
    inbox.notify_many(users.clone(), ends(60_000), None).await.unwrap();
    inbox.notify_many(users[..700].to_vec(), ends(30_000), None).await.unwrap();
    inbox.notify_many(users[..700].to_vec(), ends(30_001), None).await.unwrap();
    for number in 0..1_200 {
        clock.0.store(BEGIN + number, Ordering::SeqCst);
        inbox.notify(&users[0], says("grows old"), None).await.unwrap();
    }
    let before = hub.bounds().head.sequence.0;

    pass(&clock, Duration::from_secs(100)).await;
    let after = hub.bounds().head.sequence.0;

    assert!((5..=7).contains(&(after - before)), "steps of 700 twice and of 1,000: {}", after - before);
    assert_eq!(inbox.unread(&users[7]).await.unwrap().count, 0);
    assert_eq!(inbox.unread(&users[2_499]).await.unwrap().count, 0);
    assert_eq!(inbox.unread(&users[0]).await.unwrap().count, 1_200);
    pass(&clock, Duration::from_secs(2 * 86_400)).await;
    tokio::time::sleep(Duration::from_secs(2 * 3_600)).await;
    assert_eq!(inbox.unread(&users[0]).await.unwrap().count, 0);
    assert_eq!(hub.bounds().head.sequence.0 - after, 2, "two steps of pruning");
}

/// Time passes for clocks and for what sleeps.
async fn pass(clock: &Arc<HandClock>, time: Duration) {
    clock.0.fetch_add(u64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    tokio::time::advance(time).await;
    tokio::time::sleep(Duration::from_secs(90)).await;
}

#[tokio::test]
async fn followers_beyond_those_of_one_record_are_notified_once_each() {
    let (hub, inbox) = inbox(InboxSettings::default(), &clock()).await;
    let followers = FOLLOWERS_OF_RECORD + 500;
    let record = EventType::new("tidings.inbox").unwrap();
    let mut drafts = Vec::new();
    for number in 0..followers {
        // Some follow it twice.
        for selector in ["news/*", "news/today"].into_iter().take(1 + usize::from(number % 7 == 0)) {
            let follow = json!({ "follow": { "user": format!("user-{number}"), "selector": selector, "follows": true } });
            let topic = Topic::parse(&format!("inbox/user-{number}")).unwrap();
            drafts.push(hub.own_draft(topic, &record, follow.to_string().into()).unwrap());
        }
    }
    hub.publish_all(drafts).await.unwrap();
    inbox.mute(&user("none"), "sale", true).await.unwrap();

    let topic = Topic::parse("news/today").unwrap();
    let notified = inbox.notify_topic(&topic, says("news"), None).await.unwrap();

    assert_eq!(notified.notified, Some(followers));
    for number in (0..followers).step_by(97) {
        let user = user(&format!("user-{number}"));
        assert_eq!(inbox.unread(&user).await.unwrap().count, 1, "{user}");
    }
    assert_eq!(inbox.unread(&user("none")).await.unwrap().count, 0);
}

#[tokio::test]
async fn changes_that_are_none_do_not_fill_the_log() {
    let (hub, inbox) = inbox(InboxSettings::default(), &clock()).await;
    let (alice, nobody) = (user("alice"), user("nobody"));
    let first = inbox.notify(&alice, says("one"), None).await.unwrap().id.sequence;
    inbox.mark(&alice, Mark::Archived, Which::All).await.unwrap();
    inbox.mute(&alice, "sale", true).await.unwrap();
    let orders = Selector::parse("orders/*").unwrap();
    inbox.follow(&alice, &orders, true).await.unwrap();
    // The head of the log is one of an event that the inbox has no part in.
    let other = hub.draft(Topic::parse("other").unwrap(), "x".into(), DraftFields::default()).unwrap();
    hub.publish(other).await.unwrap();
    let (head, unread) = (hub.bounds().head, inbox.unread(&alice).await.unwrap());

    let mut changed = Vec::new();
    for mark in [Mark::Read, Mark::Seen, Mark::Archived] {
        for which in [Which::All, Which::Through(first.0), Which::Ids(vec![first.0, 77]), Which::Ids(vec![])]
        {
            changed.push(inbox.mark(&alice, mark, which.clone()).await.unwrap());
            inbox.mark(&nobody, mark, which).await.unwrap();
        }
    }
    changed.push(inbox.mark(&alice, Mark::Unread, Which::Through(first.0 - 1)).await.unwrap());
    changed.push(inbox.delete(&alice, Sequence(77)).await.unwrap());
    changed.push(inbox.mute(&alice, "sale", true).await.unwrap());
    changed.push(inbox.mute(&alice, "news", false).await.unwrap());
    changed.push(inbox.follow(&alice, &orders, true).await.unwrap());
    inbox.follow(&nobody, &orders, false).await.unwrap();
    inbox.erase(&nobody).await.unwrap();

    assert!(changed.iter().all(|changed| changed.changed == 0 && changed.unread == unread), "{changed:?}");
    assert_eq!(hub.bounds().head, head);
}

/// The notification is in the log and the database does not show it, since another program holds it: the mark is about it all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_mark_that_seems_to_change_nothing_is_written_while_the_database_is_behind() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("inbox.db");
    let settings = InboxSettings { location: Location::File(path.clone()), ..InboxSettings::default() };
    let (hub, inbox) = inbox(settings, &clock()).await;
    let alice = user("alice");
    inbox.notify(&alice, says("before"), None).await.unwrap();
    inbox.mark(&alice, Mark::Read, Which::All).await.unwrap();
    let comes_to = async |sequence: Sequence| {
        while hub.bounds().head.sequence < sequence {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let before = hub.bounds().head.sequence;
    let holds = rusqlite::Connection::open(&path).unwrap();
    holds.execute_batch("BEGIN IMMEDIATE").unwrap();

    let (of, by) = (inbox.clone(), alice.clone());
    let notified = tokio::spawn(async move { of.notify(&by, says("on its way"), None).await });
    comes_to(before.next()).await;
    let (of, by) = (inbox.clone(), alice.clone());
    let marked = tokio::spawn(async move { of.mark(&by, Mark::Read, Which::All).await });
    comes_to(before.next().next()).await;
    holds.execute_batch("ROLLBACK").unwrap();

    notified.await.unwrap().unwrap();
    let marked = marked.await.unwrap().unwrap();
    assert_eq!((marked.changed, marked.unread.count), (1, 0));
}

#[tokio::test]
async fn the_largest_notification_comes_back_as_it_was() {
    let (_hub, inbox) = inbox(InboxSettings::default(), &clock()).await;
    let alice = user(&"ü".repeat(100));
    let largest = json!({
        "title": "😀".repeat(TITLE_CHARACTERS_MAX),
        "body": "\u{7f}\"\\\n".replace('\u{7f}', "<b>").repeat(BODY_BYTES_MAX / 6),
        "link": format!("https://e.example/{}", "a".repeat(LINK_BYTES_MAX - 18)),
        "kind": "k".repeat(64),
        "data": "\u{1}".repeat((DATA_BYTES_MAX - 2) / 6),
        "dedupe": "é".repeat(100),
        "expires": BEGIN + MONTH,
    });
    let says: Notification = serde_json::from_value(largest.clone()).unwrap();
    let says = says.check(UnixMillis(BEGIN)).unwrap();

    inbox.notify(&alice, says, None).await.unwrap();

    let listed = inbox.list(&alice, ListRequest::default()).await.unwrap();
    assert_eq!(serde_json::to_value(&listed.items[0].says).unwrap(), largest);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_a_month_ahead_and_back_ends_nothing() {
    let clock = clock();
    let (inbox, alice) = with_items_that_end(&clock).await;

    clock.0.fetch_add(MONTH, Ordering::SeqCst);
    // Also what wakes the keeper.
    inbox.notify(&user("bob"), says("wakes"), None).await.unwrap();
    tokio::time::sleep(Duration::from_secs(CLOCK_JUMP_WAIT_SECONDS - 60)).await;
    clock.0.fetch_sub(MONTH, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(2 * 3_600)).await;

    assert_eq!(inbox.unread(&alice).await.unwrap().count, 2);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_was_set_and_stands_is_taken_at_its_word() {
    let clock = clock();
    let (inbox, alice) = with_items_that_end(&clock).await;

    clock.0.fetch_add(MONTH, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(3 * 3_600)).await;

    assert_eq!(inbox.unread(&alice).await.unwrap().count, 0);
}

/// The clock has no battery, and says another year until the network tells it the time.
#[tokio::test(start_paused = true)]
async fn a_clock_that_is_ten_years_ahead_at_a_start_and_is_set_right_ends_nothing() {
    let clock = clock();
    let (hub, inbox, alice) = with_items_and_hub(&clock).await;
    drop(inbox);

    clock.0.fetch_add(120 * MONTH, Ordering::SeqCst);
    let inbox = Inbox::start(hub, of_a_day(), clock.clone()).await.unwrap();
    inbox.ready().await;
    tokio::time::sleep(Duration::from_secs(CLOCK_JUMP_WAIT_SECONDS - 60)).await;
    assert_eq!(inbox.unread(&alice).await.unwrap().count, 2);
    clock.0.fetch_sub(120 * MONTH, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(2 * 3_600)).await;

    assert_eq!(inbox.unread(&alice).await.unwrap().count, 2);
}

#[tokio::test(start_paused = true)]
async fn a_hub_that_was_down_for_a_month_lets_items_end_after_some_minutes() {
    let clock = clock();
    let (hub, inbox, alice) = with_items_and_hub(&clock).await;
    drop(inbox);

    clock.0.fetch_add(MONTH, Ordering::SeqCst);
    let inbox = Inbox::start(hub, of_a_day(), clock.clone()).await.unwrap();
    inbox.ready().await;
    tokio::time::sleep(Duration::from_secs(3 * 3_600)).await;

    assert_eq!(inbox.unread(&alice).await.unwrap().count, 0);
}

fn of_a_day() -> InboxSettings {
    let day = Some(Duration::from_secs(86_400));
    InboxSettings { age_max: day, unread_age_max: day, ..InboxSettings::default() }
}

async fn with_items_that_end(clock: &Arc<HandClock>) -> (Inbox, User) {
    let (_hub, inbox, alice) = with_items_and_hub(clock).await;
    (inbox, alice)
}

/// One that ends in a day, and one that is too old in a day.
async fn with_items_and_hub(clock: &Arc<HandClock>) -> (Hub, Inbox, User) {
    let (hub, inbox) = inbox(of_a_day(), clock).await;
    let alice = user("alice");
    let expires = Some(clock.now().0 + 86_400_000);
    inbox.notify(&alice, Notification { expires, ..says("ends") }, None).await.unwrap();
    inbox.notify(&alice, says("grows old"), None).await.unwrap();
    // The keeper looks at the clock before it is set.
    tokio::time::sleep(Duration::from_secs(120)).await;
    (hub, inbox, alice)
}
