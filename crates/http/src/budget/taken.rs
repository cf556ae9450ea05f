//! Bytes that were taken from a budget, and the watch over the holder that waits for its peer.

use std::pin::{Pin, pin};
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Sleep, sleep};
use tokio_util::sync::CancellationToken;

use super::budget::Budget;
use super::holders::Holder;
use super::pace::Pace;
use crate::limits::PACE_WINDOW;

/// Bytes of a budget. They are given back when it is dropped.
#[must_use]
pub(crate) struct Taken {
    budget: Budget,
    permit: OwnedSemaphorePermit,
    watch: Option<Watch>,
}

/// Why a holder should give up its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slow {
    /// Its peer moves fewer bytes in a second than it must.
    BelowRate,
    /// Others need the room, and none of those that are watched was slower.
    RoomNeeded,
}

/// Why a holder gets no more bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotGrown {
    /// There was no room all that time.
    NoRoom,
    /// The holder was asked to end while it waited.
    Slow(Slow),
}

struct Watch {
    /// Its place among the holders of the budget.
    key: usize,
    bytes_per_second_min: u64,
    /// The end of the window that runs.
    window_end: Pin<Box<Sleep>>,
    end: CancellationToken,
}

impl Taken {
    pub(super) fn new(budget: Budget, permit: OwnedSemaphorePermit) -> Self {
        Self { budget, permit, watch: None }
    }

    /// Takes more bytes, and waits for them like [`Budget::take`], unless the holder is asked to end meanwhile. More than the
    /// whole budget, with those that it has, are the whole budget. Cancel safe.
    pub(crate) async fn grow(&mut self, bytes: usize, wait_max: Duration) -> Result<(), NotGrown> {
        let bytes = self.that_can_come(bytes);
        let (budget, grower) = (self.budget.clone(), self.watch.as_ref().map(|watch| watch.key));
        let more = self.wait_for_permit(&budget, bytes, wait_max, grower).await?;
        self.merge(more);
        Ok(())
    }

    /// Takes so many bytes of another budget, and waits for them like [`grow`](Self::grow). Then gives back those that it
    /// had. What is known of the peer goes with it. Cancel safe.
    pub(crate) async fn move_to(
        &mut self,
        budget: &Budget,
        bytes: usize,
        wait_max: Duration,
    ) -> Result<(), NotGrown> {
        let permit = self.wait_for_permit(budget, bytes, wait_max, None).await?;
        self.replace(budget, permit);
        Ok(())
    }

    /// The same if the bytes are there. Says whether they were.
    #[must_use]
    pub(crate) fn try_move_to(&mut self, budget: &Budget, bytes: usize) -> bool {
        let permit = budget.try_permit(bytes);
        permit.map(|permit| self.replace(budget, permit)).is_some()
    }

    /// Takes more bytes if they are there. Says whether they were.
    #[must_use]
    pub(crate) fn try_grow(&mut self, bytes: usize) -> bool {
        let more = self.budget.try_permit(self.that_can_come(bytes));
        more.map(|more| self.merge(more)).is_some()
    }

    /// Gives back what is more than so many bytes.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        let spare = self.permit.num_permits().saturating_sub(bytes);
        drop(self.permit.split(spare));
        self.tell_bytes();
    }

    /// Begins to watch the peer: it should move so many bytes in each second, and the holder can be asked to end when
    /// others need the room. A watch that has begun goes on.
    pub(crate) fn watch(&mut self, bytes_per_second_min: u64) {
        if self.watch.is_some() {
            return;
        }
        let end = CancellationToken::new();
        let holder = Holder::new(self.bytes(), Pace::begin(), end.clone());
        let key = self.budget.holders().add(holder);
        let window_end = Box::pin(sleep(PACE_WINDOW));
        self.watch = Some(Watch { key, bytes_per_second_min, window_end, end });
    }

    /// Ends the watch: from now on the holder does not wait for its peer.
    pub(crate) fn unwatch(&mut self) {
        if let Some(watch) = self.watch.take() {
            self.budget.holders().remove(watch.key);
        }
    }

    /// Takes note that the peer has moved bytes.
    pub(crate) fn moved(&self, bytes: usize) {
        if let Some(watch) = &self.watch {
            self.budget.holders().pace(watch.key).moved(bytes);
        }
    }

    /// The same, for a holder that does not wait in [`unless_slow`](Self::unless_slow), which keeps the time.
    pub(crate) fn moved_after_a_while(&self, bytes: usize) {
        if let Some(watch) = &self.watch {
            self.budget.holders().pace(watch.key).moved_after_a_while(bytes);
        }
    }

    /// Is cancelled when the holder should end, for one that waits in a way of its own. None without a watch.
    pub(crate) fn end(&self) -> Option<&CancellationToken> {
        self.watch.as_ref().map(|watch| &watch.end)
    }

    /// Waits for the peer, unless it is slow. Without a watch it never is. As cancel safe as `work`.
    pub(crate) async fn unless_slow<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Slow> {
        let Some(watch) = &mut self.watch else { return Ok(work.await) };
        let mut work = pin!(work);
        loop {
            // Biased: what has come counts, however late.
            tokio::select! {
                biased;
                done = &mut work => return Ok(done),
                () = watch.end.cancelled() => return Err(Slow::RoomNeeded),
                () = &mut watch.window_end => {
                    let mut holders = self.budget.holders();
                    if holders.pace(watch.key).turn(watch.bytes_per_second_min) {
                        return Err(Slow::BelowRate);
                    }
                    let next = watch.window_end.deadline() + PACE_WINDOW;
                    watch.window_end.as_mut().reset(next);
                }
            }
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.permit.num_permits()
    }

    /// So many more bytes, or as many as the budget has beside its own. Else one that has half of the budget would wait for
    /// bytes that only it can give back.
    fn that_can_come(&self, bytes: usize) -> usize {
        bytes.min(self.budget.bytes_max().saturating_sub(self.bytes()))
    }

    /// Waits for bytes of a budget. The holder's clock stands still meanwhile: its peer may not be able to send.
    async fn wait_for_permit(
        &mut self,
        budget: &Budget,
        bytes: usize,
        wait_max: Duration,
        grower: Option<usize>,
    ) -> Result<OwnedSemaphorePermit, NotGrown> {
        if let Some(permit) = budget.try_permit(bytes) {
            return Ok(permit);
        }
        let waited = budget.wait_for_permit(bytes, wait_max, grower);
        let Some(watch) = &mut self.watch else { return waited.await.ok_or(NotGrown::NoRoom) };
        let end = watch.end.clone();
        let _stopped = StoppedClock::begin(&self.budget, watch);
        // Biased: two holders that wait for each other's bytes would else both wait on.
        tokio::select! {
            biased;
            () = end.cancelled() => Err(NotGrown::Slow(Slow::RoomNeeded)),
            permit = waited => permit.ok_or(NotGrown::NoRoom),
        }
    }

    fn merge(&mut self, more: OwnedSemaphorePermit) {
        self.permit.merge(more);
        self.tell_bytes();
    }

    fn replace(&mut self, budget: &Budget, permit: OwnedSemaphorePermit) {
        if let Some(watch) = &mut self.watch {
            let Holder { pace, .. } = self.budget.holders().remove(watch.key);
            // Those who asked it to end get the room that it gives back.
            watch.end = CancellationToken::new();
            let holder = Holder::new(permit.num_permits(), pace, watch.end.clone());
            watch.key = budget.holders().add(holder);
        }
        (self.budget, self.permit) = (budget.clone(), permit);
    }

    fn tell_bytes(&self) {
        if let Some(watch) = &self.watch {
            self.budget.holders().has(watch.key, self.bytes());
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.unwatch();
    }
}

/// The clock of a watch stands still until this is dropped.
struct StoppedClock<'a> {
    budget: &'a Budget,
    watch: &'a mut Watch,
}

impl<'a> StoppedClock<'a> {
    fn begin(budget: &'a Budget, watch: &'a mut Watch) -> Self {
        budget.holders().pace(watch.key).stop();
        Self { budget, watch }
    }
}

impl Drop for StoppedClock<'_> {
    fn drop(&mut self) {
        let stopped = self.budget.holders().pace(self.watch.key).go_on();
        let window_end = self.watch.window_end.deadline() + stopped;
        self.watch.window_end.as_mut().reset(window_end);
    }
}
