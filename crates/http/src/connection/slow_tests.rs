//! Slow but steady readers of HTTP/1, on a socket that takes bytes as Linux does, and the least rate of a reader. The clock is
//! paused: it jumps to what is due next.

#![cfg(target_os = "linux")]

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::draft;
use tidings_core::memory::MemoryRetention;
use tidings_core::{Epoch, Hub, Limits, MemoryStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep, timeout};

use super::carry::carry;
use super::http1::{Gone, until_parked};
use super::socket::{Raw, Reset, Watched, Watchman};
use super::unread_tests::ended;
use crate::config::HttpConfig;
use crate::console::Pages;
use crate::front::Front;
use crate::lane::parking::Leave;
use crate::limits::UNSENT_BYTES_MAX;
use crate::stream::Ending;

/// Bytes of a large event, and of a page that holds it.
const LARGE: usize = 1_000_000;

/// Takes bytes until `UNSENT_BYTES_MAX` are unsent, and then none until less than half of them are. The peer receives so many
/// bytes a second, and says nothing after its request.
struct SlowSocket {
    request: Bytes,
    bytes_per_second: u64,
    unsent: u64,
    /// When so much was unsent.
    at: Instant,
    is_full: bool,
    room: Pin<Box<Sleep>>,
    watchmen: Watchmen,
}

/// Who was to watch a socket, one after another.
type Watchmen = Arc<Mutex<Vec<Watchman>>>;

impl SlowSocket {
    fn new(target: &str, accept: &str, bytes_per_second: u64) -> Self {
        let request = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\naccept: {accept}\r\n\r\n");
        let (at, room) = (Instant::now(), Box::pin(sleep(Duration::ZERO)));
        Self {
            request: request.into(),
            bytes_per_second,
            unsent: 0,
            at,
            is_full: false,
            room,
            watchmen: Watchmen::default(),
        }
    }

    fn send(&mut self) {
        let sent = self.at.elapsed().as_millis() as u64 * self.bytes_per_second / 1_000;
        self.unsent = self.unsent.saturating_sub(sent);
        self.at = Instant::now();
    }
}

impl AsyncRead for SlowSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.request.is_empty() {
            return Poll::Pending;
        }
        let read = self.request.len().min(buffer.remaining());
        buffer.put_slice(&self.request[..read]);
        self.request.advance(read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for SlowSocket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_full {
            ready!(self.room.as_mut().poll(context));
            self.is_full = false;
        }
        self.send();
        let unsent_max = u64::from(UNSENT_BYTES_MAX);
        let taken = (bytes.len() as u64).min(unsent_max - self.unsent);
        self.unsent += taken;
        if self.unsent == unsent_max {
            self.is_full = true;
            let half_is_sent = Duration::from_millis(unsent_max / 2 * 1_000 / self.bytes_per_second + 1);
            let at = self.at + half_is_sent;
            self.room.as_mut().reset(at);
        }
        Poll::Ready(Ok(taken as usize))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Watched for SlowSocket {
    fn watch(&self, by: Watchman) {
        self.watchmen.lock().unwrap().push(by);
    }
}

impl Raw for SlowSocket {
    fn poll_read_raw(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(self).poll_read(context, buffer)
    }
}

impl Reset for SlowSocket {
    fn reset(self) {}
}

/// A hub with one large event in `past`, whose pages hold it.
async fn front() -> Front {
    let clock = ManualClock::at(0);
    let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
    let mut limits = Limits::default();
    limits.page_bytes_max = 2 * LARGE;
    let hub = Hub::start(Arc::new(store), limits).await.unwrap();
    hub.publish(draft("past", &"x".repeat(LARGE))).await.unwrap();
    Front::new(hub, HttpConfig::default(), Pages::default(), clock)
}

/// Half of what may be unsent, in each `write_wait_max` of 60 s: 1,092 bytes a second.
const TOO_SLOW: u64 = 1_050;

/// The worst network of a phone, and rates not far above the least one.
const FAST_ENOUGH: [u64; 3] = [1_100, 1_500, 3_000];

/// How long a peer of a rate was served, until it had a page or was cut off.
async fn page(bytes_per_second: u64) -> Duration {
    let socket = SlowSocket::new("/events/past", "application/json", bytes_per_second);
    let began = Instant::now();
    let served =
        timeout(Duration::from_secs(3_600), until_parked(&front().await, &Arc::default(), socket)).await;
    assert!(served.is_ok(), "the connection does not end");
    began.elapsed()
}

/// Whether a stream was ended because its client took nothing, within twice the time in which it takes a large event.
async fn is_stalled(bytes_per_second: u64) -> bool {
    let front = front().await;
    let socket = SlowSocket::new("/events/past?last=1", "text/event-stream", bytes_per_second);
    let (socket, leave) = until_parked(&front, &Arc::default(), socket).await.unwrap().unwrap();
    let wait = Duration::from_secs(2 * LARGE as u64 / bytes_per_second);
    let _ = timeout(wait, carry(&front, socket, stream_of(leave))).await;
    ended(&front, Ending::WriteStalled) > 0.0
}

#[tokio::test(start_paused = true)]
async fn a_page_is_cut_off_below_the_least_rate_of_the_reference_and_arrives_above_it() {
    let wait = HttpConfig::default().write_wait_max;

    assert_eq!(page(TOO_SLOW).await.as_secs(), wait.as_secs());
    for rate in FAST_ENOUGH {
        let served = page(rate).await;
        assert!(
            served.as_secs() >= (LARGE as u64 - u64::from(UNSENT_BYTES_MAX)) / rate,
            "{rate}: {served:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_below_the_least_rate_of_the_reference_and_goes_on_above_it() {
    assert!(is_stalled(TOO_SLOW).await);
    for rate in FAST_ENOUGH {
        assert!(!is_stalled(rate).await, "{rate}");
    }
}

/// Linux would end a peer that reads steadily, and has no room for the next packet.
#[tokio::test(start_paused = true)]
async fn the_system_watches_a_stream_except_in_the_middle_of_a_large_event() {
    let front = front().await;
    let socket = SlowSocket::new("/events/past?last=1", "text/event-stream", 3_000);
    let watchmen = socket.watchmen.clone();
    let seen = || watchmen.lock().unwrap().clone();

    let (socket, leave) = until_parked(&front, &Arc::default(), socket).await.unwrap().unwrap();
    assert_eq!(seen(), [Watchman::System]);
    let _ = timeout(Duration::from_secs(10), carry(&front, socket, stream_of(leave))).await;

    assert_eq!(seen(), [Watchman::System, Watchman::Hub, Watchman::System, Watchman::Hub]);
}

/// What a stream goes on with.
fn stream_of(gone: Gone) -> Leave {
    match gone {
        Gone::Stream(leave) => leave,
        Gone::Socket(..) => panic!("it is no WebSocket"),
    }
}
