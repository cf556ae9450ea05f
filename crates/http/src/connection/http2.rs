//! One connection of HTTP/2: many requests at once, of which some are streams. hyper and h2 do the framing, this says
//! how much of everything.

use std::convert::Infallible;
use std::error::Error as _;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use http::request::Parts;
use http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;

use crate::answer::body::Body;
use crate::answer::watch::{AnswerWatch, Patience};
use crate::config::HttpConfig;
use crate::connection::impatient::Impatient;
use crate::connection::linger::{linger_unless_asked, take_rest};
use crate::connection::refusal::Unplaced;
use crate::connection::request_body::RequestBody;
use crate::connection::socket::Raw;
use crate::connection::visit::{OpenRequest, Visit};
use crate::front::Front;
use crate::lane::parking::{Leaving, ParkingSlot};
use crate::limits::{
    HTTP2_CLOSING_WAIT_MAX, HTTP2_CONNECTION_WINDOW_BYTES, HTTP2_REQUEST_WINDOW_BYTES, HTTP2_REQUESTS_MAX,
    HTTP2_RESETS_MAX, HTTP2_TAKEN_BACK_MAX, HTTP2_WAITING_BYTES_MAX, LINGER_AT_END_WAIT_MAX,
    LINGER_SILENCE_MAX,
};
use crate::websocket::handshake;
use crate::websocket::socket::upgraded;

/// Serves one connection to its end. Its requests are among `tasks`.
pub(crate) async fn serve<S>(
    front: &Front,
    visit: &Arc<Visit>,
    tasks: TaskTracker,
    mut stream: S,
) -> hyper::Result<()>
where
    S: AsyncRead + AsyncWrite + Raw + Unpin,
{
    let ended = until_ended(front, visit, tasks, &mut stream).await;
    // What the client says last, such as that it has room again, must not reset what it has not read yet.
    let lingering = linger_unless_asked(front, visit, stream, Duration::ZERO);
    match &ended {
        Ok(()) => lingering.await,
        Err(error) if is_of_socket(error) => {}
        // That is true for the `GOAWAY` that tells a mistake as well: a client that is still sending would never learn which.
        // It may be a flood, so it is not read for long.
        Err(_) => drop(timeout(LINGER_AT_END_WAIT_MAX, lingering).await),
    }
    ended
}

/// Whether nothing can be said to the client any more: its connection is reset or closed, or it takes no bytes.
fn is_of_socket(error: &hyper::Error) -> bool {
    error.source().is_some_and(|source| source.is::<io::Error>())
}

async fn until_ended<S>(
    front: &Front,
    visit: &Arc<Visit>,
    tasks: TaskTracker,
    stream: &mut S,
) -> hyper::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let config = front.config();
    let builder = builder(config, tasks.clone());
    let io = TokioIo::new(Impatient::new(stream, config.write_wait_max));
    let has_asked = AtomicBool::new(false);
    let requests = Requests { front: front.clone(), visit: visit.clone(), tasks };
    let places = front.body_budgets().waiting_places();
    let service = service_fn(|mut request: Request<Incoming>| {
        has_asked.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(front.stream_permits().clone());
        request.extensions_mut().insert(places.clone());
        // Boxed, because a stream's task is as large as this for as long as the stream lives.
        Box::pin(requests.clone().answer(request, visit.begin_request()))
    });
    let mut connection = std::pin::pin!(builder.serve_connection(io, service));
    let mut hub_ends = std::pin::pin!(async {
        front.drain().begun().await;
        visit.may_still_ask().await;
    });
    let mut idle = IdleClock::new(config, visit, &has_asked);
    loop {
        // Not biased: each arm comes to its turn, because the others are not always ready.
        let next = tokio::select! {
            ended = connection.as_mut() => return ended,
            () = &mut hub_ends, if !idle.hub_ends => {
                idle.hub_ends = true;
                Next::Goodbye
            }
            // The first request that found no place is the last one.
            () = visit.is_refused(), if !idle.leaves => {
                idle.leaves = true;
                Next::Goodbye
            }
            () = visit.asked_to_leave(), if !idle.leaves => {
                idle.leaves = true;
                Next::Goodbye
            }
            () = sleep(idle.wait) => idle.look(),
        };
        match next {
            Next::Nothing => {}
            Next::Goodbye => connection.as_mut().graceful_shutdown(),
            Next::End => return Ok(()),
        }
        idle.set_wait();
    }
}

/// What all requests of a connection need. Each has a copy, because hyper makes a task of each.
#[derive(Clone)]
struct Requests {
    front: Front,
    visit: Arc<Visit>,
    tasks: TaskTracker,
}

impl Requests {
    fn answer(
        self,
        request: Request<Incoming>,
        open: OpenRequest,
    ) -> impl Future<Output = Result<Response<Body>, Infallible>> {
        let (mut parts, body) = request.into_parts();
        if let Some(unplaced) = Unplaced::of(&self.visit) {
            parts.extensions.insert(unplaced);
        }
        self.answer_open(parts, RequestBody::new(body), open)
    }

    async fn answer_open(
        self,
        mut parts: Parts,
        mut body: RequestBody,
        open: OpenRequest,
    ) -> Result<Response<Body>, Infallible> {
        let watch = request_watch();
        parts.extensions.insert(watch.clone());
        handshake::take_connect(&mut parts);
        // Where a WebSocket leaves the request. No other stream of HTTP/2 leaves it.
        let slot = handshake::is_connect(&parts).then(ParkingSlot::default);
        if let Some(slot) = &slot {
            parts.extensions.insert(slot.clone());
        }
        self.front.begin_entry(&mut parts);
        // Nobody else would read it, and it would keep the connection's window from others.
        if parts.method != Method::POST {
            self.discard(body.take());
        }
        let answer = self.front.handle_parts(&parts, &mut body).await;
        self.visit.has_answered();
        let socket = slot.and_then(|slot| slot.clear());
        if let (Some(Leaving::Socket(socket)), Some(upgrade)) =
            (socket, parts.extensions.remove::<OnUpgrade>())
        {
            let open = self.visit.begin_request();
            self.tasks.spawn(async move {
                upgraded(upgrade, *socket).await;
                drop(open);
            });
        }
        // The answer does not wait for it.
        self.discard(body.unread());
        // Until all is written: the task ends with the body, and nobody else would notice that a stream does not move.
        Ok(answer.map(|body| body.holding(open).watched_by(watch).until_written()))
    }

    /// Reads the rest of a body that nobody wants, beside the answer.
    fn discard(&self, body: Option<Incoming>) {
        let Some(body) = body else { return };
        let (front, open) = (self.front.clone(), self.visit.begin_request());
        self.tasks.spawn(async move {
            let mut rest = std::pin::pin!(take_rest(&front, body));
            if timeout(LINGER_SILENCE_MAX, &mut rest).await.is_err() {
                // Others may have the connection's place now, as over HTTP/1.
                let _lingering = open.lingers();
                rest.await;
            }
        });
    }
}

/// What becomes of a connection.
enum Next {
    Nothing,
    /// `GOAWAY`: what is open is finished, and nothing more begins.
    Goodbye,
    End,
}

/// The time for which a connection may be without a request.
struct IdleClock<'a> {
    config: &'a HttpConfig,
    visit: &'a Visit,
    /// There has been a request.
    has_asked: &'a AtomicBool,
    hub_ends: bool,
    /// Others need the place, or there was none.
    leaves: bool,
    /// The time was over at the last look, and the client was told to go.
    was_over: bool,
    /// Until the next look.
    wait: Duration,
}

impl<'a> IdleClock<'a> {
    fn new(config: &'a HttpConfig, visit: &'a Visit, has_asked: &'a AtomicBool) -> Self {
        let wait = config.head_wait_max;
        Self { config, visit, has_asked, hub_ends: false, leaves: false, was_over: false, wait }
    }

    /// To be called when the wait is over.
    fn look(&mut self) -> Next {
        let is_over = self.rest(self.hub_ends || self.leaves).is_zero();
        let next = match (is_over, self.was_over) {
            (true, true) => Next::End,
            (true, false) => Next::Goodbye,
            (false, _) => Next::Nothing,
        };
        self.was_over = is_over;
        next
    }

    /// To be called after anything has happened.
    fn set_wait(&mut self) {
        let never_asked = self.was_over && !self.has_asked();
        self.wait = if self.hub_ends || self.leaves || never_asked {
            HTTP2_CLOSING_WAIT_MAX
        } else if self.was_over {
            self.config.idle_wait_max
        } else {
            self.rest(false)
        };
    }

    /// What is left of the time.
    fn rest(&self, is_in_a_hurry: bool) -> Duration {
        if self.visit.is_at_rest() && (is_in_a_hurry || !self.has_asked()) {
            return Duration::ZERO;
        }
        let idle = self.visit.idle_time().unwrap_or_default();
        self.config.idle_wait_max.saturating_sub(idle)
    }

    fn has_asked(&self) -> bool {
        self.has_asked.load(Ordering::Relaxed)
    }
}

fn builder(config: &HttpConfig, tasks: TaskTracker) -> http2::Builder<Tracked> {
    let mut builder = http2::Builder::new(Tracked { tasks, write_wait_max: config.write_wait_max });
    builder
        .timer(TokioTimer::new())
        // RFC 8441: for WebSocket. A browser opens one on the connection that it has only if the settings say so.
        .enable_connect_protocol()
        .max_concurrent_streams(HTTP2_REQUESTS_MAX)
        .initial_stream_window_size(HTTP2_REQUEST_WINDOW_BYTES)
        .initial_connection_window_size(HTTP2_CONNECTION_WINDOW_BYTES)
        // h2 answers a larger head by itself, without content. One that is not too large for this gets a problem.
        .max_header_list_size(u32::try_from(config.head_bytes_max).unwrap_or(u32::MAX).saturating_mul(2))
        .max_send_buf_size(HTTP2_WAITING_BYTES_MAX)
        .max_pending_accept_reset_streams(HTTP2_TAKEN_BACK_MAX)
        .max_local_error_reset_streams(HTTP2_RESETS_MAX)
        .keep_alive_interval(config.ping_interval)
        .keep_alive_timeout(config.ping_wait_max);
    builder
}

tokio::task_local! {
    /// Set while the task of a request is polled: hyper makes the task, and shows nothing of what is in it.
    static WATCH: AnswerWatch;
}

/// The watch of the request whose task runs.
fn request_watch() -> AnswerWatch {
    WATCH.try_with(AnswerWatch::clone).unwrap_or_default()
}

/// Runs the tasks of requests so that the hub's end can wait for them, and ends those whose clients take nothing.
#[derive(Clone)]
struct Tracked {
    tasks: TaskTracker,
    write_wait_max: Duration,
}

impl<F> hyper::rt::Executor<F> for Tracked
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, task: F) {
        self.tasks.spawn(unless_stalled(task, self.write_wait_max));
    }
}

/// Runs the task of a request. A stream whose window is closed does not stop its connection, so only this task can notice
/// that its client takes nothing: then it drops the request, which resets the stream.
async fn unless_stalled<F: Future>(task: F, wait_max: Duration) {
    let watch = AnswerWatch::default();
    let mut patience = Patience::new(watch.clone(), wait_max);
    let mut task = std::pin::pin!(task);
    std::future::poll_fn(|context| {
        if WATCH.sync_scope(watch.clone(), || task.as_mut().poll(context)).is_ready() {
            return Poll::Ready(());
        }
        patience.poll_end(context).map(|why| tracing::debug!(?why, "a stream of HTTP/2 is reset"))
    })
    .await;
}
