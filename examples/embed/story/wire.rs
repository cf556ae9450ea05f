//! HTTP/1.1 as a browser speaks it, as far as the story needs it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::program::WAIT_MAX;

/// An answer, complete.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn has_header(&self, line: &str) -> bool {
        has_header(&self.head, line)
    }
}

/// Sends one request on a connection of its own, and reads the whole answer.
pub(super) fn request(address: SocketAddr, line: &str, body: &str) -> Answer {
    let mut socket = connect(address);
    let length = body.len();
    let head = format!("{line}\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    socket.get_mut().write_all(head.as_bytes()).unwrap();
    // A server that refuses a body need not read it.
    let _ = socket.get_mut().write_all(body.as_bytes());
    let head = read_head(&mut socket);
    let mut body = Vec::new();
    if is_chunked(&head) {
        while read_chunk(&mut socket, &mut body) {}
    } else {
        // Not to the end of the connection: who refused a body may wait for the rest of it before closing.
        body.resize(content_length(&head), 0);
        socket.read_exact(&mut body).unwrap();
    }
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, head, body: String::from_utf8(body).unwrap() }
}

/// Sends a request, reads the head of the answer, and keeps the connection.
pub(super) fn keep(address: SocketAddr, line: &str) -> impl Read {
    let mut socket = connect(address);
    write!(socket.get_mut(), "{line}\r\nHost: {address}\r\n\r\n").unwrap();
    read_head(&mut socket);
    socket
}

/// A stream of events.
pub(super) struct Stream {
    socket: BufReader<TcpStream>,
    /// Received, and not yet expected.
    bytes: Vec<u8>,
}

impl Stream {
    /// Opens a stream at the end of an empty log, and returns it with the log's epoch.
    pub(super) fn open(address: SocketAddr, target: &str) -> (Self, String) {
        let mut stream = Self::get(address, target, "");
        stream.expect(": heartbeat 15000\nid: ");
        let mut epoch = String::new();
        while !epoch.ends_with('-') {
            epoch += &stream.take(1);
        }
        epoch.pop();
        stream.expect("0\nretry: 3000\n\n");
        (stream, epoch)
    }

    /// Opens a stream as a browser does that was there before.
    pub(super) fn resume(address: SocketAddr, target: &str, id: &str) -> Self {
        Self::get(address, target, &format!("Last-Event-ID: {id}\r\n"))
    }

    fn get(address: SocketAddr, target: &str, header: &str) -> Self {
        let mut socket = connect(address);
        let head =
            format!("GET {target} HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n{header}\r\n");
        socket.get_mut().write_all(head.as_bytes()).unwrap();
        let head = read_head(&mut socket);
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert!(has_header(&head, "content-type: text/event-stream"), "{head}");
        assert!(has_header(&head, "cache-control: no-cache, no-store, no-transform"), "{head}");
        assert!(is_chunked(&head), "{head}");
        Self { socket, bytes: Vec::new() }
    }

    /// Receives exactly this next.
    pub(super) fn expect(&mut self, text: &str) {
        assert_eq!(self.take(text.len()), text);
    }

    /// Receives all that comes until the stream ends as it should.
    pub(super) fn rest(&mut self) -> String {
        while read_chunk(&mut self.socket, &mut self.bytes) {}
        String::from_utf8(std::mem::take(&mut self.bytes)).unwrap()
    }

    fn take(&mut self, length: usize) -> String {
        while self.bytes.len() < length {
            let more = read_chunk(&mut self.socket, &mut self.bytes);
            assert!(more, "the stream ended after {:?}", String::from_utf8_lossy(&self.bytes));
        }
        String::from_utf8(self.bytes.drain(..length).collect()).unwrap()
    }
}

fn connect(address: SocketAddr) -> BufReader<TcpStream> {
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(WAIT_MAX)).unwrap();
    BufReader::new(socket)
}

fn read_head(socket: &mut BufReader<TcpStream>) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(socket.read_line(&mut head).unwrap() > 0, "the connection ended after {head:?}");
    }
    head
}

/// Appends the next chunk. False if it was the last, which is empty.
fn read_chunk(socket: &mut BufReader<TcpStream>, bytes: &mut Vec<u8>) -> bool {
    let mut line = String::new();
    socket.read_line(&mut line).unwrap();
    let length = usize::from_str_radix(line.trim_end(), 16).unwrap_or_else(|_| panic!("no chunk: {line:?}"));
    let mut chunk = vec![0; length + 2];
    socket.read_exact(&mut chunk).unwrap();
    bytes.extend_from_slice(&chunk[..length]);
    length > 0
}

fn content_length(head: &str) -> usize {
    let mut headers = head.lines().filter_map(|header| header.split_once(": "));
    let length = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    length.and_then(|(_, length)| length.parse().ok()).unwrap_or_else(|| panic!("no length: {head:?}"))
}

fn is_chunked(head: &str) -> bool {
    has_header(head, "transfer-encoding: chunked")
}

fn has_header(head: &str, line: &str) -> bool {
    head.lines().any(|header| header.eq_ignore_ascii_case(line))
}
