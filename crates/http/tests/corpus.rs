//! The fuzz corpus of request heads, replayed without a fuzzer.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot read its corpus has failed"
)]

#[path = "../fuzz/check/request_head.rs"]
mod request_head;

use std::fs;
use std::path::Path;

#[test]
fn the_corpus_of_request_heads_is_answered_without_a_fault() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/request_head");
    let mut files: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "a corpus of request heads");

    for file in files {
        println!("{}", file.display());
        request_head::check(&fs::read(file).unwrap());
    }
}
