//! Ten thousand long polls of one topic, as many as a hub has streams by default: each waits, is woken once, and has the event.
//!
//! The hub is a process of its own, since each side needs a file for each connection.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::panic)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use tidings_testkit::connection::Connection;
use tidings_testkit::deadline::{PATIENCE, block_until};
use tidings_testkit::hub::Hub;
use tidings_testkit::metrics::Exposition;

const POLLS: usize = 10_000;

/// What a poll may hold while it waits, its connection included. The kernel's part is not counted.
const BYTES_PER_POLL_MAX: u64 = 32_768;

/// Bytes of main memory that the hub holds.
fn memory_bytes(hub: &Hub) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", hub.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1_024
}

fn metric(hub: &mut Connection, series: &str) -> f64 {
    let text = hub.get("/metrics", &[]).unwrap().body;
    let families = Exposition::prometheus(&text).families;
    let mut samples = families.iter().flat_map(|family| &family.samples);
    samples.find(|sample| sample.series == series).unwrap().value
}

fn poll(hub: &Hub, place: &str) -> TcpStream {
    let mut socket = TcpStream::connect(hub.address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!(
        "GET /events/a?mode=long-poll&wait=60s HTTP/1.1\r\nhost: localhost\r\nlast-event-id: {place}\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).unwrap();
    socket
}

/// An answer that has a length.
fn answer(socket: &mut TcpStream) -> String {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 2_048]);
    loop {
        let text = String::from_utf8(bytes.clone()).unwrap();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() >= length.parse().unwrap() {
                return body.to_owned();
            }
        }
        let read = socket.read(&mut buffer).unwrap();
        assert_ne!(read, 0, "the connection ended after {text:?}");
        bytes.extend_from_slice(&buffer[..read]);
    }
}

#[test]
fn ten_thousand_wait_and_each_is_woken_once() {
    let hub = support::hub(&["--memory"]);
    let mut operator = hub.connect();
    let published = hub.publish("a", "0").body;
    let place = published.split('"').nth(3).unwrap().to_owned();
    let before = memory_bytes(&hub);

    let mut polls: Vec<_> = (0..POLLS).map(|_| poll(&hub, &place)).collect();
    block_until("all to wait", || metric(&mut operator, "tidings_subscriptions") == POLLS as f64);
    let each = memory_bytes(&hub).saturating_sub(before) / POLLS as u64;
    println!("{each} bytes of main memory for each of {POLLS} polls that wait");
    assert!(each <= BYTES_PER_POLL_MAX, "{each}");

    let first = hub.publish("a", "1").body;
    let first = first.split('"').nth(3).unwrap();
    let mut answers = BTreeMap::new();
    for socket in &mut polls {
        *answers.entry(answer(socket)).or_insert(0) += 1;
    }

    let expected = format!(": heartbeat 15000\nretry: 250\nid: {first}\ndata: 1\n\n");
    assert_eq!(answers, BTreeMap::from([(expected, POLLS)]));
    assert_eq!(metric(&mut operator, "tidings_delivered_events_total"), POLLS as f64);
    // Nobody waits any more, so nobody hears of another event.
    hub.publish("a", "2");
    for socket in &mut polls {
        socket.set_nonblocking(true).unwrap();
        let error = socket.read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    }
    assert_eq!(metric(&mut operator, "tidings_subscriptions"), 0.0);
    assert_eq!(metric(&mut operator, "tidings_delivered_events_total"), POLLS as f64);
}
