//! The fuzz corpus, replayed without a fuzzer.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot read its corpus has failed")]

mod common;

use std::fs;
use std::path::Path;

use common::check;

#[test]
fn the_corpus_decodes_as_the_model_does() {
    replay("decode", check::decode);
}

#[test]
fn the_corpus_decodes_alike_however_it_is_cut() {
    replay("chunking", check::chunking);
}

#[test]
fn the_corpus_encodes_and_decodes_to_itself() {
    replay("roundtrip", check::roundtrip);
}

#[test]
fn the_corpus_is_refused_exactly_where_it_would_not_come_back() {
    replay("types", check::types);
}

fn replay(target: &str, check: fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "a corpus for {target}");

    for file in files {
        check(&fs::read(file).unwrap());
    }
}
