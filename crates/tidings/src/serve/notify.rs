//! Tells the service manager how far we are, by systemd's protocol: a datagram to the socket in `NOTIFY_SOCKET`.

use std::io;
#[cfg(target_os = "linux")]
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// The service manager, if there is one that asked to be told.
#[derive(Debug, Clone)]
pub(crate) struct ServiceManager(Option<String>);

impl ServiceManager {
    /// `socket` is the value of `NOTIFY_SOCKET`.
    pub(crate) fn new(socket: Option<&String>) -> Self {
        Self(socket.cloned())
    }

    /// The hub answers requests.
    pub(crate) fn ready(&self, address: &str) {
        self.tell(&format!("READY=1\nSTATUS=listening on {address}"));
    }

    /// The hub drains.
    pub(crate) fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=draining");
    }

    fn tell(&self, state: &str) {
        let Some(socket) = &self.0 else { return };
        if let Err(error) = send(socket, state) {
            tracing::warn!(socket, %error, "cannot tell the service manager");
        }
    }
}

fn send(socket: &str, state: &str) -> io::Result<()> {
    // sd_notify(3): "If the first character is @, the string is understood as Linux abstract namespace socket."
    let address = match socket.strip_prefix('@') {
        Some(name) => abstract_address(name)?,
        None => SocketAddr::from_pathname(socket)?,
    };
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address).map(drop)
}

#[cfg(target_os = "linux")]
fn abstract_address(name: &str) -> io::Result<SocketAddr> {
    SocketAddr::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn abstract_address(_: &str) -> io::Result<SocketAddr> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "abstract sockets are Linux's"))
}
