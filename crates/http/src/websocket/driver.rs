//! Stop 8 of the walk, for a WebSocket: the task that carries one, from the answer to its handshake to its end.
//!
//! One thing at a time: while bytes are written nothing is read, so that a client which does not read its answers cannot make the
//! hub keep them. Frames are whole when anything else is written. A socket whose client says nothing rests: a lane goes on with it
//! until something comes.

use std::io;
use std::pin::Pin;
use std::task::Poll;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::{BoxFuture, OptionFuture};
use futures_util::stream::FuturesOrdered;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep_until};

use super::access::SocketAccess;
use super::close::{CloseCode, Fault};
use super::pace::Pace;
use super::parting::part;
use super::quiet::{Awake, QuietSocket, Resting};
use super::reader::{Came, MessageReader};
use crate::access_log::AccessEntry;
use crate::answer::watch::AnswerWatch;
use crate::connection::carry::BlockWriter;
use crate::connection::socket::Watched;
use crate::front::Front;
use crate::lane::Framing;
use crate::limits::{
    SMALL_BODY_SHARE_STEP_BYTES, SOCKET_MESSAGE_EXTRA_BYTES, SOCKET_PUBLISHES_WAITING_MAX,
    SOCKET_QUIET_SELECTORS, SOCKET_QUIET_WAIT, SOCKET_READ_BYTES,
};
use crate::request::body_budgets::BodyShare;
use crate::stream::beside::Beside;
use crate::stream::encode::socket_frame;
use crate::stream::metrics::StreamEnd;
use crate::stream::task::{Carried, Handed, StreamTask};
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
    /// It has not ended: its client says nothing, and a lane goes on with it.
    Rests,
}

/// What carries a socket.
pub(super) struct Driver<'a> {
    pub(super) front: &'a Front,
    pub(super) task: StreamTask,
    pub(super) access: SocketAccess,
    pub(super) selectors: tidings_core::Selectors,
    pub(super) reader: MessageReader,
    /// The answers to publishes, in their order.
    pub(super) publishes: FuturesOrdered<BoxFuture<'a, Bytes>>,
    /// The room of a message of which a part has come.
    pub(super) share: Option<BodyShare<'a>>,
    writer: BlockWriter<'a>,
    /// When the message must be whole of which a part has come.
    message_until: Option<Instant>,
    /// When something came last; none if no lane can have it.
    heard_at: Option<Instant>,
}

/// What came first.
enum First {
    Block(Option<Bytes>),
    Answer(Bytes),
    Read(io::Result<usize>),
    TooSlow,
    Silence,
}

/// Carries a socket to its end, or until it [rests](Awake::may_rest). `unread` is what the client has sent behind its handshake.
pub(crate) async fn drive<S>(stream: &mut S, awake: Awake, unread: Bytes) -> Option<Resting>
where
    S: AsyncRead + AsyncWrite + Watched + Unpin,
{
    let Awake { quiet, opening, subscription, past, session, permit, entry, may_rest } = awake;
    let coded = quiet.coded();
    let QuietSocket { front, access, pace, deflates } = quiet;
    let selectors = subscription.selectors().clone();
    let beside = Beside::watch(front.hub(), &selectors);
    let watch = AnswerWatch::default();
    let carried = Carried {
        opening,
        is_opened: true,
        subscription,
        beside,
        encoder: Encoder::WebSocket,
        encoding: Encoder::WebSocket.in_use(front.hub()),
        coded,
        session,
        permit,
        watch: watch.clone(),
    };
    let end = StreamEnd::counted(front.metrics().streams().clone());
    let bytes_max = front.hub().limits().event_bytes_max + SOCKET_MESSAGE_EXTRA_BYTES;
    let mut reader = MessageReader::new(bytes_max, pace, deflates);
    reader.take(&unread);
    let task = StreamTask::new(front.task_rules(), carried, end);
    let mut driver = Driver {
        front: &front,
        task: match past {
            Some(past) => task.going_on(past),
            None => task,
        },
        access,
        selectors,
        reader,
        publishes: FuturesOrdered::new(),
        share: None,
        writer: BlockWriter { front: &front, framing: Framing::Raw, watch, entry },
        message_until: None,
        heard_at: may_rest.then(Instant::now),
    };
    let mut closing = match driver.carry(stream).await {
        Err(closing) => closing,
        Ok(never) => match never {},
    };
    if !matches!(closing, Closing::Rests) {
        driver.finish_publishes(stream, &mut closing).await;
        driver.close(stream, closing).await;
        return None;
    }
    let (access, pace, handed, entry) = driver.rest();
    Some(Resting { quiet: QuietSocket { front, access, pace, deflates }, handed, entry })
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
                First::Silence if self.rests_at().is_some() => return Err(Closing::Rests),
                First::Silence => {}
            }
        }
    }

    /// Waits for whatever comes first. Cancel safe.
    async fn first<S: AsyncRead + Unpin>(&mut self, stream: &mut S) -> First {
        let reads = self.publishes.len() < SOCKET_PUBLISHES_WAITING_MAX;
        if !self.reader.is_inside_message() {
            // Room that frames without a message have taken.
            self.share = None;
        }
        // The clock does not run while it is the hub that does not read.
        self.message_until = match (reads && self.reader.is_inside_message(), self.message_until) {
            (false, _) => None,
            (true, None) => Some(Instant::now() + self.front.config().body_wait_max),
            (true, until) => until,
        };
        let late = OptionFuture::from(self.message_until.map(|until| Box::pin(sleep_until(until))));
        let silence = OptionFuture::from(self.rests_at().map(|at| Box::pin(sleep_until(at))));
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
            Some(()) = silence => First::Silence,
        }
    }

    /// When it rests if nothing comes until then; none if it cannot.
    fn rests_at(&self) -> Option<Instant> {
        let heard_at = self.heard_at?;
        let is_in_the_middle =
            self.reader.is_inside_message() || self.share.is_some() || !self.publishes.is_empty();
        // Once the hub ends, no lane takes anything any more.
        let can_rest = !is_in_the_middle && self.task.can_be_handed_over() && !self.front.drain().has_begun();
        // A lane looks up the rings of a new group.
        let times = 1 + self.selectors.as_slice().len() / SOCKET_QUIET_SELECTORS;
        can_rest.then(|| heard_at + SOCKET_QUIET_WAIT * times as u32)
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
        if let Some(heard_at) = &mut self.heard_at {
            *heard_at = Instant::now();
        }
        self.task.has_heard();
        match came {
            Came::Pong => Ok(None),
            Came::Ping(payload) => Ok(Some(socket_frame::pong(&payload))),
            Came::Close(code) => Err(Closing::ByClient(code)),
            Came::Text(text) => {
                // What has come of the next one has a time of its own.
                self.message_until = None;
                Ok(self.hear_text(&text).await)
            }
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

    /// What a lane goes on with.
    fn rest(self) -> (SocketAccess, Pace, Handed, Option<AccessEntry>) {
        let Self { mut task, access, reader, writer, .. } = self;
        (access, reader.into_pace(), task.hand_over(), writer.entry)
    }

    /// Says why, and waits for a time until the client has closed the socket, too.
    async fn close<S>(mut self, stream: &mut S, closing: Closing)
    where
        S: AsyncRead + AsyncWrite + Watched + Unpin,
    {
        let (last, waits) = match closing {
            Closing::Rests => return,
            Closing::Lost(ending) => {
                self.task.note(ending);
                tracing::debug!(%ending, "a WebSocket ends");
                return;
            }
            Closing::ByClient(code) => {
                self.task.note(Ending::ClientGone);
                (
                    code.map_or_else(socket_frame::close_without_code, |code| {
                        socket_frame::close(code.0, "")
                    }),
                    false,
                )
            }
            Closing::Fault(fault) => {
                self.task.note(Ending::ClientBytes);
                tracing::debug!(code = fault.code.0, reason = fault.reason, "a WebSocket is closed");
                (socket_frame::close(fault.code.0, fault.reason), false)
            }
            Closing::Ended => {
                let ending = self.task.noted().unwrap_or(Ending::HubClosed);
                let code = CloseCode::of(ending).unwrap_or(CloseCode::NORMAL);
                (socket_frame::close(code.0, ending.code()), true)
            }
        };
        let Self { task, writer, reader, .. } = self;
        // Its permit is given back, and it is no subscriber any more.
        drop(task);
        part(stream, writer, reader, last, waits).await;
    }
}

const TOO_SLOW: Fault = Fault { code: CloseCode::TOO_SLOW, reason: "a message came too slowly" };
const NO_ROOM: Fault = Fault { code: CloseCode::NO_ROOM, reason: "there is no room for the message" };

/// Reads what has come; 0 at the end. The buffer is on the stack of a poll, so that a socket which is idle has none. Cancel safe.
pub(super) async fn read<S: AsyncRead + Unpin>(
    stream: &mut S,
    reader: &mut MessageReader,
) -> io::Result<usize> {
    std::future::poll_fn(|context| {
        let mut bytes = [0; SOCKET_READ_BYTES];
        let mut buffer = ReadBuf::new(&mut bytes);
        std::task::ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer))?;
        reader.take(buffer.filled());
        Poll::Ready(Ok(buffer.filled().len()))
    })
    .await
}
