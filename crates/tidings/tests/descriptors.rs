//! Few file descriptors: the log has its own, connections have the rest, a lack of them passes, and what is said of it is said once.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::net::TcpStream;
use std::process::Command;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use support::tidings;
use tempfile::TempDir;
use tidings_testkit::connection::Stream;
use tidings_testkit::hub::Hub;

/// Two of these do not fit into a segment of the smallest size.
const LARGE: usize = 600_000;

/// A hub in a directory, with so many open files.
fn hub(dir: &TempDir, open_files: u64, more: &[&str]) -> Hub {
    Hub::spawn(command(dir, open_files, more))
}

fn command(dir: &TempDir, open_files: u64, more: &[&str]) -> Command {
    let mut serve = tidings(&["serve", "--listen", "127.0.0.1:0", "--log-format", "json"]);
    serve.args(["--segment-bytes", "1MiB", "--durability", "none", "--data"]);
    serve.arg(dir.path().join("data")).args(more);
    let mut limited = Command::new("prlimit");
    limited
        .arg(format!("--nofile={open_files}:{open_files}"))
        .arg(serve.get_program())
        .args(serve.get_args());
    limited.env_clear().env("PATH", env!("PATH"));
    limited
}

fn data(number: usize) -> String {
    format!("{number} {}", "x".repeat(LARGE))
}

fn publish_all(hub: &Hub, numbers: std::ops::Range<usize>) {
    let mut connection = hub.connect();
    for number in numbers {
        let answer = connection.post("/events/large", &[], &data(number)).unwrap();
        assert_eq!(answer.status, 201, "{number}: {answer:?}");
    }
}

fn assert_hears(stream: &mut Stream, numbers: std::ops::Range<usize>) {
    for number in numbers {
        assert!(stream.next().unwrap().unwrap().data == data(number), "{number}");
    }
}

/// Lets a hub have so many open files from now on.
fn limit(hub: &Hub, open_files: u64) {
    let pid = Pid::from_raw(i32::try_from(hub.pid()).unwrap());
    prlimit(pid, Resource::Nofile, Rlimit { current: Some(open_files), maximum: Some(1_024) }).unwrap();
}

fn open_files(hub: &Hub) -> u64 {
    std::fs::read_dir(format!("/proc/{}/fd", hub.pid())).unwrap().count() as u64
}

/// Each segment took two files. A hub ended when there was none for the next one, and its next start ended with exit code 5.
#[test]
fn a_log_has_more_segments_than_there_are_files() {
    let dir = TempDir::new().unwrap();
    let first = hub(&dir, 160, &[]);

    publish_all(&first, 0..100);
    assert_hears(&mut first.subscribe("/events/large?since=earliest"), 0..100);
    first.kill();
    let second = hub(&dir, 160, &[]);
    publish_all(&second, 100..102);

    assert_hears(&mut second.subscribe("/events/large?since=earliest"), 0..102);
}

/// Subscribers took the last file, and the next segment stopped the store for good.
#[test]
fn a_crowd_that_takes_all_connections_leaves_the_log_its_files() {
    let dir = TempDir::new().unwrap();
    let hub = hub(&dir, 256, &[]);
    let mut publisher = hub.connect();
    publisher.post("/events/large", &[], &data(0)).unwrap();

    // More than there is room for. Some wait, some are sent away.
    let crowd: Vec<_> = (0..400).filter_map(|_| TcpStream::connect(hub.address).ok()).collect();
    let mut streams = Vec::new();
    for socket in &crowd[..200] {
        use std::io::Write;
        let mut socket = socket;
        socket
            .write_all(b"GET /events/large HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
            .unwrap();
        streams.push(socket);
    }
    for number in 1..20 {
        let answer = publisher.post("/events/large", &[], &data(number)).unwrap();
        assert_eq!(answer.status, 201, "{number}: {answer:?}");
    }

    drop(crowd);
    assert_hears(&mut hub.subscribe("/events/large?since=earliest"), 0..20);
}

#[test]
fn the_hub_says_at_its_start_how_many_connections_the_limit_leaves() {
    let dir = TempDir::new().unwrap();
    let hub = Hub::begin(command(&dir, 512, &[]));

    let line = hub.says("the limit of open files is shared out");

    assert!(line.contains("\"open_files\":512") && line.contains("\"level\":\"INFO\""), "{line}");
    let shared: serde_json::Value = serde_json::from_str(&line).unwrap();
    let connections_max = shared["connections_max"].as_u64().unwrap();
    assert!((100..512).contains(&connections_max), "{line}");
    let page = {
        hub.says("listening");
        shared["connections_reserve"].as_u64().unwrap()
    };
    assert!(page < connections_max, "{line}");
}

#[test]
fn a_setting_that_asks_for_more_than_the_limit_is_told_with_the_number_that_it_gets() {
    let dir = TempDir::new().unwrap();
    let hub = Hub::begin(command(&dir, 512, &["--connections-max", "5000"]));

    let line = hub.says("connections_max is 5000");

    assert!(line.contains("\"level\":\"WARN\"") && line.contains("leaves room for "), "{line}");
    assert!(line.contains("ulimit -n"), "{line}");
}

/// The store stopped for good, with exit code 1.
#[test]
fn a_lack_of_files_refuses_publishes_and_passes() {
    let dir = TempDir::new().unwrap();
    let hub = hub(&dir, 1_024, &[]);
    let mut publisher = hub.connect();
    assert_eq!(publisher.post("/events/large", &[], &data(0)).unwrap().status, 201);
    assert_eq!(publisher.post("/events/large", &[], &data(1)).unwrap().status, 201);

    // What is open stays open.
    limit(&hub, 8);
    assert!(open_files(&hub) > 8);
    let refused = publisher.post("/events/large", &[], &data(2)).unwrap();
    let small = publisher.post("/events/large", &[], "a small one still fits").unwrap();
    hub.says("the process has no file descriptor left for its log");
    limit(&hub, 1_024);
    let taken = publisher.post("/events/large", &[], &data(2)).unwrap();

    assert_eq!((refused.status, small.status, taken.status), (503, 201, 201), "{refused:?}");
    assert_eq!(refused.headers["content-type"], "application/problem+json");
    assert!(refused.headers.contains_key("retry-after"), "{refused:?}");
    hub.says("there is a file descriptor for the log again");
    let mut stream = hub.subscribe("/events/large?since=earliest");
    assert_hears(&mut stream, 0..2);
    assert_eq!(stream.next().unwrap().unwrap().data, "a small one still fits");
    assert_hears(&mut stream, 2..3);
    assert_eq!(hub.terminate().code(), Some(0));
}

/// Ten lines a second, without a word of what to do.
#[test]
fn connections_that_cannot_be_accepted_are_told_with_what_mends_it() {
    let dir = TempDir::new().unwrap();
    let hub = hub(&dir, 1_024, &[]);
    assert_eq!(hub.publish("a", "it has started").status, 201);
    limit(&hub, 8);

    let waiting = TcpStream::connect(hub.address).unwrap();
    let line = hub.says("cannot accept connections at the moment");

    assert!(line.contains("raise the limit of open files (ulimit -n, LimitNOFILE)"), "{line}");
    limit(&hub, 1_024);
    assert_eq!(hub.publish("a", "as ever").status, 201);
    drop(waiting);
}
