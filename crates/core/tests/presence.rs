//! Presence: who watches a topic hears which users read it, and once in each debounce who has come and gone.

#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::selectors;
use tidings_core::limits::{PRESENCE_TOPICS_MAX, PRESENCE_USERS_MAX};
use tidings_core::memory::MemoryRetention;
use tidings_core::presence::{News, Notice, People, PresenceView};
use tidings_core::ring::Watcher;
use tidings_core::{Epoch, Follower, Hub, Limits, MemoryStore, OnGap, Session, Subscription, Visitor};
use tokio::time::sleep;

const DEBOUNCE: Duration = Duration::from_secs(5);

async fn hub() -> Hub {
    let store = MemoryStore::new(Epoch(36), ManualClock::at(0), MemoryRetention::default());
    Hub::start(Arc::new(store), Limits::default()).await.unwrap()
}

fn join(hub: &Hub, selector: &str, user: Option<&str>) -> Subscription {
    join_as(hub, selector, user.map(|user| Session { user: Some(user.into()), ..Session::default() }))
}

fn join_as(hub: &Hub, selector: &str, session: Option<Session>) -> Subscription {
    let follower = Follower::new(selectors(&[selector]), OnGap::Earliest, hub.bounds().head);
    let attendance = hub.roster().attend(follower.selectors()).unwrap();
    let visitor = Visitor { session: session.map(Arc::new), ..Visitor::default() };
    hub.follow(follower, visitor, attendance)
}

/// Counts how often it was woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Watcher for Woken {
    fn ring_moved(&self, _key: usize) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A watcher that looks whenever it may, as a stream does.
struct Watch {
    view: PresenceView,
    wants_state: Mutex<bool>,
    woken: Arc<Woken>,
}

impl Watch {
    fn of(hub: &Hub, topic: &str) -> Self {
        let woken = Arc::new(Woken::default());
        let asked = selectors(&[&format!("tidings/presence/{topic}")]);
        let view = hub.presences().watch(&asked, woken.clone(), 0).unwrap();
        Self { view, wants_state: Mutex::new(true), woken }
    }

    /// What it is told, in words: `=` and who is there, or `+` and `-` and who has come and gone, and the total.
    fn look(&self) -> Vec<String> {
        self.notices().iter().map(|notice| words(notice)).collect()
    }

    fn notices(&self) -> Vec<Arc<Notice>> {
        let mut wants_state = self.wants_state.lock().unwrap();
        let look = self.view.look(0, *wants_state);
        if look.state.is_some() {
            *wants_state = false;
        }
        look.change.into_iter().chain(look.state).collect()
    }
}

fn words(notice: &Notice) -> String {
    let names = |people: &People| {
        let names: Vec<_> = people.first.iter().map(|person| person.user.to_string()).collect();
        names.join(",") + if people.more { ",..." } else { "" }
    };
    match &notice.news {
        News::State(users) => format!("={} {}", names(users), notice.total),
        News::Change { joined, left } => format!("+{} -{} {}", names(joined), names(left), notice.total),
    }
}

/// Lets the keeper do what can be done at once.
async fn settle() {
    sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn the_state_is_who_was_there_and_then_each_debounce_has_one_change() {
    let hub = hub().await;
    let ada = join(&hub, "orders/9", Some("ada"));
    let _everywhere = join(&hub, "orders/*", Some("bob"));
    let _elsewhere = join(&hub, "orders/8", Some("cleo"));
    let _nobody = join(&hub, "orders/9", None);
    let watch = Watch::of(&hub, "orders/9");
    assert!(watch.look().is_empty(), "the roster has not been called");

    settle().await;
    assert_eq!(watch.look(), ["=ada,bob 2"]);

    let _dora = join(&hub, "orders/9", Some("dora"));
    drop(ada);
    sleep(DEBOUNCE - Duration::from_millis(10)).await;
    assert!(watch.look().is_empty());
    let eve = join(&hub, "**", Some("eve"));
    sleep(Duration::from_millis(20)).await;
    assert_eq!(watch.look(), ["+dora,eve -ada 3"]);

    drop(eve);
    sleep(DEBOUNCE - Duration::from_millis(30)).await;
    assert!(watch.look().is_empty());
    sleep(Duration::from_millis(40)).await;
    assert_eq!(watch.look(), ["+ -eve 2"]);
    sleep(10 * DEBOUNCE).await;
    assert!(watch.look().is_empty());
}

/// The reload may lie across the moment at which a change is due for another user.
#[tokio::test(start_paused = true)]
async fn a_reload_is_neither_a_leave_nor_a_join_whenever_it_happens() {
    let hub = hub().await;
    let watch = Watch::of(&hub, "a");
    let mut reloads = join(&hub, "a", Some("ada"));
    settle().await;
    assert_eq!(watch.look(), ["=ada 1"]);
    let _bob = join(&hub, "a", Some("bob"));
    sleep(DEBOUNCE - Duration::from_millis(500)).await;

    for _ in 0..20 {
        drop(reloads);
        sleep(Duration::from_millis(900)).await;
        reloads = join(&hub, "a", Some("ada"));
        sleep(Duration::from_millis(100)).await;
    }
    sleep(2 * DEBOUNCE).await;

    assert_eq!(watch.look(), ["+bob - 2"]);
    drop(reloads);
    sleep(DEBOUNCE + Duration::from_millis(10)).await;
    assert_eq!(watch.look(), ["+ -ada 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_user_with_three_tabs_is_one_and_leaves_with_the_last() {
    let hub = hub().await;
    let watch = Watch::of(&hub, "a");
    settle().await;
    assert_eq!(watch.look(), ["= 0"]);

    let tabs = [(); 3].map(|()| join(&hub, "a", Some("ada")));
    sleep(DEBOUNCE + Duration::from_millis(10)).await;
    assert_eq!(watch.look(), ["+ada - 1"]);

    let [one, two, three] = tabs;
    drop((one, two));
    sleep(2 * DEBOUNCE).await;
    assert!(watch.look().is_empty());
    drop(three);
    sleep(DEBOUNCE + Duration::from_millis(10)).await;
    assert_eq!(watch.look(), ["+ -ada 0"]);
}

#[tokio::test(start_paused = true)]
async fn who_comes_and_goes_within_a_debounce_is_told_to_those_alone_who_saw_it_in_their_state() {
    let hub = hub().await;
    let first = Watch::of(&hub, "a");
    settle().await;
    assert_eq!(first.look(), ["= 0"]);
    drop(join(&hub, "a", Some("ada")));
    sleep(2 * DEBOUNCE).await;
    assert!(first.look().is_empty());

    let bob = join(&hub, "a", Some("bob"));
    let second = Watch::of(&hub, "a");
    assert_eq!(second.look(), ["=bob 1"]);
    drop(bob);
    settle().await;
    let bob = join(&hub, "a", Some("bob"));
    sleep(DEBOUNCE + Duration::from_millis(10)).await;
    assert_eq!([first.look(), second.look()], [["+bob - 1"], ["+bob - 1"]]);
    drop(bob);
    sleep(DEBOUNCE + Duration::from_millis(10)).await;
    assert_eq!([first.look(), second.look()], [["+ -bob 0"], ["+ -bob 0"]]);

    let cleo = join(&hub, "a", Some("cleo"));
    let third = Watch::of(&hub, "a");
    assert_eq!(third.look(), ["=cleo 1"]);
    drop(cleo);
    sleep(DEBOUNCE + Duration::from_millis(10)).await;
    assert_eq!(third.look(), ["+ -cleo 0"]);
}

#[tokio::test(start_paused = true)]
async fn lists_have_a_hundred_users_and_the_total_is_right() {
    let hub = hub().await;
    let user = |number: usize| format!("u{number:03}");
    let crowd: Vec<_> = (0..150).map(|number| join(&hub, "a", Some(&user(number)))).collect();
    let watch = Watch::of(&hub, "a");
    settle().await;
    let firsts = (0..PRESENCE_USERS_MAX).map(user).collect::<Vec<_>>().join(",");
    assert_eq!(watch.look(), [format!("={firsts},... 150")]);

    drop(crowd);
    let _again: Vec<_> = (500..640).map(|number| join(&hub, "a", Some(&user(number)))).collect();
    sleep(DEBOUNCE + Duration::from_millis(10)).await;

    let joined = (500..600).map(user).collect::<Vec<_>>().join(",");
    assert_eq!(watch.look(), [format!("+{joined},... -{firsts},... 140")]);
}

#[tokio::test(start_paused = true)]
async fn infos_come_with_their_users_and_a_list_has_a_bound_in_bytes() {
    let hub = hub().await;
    let user = |number: usize, info: &str| Session {
        user: Some(format!("u{number}").into()),
        info: Some(info.into()),
        ..Session::default()
    };
    let watch = Watch::of(&hub, "a");
    settle().await;
    watch.look();
    let _ann = join_as(&hub, "a", Some(user(1, r#"{"name":"Ann"}"#)));
    let long = "x".repeat(20_000);
    let _long: Vec<_> = (2..9).map(|number| join_as(&hub, "a", Some(user(number, &long)))).collect();
    sleep(DEBOUNCE + Duration::from_millis(10)).await;

    let notices = watch.notices();
    let [notice] = &notices[..] else { panic!("{notices:?}") };
    let News::Change { joined, .. } = &notice.news else { panic!("{notice:?}") };
    let infos: Vec<_> = joined.first.iter().map(|person| person.info.as_ref().unwrap().len()).collect();
    assert_eq!((infos, joined.more, notice.total), (vec![14, 20_000, 20_000, 20_000], true, 8));
}

#[tokio::test(start_paused = true)]
async fn what_a_token_says_of_a_user_is_that_of_the_newest_tab() {
    let hub = hub().await;
    let ann = |info: &str| {
        let info = Some(info.into());
        Some(Session { user: Some("ann".into()), info, ..Session::default() })
    };
    let told = |watch: &Watch| match &watch.notices()[0].news {
        News::State(people) => people.first[0].info.as_deref().map(str::to_owned),
        News::Change { .. } => None,
    };
    let _first = join_as(&hub, "a", ann("1"));
    let watch = Watch::of(&hub, "a");
    settle().await;
    assert_eq!(told(&watch).as_deref(), Some("1"));

    let _second = join_as(&hub, "a", ann("2"));

    assert_eq!(told(&Watch::of(&hub, "a")).as_deref(), Some("2"));
}

#[tokio::test(start_paused = true)]
async fn a_state_has_nobody_of_whom_it_was_told_that_they_left() {
    let hub = hub().await;
    let ada = join(&hub, "a", Some("ada"));
    let watch = Watch::of(&hub, "a");
    settle().await;
    assert_eq!(watch.look(), ["=ada 1"]);
    drop(ada);
    sleep(DEBOUNCE + Duration::from_millis(10)).await;
    assert_eq!(watch.look(), ["+ -ada 0"]);

    assert_eq!(Watch::of(&hub, "a").look(), ["= 0"]);
}

#[tokio::test(start_paused = true)]
async fn between_two_changes_lies_a_debounce() {
    let hub = hub().await;
    let ada = join(&hub, "a", Some("ada"));
    let watch = Watch::of(&hub, "a");
    settle().await;
    watch.look();
    let _bob = join(&hub, "a", Some("bob"));
    sleep(DEBOUNCE - Duration::from_millis(500)).await;
    drop(ada);
    sleep(Duration::from_millis(510)).await;
    assert_eq!(watch.look(), ["+bob - 2"]);

    sleep(DEBOUNCE - Duration::from_millis(100)).await;
    assert!(watch.look().is_empty());
    sleep(Duration::from_millis(200)).await;
    assert_eq!(watch.look(), ["+ -ada 1"]);
}

/// All watchers share one notice in a debounce, and are woken once for it.
#[tokio::test(start_paused = true)]
async fn ten_thousand_users_in_a_storm_are_one_notice_for_all_watchers() {
    let hub = hub().await;
    let watches: Vec<_> = (0..1_000).map(|_| Watch::of(&hub, "a")).collect();
    settle().await;
    assert!(watches.iter().all(|watch| watch.look() == ["= 0"]));
    let woken = |watch: &Watch| watch.woken.0.swap(0, Ordering::Relaxed);
    assert!(watches.iter().map(woken).sum::<usize>() > 0);

    let _crowd: Vec<_> = (0..10_000).map(|number| join(&hub, "a", Some(&format!("u{number}")))).collect();
    sleep(DEBOUNCE + Duration::from_millis(10)).await;

    let told: Vec<_> = watches.iter().map(Watch::notices).collect();
    assert!(told.iter().all(|told| told.len() == 1));
    assert!(told.iter().all(|one| Arc::ptr_eq(&one[0], &told[0][0])), "each watcher has its own");
    assert!(watches.iter().all(|watch| woken(watch) == 1));
    assert_eq!(told[0][0].total, 10_000);
}

#[tokio::test(start_paused = true)]
async fn a_watcher_that_misses_a_change_is_given_the_state_and_keeps_one_notice_at_most() {
    let hub = hub().await;
    let watch = Watch::of(&hub, "a");
    settle().await;
    watch.look();
    let mut crowd = Vec::new();
    for number in 0..3 {
        crowd.push(join(&hub, "a", Some(&format!("u{number}"))));
        sleep(2 * DEBOUNCE).await;
    }

    let look = watch.view.look(0, false);

    assert!(look.has_missed && look.change.is_none());
    assert_eq!(words(&look.state.unwrap()), "=u0,u1,u2 3");
    crowd.clear();
    sleep(2 * DEBOUNCE).await;
    assert_eq!(watch.look(), ["+ -u0,u1,u2 0"]);
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_is_watched_again_has_no_ghosts_from_before() {
    let hub = hub().await;
    let ada = join(&hub, "a", Some("ada"));
    let watch = Watch::of(&hub, "a");
    settle().await;
    assert_eq!(watch.look(), ["=ada 1"]);
    drop((watch, ada));
    let _bob = join(&hub, "a", Some("bob"));

    let again = Watch::of(&hub, "a");
    sleep(Duration::from_millis(200)).await;

    assert_eq!(again.look(), ["=bob 1"]);
}

#[tokio::test(start_paused = true)]
async fn only_so_many_topics_are_watched_at_once() {
    let hub = hub().await;
    let watches: Vec<_> =
        (0..PRESENCE_TOPICS_MAX).map(|number| Watch::of(&hub, &number.to_string())).collect();

    let check = |topic: &str| hub.presences().check_room(&selectors(&[topic])).is_ok();
    assert!(check("tidings/presence/0") && check("a"));
    assert!(!check("tidings/presence/a"));
    // One that was let in at the same moment hears nothing.
    let late = Watch::of(&hub, "a");
    sleep(Duration::from_millis(200)).await;
    assert!(late.look().is_empty() && watches[0].look() == ["= 0"]);
    drop(late);
    drop(watches);
    assert!(check("tidings/presence/a"));
}

#[tokio::test(start_paused = true)]
async fn a_hub_that_is_closed_ends_its_keeper() {
    let hub = hub().await;
    let _watch = Watch::of(&hub, "a");

    tokio::time::timeout(Duration::from_secs(1), hub.close()).await.unwrap().unwrap();
}
