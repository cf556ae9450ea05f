//! One publisher of a benchmark: a keep-alive connection with one request under way at a time.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;

use crate::limits::SHOWN_REFUSAL_BYTES;
use mio::net::TcpStream;

/// A publisher.
pub(super) struct Publisher {
    pub(super) socket: TcpStream,
    host: String,
    /// What stands in each request beside what it is about.
    more: String,
    head: String,
    /// What the socket did not take yet of the request under way.
    unsent: Vec<u8>,
    /// What has come of the answer.
    answer: Vec<u8>,
    busy: bool,
}

impl Publisher {
    /// Connects. `target` is the path and query that events are posted to.
    pub(super) fn connect(address: SocketAddr, host: &str, target: &str, more: &str) -> io::Result<Self> {
        let socket = std::net::TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: {host}\r\nContent-Type: text/plain\r\n{more}Content-Length: "
        );
        let socket = TcpStream::from_std(socket);
        let (host, more) = (host.to_owned(), more.to_owned());
        Ok(Self { socket, host, more, head, unsent: Vec::new(), answer: Vec::new(), busy: false })
    }

    pub(super) fn is_busy(&self) -> bool {
        self.busy
    }

    /// Sends one event.
    pub(super) fn publish(&mut self, body: &[u8]) -> io::Result<()> {
        self.busy = true;
        self.unsent.clear();
        write!(self.unsent, "{}{}\r\n\r\n", self.head, body.len())?;
        self.unsent.extend_from_slice(body);
        self.send()
    }

    /// Posts to another path.
    pub(super) fn post(&mut self, target: &str, content_type: &str, body: &[u8]) -> io::Result<()> {
        self.head = format!(
            "POST {target} HTTP/1.1\r\nHost: {}\r\nContent-Type: {content_type}\r\n{}Content-Length: ",
            self.host, self.more
        );
        self.publish(body)
    }

    /// Reads another path.
    pub(super) fn get(&mut self, target: &str) -> io::Result<()> {
        self.busy = true;
        self.unsent.clear();
        write!(self.unsent, "GET {target} HTTP/1.1\r\nHost: {}\r\n{}\r\n", self.host, self.more)?;
        self.send()
    }

    /// Goes on sending after the socket would have blocked.
    pub(super) fn send(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            match self.socket.write(&self.unsent) {
                Ok(count) => drop(self.unsent.drain(..count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads what has come; true once the answer is complete and says yes.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        loop {
            match self.socket.read(buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.answer.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if !self.busy || !is_complete(&self.answer) {
            return Ok(false);
        }
        check(&self.answer)?;
        self.answer.clear();
        self.busy = false;
        Ok(true)
    }
}

fn is_complete(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    match length {
        Some(length) => answer.len() >= end + 4 + length,
        None => !head.contains("transfer-encoding: chunked") || answer.ends_with(b"0\r\n\r\n"),
    }
}

fn check(answer: &[u8]) -> io::Result<()> {
    if answer.get(9) == Some(&b'2') {
        return Ok(());
    }
    let text =
        String::from_utf8_lossy(&answer[..answer.len().min(SHOWN_REFUSAL_BYTES)]).escape_debug().to_string();
    Err(io::Error::new(ErrorKind::InvalidData, format!("a publish was refused: {text}")))
}
