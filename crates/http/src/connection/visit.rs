//! The visit of one connection, as far as the door needs to know it: which requests are open on it, since when there is none,
//! and whether it was asked to leave.
//!
//! A connection that hyper reads has a visit. One that a stream was left on has none any more: a stream is never asked to
//! leave for another connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};

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
    asked_to_leave: AtomicBool,
    waker: AtomicWaker,
    /// There was no place for the connection: it gets one answer.
    beyond_limit: bool,
}

/// Held by a request, and then by its answer, for as long as it is open on a connection.
#[derive(Debug)]
pub(crate) struct OpenRequest(Arc<Visit>);

impl Visit {
    /// A connection that has a place. A client that has just connected has a moment for its first request.
    pub(crate) fn new(origin: Instant) -> Self {
        let visit = Self {
            origin,
            open: AtomicUsize::new(0),
            rests_from: AtomicU64::new(0),
            asked_to_leave: AtomicBool::new(false),
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

    /// The first request may come now: before or after a handshake.
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

    /// Since when the connection may be asked to leave, if it may be asked now.
    pub(crate) fn may_leave_since(&self) -> Option<u64> {
        let since = self.rests_from.load(Ordering::Relaxed);
        let may = since <= self.now() && self.is_at_rest() && !self.asked_to_leave.load(Ordering::Relaxed);
        may.then_some(since)
    }

    /// Asks the connection to give up its place. If a request comes first, the connection stays.
    pub(crate) fn ask_to_leave(&self) {
        self.asked_to_leave.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Whether the connection was asked to leave and can do so. A connection has one task, and only that task may wait here.
    pub(crate) fn poll_leave(&self, context: &mut Context<'_>) -> Poll<()> {
        self.waker.register(context.waker());
        if !self.asked_to_leave.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        if self.is_at_rest() {
            return Poll::Ready(());
        }
        self.asked_to_leave.store(false, Ordering::Relaxed);
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

        assert_eq!(visit.may_leave_since(), None);
        advance(FIRST_REQUEST_GRACE).await;

        assert!(visit.may_leave_since().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_closes_may_be_asked_before_all_others() {
        let visit = Visit::default();

        visit.closes();

        assert_eq!(visit.may_leave_since(), Some(0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_with_an_open_request_is_not_asked_and_does_not_leave() {
        let visit = Arc::new(Visit::default());
        advance(FIRST_REQUEST_GRACE).await;
        let (first, second) = (visit.begin_request(), visit.begin_request());

        assert_eq!(visit.may_leave_since(), None);
        visit.ask_to_leave();
        assert_eq!(visit.asked_to_leave().now_or_never(), None);
        drop(first);
        assert_eq!(visit.may_leave_since(), None);
        drop(second);

        assert_eq!(visit.may_leave_since(), Some(FIRST_REQUEST_GRACE.as_millis() as u64));
        assert_eq!(visit.asked_to_leave().now_or_never(), None, "it was asked when it could not leave");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_at_rest_that_is_asked_leaves() {
        let visit = Arc::new(Visit::default());
        let waits = tokio::spawn({
            let visit = visit.clone();
            async move { visit.asked_to_leave().await }
        });
        tokio::task::yield_now().await;

        visit.ask_to_leave();

        waits.await.unwrap();
        assert_eq!(visit.may_leave_since(), None, "nobody is asked twice");
    }
}
