//! The visit of one connection, as far as the door needs to know it: which requests are open on it, since when there is none,
//! and whether it was asked to leave.
//!
//! A connection that hyper reads has a visit. One that a stream was left on has none any more: a stream is never asked to
//! leave for another connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::time::Instant;

use crate::limits::FIRST_REQUEST_GRACE;

/// What a connection is doing.
#[derive(Debug)]
pub(crate) struct Visit {
    /// What times are counted from.
    origin: Instant,
    /// Requests that were begun and whose answers have not been handed over.
    open: AtomicUsize,
    /// From this many milliseconds on, the connection may be asked to leave if no request is open.
    rests_from: AtomicU64,
    /// The millisecond in which it was asked to leave, or `NOT_ASKED`.
    asked_at: AtomicU64,
    /// Requests over HTTP/2 that were answered, and whose bodies still come after a while.
    lingering: AtomicUsize,
    waker: AtomicWaker,
    /// There was no place for the connection: it gets one answer.
    beyond_limit: bool,
}

/// What `asked_at` is while a connection is not asked to leave.
const NOT_ASKED: u64 = u64::MAX;

/// Held by a request, and then by its answer, for as long as it is open on a connection.
#[derive(Debug)]
pub(crate) struct OpenRequest(Arc<Visit>);

/// Held for a request over HTTP/2 whose body is still thrown away: its connection may be asked to leave, but is not idle.
#[derive(Debug)]
pub(crate) struct LingeringRequest(Arc<Visit>);

impl Visit {
    /// A connection that has a place. A client that has just connected has a moment for its first request.
    pub(crate) fn new(origin: Instant) -> Self {
        let visit = Self {
            origin,
            open: AtomicUsize::new(0),
            rests_from: AtomicU64::new(0),
            asked_at: AtomicU64::new(NOT_ASKED),
            lingering: AtomicUsize::new(0),
            waker: AtomicWaker::new(),
            beyond_limit: false,
        };
        visit.awaits_request();
        visit
    }

    /// A connection without a place, which gets one answer.
    pub(crate) fn beyond_limit(origin: Instant) -> Self {
        Self { beyond_limit: true, ..Self::new(origin) }
    }

    pub(crate) fn is_beyond_limit(&self) -> bool {
        self.beyond_limit
    }

    /// A request may come now: before and after a handshake, and once a part of its head has come.
    pub(crate) fn awaits_request(&self) {
        let grace = FIRST_REQUEST_GRACE.as_millis() as u64;
        self.rests_from.store(self.now() + grace, Ordering::Relaxed);
    }

    /// Begins a request.
    pub(crate) fn begin_request(self: &Arc<Self>) -> OpenRequest {
        self.open.fetch_add(1, Ordering::Relaxed);
        OpenRequest(self.clone())
    }

    /// The connection has had its last answer, and only waits until its client has read it: it goes before all others.
    pub(crate) fn closes(&self) {
        self.rests_from.store(0, Ordering::Relaxed);
    }

    /// Whether no request is open.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.open.load(Ordering::Relaxed) == 0
    }

    /// From which millisecond on the connection may be asked to leave, while no request is open.
    pub(crate) fn rests_from(&self) -> u64 {
        self.rests_from.load(Ordering::Relaxed)
    }

    /// In which millisecond the connection was asked to leave, if it has not decided to stay since.
    pub(crate) fn asked_at(&self) -> Option<u64> {
        Some(self.asked_at.load(Ordering::Acquire)).filter(|at| *at != NOT_ASKED)
    }

    /// For how long there has been no request, if there is none.
    pub(crate) fn idle_time(&self) -> Option<Duration> {
        let is_idle = self.is_at_rest() && self.lingering.load(Ordering::Relaxed) == 0;
        is_idle.then(|| Duration::from_millis(self.now().saturating_sub(self.rests_from())))
    }

    /// Asks the connection to give up its place. If a request comes first, the connection stays.
    pub(crate) fn ask_to_leave(&self) {
        self.asked_at.store(self.now(), Ordering::Release);
        self.waker.wake();
    }

    /// Whether the connection was asked to leave and can do so. A connection has one task, and only that task may wait here.
    pub(crate) fn poll_leave(&self, context: &mut Context<'_>) -> Poll<()> {
        self.waker.register(context.waker());
        if self.asked_at().is_none() {
            return Poll::Pending;
        }
        if self.is_at_rest() && self.rests_from() <= self.now() {
            return Poll::Ready(());
        }
        self.asked_at.store(NOT_ASKED, Ordering::Relaxed);
        Poll::Pending
    }

    /// Waits until the connection was asked to leave and can do so. Cancel safe.
    pub(crate) async fn asked_to_leave(&self) {
        std::future::poll_fn(|context| self.poll_leave(context)).await;
    }

    fn now(&self) -> u64 {
        self.origin.elapsed().as_millis() as u64
    }
}

impl Default for Visit {
    fn default() -> Self {
        Self::new(Instant::now())
    }
}

impl OpenRequest {
    /// The request was answered long ago, and only its body still comes.
    pub(crate) fn lingers(self) -> LingeringRequest {
        self.0.lingering.fetch_add(1, Ordering::Relaxed);
        LingeringRequest(self.0.clone())
    }
}

impl Drop for LingeringRequest {
    fn drop(&mut self) {
        // A time that the connection has from now on, as after an answer.
        self.0.rests_from.store(self.0.now(), Ordering::Relaxed);
        self.0.lingering.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        // Before the count, so that nobody sees a connection at rest with the time of its last rest.
        self.0.rests_from.store(self.0.now(), Ordering::Relaxed);
        self.0.open.fetch_sub(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_has_a_moment_for_its_first_request() {
        let visit = Visit::default();

        visit.ask_to_leave();
        assert_eq!(visit.asked_to_leave().now_or_never(), None);
        advance(FIRST_REQUEST_GRACE).await;
        visit.ask_to_leave();

        assert_eq!(visit.asked_to_leave().now_or_never(), Some(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_closes_may_be_asked_before_all_others() {
        let visit = Visit::default();

        visit.closes();

        assert_eq!(visit.rests_from(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_with_an_open_request_is_not_asked_and_does_not_leave() {
        let visit = Arc::new(Visit::default());
        advance(FIRST_REQUEST_GRACE).await;
        let (first, second) = (visit.begin_request(), visit.begin_request());

        visit.ask_to_leave();
        assert_eq!(visit.asked_to_leave().now_or_never(), None);
        drop(first);
        assert!(!visit.is_at_rest());
        drop(second);

        assert!(visit.is_at_rest());
        assert_eq!(visit.rests_from(), FIRST_REQUEST_GRACE.as_millis() as u64);
        assert_eq!(visit.asked_to_leave().now_or_never(), None, "it was asked when it could not leave");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_at_rest_that_is_asked_leaves() {
        let visit = Arc::new(Visit::default());
        advance(FIRST_REQUEST_GRACE).await;
        let waits = tokio::spawn({
            let visit = visit.clone();
            async move { visit.asked_to_leave().await }
        });
        tokio::task::yield_now().await;

        visit.ask_to_leave();

        waits.await.unwrap();
    }
}
