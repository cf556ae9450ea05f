//! Hears of streams, and sends what is to be told.
//!
//! Those who carry streams write into the book and go on. [`Notices::run`] sends; what it has taken out of the book stays with it until the
//! backend has taken it, so it may be dropped and called again.

use std::convert::Infallible;
use std::fmt;
use std::future::pending;
use std::hash::{BuildHasher, RandomState};
use std::mem::{Discriminant, discriminant};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;
use ring::rand::{SecureRandom, SystemRandom};
use tidings_client::Caller;
use tidings_http::KindLog;
use tidings_http::core::{Attendee, Clock, RosterListener};
use tidings_http::prometheus_client::registry::Registry;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::book::{Book, Stream, Taken};
use super::metrics::NoticeMetrics;
use super::notice::Batch;
use crate::call;
use crate::fault::Fault;
use crate::limits::{
    NOTICES_FLUSH_WAIT_MAX, NOTICES_RETRY_WAIT_MAX, NOTICES_RETRY_WAIT_MIN, WEBHOOK_LOG_INTERVAL,
};
use crate::settings::NoticeSettings;
use crate::webhook::NoRandomness;

/// Tells a program of yours which streams have begun and ended.
///
/// Give it to [`Roster::add_listener`](tidings_http::core::Roster::add_listener), and drive [`run`](Self::run) for as long as the hub
/// lives.
pub struct Notices {
    settings: NoticeSettings,
    clock: Arc<dyn Clock>,
    /// The name of this life of the hub, with which the ids of its notices begin.
    hub: String,
    caller: Caller,
    outbox: Mutex<Outbox>,
    /// Rung when there is something to do earlier than was known.
    bell: Notify,
    metrics: NoticeMetrics,
    faults: KindLog<Discriminant<Fault>>,
}

struct Outbox {
    book: Book,
    /// What was taken out of the book, and is sent until the backend has taken it.
    sending: Option<Batch>,
    /// How often it was sent.
    tries: u32,
}

/// Why a stream has ended of which its carrier has said nothing: its client has gone.
const ENDING_UNKNOWN: &str = "client-gone";

/// What has become of a batch.
enum Sent {
    /// The backend has taken it, or does not want it.
    Done,
    /// It is to be sent again after this time.
    Again(Duration),
}

impl Notices {
    /// Tells by these settings. The clock says when something happened.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`].
    pub fn new(settings: NoticeSettings, clock: Arc<dyn Clock>) -> Result<Self, NoRandomness> {
        let mut name = [0; 8];
        SystemRandom::new().fill(&mut name).map_err(|_| NoRandomness)?;
        let outbox = Outbox { book: Book::new(settings.debounce), sending: None, tries: 0 };
        Ok(Self {
            settings,
            clock,
            hub: format!("{:016x}", u64::from_be_bytes(name)),
            caller: Caller::new(),
            outbox: Mutex::new(outbox),
            bell: Notify::new(),
            metrics: NoticeMetrics::default(),
            faults: KindLog::new(WEBHOOK_LOG_INTERVAL),
        })
    }

    /// Makes its counters part of a registry.
    pub fn register_metrics(&self, registry: &mut Registry) {
        self.metrics.register(registry);
    }

    /// Sends notices, for as long as it is driven. Cancel safe: call it again, or [`flush`](Self::flush), and it goes on.
    pub async fn run(&self) -> Infallible {
        loop {
            if self.take(Book::take) {
                if let Sent::Again(wait) = self.send().await {
                    sleep(wait).await;
                }
                continue;
            }
            let due = self.outbox().book.due();
            let is_due = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                () = is_due => {}
                () = self.bell.notified() => {}
            }
        }
    }

    /// Sends what is left when the hub ends, and takes [`NOTICES_FLUSH_WAIT_MAX`] for it at most. Cancel safe, as
    /// [`run`](Self::run).
    pub async fn flush(&self) {
        let sent = timeout(NOTICES_FLUSH_WAIT_MAX, async {
            while self.take(Book::take_at_end) {
                if let Sent::Again(wait) = self.send().await {
                    sleep(wait).await;
                }
            }
        });
        if sent.await.is_err() {
            let outbox = self.outbox();
            let left = outbox.book.waiting() + outbox.sending.as_ref().map_or(0, |batch| batch.notices);
            self.metrics.dropped.inc_by(left);
            tracing::warn!(webhook = %self.settings.url, notices = left, "the hub ends before these notices were taken");
        }
    }

    fn note(&self, note: impl FnOnce(&mut Book, Instant) -> u64) {
        let mut outbox = self.outbox();
        let before = outbox.book.due();
        let dropped = note(&mut outbox.book, Instant::now());
        let is_earlier = match (before, outbox.book.due()) {
            (Some(before), Some(due)) => due < before,
            (before, due) => before.is_none() && due.is_some(),
        };
        drop(outbox);
        self.metrics.dropped.inc_by(dropped);
        if is_earlier {
            self.bell.notify_one();
        }
    }

    /// Whether there is a batch to send: the one from before, or another.
    fn take(&self, take: impl FnOnce(&mut Book, Instant) -> Option<Taken>) -> bool {
        let mut outbox = self.outbox();
        if outbox.sending.is_some() {
            return true;
        }
        let taken = take(&mut outbox.book, Instant::now());
        // Streams come and go while it becomes JSON.
        drop(outbox);
        let Some(Taken { notices, dropped }) = taken else { return false };
        let batch = Batch::new(&self.hub, &notices, dropped);
        self.outbox().sending = Some(batch);
        true
    }

    async fn send(&self) -> Sent {
        let Some(batch) = self.outbox().sending.clone() else { return Sent::Done };
        let NoticeSettings { url, timeout, .. } = &self.settings;
        let fault = match call::post(&self.caller, url, batch.body, *timeout).await {
            Ok(answer) if answer.status().is_success() => {
                self.metrics.sent.inc_by(batch.notices);
                self.outbox().sent();
                return Sent::Done;
            }
            Ok(answer) if is_at_fault(answer.status()) => {
                self.tell(&Fault::NotTaken(answer.status().as_u16()), "these notices are left out");
                self.metrics.failed.inc();
                self.metrics.dropped.inc_by(batch.notices);
                let mut outbox = self.outbox();
                outbox.sent();
                outbox.book.count_dropped(batch.notices);
                return Sent::Done;
            }
            Ok(answer) => Fault::NotTaken(answer.status().as_u16()),
            Err(fault) => fault,
        };
        self.metrics.failed.inc();
        self.tell(&fault, "they are sent again");
        let mut outbox = self.outbox();
        outbox.tries += 1;
        Sent::Again(retry_wait(outbox.tries))
    }

    fn tell(&self, fault: &Fault, what_then: &str) {
        if let Some(left_out) = self.faults.turn(discriminant(fault)) {
            let url = &self.settings.url;
            tracing::warn!(webhook = %url, left_out, "notices of connections were not taken: {fault}; {what_then}");
        }
    }

    fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RosterListener for Notices {
    fn joined(&self, who: Attendee<'_>) {
        let time = self.clock.now();
        let stream = Stream {
            connection: who.id,
            user: who.session.user.clone(),
            address: who.address,
            selectors: who.selectors.clone(),
        };
        self.note(|book, now| book.join(stream, time, now));
    }

    fn left(&self, who: Attendee<'_>) {
        let time = self.clock.now();
        let ending = who.ending.unwrap_or(ENDING_UNKNOWN);
        self.note(|book, now| book.leave(who.id, ending, time, now));
    }

    fn asks_for_all(&self) -> bool {
        true
    }
}

impl Outbox {
    fn sent(&mut self) {
        self.sending = None;
        self.tries = 0;
    }
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notices").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Whether the backend says that it will never take this batch. Anything else may be over when it is sent again.
fn is_at_fault(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY
    )
}

/// The wait after so many tries: twice as long each time, less up to a half of it at random.
fn retry_wait(tries: u32) -> Duration {
    let doubled = NOTICES_RETRY_WAIT_MIN * 2_u32.saturating_pow(tries.saturating_sub(1).min(16));
    // Each `RandomState` has another key.
    let random = RandomState::new().hash_one(()) as f64 / u64::MAX as f64;
    doubled.min(NOTICES_RETRY_WAIT_MAX).mul_f64(0.5 + random / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_sent_again_after_a_wait_that_doubles_up_to_a_bound_less_a_random_part() {
        for (tries, most) in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (100, 60), (u32::MAX, 60)] {
            let most = Duration::from_secs(most);
            let waits: Vec<_> = (0..100).map(|_| retry_wait(tries)).collect();

            assert!(waits.iter().all(|wait| most / 2 <= *wait && *wait <= most), "{tries}: {waits:?}");
            assert!(waits.iter().any(|wait| *wait != waits[0]), "{tries}: {waits:?}");
        }
    }
}
