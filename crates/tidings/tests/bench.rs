//! Every benchmark runs, with tiny numbers: what it counts is right. What it measures is not looked at.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use support::{run, tidings};

/// Runs a benchmark that ends well; the answer is its report.
#[track_caller]
fn bench(arguments: &[&str]) -> serde_json::Value {
    let mut command = tidings(&["bench"]);
    command.args(arguments);
    let left = run(command);
    assert_eq!((left.code, left.stderr.as_str()), (Some(0), ""), "{}", left.stdout);
    serde_json::from_str(&left.stdout).unwrap()
}

/// Runs a benchmark of a hub in memory.
#[track_caller]
fn bench_hub(name: &str, arguments: &[&str]) -> serde_json::Value {
    let hub = support::hub(&["--memory"]);
    let (url, pid) = (format!("http://{}/events/bench", hub.address), hub.pid().to_string());
    bench(&[&[name, url.as_str(), "--pid", pid.as_str(), "--json"], arguments].concat())
}

#[test]
fn fanout_counts_what_each_subscriber_receives() {
    let report = bench_hub("fanout", &["--subscribers", "7", "--events", "5", "--in-flight", "2"]);

    assert_eq!(report["delivered"], 35);
    assert_eq!([&report["lost"], &report["repeated"], &report["in_another_order"]], [0, 0, 0]);
    assert!(report["cpu_us_per_event"].is_f64() && report["memory_bytes"][1].is_u64(), "{report}");
}

#[test]
fn fanout_beside_those_that_do_not_read_and_those_of_other_topics_counts_the_measured_alone() {
    let beside = ["--stalled", "3", "--others", "4"];
    let report = bench_hub("fanout", &[&["--subscribers", "2", "--events", "5"][..], &beside].concat());

    assert_eq!([&report["subscribers"], &report["stalled"], &report["others"]], [2, 3, 4]);
    assert_eq!([&report["delivered"], &report["lost"]], [10, 0]);
}

#[test]
fn fanout_at_a_rate_publishes_all_events() {
    let report = bench_hub("fanout", &["--subscribers", "2", "--events", "20", "--rate", "500"]);

    assert_eq!([&report["events"], &report["delivered"]], [20, 40]);
}

#[test]
fn subscribers_by_long_polls_miss_nothing_and_wait_in_between() {
    let hub = support::hub(&["--memory"]);
    let url = format!("http://{}/events/bench", hub.address);
    let polls = format!("{url}?mode=long-poll");

    let with = ["--subscribers", "7", "--json"];
    let fanout = ["fanout", &polls, "--publish-url", &url, "--events", "20", "--in-flight", "3"];
    let fanout = bench(&[&fanout[..], &with].concat());
    let idle = bench(&[&["idle", &polls][..], &with].concat());

    assert_eq!([&fanout["delivered"], &fanout["lost"], &fanout["repeated"]], [140, 0, 0]);
    assert_eq!(idle["subscribers"], 7);
}

#[test]
fn publish_one_by_one_and_in_a_batch() {
    for mode in [&["--connections", "3"][..], &["--batch"]] {
        let report = bench_hub("publish", &[&["--events", "30"], mode].concat());

        assert_eq!(report["events"], 30);
    }
}

#[test]
fn idle_holds_subscribers_of_one_topic_or_of_one_each() {
    let hub = support::hub(&["--memory"]);
    for path in ["bench", "bench/{n}"] {
        let url = format!("http://{}/events/{path}", hub.address);

        assert_eq!(bench(&["idle", &url, "--subscribers", "5", "--json"])["subscribers"], 5);
    }
}

#[test]
fn subscribers_by_websocket_are_counted_as_others_are() {
    let fanout =
        bench_hub("fanout", &["--subscribers", "3", "--events", "5", "--bytes", "200", "--websocket"]);
    let idle = bench_hub("idle", &["--subscribers", "5", "--websocket"]);

    assert_eq!([&fanout["delivered"], &fanout["lost"], &fanout["repeated"]], [15, 0, 0]);
    assert_eq!(idle["subscribers"], 5);
}

#[test]
fn resume_lets_each_subscriber_catch_up() {
    let report = bench_hub("resume", &["--subscribers", "6", "--behind", "20"]);

    assert_eq!([&report["complete"], &report["wrong"]], [6, 0]);
    assert!(report["bytes"].as_u64().unwrap() > 6 * 20 * 128, "{report}");
}

/// What a hub of tokens is given, and the file with a token for each of so many users.
fn tokens(folder: &std::path::Path, users: usize) -> (String, String) {
    let [secret, config, tokens] = ["secret.key", "hub.toml", "tokens"].map(|name| folder.join(name));
    std::fs::write(&secret, "an ordinary secret of 32 letters").unwrap();
    let (rights, jwt) =
        ("[access.anonymous]\npublish = [\"bench\"]\n", "[access.jwt]\nkey_file = \"secret.key\"\n");
    std::fs::write(&config, format!("{rights}{jwt}subscribe = [\"bench\", \"users/{{sub}}/**\"]\n")).unwrap();
    let minted: String = (0..users)
        .map(|user| {
            let (key, sub) = (secret.to_str().unwrap(), format!("u{user}"));
            run(tidings(&["token", "--key-file", key, "--sub", &sub])).stdout
        })
        .collect();
    std::fs::write(&tokens, minted).unwrap();
    (config.to_str().unwrap().to_owned(), tokens.to_str().unwrap().to_owned())
}

#[test]
fn subscribers_with_a_token_each_hear_what_the_grants_of_each_cover() {
    let folder = tempfile::TempDir::new().unwrap();
    let (config, tokens) = tokens(folder.path(), 53);
    let hub = support::hub(&["--memory", "--config", &config]);
    let (common, own) = (
        format!("http://{}/events/bench", hub.address),
        format!("http://{}/events?topic=bench&topic=users/u{{n}}/**", hub.address),
    );
    let with = ["--tokens", tokens.as_str(), "--json", "--subscribers", "3"];

    let fanout = bench(&[&["fanout", &own, "--publish-url", &common, "--events", "4"], &with[..]].concat());
    let resume = bench(&[&["resume", &common, "--behind", "1"], &with[..]].concat());
    let idle = bench(&[&["idle", &own], &with[..]].concat());

    assert_eq!([&fanout["delivered"], &fanout["lost"]], [12, 0]);
    assert_eq!([&resume["complete"], &resume["wrong"]], [3, 0]);
    assert!(resume["latency_us"][1].as_f64().unwrap() > 0.0, "{resume}");
    assert_eq!(idle["subscribers"], 3);
}

#[test]
fn subscribers_without_a_token_each_are_refused_before_anything_is_measured() {
    let folder = tempfile::TempDir::new().unwrap();
    let (_, tokens) = tokens(folder.path(), 2);
    let mut command = tidings(&["bench", "fanout", "http://127.0.0.1:9/events/bench", "--subscribers", "3"]);
    command.args(["--tokens", &tokens]);
    let left = run(command);

    assert_eq!((left.code, left.stdout.as_str()), (Some(2), ""));
    assert!(left.stderr.contains("tokens has 2 tokens for 3 subscribers"), "{}", left.stderr);
}

#[test]
fn soak_accounts_for_every_event_across_a_drain_and_a_kill() {
    let dir = tempfile::TempDir::new().unwrap();
    let load =
        ["--minutes", "0.04", "--subscribers", "60", "--topics", "12", "--rate", "100", "--restarts", "2"];
    let place = ["--kill-every", "2", "--json", "--dir", dir.path().to_str().unwrap()];
    let hub = ["--", "--retry", "100ms", "--drain-window", "0s", "--drain-deadline", "60s"];
    let report = bench(&[&["soak"], &load[..], &place, &hub].concat());

    assert!(report["delivered"].as_u64().unwrap() > 0, "{report}");
    for wrong in
        ["lost", "repeated", "in_another_order", "never_published", "gaps_declared", "unfinished_subscribers"]
    {
        assert_eq!(report[wrong], 0, "{wrong}: {report}");
    }
    let restarts = report["restarts"].as_array().unwrap();
    assert_eq!(
        restarts.iter().map(|restart| restart["killed"].as_bool().unwrap()).collect::<Vec<_>>(),
        [false, true]
    );
    assert_eq!(dir.path().read_dir().unwrap().count(), 0, "the folder of the log is removed");
}
