//! Orders as the operator of a hub gives them, and as they come from the log.

use std::time::Duration;

use http::Request;
use tidings_core::contract::ManualClock;
use tidings_core::memory::MemoryRetention;
use tidings_core::{Epoch, Limits, MemoryStore, Sequence};
use tidings_testkit::deadline::until;
use tidings_testkit::faulty::{Fault, FaultyStore};

use super::*;
use crate::config::HttpConfig;
use crate::console::Pages;
use crate::limits::DENIALS_MAX;

async fn front(clock: Arc<ManualClock>) -> (Front, Fault) {
    let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
    let (store, fault) = FaultyStore::new(Arc::new(store));
    let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
    (Front::new(hub, HttpConfig::default(), Pages::default(), clock), fault)
}

fn user(name: &str) -> Outcast {
    Outcast::User(name.into())
}

/// Keeps out as many users as can be, until a time.
fn fill(front: &Front, until: u64) {
    for number in 0..DENIALS_MAX {
        front.denials().known.note(user(&number.to_string()), UnixMillis(until), UnixMillis(0));
    }
}

/// The keeper read the order from the log and ended the stream, and the operator was told that there was none.
#[tokio::test(start_paused = true)]
async fn an_operator_counts_the_streams_before_the_keeper_ends_them() {
    let (front, fault) = front(ManualClock::at(0)).await;
    let (parts, ()) = Request::get("/mine").body(()).unwrap().into_parts();
    let grants = Grants { user: Some("u1".into()), ..Grants::default() };
    let _stream = front.subscribe(&parts, Topic::parse("a").unwrap().into(), grants).await;
    fault.answer_after(Duration::from_secs(1));

    let ended = front.deny(user("u1"), UnixMillis(1_000)).await;

    assert_eq!(ended.ok(), Some(1));
}

#[tokio::test(start_paused = true)]
async fn an_order_for_which_there_is_no_room_is_refused_and_not_written() {
    let (front, _) = front(ManualClock::at(0)).await;
    fill(&front, 100);

    let refused = front.deny(user("new"), UnixMillis(50)).await;

    assert_eq!(refused.map_err(|problem| problem.problem_type()), Err(ProblemType::DenialsFull));
    assert_eq!(front.hub().bounds().head.sequence, Sequence(0));
    assert_eq!(front.deny(user("7"), UnixMillis(50)).await.ok(), Some(0), "there is no more of them");
}

/// What counts is when each order was given, and not when it is read.
#[tokio::test(start_paused = true)]
async fn orders_that_were_over_when_a_later_one_was_given_make_room_for_it() {
    let clock = ManualClock::at(0);
    let (front, _) = front(clock.clone()).await;
    let known = &front.denials().known;
    fill(&front, 100);
    clock.set(100);

    front.hub().publish(draft(front.hub(), &user("new"), UnixMillis(300))).await.unwrap();
    until("the rings to have it", || front.hub().shown() == Sequence(1)).await;
    known.catch_up(front.hub()).await.unwrap();

    assert_eq!(known.table().until(&user("new"), UnixMillis(100)), Some(UnixMillis(300)));
}

#[tokio::test(start_paused = true)]
async fn what_was_read_is_not_read_again_until_there_is_more() {
    let (front, _) = front(ManualClock::at(0)).await;
    let known = &front.denials().known;
    assert!(!known.watch.has_all(), "nothing was read yet");

    known.catch_up(front.hub()).await.unwrap();

    assert!(known.watch.has_all());
    front.hub().publish(draft(front.hub(), &user("u1"), UnixMillis(300))).await.unwrap();
    until("the order to be seen", || !known.watch.has_all()).await;
    known.catch_up(front.hub()).await.unwrap();
    assert!(known.watch.has_all() && known.outcasts(Some(&"u1".into()), None).next().is_some());
}
