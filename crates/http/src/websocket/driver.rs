//! Stop 8 of the walk, for a WebSocket: the task that carries one, from the answer to its handshake to its end.
//!
//! One thing at a time: while bytes are written nothing is read, so that a client which does not read its answers cannot make the
//! hub keep them. Frames are whole when anything else is written.

use std::io;
use std::pin::Pin;
use std::task::Poll;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::{BoxFuture, OptionFuture};
use futures_util::stream::FuturesOrdered;
use tidings_core::{OnGap, Visitor};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, sleep_until, timeout};

use super::access::SocketAccess;
use super::close::{CloseCode, Fault};
use super::frame;
use super::reader::{Came, MessageReader};
use super::socket::Socket;
use crate::answer::watch::AnswerWatch;
use crate::connection::carry::BlockWriter;
use crate::connection::socket::Watched;
use crate::front::Front;
use crate::lane::Framing;
use crate::limits::{
    SMALL_BODY_SHARE_STEP_BYTES, SOCKET_CLOSE_WAIT_MAX, SOCKET_MESSAGE_EXTRA_BYTES,
    SOCKET_PUBLISHES_WAITING_MAX, SOCKET_READ_BYTES,
};
use crate::presence::task_presence::TaskPresence;
use crate::request::body_budgets::BodyShare;
use crate::stream::machine::{Act, Message};
use crate::stream::metrics::StreamEnd;
use crate::stream::task::{Carried, StreamTask};
use crate::stream::{Encoder, Ending};

/// How a socket ends.
pub(super) enum Closing {
    /// The client has closed it.
    ByClient(Option<CloseCode>),
    /// The client has done something wrong.
    Fault(Fault),
    /// The stream has ended, and the client was told.
    Ended,
    /// Nothing can be written to the client.
    Lost(Ending),
}

/// What carries a socket.
pub(super) struct Driver<'a> {
    pub(super) front: &'a Front,
    pub(super) task: StreamTask,
    pub(super) access: SocketAccess,
    pub(super) on_gap: OnGap,
    pub(super) selectors: tidings_core::Selectors,
    pub(super) reader: MessageReader,
    /// The answers to publishes, in their order.
    pub(super) publishes: FuturesOrdered<BoxFuture<'a, Bytes>>,
    /// The room of a message of which a part has come.
    pub(super) share: Option<BodyShare<'a>>,
    writer: BlockWriter<'a>,
    /// When the message must be whole of which a part has come.
    message_until: Option<Instant>,
}

/// What came first.
enum First {
    Block(Option<Bytes>),
    Answer(Bytes),
    Read(io::Result<usize>),
    TooSlow,
}

/// Carries a socket, whose handshake was answered, to its end. `unread` is what the client has sent behind its handshake.
pub(crate) async fn drive<S>(mut stream: S, socket: Socket, unread: Bytes)
where
    S: AsyncRead + AsyncWrite + Watched + Unpin,
{
    let Socket { front, follower, on_gap, opening, attendance, session, permit, entry, access } = socket;
    let visitor = Visitor {
        session: session.clone(),
        address: front.peer(),
        transport: Encoder::WebSocket.transport(),
    };
    let selectors = follower.selectors().clone();
    let presence = TaskPresence::watch(front.hub(), &selectors);
    let watch = AnswerWatch::default();
    let carried = Carried {
        opening: Some(opening),
        is_opened: true,
        subscription: front.hub().follow(follower, visitor, attendance),
        presence,
        encoder: Encoder::WebSocket,
        encoding: Encoder::WebSocket.in_use(front.hub()),
        gzip: None,
        session,
        permit,
        watch: watch.clone(),
    };
    let end = StreamEnd::counted(front.metrics().streams().clone());
    let bytes_max = front.hub().limits().event_bytes_max + SOCKET_MESSAGE_EXTRA_BYTES;
    let mut reader = MessageReader::new(bytes_max, Instant::now());
    reader.take(&unread);
    let mut driver = Driver {
        front: &front,
        task: StreamTask::new(front.task_rules(), carried, end),
        access,
        on_gap,
        selectors,
        reader,
        publishes: FuturesOrdered::new(),
        share: None,
        writer: BlockWriter { front: &front, framing: Framing::Raw, watch, entry },
        message_until: None,
    };
    let mut closing = match driver.carry(&mut stream).await {
        Err(closing) => closing,
        Ok(never) => match never {},
    };
    driver.finish_publishes(&mut stream, &mut closing).await;
    driver.close(&mut stream, closing).await;
}

impl<'a> Driver<'a> {
    async fn carry<S>(&mut self, stream: &mut S) -> Result<std::convert::Infallible, Closing>
    where
        S: AsyncRead + AsyncWrite + Watched + Unpin,
    {
        loop {
            while self.publishes.len() < SOCKET_PUBLISHES_WAITING_MAX {
                let now = Instant::now();
                let Some(came) = self.reader.next(now).map_err(Closing::Fault)? else { break };
                if let Some(answer) = self.hear(came).await? {
                    self.write(stream, answer).await?;
                }
            }
            match self.first(stream).await {
                First::Block(None) => return Err(Closing::Ended),
                First::Block(Some(block)) => {
                    self.write(stream, block).await?;
                    while self.task.is_inside_event() {
                        let Some(piece) = self.task.next().await else { return Err(Closing::Ended) };
                        self.write(stream, piece).await?;
                    }
                }
                First::Answer(answer) => self.write(stream, answer).await?,
                First::Read(Ok(0) | Err(_)) => return Err(Closing::Lost(Ending::ClientGone)),
                First::Read(Ok(_)) => self.make_room().await?,
                First::TooSlow => return Err(Closing::Fault(TOO_SLOW)),
            }
        }
    }

    /// Waits for whatever comes first. Cancel safe.
    async fn first<S: AsyncRead + Unpin>(&mut self, stream: &mut S) -> First {
        let reads = self.publishes.len() < SOCKET_PUBLISHES_WAITING_MAX;
        // The clock does not run while it is the hub that does not read.
        self.message_until = match (reads && self.reader.is_inside_message(), self.message_until) {
            (false, _) => None,
            (true, None) => Some(Instant::now() + self.front.config().body_wait_max),
            (true, until) => until,
        };
        let late = OptionFuture::from(self.message_until.map(|until| Box::pin(sleep_until(until))));
        let Self { task, publishes, reader, share, .. } = self;
        let read = async {
            match share {
                Some(share) => {
                    share.unless_slow(read(stream, reader)).await.map_or(First::TooSlow, First::Read)
                }
                None => First::Read(read(stream, reader).await),
            }
        };
        // Not biased: a client that sends without end must not keep events from coming, nor events its messages.
        tokio::select! {
            block = task.next() => First::Block(block),
            Some(answer) = publishes.next(), if !publishes.is_empty() => First::Answer(answer),
            first = read, if reads => first,
            Some(()) = late => First::TooSlow,
        }
    }

    /// Room for what has come of a message, in the budget of bodies. What is small needs none.
    async fn make_room(&mut self) -> Result<(), Closing> {
        let held = self.reader.held();
        if let Some(share) = &self.share {
            share.moved(SOCKET_READ_BYTES);
        }
        if held <= SMALL_BODY_SHARE_STEP_BYTES {
            return Ok(());
        }
        let room = match &mut self.share {
            Some(share) => share.resize(held).await,
            None => match self.front.body_budgets().admission(None).admit(held).await {
                Ok(mut share) => {
                    share.watch();
                    self.share = Some(share);
                    Ok(())
                }
                Err(problem) => Err(problem),
            },
        };
        room.map_err(|problem| {
            tracing::debug!(detail = problem.detail(), "there is no room for a message of a WebSocket");
            Closing::Fault(NO_ROOM)
        })
    }

    /// What to answer at once.
    async fn hear(&mut self, came: Came) -> Result<Option<Bytes>, Closing> {
        match came {
            Came::Pong => Ok(None),
            Came::Ping(payload) => self.act(Message::Ping(frame::pong(&payload))).map(Some),
            Came::Close(code) => Err(Closing::ByClient(code)),
            Came::Text(text) => {
                // What has come of the next one has a time of its own.
                self.message_until = None;
                Ok(self.hear_text(&text).await)
            }
        }
    }

    fn act(&mut self, message: Message) -> Result<Bytes, Closing> {
        match self.task.client_said(message) {
            Act::Write(bytes) => Ok(bytes),
            Act::End(ending) => Err(Closing::Lost(ending)),
            // These are answered by `actions`, which asks first whether they are allowed.
            Act::Regroup(_) | Act::Publish(_) => Ok(Bytes::new()),
        }
    }

    /// What was published before the end is not lost by it: many a client closes right behind its last publish.
    async fn finish_publishes<S>(&mut self, stream: &mut S, closing: &mut Closing)
    where
        S: AsyncWrite + Watched + Unpin,
    {
        while let Some(answer) = self.publishes.next().await {
            if !matches!(closing, Closing::Lost(_))
                && let Err(lost) = self.write(stream, answer).await
            {
                *closing = lost;
            }
        }
    }

    async fn write<S>(&mut self, stream: &mut S, bytes: Bytes) -> Result<(), Closing>
    where
        S: AsyncWrite + Watched + Unpin,
    {
        self.writer.write(stream, bytes).await.map_err(Closing::Lost)
    }

    /// Says why, and waits for a time until the client has closed the socket, too.
    async fn close<S>(mut self, stream: &mut S, closing: Closing)
    where
        S: AsyncRead + AsyncWrite + Watched + Unpin,
    {
        let (last, waits) = match closing {
            Closing::Lost(ending) => {
                self.task.note(ending);
                tracing::debug!(%ending, "a WebSocket ends");
                return;
            }
            Closing::ByClient(code) => {
                self.task.note(Ending::ClientGone);
                (code.map_or_else(frame::close_without_code, |code| frame::close(code, "")), false)
            }
            Closing::Fault(fault) => {
                self.task.note(Ending::ClientBytes);
                tracing::debug!(code = fault.code.0, reason = fault.reason, "a WebSocket is closed");
                (frame::close(fault.code, fault.reason), false)
            }
            Closing::Ended => {
                let ending = self.task.noted().unwrap_or(Ending::HubClosed);
                let code = CloseCode::of(ending).unwrap_or(CloseCode::NORMAL);
                (frame::close(code, ending.code()), true)
            }
        };
        let Self { task, mut writer, mut reader, .. } = self;
        // Its permit is given back, and it is no subscriber any more.
        drop(task);
        if writer.write(stream, last).await.is_err() {
            return;
        }
        // RFC 6455, 7.1.1: the client closes first what it has read to its end, and is waited for so that it can.
        let _ = timeout(SOCKET_CLOSE_WAIT_MAX, async {
            if waits {
                until_close(stream, &mut reader).await;
            }
            let _ = stream.shutdown().await;
            while read(stream, &mut reader).await.is_ok_and(|count| count > 0) {
                reader.forget();
            }
        })
        .await;
    }
}

const TOO_SLOW: Fault = Fault { code: CloseCode::TOO_SLOW, reason: "a message came too slowly" };
const NO_ROOM: Fault = Fault { code: CloseCode::NO_ROOM, reason: "there is no room for the message" };

/// Waits for the close of a client, and passes over everything else.
async fn until_close<S: AsyncRead + Unpin>(stream: &mut S, reader: &mut MessageReader) {
    loop {
        match reader.next(Instant::now()) {
            Ok(Some(Came::Close(_))) | Err(_) => return,
            Ok(Some(_)) => {}
            Ok(None) => match read(stream, reader).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            },
        }
    }
}

/// Reads what has come; 0 at the end. The buffer is on the stack of a poll, so that a socket which is idle has none. Cancel safe.
async fn read<S: AsyncRead + Unpin>(stream: &mut S, reader: &mut MessageReader) -> io::Result<usize> {
    std::future::poll_fn(|context| {
        let mut bytes = [0; SOCKET_READ_BYTES];
        let mut buffer = ReadBuf::new(&mut bytes);
        std::task::ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer))?;
        reader.take(buffer.filled());
        Poll::Ready(Ok(buffer.filled().len()))
    })
    .await
}
