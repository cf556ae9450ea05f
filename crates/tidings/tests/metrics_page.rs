//! The table of metrics in docs/reference/http.md says exactly what `/metrics` of the program tells.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::fs;

use support::here;
use tempfile::TempDir;
use tidings_testkit::connection::Connection;
use tidings_testkit::hub::Hub;
use tidings_testkit::metrics::{Exposition, Family};

fn metrics(hub: &Hub) -> Exposition {
    let accept = [("accept", "application/openmetrics-text")];
    Exposition::open_metrics(&Connection::open(hub.address).unwrap().get("/metrics", &accept).unwrap().body)
}

/// A metric as the page has it.
fn row(family: &Family) -> String {
    let Family { name, kind, help, .. } = family;
    let suffix = if kind == "counter" { "_total" } else { "" };
    let labels: Vec<_> = family.labels().iter().map(|label| format!("`{label}`")).collect();
    format!("| `{name}{suffix}` | {kind} | {} | {} |", labels.join(", "), help.trim_end_matches('.'))
}

#[test]
fn the_page_lists_exactly_the_metrics_that_the_program_tells() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let hub = support::hub(&["--data", data.to_str().unwrap()]);

    let told: Vec<_> = metrics(&hub).families.iter().map(row).collect();

    let page = fs::read_to_string(here("../../docs/reference/http.md")).unwrap();
    let (_, section) = page.split_once("\n## Metrics\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let listed: Vec<_> = section.lines().filter(|line| line.starts_with("| `tidings_")).collect();
    assert_eq!(listed, told, "the rows of the page should be\n{}", told.join("\n"));
}

#[test]
fn a_hub_in_memory_tells_everything_but_the_store() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let on_disk = metrics(&support::hub(&["--data", data.to_str().unwrap()]));

    let in_memory = metrics(&support::hub(&["--memory"]));

    let names = |exposition: &Exposition| -> Vec<_> {
        exposition.families.iter().map(|family| family.name.clone()).collect()
    };
    let mut rest = names(&on_disk);
    rest.retain(|name| !name.starts_with("tidings_store_"));
    assert_eq!(names(&in_memory), rest);
    assert!(rest.len() < names(&on_disk).len());
}

#[test]
fn publishes_move_the_numbers_of_the_store() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let hub = support::hub(&["--data", data.to_str().unwrap()]);
    let before = metrics(&hub);

    for text in ["x", "y", "z"] {
        hub.publish("a", text);
    }

    let after = metrics(&hub);
    let grew = |series: &str| after.value(series) - before.value(series);
    assert_eq!(grew("tidings_published_events_total"), 3.0);
    assert_eq!(grew("tidings_store_append_seconds_count"), 3.0);
    assert_eq!(grew("tidings_store_group_events_sum"), 3.0);
    assert_eq!(grew("tidings_store_sync_seconds_count"), 3.0);
}
