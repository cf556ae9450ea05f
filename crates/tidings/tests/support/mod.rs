//! Runs the real binary, with nothing of this process's environment.
#![allow(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod desk;
pub(crate) mod directory;
pub(crate) mod origin;
pub(crate) mod program;
pub(crate) mod published;
pub(crate) mod reader;
pub(crate) mod relay;
pub(crate) mod server;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use tidings_testkit::deadline::{Deadline, PATIENCE};
use tidings_testkit::hub::Hub;

/// The binary with arguments, and with an empty environment.
pub(crate) fn tidings(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidings"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

/// Starts `tidings serve` with arguments, and waits until it says where it listens.
pub(crate) fn hub(arguments: &[&str]) -> Hub {
    let mut command = tidings(&["serve", "--listen", "127.0.0.1:0", "--log-format", "json"]);
    command.args(arguments);
    Hub::spawn(command)
}

/// What a finished process left behind.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a command to its end. One that does not end is killed, and the test has failed.
pub(crate) fn run(mut command: Command) -> Left {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary can be started");
    let stdout = all_of(child.stdout.take().expect("stdout is a pipe"));
    let stderr = all_of(child.stderr.take().expect("stderr is a pipe"));
    let deadline = Deadline::new();
    // Both pipes end when the process does, and no sooner.
    let mut text = |pipe: Receiver<String>| {
        pipe.recv_timeout(deadline.left()).unwrap_or_else(|_| {
            child.kill().expect("a child that was not waited for can be killed");
            unreachable!("waited {PATIENCE:?} for the end of {command:?}")
        })
    };
    let (stdout, stderr) = (text(stdout), text(stderr));
    Left { code: child.wait().expect("a child can be waited for").code(), stdout, stderr }
}

/// Everything that comes from a pipe, once it has ended.
fn all_of(mut pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, text) = channel();
    std::thread::spawn(move || {
        let mut all = String::new();
        pipe.read_to_string(&mut all).expect("output is UTF-8");
        // A test that has failed meanwhile does not listen.
        let _ = sender.send(all);
    });
    text
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
