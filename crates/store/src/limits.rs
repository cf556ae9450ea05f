//! Every bound of the crate, in one place: what it bounds, its unit, and why this value.
//!
//! What an operator may set is in [`FileStoreConfig`](crate::FileStoreConfig); its bounds and default are here.

use std::time::Duration;

/// The smallest `segment_bytes` that is taken as it is. With less, files and their headers would outweigh
/// events.
pub(crate) const SEGMENT_BYTES_MIN: u64 = 65_536;

/// The largest `segment_bytes` that is taken as it is. Offsets in a segment have 32 bits, with room for an
/// append that is larger than the segment.
pub(crate) const SEGMENT_BYTES_MAX: u64 = 1_073_741_824;

/// Bytes of a segment by default. Files stay few, and the newest one is read in a moment at a start.
pub(crate) const SEGMENT_BYTES_DEFAULT: u64 = 67_108_864;

/// Files of ended segments, and of their indexes, that are open at once by default: with segments of 64 MiB, those of 16 GiB. To open one
/// again takes microseconds.
pub(crate) const OPEN_FILES_DEFAULT: usize = 512;

/// The smallest such number that is taken as it is: a segment and its index.
pub(crate) const OPEN_FILES_MIN: usize = 2;

/// The longest silence between two lines of the program's log about a lack of descriptors, while it lasts. One minute: an operator who looks
/// then sees it, and it does not fill the log.
pub(crate) const WITHOUT_DESCRIPTOR_WARN_INTERVAL: Duration = Duration::from_secs(60);

/// Bytes of the largest record, and of an append. Far above any event that a hub takes, and far below what a
/// length of 32 bits can say.
pub(crate) const RECORD_BYTES_MAX: usize = 1_073_741_824;

/// The largest sequence with which a segment may begin: 2^63, which no log reaches, so that adding to one never
/// overflows.
pub(crate) const SEQUENCE_MAX: u64 = 9_223_372_036_854_775_808;

/// Bytes of `META`. It has about 150; of a longer file no more is read, and it is refused.
pub(crate) const META_BYTES_MAX: usize = 4_096;

/// Bytes that are read of `LOCK`. It holds the number of a process.
pub(crate) const LOCK_BYTES_MAX: u64 = 32;

/// Times that the kernel's list of locks is read for the process that holds ours. 5: locks that come and go meanwhile
/// can hide one, rarely, and hardly five times.
pub(crate) const LOCK_LIST_READS_MAX: usize = 5;

/// Bytes that are read of a list which the kernel keeps in `/proc`: its mounts, its locks. A machine with ten thousand
/// containers has some megabytes of them.
pub(crate) const PROC_BYTES_MAX: u64 = 16_777_216;

/// Appends that wait for the writer. More of them would only wait longer; the hub bounds the bytes that they
/// hold. At the edge, `append` waits.
pub(crate) const APPENDS_MAX: usize = 8_192;

/// Bytes of records in a group, which is one write. With more, its first publisher would wait for the others'
/// bytes.
pub(crate) const GROUP_BYTES_MAX: usize = 4_194_304;

/// Bytes of the largest group behind which zeros are written. Behind a larger one they would save little, and
/// cost as much again.
pub(crate) const SMALL_GROUP_BYTES_MAX: usize = 16_384;

/// Bytes of zeros that are written behind a small group: a sync that changes no length takes a third less, and
/// this makes nearly all of them so.
pub(crate) const ZEROS_AHEAD_BYTES: u64 = 262_144;

/// Appends that end a wait for others: two milliseconds of requests, and more than enough to share a sync.
pub(crate) const GATHERED_MAX: usize = 256;

/// How long appends are kept waiting for others: less than so many publishers wait for their answers anyway.
pub(crate) const GATHER_WAIT_MAX: Duration = Duration::from_millis(2);

/// Appends that must share a group before the writer waits for as many again. Fewer gain nothing by a wait.
pub(crate) const GATHER_SHARED_MIN: usize = 8;

/// A wait was in vain if less than one in this many of the expected appends came. 4: in two milliseconds a core answers and
/// reads again some hundred requests, so that of 256 publishers less than half may be back though all are at work.
pub(crate) const GATHER_VAIN_SHARE: usize = 4;

/// Groups without a wait after one for which too few came back, so that at most one group in 16 is late for nothing.
pub(crate) const GATHER_RESTS: u32 = 16;

/// Wakes of the sealing thread that may wait. One says all there is to say; a writer that is two segments ahead
/// waits.
pub(crate) const SEAL_WAKES_MAX: usize = 1;

/// Parts of the retention's age after which a segment ends, so that its first event leaves an eighth of the age
/// late at most.
pub(crate) const AGE_PARTS: u32 = 8;

/// The shortest time between two looks at the age of events. More looks would cost more than events leave.
pub(crate) const AGE_LOOK_MIN: Duration = Duration::from_millis(100);

/// The longest time between two looks at the age of events. An operator who watches the disk need not wait
/// longer.
pub(crate) const AGE_LOOK_MAX: Duration = Duration::from_secs(60);

/// Parts of the retention's age in which all segments may leave that only the date says are too old: a day of every 24. A wrong date
/// that is set right within minutes takes one segment at the most, and a machine that was off for long is rid of its old events soon.
pub(crate) const AGE_DATE_PARTS: u32 = 24;

/// The shortest time in which all segments may leave that only the date says are too old: 10 minutes, in which a machine that starts
/// with a wrong date has the right one from the network.
pub(crate) const AGE_DATE_TIME_MIN: Duration = Duration::from_secs(600);

/// The longest time in which all segments may leave that only the date says are too old: a day, so that events that must go are gone
/// soon however long their retention is.
pub(crate) const AGE_DATE_TIME_MAX: Duration = Duration::from_secs(86_400);

/// By how much the date must move against the uptime, or be behind the newest event at a start, before it counts as set: a minute.
/// What the network corrects day by day is far less, and no retention notices a minute.
pub(crate) const CLOCK_JUMP_MIN: Duration = Duration::from_secs(60);

/// The time in which at most [`CLOCK_WARNINGS_MAX`] warnings say that the date was set: 10 minutes. Two programs that set it against each
/// other do so every few seconds.
pub(crate) const CLOCK_WARN_EVERY: Duration = Duration::from_secs(600);

/// Warnings in that time that the date was set: a clock that is wrong and set right, twice.
pub(crate) const CLOCK_WARNINGS_MAX: u32 = 4;

/// The shortest time between two looks at the free space of a disk that has room: one question to the system a second costs nothing, and few disks lose
/// more in a second than is kept free.
pub(crate) const SPACE_LOOK_EVERY: Duration = Duration::from_secs(1);

/// The shortest time between two warnings that the disk is full: a minute. A disk at its edge is full and has room again with each
/// file that comes and goes.
pub(crate) const FULL_WARN_EVERY: Duration = Duration::from_secs(60);

/// Bytes that are kept free by default: 64 MiB, enough for the index of the largest segment and for what a database writes ahead, and
/// little of any disk that a log is kept on.
pub(crate) const DISK_FREE_MIN_DEFAULT: u64 = 67_108_864;

/// How long the oldest segment that would leave may be held before the log of the hub says so, and says it again. 5 minutes: the
/// inbox carries what it needs within seconds, and is made anew from a long log in about a minute.
pub(crate) const HELD_WARN_AFTER: Duration = Duration::from_secs(300);

/// Bytes that recovery reads of a segment at once: few calls, and little memory.
pub(crate) const SCAN_READ_BYTES: usize = 1_048_576;

/// How often a reading looks again at a part of the log that it cannot read, record by record. Each time it gets further by one segment, and
/// after that many it is answered with the fault: a disk that goes on failing must not keep a reader for ever.
pub(crate) const MENDS_PER_READING_MAX: u32 = 4;

/// How often a tool looks again at the newest segment of a hub that runs, when it has found something there. What is whole at one of these
/// looks was being written at the one before; a log that grows faster than it is read has new such places each time.
pub(crate) const LOOKS_AT_NEWEST_MAX: u32 = 3;

/// Bytes at the beginning and at the end of a segment that a backup compares with its copy: a header, and the newest records. A segment that has
/// ended changes by a repair alone, which changes its length or one of these.
pub(crate) const COMPARED_BYTES: usize = 4_096;

/// Bytes a second that are scrubbed by default: 1 MiB. A log of half a terabyte is read within a week, at a thousandth of what a disk and a core
/// can do.
pub(crate) const SCRUB_BYTES_PER_SECOND_DEFAULT: u64 = 1_048_576;

/// Bytes that are scrubbed between two waits: few wakes of the thread, and no wait of others that anybody could measure.
pub(crate) const SCRUB_STEP_BYTES: usize = 262_144;

/// The shortest time from the beginning of one pass of scrubbing to that of the next. A small log would otherwise be read all the time, out of the
/// memory of the system.
pub(crate) const SCRUB_PASS_INTERVAL_MIN: Duration = Duration::from_secs(3_600);

/// How many places of the log that cannot be read are named in one go in the program's log: enough to see where the disk is bad, and few
/// lines if all of it is.
pub(crate) const HOLES_TOLD_MAX: usize = 8;

/// Bytes that are read at once where a disk cannot read more of a segment: what most disks and file systems lose together.
pub(crate) const UNREADABLE_BLOCK_BYTES: usize = 4_096;

/// Bytes that are compared with zeros, or written as zeros, at once: few calls, and little memory.
pub(crate) const ZEROS_BYTES: usize = 65_536;

/// Units for each read of a segment, beside those for its bytes.
pub(crate) const FILE_READ_UNITS: u64 = 2;

/// Bytes of a segment that are read for one unit.
pub(crate) const BYTES_PER_UNIT: u64 = 8_192;

/// Units for a read of one piece of an index: a page or two, and their checksums.
pub(crate) const INDEX_READ_UNITS: u64 = 3;

/// Units for looking a topic or an id up in the index of a segment: some reads.
pub(crate) const INDEX_LOOKUP_UNITS: u64 = 10;

/// Topics that a pattern is tried on for one unit.
pub(crate) const TOPICS_PER_UNIT: u64 = 4;

/// Ordinals that are read at once of a list that is walked: about one page of an index.
pub(crate) const ORDINALS_PER_READ: u32 = 1_000;

/// Records with an id for each topic, from which number on the lists of the topics are compared with that of the id. 8: to look at
/// as many records costs as much as to look a topic up and to jump through its list.
pub(crate) const IDS_PER_TOPIC_MIN: u32 = 8;

/// Offsets of records that are looked up at once: about one page of an index.
pub(crate) const OFFSETS_AHEAD: u32 = 1_000;

/// Bytes that are read for a record that stands alone: most records fit.
pub(crate) const READ_ALONE_BYTES: usize = 4_096;

/// Bytes that are read for a record that follows the one before: the next ones will be asked for, too.
pub(crate) const READ_IN_A_ROW_BYTES: usize = 131_072;

/// Topics of a segment that the patterns of a query are compared with, each pattern for itself, if the index tells which
/// ones have a literal of it. With more of them, looking at all records in a row is as quick.
pub(crate) const TOPICS_TRIED_MAX: usize = 4_096;

/// Topics of the newest segment that are taken out of its index at once to be compared. 256: some microseconds, for which
/// the writer waits.
pub(crate) const NAMES_PER_LOCK: usize = 256;

/// Topics that are compared with patterns in one step of a reading. 64: with a hundred patterns and long topics, a step is some
/// milliseconds. With fewer, pages of an index would be read more often.
pub(crate) const TOPICS_TRIED_AT_ONCE: usize = 64;

/// Topics of a segment that are all compared with a query's patterns if the index cannot tell which ones may match. They are
/// some ten pages of an index.
pub(crate) const TOPICS_WALKED_MAX: u32 = 1_024;

/// Ordinals that a page takes from each topic, however many topics there are. With fewer it would ask too
/// often.
pub(crate) const ORDINALS_PER_TOPIC_MIN: usize = 64;

/// Topics of which a reading remembers whether they match: under 600 KB, which it also holds while it waits.
pub(crate) const TOPICS_REMEMBERED_MAX: usize = 1_024;

/// Pages of an index that are written at once: 1 MiB.
pub(crate) const INDEX_PAGES_PER_WRITE: usize = 256;

/// Entries of an index that a search reads at once: about one page.
pub(crate) const INDEX_ENTRIES_PER_READ: u32 = 320;

/// Guesses of a search before it halves: many entries with one hash would mislead guesses for ever.
pub(crate) const INDEX_GUESSES_MAX: u32 = 4;

/// Upper bounds, in seconds, of the classes that the times of appends, syncs and reads are counted in. From 0.1 ms, below
/// which nobody need look, in steps of 2 to 5 times up to 10 s, after which clients have given up: thirteen of them tell a fast
/// disk from a slow one, and a slow one from one that fails.
pub(crate) const STORE_SECONDS_BUCKETS: [f64; 13] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 10.0];

/// Upper bounds of the classes that groups are counted in by the number of their events. From 1, an event that shares its sync
/// with no other, in steps of 4 times up to 16,384. A group of very small events may have more.
pub(crate) const GROUP_EVENTS_BUCKETS: [f64; 8] = [1.0, 4.0, 16.0, 64.0, 256.0, 1_024.0, 4_096.0, 16_384.0];

/// Upper bounds, in bytes, of the classes that groups are counted in by their size. From 256, one small event, in steps of 4
/// times up to 4 MiB, which is `GROUP_BYTES_MAX`. A larger group is a single append.
pub(crate) const GROUP_BYTES_BUCKETS: [f64; 8] =
    [256.0, 1_024.0, 4_096.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0, 4_194_304.0];
