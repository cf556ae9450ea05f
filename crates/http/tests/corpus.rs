//! The fuzz corpora of request heads and of WebSockets, replayed without a fuzzer.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot read its corpus has failed"
)]

#[path = "../fuzz/check/request_head.rs"]
mod request_head;
#[path = "../fuzz/check/websocket.rs"]
mod websocket;

use std::fs;
use std::path::Path;

#[test]
fn the_corpus_of_request_heads_is_answered_without_a_fault() {
    replay("request_head", request_head::check);
}

#[test]
fn the_corpus_of_websockets_is_answered_without_a_fault() {
    replay("websocket", websocket::check);
}

fn replay(name: &str, check: fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut files: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "a corpus of {name}");

    for file in files {
        println!("{}", file.display());
        check(&fs::read(file).unwrap());
    }
}
