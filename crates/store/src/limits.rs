//! Every bound of the crate, in one place: what it bounds, its unit, and why this value.

/// The largest sequence with which a segment may begin: 2^63, which no log reaches, so that adding to one never overflows.
pub(crate) const SEQUENCE_MAX: u64 = 9_223_372_036_854_775_808;
