//! Every fixed bound of the inbox.

use std::time::Duration;

/// Characters of a title. A title is one line of a panel; more belongs into the body.
pub const TITLE_CHARACTERS_MAX: usize = 500;

/// Bytes of a body: a few paragraphs. What is longer belongs behind the link.
pub const BODY_BYTES_MAX: usize = 8 * 1024;

/// Bytes of a link: as much as browsers and proxies take in a URL.
pub const LINK_BYTES_MAX: usize = 2_048;

/// Bytes of a kind, which is a word that programs filter and mute by.
pub const KIND_BYTES_MAX: usize = 64;

/// Bytes of a notification's own data as JSON: an object of a few dozen members.
pub const DATA_BYTES_MAX: usize = 8 * 1024;

/// Lists and objects of a notification's own data that stand within each other. Parsers of many languages stop at some hundred, and one
/// notification that they cannot read would take the whole list away.
pub const DATA_DEPTH_MAX: usize = 32;

/// Bytes of a dedupe key: room for a name, a date and a hash.
pub const DEDUPE_BYTES_MAX: usize = 200;

/// Bytes of a user's name: more than any provider of identities gives, and its topic stays within the bound of topics.
pub const USER_BYTES_MAX: usize = 200;

/// Users that one call may notify. The record of 10,000 users is about 400 KB.
pub const USERS_MAX: usize = 10_000;

/// Notifications that one mark may name. A page marks what it shows; more is said by `through` or `all`.
pub const IDS_MAX: usize = 1_000;

/// Selectors that one user may follow.
pub const FOLLOWS_MAX: usize = 1_000;

/// Kinds that one user may mute.
pub const MUTES_MAX: usize = 200;

/// Items of one page of the list.
pub const PAGE_ITEMS_MAX: usize = 200;

/// Items of one page of the list, if the reader does not say.
pub const PAGE_ITEMS_DEFAULT: usize = 50;

/// Bytes of what the items of one page say. A page ends before it would have more, but has one item at least: 200 items of the greatest
/// size would be 4 MB.
pub const PAGE_BYTES_MAX: usize = 1024 * 1024;

/// Changes that a stream which comes back is told one by one. Of more it hears a gap, and its client loads the list anew.
pub const BACKLOG_MAX: usize = 500;

/// Bytes of the notifications that a stream which comes back, or was slow, is told one by one. 64 KiB: the hub holds them until the client
/// has read them, and a page of the list is as cheap a way to more.
pub const BACKLOG_BYTES_MAX: usize = 64 * 1024;

/// Bytes that stand around what a notification says where it is told: its id, time, flags and the names of the members. They count toward
/// [`BACKLOG_BYTES_MAX`].
pub const ITEM_BYTES: usize = 200;

/// Deleted notifications of a user that are remembered, so that a stream that comes back is told of them.
pub const TOMBSTONES_MAX: u64 = 200;

/// Changes of one user that wait for a stream which is slow. A stream that is further behind reads the database.
pub const EFFECTS_WAITING_MAX: usize = 16;

/// Bytes of the newest changes of all inboxes that are in memory for their streams. 8 MiB: a notification of 10,000 users who all watch has
/// about 4 MB. A stream whose change is not there any more reads the database.
pub const EFFECTS_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Records that one transaction of the projection takes. More make a commit no cheaper, and others wait for it.
pub const BATCH_RECORDS_MAX: usize = 1_000;

/// Bytes of records beyond which a transaction takes no further one. 256 KiB: a record that notifies 10,000 users has about 100 KB, and each of
/// them is a row.
pub const TRANSACTION_BYTES_MAX: usize = 256 * 1024;

/// Rows that one transaction of the projection changes before it takes no further record. 10,000, some 50 ms: a short record may be about
/// thousands of users, and what waits for others is in memory until its transaction ends.
pub const TRANSACTION_ROWS_MAX: u64 = 10_000;

/// Items that one record of the keeper takes away, because they are over or old. 1,000, some 30 ms: what others write comes between two of
/// these records. There are more only if one user has more that end at the same instant, or many came at the same instant.
pub const KEEPER_ITEMS_MAX: usize = 1_000;

/// Bytes of the names of users in a record that lets items end: less than what an event may have unless it was set to less.
pub const KEEPER_USERS_BYTES: usize = 64 * 1024;

/// Followers of a topic that one record notifies, about. There are more records if there are more followers, in one append.
pub const FOLLOWERS_OF_RECORD: u64 = 10_000;

/// Followers that one call may notify. All are notified or none, and what others write behind it waits for them: some 3 s for 200,000.
pub const FOLLOWERS_MAX: u64 = 200_000;

/// Bytes that the projection takes at once.
pub const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Outcomes that are remembered, some 100 bytes each: for writers, and for those who repeat a call under an idempotency key.
pub const OUTCOMES_MAX: usize = 65_536;

/// Time that a write waits for the database once its record is durable. 10 s: it waits for some milliseconds, and longer only while the
/// disk of the database is full or another program holds it. Then its caller is told, and what was written is shown later.
pub const OUTCOME_WAIT_MAX: Duration = Duration::from_secs(10);

/// Time that a change which seems to change nothing waits for the database to come to where the log ends. 1 s: it takes some milliseconds, and
/// after that the change is written, which is right as well.
pub const HEAD_WAIT_MAX: Duration = Duration::from_secs(1);

/// How long it waits after a failure of the store or the database, such as a full disk, before it tries again. 1 s: neither a busy loop nor a
/// wait that people notice.
pub const RETRY_WAIT: Duration = Duration::from_secs(1);

/// Bytes that the file of the newest changes keeps after a large transaction. 64 MiB: four times what it has before it is taken into the
/// database.
pub const WAL_BYTES_KEPT: i64 = 64 * 1024 * 1024;

/// How long a connection waits for another one that has the database locked. 5 s: such a lock lasts for the end of a transaction.
pub const BUSY_WAIT: Duration = Duration::from_secs(5);

/// How long a request waits for an inbox that is not there yet. 1 s: a hub that was started again is there sooner, and one that makes its inboxes
/// anew from a long log says so.
pub const READY_WAIT: Duration = Duration::from_secs(1);

/// Connections that read the database at the same time, one thread each.
pub const READERS_MAX: u32 = 4;

/// Connections beside them for counts and other readings of a few rows, which take some 50 microseconds: they do not wait for lists.
pub const LOOKUPS_MAX: u32 = 2;

/// Different patterns that the users of a hub follow together: a topic that is notified is compared with them. In memory each takes some
/// 400 bytes. Topics that are followed are not counted.
pub const PATTERNS_MAX: usize = 200_000;

/// Bytes of a state record's data. A user with more state has several, in one append.
pub const STATE_PART_BYTES: usize = 64 * 1024;

/// Bytes of a database that is looked through when it is opened, which takes a second or less. In a larger one, damage is found by what reads it.
pub const CHECKED_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Bytes of records between two checkpoints, if they come before so many rows: what they change is two to three times as much.
pub const CHECKPOINT_BYTES: usize = 8 * 1024 * 1024;

/// Rows that change between two checkpoints: some 20 MB of changes beside the database.
pub const CHECKPOINT_ROWS: u64 = 10_000;

/// Parts of states that are in memory at once while they are carried forward, or as many as one user has: 4 MiB.
pub const CARRY_PARTS: usize = 64;

/// The longest pause between two rounds of carrying states forward, in seconds: one hour, if the log has not grown before by as much as the last round
/// wrote. Without a pause, inboxes that are larger than what retention keeps would be written again and again.
pub const CARRY_PAUSE_SECONDS_MAX: u64 = 3_600;

/// Users whose state one append carries forward.
pub const CARRY_USERS: usize = 100;

/// Parts into which the users are divided for pruning by age, so that one record touches few of them.
pub const PRUNE_BUCKETS: u16 = 64;

/// Time between two looks whether something is to be pruned, in seconds: each bucket is looked at once an hour.
pub const PRUNE_LOOK_SECONDS: u64 = 3_600 / PRUNE_BUCKETS as u64;

/// Time after which the keeper looks at the clock at the latest, in seconds: a clock that is set is noticed so soon.
pub const KEEPER_LOOK_SECONDS: u64 = 30;

/// How much further than time itself the clock may have gone between two looks, in seconds, to be taken at its word. Beyond it the clock was set,
/// and nothing expires by it until it has stood for [`CLOCK_JUMP_WAIT_SECONDS`].
pub const CLOCK_JUMP_SECONDS: u64 = 60;

/// How much later than the newest event of the log the clock may be when the hub starts, in seconds, to be taken at its word: one day. A hub
/// that was down for a night goes on at once, and one whose clock is years ahead waits for [`CLOCK_JUMP_WAIT_SECONDS`] before anything expires by it.
pub const CLOCK_START_SECONDS: u64 = 86_400;

/// How long a clock that was set ahead must stand before notifications expire by it, in seconds: time to notice and to set it back.
pub const CLOCK_JUMP_WAIT_SECONDS: u64 = 600;

/// Events that an empty database has before it for it to be made in bulk. Fewer are applied one by one within a second or two, without
/// other files.
pub const REBUILD_EVENTS_MIN: u64 = 100_000;

/// Parts that a rebuild divides the users into at the least. A record may concern thousands of users or hold a whole state, so the number of
/// events says little of what a part comes to.
pub const REBUILD_PARTS_MIN: u64 = 64;

/// Events of the log for each part of the users that a rebuild divides the records into, or up to twice as many. What a part comes to is
/// in memory as a whole, for three parts at once: about 50 MB each with records of 300 bytes.
pub const REBUILD_PART_EVENTS: u64 = 131_072;

/// Parts that a rebuild divides the users into at the most, each an open file with a buffer. Beyond 33 million events its memory grows with
/// the log.
pub const REBUILD_PARTS_MAX: u64 = 256;

/// Bytes of the buffer of each part's file: 16 MB for all.
pub const REBUILD_SPILL_BUFFER_BYTES: usize = 64 * 1024;

/// Records between two whose places in a part's file are remembered, to go back to what a state record was written beside.
pub const REBUILD_LANDMARK_RECORDS: u64 = 1_024;

/// Threads of a rebuild that apply records. One more adds what they come to to the database, in less time than one of them takes.
pub const REBUILD_FOLDERS: usize = 2;

/// Memory of the database while a rebuild makes it, in KiB: 64 MiB, for the pages that the last rows went to and for the sorting of indexes.
pub const REBUILD_CACHE_KIB: i64 = 65_536;

/// Pages of the log that are read ahead while a rebuild divides those before.
pub const REBUILD_PAGES_AHEAD: usize = 4;

/// Seconds between two lines of the hub's log that say how far a rebuild has come.
pub const REBUILD_TELL_SECONDS: u64 = 5;
