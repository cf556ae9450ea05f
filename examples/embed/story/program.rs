//! An example as a process of its own, on a port of its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

/// How long anything here may take. A test that waits in vain fails instead of hanging.
pub(super) const WAIT_MAX: Duration = Duration::from_secs(30);

/// Ended with the test, whatever comes.
pub(super) struct Program {
    child: Child,
    pub(super) address: SocketAddr,
    /// Open, so that the program can talk.
    _talk: BufReader<ChildStderr>,
}

impl Program {
    pub(super) fn start(path: &str) -> Self {
        let mut child = Command::new(path).arg("127.0.0.1:0").stderr(Stdio::piped()).spawn().unwrap();
        let mut talk = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        talk.read_line(&mut line).unwrap();
        let address = line.strip_prefix("listening on http://").and_then(|rest| rest.strip_suffix("/\n"));
        let address = address.and_then(|address| address.parse().ok()).unwrap_or_else(|| panic!("{line:?}"));
        Self { child, address, _talk: talk }
    }

    pub(super) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until it ends by itself, and returns its exit code.
    pub(super) fn wait(&mut self) -> Option<i32> {
        let process = pidfd_open(Pid::from_child(&self.child), PidfdFlags::empty()).unwrap();
        let patience = Timespec::try_from(WAIT_MAX).unwrap();
        let ended = poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&patience)).unwrap();
        assert_eq!(ended, 1, "it does not end");
        self.child.wait().unwrap().code()
    }

    /// Looks again and again until something is so.
    #[expect(clippy::unused_self, reason = "only a program that runs can change")]
    pub(super) fn until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < WAIT_MAX, "not in time: {what}");
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Fails if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
