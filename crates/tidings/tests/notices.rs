//! A backend is told which streams have begun and ended, also if it fails at first.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong in a test need not be told well")]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use rustix::process::Signal;
use serde_json::{Value, json};
use support::{hub, run, tidings};
use tempfile::TempDir;
use tidings_testkit::deadline::{Deadline, block_until};
use tidings_testkit::hub::Hub;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const KEY: &str = "k-0123456789abcdef0123456789abcdef";

/// A backend that answers each batch with the next of these statuses, and the last of them from then on.
struct Backend {
    url: String,
    /// Method, target and `Content-Type` in one line, and the batch.
    batches: Receiver<(String, Value)>,
}

impl Backend {
    fn start(statuses: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/notices?token=s3cret", listener.local_addr().unwrap());
        let (sender, batches) = channel();
        thread::spawn(move || {
            for (at, socket) in listener.incoming().enumerate() {
                let mut reader = BufReader::new(socket.unwrap());
                let (mut length, mut line, mut head) = (0, String::new(), String::new());
                while reader.read_line(&mut line).unwrap() > 2 {
                    let lower = line.to_ascii_lowercase();
                    if let Some(value) = lower.strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    } else if line.starts_with("POST ") || lower.starts_with("content-type:") {
                        head.push_str(line.trim_end());
                        head.push(';');
                    }
                    line.clear();
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                let status = statuses[at.min(statuses.len() - 1)];
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                reader.get_mut().write_all(answer.as_bytes()).unwrap();
                if sender.send((head, serde_json::from_slice(&body).unwrap())).is_err() {
                    return;
                }
            }
        });
        Self { url, batches }
    }

    fn batch(&self) -> Value {
        let (head, batch) = self.batches.recv_timeout(Deadline::new().left()).unwrap();
        let expected = "POST /notices?token=s3cret HTTP/1.1;content-type: application/json;";
        assert_eq!(head.to_ascii_lowercase(), expected.to_ascii_lowercase());
        batch
    }
}

/// A hub that tells a backend, with a token for `u1`.
fn scene(backend: &Backend, debounce: &str) -> (TempDir, Hub, String) {
    let dir = TempDir::new().unwrap();
    let url = &backend.url;
    let configuration = format!(
        "[[access.keys]]\nname = \"ops\"\nkey = \"{KEY}\"\nadmin = true\n[access.jwt]\nkey = \"{SECRET}\"\nquery = true\n\
         [access.webhook]\nnotices_url = \"{url}\"\nnotices_debounce = \"{debounce}\"\n"
    );
    let (path, key) = (dir.path().join("tidings.toml"), dir.path().join("jwt.key"));
    fs::write(&path, configuration).unwrap();
    fs::write(&key, SECRET).unwrap();
    let left = run(tidings(&[
        "token",
        "--key-file",
        key.to_str().unwrap(),
        "--sub",
        "u1",
        "--subscribe",
        "orders/*",
    ]));
    let hub = hub(&["--memory", "--config", path.to_str().unwrap(), "--drain-window", "0s"]);
    (dir, hub, left.stdout.trim_end().to_owned())
}

/// Waits until so many streams are there, of which their carriers know.
fn wait_for_streams(hub: &Hub, count: usize) {
    let bearer = format!("Bearer {KEY}");
    block_until(format!("{count} streams"), || {
        let answer = hub.connect().get("/subscriptions?topic=orders/9", &[("authorization", &bearer)]);
        answer.unwrap().body.starts_with(&format!("{{\"connections\":{count},"))
    });
}

fn metric(hub: &Hub, name: &str) -> String {
    let bearer = format!("Bearer {KEY}");
    let text = hub.connect().get("/metrics", &[("authorization", &bearer)]).unwrap().body;
    let line = text.lines().find(|line| line.starts_with(&format!("{name} ")));
    line.unwrap_or("there is none").to_owned()
}

#[test]
fn a_batch_is_sent_until_it_is_taken_and_what_is_left_when_the_hub_ends() {
    let backend = Backend::start(&["503 Service Unavailable", "204 No Content"]);
    let (_dir, hub, token) = scene(&backend, "10m");
    let target = format!("/events/orders/9?access_token={token}");

    let stream = hub.subscribe(&target);
    let first = backend.batch();
    let again = backend.batch();
    // It comes back, and nothing is told of it.
    drop(stream);
    wait_for_streams(&hub, 0);
    let stream = hub.subscribe(&target);
    wait_for_streams(&hub, 1);
    block_until("the batch to be counted", || {
        metric(&hub, "tidings_notices_sent_total") == "tidings_notices_sent_total 1"
    });
    assert_eq!(metric(&hub, "tidings_notices_failed_total"), "tidings_notices_failed_total 1");
    assert!(hub.terminate().success());
    drop(stream);
    let last = backend.batch();

    assert_eq!(first, again, "the same ids");
    let hub = first["hub"].as_str().unwrap();
    let notice = &first["notices"][0];
    let connection = notice["connection"].as_str().unwrap();
    assert_eq!(
        first,
        json!({"hub": hub, "dropped": 0, "notices": [{
            "id": format!("{hub}-1"), "event": "connect", "connection": connection, "user": "u1",
            "address": "127.0.0.1", "selectors": ["orders/9"], "time": notice["time"],
        }]})
    );
    assert!(notice["time"].as_str().unwrap().ends_with('Z'));
    assert_eq!(
        last,
        json!({"hub": hub, "dropped": 0, "notices": [{
            "id": format!("{hub}-2"), "event": "disconnect", "connection": connection, "user": "u1",
            "address": "127.0.0.1", "selectors": ["orders/9"], "time": last["notices"][0]["time"], "reason": "drain",
        }]})
    );
    assert!(!format!("{first}{last}").contains(&token));
}

#[test]
fn a_batch_that_the_backend_refuses_for_good_is_left_out_and_counted() {
    let backend = Backend::start(&["422 Unprocessable Content", "200 OK"]);
    let (_dir, hub, token) = scene(&backend, "0s");
    let target = format!("/events/orders/9?access_token={token}");

    let stream = hub.subscribe(&target);
    let refused = backend.batch();
    block_until("the batch to be counted", || {
        metric(&hub, "tidings_notices_dropped_total") == "tidings_notices_dropped_total 1"
    });
    drop(stream);
    let next = backend.batch();

    assert_eq!(refused["notices"][0]["event"], "connect");
    assert_eq!((&next["dropped"], &next["notices"][0]["event"]), (&json!(1), &json!("disconnect")));
    assert_eq!(next["notices"][0]["reason"], "client-gone");
    assert_eq!(next["notices"][0]["connection"], refused["notices"][0]["connection"]);
    let log = hub.says("notices of connections were not taken");
    assert!(log.contains("it answered 422") && !log.contains("s3cret"), "{log}");
}

#[test]
fn a_backend_that_is_away_keeps_the_hub_from_ending_for_some_seconds_only() {
    // Nobody listens there any more.
    let mut backend = Backend::start(&["200 OK"]);
    backend.url = "http://127.0.0.1:1/".to_owned();
    let (_dir, mut hub, token) = scene(&backend, "0s");

    let stream = hub.subscribe(&format!("/events/orders/9?access_token={token}"));
    hub.says("notices of connections were not taken");

    hub.signal(Signal::TERM);
    hub.says("the hub ends before these notices were taken");
    assert!(hub.wait().success());
    drop(stream);
}

#[test]
fn what_is_told_and_where_is_printed_without_the_query() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("tidings.toml");
    let table = "[access.webhook]\ntimeout = \"7s\"\nnotices_url = \"http://a.example/n?token=s3cret\"\nnotices_debounce = \"3s\"\n";
    fs::write(&path, table).unwrap();

    let left = run(tidings(&["config", "print", "--config", path.to_str().unwrap()]));

    assert!(left.stdout.contains(&table.replace("?token=s3cret", "")), "{left:?}");
    assert!(!format!("{left:?}").contains("s3cret"));
}
