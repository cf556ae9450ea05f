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

/// Steps of the comparison whether one pattern contains another. Pairs that people write take less than a hundred; patterns can
/// be made that take thousands, and those are said not to contain each other.
pub const CONTAINS_STEPS_MAX: usize = 4_096;

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

/// Bytes of the data of a state record of the hub's own. 16 MiB: far more than the parts of a state have, so that none fails because an operator has
/// lowered what publishers may send.
pub const STATE_BYTES_MAX: usize = 16 << 20;

/// Newest idempotency keys that a store remembers. At some 50 bytes a key this is 13 MB, and a publisher that retries
/// within the time of a quarter of a million keyed publishes is answered right. A batch has one key, whatever its size.
pub const IDEMPOTENCY_KEYS_MAX: usize = 262_144;

/// How far the id of a connection is from the one before it, at most: 2 to the power of 26. So one who knows an id guesses the
/// next in vain, and a hub has room for more than a hundred thousand million connections.
pub const ID_STEP_MAX: u64 = 67_108_864;

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

/// Readings at once on a machine with one core. Elsewhere as many run as it has cores: more of them would only take turns.
/// 2, so that one that waits for the disk does not keep the processor idle.
pub const READINGS_MIN: usize = 2;

/// Readings of a store that wait in the midst of their work. Each has some hundred kilobytes of buffers in the file store; in the
/// memory store it has some kilobytes, and keeps no event in memory that retention took. 256: if there are more, the one
/// with the most work behind it ends with what it has, as if its budget were used up. A search for an id ends only if there is
/// no other, and its caller is told to try again.
pub const READINGS_BEGUN_MAX: usize = 256;

/// Readings of a store that wait while they fill a page: each holds the events that it has found, besides, at most
/// `page_bytes_max` of them. 32: if there are more, the page
/// with the most work behind it ends where it is, and the client asks again.
pub const PAGES_BEGUN_MAX: usize = 32;

/// Units of work that a reading does in one turn. A unit is about a microsecond of one core: the time to look at one record of
/// a few hundred bytes. 256: a page of a hundred events fits, a turn itself costs less than a microsecond, and 256 readings
/// that come at once have all had a turn on two cores after 50 ms.
pub const SLICE_UNITS: u64 = 256;

/// Units of work of one reading in all: 800 slices. Alone it ends after about 200 ms, and the client asks again.
pub const BUDGET_UNITS: u64 = 204_800;

/// The longest turn of a reading, whatever it has done: a disk may need milliseconds for what takes microseconds from memory.
/// Budgets are counted in units alone, so that the same reading ends at the same place on every machine.
pub const SLICE_TIME_MAX: Duration = Duration::from_millis(2);

/// Every so many turns, the reading that came first gets one. 4: a quarter of all work goes to it until it ends, so that none
/// waits for ever, and small readings still find three turns of four.
pub const TURNS_PER_OLDEST: u64 = 4;

/// Segments of topics, times the patterns that they are compared with, for one unit. 128: a topic of 64 segments is compared with a
/// hundred patterns in some 50 microseconds.
pub const COMPARED_SEGMENTS_PER_UNIT: u64 = 128;

/// Events that the memory store keeps together in a block. To make an index of so many takes half a millisecond, and is not
/// divided.
pub const MEMORY_BLOCK_EVENTS_MAX: usize = 1_024;

/// Bytes of events that the memory store keeps together in a block, which leaves memory as a whole: 1 MiB more than is to be
/// kept, and one event.
pub const MEMORY_BLOCK_BYTES_MAX: usize = 1_048_576;

/// Parts of its bounds, of which a memory store with a hold wants one free ahead. 8: an eighth is time for the holder while
/// publishers go on, and it is asked again after half of that, not with each append.
pub const MEMORY_AHEAD_PARTS: usize = 8;

/// The share of the bytes kept that indexes of blocks take at most, besides: a half, 128 MiB by default. An index is made
/// when a reader needs it, and takes some 80 bytes for an event of a topic of its own with four segments, so that a million of
/// these have room. Without room for all, the newest blocks have one; in others a reader looks at each event.
pub const MEMORY_INDEX_SHARE: usize = 2;

/// Newest events, or events with one id, that a reading of the memory store copies under its lock at once. 64: some
/// microseconds, for which publishers wait.
pub const MEMORY_NEWEST_TAKEN_MAX: usize = 64;

/// Units of work after which a reading of the memory store looks whether its slice is over. Until it goes on, it holds nothing
/// of the log. 16: to find its place again costs a hundredth of that.
pub const MEMORY_STEP_UNITS: u64 = 16;

/// The smallest things that the memory store charges for, in a unit of work: passing an event in the list of its topic takes
/// about a 64th of a microsecond.
pub const MEMORY_LOOKS_PER_UNIT: u64 = 64;

/// What an event costs that a reading of the memory store looks at, in 64ths of a unit.
pub const MEMORY_LOOKS_PER_EVENT: u64 = 4;

/// What it costs to compare a topic, in 64ths of a unit, beside the segments that patterns are compared with: mostly to
/// fetch the topic from memory.
pub const MEMORY_LOOKS_PER_COMPARISON: u64 = 12;

/// What it costs to look a selector up in the index of a block, or to find a place in the log, in 64ths of a unit.
pub const MEMORY_LOOKS_PER_LOOKUP: u64 = 16;

/// What an event costs when the index of its block is made, in 64ths of a unit.
pub const MEMORY_LOOKS_PER_INDEXED: u64 = 32;

/// Bytes of events that the feed encodes before it lets other tasks run: about a millisecond.
pub const PUSH_BYTES_MAX: usize = 1_048_576;

/// Frames that the feed adds or drops, and patterns that it tells of them, in one hold of the window's lock, and watchers
/// that it wakes, before it lets others run: some tenths of a millisecond. The search for the patterns that match an event
/// is not counted.
pub const PUSH_STEPS_MAX: usize = 4_096;

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

/// Newest matches of a pattern whose places are kept for its readers. 64, half a kibibyte: a reader that is further behind
/// looks at the frames of the window, of which more match then.
pub const NEWS_PLACES_MAX: usize = 64;

/// Frames of the window that a reader looks at before it leaves the rest to a page. 1,024: a tenth of a millisecond for
/// ordinary patterns, and some milliseconds for a hundred of the worst.
pub const FRAMES_LOOKED_AT_MAX: usize = 1_024;

/// Selectors of a reader that make it look at fewer frames of the window at once, in proportion. 8: an index answers for
/// more of them, so they cost little more.
pub const SELECTORS_PER_LOOK_MAX: usize = 8;

/// Frames of the window that are taken out under its lock at once. 256: some microseconds, for which the feed waits.
pub const WINDOW_SLICE_FRAMES: usize = 256;

/// Frames of the window that one page looks at. 16,384: a few milliseconds of a thread that may block; then the next page
/// has its turn.
pub const WINDOW_PAGE_FRAMES_MAX: usize = 16_384;

/// Pages of the window that are being read at once, at the least. 2, or one for each core: more would only make each of
/// them slower.
pub const WINDOW_PAGES_MIN: usize = 2;

/// Patterns that match a topic, of those that are remembered. 256: delivering an event to more costs more than to ask the
/// index.
pub const MATCHES_OF_A_TOPIC_MAX: usize = 256;

/// Bytes of what is remembered of topics and the patterns that match them. 2 MiB: some fifteen thousand topics, and
/// forgotten in a few milliseconds. Beyond it all of it is forgotten, and asked for again.
pub const MATCHES_REMEMBERED_BYTES_MAX: usize = 2_097_152;

/// Bytes that are counted for a topic whose matches are remembered, beside its text and the matches: entries of tables, and
/// the headers of shared memory.
pub const MATCHES_OVERHEAD_BYTES: usize = 96;

/// Newest patterns that are compared with a topic whose matches are remembered. 16: more are as quickly found by the index.
pub const PATTERNS_COMPARED_MAX: usize = 16;

/// Patterns that may have left before what is remembered of topics is forgotten. 4,096: each keeps some hundred bytes for as
/// long as it is remembered.
pub const PATTERNS_RETIRED_MAX: usize = 4_096;

/// Subscribers on one page of the roster: some 100 KB of answer.
pub const ROSTER_PAGE_MAX: usize = 1_000;

/// How long a dismissal waits for subscribers that have an id and that no carrier has yet. 100 ms, a hundred times what a subscriber
/// takes on a machine that is not busy; where some come all the time, an operator does not notice it.
pub const COMING_WAIT_MAX: Duration = Duration::from_millis(100);

/// How often it looks meanwhile whether they have come. 1 ms.
pub const COMING_LOOK_WAIT: Duration = Duration::from_millis(1);

/// Users in a list of a presence notice. 100, as many as a page shows; `GET /subscriptions` has pages of all.
pub const PRESENCE_USERS_MAX: usize = 100;

/// Bytes of names and infos in a list of a presence notice. 64 KiB: a hundred users with the longest name and info that a token
/// may have fit, and a reader that takes nothing keeps no more of a notice in memory.
pub const PRESENCE_BYTES_MAX: usize = 65_536;

/// Topics whose presence is watched at once. 10,000: a topic for each of as many connections. A user that comes with a pattern is
/// compared with those that begin as the pattern does, at worst with all, in some milliseconds.
pub const PRESENCE_TOPICS_MAX: usize = 10_000;

/// Connections that are counted for presence, each once for each watched topic that it reads. 1,000,000: ten thousand topics with a hundred readers each,
/// or ten with a hundred thousand, in some 200 MB. Those that come beyond are not counted, nor are their users told of, until a
/// quarter of them have left; then it is found out anew who is there.
pub const PRESENCE_COUNTED_MAX: usize = 1_000_000;

/// Connections of a roll that are counted before others have their turn. 256: some tens of microseconds, if each reads one watched topic.
pub const PRESENCE_ROLL_PER_TURN: usize = 256;

/// Topics of which watchers are told in one hold of the lock of presence. 256: some milliseconds.
pub const PRESENCE_TOPICS_PER_TURN: usize = 256;

/// The least time between two roll calls, by which it is found out who reads topics that are watched anew. 100 ms: each call
/// looks at all subscribers, a millisecond for ten thousand, and one call does for all topics that are new by then.
pub const PRESENCE_CALL_PAUSE: Duration = Duration::from_millis(100);

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
    /// Pages of backlog that are read or held at once for parked subscribers that lag. Default 64: with
    /// `page_bytes_max` it bounds their memory at 16 MiB, and at 64 MiB where a search for the next event takes long.
    pub pages_max: usize,
    /// Selectors of all subscriptions together. Default 1,000,000: ten thousand subscribers of a hundred topics each. A
    /// selector costs some 400 bytes, and with the longest names 2 KiB. At the edge another subscription is refused.
    pub selectors_max: usize,
    /// How long a user must have been gone before watchers of a topic's presence are told, and the least time between two such
    /// notices. Default 5 s: a page that is loaded again is back by then.
    pub presence_debounce: Duration,
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
            selectors_max: 1_000_000,
            presence_debounce: Duration::from_secs(5),
        }
    }
}
