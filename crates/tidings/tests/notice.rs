//! The notice before the end: what a load balancer, publishers and subscribers see of a hub that was asked to end.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong here need not be told well")]

mod support;

use rustix::process::Signal;

/// A hub whose notice lasts longer than any test. Nobody has asked for its readiness.
const LONG: [&str; 7] =
    ["--memory", "--drain-notice", "30m", "--drain-deadline", "1h", "--drain-window", "0s"];

#[test]
fn a_hub_that_is_asked_to_end_says_so_and_answers_until_its_notice_is_over() {
    let mut hub = support::hub(&LONG);
    let ask = |target: &str, headers: &[(&str, &str)]| hub.connect().get(target, headers).unwrap();
    let mut kept = hub.connect();
    assert_eq!(kept.get("/readyz", &[]).unwrap().status, 200);
    let mut stream = hub.subscribe("/events/news");

    hub.signal(Signal::TERM);
    hub.says("giving notice");

    let ready = ask("/readyz", &[]);
    assert_eq!((ready.status, ready.body.as_str()), (503, "ending\n"));
    assert_eq!(ready.headers["retry-after"], "2");
    assert_eq!(ready.headers["connection"], "close");
    assert_eq!(ask("/healthz", &[]).status, 200);
    // A connection that was at rest is still there, and closes after its answer.
    let published = kept.post("/events/news", &[], "in time").unwrap();
    assert_eq!((published.status, published.headers["connection"].as_str()), (201, "close"));
    assert_eq!(stream.next().unwrap().unwrap().data, "in time");
    let page = ask("/events/news", &[("Accept", "application/json")]);
    assert!(page.body.contains("in time"), "{}", page.body);
    let late = ask("/events/news", &[("Accept", "text/event-stream")]);
    let retry = late.body.strip_prefix("retry: ").unwrap().trim_end().parse::<u64>().unwrap();
    assert_eq!(late.status, 200);
    assert!(retry > 20 * 60 * 1_000, "it may come back after {retry} ms, before the hub has ended");

    hub.signal(Signal::TERM);
    hub.says("the notice ends early");

    assert_eq!(stream.next().unwrap(), None, "the stream ends as a whole");
    assert!(stream.retry.is_some(), "it says when to come back");
    assert_eq!(hub.wait().code(), Some(0));
}

#[test]
fn a_hub_whose_readiness_nobody_asks_for_gives_no_notice() {
    let hub = support::hub(&LONG);
    hub.publish("news", "x");

    assert_eq!(hub.terminate().code(), Some(0));
}

#[test]
fn a_third_signal_ends_it_at_once() {
    let mut arguments = LONG;
    arguments[6] = "10m";
    let mut hub = support::hub(&arguments);
    hub.connect().get("/readyz", &[]).unwrap();
    let _stream = hub.subscribe("/events/news");

    hub.signal(Signal::INT);
    hub.says("giving notice");
    hub.signal(Signal::INT);
    hub.says("the notice ends early");
    hub.signal(Signal::INT);

    assert_eq!(hub.wait().code(), Some(130));
}

#[test]
fn a_notice_that_lasts_its_time_is_followed_by_the_end() {
    let hub = support::hub(&["--memory", "--drain-notice", "200ms", "--drain-window", "0s"]);
    hub.connect().get("/readyz", &[]).unwrap();

    assert_eq!(hub.terminate().code(), Some(0));
}
