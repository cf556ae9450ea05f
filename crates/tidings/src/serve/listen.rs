//! The listening socket.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

use crate::limits::LISTEN_BACKLOG;
use crate::terminal::failure::{Exit, Failure};

/// Listens on an address. Must be called in a tokio runtime.
pub(super) fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    bound(address).map_err(|error| {
        let failure = Failure::new(Exit::Address, format!("cannot listen on {address}: {error}"));
        match error.kind() {
            io::ErrorKind::AddrInUse => {
                failure.hint("end what listens there, or give this one another --listen")
            }
            io::ErrorKind::PermissionDenied => {
                failure.hint("ports below 1024 are for root; take a higher one, and a proxy in front")
            }
            _ => failure.hint("the address must be one of this machine's"),
        }
    })
}

fn bound(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A hub that starts again must not wait for the old one's connections to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(LISTEN_BACKLOG)
}
