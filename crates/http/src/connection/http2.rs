//! One connection of HTTP/2: many requests at once, of which some are streams. hyper and h2 do the framing, this says
//! how much of everything.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use http::Method;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;

use crate::answer::body::Body;
use crate::answer::watch::{AnswerWatch, Patience};
use crate::config::HttpConfig;
use crate::connection::impatient::Impatient;
use crate::connection::linger::take_rest;
use crate::connection::request_body::RequestBody;
use crate::connection::visit::Visit;
use crate::front::Front;
use crate::limits::{
    HTTP2_CLOSING_WAIT_MAX, HTTP2_CONNECTION_WINDOW_BYTES, HTTP2_REQUEST_WINDOW_BYTES, HTTP2_REQUESTS_MAX,
    HTTP2_RESETS_MAX, HTTP2_TAKEN_BACK_MAX, HTTP2_WAITING_BYTES_MAX, LINGER_SILENCE_MAX,
};

/// Serves one connection to its end. Its requests are among `tasks`.
pub(crate) async fn serve<S>(
    front: &Front,
    visit: &Arc<Visit>,
    tasks: TaskTracker,
    stream: S,
) -> hyper::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let config = front.config();
    let asked = Arc::new(AtomicUsize::new(0));
    let places = front.body_budgets().waiting_places();
    let service = service_fn(|mut request: http::Request<Incoming>| {
        asked.fetch_add(1, Ordering::Relaxed);
        request.extensions_mut().insert(front.stream_permits().clone());
        request.extensions_mut().insert(places.clone());
        let (front, visit, tasks) = (front.clone(), visit.clone(), tasks.clone());
        let open = visit.begin_request();
        let (mut parts, body) = request.into_parts();
        // Boxed, because a stream's task is as large as this for as long as the stream lives.
        Box::pin(async move {
            let watch = request_watch();
            parts.extensions.insert(watch.clone());
            let mut body = RequestBody::new(body);
            let discard = |body: Option<Incoming>| {
                let Some(body) = body else { return };
                let (front, open) = (front.clone(), visit.begin_request());
                tasks.spawn(async move {
                    let mut rest = std::pin::pin!(take_rest(&front, body));
                    if timeout(LINGER_SILENCE_MAX, &mut rest).await.is_err() {
                        // Others may have the connection's place now, as over HTTP/1.
                        let _lingering = open.lingers();
                        rest.await;
                    }
                });
            };
            // Nobody else would read it, and it would keep the connection's window from others.
            if parts.method != Method::POST {
                discard(body.take());
            }
            let answer = front.handle(http::Request::from_parts(parts, &mut body)).await;
            // The answer does not wait for it.
            discard(body.unread());
            // Until all is written: the task ends with the body, and nobody else would notice that a stream does not move.
            let body = |body: Body| body.holding(open).watched_by(watch).until_written();
            Ok::<_, std::convert::Infallible>(answer.map(body))
        })
    });
    let io = TokioIo::new(Impatient::new(stream, config.write_wait_max));
    let mut connection = std::pin::pin!(builder(config, tasks.clone()).serve_connection(io, service));
    let mut ending = std::pin::pin!(front.drain().begun());
    let (mut ends, mut leaves, mut idle) = (false, false, false);
    let mut wait = config.head_wait_max;
    // What is left of the time for which the connection may be without a request.
    let rest_of_wait = |in_a_hurry: bool| match visit.idle_time() {
        _ if visit.is_at_rest() && (in_a_hurry || asked.load(Ordering::Relaxed) == 0) => Duration::ZERO,
        Some(idle) => config.idle_wait_max.saturating_sub(idle),
        None => config.idle_wait_max,
    };
    loop {
        // Not biased: each arm comes to its turn, because the others are not always ready.
        tokio::select! {
            ended = connection.as_mut() => return ended,
            () = &mut ending, if !ends => {
                ends = true;
                connection.as_mut().graceful_shutdown();
            }
            () = visit.asked_to_leave(), if !leaves => {
                leaves = true;
                connection.as_mut().graceful_shutdown();
            }
            () = sleep(wait) => {
                let is_over = rest_of_wait(ends || leaves).is_zero();
                match (is_over, idle) {
                    (true, true) => return Ok(()),
                    (true, false) => connection.as_mut().graceful_shutdown(),
                    (false, _) => {}
                }
                idle = is_over;
            }
        }
        let in_a_hurry = ends || leaves || (idle && asked.load(Ordering::Relaxed) == 0);
        wait = match (in_a_hurry, idle) {
            (true, _) => HTTP2_CLOSING_WAIT_MAX,
            (false, true) => config.idle_wait_max,
            (false, false) => rest_of_wait(false),
        };
    }
}

fn builder(config: &HttpConfig, tasks: TaskTracker) -> http2::Builder<Tracked> {
    let mut builder = http2::Builder::new(Tracked { tasks, write_wait_max: config.write_wait_max });
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(HTTP2_REQUESTS_MAX)
        .initial_stream_window_size(HTTP2_REQUEST_WINDOW_BYTES)
        .initial_connection_window_size(HTTP2_CONNECTION_WINDOW_BYTES)
        .max_header_list_size(u32::try_from(config.head_bytes_max).unwrap_or(u32::MAX))
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
