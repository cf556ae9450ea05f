//! A batch: events that are published under one idempotency key, in as many appends as it takes.
//!
//! The last draft of each append says how far the batch has come with it, and a running hash of all events up to
//! there. So a store remembers one key for a batch of any size, and a publisher that sends the batch again finds out
//! where to go on, and whether it is the same batch.

use crate::event::cursor::Cursor;

/// Bytes of the running hash of a batch. Half of SHA-256: nobody finds two batches with the same 16 bytes by chance.
pub const BATCH_DIGEST_BYTES: usize = 16;

/// What the last draft of an append says of its batch. The drafts before it in the append have no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchPart {
    /// Events of the batch that were placed before this append. The append is placed only if this is what the store
    /// knows, or if it knows nothing of the batch.
    pub before: u64,
    /// Events of the batch that are placed with this append.
    pub through: u64,
    /// The running hash of the first `through` events. The publisher's side chooses the function; stores keep it.
    pub digest: [u8; BATCH_DIGEST_BYTES],
    /// Whether the batch is known to end here.
    pub complete: bool,
}

/// How far a batch has come that a store knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchProgress {
    /// Events that are placed.
    pub through: u64,
    /// The running hash of these events.
    pub digest: [u8; BATCH_DIGEST_BYTES],
    /// Whether the batch is known to end with them.
    pub complete: bool,
    /// The place of the last of them.
    pub last: Cursor,
}

impl BatchPart {
    /// The progress of the batch, once the draft that says so has a place.
    pub fn at(self, last: Cursor) -> BatchProgress {
        let Self { through, digest, complete, .. } = self;
        BatchProgress { through, digest, complete, last }
    }

    /// Whether an append that says `self` goes on where the batch stands after an append that said `known`.
    pub fn goes_on_behind(&self, known: &Self) -> bool {
        self.before == known.through && !known.complete
    }
}
