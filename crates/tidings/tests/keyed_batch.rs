//! A batch of more events than the hub remembers keys, under one idempotency key, over kill -9.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::thread;

use tempfile::TempDir;
use tidings_testkit::connection::{Answer, Connection};
use tidings_testkit::hub::Hub;

/// More than `IDEMPOTENCY_KEYS_MAX`.
const EVENTS: u64 = 300_000;

/// How many events subscribers have heard when the hub is killed. Each life goes on behind the one before.
const KILLS: [u64; 3] = [1, 40_000, 200_000];

const HEAD: &str = "POST /events/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/event-stream\r\n\
                    Idempotency-Key: one-key\r\n";

#[test]
fn a_batch_of_300_000_events_that_is_killed_and_repeated_is_published_once() {
    let dir = TempDir::new().unwrap();
    // Small segments, so that the parts of the batch are in many of them.
    let arguments = ["--data", dir.path().to_str().unwrap(), "--segment-bytes", "1MiB"];
    let body: String = (1..=EVENTS).map(|number| format!("data: {number}\n\n")).collect();
    let body = body.as_str();

    for heard in KILLS {
        let hub = support::hub(&arguments);
        thread::scope(|scope| {
            let mut stream = hub.subscribe("/events/batch?since=earliest");
            // Without the end of the body, so that the hub cannot have answered when it is killed.
            let mut publisher = TcpStream::connect(hub.address).unwrap();
            let head = format!("{HEAD}Content-Length: {}\r\n\r\n", body.len());
            scope.spawn(move || {
                // Fails when the hub is killed.
                let _ = publisher.write_all(format!("{head}{}", &body[..body.len() - 1]).as_bytes());
                publisher.read(&mut [0])
            });
            for number in 1..=heard {
                assert_eq!(stream.next().unwrap().unwrap().data, number.to_string());
            }
            hub.kill();
        });
    }

    let hub = support::hub(&arguments);
    let first = post(hub.connect(), body).unwrap();
    hub.kill();
    let hub = support::hub(&arguments);
    let again = post(hub.connect(), body).unwrap();
    let shorter = post(hub.connect(), &body[..body.len() / 2]).unwrap();

    assert_eq!((first.status, replayed(&first)), (201, None), "{first:?}");
    assert!(first.body.starts_with("{\"published\":300000,\"id\":"), "{first:?}");
    assert_eq!((again.status, replayed(&again)), (201, Some("true")), "{again:?}");
    assert_eq!(again.body, first.body);
    assert_eq!(shorter.status, 422, "{shorter:?}");
    assert_holds_the_batch(&hub);
}

fn post(mut connection: Connection, body: &str) -> io::Result<Answer> {
    let headers = [("Content-Type", "text/event-stream"), ("Idempotency-Key", "one-key")];
    connection.post("/events/batch", &headers, body)
}

fn replayed(answer: &Answer) -> Option<&str> {
    answer.headers.get("idempotency-replayed").map(String::as_str)
}

/// Checks that the log holds each event of the batch once, in order, and nothing else.
fn assert_holds_the_batch(hub: &Hub) {
    hub.publish("batch", "the last");
    let mut stream = hub.subscribe("/events/batch?since=earliest");
    for number in 1..=EVENTS {
        assert_eq!(stream.next().unwrap().unwrap().data, number.to_string());
    }
    assert_eq!(stream.next().unwrap().unwrap().data, "the last");
}
