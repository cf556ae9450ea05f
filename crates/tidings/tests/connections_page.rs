//! The page of a connection's phases names settings and limits that exist, and the values that they have.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::collections::BTreeMap;
use std::fs::read_to_string;

use support::here;

/// The page's words in code that look like names.
fn names(page: &str) -> Vec<&str> {
    let code = page.split('`').skip(1).step_by(2);
    let is_name = |name: &&str| {
        name.contains('_') && name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
    };
    code.filter(is_name)
        .filter(|name| !["close_notify", "NO_ERROR", "HTTP_1_1_REQUIRED", "keepalive_timeout"].contains(name))
        .collect()
}

/// First and second cell of each row of a generated page's tables.
fn rows(page: &str) -> BTreeMap<&str, &str> {
    page.lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| ")?.split(" | ");
            Some((cells.next()?.trim_matches('`'), cells.next()?.trim_matches('`')))
        })
        .collect()
}

#[test]
fn the_page_names_settings_and_limits_that_exist() {
    let page = read_to_string(here("../../docs/reference/connections.md")).unwrap();
    let settings = read_to_string(here("../../docs/reference/configuration.md")).unwrap();
    let limits = read_to_string(here("../../docs/reference/limits.md")).unwrap();
    let limits = rows(&limits);

    let names = names(&page);

    assert!(names.len() >= 20, "{names:?}");
    for name in names {
        let is_setting = settings.contains(&format!("`{name}`"));
        assert!(is_setting || limits.contains_key(name), "{name} is no setting and no limit");
    }
}

#[test]
fn the_page_tells_the_values_that_settings_and_limits_have() {
    let page = read_to_string(here("../../docs/reference/connections.md")).unwrap();
    let settings = read_to_string(here("../../docs/reference/configuration.md")).unwrap();
    let limits = read_to_string(here("../../docs/reference/limits.md")).unwrap();
    let limits = rows(&limits);
    let default = |name: &str| {
        let (_, rest) = settings.split_once(&format!("\n### `{name}`\n"))?;
        Some(rest.split_once("- default: `")?.1.split_once('`')?.0)
    };

    let mut compared = 0;
    for (name, rest) in page.split('`').skip(1).step_by(2).zip(page.split('`').skip(2).step_by(2)) {
        let Some(value) = rest.strip_prefix(" (").and_then(|rest| rest.split(')').next()) else { continue };
        let Some(seconds) = value.strip_suffix(" s") else { continue };
        let is = default(name).map(str::to_owned).or_else(|| Some(limits.get(name)?.replace(' ', "")));
        assert_eq!(is, Some(format!("{seconds}s")), "{name}");
        compared += 1;
    }
    assert!(compared >= 8, "{compared}");
}

#[test]
fn every_phase_has_a_bound_that_an_operator_can_set() {
    let page = read_to_string(here("../../docs/reference/connections.md")).unwrap();
    let settings = read_to_string(here("../../docs/reference/configuration.md")).unwrap();
    let phases = page.lines().filter_map(|line| line.strip_prefix("| ")).skip(1).take(7);

    let mut seen = Vec::new();
    for row in phases {
        let cells: Vec<_> = row.split(" | ").collect();
        let bounds = cells[3].split('`').skip(1).step_by(2);
        let set = bounds.filter(|name| settings.contains(&format!("`{name}`"))).count();
        assert!(set > 0, "{row} has no setting");
        seen.push(cells[0]);
    }

    assert_eq!(seen, ["handshake", "head", "body", "answer", "idle", "linger", "drain"]);
}
