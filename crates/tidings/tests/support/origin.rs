//! A server that is not ours and does what a test says: one answer for each connection, to the byte.

use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, Sender, channel};

use tidings_testkit::deadline::{PATIENCE, within};
use tidings_testkit::request::Request;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::runtime::Builder;

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
    requests: Receiver<Request>,
}

impl Origin {
    /// Answers one connection after the other; a connection after the last answer finds no listener.
    pub(crate) fn start<const N: usize>(answers: [(String, Then); N]) -> Self {
        Self::of_bytes(answers.map(|(answer, then)| (answer.into_bytes(), then)))
    }

    /// The same with answers that need not be text.
    pub(crate) fn of_bytes<const N: usize>(answers: [(Vec<u8>, Then); N]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a port");
        let address = listener.local_addr().expect("a listener has an address");
        listener.set_nonblocking(true).expect("a listener can be made not to block");
        let (sender, requests) = channel();
        std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
            let _held = runtime.block_on(answer_all(listener, answers, sender));
            // Held connections end with the test: a client at the other end is told then.
            std::thread::park_timeout(PATIENCE);
        });
        Self { address, requests }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/stream", self.address)
    }

    /// The next request.
    pub(crate) fn request(&self) -> Request {
        self.requests.recv_timeout(PATIENCE).expect("somebody asks")
    }
}

/// Returns the connections that are to stay open.
async fn answer_all(
    listener: TcpListener,
    answers: impl IntoIterator<Item = (Vec<u8>, Then)>,
    requests: Sender<Request>,
) -> Vec<TcpStream> {
    let listener = tokio::net::TcpListener::from_std(listener).expect("the runtime takes a listener");
    let mut held = Vec::new();
    for (answer, then) in answers {
        let Ok((mut stream, _)) = listener.accept().await else { break };
        let Some(request) = within("a request", Request::read(&mut stream)).await else { continue };
        // The test may not want to know.
        let _ = requests.send(request);
        let _ = stream.write_all(&answer).await;
        match then {
            Then::End => drop(stream.write_all(b"0\r\n\r\n").await),
            Then::Cut => {}
            Then::Hold => held.push(stream),
        }
    }
    held
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
