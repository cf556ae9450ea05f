//! The roster: who is subscribed, in pages, and how subscribers are ended.

#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::{draft, selectors};
use tidings_core::limits::COMING_WAIT_MAX;
use tidings_core::memory::MemoryRetention;
use tidings_core::{
    Attendee, ConnectionId, Dismissal, Epoch, Follower, Hub, Limits, MemoryStore, OnGap, RosterListener,
    Sequence, Session, Subscription, Topic, Transport, Visitor, Whom,
};
use tokio::time::{Instant, advance, sleep, timeout};

async fn hub() -> Hub {
    let store = MemoryStore::new(Epoch(36), ManualClock::at(0), MemoryRetention::default());
    Hub::start(Arc::new(store), Limits::default()).await.unwrap()
}

fn join(hub: &Hub, topic: &str, user: Option<&str>) -> Subscription {
    let session = user.map(|user| Session { user: Some(user.into()), ..Session::default() });
    join_with(hub, topic, session)
}

fn join_with(hub: &Hub, topic: &str, session: Option<Session>) -> Subscription {
    let follower = Follower::new(selectors(&[topic]), OnGap::Earliest, hub.bounds().head);
    let attendance = hub.roster().attend(follower.selectors()).unwrap();
    let visitor = Visitor { session: session.map(Arc::new), ..Visitor::default() };
    hub.follow(follower, visitor, attendance)
}

#[tokio::test(start_paused = true)]
async fn subscribers_are_counted_and_listed_with_what_they_asked_for_and_their_age() {
    let hub = hub().await;
    let ada = join(&hub, "orders/*", Some("ada"));
    advance(Duration::from_secs(5)).await;
    let nobody = join(&hub, "a", None);
    advance(Duration::from_secs(2)).await;

    assert_eq!(hub.roster().count(), 2);
    let page = hub.roster().list(None, 10).await;
    let listed: Vec<_> =
        page.subscribers.iter().map(|one| (one.id, one.age.as_secs(), one.visitor.user())).collect();
    assert_eq!(listed, [(ada.id(), 7, Some("ada")), (nobody.id(), 2, None)]);
    assert_eq!(page.subscribers[0].selectors, selectors(&["orders/*"]));
    assert!(!page.more);

    drop(ada);
    assert_eq!(hub.roster().count(), 1);
    assert_eq!(hub.roster().list(None, 10).await.subscribers.len(), 1);
    drop(nobody);
    assert_eq!(hub.roster().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_lags_by_the_events_after_its_place_until_it_has_caught_up() {
    let hub = hub().await;
    let mut reads = join(&hub, "a", None);
    let mut quiet = join(&hub, "b", None);
    let lags = async || {
        let page = hub.roster().list(None, 10).await;
        let head = hub.bounds().head.sequence;
        page.subscribers.iter().map(|one| one.lag(head)).collect::<Vec<_>>()
    };
    for subscription in [&mut reads, &mut quiet] {
        timeout(Duration::from_millis(1), subscription.next()).await.unwrap_err();
    }
    assert_eq!(lags().await, [0, 0]);

    for text in ["1", "2", "3"] {
        hub.publish(draft("a", text)).await.unwrap();
    }
    while hub.shown() < Sequence(3) {
        tokio::task::yield_now().await;
    }
    assert_eq!(lags().await, [3, 0]);

    reads.next().await.unwrap();
    timeout(Duration::from_millis(1), reads.next()).await.unwrap_err();
    assert_eq!(lags().await, [0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_is_listed_with_the_address_that_was_told_else_with_that_of_its_connection() {
    let hub = hub().await;
    let (told, own) = ("192.0.2.1".parse().unwrap(), "127.0.0.1".parse().unwrap());
    let through_a_proxy = Arc::new(Session { address: Some(told), ..Session::default() });
    let mut kept = Vec::new();
    for session in [None, Some(through_a_proxy)] {
        let follower = Follower::new(selectors(&["a"]), OnGap::Earliest, hub.bounds().head);
        let attendance = hub.roster().attend(follower.selectors()).unwrap();
        let visitor = Visitor { session, address: Some(own), transport: Transport::Sse };
        kept.push(hub.follow(follower, visitor, attendance));
    }

    let page = hub.roster().list(None, 10).await;

    let listed: Vec<_> =
        page.subscribers.iter().map(|one| (one.visitor.client_address(), one.visitor.transport)).collect();
    assert_eq!(listed, [(Some(own), Transport::Sse), (Some(told), Transport::Sse)]);
}

#[tokio::test(start_paused = true)]
async fn the_audience_of_a_topic_is_its_users_in_pages_and_all_of_its_connections() {
    let hub = hub().await;
    let _kept = [
        join(&hub, "orders/*", Some("u2")),
        join(&hub, "orders/9", Some("u1")),
        join(&hub, "**", Some("u2")),
        join(&hub, "orders/9", None),
        join(&hub, "orders/8", Some("u0")),
    ];
    let topic = Topic::parse("orders/9").unwrap();

    let first = hub.roster().audience(&topic, None, 1).await;
    let second = hub.roster().audience(&topic, Some("u1".into()), 1).await;

    assert_eq!((first.connections, first.users, first.more), (4, vec![("u1".into(), 1)], true));
    assert_eq!((second.connections, second.users, second.more), (4, vec![("u2".into(), 2)], false));
}

#[tokio::test(start_paused = true)]
async fn pages_join_without_hole_or_repeat() {
    let hub = hub().await;
    let subscriptions: Vec<_> = (0..7).map(|_| join(&hub, "a", None)).collect();
    let all: Vec<ConnectionId> = subscriptions.iter().map(Subscription::id).collect();

    for limit in [1, 2, 3, 6, 7, 8] {
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let page = hub.roster().list(after, limit).await;
            listed.extend(page.subscribers.iter().map(|one| one.id));
            assert_eq!(page.subscribers.len(), limit.min(7 - (listed.len() - page.subscribers.len())));
            assert_eq!(page.more, listed.len() < 7, "with pages of {limit}");
            after = listed.last().copied();
            if !page.more {
                break;
            }
        }
        assert_eq!(listed, all, "with pages of {limit}");
    }
    let rest = hub.roster().list(all.last().copied(), 3).await;
    assert!(rest.subscribers.is_empty() && !rest.more);
}

#[tokio::test(start_paused = true)]
async fn subscribers_are_ended_by_id_by_user_by_token_and_by_topic_with_a_reason() {
    let topic = Topic::parse("orders/42").unwrap();
    for (number, ended) in [
        (0, [true, false, false, false]),
        (1, [true, true, false, false]),
        (2, [true, false, true, false]),
        (3, [false, true, false, true]),
    ] {
        let hub = hub().await;
        let of_token = |user: Option<&str>, token_id: &str| {
            let user = user.map(Arc::from);
            Some(Session { user, token_id: Some(token_id.into()), ..Session::default() })
        };
        let mut all = [
            join(&hub, "orders/*", Some("ada")),
            join_with(&hub, "a", of_token(Some("ada"), "t1")),
            join_with(&hub, "orders/42", of_token(Some("adam"), "t10")),
            join_with(&hub, "orders/43", of_token(None, "t1")),
        ];
        let whom = match number {
            0 => Whom::Connection(all[0].id()),
            1 => Whom::User("ada".into()),
            2 => Whom::Topic(topic.clone()),
            _ => Whom::Token("t1".into()),
        };

        let count = hub.roster().dismiss(&whom, Dismissal::AccessEnded).await;

        assert_eq!(count, ended.iter().filter(|ended| **ended).count(), "{whom:?}");
        for (subscription, ended) in all.iter_mut().zip(ended) {
            assert_eq!(subscription.dismissed(), ended.then_some(Dismissal::AccessEnded), "{whom:?}");
            let next = timeout(Duration::from_millis(1), subscription.next()).await;
            assert_eq!(matches!(next, Ok(Ok(None))), ended, "{whom:?}");
        }
        assert_eq!(hub.roster().dismiss(&whom, Dismissal::ByOperator).await, 0, "each is ended once");
    }
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_waits_is_woken_to_end_and_one_with_events_ends_before_them() {
    let hub = hub().await;
    let mut waiting = join(&hub, "a", None);
    let mut behind = join(&hub, "b", None);
    hub.publish(draft("b", "x")).await.unwrap();
    let (waits, behind_id) = (waiting.id(), behind.id());
    let task = tokio::spawn(async move { (waiting.next().await.unwrap().is_none(), waiting.dismissed()) });
    tokio::task::yield_now().await;

    assert_eq!(hub.roster().dismiss(&Whom::Connection(waits), Dismissal::ByOperator).await, 1);
    assert_eq!(hub.roster().dismiss(&Whom::Connection(behind_id), Dismissal::AccessEnded).await, 1);

    let ended = timeout(Duration::from_secs(1), task).await.unwrap().unwrap();
    assert_eq!(ended, (true, Some(Dismissal::ByOperator)));
    assert!(behind.next().await.unwrap().is_none());
    assert_eq!(behind.dismissed(), Some(Dismissal::AccessEnded));
}

#[tokio::test(start_paused = true)]
async fn the_id_of_a_subscriber_that_has_left_is_not_given_to_the_next_one() {
    let hub = hub().await;
    let first = join(&hub, "a", None);
    let id = first.id();
    drop(first);

    let second = join(&hub, "a", None);

    assert_ne!(second.id(), id);
    assert_eq!(hub.roster().dismiss(&Whom::Connection(id), Dismissal::ByOperator).await, 0);
    assert_eq!(second.dismissed(), None);
    assert_eq!(second.id().to_string().parse(), Ok(second.id()));
}

#[tokio::test]
async fn selectors_of_all_subscriptions_together_are_counted_and_bounded() {
    let store = MemoryStore::new(Epoch(36), ManualClock::at(0), MemoryRetention::default());
    let mut limits = Limits::default();
    limits.selectors_max = 5;
    let hub = Hub::start(Arc::new(store), limits).await.unwrap();
    let roster = hub.roster();

    let ada = join(&hub, "a", None);
    let other = roster.attend(&selectors(&["a", "b/*", "**"])).unwrap();
    assert_eq!(roster.selectors(), 4);

    let refused = roster.attend(&selectors(&["x", "y"])).err().unwrap();
    assert_eq!((refused.wanted, refused.max, roster.selectors(), roster.count()), (2, 5, 4, 2));
    let last = roster.attend(&selectors(&["x"])).unwrap();
    assert!(roster.attend(&selectors(&["y"])).is_err());

    let mut carried = roster.attendances();
    let of_other = selectors(&["a", "b/*", "**"]);
    let id = other.id();
    carried.take(other, &of_other, None, || None);
    drop(last);
    assert_eq!((roster.selectors(), roster.count()), (4, 2));
    carried.leave(id, &of_other, None, "gone");
    assert_eq!((roster.selectors(), roster.count()), (1, 1));
    drop((ada, carried));
    assert_eq!((roster.selectors(), roster.count()), (0, 0));
}

/// What it was told: `+` or `-`, the user and what it reads.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Heard {
    fn note(&self, sign: char, who: Attendee<'_>) {
        let topics: Vec<_> = who.selectors.iter().map(ToString::to_string).collect();
        let user = who.session.user.as_deref().unwrap_or("?");
        self.0.lock().unwrap().push(format!("{sign}{user} {} {}", topics.join(","), who.id));
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl RosterListener for Heard {
    fn joined(&self, who: Attendee<'_>) {
        self.note('+', who);
    }

    fn left(&self, who: Attendee<'_>) {
        self.note('-', who);
    }
}

#[tokio::test]
async fn listeners_hear_of_each_session_that_comes_and_goes_and_of_nobody_else() {
    let hub = hub().await;
    let roster = hub.roster();
    let before = join(&hub, "a", Some("bob"));
    let heard = [Arc::new(Heard::default()), Arc::new(Heard::default())];
    heard.iter().for_each(|heard| roster.add_listener(heard.clone()));

    let ada = join(&hub, "orders/*", Some("ada"));
    drop(join(&hub, "a", None));
    let (of_ada, of_bob) = (ada.id(), before.id());
    drop((ada, before));

    let expected =
        [format!("+ada orders/* {of_ada}"), format!("-ada orders/* {of_ada}"), format!("-bob a {of_bob}")];
    assert_eq!(heard.each_ref().map(|heard| heard.take()), [&expected, &expected]);

    let cleo = Arc::new(Session { user: Some("cleo".into()), ..Session::default() });
    let (mut carried, asked_for) = (roster.attendances(), selectors(&["b"]));
    let [one, other] = [(); 2].map(|()| roster.attend(&asked_for).unwrap());
    let (id, of_nobody) = (one.id(), other.id());
    assert!(heard[0].take().is_empty(), "no carrier knows it yet");
    carried.take(one, &asked_for, Some(&cleo), || unreachable!("nobody asks for the address"));
    carried.take(other, &asked_for, None, || unreachable!("nobody asks for the address"));
    carried.leave(of_nobody, &asked_for, None, "gone");
    carried.leave(id, &asked_for, Some(&cleo), "gone");

    assert_eq!(heard[0].take(), [format!("+cleo b {id}"), format!("-cleo b {id}")]);
}

/// What it was told, of all: `+` or `-`, the user, the address and the reason.
#[derive(Default)]
struct HeardAll(Mutex<Vec<String>>);

impl HeardAll {
    fn note(&self, sign: char, who: Attendee<'_>) {
        let user = who.session.user.as_deref().unwrap_or("?");
        let address = who.address.map_or("?".to_owned(), |address| address.to_string());
        let ending = who.ending.unwrap_or("?");
        self.0.lock().unwrap().push(format!("{sign}{user} {address} {ending} {}", who.id));
    }
}

impl RosterListener for HeardAll {
    fn joined(&self, who: Attendee<'_>) {
        self.note('+', who);
    }

    fn left(&self, who: Attendee<'_>) {
        self.note('-', who);
    }

    fn asks_for_all(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn a_listener_that_asks_for_all_hears_of_anonymous_subscribers_their_addresses_and_their_endings() {
    let hub = hub().await;
    let roster = hub.roster();
    let heard = Arc::new(HeardAll::default());
    roster.add_listener(heard.clone());
    let asked_for = selectors(&["b"]);

    let mut carried = roster.attendances();
    let one = roster.attend(&asked_for).unwrap();
    let carried_id = one.id();
    carried.take(one, &asked_for, None, || Some([192, 0, 2, 1].into()));
    carried.leave(carried_id, &asked_for, None, "age");
    let visitor = Visitor { address: Some([192, 0, 2, 2].into()), transport: Transport::Sse, session: None };
    let follower = Follower::new(asked_for.clone(), OnGap::Earliest, hub.bounds().head);
    let mut task = hub.follow(follower, visitor, roster.attend(&asked_for).unwrap());
    let task_id = task.id();
    task.note_ending("drain");
    task.note_ending("client-gone");
    drop(task);
    drop(join(&hub, "a", None));

    let expected = [
        format!("+? 192.0.2.1 ? {carried_id}"),
        format!("-? ? age {carried_id}"),
        format!("+? 192.0.2.2 ? {task_id}"),
        format!("-? ? drain {task_id}"),
    ];
    assert_eq!(*heard.0.lock().unwrap(), expected, "and nothing of a part of the program itself");
}

/// Its client may know the id already, from the first bytes of the stream.
#[tokio::test(start_paused = true)]
async fn a_dismissal_reaches_a_subscriber_that_is_on_its_way_to_its_carrier_and_waits_no_longer_than_that() {
    let hub = hub().await;
    let follower = Follower::new(selectors(&["a"]), OnGap::Earliest, hub.bounds().head);
    let attendance = hub.roster().attend(follower.selectors()).unwrap();
    let whom = Whom::Connection(attendance.id());
    let (roster, began) = (hub.roster().clone(), Instant::now());

    let dismissal = tokio::spawn(async move { roster.dismiss(&whom, Dismissal::ByOperator).await });
    sleep(Duration::from_millis(20)).await;
    let mut subscription = hub.follow(follower, Visitor::default(), attendance);

    assert_eq!(dismissal.await.unwrap(), 1);
    assert!(began.elapsed() < COMING_WAIT_MAX, "{:?}", began.elapsed());
    assert!(subscription.next().await.unwrap().is_none());

    let never_comes = hub.roster().attend(&selectors(&["a"])).unwrap();
    let whom = Whom::Connection(never_comes.id());
    assert_eq!(hub.roster().dismiss(&whom, Dismissal::ByOperator).await, 0);
}
