//! One connection of HTTP/1: requests through hyper, until it ends or its stream leaves hyper.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use futures_util::FutureExt;
use http::HeaderValue;
use http::header::CONNECTION;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::sleep;

use crate::answer::watch::{AnswerWatch, Patience};
use crate::connection::impatient::Impatient;
use crate::connection::linger::linger;
use crate::connection::refusal::BeyondLimit;
use crate::connection::socket::{Reset, Watched, Watchman};
use crate::connection::visit::Visit;
use crate::front::Front;
use crate::lane::parking::{Leave, ParkingSlot};

/// Serves one connection until it has ended, or until a stream has begun on it: then it comes back, with what the
/// stream goes on with. hyper keeps 16 KB for each connection, which one that is only written to does not need.
pub(crate) async fn until_parked<S>(
    front: &Front,
    visit: &Arc<Visit>,
    stream: S,
) -> hyper::Result<Option<(S, Leave)>>
where
    S: AsyncRead + AsyncWrite + Reset + Watched + Unpin,
{
    let slot = ParkingSlot::default();
    let flushed = Arc::new(AtomicBool::new(true));
    let asked = AtomicBool::new(false);
    let ends_answers = AtomicBool::new(false);
    let has_body = AtomicBool::new(false);
    let watch = AnswerWatch::default();
    let config = front.config();
    let service = service_fn(|mut request: http::Request<hyper::body::Incoming>| {
        asked.store(true, Ordering::Relaxed);
        let open = visit.begin_request();
        has_body.store(request.method() == http::Method::POST, Ordering::Relaxed);
        // Over HTTP/1.0 there are no chunks: the end of the connection is the end of an answer of unknown length.
        ends_answers.store(request.version() <= http::Version::HTTP_10, Ordering::Relaxed);
        // Nothing else can end in a lane.
        if request.method() == http::Method::GET {
            request.extensions_mut().insert(slot.clone());
            request.extensions_mut().insert(front.stream_permits().clone());
        }
        if visit.is_beyond_limit() {
            request.extensions_mut().insert(BeyondLimit);
        }
        let watch = watch.clone();
        Box::pin(async {
            let mut answer = front.handle(request).await;
            if visit.is_beyond_limit() || front.drain().is_ending() {
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, std::convert::Infallible>(answer.map(|body| body.watched_by(watch).holding(open)))
        })
    });
    let stream = Impatient::new(stream, config.write_wait_max);
    let io = Flushing { inner: TokioIo::new(stream), flushed: flushed.clone() };
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // Answers are small: copied behind their heads, they cost the kernel less than a vector.
        .writev(false)
        .header_read_timeout(config.idle_wait_max.max(config.head_wait_max))
        .max_buf_size(config.head_bytes_max)
        .serve_connection(io, service);
    let mut ending = std::pin::pin!(front.drain().begun());
    let mut silence = std::pin::pin!(sleep(config.head_wait_max));
    let mut patience = Patience::new(watch.clone(), config.write_wait_max);
    let (mut told_to_end, mut left) = (false, false);
    let parked = std::future::poll_fn(|context| {
        if !told_to_end && ending.as_mut().poll(context).is_ready() {
            told_to_end = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
        match connection.poll_without_shutdown(context) {
            Poll::Ready(ended) => Poll::Ready(ended.map(|()| false)),
            Poll::Pending if slot.is_taken() && flushed.load(Ordering::Relaxed) => Poll::Ready(Ok(true)),
            // Nothing of an answer is lost: all of it was written, and the client asks for nothing at the moment.
            Poll::Pending if flushed.load(Ordering::Relaxed) && visit.poll_leave(context).is_ready() => {
                left = true;
                Poll::Ready(Ok(false))
            }
            // A connection that asks for nothing, or byte by byte, is not worth its place.
            Poll::Pending if !asked.load(Ordering::Relaxed) => {
                silence.as_mut().poll(context).map(|()| Ok(false))
            }
            Poll::Pending => patience.poll_end(context).map(|why| {
                tracing::debug!(?why, "an answer is cut off");
                Ok(false)
            }),
        }
    });
    let parked = parked.await;
    let mut stream = connection.into_parts().io.inner.into_inner().into_inner();
    // Until now the hub has waited for the peer itself; what is under way now is left to the system.
    stream.watch(Watchman::System);
    let is_cut_off = watch.is_cut_off() || !flushed.load(Ordering::Relaxed);
    if is_cut_off && ends_answers.load(Ordering::Relaxed) {
        stream.reset();
        return parked.map(|_| None);
    }
    if left {
        // Somebody waits for the place.
        let _ = stream.shutdown().now_or_never();
        return parked.map(|_| None);
    }
    if !parked? {
        visit.closes();
        let may_leave = !has_body.load(Ordering::Relaxed);
        tokio::select! {
            () = linger(stream) => {}
            // What such a client was answered it can read also when the connection is closed at once.
            () = visit.asked_to_leave(), if may_leave => {}
        }
        return Ok(None);
    }
    Ok(slot.clear().map(|leave| (stream, leave)))
}

/// A socket that knows whether hyper has written all that it wanted to: hyper writes until its buffer is empty, the
/// socket would block, or a write fails.
struct Flushing<S> {
    inner: TokioIo<S>,
    flushed: Arc<AtomicBool>,
}

impl<S: AsyncRead + Unpin> Read for Flushing<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> Write for Flushing<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.flushed.store(matches!(written, Poll::Ready(Ok(_))), Ordering::Relaxed);
        Poll::Ready(ready!(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(context, slices);
        self.flushed.store(matches!(written, Poll::Ready(Ok(_))), Ordering::Relaxed);
        Poll::Ready(ready!(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
