//! The limit of the machine: accept, then one `send` per subscriber and event, in a bare loop. It keeps nothing,
//! checks nothing, and forgets whoever does not take its bytes at once.
//!
//! `limit ADDRESS` sends each event by itself; `limit ADDRESS coalesce` sends all that is pending in one `send`;
//! `limit ADDRESS durable` writes each event to a file and calls `fdatasync` before it sends it;
//! `limit ADDRESS uring` hands the kernel batches of 256 sends, and waits for each batch.
//!
//! For `bench resume` it keeps one body of events, already encoded, and writes it to whoever comes with a `Last-Event-ID`:
//! the time of writing those bytes.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;

use io_uring::{IoUring, opcode, types};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use socket2::{Domain, Socket, Type};

const LISTENER: Token = Token(usize::MAX);
const HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n";
const CREATED: &[u8] = b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok";

/// Sends of one system call.
const BATCH: u32 = 256;
const MSG_DONTWAIT: i32 = 0x40;
const MSG_NOSIGNAL: i32 = 0x4000;

/// More than one benchmark writes.
const LOG_BYTES: usize = 64 << 20;

struct Peer {
    socket: TcpStream,
    input: Vec<u8>,
    subscribed: bool,
    /// How much of the backlog it has, until it has all.
    behind: Option<usize>,
}

/// What a peer asks for.
enum Request {
    Subscribe,
    Resume,
    Publish(String),
    /// A body of events, to be written to those who resume.
    Keep(String),
}

struct Hub {
    peers: Vec<Option<Peer>>,
    subscribers: Vec<usize>,
    coalesce: bool,
    ring: Option<IoUring>,
    log: Option<File>,
    sequence: u64,
    pending: Vec<u8>,
    backlog: Vec<u8>,
}

fn main() -> io::Result<()> {
    let arguments: Vec<_> = std::env::args().collect();
    let address = arguments.get(1).and_then(|address| address.parse().ok());
    let address = address.ok_or_else(|| io::Error::other("usage: limit ADDRESS [coalesce|durable|uring]"))?;
    let mode = arguments.get(2).map(String::as_str);
    let mut hub = Hub {
        peers: Vec::new(),
        subscribers: Vec::new(),
        coalesce: mode == Some("coalesce"),
        log: if mode == Some("durable") { Some(log()?) } else { None },
        ring: if mode == Some("uring") { Some(IoUring::new(BATCH)?) } else { None },
        sequence: 0,
        pending: Vec::new(),
        backlog: Vec::new(),
    };
    let mut listener = listen(address)?;
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(1_024));
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            match event.token() {
                LISTENER => hub.accept(&listener, &poll)?,
                Token(number) => hub.attend(number, &poll)?,
            }
        }
        hub.flush();
    }
}

/// A file whose space is there already, so that a sync writes data and nothing else. Gone with the process.
fn log() -> io::Result<File> {
    let path = std::env::temp_dir().join(format!("limit-{}", std::process::id()));
    let mut file = File::create(&path)?;
    std::fs::remove_file(&path)?;
    file.write_all(&vec![0; LOG_BYTES])?;
    file.sync_all()?;
    file.rewind()?;
    Ok(file)
}

/// mio's own listener lets few wait; of a crowd that comes at once some would be let in a second later.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(4_096)?;
    Ok(TcpListener::from_std(socket.into()))
}

impl Hub {
    fn accept(&mut self, listener: &TcpListener, poll: &Poll) -> io::Result<()> {
        loop {
            match listener.accept() {
                Ok((mut socket, _)) => {
                    socket.set_nodelay(true)?;
                    poll.registry().register(&mut socket, Token(self.peers.len()), Interest::READABLE)?;
                    self.peers.push(Some(Peer {
                        socket,
                        input: Vec::new(),
                        subscribed: false,
                        behind: None,
                    }));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    fn attend(&mut self, number: usize, poll: &Poll) -> io::Result<()> {
        let Some(peer) = self.peers[number].as_mut() else { return Ok(()) };
        let mut buffer = [0; 65_536];
        loop {
            match peer.socket.read(&mut buffer) {
                Ok(count @ 1..) => peer.input.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Ok(0) | Err(_) => {
                    self.forget(number);
                    return Ok(());
                }
            }
        }
        while let Some(request) = self.peers[number].as_mut().and_then(request) {
            match request {
                Request::Subscribe => self.subscribe(number),
                Request::Publish(body) => self.publish(number, &body),
                Request::Keep(events) => self.keep(number, &events),
                Request::Resume => {
                    self.subscribe(number);
                    self.begin_to_catch_up(number, poll)?;
                }
            }
        }
        self.catch_up(number);
        Ok(())
    }

    /// Takes a body of events, and tells the place of the last.
    fn keep(&mut self, number: usize, events: &str) {
        self.backlog.clear();
        for event in events.split_terminator("\n\n") {
            self.sequence += 1;
            let frame = format!("id: limit-{}\n{event}\n\n", self.sequence);
            self.backlog.extend_from_slice(format!("{:x}\r\n{frame}\r\n", frame.len()).as_bytes());
        }
        let body = format!("{{\"id\":\"limit-{}\"}}", self.sequence);
        let answer =
            format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
        if let Some(mut peer) = self.peers[number].take() {
            let _ = peer.socket.write(answer.as_bytes());
        }
    }

    /// Writes what the socket takes. Only if that is not all, the system is asked to tell when it takes more.
    fn begin_to_catch_up(&mut self, number: usize, poll: &Poll) -> io::Result<()> {
        if let Some(peer) = self.peers[number].as_mut() {
            peer.behind = Some(0);
        }
        self.catch_up(number);
        match self.peers[number].as_mut() {
            Some(Peer { socket, behind: Some(_), .. }) => {
                poll.registry().reregister(socket, Token(number), Interest::READABLE | Interest::WRITABLE)
            }
            _ => Ok(()),
        }
    }

    fn catch_up(&mut self, number: usize) {
        let Some(Peer { socket, behind, .. }) = self.peers[number].as_mut() else { return };
        while let Some(sent) = *behind {
            match socket.write(&self.backlog[sent..]) {
                Ok(count) => *behind = Some(sent + count).filter(|sent| *sent < self.backlog.len()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => return self.forget(number),
            }
        }
    }

    fn subscribe(&mut self, number: usize) {
        let Some(peer) = self.peers[number].as_mut() else { return };
        peer.subscribed = true;
        peer.input = Vec::new();
        let _ = peer.socket.write(HEAD);
        self.subscribers.push(number);
    }

    fn publish(&mut self, number: usize, body: &str) {
        self.sequence += 1;
        let frame = format!("id: {}\ndata: {body}\n\n", self.sequence);
        let chunk = format!("{:x}\r\n{frame}\r\n", frame.len());
        if let Some(log) = &mut self.log {
            log.write_all(chunk.as_bytes()).and_then(|()| log.sync_data()).expect("the disk has room");
        }
        self.pending.extend_from_slice(chunk.as_bytes());
        if !self.coalesce {
            self.flush();
        }
        if let Some(peer) = self.peers[number].as_mut() {
            let _ = peer.socket.write(CREATED);
        }
    }

    fn flush(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        if self.ring.is_some() {
            return self.flush_by_ring();
        }
        let Self { peers, subscribers, pending, .. } = self;
        subscribers.retain(|number| {
            let sent = peers[*number].as_mut().is_some_and(
                |peer| matches!(peer.socket.write(pending), Ok(count) if count == pending.len()),
            );
            if !sent {
                peers[*number] = None;
            }
            sent
        });
        pending.clear();
    }

    /// One system call for many sends. Whoever does not take its bytes at once is forgotten.
    fn flush_by_ring(&mut self) {
        let Self { peers, subscribers, pending, ring: Some(ring), .. } = self else { return };
        let mut gone = Vec::new();
        for batch in subscribers.chunks(BATCH as usize) {
            for number in batch {
                let Some(peer) = &peers[*number] else { continue };
                let socket = types::Fd(peer.socket.as_raw_fd());
                let send = opcode::Send::new(socket, pending.as_ptr(), pending.len() as u32);
                let send = send.flags(MSG_DONTWAIT | MSG_NOSIGNAL).build().user_data(*number as u64);
                // SAFETY: the bytes and the socket live until the whole batch is complete, which is waited for below.
                unsafe { ring.submission().push(&send).expect("a batch fits into the ring") };
            }
            let count = ring.submission().len();
            ring.submit_and_wait(count).expect("the kernel takes a batch");
            let failed = ring.completion().filter(|done| done.result() != pending.len() as i32);
            gone.extend(failed.map(|done| done.user_data() as usize));
        }
        pending.clear();
        for number in gone {
            self.forget(number);
        }
    }

    fn forget(&mut self, number: usize) {
        if self.peers[number].take().is_some_and(|peer| peer.subscribed) {
            self.subscribers.retain(|subscriber| *subscriber != number);
        }
    }
}

/// The next request of a peer, if it is complete.
fn request(peer: &mut Peer) -> Option<Request> {
    let end = peer.input.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&peer.input[..end]).to_ascii_lowercase();
    if head.starts_with("get ") {
        peer.input.drain(..end);
        return Some(if head.contains("\r\nlast-event-id:") { Request::Resume } else { Request::Subscribe });
    }
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok())?;
    let body = peer.input.get(end..end + length)?;
    let body = String::from_utf8_lossy(body).into_owned();
    peer.input.drain(..end + length);
    let batch = head.contains("\r\ncontent-type: text/event-stream");
    Some(if batch { Request::Keep(body) } else { Request::Publish(body) })
}
