//! The visit of one connection, as far as the door needs to know it: which requests are open on it, since when there is none,
//! and whether it was asked to leave.
//!
//! A connection that hyper reads has a visit. One that a stream was left on has none any more: a stream is never asked to
//! leave for another connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};

use super::standing::Standing;
use crate::limits::{FIRST_REQUEST_GRACE, LINGER_AT_END_WAIT_MAX, PLACE_STALL_WAIT_MAX, REFUSAL_WAIT_MAX};

/// What a connection is doing.
#[derive(Debug)]
pub(crate) struct Visit {
    /// What times are counted from.
    origin: Instant,
    /// The millisecond in which the connection was accepted.
    accepted_at: u64,
    /// A request has come.
    has_asked: AtomicBool,
    /// Requests that were begun and whose answers have not been handed over.
    open: AtomicUsize,
    /// From this many milliseconds on, the connection may be asked to leave if no request is open.
    rests_from: AtomicU64,
    /// The millisecond in which it was asked to leave, or `NEVER`.
    asked_at: AtomicU64,
    /// Requests over HTTP/2 that were answered, and whose bodies still come after a while.
    lingering: AtomicUsize,
    waker: AtomicWaker,
    standing: Standing,
    /// The millisecond in which there was no place for a request, or `NEVER`.
    refused_at: AtomicU64,
    /// The millisecond since which the client takes nothing of an answer, or `NEVER`. Over HTTP/1.
    stalled_at: AtomicU64,
    /// Its client was shaking hands when the hub ended, and may still ask for something.
    asks_at_end: AtomicBool,
}

/// The time of what has not happened.
const NEVER: u64 = u64::MAX;

/// Held by a request, and then by its answer, for as long as it is open on a connection.
#[derive(Debug)]
pub(crate) struct OpenRequest(Arc<Visit>);

/// Held for a request over HTTP/2 whose body is still thrown away: its connection may be asked to leave, but is not idle.
#[derive(Debug)]
pub(crate) struct LingeringRequest(Arc<Visit>);

impl Visit {
    /// A connection that nobody counts. A client that has just connected has a moment for its first request.
    pub(crate) fn new(origin: Instant) -> Self {
        Self::standing(origin, Standing::default())
    }

    pub(crate) fn standing(origin: Instant, standing: Standing) -> Self {
        let visit = Self {
            origin,
            accepted_at: origin.elapsed().as_millis() as u64,
            has_asked: AtomicBool::new(false),
            open: AtomicUsize::new(0),
            rests_from: AtomicU64::new(0),
            asked_at: AtomicU64::new(NEVER),
            lingering: AtomicUsize::new(0),
            waker: AtomicWaker::new(),
            standing,
            refused_at: AtomicU64::new(NEVER),
            stalled_at: AtomicU64::new(NEVER),
            asks_at_end: AtomicBool::new(false),
        };
        visit.awaits_request();
        visit
    }

    /// Where the connection stands.
    pub(crate) fn stands(&self) -> &Standing {
        &self.standing
    }

    /// To be called when a request was answered: one whose connection has no place has had the only answer that it gets.
    pub(crate) fn has_answered(&self) {
        if !self.standing.has_place() {
            self.refused_at.fetch_min(self.now(), Ordering::Relaxed);
            self.waker.wake();
        }
    }

    /// The hub has ended while the client was shaking hands.
    pub(crate) fn may_ask_at_end(&self) {
        self.asks_at_end.store(true, Ordering::Relaxed);
    }

    /// Waits, once the hub ends, for as long as the client may still send its first request: one that has just connected, or
    /// was shaking hands. Cancel safe.
    pub(crate) async fn may_still_ask(&self) {
        let moment = LINGER_AT_END_WAIT_MAX;
        if self.asks_at_end.load(Ordering::Relaxed) {
            sleep(moment).await;
        } else if !self.has_asked.load(Ordering::Relaxed) {
            let age = Duration::from_millis(self.now().saturating_sub(self.accepted_at));
            sleep(moment.saturating_sub(age)).await;
        }
    }

    /// A request may come now: before and after a handshake, and once a part of its head has come.
    pub(crate) fn awaits_request(&self) {
        let grace = FIRST_REQUEST_GRACE.as_millis() as u64;
        self.rests_from.store(self.now() + grace, Ordering::Relaxed);
    }

    /// Begins a request.
    pub(crate) fn begin_request(self: &Arc<Self>) -> OpenRequest {
        self.has_asked.store(true, Ordering::Relaxed);
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

    /// The client takes nothing of an answer from now on.
    pub(crate) fn stalls(&self) {
        self.stalled_at.store(self.now(), Ordering::Relaxed);
    }

    /// The client has taken what there was, or a part of it. If it was asked to leave, it must be asked anew.
    pub(crate) fn takes_its_answer(&self) {
        self.stalled_at.store(NEVER, Ordering::Relaxed);
        self.asked_at.store(NEVER, Ordering::Relaxed);
    }

    /// Whether the connection has nothing to do: no request is open, and nothing of an answer waits for the client.
    pub(crate) fn is_free(&self) -> bool {
        self.is_at_rest() && self.stalled_at.load(Ordering::Relaxed) == NEVER
    }

    /// From which millisecond on the connection may have to give way, if it may. A client that was refused, or takes nothing of
    /// its answer, has a time for it, and then goes although it has not taken all.
    pub(crate) fn gives_way_from(&self) -> Option<u64> {
        if self.is_free() {
            return Some(self.rests_from());
        }
        self.refusal_ends_at().or_else(|| self.stall_ends_at())
    }

    fn refusal_ends_at(&self) -> Option<u64> {
        end_of(&self.refused_at, REFUSAL_WAIT_MAX)
    }

    fn stall_ends_at(&self) -> Option<u64> {
        end_of(&self.stalled_at, PLACE_STALL_WAIT_MAX)
    }

    /// In which millisecond the connection was asked to leave, if it has not decided to stay since.
    pub(crate) fn asked_at(&self) -> Option<u64> {
        Some(self.asked_at.load(Ordering::Acquire)).filter(|at| *at != NEVER)
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

    /// Waits until the connection was asked to leave and can do so, which it cannot if something has come from its client. To
    /// be polled behind what reads from the client. A connection has one task, and only that task may wait here. Cancel safe.
    pub(crate) async fn asked_to_leave(&self) {
        loop {
            std::future::poll_fn(|context| self.poll_leave(context)).await;
            // Until the runtime has looked what has arrived, however busy the machine is.
            yield_now().await;
            if self.can_leave() {
                return;
            }
        }
    }

    /// Waits until a connection may give no other answer, over HTTP/2, where there may be other requests. Cancel safe.
    pub(crate) async fn is_refused(&self) {
        std::future::poll_fn(|context| {
            self.waker.register(context.waker());
            match self.refused_at.load(Ordering::Relaxed) {
                NEVER => Poll::Pending,
                _ => Poll::Ready(()),
            }
        })
        .await;
    }

    /// Waits until others need what the connection holds, and its client has not taken its only answer for too long. Cancel
    /// safe.
    pub(crate) async fn overstays(&self) {
        std::future::poll_fn(|context| {
            self.waker.register(context.waker());
            let overstays = !self.is_free()
                && self.asked_at().is_some()
                && self.refusal_ends_at().is_some_and(|end| end <= self.now());
            if overstays { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Ready when others need the place, and the client has taken nothing of its answer for too long. To be polled while an
    /// answer waits for the client.
    pub(crate) fn poll_stall_end(&self, context: &mut Context<'_>) -> Poll<()> {
        self.waker.register(context.waker());
        let is_over = self.asked_at().is_some() && self.stall_ends_at().is_some_and(|end| end <= self.now());
        if is_over { Poll::Ready(()) } else { Poll::Pending }
    }

    fn poll_leave(&self, context: &mut Context<'_>) -> Poll<()> {
        self.waker.register(context.waker());
        if self.asked_at().is_none() {
            return Poll::Pending;
        }
        if self.can_leave() {
            return Poll::Ready(());
        }
        self.asked_at.store(NEVER, Ordering::Relaxed);
        Poll::Pending
    }

    fn can_leave(&self) -> bool {
        self.is_free() && self.rests_from() <= self.now()
    }

    fn now(&self) -> u64 {
        self.origin.elapsed().as_millis() as u64
    }
}

/// The millisecond in which the wait ends that has begun in this one, if it has.
fn end_of(began: &AtomicU64, wait: Duration) -> Option<u64> {
    let began = began.load(Ordering::Relaxed);
    (began != NEVER).then(|| began.saturating_add(wait.as_millis() as u64))
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
    use prometheus_client::metrics::gauge::Gauge;
    use tokio::time::advance;

    use super::*;
    use crate::connection::places::Places;
    use crate::connection::standing::Visiting;

    #[tokio::test(start_paused = true)]
    async fn a_client_has_a_moment_for_its_first_request() {
        let visit = Visit::default();

        visit.ask_to_leave();
        assert_eq!(visit.asked_to_leave().now_or_never(), None);
        advance(FIRST_REQUEST_GRACE).await;
        visit.ask_to_leave();

        visit.asked_to_leave().await;
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
        yield_now().await;

        visit.ask_to_leave();

        waits.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_take_its_only_answer_goes_when_others_need_what_it_holds() {
        let lobby = Places::new(1, Gauge::default(), Instant::now());
        let none = Places::new(0, Gauge::default(), lobby.origin());
        let visit = Visiting::begin(&lobby, lobby.try_take().unwrap(), &none);
        let _open = visit.begin_request();
        assert_eq!(visit.gives_way_from(), None);

        visit.has_answered();
        visit.ask_to_leave();
        advance(REFUSAL_WAIT_MAX - Duration::from_millis(1)).await;
        assert_eq!(visit.overstays().now_or_never(), None);
        advance(Duration::from_millis(1)).await;

        assert_eq!(visit.overstays().now_or_never(), Some(()));
        assert_eq!(visit.asked_to_leave().now_or_never(), None, "nor does it rest");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_whose_answer_is_not_taken_is_not_free_and_gives_way_after_a_time() {
        let visit = Visit::default();
        advance(FIRST_REQUEST_GRACE).await;
        let end = |visit: &Visit| visit.gives_way_from().map(Duration::from_millis);

        visit.stalls();
        assert!(!visit.is_free());
        assert_eq!(end(&visit), Some(FIRST_REQUEST_GRACE + PLACE_STALL_WAIT_MAX));
        let mut stall_end = std::future::poll_fn(|context| visit.poll_stall_end(context));
        advance(PLACE_STALL_WAIT_MAX).await;
        assert_eq!((&mut stall_end).now_or_never(), None, "nobody needs the place");
        visit.ask_to_leave();
        assert_eq!((&mut stall_end).now_or_never(), Some(()));

        visit.takes_its_answer();
        assert_eq!((&mut stall_end).now_or_never(), None);
        assert!(visit.is_free() && visit.asked_at().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_without_a_place_has_its_time_for_its_answer_until_others_need_what_it_holds() {
        let lobby = Places::new(1, Gauge::default(), Instant::now());
        let none = Places::new(0, Gauge::default(), lobby.origin());
        let visit = Visiting::begin(&lobby, lobby.try_take().unwrap(), &none);
        let _open = visit.begin_request();

        visit.has_answered();
        advance(2 * REFUSAL_WAIT_MAX).await;

        assert_eq!(visit.overstays().now_or_never(), None);
    }
}
