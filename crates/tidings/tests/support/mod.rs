//! Runs the real binary, with nothing of this process's environment.
#![allow(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod http;
pub(crate) mod hub;
pub(crate) mod origin;
pub(crate) mod program;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The binary with arguments, and with an empty environment.
pub(crate) fn tidings(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidings"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

/// What a finished process left behind.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a command to its end.
pub(crate) fn run(mut command: Command) -> Left {
    let Output { status, stdout, stderr } = command.output().expect("the binary can be started");
    let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
    Left { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

/// What is left by a process that refuses its configuration.
pub(crate) fn refusal(message: &str, hint: &str) -> Left {
    let stderr = format!("error: {message}\nhint: {hint}\n");
    Left { code: Some(2), stdout: String::new(), stderr }
}

/// Compares words that people read with a file, or writes the file if `TIDINGS_TEST_UPDATE` is set.
pub(crate) fn assert_words(file: &Path, words: &str) {
    if std::env::var_os("TIDINGS_TEST_UPDATE").is_some() {
        std::fs::write(file, words).expect("the file can be written");
    }
    let expected = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        expected == words,
        "{} differs; if the new words are right, run\n  TIDINGS_TEST_UPDATE=1 cargo test -p tidings --test words\n\n{words}",
        file.display(),
    );
}

/// A file of this crate.
pub(crate) fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
