//! The inbox against a [model](naive) that counts by counting.
//!
//! Any play of writes one by one and at the same time, of time that passes, of restarts with the database kept, lost, put back from an
//! older copy or overwritten: after each step count, version, lists, preferences, what each writer heard and what each client shows are
//! what the model says. The order of writes is that of the log: the model reads it. `TIDINGS_TEST_CASES` says how many plays.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

#[path = "model/client.rs"]
mod client;
#[path = "model/naive.rs"]
mod naive;
#[path = "model/play.rs"]
mod play;
#[path = "model/world.rs"]
mod world;

use std::panic::resume_unwind;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use play::{Step, step};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use tidings_store::Retention;
use tokio::runtime::Builder;
use world::World;

/// How long one play may take.
const PATIENCE: Duration = Duration::from_secs(120);

fn cases(default: u32) -> u32 {
    std::env::var("TIDINGS_TEST_CASES").map_or(default, |cases| cases.parse().unwrap())
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: cases(10),
        max_shrink_iters: 400,
        max_shrink_time: 60_000,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "proptest-regressions/inbox_model.txt",
        ))),
        ..ProptestConfig::default()
    }
}

fn play(retention: Retention, steps: Vec<Step>) {
    let (done, result) = mpsc::channel();
    let played = thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async move { World::begin(retention).await.play(steps).await });
        drop(runtime);
        let _ = done.send(());
    });
    match result.recv_timeout(PATIENCE) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("the play does not come to its end"),
        Ok(()) | Err(mpsc::RecvTimeoutError::Disconnected) => {
            played.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_inbox_is_what_the_model_says(steps in prop::collection::vec(step(), 1..120)) {
        play(Retention::default(), steps);
    }

    #[test]
    fn so_it_is_while_retention_takes_what_it_came_from(
        by in 0..3,
        mut steps in prop::collection::vec(step(), 1..100),
    ) {
        let retention = match by {
            0 => Retention { count: Some(20), ..Retention::default() },
            1 => Retention { bytes: Some(150_000), ..Retention::default() },
            _ => Retention { age: Some(Duration::from_secs(2_000)), ..Retention::default() },
        };
        // The log ends with more than one segment.
        steps.extend([Step::Fill(60), Step::Pass(3_000), Step::Fill(20), Step::Second]);
        play(retention, steps);
    }
}
