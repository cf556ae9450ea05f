//! Stop 8 of the walk, for streams over TLS and HTTP/1: encrypted, a socket cannot be parked in a lane, but it needs
//! no more than a small task that writes.

use std::io;
use std::pin::Pin;

use bytes::{Buf, Bytes};
use futures_util::future::OptionFuture;
use futures_util::{FutureExt, Stream, StreamExt};
use tidings_core::Visitor;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Sleep, sleep, timeout};

use crate::access_log::AccessEntry;
use crate::answer::watch::AnswerWatch;
use crate::connection::linger::linger;
use crate::connection::socket::{Raw, Watched, Watchman};
use crate::front::Front;
use crate::lane::parking::Leave;
use crate::lane::{CHUNK_END, Framing, LAST_CHUNK, chunk_head};
use crate::limits::{CHUNK_BYTES_MAX, SECOND_PROBE_WAIT, STRAY_READ_BYTES};
use crate::stream::Ending;
use crate::stream::beside::Beside;
use crate::stream::gzip::Coding;
use crate::stream::gzip::blocks::EMPTY;
use crate::stream::machine::ClientBytes;
use crate::stream::metrics::StreamEnd;
use crate::stream::task::{self, Carried, Part};

/// Carries a stream, whose head and opening the client was sent, to its end.
pub(crate) async fn carry<S>(front: &Front, mut stream: S, leave: Leave)
where
    S: AsyncRead + AsyncWrite + Raw + Watched + Unpin,
{
    let Leave { follower, is_opened, beside, encoder, framing, coded, attendance, session, permit, entry } =
        leave;
    let visitor = Visitor { session: session.clone(), address: front.peer(), transport: encoder.transport() };
    let beside = beside.or_else(|| Beside::watch(front.hub(), follower.selectors()));
    let subscription = front.hub().follow(follower, visitor, attendance);
    let watch = AnswerWatch::default();
    let watched = watch.clone();
    let carried = Carried {
        opening: None,
        is_opened,
        subscription,
        beside,
        encoder,
        encoding: encoder.in_use(front.hub()),
        coded,
        session,
        permit,
        watch: watched,
    };
    // Boxed, or this future would hold it once for each function that it is handed to.
    let parts = Box::pin(task::parts(front.task_rules(), carried));
    let mut end = StreamEnd::counted(front.metrics().streams().clone());
    let writer = BlockWriter { front, framing, watch, entry };
    let probe = match coded.coding() {
        Coding::Gzip => Bytes::from_static(&EMPTY),
        Coding::Identity | Coding::Messages => encoder.probe(),
    };
    let written = write_all(writer, &mut stream, &probe, parts, &mut end).await;
    if let Err(ending) = written {
        end.note(ending);
    }
    drop(end);
    match written {
        Ok(()) => linger(front, stream).await,
        Err(ending) => tracing::debug!(%ending, "a carried stream ends"),
    }
}

async fn write_all<S>(
    mut writer: BlockWriter<'_>,
    stream: &mut S,
    probe: &Bytes,
    mut parts: impl Stream<Item = Part> + Unpin,
    end: &mut StreamEnd,
) -> Result<(), Ending>
where
    S: AsyncRead + AsyncWrite + Raw + Watched + Unpin,
{
    let mut client = ClientBytes::default();
    let mut has_finished = false;
    // Nothing may stand in the midst of an event.
    let mut is_inside_event = false;
    // Boxed when it is needed: most streams never need it.
    let mut second_probe: Option<Pin<Box<Sleep>>> = None;
    loop {
        // Biased: a client that has gone need not be written to.
        tokio::select! {
            biased;
            read = discard(stream), if !has_finished && !is_inside_event => match read? {
                // It has left, or it only reads from now on. If it has left, its system answers the first heartbeat with a
                // reset, and the second one cannot be written.
                0 => {
                    has_finished = true;
                    second_probe = Some(Box::pin(sleep(SECOND_PROBE_WAIT)));
                    writer.write(stream, probe.clone()).await?;
                }
                read => client.sent(read)?,
            },
            () = OptionFuture::from(second_probe.as_mut()).map(drop), if second_probe.is_some() && !is_inside_event => {
                second_probe = None;
                writer.write(stream, probe.clone()).await?;
            }
            part = parts.next() => match part {
                Some(part) => {
                    part.ending.into_iter().for_each(|ending| end.note(ending));
                    is_inside_event = part.is_inside_event;
                    writer.write(stream, part.bytes).await?;
                }
                None => return writer.finish(stream).await,
            },
        }
    }
}

/// Reads what the client should not have sent; 0 when it has ended its sending side. Cancel safe.
async fn discard<S: AsyncRead + Unpin>(stream: &mut S) -> Result<usize, Ending> {
    let mut stray = [0; STRAY_READ_BYTES];
    stream.read(&mut stray).await.map_err(|_| Ending::ClientGone)
}

/// Writes the blocks of a stream, each whole.
pub(crate) struct BlockWriter<'a> {
    pub(crate) front: &'a Front,
    pub(crate) framing: Framing,
    pub(crate) watch: AnswerWatch,
    /// The line of the access log.
    pub(crate) entry: Option<AccessEntry>,
}

impl BlockWriter<'_> {
    /// While a large event is written, the wait for its reader is ours; the last piece, if it is no more than a chunk, is the
    /// system's.
    pub(crate) async fn write<S>(&mut self, stream: &mut S, block: Bytes) -> Result<(), Ending>
    where
        S: AsyncWrite + Watched + Unpin,
    {
        if block.len() <= CHUNK_BYTES_MAX {
            return self.write_block(stream, block).await;
        }
        stream.watch(Watchman::Hub);
        let written = self.write_block(stream, block).await;
        stream.watch(Watchman::System);
        written
    }

    async fn write_block<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        block: Bytes,
    ) -> Result<(), Ending> {
        match self.framing {
            Framing::Raw => self.write_buffer(stream, block).await,
            Framing::Chunked => {
                let head = chunk_head(block.len());
                self.write_buffer(stream, head.chain(block).chain(CHUNK_END)).await
            }
        }
    }

    async fn finish<S: AsyncWrite + Unpin>(&mut self, stream: &mut S) -> Result<(), Ending> {
        match self.framing {
            Framing::Raw => Ok(()),
            Framing::Chunked => self.write_buffer(stream, LAST_CHUNK).await,
        }
    }

    /// As few records as can be, and no copy before they are encrypted.
    async fn write_buffer<S>(&mut self, stream: &mut S, mut bytes: impl Buf) -> Result<(), Ending>
    where
        S: AsyncWrite + Unpin,
    {
        if let Some(entry) = &self.entry {
            entry.wrote(bytes.remaining());
        }
        while bytes.has_remaining() {
            self.within_the_wait(stream.write_buf(&mut bytes)).await?;
        }
        self.within_the_wait(stream.flush()).await
    }

    /// The wait is for progress: a large event on a slow line may take as long as it needs, unless others need its room.
    async fn within_the_wait<T>(&self, write: impl Future<Output = io::Result<T>>) -> Result<T, Ending> {
        // Biased: a write that can be made is made.
        tokio::select! {
            biased;
            written = timeout(self.front.config().write_wait_max, write) => match written {
                Ok(written) => written.map_err(|_| Ending::ClientGone),
                Err(_) => Err(Ending::WriteStalled),
            },
            () = self.watch.must_let_go() => Err(Ending::WriteStalled),
        }
    }
}
