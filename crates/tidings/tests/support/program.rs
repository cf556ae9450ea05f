//! A run of the binary that is watched while it runs: what it writes, line by line, and how it ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use rustix::process::{Pid, Signal, kill_process};
use tidings_testkit::deadline::{Deadline, PATIENCE};

use super::{Left, tidings};

pub(crate) struct Program {
    child: Child,
    pub(crate) stdout: Lines,
    pub(crate) stderr: Lines,
}

/// What is written to one pipe.
pub(crate) struct Lines {
    lines: Receiver<String>,
}

impl Program {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::spawn(tidings(arguments))
    }

    pub(crate) fn spawn(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary can be started");
        let stdout = Lines::of(child.stdout.take().expect("stdout is a pipe"));
        let stderr = Lines::of(child.stderr.take().expect("stderr is a pipe"));
        Self { child, stdout, stderr }
    }

    /// Starts it with a pipe as standard input.
    pub(crate) fn start_with_input(arguments: &[&str]) -> Self {
        let mut command = tidings(arguments);
        command.stdin(Stdio::piped());
        Self::spawn(command)
    }

    /// Writes to its standard input.
    pub(crate) fn write(&mut self, text: &[u8]) {
        self.child.stdin.as_mut().expect("stdin is a pipe").write_all(text).expect("it reads");
    }

    /// Ends its standard input.
    pub(crate) fn end_input(&mut self) {
        self.child.stdin.take();
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a child can be sent a signal");
    }

    /// Waits for its end; the answer is its exit code. Both pipes end when it does, and no sooner.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        self.stderr.rest();
        self.stdout.rest();
        self.child.wait().expect("a child can be waited for").code()
    }
}

impl Lines {
    fn of(pipe: impl Read + Send + 'static) -> Self {
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                // A reader that is let go of closes the pipe.
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { lines }
    }

    /// The next line.
    pub(crate) fn next(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("it writes another line")
    }

    /// All lines until it ends.
    pub(crate) fn rest(&self) -> Vec<String> {
        let (deadline, mut rest) = (Deadline::new(), Vec::new());
        loop {
            match self.lines.recv_timeout(deadline.left()) {
                Ok(line) => rest.push(line),
                Err(RecvTimeoutError::Disconnected) => return rest,
                Err(RecvTimeoutError::Timeout) => {
                    unreachable!("waited {PATIENCE:?} for the end of a program that wrote {rest:#?}")
                }
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Fails if it has ended, which is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs it with this as standard input.
pub(crate) fn run_with_input(arguments: &[&str], input: &[u8]) -> Left {
    let mut program = Program::start_with_input(arguments);
    program.write(input);
    program.end_input();
    let (stdout, stderr) = (program.stdout.rest(), program.stderr.rest());
    Left { code: program.wait(), stdout: stdout.join("\n"), stderr: stderr.join("\n") }
}
