//! The phase after an answer: what the peer still sends is read and thrown away, so that the peer can read the answer.
//!
//! Many clients send a whole body before they read. A socket that is closed while bytes of its peer are unread resets the
//! connection, and the peer's system then forgets an answer that the peer has not read. The bounds count progress: see
//! [`phase`](super::phase).

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http_body::Body as _;
use hyper::body::Incoming;
use tokio::io::{AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::config::HttpConfig;
use crate::connection::socket::Raw;
use crate::connection::visit::Visit;
use crate::front::Front;
use crate::limits::{LINGER_AT_END_WAIT_MAX, LINGER_READ_BYTES, LINGER_SILENCE_MAX};

/// Closes a connection so that the peer can read the last answer.
pub(crate) async fn linger<S: AsyncWrite + Raw + Unpin>(front: &Front, mut stream: S) {
    // What the connection has written may still wait in a session of TLS.
    if let Ok(Ok(())) = timeout(LINGER_SILENCE_MAX, stream.shutdown()).await {
        discard(front, |context| read_once(|buffer| stream.poll_read_raw(context, buffer))).await;
    }
}

/// The same for a connection that others may need: after the grace it goes before all that are only idle.
pub(crate) async fn linger_unless_asked<S>(front: &Front, visit: &Visit, stream: S, grace: Duration)
where
    S: AsyncWrite + Raw + Unpin,
{
    let asked_to_leave = async {
        if !grace.is_zero() {
            visit.awaits_request();
            sleep(grace).await;
        }
        visit.closes();
        visit.asked_to_leave().await;
    };
    tokio::select! {
        () = linger(front, stream) => {}
        () = asked_to_leave => {}
    }
}

/// Reads what a publisher over HTTP/2 still sends although it is answered. Otherwise the answer would be followed by a reset,
/// as RFC 9113, 8.1, has it, and curl forgets an answer that a reset follows. The connection's window is given back as the
/// bytes come, so the other requests on it go on.
pub(crate) async fn take_rest(front: &Front, mut body: Incoming) {
    discard(front, |context| {
        let frame = ready!(Pin::new(&mut body).poll_frame(context));
        // A frame without data is progress, too: h2 bounds their number.
        Poll::Ready(
            frame
                .and_then(Result::ok)
                .map_or(0, |frame| frame.data_ref().map_or(1, |data| data.len().max(1))),
        )
    })
    .await;
}

/// Polls until nothing more comes, or what comes is no progress. `poll` says how many bytes it has thrown away, and 0 at the
/// end.
async fn discard(front: &Front, mut poll: impl FnMut(&mut Context<'_>) -> Poll<usize>) {
    let mut bounds = LingerBounds::new(front.config());
    let mut ending = std::pin::pin!(front.drain().begun());
    let mut is_ending = false;
    loop {
        let deadline = bounds.deadline();
        // Biased: a peer that floods the hub must not hold up its end.
        let read = tokio::select! {
            biased;
            () = &mut ending, if !is_ending => {
                is_ending = true;
                bounds.end_soon();
                continue;
            }
            read = timeout_at(deadline, std::future::poll_fn(&mut poll)) => read,
        };
        match read {
            Ok(0) | Err(_) => return,
            Ok(bytes) => bounds.count(bytes),
        }
    }
}

/// Until when a peer may go on sending.
struct LingerBounds {
    began: Instant,
    heard: Instant,
    bytes: u64,
    bytes_per_second_min: u64,
    /// Without progress, and with as much as there can be.
    wait_max: Duration,
    longest: Duration,
    /// The hub ends.
    end: Option<Instant>,
}

impl LingerBounds {
    fn new(config: &HttpConfig) -> Self {
        let began = Instant::now();
        Self {
            began,
            heard: began,
            bytes: 0,
            bytes_per_second_min: config.body_bytes_per_second_min.max(1),
            wait_max: config.linger_wait_max,
            longest: config.body_wait_max.max(config.linger_wait_max),
            end: None,
        }
    }

    fn count(&mut self, bytes: usize) {
        self.heard = Instant::now();
        self.bytes += bytes as u64;
    }

    fn end_soon(&mut self) {
        self.end = Some(Instant::now() + LINGER_AT_END_WAIT_MAX);
    }

    fn deadline(&self) -> Instant {
        let earned = Duration::from_secs(self.bytes / self.bytes_per_second_min);
        let whole = self.began + self.wait_max.saturating_add(earned).min(self.longest);
        let deadline = whole.min(self.heard + LINGER_SILENCE_MAX);
        self.end.map_or(deadline, |end| deadline.min(end))
    }
}

/// How many bytes one reading has thrown away. The buffer is on the stack for as long: ten thousand connections that linger
/// keep no bytes.
fn read_once(poll_read: impl FnOnce(&mut ReadBuf<'_>) -> Poll<io::Result<()>>) -> Poll<usize> {
    let mut unread = [MaybeUninit::uninit(); LINGER_READ_BYTES];
    let mut unread = ReadBuf::uninit(&mut unread);
    let read = ready!(poll_read(&mut unread));
    Poll::Ready(if read.is_ok() { unread.filled().len() } else { 0 })
}
