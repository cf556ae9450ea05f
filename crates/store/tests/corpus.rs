//! The fuzz corpus, replayed without a fuzzer.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot read its corpus has failed")]

mod common;

use std::fs;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};

/// Bytes of memory that the test may take. A directory of the corpus has some kilobytes; the rest is for threads.
const MEMORY_MAX: u64 = 1_073_741_824;

/// How long a directory may take. It takes some hundredths of a second.
const DIRECTORY_MAX: Duration = Duration::from_secs(60);

/// The only test of this file, because it bounds the memory of its whole process: who takes more is aborted.
#[test]
fn whatever_is_in_the_files_of_a_directory_it_is_read_or_refused_within_bounds() {
    setrlimit(Resource::As, Rlimit { current: Some(MEMORY_MAX), maximum: None }).unwrap();
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/recovery");
    let mut files: Vec<_> = fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "a corpus");

    for file in files {
        let input = fs::read(&file).unwrap();
        let (done, end) = channel();
        let checking = thread::spawn(move || {
            // Dropped on a panic, too.
            let _done = done;
            common::recovery::check(&input);
        });
        let ended: Result<(), _> = end.recv_timeout(DIRECTORY_MAX);
        assert_ne!(ended, Err(RecvTimeoutError::Timeout), "{}: it does not end", file.display());
        assert!(checking.join().is_ok(), "{}: see above", file.display());
    }
}
