//! What a budget lends, to whom, and who ends for it. The clock is paused: it jumps to the next wake.

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

#[tokio::test(start_paused = true)]
async fn a_holder_that_grows_is_known_with_all_its_bytes() {
    let budget = Budget::new(100);
    let mut grown = watched(&budget, 10);
    assert_eq!(grown.grow(80, PATIENCE).await, Ok(()));
    let other = watched(&budget, 10);
    other.moved(1);
    let (grown, other) = (tokio::spawn(until_slow(grown)), tokio::spawn(until_slow(other)));

    let newcomer = budget.take(90, PATIENCE).await.unwrap();

    assert_eq!((newcomer.bytes(), grown.await.unwrap()), (90, Slow::RoomNeeded));
    assert!(!other.is_finished());
}

#[tokio::test(start_paused = true)]
async fn of_two_holders_that_wait_for_each_others_bytes_one_ends_and_the_other_goes_on() {
    let budget = Budget::new(100);
    let (mut one, mut other) = (watched(&budget, 50), watched(&budget, 50));
    one.moved(1);
    let began = Instant::now();

    let (one_grew, other_grew) = tokio::join!(one.grow(50, PATIENCE), async {
        let grew = other.grow(50, PATIENCE).await;
        drop(other);
        grew
    });

    assert_eq!((one_grew, other_grew), (Ok(()), Err(NotGrown::Slow(Slow::RoomNeeded))));
    assert_eq!(one.bytes(), 100);
    assert!(began.elapsed() < Duration::from_secs(6));
}

#[tokio::test(start_paused = true)]
async fn a_holder_without_bytes_does_not_end_for_others() {
    let budget = Budget::new(100);
    let empty = tokio::spawn(until_slow(watched(&budget, 0)));
    let full = tokio::spawn(until_slow(watched(&budget, 100)));

    assert!(budget.take(100, PATIENCE).await.is_some());

    assert!(full.is_finished() && !empty.is_finished());
}

/// It asked the slowest holder to end, which it was itself, and was told that it had been too slow for others.
#[tokio::test(start_paused = true)]
async fn a_holder_that_grows_alone_waits_for_what_is_given_back_and_does_not_end_for_itself() {
    let budget = Budget::new(100);
    let mut grown = watched(&budget, 50);
    sleep(Duration::from_secs(10)).await;
    let whole = budget.try_take(50).unwrap();

    let full = grown.grow(50, Duration::from_secs(6)).await;
    let (later, ()) = tokio::join!(grown.grow(50, PATIENCE), async {
        sleep(Duration::from_secs(1)).await;
        drop(whole);
    });

    assert_eq!((full, later, grown.bytes()), (Err(NotGrown::NoRoom), Ok(()), 100));
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_grows_ends_only_slower_ones() {
    let budget = Budget::new(100);
    let (slower, mut grown, faster) = (watched(&budget, 20), watched(&budget, 40), watched(&budget, 40));
    grown.moved(1);
    let (slower, faster) = (tokio::spawn(until_slow(slower)), tokio::spawn(pace_of_one_a_second(faster)));
    sleep(Duration::from_secs(6)).await;

    assert_eq!(grown.grow(20, PATIENCE).await, Ok(()));
    assert_eq!(grown.grow(20, PATIENCE).await, Err(NotGrown::NoRoom));

    assert_eq!(slower.await.unwrap(), Slow::RoomNeeded);
    assert!(!faster.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_waits_to_grow_ends_when_a_newcomer_needs_its_room() {
    let budget = Budget::new(100);
    let mut grown = watched(&budget, 50);
    let _whole = budget.try_take(50).unwrap();
    let began = Instant::now();

    let (newcomer, grew) = tokio::join!(budget.take(50, PATIENCE), async {
        let grew = grown.grow(10, PATIENCE).await;
        drop(grown);
        grew
    });

    assert_eq!((newcomer.unwrap().bytes(), grew), (50, Err(NotGrown::Slow(Slow::RoomNeeded))));
    assert!(began.elapsed() < Duration::from_secs(6));
}

/// The window that ran when it began to wait was over when it had grown, and counted as silence of its peer.
#[tokio::test(start_paused = true)]
async fn the_time_in_which_a_holder_waits_for_room_is_not_its_peers() {
    let budget = Budget::new(100);
    let mut grown = budget.try_take(50).unwrap();
    grown.watch(10);
    let whole = budget.try_take(50).unwrap();
    let began = Instant::now();
    grown.moved(1);
    assert!(grown.unless_slow(sleep(Duration::from_secs(24))).await.is_ok());

    let (grew, ()) = tokio::join!(grown.grow(50, PATIENCE), async {
        sleep(Duration::from_secs(7)).await;
        drop(whole);
    });

    assert_eq!((grew, began.elapsed().as_secs()), (Ok(()), 31));
    assert_eq!((until_slow(grown).await, began.elapsed().as_secs()), (Slow::BelowRate, 37));
}

/// A wait that was given up left the clock of the holder stopped, if nothing set it going.
#[tokio::test(start_paused = true)]
async fn a_holder_that_gives_up_growing_is_judged_again() {
    let budget = Budget::new(100);
    let mut grown = budget.try_take(50).unwrap();
    grown.watch(10);
    let _whole = budget.try_take(50).unwrap();
    let began = Instant::now();

    assert!(tokio::time::timeout(Duration::from_secs(3), grown.grow(50, PATIENCE)).await.is_err());

    assert_eq!((until_slow(grown).await, began.elapsed().as_secs()), (Slow::BelowRate, 33));
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_moves_to_another_budget_gives_back_what_it_had() {
    let (small, large) = (Budget::new(100), Budget::new(1_000));
    let mut moved = small.try_take(100).unwrap();
    let whole = large.try_take(900).unwrap();

    let (result, ()) = tokio::join!(moved.move_to(&large, 200, PATIENCE), async {
        sleep(Duration::from_secs(1)).await;
        assert_eq!((small.used(), large.used()), (100, 1_000), "it has what it had while it waits");
        drop(whole);
    });
    assert_eq!((result, moved.bytes(), small.used(), large.used()), (Ok(()), 200, 0, 200));

    assert!(moved.try_move_to(&small, 10));
    assert_eq!((moved.bytes(), small.used(), large.used()), (10, 10, 0));
}

/// A peer was measured anew in each budget, so one that sent slowly had its time twice.
#[tokio::test(start_paused = true)]
async fn what_is_known_of_a_peer_goes_to_another_budget_with_it() {
    let (small, large) = (Budget::new(100), Budget::new(1_000));
    let mut moved = small.try_take(100).unwrap();
    moved.watch(10);
    let began = Instant::now();

    assert!(moved.unless_slow(sleep(Duration::from_secs(22))).await.is_ok());
    assert_eq!(moved.move_to(&large, 200, PATIENCE).await, Ok(()));

    assert_eq!((until_slow(moved).await, began.elapsed().as_secs()), (Slow::BelowRate, 30));
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_has_moved_ends_for_others_there_without_a_new_grace_and_not_for_those_it_left() {
    let (small, large) = (Budget::new(100), Budget::new(1_000));
    let mut moved = watched(&small, 100);
    sleep(Duration::from_secs(6)).await;
    let for_small = tokio::spawn({
        let small = small.clone();
        async move { small.take(100, PATIENCE).await.unwrap() }
    });
    tokio::task::yield_now().await;
    assert_eq!(moved.move_to(&large, 1_000, PATIENCE).await, Ok(()));
    let moved = tokio::spawn(until_slow(moved));
    let in_small = for_small.await.unwrap();
    assert!(!moved.is_finished(), "it was asked for the room that it has given back");
    let began = Instant::now();

    let for_large = large.take(1_000, PATIENCE).await.unwrap();

    assert_eq!((moved.await.unwrap(), began.elapsed()), (Slow::RoomNeeded, Duration::ZERO));
    assert_eq!((in_small.bytes(), for_large.bytes()), (100, 1_000));
}

/// It waited for room in the other budget, and did not hear that it should end.
#[tokio::test(start_paused = true)]
async fn a_holder_that_waits_to_move_ends_for_others_where_it_is() {
    let (small, large) = (Budget::new(100), Budget::new(1_000));
    let _whole = large.try_take(1_000).unwrap();
    let mut moved = watched(&small, 100);
    let began = Instant::now();

    let (newcomer, result) = tokio::join!(small.take(100, PATIENCE), async {
        let result = moved.move_to(&large, 200, PATIENCE).await;
        drop(moved);
        result
    });

    assert_eq!((newcomer.unwrap().bytes(), result), (100, Err(NotGrown::Slow(Slow::RoomNeeded))));
    assert!(began.elapsed() < Duration::from_secs(6));
}

/// Each newcomer asked for the bytes that it needed itself, but the room goes to those that came first. So the last asked,
/// some of the others were served before they had asked, and nobody asked for the last: they were refused.
#[tokio::test(start_paused = true)]
async fn all_newcomers_are_served_as_long_as_there_are_holders_that_can_end() {
    let budget = Budget::new(1_000);
    let first = tokio::spawn(until_slow(watched(&budget, 10)));
    sleep(Duration::from_millis(300)).await;
    let holders: Vec<_> = (1..100).map(|_| tokio::spawn(until_slow(watched(&budget, 10)))).collect();
    sleep(Duration::from_secs(2)).await;
    let mut newcomers = Vec::new();
    for _ in 0..9 {
        let budget = budget.clone();
        newcomers.push(tokio::spawn(async move { budget.take(10, Duration::from_secs(6)).await }));
        sleep(Duration::from_millis(37)).await;
    }

    let mut served = Vec::new();
    for newcomer in newcomers {
        served.extend(newcomer.await.unwrap());
    }

    let ended = holders.iter().filter(|holder| holder.is_finished()).count();
    assert_eq!((served.len(), first.is_finished(), ended), (9, true, 8));
}

/// The ones that a newcomer had asked to end were not asked for the next, but counted as its room, when the newcomer had left.
#[tokio::test(start_paused = true)]
async fn what_is_asked_for_those_that_leave_is_not_asked_for_again() {
    let budget = Budget::new(100);
    let mut holders: Vec<_> = (0..10).map(|_| watched(&budget, 10)).collect();
    sleep(Duration::from_secs(6)).await;
    let first = budget.take(30, Duration::from_secs(1));
    assert!(first.await.is_none(), "the holders do not hear it");

    let second = tokio::spawn({
        let budget = budget.clone();
        async move { budget.take(40, PATIENCE).await }
    });
    sleep(Duration::from_millis(10)).await;

    let asked = |holder: &&Taken| holder.end().unwrap().is_cancelled();
    assert_eq!(holders.iter().filter(asked).count(), 4);
    holders.retain(|holder| !holder.end().unwrap().is_cancelled());
    let second = second.await.unwrap().unwrap();
    let _third = budget.take(10, Duration::from_secs(1)).await;
    assert_eq!((second.bytes(), holders.iter().filter(asked).count()), (40, 1));
}

#[tokio::test(start_paused = true)]
async fn nobody_ends_for_what_a_holder_waits_for_that_ends_itself() {
    let budget = Budget::new(100);
    let (mut grown, faster) = (watched(&budget, 10), watched(&budget, 30));
    faster.moved(1);
    let faster = tokio::spawn(until_slow(faster));
    let _whole = budget.try_take(60).unwrap();
    sleep(Duration::from_secs(6)).await;

    let (grew, newcomer) = tokio::join!(
        async {
            let grew = grown.grow(20, PATIENCE).await;
            drop(grown);
            grew
        },
        budget.take(10, PATIENCE),
    );

    assert_eq!((newcomer.unwrap().bytes(), grew), (10, Err(NotGrown::Slow(Slow::RoomNeeded))));
    assert!(!faster.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_gave_up_growing_ends_for_others_like_any_other() {
    let budget = Budget::new(100);
    let mut grown = watched(&budget, 50);
    let _whole = budget.try_take(50).unwrap();
    assert_eq!(grown.grow(50, Duration::from_secs(6)).await, Err(NotGrown::NoRoom));
    let grown = tokio::spawn(until_slow(grown));

    let newcomer = budget.take(20, PATIENCE).await;

    assert_eq!((newcomer.unwrap().bytes(), grown.await.unwrap()), (20, Slow::RoomNeeded));
}

#[tokio::test(start_paused = true)]
async fn newcomers_that_come_one_after_the_other_are_each_served_at_once() {
    let budget = Budget::new(100);
    let holders: Vec<_> = (0..10).map(|_| tokio::spawn(until_slow(watched(&budget, 10)))).collect();
    sleep(Duration::from_secs(6)).await;
    let began = Instant::now();

    let newcomers = [budget.take(10, PATIENCE).await, budget.take(10, PATIENCE).await];

    assert_eq!((newcomers.iter().flatten().count(), began.elapsed()), (2, Duration::ZERO));
    assert_eq!(holders.iter().filter(|holder| holder.is_finished()).count(), 2);
}

/// A holder whose peer moves a byte in each second.
async fn pace_of_one_a_second(mut taken: Taken) {
    while taken.unless_slow(sleep(Duration::from_secs(1))).await.is_ok() {
        taken.moved(1);
    }
}
