//! What a budget lends, to whom, and who ends for it. The clock is paused: it jumps to the next wake.

mod growing;
mod newcomers;

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Budget, NotGrown, Slow, Taken};

const PATIENCE: Duration = Duration::from_secs(60);

/// A holder that is watched and waits for ever, until it is slow.
async fn until_slow(mut taken: Taken) -> Slow {
    taken.unless_slow(std::future::pending::<()>()).await.unwrap_err()
}

fn watched(budget: &Budget, bytes: usize) -> Taken {
    let mut taken = budget.try_take(bytes).unwrap();
    taken.watch(0);
    taken
}

/// A holder whose peer moves a byte in each second.
async fn pace_of_one_a_second(mut taken: Taken) {
    while taken.unless_slow(sleep(Duration::from_secs(1))).await.is_ok() {
        taken.moved(1);
    }
}

#[test]
fn what_is_taken_is_counted_and_comes_back_when_it_is_dropped() {
    let budget = Budget::new(100);

    let taken = budget.try_take(60).unwrap();

    assert_eq!((taken.bytes(), budget.used(), budget.bytes_max()), (60, 60, 100));
    assert!(budget.try_take(41).is_none());
    assert!(budget.try_take(40).is_some());
    drop(taken);
    assert_eq!(budget.used(), 0);
}

#[test]
fn more_than_the_whole_budget_is_the_whole_budget() {
    let budget = Budget::new(100);

    let taken = budget.try_take(101).unwrap();

    assert_eq!((taken.bytes(), budget.used()), (100, 100));
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_grows_and_shrinks() {
    let budget = Budget::new(100);
    let mut taken = budget.try_take(10).unwrap();

    assert_eq!(taken.grow(80, PATIENCE).await, Ok(()));
    let other = budget.try_take(5).unwrap();
    assert_eq!(taken.grow(6, PATIENCE).await, Err(NotGrown::NoRoom));
    drop(other);
    assert_eq!(budget.used(), 90);
    taken.shrink_to(30);
    taken.shrink_to(40);

    assert_eq!((taken.bytes(), budget.used()), (30, 30));
}

#[tokio::test(start_paused = true)]
async fn what_grows_beyond_the_whole_budget_is_the_whole_budget() {
    let budget = Budget::new(100);
    let mut taken = budget.try_take(60).unwrap();

    assert_eq!(taken.grow(60, PATIENCE).await, Ok(()));
    assert_eq!((taken.bytes(), budget.used()), (100, 100));
    assert_eq!(taken.grow(1, PATIENCE).await, Ok(()));
    assert!(taken.try_grow(1));

    assert_eq!((taken.bytes(), budget.used()), (100, 100));
}

#[tokio::test(start_paused = true)]
async fn a_newcomer_waits_for_what_is_given_back() {
    let budget = Budget::new(100);
    let first = budget.try_take(100).unwrap();

    let (second, ()) = tokio::join!(budget.take(50, PATIENCE), async {
        sleep(PATIENCE / 2).await;
        drop(first);
    });

    assert_eq!(second.unwrap().bytes(), 50);
    assert_eq!(budget.used(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_newcomer_waits_no_longer_than_it_said() {
    let budget = Budget::new(100);
    let _unwatched = budget.try_take(100).unwrap();
    let began = Instant::now();

    assert!(budget.take(1, PATIENCE).await.is_none());

    assert_eq!(began.elapsed(), PATIENCE);
}

#[tokio::test(start_paused = true)]
async fn a_newcomer_that_gives_up_leaves_nothing_behind() {
    let budget = Budget::new(100);
    let first = budget.try_take(90).unwrap();

    let waited = tokio::time::timeout(Duration::from_secs(1), budget.take(50, PATIENCE)).await;

    assert!(waited.is_err());
    drop(first);
    assert_eq!(budget.used(), 0);
    assert!(budget.try_take(100).is_some());
}

#[tokio::test(start_paused = true)]
async fn those_who_want_little_do_not_overtake_one_who_waits_for_much() {
    let budget = Budget::new(100);
    let first = budget.try_take(60).unwrap();
    let mut large = Box::pin(budget.take(100, PATIENCE));
    assert!(futures_util::poll!(&mut large).is_pending());

    assert!(budget.try_take(1).is_none());
    drop(first);

    assert_eq!(large.await.unwrap().bytes(), 100);
}

#[tokio::test(start_paused = true)]
async fn the_slowest_holder_ends_when_another_needs_its_room() {
    let budget = Budget::new(100);
    let (slow, slower, fast) = (watched(&budget, 30), watched(&budget, 30), watched(&budget, 40));
    slow.moved(20);
    slower.moved(10);
    fast.moved(30);
    let mut fast = Box::pin(until_slow(fast));
    let mut slow = Box::pin(until_slow(slow));

    let (newcomer, ended) = tokio::select! {
        _ = &mut fast => panic!("the fastest was ended"),
        _ = &mut slow => panic!("not the slowest was ended"),
        done = async { tokio::join!(budget.take(30, PATIENCE), until_slow(slower)) } => done,
    };

    assert_eq!((newcomer.unwrap().bytes(), ended), (30, Slow::RoomNeeded));
}

#[tokio::test(start_paused = true)]
async fn as_many_holders_end_as_make_the_room_and_no_more() {
    let budget = Budget::new(100);
    let holders: Vec<_> = (0..10)
        .map(|number| {
            let holder = watched(&budget, 10);
            holder.moved(number);
            until_slow(holder)
        })
        .map(tokio::spawn)
        .collect();

    let newcomer = budget.take(25, PATIENCE).await.unwrap();

    tokio::task::yield_now().await;
    let ended: Vec<_> = holders.iter().map(tokio::task::JoinHandle::is_finished).collect();
    assert_eq!(ended, [true, true, true, false, false, false, false, false, false, false]);
    assert_eq!((newcomer.bytes(), budget.used()), (25, 95));
}

#[tokio::test(start_paused = true)]
async fn nobody_ends_within_the_grace_or_without_a_watch() {
    let budget = Budget::new(100);
    let mut unwatched = watched(&budget, 40);
    unwatched.unwatch();
    let young = tokio::spawn(until_slow(watched(&budget, 60)));

    assert!(budget.take(60, Duration::from_millis(4_900)).await.is_none());
    assert!(!young.is_finished());
    assert_eq!(budget.take(60, Duration::from_millis(400)).await.unwrap().bytes(), 60);

    assert_eq!(young.await.unwrap(), Slow::RoomNeeded);
    assert_eq!(unwatched.unless_slow(async { 7 }).await, Ok(7));
}

#[tokio::test(start_paused = true)]
async fn a_peer_below_the_least_rate_is_slow_after_thirty_seconds_though_nobody_needs_the_room() {
    let budget = Budget::new(100);
    let mut taken = budget.try_take(100).unwrap();
    taken.watch(10);
    taken.moved(299);
    let began = Instant::now();

    assert_eq!(until_slow(taken).await, Slow::BelowRate);

    assert_eq!(began.elapsed(), Duration::from_secs(30));
    assert_eq!(budget.used(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_keeps_the_least_rate_may_take_its_time() {
    let budget = Budget::new(100);
    let mut taken = budget.try_take(100).unwrap();
    taken.watch(10);

    for _ in 0..1_000 {
        taken.unless_slow(sleep(Duration::from_secs(1))).await.unwrap();
        taken.moved(10);
    }
}

#[tokio::test(start_paused = true)]
async fn a_byte_now_and_then_is_not_progress() {
    let budget = Budget::new(100);
    let mut taken = budget.try_take(100).unwrap();
    taken.watch(10);
    let began = Instant::now();

    let slow = loop {
        if let Err(slow) = taken.unless_slow(sleep(Duration::from_millis(900))).await {
            break slow;
        }
        taken.moved(1);
    };

    assert_eq!((slow, began.elapsed()), (Slow::BelowRate, Duration::from_secs(30)));
}
