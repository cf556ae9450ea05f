//! The lines with which a hub begins a stream, and which belong to its first block.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::time::Duration;

use support::server::{Answer, Server, Then};
use support::soon;
use tidings_client::{Error, Event, EventSource, EventSourceBuilder, Item, Missing};

/// An opening that is followed by something at once.
const LINES: &str = ": heartbeat 40\nretry: 1\n";
const OPEN: &str = "event: tidings.open\nid: a-7\n\
     data: {\"cursor\":\"a-7\",\"heartbeat_ms\":40,\"time\":\"2026-11-26T09:50:12.000Z\"}\n\n";
const CURSOR: &str = "event: tidings.cursor\nid: a-9\ndata: {\"cursor\":\"a-9\"}\n\n";

fn builder(server: &Server) -> EventSourceBuilder {
    EventSource::builder(&server.url("/events")).unwrap()
}

async fn event(source: &mut EventSource) -> Event {
    soon(source.next_event()).await.unwrap().unwrap()
}

#[tokio::test]
async fn an_opening_without_a_blank_line_announces_the_heartbeat_and_the_delay_and_hides_no_event() {
    let first = Answer::stream(format!("{LINES}id: a-1\ndata: 1\n\n"));
    let server = Server::start([first, Answer::stream("data: 2\n\n")]);
    let mut source = builder(&server).retry(Duration::from_secs(3_600)).build();

    assert_eq!(event(&mut source).await.data, "1");
    let Item::Reconnecting(reconnecting) = soon(source.next()).await.unwrap().unwrap() else {
        panic!("silence")
    };

    assert!(matches!(reconnecting.error, Error::TimedOut { what: Missing::Bytes, .. }));
    assert!(reconnecting.after <= Duration::from_secs(1), "{:?}", reconnecting.after);
    assert_eq!(event(&mut source).await.data, "2");
}

#[tokio::test]
async fn places_that_a_hub_tells_are_no_items_and_are_resumed_from() {
    let first = Answer::stream(format!("{LINES}{OPEN}:\n:\n{CURSOR}:\nretry: 2\n")).then(Then::Close);
    let server = Server::start([first, Answer::stream("data: x\n\n")]);
    let mut source = builder(&server).build();

    assert_eq!(event(&mut source).await.data, "x");

    assert_eq!(server.requested(2).await[1].header("last-event-id"), Some("a-9"));
}

#[tokio::test]
async fn the_retry_of_an_opening_is_not_that_of_the_first_event() {
    for (stream, retries) in [
        (format!("{LINES}id: a-1\ndata: 1\n\nretry: 5\ndata: 2\n\n"), [None, Some(5)]),
        (format!("{LINES}id: a-1\nretry: 6\ndata: 1\n\nid: a-2\ndata: 2\n\n"), [Some(6), None]),
        (format!("{LINES}{OPEN}retry: 7\ndata: 1\n\ndata: 2\n\n"), [Some(7), None]),
        (format!("{LINES}:\n:\ndata: 1\n\nretry: 8\ndata: 2\n\n"), [None, Some(8)]),
        // A hub that ends its opening with a blank line, and a server that announces no heartbeat.
        (format!("{LINES}id: a-0\n\nretry: 9\ndata: 1\n\ndata: 2\n\n"), [Some(9), None]),
        ("retry: 10\ndata: 1\n\n: x\ndata: 2\n\n".to_owned(), [Some(10), None]),
    ] {
        let server = Server::start([Answer::stream(&stream)]);
        let mut source = builder(&server).build();

        let events = [event(&mut source).await, event(&mut source).await];

        assert_eq!(events.map(|event| event.retry.map(|retry| retry.as_ms())), retries, "{stream:?}");
    }
}

#[tokio::test]
async fn a_farewell_without_a_blank_line_sets_the_delay() {
    let first = Answer::stream(format!("{LINES}data: 1\n\nretry: 1234\n")).then(Then::Close);
    let server = Server::start([first]);
    let mut source = builder(&server).strict().build();

    assert_eq!(event(&mut source).await.data, "1");
    let Item::Reconnecting(reconnecting) = soon(source.next()).await.unwrap().unwrap() else {
        panic!("the end")
    };

    assert_eq!(reconnecting.after, Duration::from_millis(1_234));
}
