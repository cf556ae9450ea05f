//! `POST /events` over kill -9: of the events of one body the log has all or none, each once, and a key finds them again.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpStream;
use std::thread;

use tempfile::TempDir;
use tidings_testkit::connection::Answer;
use tidings_testkit::hub::Hub;

const BODIES: usize = 40;
const EVENTS: usize = 500;
const KILLS: [usize; 4] = [1, 700, 3_000, 9_500];

/// Each event names its body, so that the log can be compared with what was sent.
fn body(number: usize) -> String {
    let rest = "x".repeat(250);
    (0..EVENTS)
        .map(|at| format!("{{\"topic\":\"lines/{}\",\"data\":\"{number} {at} {rest}\"}}\n", at % 7))
        .collect()
}

fn head(number: usize, bytes: usize) -> String {
    format!(
        "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n\
         Idempotency-Key: body-{number}\r\nContent-Length: {bytes}\r\n\r\n"
    )
}

#[test]
fn bodies_that_are_killed_are_there_whole_or_not_at_all_and_each_once_in_the_end() {
    let dir = TempDir::new().unwrap();
    // Small segments, so that an append is larger than what is left of one again and again.
    let arguments = ["--data", dir.path().to_str().unwrap(), "--segment-bytes", "1MiB"];

    for heard in KILLS {
        let hub = support::hub(&arguments);
        thread::scope(|scope| {
            let mut stream = hub.subscribe("/events?topic=lines/*&since=earliest");
            // Here, because the hub may be killed before the thread begins.
            let mut publisher = TcpStream::connect(hub.address).unwrap();
            scope.spawn(move || {
                // Many of them are under way when the hub is killed, since nobody waits for an answer.
                let mut answers = publisher.try_clone().unwrap();
                thread::spawn(move || std::io::copy(&mut answers, &mut std::io::sink()));
                for number in 0..BODIES {
                    let body = body(number);
                    let head = head(number, body.len());
                    if publisher.write_all(format!("{head}{body}").as_bytes()).is_err() {
                        break;
                    }
                }
            });
            for _ in 0..heard {
                stream.next().unwrap().unwrap();
            }
            hub.kill();
        });
        let hub = support::hub(&arguments);
        assert_whole(&log(&hub));
        hub.kill();
    }

    let hub = support::hub(&arguments);
    let first: Vec<_> = (0..BODIES).map(|number| post(&hub, number)).collect();
    let log = log(&hub);
    assert_whole(&log);
    assert_eq!(log.len(), BODIES * EVENTS);
    hub.kill();
    let hub = support::hub(&arguments);
    for (number, first) in first.iter().enumerate() {
        let again = post(&hub, number);
        assert_eq!(again.body, first.body);
        assert_eq!(again.headers.get("idempotency-replayed").map(String::as_str), Some("true"));
    }
}

fn post(hub: &Hub, number: usize) -> Answer {
    let key = format!("body-{number}");
    let headers = [("Content-Type", "application/x-ndjson"), ("Idempotency-Key", &key)];
    let answer = hub.connect().post("/events", &headers, &body(number)).unwrap();
    assert_eq!(answer.status, 201, "{answer:?}");
    answer
}

/// The data of all events.
fn log(hub: &Hub) -> Vec<String> {
    hub.publish("lines/end", "the last");
    let mut stream = hub.subscribe("/events?topic=lines/*&since=earliest");
    let data = std::iter::from_fn(|| Some(stream.next().unwrap().unwrap().data));
    let mut ends = Vec::new();
    let mut all = Vec::new();
    // Each look before has left an end.
    let looks =
        hub.connect().get("/events/lines/end?since=earliest", &[("Accept", "application/json")]).unwrap();
    let looks = looks.body.matches("\"data\":\"the last\"").count();
    for text in data {
        if text == "the last" {
            ends.push(text);
            if ends.len() == looks {
                break;
            }
        } else {
            all.push(text.trim_end_matches([' ', 'x']).to_owned());
        }
    }
    all
}

/// Checks that each body is there as a whole, its events next to each other and in order, and once.
fn assert_whole(log: &[String]) {
    let mut bodies = BTreeMap::<&str, usize>::new();
    for events in log.chunks(EVENTS) {
        let (number, _) = events[0].split_once(' ').unwrap();
        *bodies.entry(number).or_default() += 1;
        for at in 0..EVENTS {
            assert_eq!(events.get(at), Some(&format!("{number} {at}")));
        }
    }
    assert!(bodies.values().all(|times| *times == 1), "{bodies:?}");
}
