//! Which holders end, and when, for newcomers that wait for their room.

use super::*;

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
