//! Subscribers beside the measured ones: some that never read, some of topics where nothing is published. The figures of
//! the measured subscribers should be the same without them.

use std::io;
use std::net::{SocketAddr, TcpStream};

use socket2::{Domain, Socket, Type};

use super::connection::request;
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
        let join = request(&plan.target.host, &plan.target.path, &plan.headers);
        let stalled =
            (0..plan.stalled).map(|_| stall(plan.target.address, &join)).collect::<io::Result<_>>()?;
        let mut others = Crowd::new()?;
        for number in 0..plan.others {
            let path = plan.target.below(&format!("others/{number}"));
            let join = request(&plan.target.host, &path, &plan.headers);
            others.join(plan.target.address, &join, 1, |_, _| {}, |_| {})?;
            progress.say(&format!("{number} of {} subscribers of other topics", plan.others));
        }
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
