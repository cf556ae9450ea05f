//! The phases of a connection, each with a bound. They are the same for HTTP/1.0, HTTP/1.1 and HTTP/2, with and without TLS;
//! `docs/reference/connections.md` says what a client sees at the end of each.
//!
//! | phase | from | to | bound |
//! |---|---|---|---|
//! | head | the first byte of a request, or the beginning of the connection | the empty line | `head_wait_max`, and a second more for each `HEAD_BYTES_PER_SECOND_MIN` |
//! | body | the empty line | the last byte of the body | `body_bytes_per_second_min`, `body_wait_max` |
//! | answer | the first byte of the answer | its last byte | `write_wait_max` for each piece |
//! | idle | the last byte of an answer | the first byte of a request | `idle_wait_max` |
//! | linger | the last answer, while the body was not read | the end of the connection | `LINGER_SILENCE_MAX`, `linger_wait_max` |
//! | drain | the end of the hub | the end of the connection | `drain_notice`, `drain_window`, `drain_wait_max` |
//!
//! This file has the clock of the two phases in which HTTP/1 waits for a request. The body's is in `request/body_budgets`, the
//! answer's in `impatient` and `answer/watch`, the lingering's in `linger`, and the drain's in `stream/drain`.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::config::HttpConfig;
use crate::limits::{HEAD_BYTES_PER_SECOND_MIN, LINGER_AT_END_WAIT_MAX};

/// The phases in which a connection waits for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing of a request has come.
    Idle,
    /// A part of a head has come, or the connection is new.
    Head,
}

/// The time for which a connection of HTTP/1 waits for a request.
pub(crate) struct RequestWait {
    idle_wait_max: Duration,
    head_wait_max: Duration,
    /// The phase, and when it began. None while a request is handled.
    phase: Option<(Phase, Instant)>,
    /// The hub ends: until when a head that has begun may come.
    end: Option<Instant>,
    /// Armed for a deadline or for a time before it: most waits are short, and a timer that need not be set anew costs nothing.
    timer: Pin<Box<Sleep>>,
}

impl RequestWait {
    /// A new connection waits for a head: a client connects because it has something to ask.
    pub(crate) fn new(config: &HttpConfig) -> Self {
        let now = Instant::now();
        Self {
            idle_wait_max: config.idle_wait_max,
            head_wait_max: config.head_wait_max,
            phase: Some((Phase::Head, now)),
            end: None,
            timer: Box::pin(sleep_until(now + config.head_wait_max)),
        }
    }

    /// A request is being handled: nothing is waited for here.
    pub(crate) fn stop(&mut self) {
        self.phase = None;
    }

    /// The hub ends: a head that has begun may come for a moment.
    pub(crate) fn end_soon(&mut self) {
        self.end = Some(Instant::now() + LINGER_AT_END_WAIT_MAX);
    }

    /// To be called whenever the connection waits for a request, of whose head so many bytes have come. Wakes it at the end of
    /// the wait.
    pub(crate) fn poll_end(&mut self, head_bytes: u64, context: &mut Context<'_>) -> Poll<Phase> {
        let (phase, since) = match self.phase {
            Some((Phase::Idle, _)) | None if head_bytes > 0 => (Phase::Head, Instant::now()),
            Some(at) => at,
            None => (Phase::Idle, Instant::now()),
        };
        self.phase = Some((phase, since));
        let deadline = since
            + match phase {
                Phase::Idle => self.idle_wait_max,
                Phase::Head => {
                    self.head_wait_max + Duration::from_secs(head_bytes / HEAD_BYTES_PER_SECOND_MIN)
                }
            };
        let deadline = self.end.map_or(deadline, |end| deadline.min(end));
        loop {
            if self.timer.deadline() > deadline {
                self.timer.as_mut().reset(deadline);
            }
            ready!(self.timer.as_mut().poll(context));
            if self.timer.deadline() >= deadline {
                return Poll::Ready(phase);
            }
            self.timer.as_mut().reset(deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{sleep, timeout};

    use super::*;

    fn wait() -> RequestWait {
        RequestWait::new(&HttpConfig::default())
    }

    /// Which phase ends, after how many seconds.
    async fn end(wait: &mut RequestWait, head_bytes: u64) -> (Phase, u64) {
        let began = Instant::now();
        let phase = std::future::poll_fn(|context| wait.poll_end(head_bytes, context)).await;
        (phase, began.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_connection_has_ten_seconds_for_its_first_head() {
        assert_eq!(end(&mut wait(), 0).await, (Phase::Head, 10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_was_answered_may_be_idle_for_seventy_five_seconds_each_time() {
        let mut wait = wait();

        for _ in 0..3 {
            wait.stop();
            let idle = std::future::poll_fn(|context| wait.poll_end(0, context));
            assert!(timeout(Duration::from_secs(70), idle).await.is_err());
        }

        wait.stop();
        sleep(Duration::from_secs(100)).await;
        assert_eq!(end(&mut wait, 0).await, (Phase::Idle, 75));
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_has_its_time_from_its_first_byte_and_more_as_it_comes() {
        for (bytes, seconds) in [(1, 10), (1_023, 10), (1_024, 11), (65_536, 74)] {
            let mut wait = wait();
            wait.stop();
            let idle = std::future::poll_fn(|context| wait.poll_end(0, context));
            assert!(timeout(Duration::from_secs(70), idle).await.is_err());

            assert_eq!(end(&mut wait, bytes).await, (Phase::Head, seconds), "{bytes} bytes");
        }
    }
}
