//! Answers of which something still waits in the hub when their connection is told to end: none of them is cut. A pipe stands
//! for the network, and the clock is paused.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::draft;
use tidings_core::memory::MemoryRetention;
use tidings_core::{Epoch, Hub, Limits, MemoryStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{Instant, advance, sleep};

use super::http1::until_parked;
use super::socket::{Raw, Reset, Watched, Watchman};
use super::visit::Visit;
use crate::config::HttpConfig;
use crate::console::Pages;
use crate::front::Front;
use crate::limits::{FIRST_REQUEST_GRACE, LINGER_AT_END_WAIT_MAX, PLACE_STALL_WAIT_MAX};

/// Bytes of an event: its page fits into the buffer of hyper, and not into the pipe.
const LARGE: usize = 30_000;

/// What the pipe takes of an answer that nobody reads.
const PIPE: usize = 1_024;

/// Takes every write at once and keeps the bytes until they are flushed, as a session of TLS does.
struct Session {
    pipe: DuplexStream,
    kept: Vec<u8>,
}

impl AsyncRead for Session {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_read(context, buffer)
    }
}

impl AsyncWrite for Session {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.kept.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { pipe, kept } = &mut *self;
        while !kept.is_empty() {
            let written = ready!(Pin::new(&mut *pipe).poll_write(context, kept))?;
            kept.drain(..written);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(context))?;
        Pin::new(&mut self.pipe).poll_shutdown(context)
    }
}

impl Raw for Session {
    fn poll_read_raw(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_read(context, buffer)
    }
}

impl Watched for Session {
    fn watch(&self, _: Watchman) {}
}

impl Reset for Session {
    fn reset(self) {}
}

/// A hub with one event in `large`.
async fn front() -> Front {
    let clock = ManualClock::at(0);
    let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
    let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
    hub.publish(draft("large", &"x".repeat(LARGE))).await.unwrap();
    Front::new(hub, HttpConfig::default(), Pages::default(), clock)
}

fn serve<S>(front: &Front, visit: &Arc<Visit>, stream: S) -> JoinHandle<()>
where
    S: AsyncRead + AsyncWrite + Raw + Reset + Watched + Unpin + Send + 'static,
{
    let (front, visit) = (front.clone(), visit.clone());
    tokio::spawn(async move {
        let _ = until_parked(&front, &visit, stream).await;
    })
}

fn ask(version: &str, headers: &str) -> String {
    format!(
        "GET /events/large HTTP/{version}\r\nhost: localhost\r\naccept: application/json\r\n{headers}\r\n"
    )
}

/// Everything that a client gets until the hub ends the connection.
async fn rest(client: &mut DuplexStream) -> String {
    let mut said = Vec::new();
    client.read_to_end(&mut said).await.unwrap();
    String::from_utf8(said).unwrap()
}

/// No request is open any more, and a session of TLS has taken the answer, but not sent it.
#[tokio::test(start_paused = true)]
async fn a_connection_that_is_asked_to_leave_stays_until_its_session_has_let_the_answer_go() {
    let front = front().await;
    let (pipe, mut client) = duplex(PIPE);
    let visit = Arc::new(Visit::default());
    serve(&front, &visit, Session { pipe, kept: Vec::new() });
    client.write_all(ask("1.1", "").as_bytes()).await.unwrap();
    advance(FIRST_REQUEST_GRACE).await;

    visit.ask_to_leave();
    sleep(Duration::from_millis(10)).await;
    let said = rest(&mut client).await;

    assert!(said.matches('x').count() >= LARGE, "{} bytes", said.len());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_taken_is_ended_after_a_time_if_others_need_the_place() {
    let front = front().await;
    let (pipe, mut client) = duplex(PIPE);
    let visit = Arc::new(Visit::default());
    let served = serve(&front, &visit, pipe);
    client.write_all(ask("1.1", "").as_bytes()).await.unwrap();
    sleep(PLACE_STALL_WAIT_MAX - Duration::from_millis(100)).await;

    visit.ask_to_leave();
    sleep(Duration::from_millis(50)).await;
    assert!(!served.is_finished());
    // It takes a part, which is progress.
    assert!(client.read(&mut [0; PIPE / 2]).await.unwrap() > 0);
    sleep(Duration::from_secs(1)).await;
    visit.ask_to_leave();
    sleep(Duration::from_millis(50)).await;
    assert!(!served.is_finished());
    sleep(PLACE_STALL_WAIT_MAX).await;
    visit.ask_to_leave();
    sleep(Duration::from_millis(50)).await;

    assert!(served.is_finished());
}

/// Over HTTP/1.0, and during the notice of a drain, every answer is the last of its connection.
#[tokio::test(start_paused = true)]
async fn the_rest_of_a_last_answer_leaves_the_hub_after_its_drain_has_begun() {
    for (version, headers) in [("1.0", ""), ("1.1", "connection: close\r\n")] {
        let front = front().await;
        let (pipe, mut client) = duplex(PIPE);
        serve(&front, &Arc::default(), pipe);
        client.write_all(ask(version, headers).as_bytes()).await.unwrap();
        sleep(Duration::from_millis(10)).await;

        front.drain().begin(Duration::ZERO);
        sleep(Duration::from_millis(10)).await;
        let said = rest(&mut client).await;

        assert!(said.matches('x').count() >= LARGE, "{version}: {} bytes", said.len());
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_a_request_whose_body_does_not_come_is_whole() {
    let front = front().await;
    let (pipe, mut client) = duplex(PIPE);
    serve(&front, &Arc::default(), pipe);
    client.write_all(ask("1.1", "content-length: 10\r\n").as_bytes()).await.unwrap();
    sleep(Duration::from_millis(10)).await;

    let said = rest(&mut client).await;

    assert!(said.matches('x').count() >= LARGE, "{} bytes", said.len());
}

#[tokio::test(start_paused = true)]
async fn requests_that_have_arrived_when_the_drain_begins_are_answered() {
    let front = front().await;
    let (pipe, mut client) = duplex(65_536);
    serve(&front, &Arc::default(), pipe);
    let health = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    client.write_all(health.as_bytes()).await.unwrap();
    let mut first = [0; 1_024];
    assert!(client.read(&mut first).await.unwrap() > 0);

    // The connection is idle, and sees both at once.
    client.write_all(health.as_bytes()).await.unwrap();
    front.drain().begin(Duration::ZERO);
    let said = rest(&mut client).await;

    assert!(said.starts_with("HTTP/1.1 200 OK\r\n"), "{said}");
    assert!(said.contains("\r\nconnection: close\r\n"), "{said}");
}

/// The hub looks at each connection once more before it tells it to end.
#[tokio::test(start_paused = true)]
async fn a_request_that_arrives_while_the_drain_begins_is_answered() {
    let front = front().await;
    let (pipe, mut client) = duplex(65_536);
    serve(&front, &Arc::default(), pipe);
    // Longer than a new connection is waited for.
    sleep(2 * LINGER_AT_END_WAIT_MAX).await;

    front.drain().begin(Duration::ZERO);
    // The connection has heard of it, and its next turn comes after this one.
    yield_now().await;
    client.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let said = rest(&mut client).await;

    assert!(said.starts_with("HTTP/1.1 200 OK\r\n"), "{said}");
}

/// It found its connection closed, though it had a request to send.
#[tokio::test(start_paused = true)]
async fn a_client_that_has_just_connected_when_the_hub_ends_may_ask_within_a_second() {
    for (age, says) in [(0, "HTTP/1.1 200 OK"), (400, "HTTP/1.1 200 OK"), (600, ""), (5_000, "")] {
        let front = front().await;
        let (pipe, mut client) = duplex(65_536);
        serve(&front, &Arc::default(), pipe);
        sleep(Duration::from_millis(age)).await;

        front.drain().begin(Duration::ZERO);
        sleep(Duration::from_millis(500)).await;
        let _ = client.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        let said = rest(&mut client).await;

        assert_eq!(said.lines().next().unwrap_or_default(), says, "{age} ms after it had connected");
    }
}

/// It has had its answer, and would hold the end up.
#[tokio::test(start_paused = true)]
async fn a_client_that_was_answered_is_not_waited_for_when_the_hub_ends() {
    let front = front().await;
    let (pipe, mut client) = duplex(65_536);
    serve(&front, &Arc::default(), pipe);
    client.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    assert!(client.read(&mut [0; 1_024]).await.unwrap() > 0);
    let before = Instant::now();

    front.drain().begin(Duration::ZERO);

    assert_eq!(rest(&mut client).await, "");
    assert!(before.elapsed() < LINGER_AT_END_WAIT_MAX / 10);
}

/// It may still be sending, and its system forgets the answer if the connection is closed meanwhile.
#[tokio::test(start_paused = true)]
async fn a_client_whose_head_was_refused_has_a_moment_to_read_that_also_when_others_need_its_place() {
    let front = front().await;
    let (pipe, mut client) = duplex(65_536);
    let visit = Arc::new(Visit::default());
    let served = serve(&front, &visit, pipe);
    client.write_all(b"no http\r\n\r\n").await.unwrap();
    let said = rest(&mut client).await;
    assert!(said.starts_with("HTTP/1.1 400 "), "{said}");

    visit.ask_to_leave();
    sleep(FIRST_REQUEST_GRACE / 2).await;

    assert!(!served.is_finished());
}

/// It would hold up the end of the hub until the deadline.
#[tokio::test(start_paused = true)]
async fn half_a_head_does_not_hold_up_the_end_of_the_hub() {
    let front = front().await;
    let (pipe, mut client) = duplex(65_536);
    let served = serve(&front, &Arc::default(), pipe);
    client.write_all(b"GET /heal").await.unwrap();
    sleep(Duration::from_millis(10)).await;

    front.drain().begin(Duration::ZERO);
    drop(tokio::time::timeout(Duration::from_secs(3), served).await.expect("the connection does not end"));
}
