//! What every example must do, whichever server it is: driven from outside, over sockets and signals.
//!
//! Each example's test names its program as `PROGRAM` and includes this file.

mod program;
mod wire;

use program::start;
use rustix::process::Signal;
use tidings_testkit::connection::{Answer, Stream};
use tidings_testkit::deadline::block_until;
use tidings_testkit::hub::Hub;
use wire::{expect_first_lines, open, resume};

#[test]
fn the_page_listens_to_the_hub() {
    let program = start(super::PROGRAM);

    let page = get(&program, "/");

    assert_eq!(page.status, 200);
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    assert!(page.body.contains("new EventSource(\"hub/events/notes?last=10\")"), "{}", page.body);
}

#[test]
fn a_subscriber_receives_events_of_a_handler_and_events_that_were_posted() {
    let program = start(super::PROGRAM);
    let (mut stream, epoch) = open(&program, "/hub/events/notes?last=10");

    let noted = post(&program, "/notes", "by a handler");
    let posted = post(&program, "/hub/events/notes?event=aside", "by anyone");
    let again = post(&program, "/notes", "again");

    assert_eq!((noted.status, noted.body), (200, format!("{epoch}-1")));
    assert_eq!((posted.status, posted.body), (201, format!("{{\"id\":\"{epoch}-2\"}}\n")));
    assert_eq!((again.status, again.body), (200, format!("{epoch}-3")));
    stream.expect(&format!("id: {epoch}-1\ndata: 1: by a handler\n\n"));
    stream.expect(&format!("event: aside\nid: {epoch}-2\ndata: by anyone\n\n"));
    stream.expect(&format!("id: {epoch}-3\ndata: 2: again\n\n"));
}

#[test]
fn every_subscriber_receives_every_note() {
    let program = start(super::PROGRAM);
    let streams: Vec<_> = (0..50).map(|_| open(&program, "/hub/events/notes")).collect();

    for text in ["a", "b"] {
        post(&program, "/notes", text);
    }

    for (mut stream, epoch) in streams {
        stream.expect(&format!("id: {epoch}-1\ndata: 1: a\n\nid: {epoch}-2\ndata: 2: b\n\n"));
    }
}

#[test]
fn last_event_id_resumes() {
    let program = start(super::PROGRAM);
    let (stream, epoch) = open(&program, "/hub/events/notes");
    drop(stream);
    for text in ["seen", "missed", "missed, too"] {
        post(&program, "/notes", text);
    }

    let mut resumed = resume(&program, "/hub/events/notes", &format!("{epoch}-1"));

    expect_first_lines(&mut resumed);
    resumed.expect(&format!("id: {epoch}-2\ndata: 2: missed\n\nid: {epoch}-3\ndata: 3: missed, too\n\n"));
}

#[test]
fn an_event_that_is_too_large_is_refused_by_handler_and_hub_alike() {
    let program = start(super::PROGRAM);

    let noted = post(&program, "/notes", &"x".repeat(1_048_577));
    let posted = post(&program, "/hub/events/notes", &"x".repeat(1_048_577));

    assert!((400..500).contains(&noted.status), "{noted:?}");
    assert_eq!(posted.status, 413);
    assert_eq!(posted.headers["content-type"], "application/problem+json");
}

#[test]
fn a_client_that_leaves_is_forgotten() {
    let program = start(super::PROGRAM);
    let subscriptions = || {
        let metrics = get(&program, "/hub/metrics").body;
        let line = metrics.lines().find(|line| line.starts_with("tidings_subscriptions ")).map(str::to_owned);
        line.unwrap_or(metrics)
    };
    let streams: Vec<_> = (0..5).map(|_| open(&program, "/hub/events/notes")).collect();
    assert_eq!(subscriptions(), "tidings_subscriptions 5");

    drop(streams);

    block_until("the end of all subscriptions", || subscriptions() == "tidings_subscriptions 0");
}

#[test]
fn sigterm_sends_subscribers_away_and_ends_well() {
    ends_well(Signal::TERM);
}

#[test]
fn ctrl_c_sends_subscribers_away_and_ends_well() {
    ends_well(Signal::INT);
}

fn ends_well(signal: Signal) {
    let mut program = start(super::PROGRAM);
    let streams: Vec<_> = (0..10).map(|_| open(&program, "/hub/events/notes")).collect();
    post(&program, "/notes", "the last");
    let hear = |(mut stream, epoch): (Stream, String)| {
        stream.expect(&format!("id: {epoch}-1\ndata: 1: the last\n\n"));
        stream
    };
    let streams: Vec<_> = streams.into_iter().map(hear).collect();
    // A browser keeps the connection of its page open.
    let mut idle = program.connect();
    idle.get("/", &[]).unwrap();

    program.signal(signal);

    for mut stream in streams {
        let farewell = stream.rest();
        let retry = farewell.strip_prefix("retry: ").and_then(|rest| rest.strip_suffix('\n'));
        let retry: u64 = retry.and_then(|ms| ms.parse().ok()).unwrap_or_else(|| panic!("{farewell:?}"));
        assert!((3_000..=6_000).contains(&retry), "{farewell:?}");
    }
    assert_eq!(program.wait().code(), Some(0));
}

fn get(program: &Hub, target: &str) -> Answer {
    program.connect().get(target, &[]).unwrap()
}

fn post(program: &Hub, target: &str, body: &str) -> Answer {
    program.connect().post(target, &[], body).unwrap()
}
