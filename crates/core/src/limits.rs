//! Every bound of the hub, in one place: what it bounds, its unit, its default, and why that default.
//!
//! Constants are part of the protocol and the same everywhere; [`Limits`] are what an operator may set.

use std::time::Duration;

/// Bytes of a topic or pattern. Longer names do not fit URLs that proxies accept; 512 holds any sane IRI.
pub const TOPIC_BYTES_MAX: usize = 512;

/// Segments of a topic or pattern. A path in use has two to ten; 64 is a bit for each in one machine word, so that an
/// index over patterns compares all segments of a topic at once. Topics that a log holds from before this bound may
/// have more: they can be read by patterns, and no longer be named.
pub const TOPIC_SEGMENTS_MAX: usize = 64;

/// Wildcards of a pattern, `*` and `**` together. A pattern in use has one to three.
pub const PATTERN_WILDCARDS_MAX: usize = 16;

/// Segments `**` of a pattern. Three say *contains this, and later that*; each one more multiplies what an index over
/// patterns has to try.
pub const PATTERN_DOUBLE_STARS_MAX: usize = 3;

/// Selectors of one subscription. Each costs a look-up per wake; a page that wants more wants a pattern.
pub const SELECTORS_MAX: usize = 100;

/// Different segments of a topic that an index of literals enters it under. 12: the eight levels that large brokers allow
/// (AWS IoT), behind the scheme and the host of a URL. A topic with more is compared with every pattern.
pub const LITERALS_MAX: usize = 12;

/// Topics that an index of literals remembers of one literal. Comparing 4,096 topics takes about a millisecond in memory.
/// With more of them, a reader looks at the events themselves, for which it has a budget.
pub const LITERAL_TOPICS_MAX: usize = 4_096;

/// Patterns of one subscription that are tried one after the other. An index over more than these costs less than the tries.
pub const TRIED_PATTERNS_MAX: usize = 4;

/// Bytes of an event type that a publisher sets. It is a listener's name in a page.
pub const EVENT_TYPE_BYTES_MAX: usize = 256;

/// Bytes of an event id that a publisher sets. It comes back in a header, where 8 KiB for all is common.
pub const EVENT_ID_BYTES_MAX: usize = 256;

/// Bytes of an idempotency key. A UUID has 36; Stripe, who made the header known, allows 255.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;

/// Bytes of the name of a credential, such as a publish key's or a token's. As long as an idempotency key, with which
/// it is kept.
pub const CREDENTIAL_BYTES_MAX: usize = 255;

/// Newest idempotency keys that a store remembers. At some 50 bytes a key this is 13 MB, and a publisher that retries
/// within the time of a quarter of a million keyed publishes is answered right. A batch has one key, whatever its size.
pub const IDEMPOTENCY_KEYS_MAX: usize = 262_144;

/// The reconnection delay that a publisher may set, in milliseconds: one day. More is a client lost for good.
pub const RETRY_MS_MAX: u64 = 86_400_000;

/// Epochs of a log's past that the window knows, so that a reader whose place is in one of them is served from memory.
/// Each costs 16 bytes. A reader whose place is older than a thousand lives of the log is served by the store, which
/// knows all epochs that events are held of.
pub const LINE_EPOCHS_MAX: usize = 1_024;

/// Batches that a tail may be behind before it reads the log instead. A batch is what one write to the disk held, so
/// this is some seconds of a busy disk.
pub const ANNOUNCED_BATCHES_MAX: usize = 256;

/// Bytes of batches that wait in memory for the slowest tail of a store. 16 MiB is four of the largest writes of the
/// file store. What comes beyond it is read from the log.
pub const ANNOUNCED_BYTES_MAX: usize = 16_777_216;

/// Events of one page that a tail reads to catch up: a thousand, as a page for subscribers.
pub const TAIL_PAGE_EVENTS_MAX: usize = 1_000;

/// Bytes of one page that a tail reads to catch up: 1 MiB, since a hub has one tail, not thousands.
pub const TAIL_PAGE_BYTES_MAX: usize = 1_048_576;

/// Events that the memory store keeps together in a block, and that a reader looks at before others have their turn: a
/// fraction of a millisecond.
pub const MEMORY_BLOCK_EVENTS_MAX: usize = 1_024;

/// Bytes of events that the memory store keeps together in a block, which leaves memory as a whole: 1 MiB more than is to be
/// kept, and one event.
pub const MEMORY_BLOCK_BYTES_MAX: usize = 1_048_576;

/// Events and topics that one reading of the memory store looks at: some tens of milliseconds of processor time. A reading
/// that needs more answers from the place to which it came.
pub const MEMORY_READ_BUDGET: usize = 262_144;

/// Newest events that a starting hub takes into its window, so that clients which resume after a restart do not all
/// read the store.
pub const PRELOAD_EVENTS_MAX: usize = 10_000;

/// Milliseconds that the feed waits before it asks a store again that was out of reach. Short, because every
/// subscriber waits with it.
pub const FEED_RETRY_WAIT_MS: u64 = 250;

/// Bytes of memory that small events which arrive together share in the window. 4 KiB: some twenty events for one
/// allocation, and what a reader that holds one of them keeps alive is less than its connection's own buffers.
pub const FRAME_CHUNK_BYTES: usize = 4_096;

/// Bytes that an encoding is expected to add to an event's text, for the memory that is set aside: names of fields, an id.
pub const FRAME_TEXT_OVERHEAD_BYTES: usize = 48;

/// Bytes that the window counts for an event beside its text: the event itself, its entries in two queues, and the
/// headers of shared memory.
pub const FRAME_OVERHEAD_BYTES: usize = 160;

/// Subscribers on one page of the roster: some 100 KB of answer.
pub const ROSTER_PAGE_MAX: usize = 1_000;

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
