//! Subscribers beside the measured ones: some that never read, some of topics where nothing is published. The figures of
//! the measured subscribers should be the same without them.

use std::io;
use std::net::{SocketAddr, TcpStream};

use socket2::{Domain, Socket, Type};

use super::crowd::Crowd;
use super::plan::Fanout;
use super::report::Progress;
use crate::limits::{SILENCE_MAX, STALLED_RECEIVE_BYTES};

/// Held until the measuring is over.
pub(super) struct Bystanders {
    _stalled: Vec<TcpStream>,
    _others: Crowd,
}

impl Bystanders {
    pub(super) fn join(plan: &Fanout, progress: &Progress) -> io::Result<Self> {
        let address = plan.target.address;
        let stalled = (0..plan.stalled)
            .map(|number| stall(address, &plan.requests.of(number)))
            .collect::<io::Result<_>>()?;
        let elsewhere = plan.requests.clone().at(plan.target.below("others/{n}"));
        let told = |open| progress.say(&format!("{open} of {} subscribers of other topics", plan.others));
        let mut others = Crowd::new()?;
        others.join(address, |number| elsewhere.of(number), plan.others, |_, _| {}, told)?;
        Ok(Self { _stalled: stalled, _others: others })
    }
}

/// Connects, waits for the beginning of the answer, and leaves it unread.
fn stall(address: SocketAddr, request: &str) -> io::Result<TcpStream> {
    let socket = connect_narrow(address)?;
    socket.set_read_timeout(Some(SILENCE_MAX))?;
    io::Write::write_all(&mut &socket, request.as_bytes())?;
    match socket.peek(&mut [0])? {
        0 => Err(io::Error::other("the server closed a connection that does not read")),
        _ => Ok(socket),
    }
}

/// Connects with the least room for what is not read. The room must be known before the system offers it.
fn connect_narrow(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_recv_buffer_size(STALLED_RECEIVE_BYTES)?;
    socket.connect(&address.into())?;
    Ok(socket.into())
}
