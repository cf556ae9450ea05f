//! A server on loopback that gives the n-th connection the n-th answer of its script.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidings_testkit::request::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::soon;

/// What a connection gets.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) chunks: Vec<Vec<u8>>,
    pub(crate) then: Then,
    /// While the connection is held.
    pub(crate) comment_every: Option<Duration>,
}

/// What follows the chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// The body ends.
    Close,
    /// The connection ends in the middle of the body.
    Break,
    /// Nothing, until the client goes.
    Hold,
}

impl Answer {
    pub(crate) fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), chunks: Vec::new(), then: Then::Close, comment_every: None }
    }

    /// A stream that says this and is held.
    pub(crate) fn stream(text: impl AsRef<[u8]>) -> Self {
        Self::status(200).header("Content-Type", "text/event-stream").chunk(text).then(Then::Hold)
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub(crate) fn chunk(mut self, text: impl AsRef<[u8]>) -> Self {
        self.chunks.push(text.as_ref().to_vec());
        self
    }

    pub(crate) fn then(mut self, then: Then) -> Self {
        self.then = then;
        self
    }

    fn head(&self) -> String {
        let mut head = format!("HTTP/1.1 {} X\r\n", self.status);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        // 204 has no body, by the standard of HTTP.
        head += if self.status == 204 { "\r\n" } else { "Transfer-Encoding: chunked\r\n\r\n" };
        head
    }
}

/// The server. Ends when it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// The same server under another origin.
    pub(crate) other: SocketAddr,
    state: Arc<State>,
    refusing: Mutex<Option<TcpSocket>>,
    tasks: Mutex<JoinSet<()>>,
}

struct State {
    script: Mutex<VecDeque<Answer>>,
    /// Whether the last answer is for all who come.
    repeats: bool,
    requests: watch::Sender<Vec<Request>>,
    /// Connections that the client closed.
    left: watch::Sender<usize>,
}

impl Server {
    /// Serves the script, and then lets connections wait.
    pub(crate) fn start(script: impl IntoIterator<Item = Answer>) -> Self {
        Self::with_sockets(bind(), bind(), |_, _| script.into_iter().collect(), false)
    }

    /// Serves the script, whose last answer is for all who come. The script may name the server's addresses.
    pub(crate) fn start_repeating(
        script: impl FnOnce(SocketAddr, SocketAddr) -> VecDeque<Answer>,
        repeats: bool,
    ) -> Self {
        Self::with_sockets(bind(), bind(), script, repeats)
    }

    /// Refuses connections until [`accept`](Self::accept).
    pub(crate) fn start_refusing(script: impl FnOnce(SocketAddr, SocketAddr) -> VecDeque<Answer>) -> Self {
        let (socket, other) = (bind(), bind());
        let address = socket.local_addr().unwrap();
        let server = Self::new(address, other.local_addr().unwrap(), script, false);
        *server.refusing.lock().unwrap() = Some(socket);
        server.listen(other);
        server
    }

    fn with_sockets(
        socket: TcpSocket,
        other: TcpSocket,
        script: impl FnOnce(SocketAddr, SocketAddr) -> VecDeque<Answer>,
        repeats: bool,
    ) -> Self {
        let server = Self::new(socket.local_addr().unwrap(), other.local_addr().unwrap(), script, repeats);
        server.listen(socket);
        server.listen(other);
        server
    }

    fn new(
        address: SocketAddr,
        other: SocketAddr,
        script: impl FnOnce(SocketAddr, SocketAddr) -> VecDeque<Answer>,
        repeats: bool,
    ) -> Self {
        let state = Arc::new(State {
            script: Mutex::new(script(address, other)),
            repeats,
            requests: watch::Sender::new(Vec::new()),
            left: watch::Sender::new(0),
        });
        Self { address, other, state, refusing: Mutex::default(), tasks: Mutex::default() }
    }

    /// Stops refusing connections.
    pub(crate) fn accept(&self) {
        if let Some(socket) = self.refusing.lock().unwrap().take() {
            self.listen(socket);
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The requests, when there are so many.
    pub(crate) async fn requested(&self, count: usize) -> Vec<Request> {
        soon(self.requests().wait_for(|requests| requests.len() >= count)).await.unwrap().clone()
    }

    /// The requests so far, and news of them.
    pub(crate) fn requests(&self) -> watch::Receiver<Vec<Request>> {
        self.state.requests.subscribe()
    }

    /// Waits until so many connections were closed by the client.
    pub(crate) async fn left(&self, count: usize) {
        soon(self.state.left.subscribe().wait_for(|left| *left >= count)).await.unwrap();
    }

    fn listen(&self, socket: TcpSocket) {
        let listener = socket.listen(64).unwrap();
        self.tasks.lock().unwrap().spawn(accept_all(listener, self.state.clone()));
    }
}

fn bind() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    socket
}

async fn accept_all(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        connections.spawn(serve(socket, state.clone()));
    }
}

async fn serve(mut socket: TcpStream, state: Arc<State>) {
    socket.set_nodelay(true).unwrap();
    let Some(request) = Request::read(&mut socket).await else { return };
    let answer = state.next_answer();
    state.requests.send_modify(|requests| requests.push(request));
    // The client may leave at any time, and what it leaves unread is nobody's error.
    let _ = match answer {
        Some(answer) => state.play(&mut socket, answer).await,
        None => state.wait_until_left(&mut socket).await,
    };
}

impl State {
    fn next_answer(&self) -> Option<Answer> {
        let mut script = self.script.lock().unwrap();
        if self.repeats && script.len() == 1 { script.front().cloned() } else { script.pop_front() }
    }

    async fn play(&self, socket: &mut TcpStream, answer: Answer) -> std::io::Result<()> {
        socket.write_all(answer.head().as_bytes()).await?;
        for chunk in answer.chunks.iter().filter(|chunk| !chunk.is_empty() && answer.status != 204) {
            write_chunk(socket, chunk).await?;
        }
        match answer.then {
            Then::Close if answer.status == 204 => Ok(()),
            Then::Close => socket.write_all(b"0\r\n\r\n").await,
            Then::Break => Ok(()),
            Then::Hold => match answer.comment_every {
                None => self.wait_until_left(socket).await,
                Some(every) => comment_for_ever(socket, every).await,
            },
        }
    }

    async fn wait_until_left(&self, socket: &mut TcpStream) -> std::io::Result<()> {
        while socket.read_u8().await.is_ok() {}
        self.left.send_modify(|left| *left += 1);
        Ok(())
    }
}

async fn write_chunk(socket: &mut TcpStream, chunk: &[u8]) -> std::io::Result<()> {
    socket.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).await?;
    socket.write_all(chunk).await?;
    socket.write_all(b"\r\n").await
}

async fn comment_for_ever(socket: &mut TcpStream, every: Duration) -> std::io::Result<()> {
    let mut ticks = tokio::time::interval(every);
    loop {
        ticks.tick().await;
        write_chunk(socket, b":\n").await?;
    }
}
