//! A server that is not ours: it reads the head of a request, and does what a test says, on each connection.

use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};

/// It ends with the test's process.
pub(crate) struct Server {
    address: SocketAddr,
}

impl Server {
    /// Hands each connection on, with the head of its request.
    pub(crate) fn start(act: impl Fn(&str, &mut TcpStream) + Send + Clone + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a port");
        let address = listener.local_addr().expect("a listener has an address");
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let (Ok(mut socket), act) = (socket, act.clone()) else { continue };
                std::thread::spawn(move || {
                    if let Some(head) = read_head(&mut socket) {
                        act(&head, &mut socket);
                    }
                });
            }
        });
        Self { address }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

/// Reads a head, byte by byte, so that nothing behind it is taken. `None` if its sender went away first.
pub(crate) fn read_head(socket: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if socket.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

/// A whole answer.
pub(crate) fn answer(status: &str, content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}
