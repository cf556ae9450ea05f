//! A server that is not ours and does what a test says: one answer for each connection, to the byte.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

use tidings_testkit::deadline::PATIENCE;

/// An answer, and what becomes of the connection after it.
pub(crate) enum Then {
    /// The stream ends as it should.
    End,
    /// The connection ends in the middle.
    Cut,
    /// The connection stays open, in silence.
    Hold,
}

pub(crate) struct Origin {
    address: SocketAddr,
    requests: Receiver<String>,
}

impl Origin {
    /// Answers one connection after the other; those that come later find nobody.
    pub(crate) fn start<const N: usize>(answers: [(String, Then); N]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a port");
        let address = listener.local_addr().expect("a listener has an address");
        let (sender, requests) = channel();
        std::thread::spawn(move || {
            let mut held = Vec::new();
            for (answer, then) in answers {
                let Ok((mut stream, _)) = listener.accept() else { return };
                let Ok(request) = read_request(&mut stream) else { continue };
                // The test may not want to know.
                let _ = sender.send(request);
                let _ = stream.write_all(answer.as_bytes());
                match then {
                    Then::End => drop(stream.write_all(b"0\r\n\r\n")),
                    Then::Cut => drop(stream.shutdown(Shutdown::Both)),
                    Then::Hold => held.push(stream),
                }
            }
            // Held connections end with the test: whoever holds the other end is told then.
            std::thread::park_timeout(PATIENCE);
        });
        Self { address, requests }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/stream", self.address)
    }

    /// The next request, head and body.
    pub(crate) fn request(&self) -> String {
        self.requests.recv_timeout(PATIENCE).expect("somebody asks")
    }
}

/// A stream that says this.
pub(crate) fn stream(text: &str) -> String {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    if text.is_empty() {
        return head.to_owned();
    }
    format!("{head}{:x}\r\n{text}\r\n", text.len())
}

/// An answer that is no stream.
pub(crate) fn status(line: &str) -> String {
    format!("HTTP/1.1 {line}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
}

fn read_request(stream: &mut TcpStream) -> std::io::Result<String> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream);
    let (mut request, mut length) = (String::new(), 0);
    loop {
        let begin = request.len();
        if reader.read_line(&mut request)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = request[begin..].trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(std::io::Error::other)?;
        }
        if line.is_empty() {
            break;
        }
    }
    reader.take(length).read_to_string(&mut request)?;
    Ok(request)
}
