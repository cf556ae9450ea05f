//! An idempotency key, by which a call can be made again.

use tidings_core::KeyFields;

/// An idempotency key of a call, and what tells whether a call under it is the same.
#[derive(Debug, Clone, Copy)]
pub struct CallKey<'a> {
    /// The key, and whose it is.
    pub fields: KeyFields<'a>,
    /// A digest of all that the caller says. It is kept in the log, so how it is made must not change.
    pub digest: [u8; 16],
}
