//! A socket under hyper, which sees what hyper does with it: how much of a head has come, whether all was written, and
//! whether hyper answers by itself.
//!
//! hyper answers a head that it cannot read without asking anybody, with an empty 400, 414 or 431. Such an answer is kept
//! back, and `bad_head` writes one with a reason.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use http::header::X_CONTENT_TYPE_OPTIONS;
use memchr::memmem;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::access::head::LeftOut;
use crate::connection::head_share::HeadShare;
use crate::connection::impatient::Impatient;
use crate::connection::interruption::Interruption;
use crate::connection::left_out::HeadWatch;
use crate::connection::socket::Raw;
use crate::connection::visit::Visit;
use crate::limits::HYPER_ANSWER_BYTES_MAX;

/// What is seen of a connection from outside of hyper.
#[derive(Default)]
pub(crate) struct Seen {
    /// hyper has something to write that the socket does not take.
    blocked: AtomicBool,
    /// Bytes that have come of a head whose end has not.
    head_bytes: AtomicU64,
    /// There is no room for the next head.
    lacks_head_room: AtomicBool,
    /// The next head begins as that of a request which is answered without content.
    begins_with_head: AtomicBool,
    /// A request has come since this was last looked at.
    asked: AtomicBool,
    /// Requests that have begun.
    requests: AtomicU64,
    /// The first request of which hyper leaves something out, counted from 1.
    left_out: OnceLock<(u64, LeftOut)>,
    /// For a request that waits.
    interruption: Interruption,
}

impl Seen {
    /// A head has been read, and a request begins. Tells what hyper has left out of it: then it is the last request.
    pub(crate) fn request_begins(&self) -> Option<LeftOut> {
        self.asked.store(true, Ordering::Relaxed);
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        self.left_out.get().filter(|(of, _)| *of == number).map(|(_, left_out)| *left_out)
    }

    /// What a request is told that waits for a long time.
    pub(crate) fn interruption(&self) -> &Interruption {
        &self.interruption
    }

    /// Whether a request has come since this was last asked.
    pub(crate) fn take_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed) && self.asked.swap(false, Ordering::Relaxed)
    }

    /// Whether the socket has taken everything that hyper has to write.
    pub(crate) fn is_flushed(&self) -> bool {
        !self.blocked.load(Ordering::Relaxed)
    }

    /// Bytes of the next head that have come.
    pub(crate) fn head_bytes(&self) -> u64 {
        self.head_bytes.load(Ordering::Relaxed)
    }

    /// Whether there is no room for the next head.
    pub(crate) fn lacks_head_room(&self) -> bool {
        self.lacks_head_room.load(Ordering::Relaxed)
    }

    /// Whether the next head begins with the method HEAD.
    pub(crate) fn begins_with_head(&self) -> bool {
        self.begins_with_head.load(Ordering::Relaxed)
    }
}

/// The socket itself. hyper writes until its buffer is empty, the socket would block, or a write fails.
pub(crate) struct SeenStream<S> {
    inner: Impatient<S>,
    seen: Arc<Seen>,
    visit: Arc<Visit>,
    heads: HeadWatch,
    share: HeadShare,
}

impl<S> SeenStream<S> {
    pub(crate) fn new(inner: Impatient<S>, seen: Arc<Seen>, visit: Arc<Visit>, share: HeadShare) -> Self {
        Self { inner, seen, visit, heads: HeadWatch::default(), share }
    }

    pub(crate) fn into_inner(self) -> S {
        self.visit.takes_its_answer();
        self.inner.into_inner()
    }

    /// A client that takes a part of what waits is one that begins to wait anew.
    fn note_blocked(&self, is_blocked: bool) {
        if self.seen.blocked.load(Ordering::Relaxed) == is_blocked {
            return;
        }
        self.seen.blocked.store(is_blocked, Ordering::Relaxed);
        match is_blocked {
            true => self.visit.stalls(),
            false => self.visit.takes_its_answer(),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for SeenStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { inner, seen, visit, heads, share } = self.get_mut();
        let is_at_rest = visit.is_at_rest();
        // While a request is open, the share is that of its own head.
        if is_at_rest && !share.holds(heads.head_bytes()) {
            // Nothing wakes the connection: it ends as soon as hyper hands back control.
            seen.lacks_head_room.store(true, Ordering::Relaxed);
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        ready!(Pin::new(inner).poll_read(context, buffer))?;
        let bytes = &buffer.filled()[before..];
        if is_at_rest && heads.head_bytes() == 0 {
            seen.begins_with_head.store(bytes.starts_with(b"HEAD "), Ordering::Relaxed);
        }
        if let Some(left_out) = heads.came(bytes) {
            // It is told once.
            let _ = seen.left_out.set(left_out);
        }
        seen.head_bytes.store(heads.head_bytes(), Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Raw + Unpin> AsyncWrite for SeenStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let ours = &bytes[..bytes.len() - answer_of_hyper(bytes)];
        let written = if ours.is_empty() {
            // What hyper answers by itself counts as written.
            Poll::Ready(Ok(bytes.len()))
        } else {
            Pin::new(&mut self.inner).poll_write(context, ours)
        };
        self.note_blocked(!matches!(written, Poll::Ready(Ok(_))));
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A session of TLS takes a write as soon as it has a copy of the bytes: only this says whether they have left.
        let flushed = Pin::new(&mut self.inner).poll_flush(context);
        // hyper comes here whenever it has done what it can, also while a request waits.
        if self.seen.interruption.is_awaited() && self.inner.get_ref().poll_peek_raw(context).is_ready() {
            self.seen.interruption.tell();
        }
        self.note_blocked(!matches!(flushed, Poll::Ready(Ok(()))));
        flushed
    }

    /// hyper has written all that it had. The socket stays open, because the connection lingers, or goes on in a lane.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// How many of the last bytes to be written are an answer that hyper gives by itself, which is the last on its connection:
/// the head of an error without what every answer of the hub has. What a user has published has no `\r` on the wire, and so
/// cannot look like one.
fn answer_of_hyper(bytes: &[u8]) -> usize {
    if !bytes.ends_with(b"\r\n\r\n") {
        return 0;
    }
    let end = &bytes[bytes.len().saturating_sub(HYPER_ANSWER_BYTES_MAX)..];
    let Some(begin) = memmem::rfind(end, b"HTTP/1.") else { return 0 };
    let head = &end[begin..];
    let is_error = head.get(b"HTTP/1.1 ".len()) == Some(&b'4');
    let is_one_head = memmem::find(head, b"\r\n\r\n") == Some(head.len() - 4)
        && memchr::memchr_iter(b'\n', head).all(|at| head[at - 1] == b'\r');
    let is_ours = memmem::find(head, X_CONTENT_TYPE_OPTIONS.as_str().as_bytes()).is_some();
    if is_error && is_one_head && !is_ours { head.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF_HYPER: &str = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\
                            date: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n";

    #[test]
    fn an_answer_of_hyper_is_found_also_behind_one_of_ours() {
        let length = OF_HYPER.len();
        let old = OF_HYPER.replace("1.1 400 Bad Request", "1.0 431 Too Large..");

        assert_eq!(answer_of_hyper(OF_HYPER.as_bytes()), length);
        assert_eq!(answer_of_hyper(old.as_bytes()), length);
        for ours in ["HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 201 Created\r\n\r\n{}\n", "0\r\n\r\n"] {
            assert_eq!(answer_of_hyper(format!("{ours}{OF_HYPER}").as_bytes()), length, "{ours}");
        }
    }

    #[test]
    fn nothing_else_is_taken_for_one() {
        for other in [
            "HTTP/1.1 100 Continue\r\n\r\n",
            "HTTP/1.1 204 No Content\r\n\r\n",
            "HTTP/1.1 404 Not Found\r\nx-content-type-options: nosniff\r\ncontent-length: 9\r\n\r\n",
            "14\r\ndata: HTTP/1.1 400 a\n\n\r\n0\r\n\r\n",
            "data: HTTP/1.1 400 a\n\n\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\n\r\n0\r\n\r\n",
            "{\"data\":\"HTTP/1.1 400 Bad Request\"}\n",
            "0\r\n\r\n",
            "",
        ] {
            assert_eq!(answer_of_hyper(other.as_bytes()), 0, "{other:?}");
        }
    }
}
