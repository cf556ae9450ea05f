//! What every example must do, whichever server it is: driven from outside, over sockets and signals.
//!
//! Each example's test names its program as `PROGRAM` and includes this file.

mod program;
mod wire;

use program::Program;
use rustix::process::Signal;
use wire::{Stream, request};

#[test]
fn the_page_listens_to_the_hub() {
    let program = Program::start(super::PROGRAM);

    let page = request(program.address, "GET / HTTP/1.1", "");

    assert_eq!(page.status, 200);
    assert!(page.has_header("content-type: text/html; charset=utf-8"), "{}", page.head);
    assert!(page.body.contains("new EventSource(\"hub/events/notes?last=10\")"), "{}", page.body);
}

#[test]
fn a_subscriber_receives_what_a_handler_published_and_what_was_posted() {
    let program = Program::start(super::PROGRAM);
    let (mut stream, epoch) = Stream::open(program.address, "/hub/events/notes?last=10");

    let noted = request(program.address, "POST /notes HTTP/1.1", "by a handler");
    let posted = request(program.address, "POST /hub/events/notes?event=aside HTTP/1.1", "by anyone");
    let again = request(program.address, "POST /notes HTTP/1.1", "again");

    assert_eq!((noted.status, noted.body), (200, format!("{epoch}-1")));
    assert_eq!((posted.status, posted.body), (201, format!("{{\"id\":\"{epoch}-2\"}}")));
    assert_eq!((again.status, again.body), (200, format!("{epoch}-3")));
    stream.expect(&format!("id: {epoch}-1\ndata: 1: by a handler\n\n"));
    stream.expect(&format!("event: aside\nid: {epoch}-2\ndata: by anyone\n\n"));
    stream.expect(&format!("id: {epoch}-3\ndata: 2: again\n\n"));
}

#[test]
fn every_subscriber_receives_every_note() {
    let program = Program::start(super::PROGRAM);
    let streams: Vec<_> = (0..50).map(|_| Stream::open(program.address, "/hub/events/notes")).collect();

    for text in ["a", "b"] {
        request(program.address, "POST /notes HTTP/1.1", text);
    }

    for (mut stream, epoch) in streams {
        stream.expect(&format!("id: {epoch}-1\ndata: 1: a\n\nid: {epoch}-2\ndata: 2: b\n\n"));
    }
}

#[test]
fn last_event_id_resumes() {
    let program = Program::start(super::PROGRAM);
    let (stream, epoch) = Stream::open(program.address, "/hub/events/notes");
    drop(stream);
    for text in ["seen", "missed", "missed, too"] {
        request(program.address, "POST /notes HTTP/1.1", text);
    }

    let mut resumed = Stream::resume(program.address, "/hub/events/notes", &format!("{epoch}-1"));

    resumed.expect(&format!(": heartbeat 15000\nid: {epoch}-1\nretry: 3000\n\n"));
    resumed.expect(&format!("id: {epoch}-2\ndata: 2: missed\n\nid: {epoch}-3\ndata: 3: missed, too\n\n"));
}

#[test]
fn what_cannot_be_published_is_refused_by_handler_and_hub_alike() {
    let program = Program::start(super::PROGRAM);

    let noted = request(program.address, "POST /notes HTTP/1.1", &"x".repeat(1_048_577));
    let posted = request(program.address, "POST /hub/events/notes HTTP/1.1", &"x".repeat(1_048_577));

    assert!((400..500).contains(&noted.status), "{}", noted.head);
    assert_eq!(posted.status, 413);
    assert!(posted.has_header("content-type: application/problem+json"), "{}", posted.head);
}

#[test]
fn who_leaves_is_forgotten() {
    let program = Program::start(super::PROGRAM);
    let subscriptions = || {
        let metrics = request(program.address, "GET /hub/metrics HTTP/1.1", "").body;
        let line = metrics.lines().find(|line| line.starts_with("tidings_subscriptions ")).map(str::to_owned);
        line.unwrap_or(metrics)
    };
    let streams: Vec<_> = (0..5).map(|_| Stream::open(program.address, "/hub/events/notes")).collect();
    assert_eq!(subscriptions(), "tidings_subscriptions 5");

    drop(streams);

    program.until("nobody is subscribed", || subscriptions() == "tidings_subscriptions 0");
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
    let mut program = Program::start(super::PROGRAM);
    let streams: Vec<_> = (0..10).map(|_| Stream::open(program.address, "/hub/events/notes")).collect();
    request(program.address, "POST /notes HTTP/1.1", "the last");
    let hear = |(mut stream, epoch): (Stream, String)| {
        stream.expect(&format!("id: {epoch}-1\ndata: 1: the last\n\n"));
        stream
    };
    let streams: Vec<_> = streams.into_iter().map(hear).collect();
    // A browser keeps the connection of its page open.
    let _idle = wire::keep(program.address, "GET / HTTP/1.1");

    program.signal(signal);

    for mut stream in streams {
        let farewell = stream.rest();
        let retry = farewell.strip_prefix("retry: ").and_then(|rest| rest.strip_suffix("\n\n"));
        let retry: u64 = retry.and_then(|ms| ms.parse().ok()).unwrap_or_else(|| panic!("{farewell:?}"));
        assert!((3_000..=6_000).contains(&retry), "{farewell:?}");
    }
    assert_eq!(program.wait(), Some(0));
}
