//! A command that prints a token: for the first attempt, and each time a new token is due.
//!
//! It runs in a process group of its own, so that nothing is left of a command that hangs: a stream lives for months. Its standard
//! input is empty, because that of `pub` is what is published; its standard error is ours.

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};
use tidings_client::TokenNeed;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, copy, sink};
use tokio::process::Child;

use crate::config::Secret;
use crate::limits::TOKEN_OUTPUT_BYTES_MAX;

/// The command.
pub(super) struct TokenCommand {
    command: String,
    /// What it printed last.
    printed: Mutex<Option<Secret>>,
}

/// Why a command has given no token. Nothing that it printed is told.
#[derive(Debug, thiserror::Error)]
pub(super) enum CommandError {
    #[error("cannot start the token command: {0}")]
    Start(io::Error),
    #[error("cannot read what the token command prints: {0}")]
    Read(io::Error),
    #[error("the token command ended with {}", in_words(*.0))]
    Status(ExitStatus),
    #[error("the token command has printed more than {TOKEN_OUTPUT_BYTES_MAX} bytes")]
    TooLong,
    #[error("the first line that the token command has printed is not {0}")]
    Content(String),
}

impl TokenCommand {
    pub(super) fn new(command: &str) -> Self {
        Self { command: command.to_owned(), printed: Mutex::default() }
    }

    /// The last token, or a new one if that is needed. Cancel-safe: a command that runs is killed.
    pub(super) async fn token(&self, need: TokenNeed) -> Result<Secret, CommandError> {
        let last = self.printed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let (Some(token), TokenNeed::Request) = (last, need) {
            return Ok(token);
        }
        let token = run(&self.command).await?;
        *self.printed.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
        Ok(token)
    }
}

impl std::fmt::Debug for TokenCommand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A secret may stand in it.
        f.write_str("TokenCommand")
    }
}

async fn run(command: &str) -> Result<Secret, CommandError> {
    let mut shell = std::process::Command::new("sh");
    shell.arg("-c").arg(command).process_group(0);
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let shell = tokio::process::Command::from(shell).spawn().map_err(CommandError::Start)?;
    let mut running = Running(shell);
    let line = running.first_line().await?;
    let status = running.end().await?;
    if !status.success() {
        return Err(CommandError::Status(status));
    }
    Secret::token(&String::from_utf8_lossy(&line)).map_err(|bad| CommandError::Content(bad.expected))
}

/// A command that runs. It is killed, with what it has started, if nobody waits for its end any more.
struct Running(Child);

impl Running {
    async fn first_line(&mut self) -> Result<Vec<u8>, CommandError> {
        let stdout = self.0.stdout.as_mut().expect("standard output is a pipe");
        let mut line = Vec::new();
        let mut output = BufReader::new(stdout).take(TOKEN_OUTPUT_BYTES_MAX);
        output.read_until(b'\n', &mut line).await.map_err(CommandError::Read)?;
        if output.limit() == 0 { Err(CommandError::TooLong) } else { Ok(line) }
    }

    /// Waits for its end. What else it prints is read, so that it can end, and is not kept.
    async fn end(&mut self) -> Result<ExitStatus, CommandError> {
        let mut stdout =
            self.0.stdout.take().expect("standard output is a pipe").take(TOKEN_OUTPUT_BYTES_MAX);
        let mut nowhere = sink();
        // Biased: what it has started may print on when it has ended, and is not waited for.
        let read = tokio::select! {
            biased;
            status = self.0.wait() => return status.map_err(CommandError::Read),
            read = copy(&mut stdout, &mut nowhere) => read.map_err(CommandError::Read)?,
        };
        if read == TOKEN_OUTPUT_BYTES_MAX {
            return Err(CommandError::TooLong);
        }
        self.0.wait().await.map_err(CommandError::Read)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // None once it has ended and was waited for: the number may be that of another process by then.
        let group = self.0.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        if let Some(group) = group {
            // Fails if all of them have ended, which is fine. Tokio waits for the child.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

fn in_words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tidings_testkit::deadline::within;
    use tokio::time::sleep;

    use super::*;

    async fn token(command: &str) -> Result<String, String> {
        let token = within("the command", run(command)).await;
        token.map(|Secret(token)| token).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn the_first_line_is_the_token() {
        assert_eq!(token("printf 't-1\\r\\nmore\\n'").await.as_deref(), Ok("t-1"));
        assert_eq!(token("printf t-2").await.as_deref(), Ok("t-2"), "without a line end");
        assert_eq!(token("cat; echo t-3").await.as_deref(), Ok("t-3"), "standard input is empty");
    }

    #[tokio::test]
    async fn what_it_has_started_in_the_background_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let until_then = format!("while [ -e {} ]; do sleep 0.1; done", dir.path().display());

        assert_eq!(token(&format!("echo t-1; ({until_then}) 2>/dev/null & :")).await.as_deref(), Ok("t-1"));
    }

    #[tokio::test]
    async fn a_command_that_fails_is_told_with_its_status_and_without_what_it_printed() {
        let told = |words: &str| Err(words.to_owned());

        assert_eq!(token("echo s3cret; exit 3").await, told("the token command ended with exit status 3"));
        assert_eq!(token("kill -TERM $$").await, told("the token command ended with signal 15"));
        let line = "the first line that the token command has printed is not a bearer token: ";
        assert_eq!(token("echo s3 cret").await, told(&format!("{line}character 3 of it is a space, U+0020")));
        assert_eq!(token(":").await, told(&format!("{line}it is empty")));
        let long = format!("the token command has printed more than {TOKEN_OUTPUT_BYTES_MAX} bytes");
        assert_eq!(token("tr '\\0' a </dev/zero").await, told(&long), "one line");
        assert_eq!(token("head -c 70000 /dev/zero | tr '\\0' a").await, told(&long), "one line that ends");
        assert_eq!(token("yes").await, told(&long), "many lines");
    }

    #[tokio::test]
    async fn it_runs_again_when_a_new_token_is_due() {
        let dir = tempfile::tempdir().unwrap();
        let count = dir.path().join("count");
        let command =
            TokenCommand::new(&format!("echo x >>{0}; echo t-$(wc -l <{0} | tr -d ' ')", count.display()));

        let mut tokens = Vec::new();
        for need in [TokenNeed::Request, TokenNeed::Request, TokenNeed::Refused, TokenNeed::Request] {
            tokens.push(within("the command", command.token(need)).await.unwrap().0);
        }

        assert_eq!(tokens, ["t-1", "t-1", "t-2", "t-2"]);
    }

    #[tokio::test]
    async fn a_command_that_is_not_waited_for_is_killed_with_what_it_has_started() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pid");
        let command = format!("sh -c 'echo $$ >{0}; mv {0} {0}s; sleep 300; :'; :", file.display());
        let whole = dir.path().join("pids");

        let started = async {
            while !whole.exists() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            _ = run(&command) => unreachable!("it sleeps"),
            () = within("the command", started) => {}
        }

        let pid: i32 = std::fs::read_to_string(&whole).unwrap().trim().parse().unwrap();
        let pid = Pid::from_raw(pid).unwrap();
        let gone = async {
            while rustix::process::test_kill_process(pid).is_ok() && !is_zombie(pid) {
                sleep(Duration::from_millis(5)).await;
            }
        };
        within("the end of what it has started", gone).await;
    }

    /// Whether a process has ended and nobody has waited for it yet, as in a container without an init.
    fn is_zombie(pid: Pid) -> bool {
        let stat =
            std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
        stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z'))
    }
}
