//! Bounds that no request can be made to reach in the time of a test.

use tidings_core::memory::MemoryRetention;
use tidings_core::{Cursor, Epoch, Limits, MemoryStore, Selector, Sequence, UnixMillis};
use tokio::time::Instant;

use super::*;
use crate::effect::{Effect, Shown, Unread};
use crate::limits::{EFFECTS_BYTES_MAX, OUTCOME_WAIT_MAX, PATTERNS_MAX};
use crate::notification::Notification;
use crate::sqlite::Location;
use crate::user::User;
use crate::writer::outcome_of;

struct Still;

impl Clock for Still {
    fn now(&self) -> UnixMillis {
        UnixMillis(1_700_000_000_000)
    }
}

async fn inbox() -> Inbox {
    let clock = Arc::new(Still);
    let store = MemoryStore::new(Epoch(7), clock.clone(), MemoryRetention::default());
    let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
    let settings = InboxSettings { location: Location::Memory, ..InboxSettings::default() };
    let inbox = Inbox::start(hub, settings, clock).await.unwrap();
    inbox.ready().await;
    inbox
}

#[tokio::test]
async fn the_users_of_a_hub_follow_so_many_patterns_and_topics_beside_them() {
    let inbox = inbox().await;
    let alice = User::parse("alice").unwrap();
    let selector = |text: &str| Selector::parse(text).unwrap();
    inbox.follow(&alice, &selector("orders/*"), true).await.unwrap();
    assert_eq!(inbox.numbers().patterns, 1);

    inbox.shared.counts.set_patterns(PATTERNS_MAX - 1);
    inbox.follow(&alice, &selector("bills/*"), true).await.unwrap();
    inbox.shared.counts.set_patterns(PATTERNS_MAX);
    let refused = inbox.follow(&alice, &selector("cars/*"), true).await;
    assert!(matches!(refused, Err(InboxError::TooManyPatterns)), "{refused:?}");
    // What is followed already is no other pattern, and a topic is none.
    inbox.follow(&alice, &selector("bills/*"), true).await.unwrap();
    inbox.follow(&alice, &selector("cars/9"), true).await.unwrap();

    inbox.shared.counts.set_patterns(PATTERNS_MAX);
    inbox.follow(&alice, &selector("bills/*"), false).await.unwrap();
    assert_eq!(inbox.numbers().patterns, 1, "the projection counts what is there");
    inbox.follow(&alice, &selector("cars/*"), true).await.unwrap();
}

/// As with a full disk: the log has the records, and the database does not come to them.
#[tokio::test(start_paused = true)]
async fn a_write_waits_for_the_database_so_long_and_for_all_its_records_together() {
    let inbox = inbox().await;
    let head = inbox.shared.hub.bounds().head;
    let places = (1..=5).map(|number| head.at(Sequence(head.sequence.0 + number)));
    let began = Instant::now();

    let waited = timeout(100 * OUTCOME_WAIT_MAX, outcome_of(&inbox.shared, places)).await;

    assert!(matches!(waited, Ok(Err(InboxError::Behind))), "{waited:?}");
    assert_eq!(began.elapsed().as_secs(), OUTCOME_WAIT_MAX.as_secs());
}

/// Each user's stream may hold some changes back, and there may be as many users as the hub has streams.
#[tokio::test]
async fn changes_that_wait_for_slow_streams_are_in_memory_within_a_bound_and_in_the_database_beyond_it() {
    let inbox = inbox().await;
    let (alice, bob) = (User::parse("alice").unwrap(), User::parse("bob").unwrap());
    let says = |title: &str| Notification { title: title.into(), ..Notification::default() };
    let mut slow = inbox.watch(&alice);
    slow.begin(None).await.unwrap();
    let mut of_bob = inbox.watch(&bob);
    of_bob.begin(None).await.unwrap();
    for title in ["one", "two", "three"] {
        inbox.notify(&alice, says(title), None).await.unwrap();
    }
    let update = slow.next().await.unwrap().unwrap();
    assert_eq!(titles(&update.shown), ["one"], "each for itself");

    // The place is one of bob's watch that is to come.
    let place = inbox.shared.hub.bounds().head.at(Sequence(1_000));
    let ids = vec![place; EFFECTS_BYTES_MAX / size_of::<Cursor>() / 2];
    for _ in 0..3 {
        let shown = vec![Shown::Deleted { ids: ids.clone(), expired: false }];
        let effect = Effect { user: bob.clone(), place, shown, unread: Unread::default() };
        inbox.shared.live.tell(vec![effect]);
    }
    assert!(inbox.shared.live.bytes() <= EFFECTS_BYTES_MAX);

    let update = slow.next().await.unwrap().unwrap();
    assert_eq!((titles(&update.shown), update.unread.count), (vec!["two", "three"], 3), "from the database");
    assert!(!update.is_gap && slow.at_hand().await.unwrap().is_none());
    inbox.notify(&alice, says("four"), None).await.unwrap();
    assert_eq!(titles(&slow.next().await.unwrap().unwrap().shown), ["four"]);
    drop((slow, of_bob));
    assert_eq!(inbox.shared.live.bytes(), 0, "nobody watches");
}

fn titles(shown: &[Shown]) -> Vec<&str> {
    let titles = shown.iter().map(|shown| match shown {
        Shown::Notification(item) => &*item.says.title,
        other => panic!("{other:?}"),
    });
    titles.collect()
}
