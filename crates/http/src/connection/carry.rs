//! Stop 8 of the walk, for streams over TLS and HTTP/1: encrypted, a socket cannot be parked in a lane, but it needs
//! no more than a small task that writes.

use std::io;

use bytes::{Buf, Bytes};
use futures_util::{Stream, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::connection::linger::linger;
use crate::front::Front;
use crate::lane::parking::Leave;
use crate::lane::{Framing, chunk_head};
use crate::limits::{STRAY_BYTES_MAX, STRAY_READ_BYTES};
use crate::stream::task;

/// Carries a stream, whose head and opening the client was sent, to its end.
pub(crate) async fn carry<S>(front: &Front, mut stream: S, leave: Leave)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Leave { subscription, form, framing } = leave;
    // Boxed, or this future would hold it once for each function that it is handed to.
    let blocks = Box::pin(task::after_opening(front, subscription, form));
    match write_all(front, &mut stream, blocks, framing).await {
        Ok(()) => linger(stream).await,
        Err(error) => tracing::debug!(%error, "a subscriber has gone"),
    }
}

async fn write_all<S>(
    front: &Front,
    stream: &mut S,
    mut blocks: impl Stream<Item = Bytes> + Unpin,
    framing: Framing,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut writer = Writer { front, framing };
    let mut stray_left = STRAY_BYTES_MAX;
    loop {
        // Biased: who has gone need not be written to.
        tokio::select! {
            biased;
            read = discard(stream) => {
                stray_left = stray_left.checked_sub(read?).ok_or(io::ErrorKind::InvalidData)?;
            }
            block = blocks.next() => match block {
                Some(block) => writer.write(stream, block).await?,
                None => return writer.finish(stream).await,
            },
        }
    }
}

/// Reads what the client should not have sent. Cancel safe.
async fn discard<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<usize> {
    let mut stray = [0; STRAY_READ_BYTES];
    match stream.read(&mut stray).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        read => Ok(read),
    }
}

struct Writer<'a> {
    front: &'a Front,
    framing: Framing,
}

impl Writer<'_> {
    async fn write<S: AsyncWrite + Unpin>(&mut self, stream: &mut S, block: Bytes) -> io::Result<()> {
        match self.framing {
            Framing::Raw => self.write_buffer(stream, block).await,
            Framing::Chunked => {
                let head = chunk_head(block.len());
                self.write_buffer(stream, head.chain(block).chain(&b"\r\n"[..])).await
            }
        }
    }

    async fn finish<S: AsyncWrite + Unpin>(&mut self, stream: &mut S) -> io::Result<()> {
        match self.framing {
            Framing::Raw => Ok(()),
            Framing::Chunked => self.write_buffer(stream, &b"0\r\n\r\n"[..]).await,
        }
    }

    /// As few records as can be, and no copy before they are encrypted.
    async fn write_buffer<S>(&mut self, stream: &mut S, mut bytes: impl Buf) -> io::Result<()>
    where
        S: AsyncWrite + Unpin,
    {
        while bytes.has_remaining() {
            self.within_the_wait(stream.write_buf(&mut bytes)).await?;
        }
        self.within_the_wait(stream.flush()).await
    }

    /// The wait is for progress: a large event on a slow line may take as long as it needs.
    async fn within_the_wait<T>(&self, write: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        timeout(self.front.config().write_wait_max, write).await?
    }
}
