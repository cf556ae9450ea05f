//! `tidings sub` and the topic and the time of events: of a hub, and of servers that are none.
#![allow(clippy::unwrap_used, reason = "what cannot go wrong in a test need not be told well")]

mod support;

use serde_json::Value;
use support::origin::{Origin, Then, status, stream};
use support::{run, tidings};

#[test]
fn people_see_the_topic_where_several_are_asked_for_and_only_there() {
    let hub = support::hub(&["--memory"]);
    hub.publish("orders/42?id=o-42&event=paid", "a\nb");
    hub.publish("orders/43?id=o-43", "c");
    let shown = |target: &str, count: &str| {
        let url = format!("http://{}/events{target}", hub.address);
        run(tidings(&["sub", &url, "--count", count])).stdout
    };

    assert_eq!(shown("/orders/42?since=earliest", "1"), "o-42  paid  a\n            b\n");
    let two = "o-42  orders/42  paid  a\n                       b\no-43  orders/43  message  c\n";
    assert_eq!(shown("/orders/*?since=earliest", "2"), two);
    assert_eq!(shown("?topic=orders/42&topic=orders/43&since=earliest", "2"), two);
    // Whoever asks for the time sees it.
    let timed = shown("/orders/43?since=earliest&with=time", "1");
    assert!(timed.ends_with("Z  o-43  orders/43  message  c\n"), "{timed}");
}

#[test]
fn programs_are_told_the_topic_and_the_time_of_each_event_also_of_a_single_topic() {
    let hub = support::hub(&["--memory"]);
    hub.publish("orders/42?id=o-42", "a");
    let history: Value = {
        let page = hub.connect().get("/events/orders/42", &[("accept", "application/json")]).unwrap();
        serde_json::from_str(&page.body).unwrap()
    };
    for target in
        ["orders/42?since=earliest", "orders/*?since=earliest", "orders/42?since=earliest&with=time"]
    {
        let url = format!("http://{}/events/{target}", hub.address);

        let line: Value =
            serde_json::from_str(&run(tidings(&["sub", &url, "--json", "--count", "1"])).stdout).unwrap();

        assert_eq!(line["topic"], "orders/42", "{target}");
        assert_eq!(line["time"], history["events"][0]["time"], "{target}");
    }
}

#[test]
fn a_server_that_refuses_the_question_for_the_time_is_asked_without_it_and_not_again_later() {
    let origin = Origin::start([
        (status("400 Bad Request"), Then::End),
        (stream("id: 1\ndata: x\n\n"), Then::End),
        (stream("id: 2\ndata: y\n\n"), Then::End),
    ]);

    let left = run(tidings(&["sub", &origin.url(), "--json", "--count", "2", "--retry", "10"]));

    let lines: Vec<Value> = left.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().map(|line| line["data"].as_str().unwrap()).collect::<Vec<_>>(), ["x", "y"]);
    assert!(lines.iter().all(|line| line.get("topic").is_none() && line.get("time").is_none()));
    let paths = [(); 3].map(|()| origin.request().path);
    assert_eq!(paths, ["/stream?with=time", "/stream", "/stream"]);
}

#[test]
fn a_browser_would_not_ask_and_neither_do_strict_mode_and_a_question_with_a_body() {
    for options in [&["--json", "--strict"][..], &["--json", "--data", "{}"], &[]] {
        let origin = Origin::start([(stream("topic: a\ndata: x\n\n"), Then::End)]);

        let left = run(tidings(&[&["sub", &origin.url(), "--count", "1"], options].concat()));

        assert_eq!(origin.request().path, "/stream", "{options:?}");
        assert!(left.stdout.contains('a'), "{left:?}");
    }
}

#[test]
fn no_topic_and_no_time_moves_the_cursor_or_fills_the_terminal() {
    let long = "x".repeat(1_000_000);
    let body = format!("time: \x1b[2J\ntopic: \x1b]0;x\u{7}\ndata: 1\n\ntopic: {long}\ndata: 2\n\n");
    let origin = Origin::start([(stream(&body), Then::End)]);

    let left = run(tidings(&["sub", &origin.url(), "--count", "2"]));

    assert_eq!(left.stdout, "\\u{1b}[2J  \\u{1b}]0;x\\u{7}  message  1\nmessage  2\n");
}
