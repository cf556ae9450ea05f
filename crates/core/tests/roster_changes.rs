//! A subscriber that asks for something else from now on: it is the same one, for the count, for lists, for dismissals, for those who
//! are told who comes and goes, and for the presence of what it still reads.

#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::{draft, selectors};
use tidings_core::memory::MemoryRetention;
use tidings_core::presence::News;
use tidings_core::ring::Watcher;
use tidings_core::{
    Attendee, Delivery, Dismissal, Epoch, Follower, Hub, Limits, MemoryStore, OnGap, RosterListener, Session,
    Subscription, Topic, Visitor, Whom,
};
use tokio::time::{advance, sleep};

#[derive(Default)]
struct Heard {
    told: Mutex<Vec<String>>,
    of_all: bool,
}

impl Heard {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.told.lock().unwrap())
    }

    fn note(&self, text: String) {
        self.told.lock().unwrap().push(text);
    }
}

fn shown(who: Attendee<'_>) -> String {
    let topics: Vec<_> = who.selectors.iter().map(ToString::to_string).collect();
    format!("{} {}", who.session.user.as_deref().unwrap_or("?"), topics.join(","))
}

impl RosterListener for Heard {
    fn joined(&self, who: Attendee<'_>) {
        self.note(format!("+{}", shown(who)));
    }

    fn left(&self, who: Attendee<'_>) {
        self.note(format!("-{}", shown(who)));
    }

    fn changed(&self, before: Attendee<'_>, now: Attendee<'_>) {
        assert_eq!(before.id, now.id);
        self.note(format!("{} -> {}", shown(before), shown(now)));
    }

    fn asks_for_all(&self) -> bool {
        self.of_all
    }
}

fn visitor(user: Option<&str>) -> Visitor {
    let session = user.map(|user| Arc::new(Session { user: Some(user.into()), ..Session::default() }));
    Visitor { session, transport: tidings_core::Transport::WebSocket, ..Visitor::default() }
}

async fn hub_with(limits: Limits) -> Hub {
    let store = MemoryStore::new(Epoch(36), ManualClock::at(0), MemoryRetention::default());
    Hub::start(Arc::new(store), limits).await.unwrap()
}

fn join(hub: &Hub, topics: &[&str], user: Option<&str>) -> Subscription {
    let follower = Follower::new(selectors(topics), OnGap::Earliest, hub.bounds().head);
    let attendance = hub.roster().attend(follower.selectors()).unwrap();
    hub.follow(follower, visitor(user), attendance)
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_changes_is_listed_as_the_same_with_what_it_reads_now() {
    let hub = hub_with(Limits::default()).await;
    let mut one = join(&hub, &["a"], Some("ada"));
    let id = one.id();
    advance(Duration::from_secs(5)).await;

    for topics in [&["a", "b/*", "c"][..], &["b/*"], &["b/*"], &["d", "e"]] {
        one.change(selectors(topics), visitor(Some("ada"))).unwrap();

        let listed = hub.roster().list(None, 10).await.subscribers;
        assert_eq!(listed.len(), 1);
        assert_eq!((listed[0].id, one.id(), listed[0].age.as_secs()), (id, id, 5));
        assert_eq!((&listed[0].selectors, one.selectors()), (&selectors(topics), &selectors(topics)));
        assert_eq!((hub.roster().count(), hub.roster().selectors()), (1, topics.len()));
    }
    drop(one);
    assert_eq!((hub.roster().count(), hub.roster().selectors()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn it_hears_what_it_reads_now_from_its_place_on() {
    let hub = hub_with(Limits::default()).await;
    let mut one = join(&hub, &["a"], None);
    let say = async |topic, text| hub.publish(draft(topic, text)).await.unwrap();
    say("a", "1").await;
    say("b", "2").await;
    assert_eq!(data(one.next().await.unwrap()), ["1"]);
    // It has not passed over what it did not ask for, and the place to which it could pass over is where it begins.
    say("b", "3").await;
    while one.advance().sequence.0 < 3 {
        sleep(Duration::from_millis(1)).await;
    }
    one.change(selectors(&["a", "b"]), visitor(None)).unwrap();
    say("b", "4").await;
    say("a", "5").await;
    let mut heard = Vec::new();
    while heard.len() < 2 {
        heard.extend(data(one.next().await.unwrap()));
    }
    assert_eq!(heard, ["4", "5"]);

    one.change(selectors(&["b"]), visitor(None)).unwrap();
    say("a", "6").await;
    say("b", "7").await;
    assert_eq!(data(one.next().await.unwrap()), ["7"]);
}

fn data(delivery: Option<Delivery>) -> Vec<String> {
    let Some(Delivery::Frames(frames)) = delivery else { return Vec::new() };
    frames.iter().map(|frame| String::from_utf8_lossy(frame.event().draft.data()).into_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_change_for_which_there_is_no_room_changes_nothing() {
    let mut limits = Limits::default();
    limits.selectors_max = 4;
    let hub = hub_with(limits).await;
    let heard = Arc::new(Heard { of_all: true, ..Heard::default() });
    hub.roster().add_listener(heard.clone());
    let (mut one, _other) = (join(&hub, &["a", "b"], None), join(&hub, &["a"], None));
    heard.take();

    let refused = one.change(selectors(&["a", "b", "c", "d"]), visitor(None)).unwrap_err();

    assert_eq!((refused.wanted, refused.max, hub.roster().selectors()), (2, 4, 3));
    assert_eq!(one.selectors(), &selectors(&["a", "b"]));
    assert!(heard.take().is_empty());
    // What it has counts for what it asks for: all but one of these are its own.
    one.change(selectors(&["c", "b", "a"]), visitor(None)).unwrap();
    assert_eq!(hub.roster().selectors(), 4);
    hub.publish(draft("c", "x")).await.unwrap();
    assert_eq!(data(one.next().await.unwrap()), ["x"]);
}

#[tokio::test(start_paused = true)]
async fn listeners_hear_of_a_change_and_of_no_end_and_no_beginning() {
    let hub = hub_with(Limits::default()).await;
    let [of_users, of_all] = [false, true].map(|of_all| Arc::new(Heard { of_all, ..Heard::default() }));
    hub.roster().add_listener(of_users.clone());
    hub.roster().add_listener(of_all.clone());
    let mut one = join(&hub, &["a"], None);

    one.change(selectors(&["b"]), visitor(None)).unwrap();
    one.change(selectors(&["b"]), visitor(Some("ada"))).unwrap();
    one.change(selectors(&["c"]), visitor(Some("ada"))).unwrap();
    drop(one);

    assert_eq!(of_all.take(), ["+? a", "? a -> ? b", "? b -> ada b", "ada b -> ada c", "-ada c"]);
    // To it a session comes with its user.
    assert_eq!(of_users.take(), ["+ada b", "ada b -> ada c", "-ada c"]);
}

#[tokio::test(start_paused = true)]
async fn an_end_that_was_told_before_a_change_is_not_lost_by_it() {
    let hub = hub_with(Limits::default()).await;
    let by_id = |one: &Subscription| Whom::Connection(one.id());
    let by_user = |_: &Subscription| Whom::User("ada".into());
    let by_topic = |_: &Subscription| Whom::Topic(Topic::parse("a").unwrap());
    let whom: [&dyn Fn(&Subscription) -> Whom; 3] = [&by_id, &by_user, &by_topic];
    for whom in whom {
        let mut one = join(&hub, &["a"], Some("ada"));
        assert_eq!(hub.roster().dismiss(&whom(&one), Dismissal::ByOperator).await, 1);
        one.change(selectors(&["b"]), visitor(Some("ada"))).unwrap();
        assert!(one.next().await.unwrap().is_none());
        assert_eq!(one.dismissed(), Some(Dismissal::ByOperator));

        // By the topic it is not meant any more.
        let mut one = join(&hub, &["a"], Some("ada"));
        one.change(selectors(&["b"]), visitor(Some("ada"))).unwrap();
        let whom = whom(&one);
        let meant = usize::from(!matches!(whom, Whom::Topic(_)));
        assert_eq!(hub.roster().dismiss(&whom, Dismissal::ByOperator).await, meant);
        assert_eq!(one.dismissed().is_some(), meant == 1);
    }
}

struct Nobody;

impl Watcher for Nobody {
    fn ring_moved(&self, _key: usize) {}
}

#[tokio::test(start_paused = true)]
async fn presence_follows_a_change_and_has_no_gap_for_a_topic_that_is_still_read() {
    let hub = hub_with(Limits::default()).await;
    let watched = selectors(&["tidings/presence/a", "tidings/presence/b"]);
    let view = hub.presences().watch(&watched, Arc::new(Nobody), 0).unwrap();
    let mut ada = join(&hub, &["a"], Some("ada"));
    // What is told of each topic after a while: who has come, and who has left.
    let told = async || {
        sleep(Duration::from_secs(30)).await;
        [0, 1].map(|topic| match view.look(topic, false).change.map(|notice| notice.news.clone()) {
            Some(News::Change { joined, left }) => (joined.first.len(), left.first.len()),
            Some(News::State(_)) | None => (0, 0),
        })
    };
    told().await;

    for (topics, expected) in [
        (&["a", "b"][..], [(0, 0), (1, 0)]),
        (&["*", "x"], [(0, 0), (0, 0)]),
        (&["a"], [(0, 0), (0, 1)]),
        (&["**"], [(0, 0), (1, 0)]),
        (&["c"], [(0, 1), (0, 1)]),
        (&["b"], [(0, 0), (1, 0)]),
    ] {
        ada.change(selectors(topics), visitor(Some("ada"))).unwrap();
        assert_eq!(told().await, expected, "{topics:?}");
    }
    ada.change(selectors(&["b"]), visitor(None)).unwrap();
    assert_eq!(told().await, [(0, 0), (0, 1)]);
    ada.change(selectors(&["b"]), visitor(Some("eve"))).unwrap();
    assert_eq!(told().await, [(0, 0), (1, 0)]);
    // A hub that lets one user become another says so.
    ada.change(selectors(&["b"]), visitor(Some("ada"))).unwrap();
    assert_eq!(told().await, [(0, 0), (1, 1)]);
    drop(ada);
    assert_eq!(told().await, [(0, 0), (0, 1)]);
}
