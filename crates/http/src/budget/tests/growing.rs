//! Holders that grow, and that move to another budget.

use super::*;

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
