//! Fair shares of the binary: what one user, key and address may have, and whose address counts.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong in a test need not be told well")]

mod support;

use std::fs;

use support::hub;
use tempfile::TempDir;
use tidings_testkit::hub::Hub;

const ACCESS: &str = r#"
[access]
trusted_proxies = ["127.0.0.1"]

[access.anonymous]
subscribe = ["**"]
publish = ["**"]

[[access.keys]]
name = "backend"
key = "k-0123456789abcdef0123456789abcdef"
publish = ["**"]
"#;
const BACKEND: (&str, &str) = ("authorization", "Bearer k-0123456789abcdef0123456789abcdef");

fn hub_with(settings: &str, tables: &str) -> (TempDir, Hub) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("tidings.toml");
    fs::write(&path, format!("{settings}\n{tables}")).unwrap();
    let hub = hub(&["--memory", "--config", path.to_str().unwrap()]);
    (dir, hub)
}

fn publish(hub: &Hub, headers: &[(&str, &str)]) -> u16 {
    hub.connect().post("/events/a", headers, "x").unwrap().status
}

/// How many of 12 publishes are taken: more than one may come while they are sent.
fn taken(hub: &Hub, headers: &[(&str, &str)]) -> usize {
    (0..12).filter(|_| publish(hub, headers) == 201).count()
}

#[test]
fn an_address_that_a_proxy_tells_is_limited_and_others_and_keys_are_not() {
    let (_dir, hub) = hub_with("address_publishes_per_second_max = 1", ACCESS);
    let from = |address| ("x-forwarded-for", address);

    let first = taken(&hub, &[from("192.0.2.1")]);

    assert!((5..12).contains(&first), "{first}");
    assert_eq!(publish(&hub, &[from("192.0.2.2")]), 201);
    assert_eq!(publish(&hub, &[("forwarded", "for=\"[2001:db8::1]:80\"")]), 201);
    assert_eq!(taken(&hub, &[from("192.0.2.1"), BACKEND]), 12);
    let metrics = hub.connect().get("/metrics", &[BACKEND]).unwrap();
    assert_eq!(metrics.status, 403, "{}", metrics.body);
}

#[test]
fn a_limit_that_is_set_holds_on_loopback_and_without_access_and_the_default_does_not() {
    let (_dir, set) = hub_with("address_publishes_per_second_max = 1\naddress_streams_max = 1", "");
    let (_dir, unset) = hub_with("", "[access.anonymous]\npublish = [\"**\"]\nsubscribe = [\"**\"]");

    assert!((5..12).contains(&taken(&set, &[])));
    let refused = (0..12).map(|_| set.connect().post("/events/a", &[], "x").unwrap());
    let refused = refused.into_iter().find(|answer| answer.status == 429).unwrap();
    assert!(refused.body.contains("urn:tidings:problem:too-many-publishes"), "{}", refused.body);
    let _stream = set.subscribe("/events/a");
    let sent_away = set.connect().get("/events/a", &[("accept", "text/event-stream")]).unwrap();
    assert_eq!((sent_away.status, sent_away.body.starts_with("retry: ")), (200, true), "{}", sent_away.body);
    let metrics = set.connect().get("/metrics", &[]).unwrap().body;
    assert!(metrics.contains("tidings_limited_total{limit=\"address-streams\"} 1\n"), "{metrics}");
    assert_eq!(taken(&unset, &[]), 12);
}

#[test]
fn a_key_is_limited_where_its_limit_is_set() {
    let (_dir, hub) = hub_with("key_publishes_per_second_max = 1", ACCESS);

    let first = taken(&hub, &[BACKEND]);

    assert!((5..12).contains(&first), "{first}");
    assert_eq!(publish(&hub, &[]), 201);
}
