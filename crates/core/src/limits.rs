//! Every bound of the hub, in one place: what it bounds, its unit, its default, and why that default.
//!
//! Constants are part of the protocol and the same everywhere; [`Limits`] are what an operator may set.

use std::time::Duration;

/// Bytes of a topic or pattern. Longer names do not fit URLs that proxies accept; 512 holds any sane IRI.
pub const TOPIC_BYTES_MAX: usize = 512;

/// Selectors of one subscription. Each costs a look-up per wake; a page that wants more wants a pattern.
pub const SELECTORS_MAX: usize = 100;

/// Bytes of an event type that a publisher sets. It is a listener's name in a page.
pub const EVENT_TYPE_BYTES_MAX: usize = 256;

/// Bytes of an event id that a publisher sets. It comes back in a header, where 8 KiB for all is common.
pub const EVENT_ID_BYTES_MAX: usize = 256;

/// Bytes of an idempotency key. A UUID has 36; Stripe, who made the header known, allows 255.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;

/// Newest idempotency keys that a store remembers. At some 50 bytes a key this is 13 MB, and a publisher that retries
/// within the time of a quarter of a million keyed publishes is answered right.
pub const IDEMPOTENCY_KEYS_MAX: usize = 262_144;

/// The reconnection delay that a publisher may set, in milliseconds: one day. More is a client lost for good.
pub const RETRY_MS_MAX: u64 = 86_400_000;

/// The bounds that an operator may set, with defaults that suit one small machine.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one event's data. Default 1 MiB: enough for any JSON that a page should be pushed; a larger
    /// thing belongs behind a URL in the event. At the edge the publisher is refused.
    pub event_bytes_max: usize,
    /// Bytes of drafts that wait for the store, over all publishers. Default 64 MiB: several seconds of a slow
    /// disk. At the edge publishers wait, then are told to try again.
    pub in_flight_bytes_max: usize,
    /// How long a publisher waits for room among the drafts in flight. Default 5 s: shorter than the
    /// time-outs of HTTP clients, so that the answer is ours.
    pub admission_wait_max: Duration,
    /// Bytes of encoded events kept in memory for subscribers, over all topics. Default 64 MiB: a reader may
    /// be that far behind without costing a read of the store.
    pub window_bytes_max: usize,
    /// Bytes that one page of backlog holds at most (one event may be larger than that and is then a page
    /// alone). Default 256 KiB: some tens of milliseconds of a home connection.
    pub page_bytes_max: usize,
    /// Events that one page of backlog holds at most. Default 1,000: bounds the work of one read.
    pub page_events_max: usize,
    /// Pages of backlog that are read or held at once, over all subscribers. Default 64: with
    /// `page_bytes_max` it bounds the memory of all readers that lag, at 16 MiB.
    pub pages_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            event_bytes_max: 1_048_576,
            in_flight_bytes_max: 67_108_864,
            admission_wait_max: Duration::from_secs(5),
            window_bytes_max: 67_108_864,
            page_bytes_max: 262_144,
            page_events_max: 1_000,
            pages_max: 64,
        }
    }
}
