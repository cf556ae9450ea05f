//! A relay before a hub that does to each connection what proxies do, and what they do not: one request a connection, over HTTP/1.1.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::server::{Server, read_head};

/// What it does. By default nothing.
#[derive(Clone)]
pub(crate) struct Rewrite {
    /// The head of a request as the hub gets it.
    pub(crate) request: fn(&str) -> String,
    /// The head of an answer as the client gets it.
    pub(crate) answer: fn(&str) -> String,
    /// What it answers in the hub's place to a request with this head.
    pub(crate) in_place: fn(&str) -> Option<Vec<u8>>,
    /// Whether the answer to a request with this head is held back for ever.
    pub(crate) hold: fn(&str) -> bool,
    /// Whether the same is done with the body alone.
    pub(crate) hold_body: fn(&str) -> bool,
    /// Time after the request at which the connection is cut.
    pub(crate) cut_after: Option<Duration>,
    /// Whether nothing is passed on behind the first piece of a body that is a stream.
    pub(crate) first_piece_only: bool,
    /// Told each head of a request.
    pub(crate) tell: Option<Sender<String>>,
}

impl Default for Rewrite {
    fn default() -> Self {
        Self {
            request: str::to_owned,
            answer: str::to_owned,
            in_place: |_| None,
            hold: |_| false,
            hold_body: |_| false,
            cut_after: None,
            first_piece_only: false,
            tell: None,
        }
    }
}

pub(crate) struct Relay {
    server: Server,
    /// The connections so far.
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Relay {
    pub(crate) fn start(hub: SocketAddr, rewrite: Rewrite) -> Self {
        let open = Arc::<Mutex<Vec<TcpStream>>>::default();
        let opened = open.clone();
        let server = Server::start(move |head, client| {
            opened.lock().expect("no thread panics").extend(client.try_clone());
            // A connection that ends is the usual end.
            _ = relay(hub, head, client, &rewrite);
            // The other copy of it would keep it open.
            _ = client.shutdown(Shutdown::Both);
        });
        Self { server, open }
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// Cuts every connection that there is.
    pub(crate) fn cut_all(&self) {
        for socket in self.open.lock().expect("no thread panics").drain(..) {
            // It may have ended.
            _ = socket.shutdown(Shutdown::Both);
        }
    }
}

fn relay(hub: SocketAddr, head: &str, client: &mut TcpStream, rewrite: &Rewrite) -> std::io::Result<()> {
    if let Some(tell) = &rewrite.tell {
        // The test may have heard enough.
        _ = tell.send(head.to_owned());
    }
    if let Some(answer) = (rewrite.in_place)(head) {
        return client.write_all(&answer);
    }
    let mut server = TcpStream::connect(hub)?;
    server.write_all((rewrite.request)(head).as_bytes())?;
    let mut body = vec![0; length(head)];
    client.read_exact(&mut body)?;
    server.write_all(&body)?;
    if (rewrite.hold)(head) {
        client.read_exact(&mut [0])?;
    }
    if let Some(after) = rewrite.cut_after {
        let (client, server) = (client.try_clone()?, server.try_clone()?);
        std::thread::spawn(move || {
            std::thread::sleep(after);
            _ = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
        });
    }
    let Some(answer) = read_head(&mut server) else { return Ok(()) };
    client.write_all((rewrite.answer)(&answer).as_bytes())?;
    if (rewrite.hold_body)(head) {
        client.read_exact(&mut [0])?;
    }
    let (mut piece, is_stream) =
        ([0; 4_096], answer.to_ascii_lowercase().contains("transfer-encoding: chunked"));
    loop {
        let length = server.read(&mut piece)?;
        if length == 0 {
            return Ok(());
        }
        client.write_all(&piece[..length])?;
        if rewrite.first_piece_only && is_stream {
            client.read_exact(&mut [0])?;
        }
    }
}

/// The length of the body behind a head.
fn length(head: &str) -> usize {
    let lower = head.to_ascii_lowercase();
    let value = lower.lines().find_map(|line| line.strip_prefix("content-length:"));
    value.map_or(0, |value| value.trim().parse().expect("it is a number"))
}
