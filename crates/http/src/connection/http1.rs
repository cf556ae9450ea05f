//! One connection of HTTP/1: requests through hyper, until it ends or its stream leaves hyper.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::FutureExt;
use http::HeaderValue;
use http::header::{CONNECTION, EXPECT};
use http_body::Body as _;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::task::yield_now;

use crate::answer::watch::{AnswerWatch, Patience};
use crate::connection::impatient::Impatient;
use crate::connection::linger::linger_unless_asked;
use crate::connection::phase::RequestWait;
use crate::connection::refusal::BeyondLimit;
use crate::connection::request_body::RequestBody;
use crate::connection::socket::{Raw, Reset, Watched, Watchman};
use crate::connection::visit::Visit;
use crate::front::Front;
use crate::lane::parking::{Leave, ParkingSlot};
use crate::limits::LINGER_SILENCE_MAX;

/// Serves one connection until it has ended, or until a stream has begun on it: then it comes back, with what the
/// stream goes on with. hyper keeps 16 KB for each connection, which one that is only written to does not need.
pub(crate) async fn until_parked<S>(
    front: &Front,
    visit: &Arc<Visit>,
    stream: S,
) -> hyper::Result<Option<(S, Leave)>>
where
    S: AsyncRead + AsyncWrite + Raw + Reset + Watched + Unpin,
{
    let slot = ParkingSlot::default();
    let seen = Arc::new(Seen::default());
    let ends_answers = AtomicBool::new(false);
    let has_unread_body = AtomicBool::new(false);
    let watch = AnswerWatch::default();
    let config = front.config();
    let service = service_fn(|request: http::Request<hyper::body::Incoming>| {
        seen.head_bytes.store(0, Ordering::Relaxed);
        seen.asked.store(true, Ordering::Relaxed);
        let open = visit.begin_request();
        // Over HTTP/1.0 there are no chunks: the end of the connection is the end of an answer of unknown length.
        ends_answers.store(request.version() <= http::Version::HTTP_10, Ordering::Relaxed);
        let (mut parts, body) = request.into_parts();
        // Nothing else can end in a lane.
        if parts.method == http::Method::GET {
            parts.extensions.insert(slot.clone());
            parts.extensions.insert(front.stream_permits().clone());
        }
        if visit.is_beyond_limit() {
            parts.extensions.insert(BeyondLimit);
        }
        let (watch, has_unread_body) = (watch.clone(), &has_unread_body);
        Box::pin(async move {
            let waits_to_be_asked = parts.headers.contains_key(EXPECT);
            let mut body = RequestBody::new(body);
            let mut answer = front.handle(http::Request::from_parts(parts, &mut body)).await;
            // To poll a body that waits to be asked for would ask for it.
            let was_read = body.is_end_stream() || (!waits_to_be_asked && body.ends_with_what_came());
            has_unread_body.store(!was_read, Ordering::Relaxed);
            // hyper does not say so by itself, and the client would send its next request to nobody.
            if !was_read || visit.is_beyond_limit() || front.drain().is_ending() {
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, std::convert::Infallible>(answer.map(|body| body.watched_by(watch).holding(open)))
        })
    });
    let stream = Impatient::new(stream, config.write_wait_max);
    let io = TokioIo::new(SeenStream { inner: stream, seen: seen.clone(), visit: visit.clone() });
    let mut connection = http1::Builder::new()
        // `RequestWait` is the clock for heads.
        .header_read_timeout(None)
        // A client that has no more to send may still read.
        .half_close(true)
        // Answers are small: copied behind their heads, they cost the kernel less than a vector.
        .writev(false)
        .max_buf_size(config.head_bytes_max)
        .serve_connection(io, service);
    let mut ending = std::pin::pin!(async {
        front.drain().begun().await;
        // Until the runtime has looked what has arrived.
        yield_now().await;
    });
    let mut request_wait = RequestWait::new(config);
    let mut patience = Patience::new(watch.clone(), config.write_wait_max);
    let (mut told_to_end, mut head_begun, mut left) = (false, false, false);
    let parked = std::future::poll_fn(|context| {
        if !told_to_end && ending.as_mut().poll(context).is_ready() {
            told_to_end = true;
            // Requests that have arrived are answered: hyper does not look for them once it was told to end.
            if let Poll::Ready(ended) = Pin::new(&mut connection).poll(context) {
                return Poll::Ready(ended.map(|()| false));
            }
            Pin::new(&mut connection).graceful_shutdown();
            request_wait.end_soon();
        }
        // As a future, since that ends only when all of an answer was written.
        let polled = Pin::new(&mut connection).poll(context);
        let head_bytes = seen.head_bytes.load(Ordering::Relaxed);
        let has_begun = visit.is_at_rest() && head_bytes > 0;
        if has_begun && !head_begun {
            visit.awaits_request();
        }
        head_begun = has_begun;
        match polled {
            Poll::Ready(ended) => return Poll::Ready(ended.map(|()| false)),
            Poll::Pending if slot.is_taken() && seen.is_flushed() => return Poll::Ready(Ok(true)),
            // Nothing of an answer is lost: all of it was written, and the client asks for nothing at the moment.
            Poll::Pending if seen.is_flushed() && visit.poll_leave(context).is_ready() => {
                left = true;
                return Poll::Ready(Ok(false));
            }
            Poll::Pending => {}
        }
        // Most requests come and are answered between two of these looks.
        if seen.asked.swap(false, Ordering::Relaxed) {
            request_wait.stop();
        }
        if seen.is_flushed() && visit.is_at_rest() {
            return request_wait.poll_end(head_bytes, context).map(|phase| {
                tracing::debug!(?phase, "a connection has waited for a request for too long");
                Ok(false)
            });
        }
        request_wait.stop();
        patience.poll_end(context).map(|why| {
            tracing::debug!(?why, "an answer is cut off");
            Ok(false)
        })
    });
    let parked = parked.await;
    let mut stream = connection.into_parts().io.into_inner().inner.into_inner();
    // Until now the hub has waited for the peer itself; what is under way now is left to the system.
    stream.watch(Watchman::System);
    let is_cut_off = watch.is_cut_off() || !seen.is_flushed();
    if is_cut_off && ends_answers.load(Ordering::Relaxed) {
        stream.reset();
        return parked.map(|_| None);
    }
    if left {
        // Somebody waits for the place.
        let _ = stream.shutdown().now_or_never();
        return parked.map(|_| None);
    }
    match parked {
        Ok(true) => return Ok(slot.clear().map(|leave| (stream, leave))),
        Ok(false) => {}
        // hyper has answered a head that is none.
        Err(error) if error.is_parse() => has_unread_body.store(true, Ordering::Relaxed),
        Err(error) => return Err(error),
    }
    // A client whose bytes were all read can read its answer also when the connection is closed at once. Any other has a
    // moment.
    let grace = if has_unread_body.into_inner() { LINGER_SILENCE_MAX } else { Duration::ZERO };
    linger_unless_asked(front, visit, stream, grace).await;
    Ok(None)
}

/// What is seen of a connection from outside of hyper.
#[derive(Default)]
struct Seen {
    /// hyper has something to write that the socket does not take.
    blocked: AtomicBool,
    /// Bytes that came while no request was handled: those of the next head.
    head_bytes: AtomicU64,
    /// A request has come since this was last looked at.
    asked: AtomicBool,
}

impl Seen {
    fn is_flushed(&self) -> bool {
        !self.blocked.load(Ordering::Relaxed)
    }
}

/// A socket that sees what hyper does with it. hyper writes until its buffer is empty, the socket would block, or a write
/// fails.
struct SeenStream<S> {
    inner: Impatient<S>,
    seen: Arc<Seen>,
    visit: Arc<Visit>,
}

impl<S: AsyncRead + Unpin> AsyncRead for SeenStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        if self.visit.is_at_rest() {
            let read = buffer.filled().len() - before;
            self.seen.head_bytes.fetch_add(read as u64, Ordering::Relaxed);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for SeenStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.seen.blocked.store(!matches!(written, Poll::Ready(Ok(_))), Ordering::Relaxed);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(context, slices);
        self.seen.blocked.store(!matches!(written, Poll::Ready(Ok(_))), Ordering::Relaxed);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A session of TLS takes a write as soon as it has a copy of the bytes: only this says whether they have left.
        let flushed = Pin::new(&mut self.inner).poll_flush(context);
        self.seen.blocked.store(!matches!(flushed, Poll::Ready(Ok(()))), Ordering::Relaxed);
        flushed
    }

    /// hyper has written all that it had. The socket stays open, because the connection lingers, or goes on in a lane.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
