//! One connection: requests through hyper, until it ends or is parked in a lane.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::front::Front;
use crate::lane::parking::{Leave, ParkingSlot};
use crate::lane::{Lanes, Parked};

/// How much a peer may still send after the last answer, in reads of 16 KiB, and for how long.
const LINGER_READS_MAX: usize = 128;
const LINGER_WAIT_MAX: Duration = Duration::from_secs(1);

/// Serves one connection. Returns when it has ended or was parked; `held` lives as long as the connection.
pub(crate) async fn serve(
    front: Front,
    lanes: Arc<Lanes>,
    stream: TcpStream,
    held: Box<dyn std::any::Any + Send>,
) {
    match until_parked(&front, stream).await {
        Ok(None) => {}
        Ok(Some((stream, leave))) => {
            let Leave { subscription, form, framing } = leave;
            lanes.park(Parked { stream, subscription, form, framing, held });
        }
        // The peer's doing: time-outs, resets, requests that are none. hyper has answered where an answer helps.
        Err(error) => tracing::debug!(%error, "a connection ended early"),
    }
}

async fn until_parked(
    front: &Front,
    stream: TcpStream,
) -> hyper::Result<Option<(std::net::TcpStream, Leave)>> {
    let slot = ParkingSlot::default();
    let flushed = Arc::new(AtomicBool::new(true));
    let asked = AtomicBool::new(false);
    let service = service_fn(|mut request: http::Request<hyper::body::Incoming>| {
        asked.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(slot.clone());
        Box::pin(async { Ok::<_, std::convert::Infallible>(front.handle(request).await) })
    });
    let config = front.config();
    let io = Flushing { inner: TokioIo::new(stream), flushed: flushed.clone() };
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(config.idle_wait_max.max(config.head_wait_max))
        .max_buf_size(config.head_bytes_max)
        .serve_connection(io, service);
    let mut ending = std::pin::pin!(front.drain().begun());
    let mut silence = std::pin::pin!(sleep(config.head_wait_max));
    let mut told_to_end = false;
    let parked = std::future::poll_fn(|context| {
        if !told_to_end && ending.as_mut().poll(context).is_ready() {
            told_to_end = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
        match connection.poll_without_shutdown(context) {
            Poll::Ready(ended) => Poll::Ready(ended.map(|()| false)),
            Poll::Pending if slot.is_taken() && flushed.load(Ordering::Relaxed) => Poll::Ready(Ok(true)),
            // A connection that asks for nothing, or byte by byte, is not worth its place.
            Poll::Pending if !asked.load(Ordering::Relaxed) => {
                silence.as_mut().poll(context).map(|()| Ok(false))
            }
            Poll::Pending => Poll::Pending,
        }
    });
    let parked = parked.await?;
    let stream = connection.into_parts().io.inner.into_inner();
    if !parked {
        linger(stream).await;
        return Ok(None);
    }
    Ok(stream.into_std().ok().zip(slot.clear()))
}

/// Closes a connection so that the peer can read the last answer: bytes of its that nobody read would reset it.
pub(crate) async fn linger(mut stream: TcpStream) {
    let mut unread = vec![0; 16_384];
    let read = async {
        stream.shutdown().await?;
        for _ in 0..LINGER_READS_MAX {
            if stream.read(&mut unread).await? == 0 {
                break;
            }
        }
        Ok::<_, io::Error>(())
    };
    // Whoever goes on sending for longer has been answered as well as can be.
    let _ = timeout(LINGER_WAIT_MAX, read).await;
}

/// A socket that knows whether hyper has written all that it wanted to: hyper writes until its buffer is empty or
/// the socket would block.
struct Flushing {
    inner: TokioIo<TcpStream>,
    flushed: Arc<AtomicBool>,
}

impl Read for Flushing {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl Write for Flushing {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.flushed.store(written.is_ready(), Ordering::Relaxed);
        Poll::Ready(ready!(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(context, slices);
        self.flushed.store(written.is_ready(), Ordering::Relaxed);
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
