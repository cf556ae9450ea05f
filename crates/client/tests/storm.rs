//! A bad network: connections that are refused, cut, reset, stalled and split at random places. Every event arrives,
//! once and in order.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::panic)]

mod support;

use std::time::Duration;

use fastrand::Rng;
use tidings_client::EventSource;
use tidings_testkit::request::Request;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

const EVENTS: usize = 2_000;
/// A hundred times what it takes.
const PATIENCE: Duration = Duration::from_secs(120);
const READ_TIMEOUT: Duration = Duration::from_millis(100);

/// A hub that keeps everything and loses its temper.
struct Hub {
    listener: TcpListener,
    rng: Rng,
}

impl Hub {
    async fn serve(mut self) {
        loop {
            let (socket, _) = self.listener.accept().await.unwrap();
            // The client is gone, or will be: both are what this is about.
            let _ = self.mistreat(socket).await;
        }
    }

    async fn mistreat(&mut self, mut socket: TcpStream) -> std::io::Result<()> {
        socket.set_nodelay(true)?;
        let Some(request) = Request::read(&mut socket).await else { return Ok(()) };
        let next = request.header("last-event-id").map_or(0, |id| id.parse::<usize>().unwrap() + 1);
        match self.rng.u8(0..10) {
            0 => return socket.write_all(b"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n").await,
            1 => return Ok(()),
            _ => {}
        }
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        socket.write_all(head.as_bytes()).await?;
        let stream = wire(next, (next + self.rng.usize(1..80)).min(EVENTS));
        let cut = if self.rng.bool() { stream.len() } else { self.rng.usize(0..=stream.len()) };
        self.write_split(&mut socket, &stream[..cut]).await?;
        self.leave(socket).await
    }

    /// Writes in pieces of random size; chunks of HTTP and lines of the stream are cut anywhere.
    async fn write_split(&mut self, socket: &mut TcpStream, mut stream: &[u8]) -> std::io::Result<()> {
        while !stream.is_empty() {
            let (piece, rest) = stream.split_at(self.rng.usize(1..=stream.len().min(200)));
            let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
            let (one, other) = chunk.split_at(self.rng.usize(0..chunk.len()));
            socket.write_all(one).await?;
            tokio::task::yield_now().await;
            socket.write_all(other).await?;
            stream = rest;
        }
        Ok(())
    }

    async fn leave(&mut self, mut socket: TcpStream) -> std::io::Result<()> {
        match self.rng.u8(0..8) {
            0 => socket.set_zero_linger(),
            1 => socket.write_all(b"0\r\n\r\n").await,
            2 => Request::read(&mut socket).await.map_or(Ok(()), |_| Ok(())),
            _ => Ok(()),
        }
    }
}

/// Events with data of several lines and all ends of line, and something in between that is none.
fn wire(from: usize, to: usize) -> Vec<u8> {
    let event = |number: usize| {
        let end = ["\n", "\r\n", "\r"][number % 3];
        format!(": {number}{end}id: {number}{end}data: {number}{end}data: \u{8ba2}{end}{end}")
    };
    (from..to).map(event).collect::<String>().into_bytes()
}

#[tokio::test]
async fn every_event_arrives_once_and_in_order_whatever_the_network_does() {
    let seed = std::env::var("STORM_SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("STORM_SEED={seed}");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/events", listener.local_addr().unwrap());
    let hub = Hub { listener, rng: Rng::with_seed(seed) };
    let mut source = EventSource::builder(&url)
        .unwrap()
        .retry(Duration::from_millis(1))
        .backoff(Duration::from_millis(1), Duration::from_millis(10))
        .read_timeout(READ_TIMEOUT)
        .unwrap()
        .build();

    let heard = async {
        for number in 0..EVENTS {
            let event = source.next_event().await.unwrap().unwrap();
            assert_eq!(
                (event.data, event.last_event_id),
                (format!("{number}\n\u{8ba2}"), number.to_string())
            );
        }
    };

    // Not biased: each side waits for the other, and whichever is ready goes on.
    tokio::select! {
        () = hub.serve() => panic!("the hub ended"),
        heard = tokio::time::timeout(PATIENCE, heard) => heard.unwrap(),
    }
}
