//! One connection of HTTP/1: requests through hyper, until it ends or its stream leaves hyper.

use std::convert::Infallible;
use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{CONNECTION, EXPECT};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::server::conn::http1;
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::task::yield_now;

use crate::access::head::LeftOut;
use crate::answer::body::Body;
use crate::answer::watch::{AnswerWatch, Patience};
use crate::config::HttpConfig;
use crate::connection::bad_head;
use crate::connection::head_share::{self, HeadShare};
use crate::connection::impatient::Impatient;
use crate::connection::linger::linger_unless_asked;
use crate::connection::phase::RequestWait;
use crate::connection::refusal::Unplaced;
use crate::connection::request_body::RequestBody;
use crate::connection::seen::{Seen, SeenStream};
use crate::connection::socket::{Raw, Reset, Watched, Watchman};
use crate::connection::visit::{OpenRequest, Visit};
use crate::front::Front;
use crate::lane::parking::{Leave, Leaving, ParkingSlot};
use crate::limits::LINGER_SILENCE_MAX;
use crate::websocket::socket::Socket;

/// Why hyper no longer has a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The last answer was written, or the client has left.
    Served,
    /// A stream goes on without hyper.
    Parked,
    /// The connection has nothing to do, or its client takes nothing of its answer, and others need its place.
    Left,
    /// The client has sent no request, or taken no answer, for too long.
    TooSlow,
    /// There is no room for the head that has begun.
    NoHeadRoom,
}

/// What a connection goes on with that hyper no longer has.
pub(crate) enum Gone {
    Stream(Leave),
    /// A WebSocket, and what hyper has read behind the head of its handshake.
    Socket(Box<Socket>, Bytes),
}

/// Serves one connection until it has ended, or until a stream has begun on it: then it comes back, with what the
/// stream goes on with. hyper keeps 16 KB for each connection, which one that is only written to does not need.
pub(crate) async fn until_parked<S>(
    front: &Front,
    visit: &Arc<Visit>,
    stream: S,
) -> hyper::Result<Option<(S, Gone)>>
where
    S: AsyncRead + AsyncWrite + Raw + Reset + Watched + Unpin,
{
    let session = Session::new(front, visit);
    let stream = Impatient::new(stream, front.config().write_wait_max);
    let share = HeadShare::new(front);
    let io = TokioIo::new(SeenStream::new(stream, session.seen.clone(), visit.clone(), share));
    let service = service_fn(|request| session.answer(request));
    let mut connection = builder(front.config()).serve_connection(io, service);
    let end = until_end(&session, &mut connection).await;
    let parts = connection.into_parts();
    let mut stream = parts.io.into_inner().into_inner();
    // Until now the hub has waited for the peer itself; what is under way now is left to the system.
    stream.watch(Watchman::System);
    if session.cuts_an_answer() {
        stream.reset();
        return end.map(|_| None);
    }
    match (&end, session.slot.clear()) {
        (Ok(End::Parked), Some(Leaving::Stream(leave))) => return Ok(Some((stream, Gone::Stream(leave)))),
        // An answer 101 ends the connection for hyper.
        (Ok(End::Served), Some(Leaving::Socket(socket))) if session.seen.is_flushed() => {
            return Ok(Some((stream, Gone::Socket(socket, parts.read_buf))));
        }
        _ => {}
    }
    match end {
        Ok(End::Parked) => return Ok(None),
        Ok(End::Left) => {
            // Somebody waits for the place.
            let _ = stream.shutdown().now_or_never();
            return Ok(None);
        }
        Ok(End::Served | End::TooSlow | End::NoHeadRoom) | Err(_) => {}
    }
    let grace = refuse_unread(&session, end, &mut stream, parts.read_buf).await?;
    linger_unless_asked(front, visit, stream, grace).await;
    Ok(None)
}

/// Lets hyper serve a connection until it has ended, or until hyper is not to have it any longer.
async fn until_end<I, V>(
    session: &Session<'_>,
    mut connection: &mut http1::Connection<I, V>,
) -> hyper::Result<End>
where
    I: Read + Write + Unpin,
    V: HttpService<Incoming, ResBody = Body>,
    V::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let Session { front, visit, .. } = session;
    let mut hub_ends = std::pin::pin!(async {
        front.drain().begun().await;
        // Until the runtime has looked what has arrived.
        yield_now().await;
        visit.may_still_ask().await;
    });
    let mut asked_to_leave = std::pin::pin!(visit.asked_to_leave());
    let mut is_told_to_end = false;
    let mut waits = Waits::new(session);
    std::future::poll_fn(|context| {
        if !is_told_to_end && hub_ends.as_mut().poll(context).is_ready() {
            is_told_to_end = true;
            // Requests that have arrived are answered: hyper does not look for them once it was told to end.
            if let Poll::Ready(ended) = Pin::new(&mut connection).poll(context) {
                return Poll::Ready(ended.map(|()| End::Served));
            }
            Pin::new(&mut *connection).graceful_shutdown();
            waits.request.end_soon();
        }
        // As a future, since that ends only when all of an answer was written.
        let polled = Pin::new(&mut connection).poll(context);
        waits.notice_head();
        match polled {
            Poll::Ready(ended) => Poll::Ready(ended.map(|()| End::Served)),
            Poll::Pending => waits.poll_end(asked_to_leave.as_mut(), context).map(Ok),
        }
    })
    .await
}

/// Answers a head that hyper has not made a request of. For how long the client may then go on sending; `unread` is what hyper
/// has left, which is not needed meanwhile.
async fn refuse_unread<S: AsyncWrite + Unpin>(
    session: &Session<'_>,
    end: hyper::Result<End>,
    stream: &mut S,
    unread: Bytes,
) -> hyper::Result<Duration> {
    let Session { front, seen, .. } = session;
    let may_still_send = match end {
        Ok(End::NoHeadRoom) => {
            let is_head = unread.starts_with(b"HEAD ");
            // It would hold more than there is room for until the answer is taken.
            drop(unread);
            head_share::refuse(front, stream, is_head).await;
            true
        }
        Ok(End::Served | End::TooSlow | End::Parked | End::Left) => {
            session.has_unread_body.load(Ordering::Relaxed)
        }
        Err(error) if bad_head::has_ended(&error) => {
            bad_head::answer(front, stream, &unread, seen.begins_with_head(), &error).await;
            true
        }
        Err(error) => return Err(error),
    };
    // A client whose bytes were all read can read its answer also when the connection is closed at once. Any other has a
    // moment.
    Ok(if may_still_send { LINGER_SILENCE_MAX } else { Duration::ZERO })
}

fn builder(config: &HttpConfig) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        // `RequestWait` is the clock for heads.
        .header_read_timeout(None)
        // A client that has no more to send may still read.
        .half_close(true)
        // Answers are small: copied behind their heads, they cost the kernel less than a vector.
        .writev(false)
        // The buffer alone is no exact bound: what its allocation has room for is read, too.
        .max_header_size(config.head_bytes_max)
        .max_buf_size(config.head_bytes_max);
    builder
}

/// What the requests of a connection have in common, and what is known of them outside of hyper.
struct Session<'a> {
    front: &'a Front,
    visit: &'a Arc<Visit>,
    seen: Arc<Seen>,
    /// The answer that is being written.
    watch: AnswerWatch,
    /// Where a stream leaves hyper.
    slot: ParkingSlot,
    /// The end of the connection is the end of its answer.
    ends_answers: AtomicBool,
    /// The last request had a body that was not read to its end.
    has_unread_body: AtomicBool,
}

impl<'a> Session<'a> {
    fn new(front: &'a Front, visit: &'a Arc<Visit>) -> Self {
        Self {
            front,
            visit,
            seen: Arc::default(),
            watch: AnswerWatch::default(),
            slot: ParkingSlot::default(),
            ends_answers: AtomicBool::new(false),
            has_unread_body: AtomicBool::new(false),
        }
    }

    /// Begins to answer a request: what is done before the future is polled is done before hyper does anything else.
    fn answer(
        &self,
        mut request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Body>, Infallible>> {
        if let Some(left_out) = self.seen.request_begins() {
            request.extensions_mut().insert(left_out);
        }
        let open = self.visit.begin_request();
        // Over HTTP/1.0 there are no chunks: the end of the connection is the end of an answer of unknown length.
        self.ends_answers.store(request.version() <= Version::HTTP_10, Ordering::Relaxed);
        // Nothing else can end in a lane.
        let may_begin_a_stream = request.method() == Method::GET || request.uri().path() == "/subscribe";
        if may_begin_a_stream {
            request.extensions_mut().insert(self.slot.clone());
            request.extensions_mut().insert(self.seen.interruption().clone());
            request.extensions_mut().insert(self.front.stream_permits().clone());
        }
        if let Some(unplaced) = Unplaced::of(self.visit) {
            request.extensions_mut().insert(unplaced);
        }
        let (mut parts, body) = request.into_parts();
        self.front.begin_entry(&mut parts);
        Box::pin(self.answer_open(parts, RequestBody::new(body), open))
    }

    async fn answer_open(
        &self,
        parts: Parts,
        mut body: RequestBody,
        open: OpenRequest,
    ) -> Result<Response<Body>, Infallible> {
        let waits_to_be_asked = parts.headers.contains_key(EXPECT);
        // What follows it cannot be told from its body, or was not looked at.
        let is_last = parts.extensions.get::<LeftOut>().is_some();
        let mut answer = self.front.handle_parts(&parts, &mut body).await;
        self.visit.has_answered();
        // To poll a body that waits to be asked for would ask for it.
        let was_read = body.is_end_stream() || (!waits_to_be_asked && body.ends_with_what_came().await);
        self.has_unread_body.store(!was_read, Ordering::Relaxed);
        // hyper does not say so by itself, and the client would send its next request to nobody.
        let ends = !was_read || is_last || !self.visit.stands().has_place() || self.front.drain().is_ending();
        if ends && answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(answer.map(|body| body.watched_by(self.watch.clone()).holding(open)))
    }

    /// Whether the connection ends before all of an answer was written whose end its own end would seem to be.
    fn cuts_an_answer(&self) -> bool {
        let is_cut_off = self.watch.is_cut_off() || !self.seen.is_flushed();
        is_cut_off && self.ends_answers.load(Ordering::Relaxed)
    }
}

/// What a connection waits for while hyper can do nothing.
struct Waits<'a> {
    session: &'a Session<'a>,
    request: RequestWait,
    patience: Patience,
    head_has_begun: bool,
}

impl<'a> Waits<'a> {
    fn new(session: &'a Session<'a>) -> Self {
        let config = session.front.config();
        Self {
            session,
            request: RequestWait::new(config),
            patience: Patience::new(session.watch.clone(), config.write_wait_max),
            head_has_begun: false,
        }
    }

    /// To be called after each look at the socket: a client that has begun a head is not idle.
    fn notice_head(&mut self) {
        let Session { visit, seen, .. } = self.session;
        let has_begun = visit.is_at_rest() && seen.head_bytes() > 0;
        if has_begun && !self.head_has_begun {
            visit.awaits_request();
        }
        self.head_has_begun = has_begun;
    }

    /// To be called whenever hyper can do nothing. Wakes the connection when it must end.
    fn poll_end(
        &mut self,
        asked_to_leave: Pin<&mut impl Future<Output = ()>>,
        context: &mut Context<'_>,
    ) -> Poll<End> {
        let Session { visit, seen, slot, .. } = self.session;
        if seen.lacks_head_room() {
            return Poll::Ready(End::NoHeadRoom);
        }
        let is_flushed = seen.is_flushed();
        if is_flushed && slot.is_taken() {
            return Poll::Ready(End::Parked);
        }
        if !is_flushed && visit.poll_stall_end(context).is_ready() {
            tracing::debug!("an answer that is not taken is ended, because others need the place");
            return Poll::Ready(End::Left);
        }
        // Nothing of an answer is lost: all of it was written, and the client asks for nothing at the moment.
        if is_flushed && asked_to_leave.poll(context).is_ready() {
            return Poll::Ready(End::Left);
        }
        // Most requests come and are answered between two of these looks.
        if seen.take_asked() {
            self.request.stop();
        }
        if is_flushed && visit.is_at_rest() {
            return self.request.poll_end(seen.head_bytes(), context).map(|phase| {
                tracing::debug!(?phase, "a connection has waited for a request for too long");
                End::TooSlow
            });
        }
        self.request.stop();
        self.patience.poll_end(context).map(|why| {
            tracing::debug!(?why, "an answer is cut off");
            End::TooSlow
        })
    }
}
