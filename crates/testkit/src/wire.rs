//! One connection, byte by byte. Every read has a deadline.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::deadline::{PATIENCE, within};

/// What a connection goes over.
pub trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Socket for S {}

/// A connection to the hub.
pub struct Wire {
    stream: Box<dyn Socket>,
    /// What was received and not yet taken.
    received: Vec<u8>,
}

impl Wire {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self::over(stream)
    }

    /// A connection that carries bytes in its own way.
    pub fn over(stream: impl Socket + 'static) -> Self {
        Self { stream: Box::new(stream), received: Vec::new() }
    }

    /// Sends all of this.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        within("the hub to take what is sent", self.stream.write_all(bytes.as_ref())).await.unwrap();
    }

    /// Says that nothing more will be sent.
    pub async fn finish(&mut self) {
        within("the end of what is sent", self.stream.shutdown()).await.unwrap();
    }

    /// The next so many bytes, which are text.
    pub async fn take(&mut self, count: usize) -> String {
        String::from_utf8(self.take_bytes(count).await).unwrap()
    }

    /// The next so many bytes.
    pub async fn take_bytes(&mut self, count: usize) -> Vec<u8> {
        while self.received.len() < count {
            assert!(self.receive().await, "the connection ended after {:?}", self.text());
        }
        let rest = self.received.split_off(count);
        std::mem::replace(&mut self.received, rest)
    }

    /// Reads exactly this.
    pub async fn expect(&mut self, expected: &str) {
        assert_eq!(self.take(expected.len()).await, expected);
    }

    /// Everything up to and including a text.
    pub async fn take_through(&mut self, text: &str) -> String {
        within(format!("{text:?}"), self.find_and_take(text)).await
    }

    async fn find_and_take(&mut self, text: &str) -> String {
        let mut searched: usize = 0;
        loop {
            let from = searched.saturating_sub(text.len());
            if let Some(at) =
                self.received[from..].windows(text.len()).position(|found| found == text.as_bytes())
            {
                return self.take(from + at + text.len()).await;
            }
            searched = self.received.len();
            assert!(self.receive().await, "the connection ended after {:?}", self.text());
        }
    }

    /// The head of an answer, with the date left out.
    pub async fn head(&mut self) -> String {
        let head = self.take_through("\r\n\r\n").await;
        head.split_inclusive("\r\n").filter(|line| !line.starts_with("date: ")).collect()
    }

    /// A whole answer that has a length, with the date left out.
    pub async fn answer(&mut self) -> String {
        let head = self.head().await;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let body = self.take(length.map_or(0, |length| length.parse().unwrap())).await;
        head + &body
    }

    /// The payload of the next chunk; empty for the last one.
    pub async fn chunk(&mut self) -> String {
        String::from_utf8(self.chunk_bytes().await).unwrap()
    }

    /// The same, which need not be text.
    pub async fn chunk_bytes(&mut self) -> Vec<u8> {
        let size = self.take_through("\r\n").await;
        let payload = self.take_bytes(usize::from_str_radix(size.trim_end(), 16).unwrap()).await;
        self.expect("\r\n").await;
        payload
    }

    /// What has come, as soon as something has. None at the end of the connection.
    pub async fn more(&mut self) -> Option<Vec<u8>> {
        if self.received.is_empty() {
            self.receive().await;
        }
        Some(std::mem::take(&mut self.received)).filter(|bytes| !bytes.is_empty())
    }

    /// Everything until the other side ends the connection, with the date left out.
    pub async fn rest(&mut self) -> String {
        self.receive_all().await;
        let all = self.text();
        self.received.clear();
        all.split_inclusive("\r\n").filter(|line| !line.starts_with("date: ")).collect()
    }

    /// The same for what is no text.
    pub async fn rest_bytes(&mut self) -> Vec<u8> {
        self.receive_all().await;
        std::mem::take(&mut self.received)
    }

    /// Whether the other side has ended the connection, and said nothing more.
    pub async fn is_closed(&mut self) -> bool {
        !self.receive().await && self.received.is_empty()
    }

    /// Receives until the other side ends the connection. Heartbeats do not put the deadline off.
    async fn receive_all(&mut self) {
        within("the end of the connection", async { while self.receive().await {} }).await;
    }

    /// Receives more. Whether the connection still is.
    async fn receive(&mut self) -> bool {
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.received)).await;
        // A reset is an end, too: the other side closed with bytes of ours unread.
        read.unwrap_or_else(|_| panic!("waited {PATIENCE:?} for more than {:?}", self.text()))
            .is_ok_and(|read| read > 0)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.received).into_owned()
    }
}
