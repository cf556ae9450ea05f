//! A batch with an idempotency key: which events of its body are in the log already, and whether they are the same.
//!
//! The body is first published as if nothing of it were there. Each group says how far the batch comes with it, and the
//! store places it only where the batch stands. If the batch stands elsewhere, because it was published before or is
//! being published by another request, the store says where. The events up to there are then passed over, their running
//! hash is compared, and the batch goes on behind them.

use tidings_core::{BatchPart, BatchProgress, Draft, IdempotencyKey, Topic};

use super::batch_hash::BatchHash;

/// The batch of one request.
pub(super) struct KeyedBatch {
    key: IdempotencyKey,
    /// The hash of all events that were sent to the store or passed over.
    hash: BatchHash,
    /// The group under way, and the hash of the events before it.
    under_way: Option<(BatchHash, Vec<Draft>)>,
    /// Where the log has the batch, while the body has not come as far as that.
    ahead: Option<BatchProgress>,
    /// See [`is_complete`](Self::is_complete).
    is_complete: bool,
}

/// The body has come to where the log has the batch.
pub(super) struct CaughtUp {
    /// Events up to there.
    pub(super) events: u64,
    /// The id of the last of them.
    pub(super) last_id: String,
}

/// The batch in the log is not the one of the body.
#[derive(Debug)]
pub(super) struct AnotherBatch;

/// The log has less of the batch than this request was told. It was cut off in the meantime.
#[derive(Debug)]
pub(super) struct WentBack;

impl KeyedBatch {
    pub(super) fn new(key: IdempotencyKey, topic: &Topic) -> Self {
        Self { key, hash: BatchHash::new(topic), under_way: None, ahead: None, is_complete: false }
    }

    /// Passes over those of the next events that are in the log already.
    pub(super) fn pass_over(&mut self, next: &mut Vec<Draft>) -> Result<Option<CaughtUp>, AnotherBatch> {
        let Some(ahead) = self.ahead else { return Ok(None) };
        let left = usize::try_from(ahead.through - self.hash.events()).unwrap_or(usize::MAX);
        let passed = next.drain(..left.min(next.len()));
        let last = passed.inspect(|draft| self.hash.add(draft)).last();
        if self.hash.events() < ahead.through {
            return Ok(None);
        }
        self.ahead = None;
        if self.hash.digest() != ahead.digest {
            return Err(AnotherBatch);
        }
        self.is_complete = ahead.complete;
        let own_id = last.and_then(|last| last.id().map(|id| id.as_str().to_owned()));
        let last_id = own_id.unwrap_or_else(|| ahead.last.to_string());
        Ok(Some(CaughtUp { events: ahead.through, last_id }))
    }

    /// Whether the log knows that the batch ended where the body is now, so that it takes no more events.
    pub(super) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Makes a group of the next events. `is_complete` says whether the body ends with them.
    pub(super) fn group(&mut self, mut drafts: Vec<Draft>, is_complete: bool) -> Vec<Draft> {
        let before = self.hash.clone();
        self.under_way = Some((before.clone(), drafts.clone()));
        drafts.iter().for_each(|draft| self.hash.add(draft));
        if let Some(last) = drafts.pop() {
            let part = BatchPart {
                before: before.events(),
                through: self.hash.events(),
                digest: self.hash.digest(),
                complete: is_complete,
            };
            drafts.push(last.ending_part(self.key.clone(), part));
        }
        drafts
    }

    /// Takes note that the group under way was placed.
    pub(super) fn placed(&mut self) {
        self.under_way = None;
    }

    /// Takes note that the group under way was not placed, because the log has the batch elsewhere. Returns its events,
    /// which are the next ones again.
    pub(super) fn is_elsewhere(&mut self, progress: BatchProgress) -> Result<Vec<Draft>, WentBack> {
        let (before, drafts) = self.under_way.take().expect("a store answers a group that was sent");
        self.hash = before;
        if progress.through < self.hash.events() {
            return Err(WentBack);
        }
        self.ahead = Some(progress);
        Ok(drafts)
    }

    /// Events that the log has and that the body has not come to. None if the body has come as far as the log.
    pub(super) fn events_ahead(&self) -> Option<u64> {
        self.ahead.map(|ahead| ahead.through)
    }
}
