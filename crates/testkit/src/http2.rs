//! A peer that speaks HTTP/2, with its hands on pings and windows. Every read has a deadline.

use std::future::poll_fn;

use bytes::Bytes;
use h2::client::{Builder, ResponseFuture, SendRequest};
use h2::ext::Protocol;
use h2::{Ping, PingPong, RecvStream, SendStream};
use http::response::Parts;
use http::{Request, Version};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::deadline::{PATIENCE, within};

/// A connection. What it lets a stream send without being read is the default, 65,535 bytes; all together may send 1 GB.
pub struct Peer {
    requests: SendRequest<Bytes>,
    pings: PingPong,
    connection: JoinSet<Result<(), h2::Error>>,
    tunnels: JoinSet<()>,
}

impl Peer {
    /// Shakes hands, and waits for the hub's settings.
    pub async fn over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        let mut builder = Builder::new();
        builder.initial_connection_window_size(1 << 30).enable_push(false);
        let (requests, mut connection) =
            within("a handshake of HTTP/2", builder.handshake(stream)).await.unwrap();
        let pings = connection.ping_pong().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(connection);
        // Whoever asks before the hub's settings have come may ask for too much at once.
        let requests = within("the hub's settings", requests.ready()).await.unwrap();
        let mut peer = Self { requests, pings, connection: tasks, tunnels: JoinSet::new() };
        within("the answer to a ping", peer.pings.ping(Ping::opaque())).await.unwrap();
        peer
    }

    /// Requests that the hub allows at once.
    pub fn requests_max(&self) -> usize {
        self.requests.current_max_send_streams()
    }

    /// Sends a request without a body, and waits for the head of the answer.
    pub async fn get(&mut self, target: &str, headers: &[(&str, &str)]) -> Stream {
        self.request("GET", target, headers, "").await
    }

    /// Sends a request, and waits for the head of the answer.
    pub async fn request(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &'static str,
    ) -> Stream {
        let (answer, mut sender) = self.send_head(method, target, headers, body.is_empty()).await;
        if !body.is_empty() {
            // By now a hub that refuses has read the head, and would have answered.
            within("the answer to a ping", self.pings.ping(Ping::opaque())).await.unwrap();
            sender.send_data(Bytes::from_static(body.as_bytes()), true).unwrap();
        }
        let (head, body) =
            within(format!("the answer to {method} {target}"), answer).await.unwrap().into_parts();
        Stream { head, body, text: String::new() }
    }

    /// Begins to publish to a topic, and leaves the body open. The answer and the body are reset when they are dropped.
    pub async fn publish_open(
        &mut self,
        target: &str,
        headers: &[(&str, &str)],
    ) -> (ResponseFuture, SendStream<Bytes>) {
        self.send_head("POST", target, headers, false).await
    }

    async fn send_head(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        is_all: bool,
    ) -> (ResponseFuture, SendStream<Bytes>) {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("https://localhost{target}"))
            .version(Version::HTTP_2);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut requests = within("leave to ask", self.requests.clone().ready()).await.unwrap();
        requests.send_request(request.body(()).unwrap(), is_all).unwrap()
    }

    /// Whether the hub takes a CONNECT with a protocol.
    pub fn takes_protocols(&self) -> bool {
        self.requests.is_extended_connect_protocol_enabled()
    }

    /// Sends a CONNECT with a protocol. What it opens, and the head of the answer.
    ///
    /// # Errors
    ///
    /// The answer of a hub that refuses.
    pub async fn tunnel(
        &mut self,
        protocol: &str,
        target: &str,
        headers: &[(&str, &str)],
    ) -> Result<(DuplexStream, Parts), Stream> {
        let mut request = Request::builder()
            .method("CONNECT")
            .uri(format!("https://localhost{target}"))
            .version(Version::HTTP_2)
            .extension(Protocol::from(protocol));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut requests = within("leave to ask", self.requests.clone().ready()).await.unwrap();
        let (answer, to_hub) = requests.send_request(request.body(()).unwrap(), false).unwrap();
        let (head, body) =
            within(format!("the answer to CONNECT {target}"), answer).await.unwrap().into_parts();
        if !head.status.is_success() {
            return Err(Stream { head, body, text: String::new() });
        }
        let (near, far) = tokio::io::duplex(65_536);
        let (from_client, to_client) = tokio::io::split(far);
        self.tunnels.spawn(send_on(from_client, to_hub));
        self.tunnels.spawn(pass_back(body, to_client));
        Ok((near, head))
    }

    /// Waits until the hub has closed the connection.
    pub async fn ended(&mut self) -> Result<(), h2::Error> {
        within("the end of the connection", self.connection.join_next()).await.unwrap().unwrap()
    }
}

/// Passes the bytes of a client on, as much at a time as there is room for.
async fn send_on(mut from_client: ReadHalf<DuplexStream>, mut to_hub: SendStream<Bytes>) {
    let mut bytes = vec![0; 16_384];
    while let Ok(count @ 1..) = from_client.read(&mut bytes).await {
        let mut rest = Bytes::copy_from_slice(&bytes[..count]);
        while !rest.is_empty() {
            to_hub.reserve_capacity(rest.len());
            let Some(Ok(room)) = poll_fn(|context| to_hub.poll_capacity(context)).await else { return };
            let piece = rest.split_to(room.min(rest.len()));
            if to_hub.send_data(piece, false).is_err() {
                return;
            }
        }
    }
    let _ = to_hub.send_data(Bytes::new(), true);
}

/// Passes what the hub sends to a client.
async fn pass_back(mut body: RecvStream, mut to_client: WriteHalf<DuplexStream>) {
    while let Some(Ok(data)) = body.data().await {
        let _ = body.flow_control().release_capacity(data.len());
        if to_client.write_all(&data).await.is_err() {
            return;
        }
    }
    let _ = to_client.shutdown().await;
}

/// The answer to a request.
pub struct Stream {
    /// Status and headers.
    pub head: Parts,
    body: RecvStream,
    text: String,
}

impl Stream {
    /// Reads exactly this, however it is cut into frames.
    pub async fn expect(&mut self, expected: &str) {
        let text = self.take(expected.len()).await;
        assert!(text == expected, "not what was expected: {text:?}");
    }

    /// The next so many bytes.
    pub async fn take(&mut self, count: usize) -> String {
        while self.text.len() < count {
            assert!(self.receive().await, "the stream ended after {:?}", self.text);
        }
        let rest = self.text.split_off(count);
        std::mem::replace(&mut self.text, rest)
    }

    /// Everything up to the end.
    pub async fn rest(&mut self) -> String {
        within("the end of the stream", async { while self.receive().await {} }).await;
        std::mem::take(&mut self.text)
    }

    /// The next bytes, which need not be text; none at the end.
    pub async fn piece(&mut self) -> Option<Bytes> {
        self.try_piece().await.unwrap()
    }

    /// The same.
    ///
    /// # Errors
    ///
    /// If the stream was reset, or its connection has ended.
    pub async fn try_piece(&mut self) -> Result<Option<Bytes>, h2::Error> {
        let received = timeout(PATIENCE, self.body.data());
        let received =
            received.await.unwrap_or_else(|_| panic!("waited {PATIENCE:?} for more than {:?}", self.text));
        let Some(data) = received.transpose()? else { return Ok(None) };
        self.body.flow_control().release_capacity(data.len())?;
        Ok(Some(data))
    }

    /// Receives more, and lets the hub send as much again. Whether there was more.
    async fn receive(&mut self) -> bool {
        let Some(data) = self.piece().await else { return false };
        self.text.push_str(std::str::from_utf8(&data).unwrap());
        true
    }
}
