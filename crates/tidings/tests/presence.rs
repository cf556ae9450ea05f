//! Who is there, as programs outside see it: `tidings sub` beside a hub with tokens.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong in a test need not be told well")]

mod support;

use std::fs;

use serde_json::{Value, json};
use support::hub;
use support::program::Program;
use tempfile::TempDir;
use tidings_testkit::hub::Hub;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const CONFIGURATION: &str = r#"
presence_debounce = "200ms"

[access.jwt]
key = "0123456789abcdef0123456789abcdef"
subscribe = ["orders/*", "tidings/presence/orders/*"]
"#;

/// A user that reads topics by `tidings sub`.
fn sub(directory: &TempDir, hub: &Hub, user: &str, query: &str) -> Program {
    let key = directory.path().join("jwt.key");
    let minted =
        support::run(support::tidings(&["token", "--key-file", key.to_str().unwrap(), "--sub", user]));
    let url = format!("http://{}/events?{query}", hub.address);
    Program::start(&["sub", "--json", "--token", minted.stdout.trim_end(), &url])
}

fn data(line: &str) -> Value {
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!((line["type"].as_str(), line.get("id")), (Some("tidings.presence"), None), "{line}");
    serde_json::from_str(line["data"].as_str().unwrap()).unwrap()
}

#[test]
fn a_reader_of_presence_hears_who_is_there_and_who_comes_and_goes() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("tidings.toml");
    fs::write(&file, CONFIGURATION).unwrap();
    fs::write(directory.path().join("jwt.key"), SECRET).unwrap();
    let hub = hub(&["--memory", "--config", file.to_str().unwrap()]);

    let watches = sub(&directory, &hub, "u1", "topic=orders/9&topic=tidings/presence/orders/9");
    assert_eq!(
        data(&watches.stdout.next()),
        json!({"topic": "orders/9", "users": [{"user": "u1"}], "total": 1})
    );
    let reads = sub(&directory, &hub, "u2", "topic=orders/*");
    let joined = json!({"topic": "orders/9", "joined": [{"user": "u2"}], "left": [], "total": 2});
    assert_eq!(data(&watches.stdout.next()), joined);
    drop(reads);

    let left = json!({"topic": "orders/9", "joined": [], "left": [{"user": "u2"}], "total": 1});
    assert_eq!(data(&watches.stdout.next()), left);
}
