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

use bytes::Bytes;
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
    NOTICES_FLUSH_WAIT_MAX, NOTICES_REFUSED_WAIT_MAX, NOTICES_RETRY_WAIT_MAX, NOTICES_RETRY_WAIT_MIN,
    WEBHOOK_LOG_INTERVAL,
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
    /// How often something was sent that was not taken, in a row.
    tries: u32,
    /// The backend refuses to be told at all.
    refusal: Option<Refusal>,
}

struct Refusal {
    since: Instant,
    /// It was given up: what is refused now is left out.
    is_lasting: bool,
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
        let outbox = Outbox { book: Book::new(settings.debounce), sending: None, tries: 0, refusal: None };
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
        self.run_by(|body| self.post(body)).await
    }

    async fn run_by<F>(&self, post: impl Fn(Bytes) -> F) -> Infallible
    where
        F: Future<Output = Result<StatusCode, Fault>>,
    {
        loop {
            if self.take(Book::take) {
                if let Sent::Again(wait) = self.send(&post).await {
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
        self.flush_by(|body| self.post(body)).await;
    }

    async fn flush_by<F>(&self, post: impl Fn(Bytes) -> F)
    where
        F: Future<Output = Result<StatusCode, Fault>>,
    {
        let sent = timeout(NOTICES_FLUSH_WAIT_MAX, async {
            while self.take(Book::take_at_end) {
                if let Sent::Again(wait) = self.send(&post).await {
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

    async fn post(&self, body: Bytes) -> Result<StatusCode, Fault> {
        let NoticeSettings { url, timeout, .. } = &self.settings;
        call::post(&self.caller, url, body, *timeout).await.map(|answer| answer.status())
    }

    async fn send<F>(&self, post: &impl Fn(Bytes) -> F) -> Sent
    where
        F: Future<Output = Result<StatusCode, Fault>>,
    {
        let Some(batch) = self.outbox().sending.clone() else { return Sent::Done };
        let fault = match post(batch.body.clone()).await {
            Ok(status) => match Verdict::of(status) {
                Verdict::Taken => {
                    self.taken(&batch);
                    return Sent::Done;
                }
                Verdict::BatchAtFault => {
                    self.tell(&Fault::NotTaken(status.as_u16()), "these notices are left out");
                    self.metrics.failed.inc();
                    let mut outbox = self.outbox();
                    outbox.sent();
                    self.leave_out(&mut outbox, &batch, 0);
                    return Sent::Done;
                }
                Verdict::Refused => return self.refused(&batch, status),
                Verdict::NotNow => Fault::NotTaken(status.as_u16()),
            },
            Err(fault) => fault,
        };
        self.metrics.failed.inc();
        self.tell(&fault, "they are sent again");
        let mut outbox = self.outbox();
        // It was not asked, or is not itself: what it has refused before it may take when it is back.
        outbox.refusal = None;
        outbox.tries += 1;
        Sent::Again(retry_wait(outbox.tries))
    }

    fn taken(&self, batch: &Batch) {
        self.metrics.sent.inc_by(batch.notices);
        let mut outbox = self.outbox();
        let refusal = outbox.refusal.take();
        outbox.sent();
        if refusal.is_some_and(|refusal| refusal.is_lasting) {
            tracing::info!(webhook = %self.settings.url, "notices of connections are taken again");
        }
    }

    /// Sends again for some time what a backend refuses that knows the hub not, or no such place: its operator may be about to set the
    /// other half of a secret. After that nothing is kept for it, and it is asked now and then.
    fn refused(&self, batch: &Batch, status: StatusCode) -> Sent {
        self.metrics.failed.inc();
        let (url, status) = (&self.settings.url, status.as_u16());
        let mut outbox = self.outbox();
        outbox.tries += 1;
        let wait = retry_wait(outbox.tries);
        let now = Instant::now();
        if outbox.refusal.is_none() {
            tracing::warn!(
                webhook = %url,
                "notices of connections are refused: it answered {status}; they are sent again for \
                 {NOTICES_REFUSED_WAIT_MAX:?}, and left out then: check notices_url and the secret in it"
            );
        }
        let refusal = outbox.refusal.get_or_insert(Refusal { since: now, is_lasting: false });
        if now < refusal.since + NOTICES_REFUSED_WAIT_MAX {
            return Sent::Again(wait);
        }
        if !std::mem::replace(&mut refusal.is_lasting, true) {
            tracing::error!(
                webhook = %url,
                "notices of connections have been refused for {NOTICES_REFUSED_WAIT_MAX:?}: it answered {status}; they are \
                 left out until it takes one: check notices_url and the secret in it"
            );
        }
        outbox.sending = None;
        let waiting = outbox.book.empty_queue();
        self.leave_out(&mut outbox, batch, waiting);
        Sent::Again(wait)
    }

    /// Has the next batch say that this one, and so many others, were left out, and what this one would have said.
    fn leave_out(&self, outbox: &mut Outbox, batch: &Batch, others: u64) {
        self.metrics.dropped.inc_by(batch.notices + others);
        outbox.book.count_dropped(batch.dropped + batch.notices + others);
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

    fn changed(&self, _before: Attendee<'_>, who: Attendee<'_>) {
        let time = self.clock.now();
        self.note(|book, now| book.change(who.id, who.session.user.as_ref(), who.selectors, time, now));
    }

    fn asks_for_all(&self) -> bool {
        true
    }
}

impl Outbox {
    fn sent(&mut self) {
        self.sending = None;
        self.tries = 0;
        self.refusal = None;
    }
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notices").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// What a status says of a batch.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Taken,
    /// It will never take this one.
    BatchAtFault,
    /// It takes none from this hub, or none there: a redirect is not followed, so it is no place for notices.
    Refused,
    /// It may take it when it is sent again.
    NotNow,
}

impl Verdict {
    fn of(status: StatusCode) -> Self {
        match status {
            _ if status.is_success() => Self::Taken,
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => {
                Self::BatchAtFault
            }
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
                Self::NotNow
            }
            StatusCode::NOT_IMPLEMENTED => Self::Refused,
            _ if status.is_redirection() || status.is_client_error() => Self::Refused,
            _ => Self::NotNow,
        }
    }
}

/// The wait after so many tries: twice as long each time, less up to a half of it at random.
fn retry_wait(tries: u32) -> Duration {
    let doubled = NOTICES_RETRY_WAIT_MIN * 2_u32.saturating_pow(tries.saturating_sub(1).min(16));
    // Each `RandomState` has another key.
    let random = RandomState::new().hash_one(()) as f64 / u64::MAX as f64;
    doubled.min(NOTICES_RETRY_WAIT_MAX).mul_f64(0.5 + random / 2.0)
}

#[cfg(test)]
mod tests;
