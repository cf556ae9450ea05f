//! The reference of the hub over HTTP lists every reason for which a stream ends, and no other.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets what cannot happen has failed")]

use tidings_http::stream::Ending;

/// A row of the table: the code, and whether the client is told when to come back.
type Row<'a> = (&'a str, &'a str);

fn row(line: &str) -> Row<'_> {
    let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
    let [code, meaning, told] = cells[..] else { panic!("a row has three cells: {line}") };
    assert!(!meaning.is_empty(), "{code} has no meaning");
    (code.trim_matches('`'), told)
}

#[test]
fn the_reference_lists_exactly_these_endings() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/http.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (_, section) = page.split_once("\n## Why a stream ends\n").unwrap();
    let section = section.split("\n## ").next().unwrap();

    // The first table of the section; others have other columns.
    let table =
        section.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let listed: Vec<_> = table.filter(|line| line.starts_with("| ")).skip(1).map(row).collect();

    let expected = |ending: &Ending| (ending.code(), if ending.has_farewell() { "yes" } else { "no" });
    assert_eq!(listed, Ending::ALL.iter().map(expected).collect::<Vec<_>>());
}
