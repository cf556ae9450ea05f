//! The fuzz corpus of cursors and selectors, replayed without a fuzzer.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot read its corpus has failed"
)]

#[path = "../fuzz/check/cursor.rs"]
mod cursor;
#[path = "../fuzz/check/selector.rs"]
mod selector;

use std::fs;
use std::path::Path;

#[test]
fn the_corpus_of_cursors_is_read_one_to_one() {
    replay("cursor", cursor::check);
}

#[test]
fn the_corpus_of_selectors_matches_as_the_rule_says() {
    replay("selector", selector::check);
}

fn replay(target: &str, check: fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "a corpus for {target}");

    for file in files {
        println!("{}", file.display());
        check(&fs::read(file).unwrap());
    }
}
