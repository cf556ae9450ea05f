//! A hub in a process of its own, on a port of its choosing. It ends with the test that started it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, kill_process};

use crate::connection::{Answer, Connection, Stream};
use crate::deadline::Deadline;

/// The process.
pub struct Hub {
    child: Child,
    /// Where it listens; port 0 if that was not waited for.
    pub address: SocketAddr,
    said: Receiver<String>,
    reader: Option<JoinHandle<()>>,
}

impl Hub {
    /// Starts a command that becomes a hub which logs JSON, and waits until it says where it listens.
    pub fn spawn(command: Command) -> Self {
        let mut hub = Self::begin(command);
        let line = hub.says("\"message\":\"listening\"");
        let rest = line.split("\"address\":\"").nth(1).expect("the line names the address");
        hub.address = rest.split('"').next().and_then(|text| text.parse().ok()).expect("it is an address");
        hub
    }

    /// Starts a command that becomes a hub, and does not wait.
    pub fn begin(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the binary can be started");
        let stderr = child.stderr.take().expect("stderr is a pipe");
        let (sender, said) = channel();
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                // The test may have let go of the hub.
                let _ = sender.send(line);
            }
        });
        let address = SocketAddr::from(([0, 0, 0, 0], 0));
        Self { child, address, said, reader: Some(reader) }
    }

    /// Waits for a line that contains `words`.
    pub fn says(&self, words: &str) -> String {
        let (deadline, mut said) = (Deadline::new(), Vec::new());
        loop {
            match self.said.recv_timeout(deadline.left()) {
                Ok(line) if line.contains(words) => return line,
                Ok(line) => said.push(line),
                Err(error) => unreachable!("the hub did not say {words}: {error}; it said {said:#?}"),
            }
        }
    }

    /// A new connection.
    pub fn connect(&self) -> Connection {
        Connection::open(self.address).expect("a hub that listens can be connected to")
    }

    /// Publishes on a new connection.
    pub fn publish(&self, topic: &str, data: &str) -> Answer {
        self.connect().post(&format!("/events/{topic}"), &[], data).expect("the hub answers")
    }

    /// Subscribes on a new connection.
    pub fn subscribe(&self, target: &str) -> Stream {
        self.connect().subscribe(target, None).expect("the hub answers a subscriber")
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a child has an id");
        kill_process(pid, signal).expect("a child that was not waited for can be sent a signal");
    }

    /// Ends it as a crash does.
    pub fn kill(mut self) {
        self.signal(Signal::KILL);
        self.wait();
    }

    /// Asks it to end, and waits for it.
    pub fn terminate(mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait()
    }

    /// Waits for its end. One that hangs is killed, which its exit status tells.
    pub fn wait(&mut self) -> ExitStatus {
        // Its stderr is closed when it ends, and no sooner.
        let deadline = Deadline::new();
        let closed = loop {
            match self.said.recv_timeout(deadline.left()) {
                Ok(_) => {}
                Err(closed) => break closed,
            }
        };
        if closed == RecvTimeoutError::Timeout {
            self.signal(Signal::KILL);
        }
        self.child.wait().expect("a child can be waited for")
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        // Fails if it has ended, which is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}
