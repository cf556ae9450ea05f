//! The process under test: `tidings serve`, on one port and one folder through all its lives.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use super::plan::Soak;
use crate::limits::{HUB_LOOK_INTERVAL, HUB_WAIT_MAX, PORTS_TRIED_MAX};
use crate::process::Process;

/// How a hub starts, each time the same.
pub(super) struct Setup {
    pub(super) address: SocketAddr,
    pub(super) folder: PathBuf,
    program: PathBuf,
    arguments: Vec<String>,
}

/// How it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HubEnd {
    Drain,
    Kill,
}

pub(super) struct Hub {
    child: Child,
}

impl Setup {
    /// `program` is the `tidings` that is soaked.
    pub(super) fn new(plan: &Soak, program: &Path) -> io::Result<Self> {
        let address = free_address()?;
        let folder = plan.dir.join(format!("tidings-soak-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let data = folder.join("log").display().to_string();
        // A subscriber that leaves and comes back is for a moment counted twice.
        let connections = plan.subscribers + plan.publishers + plan.subscribers / 4 + 100;
        let (listen, connections) = (address.to_string(), connections.to_string());
        let own = ["serve", "--listen", &listen, "--data", &data, "--connections-max", &connections];
        let arguments = own.into_iter().map(str::to_owned).chain(plan.hub_options.iter().cloned()).collect();
        Ok(Self { address, folder, program: program.to_owned(), arguments })
    }

    /// Starts a hub and waits until it takes connections.
    pub(super) fn start(&self) -> io::Result<Hub> {
        let log = File::options().create(true).append(true).open(self.log())?;
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let mut hub = Hub { child: command.spawn()? };
        let deadline = Instant::now() + HUB_WAIT_MAX;
        while TcpStream::connect(self.address).is_err() {
            if let Some(status) = hub.child.try_wait()? {
                return Err(self.failed(&format!("the hub did not start: {status}")));
            }
            if Instant::now() > deadline {
                return Err(self.failed("the hub does not listen"));
            }
            thread::sleep(HUB_LOOK_INTERVAL);
        }
        Ok(hub)
    }

    /// What the hub has said.
    pub(super) fn log(&self) -> PathBuf {
        self.folder.join("hub.log")
    }

    fn failed(&self, what: &str) -> io::Error {
        io::Error::other(format!("{what}; its log is {}", self.log().display()))
    }
}

impl Hub {
    pub(super) fn process(&self) -> Process {
        Process(self.child.id())
    }

    /// Ends it and waits for that. One that hangs is an error.
    pub(super) fn end(mut self, how: HubEnd) -> io::Result<ExitStatus> {
        let signal = match how {
            HubEnd::Drain => Signal::TERM,
            HubEnd::Kill => Signal::KILL,
        };
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.ok_or_else(|| io::Error::other("the hub has no process id"))?, signal)?;
        let deadline = Instant::now() + HUB_WAIT_MAX;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            thread::sleep(HUB_LOOK_INTERVAL);
        }
        Err(io::Error::other("the hub did not end within a minute of SIGTERM"))
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        // Fails if it has ended, which is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port below those that the system gives to outgoing connections: while the hub is away, one of its clients could
/// be given the hub's own port, be connected to itself, and keep the hub from listening.
fn free_address() -> io::Result<SocketAddr> {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let low: u16 = range.split_whitespace().next().and_then(|low| low.parse().ok()).unwrap_or(32_768);
    let start = low.saturating_sub(1 + (std::process::id() % 10_000) as u16);
    (start.saturating_sub(PORTS_TRIED_MAX)..=start)
        .rev()
        .filter(|port| *port >= 1_024)
        .map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        .find(|address| TcpListener::bind(address).is_ok())
        .ok_or_else(|| io::Error::other("no port is free on loopback"))
}
