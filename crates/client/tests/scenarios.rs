//! All of `client_scenarios.json`, over real sockets.
#![allow(clippy::unwrap_used, clippy::panic)]

mod scenario;
mod support;

use scenario::{Profile, Scenario};
use tokio::task::JoinSet;

#[tokio::test]
async fn strict_mode_plays_every_whatwg_scenario_as_written() {
    let scenarios = Scenario::all().into_iter().filter(|scenario| scenario.profile == Profile::Whatwg);

    assert_eq!(failures(scenarios, true).await, (34, Vec::new()));
}

#[tokio::test]
async fn managed_mode_plays_every_managed_scenario_as_written() {
    let scenarios = Scenario::all().into_iter().filter(|scenario| scenario.profile == Profile::Managed);

    assert_eq!(failures(scenarios, false).await, (6, Vec::new()));
}

#[tokio::test]
async fn managed_mode_differs_from_the_standard_only_where_it_tries_again() {
    let scenarios = Scenario::all()
        .into_iter()
        .filter(|scenario| scenario.profile == Profile::Whatwg && !scenario.name.starts_with("status-5"));

    assert_eq!(failures(scenarios, false).await, (30, Vec::new()));
}

/// How many were played, and what was wrong.
async fn failures(scenarios: impl Iterator<Item = Scenario>, strict: bool) -> (usize, Vec<String>) {
    let mut plays: JoinSet<_> = scenarios.map(|scenario| scenario.play(strict)).collect();
    let (mut count, mut failures) = (0, Vec::new());
    while let Some(play) = plays.join_next().await {
        count += 1;
        failures.extend(play.unwrap());
    }
    (count, failures)
}
