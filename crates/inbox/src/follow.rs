//! Follows the log and applies its records: the only writer of the database.
//!
//! It is a follower as every subscriber is: it reads the rings of its topics, and pages of the store where it is behind. A gap means
//! that the database is not of this log, or that the log was put back: then the database is made anew from what the log holds.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use tidings_core::ring::Watcher;
use tidings_core::{
    Cursor, Delivery, EpochStatus, Event, Follower, Gap, Lost, Needs, OnGap, Selector, Selectors, Sequence,
    Step, View,
};
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::error::InboxError;
use crate::limits::{BATCH_BYTES_MAX, BATCH_RECORDS_MAX, RETRY_WAIT, TRANSACTION_BYTES_MAX};
use crate::past::LogPast;
use crate::projection::Done;
use crate::rebuild;
use crate::record::{SHARED_TOPIC, STATE_TOPIC};
use crate::shared::Shared;

/// Wakes the follower when its topics have news.
#[derive(Debug, Default)]
pub(crate) struct Bell(Notify);

impl Bell {
    pub(crate) fn ring(&self) {
        self.0.notify_one();
    }
}

impl Watcher for Bell {
    fn ring_moved(&self, _key: usize) {
        self.ring();
    }
}

/// All topics of records.
///
/// # Panics
///
/// Never: the texts are selectors.
#[expect(clippy::expect_used, reason = "constants that are selectors")]
pub(crate) fn everything() -> Selectors {
    let texts = ["inbox/**", SHARED_TOPIC, STATE_TOPIC];
    let selectors = texts.map(|text| Selector::parse(text).expect("a constant selector is one"));
    Selectors::new(selectors).expect("three selectors are not too many")
}

/// Runs until the hub is closed.
pub(crate) async fn run(shared: Arc<Shared>, begins: Cursor) {
    let begins = rebuild::if_long(&shared, begins).await;
    let bell = shared.bell.clone();
    let selectors = everything();
    let view = shared.hub.view(&selectors, bell.clone(), 0);
    let follower = Follower::new(selectors, OnGap::Earliest, begins);
    let ready_after = shared.hub.bounds().head.sequence;
    let mut following = Following {
        shared: shared.clone(),
        follower,
        view,
        bell,
        ready_after,
        is_ready: false,
        found_damage: false,
    };
    loop {
        let step = match shared.readers.found_damage() || following.found_damage {
            true => following.renew().await.map(|()| true),
            false => following.step().await,
        };
        match step {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) if error.is_damage() && !following.found_damage => {
                tracing::warn!(%error, "the database of the inbox is made anew from the log");
                following.found_damage = true;
            }
            Err(error) => {
                tracing::warn!(%error, "the inbox does not get on, and tries again");
                sleep(RETRY_WAIT).await;
            }
        }
    }
    shared.progress.stop();
    shared.live.close();
}

struct Following {
    shared: Arc<Shared>,
    follower: Follower,
    view: View,
    bell: Arc<Bell>,
    /// The inbox is ready when it has come to the head that the log had when it began.
    ready_after: Sequence,
    is_ready: bool,
    /// The database cannot be used, and is to be made anew.
    found_damage: bool,
}

impl Following {
    /// One step. False when the hub is closed.
    async fn step(&mut self) -> Result<bool, InboxError> {
        let before = self.follower.clone();
        let step = match self.follower.needs() {
            Needs::Rings => {
                let reach = self.view.after(self.follower.cursor(), BATCH_BYTES_MAX);
                self.follower.take_reach(reach)
            }
            Needs::Log => self.shared.hub.next_page(&mut self.follower, BATCH_BYTES_MAX).await?,
        };
        match step {
            Step::Deliver(Delivery::Frames(frames)) => {
                let events: Vec<_> = frames.iter().map(|frame| frame.event().clone()).collect();
                if let Err(error) = self.take(events).await {
                    // What was not applied is taken again.
                    self.follower = before;
                    return Err(error);
                }
            }
            // Most of the time, the database has applied what a disk has damaged since, and never comes here.
            Step::Deliver(Delivery::Gap(Gap { lost: Lost::Damaged, resumes_after, .. })) => {
                tracing::warn!(%resumes_after, "records of the inbox cannot be read, and it goes on behind them");
            }
            Step::Deliver(Delivery::Gap(gap)) => {
                tracing::warn!(lost = ?gap.lost, "the inbox is made anew from the log, which does not go on where the database ends");
                if let Err(error) = self.begin_anew(gap.resumes_after).await {
                    // The rows are those of before, and the gap is to be found again.
                    self.follower = before;
                    return Err(error);
                }
            }
            Step::Again => {}
            Step::Wait => {
                self.came_to_the_end().await?;
                self.bell.0.notified().await;
            }
            Step::End => return Ok(false),
        }
        Ok(true)
    }

    /// Applies events, at most so many in one transaction.
    async fn take(&mut self, mut events: Vec<Event>) -> Result<(), InboxError> {
        while !events.is_empty() {
            let fit = within_bounds(&events);
            let through = match events.get(fit.saturating_sub(1)) {
                Some(last) if fit < events.len() => last.cursor,
                Some(_) | None => self.follower.cursor(),
            };
            let shared = self.shared.clone();
            let applied = spawn_blocking(move || {
                let done = shared.projection().apply(&events[..fit], through, &mut LogPast(&shared.hub))?;
                Ok::<_, InboxError>((done, events))
            });
            let (done, mut rest) = applied.await.map_err(|_| InboxError::Stopped)??;
            self.shared.counts.applied(&done);
            let Done { taken, place, outcomes, effects, .. } = done;
            self.shared.progress.note(place.sequence);
            self.shared.progress.came_to(place.sequence, outcomes);
            self.shared.expiry.notify_one();
            // Nobody watches before it is ready, and what a late one tells before that may be a part of it.
            if self.is_ready {
                self.shared.live.tell(effects);
            }
            rest.drain(..taken);
            events = rest;
        }
        Ok(())
    }

    /// It has all that the log holds.
    async fn came_to_the_end(&mut self) -> Result<(), InboxError> {
        let place = self.follower.cursor();
        let is_asked = self.shared.asked_through.load(Ordering::Acquire) > self.shared.progress.noted_now().0;
        let becomes_ready = !self.is_ready && place.sequence >= self.ready_after;
        if !is_asked && !becomes_ready {
            self.shared.progress.came_to(place.sequence, Vec::new());
            return Ok(());
        }
        let shared = self.shared.clone();
        let whole = spawn_blocking(move || {
            let mut projection = shared.projection();
            projection.apply(&[], place, &mut LogPast(&shared.hub))?;
            if becomes_ready { projection.is_whole() } else { Ok(()) }
        });
        whole.await.map_err(|_| InboxError::Stopped)??;
        self.shared.progress.note(place.sequence);
        self.shared.progress.came_to(place.sequence, Vec::new());
        if becomes_ready {
            self.is_ready = true;
            self.shared.ready.send_replace(true);
        }
        Ok(())
    }

    /// Takes an empty database, since the one that there is cannot be used.
    async fn renew(&mut self) -> Result<(), InboxError> {
        self.stop_telling();
        let alone = self.shared.readers.alone().await?;
        self.shared.empty().await?;
        drop(alone);
        self.begin_anew(self.shared.hub.bounds().floor).await?;
        self.found_damage = false;
        self.shared.readers.damage_is_mended();
        Ok(())
    }

    /// Nothing is read or told until it is ready again. Those who watch come back then, and are told what they missed.
    fn stop_telling(&mut self) {
        self.is_ready = false;
        self.shared.ready.send_replace(false);
        self.shared.live.close();
        self.shared.progress.begin_anew();
    }

    async fn begin_anew(&mut self, after: Cursor) -> Result<(), InboxError> {
        self.stop_telling();
        self.shared.begin(after).await?;
        let place = rebuild::if_long(&self.shared, after).await;
        self.follower = Follower::new(everything(), OnGap::Earliest, place);
        self.ready_after = self.shared.hub.bounds().head.sequence;
        Ok(())
    }
}

/// How many of the events one transaction takes: at least one, and no more than the bounds of records and bytes.
fn within_bounds(events: &[Event]) -> usize {
    let mut bytes = 0;
    let fits = events.iter().take(BATCH_RECORDS_MAX).take_while(|event| {
        let before = bytes;
        bytes += event.draft.bytes();
        before < TRANSACTION_BYTES_MAX
    });
    fits.count()
}

/// Where the database goes on in the log; none if it is not of this log, or the log does not hold what comes next.
pub(crate) fn goes_on(shared: &Shared) -> Result<Option<Cursor>, InboxError> {
    let applied = shared.projection.lock().unwrap_or_else(PoisonError::into_inner).applied()?;
    let bounds = shared.hub.bounds();
    let fits = |place: &Cursor| {
        let reaches = match shared.hub.status_of(place.epoch) {
            EpochStatus::Current => bounds.head.sequence,
            EpochStatus::Ended { at } => at,
            EpochStatus::Unknown => return false,
        };
        place.sequence <= reaches && place.sequence >= bounds.floor.sequence
    };
    Ok(applied.filter(fits))
}
