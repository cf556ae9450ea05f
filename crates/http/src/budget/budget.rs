//! A budget of bytes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::holders::Holders;
use super::taken::Taken;
use crate::limits::HOLDERS_LOOK_INTERVAL;

/// Bytes that all holders together may have. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Budget(Arc<BudgetParts>);

struct BudgetParts {
    bytes_max: usize,
    /// One permit for each byte. The semaphore keeps those who wait in the order of their arrival.
    room: Arc<Semaphore>,
    holders: Mutex<Holders>,
}

impl Budget {
    /// A budget of so many bytes, or of as many as a semaphore can count.
    pub(crate) fn new(bytes_max: usize) -> Self {
        let bytes_max = bytes_max.min(Semaphore::MAX_PERMITS);
        let room = Arc::new(Semaphore::new(bytes_max));
        Self(Arc::new(BudgetParts { bytes_max, room, holders: Mutex::default() }))
    }

    pub(crate) fn bytes_max(&self) -> usize {
        self.0.bytes_max
    }

    /// Bytes that are lent, or set aside for the newcomer that waits longest.
    pub(crate) fn used(&self) -> usize {
        self.0.bytes_max - self.0.room.available_permits()
    }

    /// Takes bytes if they are there. More than the whole budget are the whole budget.
    pub(crate) fn try_take(&self, bytes: usize) -> Option<Taken> {
        self.try_permit(bytes).map(|permit| Taken::new(self.clone(), permit))
    }

    /// Takes bytes, and waits for them. The slowest holders are asked to end meanwhile. None if there is no room all that
    /// time. Cancel safe.
    pub(crate) async fn take(&self, bytes: usize, wait_max: Duration) -> Option<Taken> {
        match self.try_take(bytes) {
            Some(taken) => Some(taken),
            None => self
                .wait_for_permit(bytes, wait_max, None)
                .await
                .map(|permit| Taken::new(self.clone(), permit)),
        }
    }

    pub(super) fn try_permit(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        self.0.room.clone().try_acquire_many_owned(self.permits(bytes)).ok()
    }

    /// Waits for bytes. `grower` is the key of the watched holder that they are for, if it has some already.
    pub(super) async fn wait_for_permit(
        &self,
        bytes: usize,
        wait_max: Duration,
        grower: Option<usize>,
    ) -> Option<OwnedSemaphorePermit> {
        let deadline = Instant::now() + wait_max;
        let permits = self.permits(bytes);
        let _waiting = Waiting::begin(self, permits as usize, grower);
        let mut acquired = std::pin::pin!(self.0.room.clone().acquire_many_owned(permits));
        loop {
            self.holders().make_room();
            let look_at = deadline.min(Instant::now() + HOLDERS_LOOK_INTERVAL);
            match timeout_at(look_at, &mut acquired).await {
                // The semaphore is never closed.
                Ok(permit) => return permit.ok(),
                Err(_) if Instant::now() >= deadline => return None,
                Err(_) => {}
            }
        }
    }

    pub(super) fn holders(&self) -> MutexGuard<'_, Holders> {
        // Nothing panics while it is locked.
        self.0.holders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn permits(&self, bytes: usize) -> u32 {
        u32::try_from(bytes.min(self.0.bytes_max)).unwrap_or(u32::MAX)
    }
}

/// One of those that wait for room.
struct Waiting<'a> {
    budget: &'a Budget,
    bytes: usize,
    grower: Option<usize>,
}

impl<'a> Waiting<'a> {
    fn begin(budget: &'a Budget, bytes: usize, grower: Option<usize>) -> Self {
        budget.holders().begin_wait(bytes, grower);
        Self { budget, bytes, grower }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.budget.holders().end_wait(self.bytes, self.grower);
    }
}
