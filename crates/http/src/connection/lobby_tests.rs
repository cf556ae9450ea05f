//! A lobby that is full: who gives way, and who need not. The clock is paused, and the lobby is small.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::draft;
use tidings_core::memory::MemoryRetention;
use tidings_core::{Epoch, Hub, Limits, MemoryStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

use super::serve::Door;
use crate::config::HttpConfig;
use crate::console::Pages;
use crate::front::Front;
use crate::limits::{FIRST_REQUEST_GRACE, PLACE_STALL_WAIT_MAX};

const LOBBY: usize = 4;
const HEALTH: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
const LARGE: &[u8] = b"GET /events/large HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\n\r\n";
const POST: &[u8] = b"POST /events/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\n\r\nx";

/// A hub with two places and a small lobby, which waits for heads as if for ever.
async fn hub() -> SocketAddr {
    let clock = ManualClock::at(0);
    let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
    let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
    hub.publish(draft("large", &"x".repeat(1_000_000))).await.unwrap();
    let config = HttpConfig {
        connections_max: 1,
        connections_reserve: 1,
        head_wait_max: Duration::from_secs(3_600),
        lanes: 1,
        ..HttpConfig::default()
    };
    let door = Door::new(Front::new(hub, config, Pages::default(), clock), LOBBY).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { door.admit_until(&listener, std::future::pending()).await });
    address
}

/// Connections that have sent these bytes, one a millisecond.
async fn connect(hub: SocketAddr, number: usize, bytes: &[u8]) -> Vec<TcpStream> {
    let mut streams = Vec::new();
    for _ in 0..number {
        let mut stream = TcpStream::connect(hub).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        streams.push(stream);
        sleep(Duration::from_millis(1)).await;
    }
    streams
}

/// The first line of the answer, or nothing if the connection is closed without one.
async fn answer(stream: &mut TcpStream, request: &[u8]) -> String {
    let mut received = [0; 1_024];
    // What was closed cannot be written to.
    let read = match stream.write_all(request).await {
        Ok(()) => stream.read(&mut received).await.unwrap_or(0),
        Err(_) => 0,
    };
    let text = String::from_utf8_lossy(&received[..read]).into_owned();
    text.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test(start_paused = true)]
async fn clients_that_are_silent_or_slow_take_no_place_from_others_and_are_answered_when_they_ask() {
    let hub = hub().await;
    let mut silent = connect(hub, 1, b"").await;
    let mut slow = connect(hub, 2, &HEALTH[..10]).await;
    let before = Instant::now();

    for stream in &mut connect(hub, 3, b"").await {
        assert_eq!(answer(stream, POST).await, "HTTP/1.1 201 Created");
    }

    assert!(before.elapsed() < FIRST_REQUEST_GRACE);
    sleep(60 * FIRST_REQUEST_GRACE).await;
    assert_eq!(answer(&mut silent[0], HEALTH).await, "HTTP/1.1 200 OK");
    for stream in &mut slow {
        assert_eq!(answer(stream, &HEALTH[10..]).await, "HTTP/1.1 200 OK");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lobby_full_of_silent_clients_holds_others_up_for_no_longer_than_their_grace() {
    for bytes in [b"", &HEALTH[..10]] {
        let hub = hub().await;
        let mut silent = connect(hub, LOBBY, bytes).await;
        let before = Instant::now();

        let mut asks = TcpStream::connect(hub).await.unwrap();
        assert_eq!(answer(&mut asks, POST).await, "HTTP/1.1 201 Created");

        let waited = before.elapsed();
        assert!(waited < FIRST_REQUEST_GRACE + Duration::from_millis(200), "{waited:?}");
        assert_eq!(answer(&mut silent[0], b"").await, "", "the first has been silent for the longest");
        assert_eq!(answer(&mut silent[LOBBY - 1], &HEALTH[bytes.len()..]).await, "HTTP/1.1 200 OK");
    }
}

/// Each of them kept its place for a minute, and every publisher waited for six seconds and was refused.
#[tokio::test(start_paused = true)]
async fn clients_that_do_not_read_their_answers_keep_publishers_out_for_no_longer_than_a_stall() {
    let hub = hub().await;
    // More than the sockets take of it.
    let _unread = connect(hub, 2, &LARGE.repeat(12)).await;
    sleep(Duration::from_millis(100)).await;
    let before = Instant::now();

    let mut refused = TcpStream::connect(hub).await.unwrap();
    assert_eq!(answer(&mut refused, POST).await, "HTTP/1.1 503 Service Unavailable");
    assert!(before.elapsed() < Duration::from_secs(1), "all are busy, and it is told so soon");
    sleep(PLACE_STALL_WAIT_MAX).await;
    let before = Instant::now();

    let mut publisher = TcpStream::connect(hub).await.unwrap();
    assert_eq!(answer(&mut publisher, POST).await, "HTTP/1.1 201 Created");
    assert!(before.elapsed() < Duration::from_secs(1));
}
