//! A subscriber that goes from one carrier to another: it is one all the time, for the count, for lists, for dismissals and for
//! those who are told who comes and goes.

#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::selectors;
use tidings_core::memory::MemoryRetention;
use tidings_core::{
    Attendee, Dismissal, Epoch, Follower, Hub, Limits, MemoryStore, OnGap, RosterListener, Session,
    Subscription, Visitor, Whom,
};
use tokio::time::{Instant, advance};

#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Heard {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl RosterListener for Heard {
    fn joined(&self, who: Attendee<'_>) {
        self.0.lock().unwrap().push(format!("+{}", who.id));
    }

    fn left(&self, who: Attendee<'_>) {
        self.0.lock().unwrap().push(format!("-{} {}", who.id, who.ending.unwrap_or("?")));
    }
}

fn ada() -> Arc<Session> {
    Arc::new(Session { user: Some("ada".into()), ..Session::default() })
}

async fn scene() -> (Hub, Arc<Heard>, Subscription) {
    let store = MemoryStore::new(Epoch(36), ManualClock::at(0), MemoryRetention::default());
    let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
    let heard = Arc::new(Heard::default());
    hub.roster().add_listener(heard.clone());
    let follower = Follower::new(selectors(&["a", "b/*"]), OnGap::Earliest, hub.bounds().head);
    let attendance = hub.roster().attend(follower.selectors()).unwrap();
    let visitor = Visitor { session: Some(ada()), ..Visitor::default() };
    let subscription = hub.follow(follower, visitor, attendance);
    (hub, heard, subscription)
}

fn nobody_asks() -> Option<std::net::IpAddr> {
    unreachable!("nobody asks for the address")
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_goes_to_a_carrier_and_back_is_one_all_the_time() {
    let (hub, heard, mut task) = scene().await;
    let (roster, id) = (hub.roster(), task.id());
    let mut carried = roster.attendances();
    advance(Duration::from_secs(5)).await;

    let (follower, attendance) = task.hand_over();
    drop(task);
    let on_its_way = roster.list(None, 10).await.subscribers;
    assert_eq!(on_its_way.iter().map(|one| (one.id, one.age.as_secs())).collect::<Vec<_>>(), [(id, 5)]);
    assert_eq!((roster.count(), roster.selectors()), (1, 2));
    assert_eq!(carried.take(attendance, follower.selectors(), Some(&ada()), nobody_asks), None);
    assert_eq!((roster.count(), roster.selectors()), (1, 2));
    assert!(
        roster.list(None, 10).await.subscribers.is_empty(),
        "its carrier lists it, and that is this test"
    );

    let visitor = Visitor { session: Some(ada()), ..Visitor::default() };
    let (place, since) = (follower.cursor().sequence, Instant::now() - Duration::from_secs(7));
    let attendance = carried.let_go(id, follower.selectors(), visitor.clone(), place, since);
    assert_eq!(roster.list(None, 10).await.subscribers.len(), 1);
    let back = hub.follow(follower, visitor, attendance);
    drop(carried);
    let listed = roster.list(None, 10).await.subscribers;
    assert_eq!(listed.iter().map(|one| (one.id, one.age.as_secs())).collect::<Vec<_>>(), [(id, 7)]);
    assert_eq!((back.id(), roster.count(), roster.selectors()), (id, 1, 2));
    assert_eq!(heard.take(), [format!("+{id}")]);

    drop(back);
    assert_eq!(heard.take(), [format!("-{id} ?")]);
    assert_eq!((roster.count(), roster.selectors()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_is_dismissed_on_its_way_is_ended_by_the_carrier_that_takes_it() {
    let (hub, _, mut task) = scene().await;
    let (roster, id) = (hub.roster(), task.id());
    let mut carried = roster.attendances();

    let (follower, attendance) = task.hand_over();
    drop(task);
    assert_eq!(roster.dismiss(&Whom::Connection(id), Dismissal::ByOperator).await, 1);

    let dismissed = carried.take(attendance, follower.selectors(), Some(&ada()), nobody_asks);
    assert_eq!(dismissed, Some(Dismissal::ByOperator));
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_is_dismissed_on_its_way_back_is_ended_by_its_task() {
    let (hub, _, mut task) = scene().await;
    let (roster, id) = (hub.roster(), task.id());
    let mut carried = roster.attendances();
    let (follower, attendance) = task.hand_over();
    assert_eq!(carried.take(attendance, follower.selectors(), Some(&ada()), nobody_asks), None);

    let place = follower.cursor().sequence;
    let attendance = carried.let_go(id, follower.selectors(), Visitor::default(), place, Instant::now());
    assert_eq!(roster.dismiss(&Whom::Connection(id), Dismissal::AccessEnded).await, 1);
    let mut back = hub.follow(follower, Visitor::default(), attendance);

    assert!(back.next().await.unwrap().is_none());
    assert_eq!(back.dismissed(), Some(Dismissal::AccessEnded));
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_is_lost_on_its_way_has_left() {
    let (hub, heard, mut task) = scene().await;
    let id = task.id();

    let (_, attendance) = task.hand_over();
    task.note_ending("nobody's");
    drop(task);
    assert_eq!(hub.roster().count(), 1);
    drop(attendance);

    assert_eq!((hub.roster().count(), hub.roster().selectors()), (0, 0));
    assert_eq!(heard.take(), [format!("+{id}"), format!("-{id} ?")]);
}
