//! Every bound of the command line: buffers, counts and waits, each with its unit and the reason for its value. What an
//! operator may choose is a setting, in `config`.

use std::time::Duration;

/// Part of `drain_deadline` that is kept back for closing the store: a last write and its sync on a slow disk.
pub(crate) const STORE_CLOSE_RESERVE: Duration = Duration::from_secs(1);

/// Time for which a hub that starts waits until its inboxes have come to the end of its log, before it listens. 1 s: a database that was left in
/// good order has come there in milliseconds, and no first request is refused.
pub(crate) const INBOX_START_WAIT_MAX: Duration = Duration::from_secs(1);

/// Open files that the hub itself needs: standard streams, listener, signals, the database of the inboxes, the access log, connections to a backend,
/// and files of keys and certificates that are read again. 64: a hub with all of these has some 40.
pub(crate) const FILES_FOR_PROCESS: usize = 64;

/// Open files that each lane needs to wait for its sockets.
pub(crate) const FILES_FOR_LANE: usize = 4;

/// Open files that the log needs beside old segments: the directory and its lock, the newest segment, the next one, those whose index is
/// being written, `META`, and one for each thread that reads. Connections never get them, or the log could not begin its next segment.
pub(crate) const FILES_FOR_LOG: usize = 24;

/// Share of all open files that old segments and their indexes may have: one sixteenth. Which of them are open changes as they are read,
/// and to open one again takes microseconds.
pub(crate) const OLD_SEGMENT_FILES_SHARE: usize = 16;

/// The least that they have: eight segments are read at once without opening any again.
pub(crate) const OLD_SEGMENT_FILES_MIN: usize = 16;

/// The most that they have: with segments of 64 MiB, those of 32 GiB.
pub(crate) const OLD_SEGMENT_FILES_MAX: usize = 1_024;

/// Files for connections that have asked for nothing yet, if there are enough. 4,096: as many as the system keeps before they are accepted.
pub(crate) const LOBBY_FILES_MAX: usize = 4_096;

/// Their share of what is left for connections otherwise: one eighth.
pub(crate) const LOBBY_FILES_SHARE: usize = 8;

/// The share of `connections_reserve` of what is left for connections, if there is not enough for all: one eighth, so that publishers and probes
/// come in.
pub(crate) const RESERVE_FILES_SHARE: usize = 8;

/// Connections that the system keeps for the hub until they are accepted: a crowd that comes back in one moment.
pub(crate) const LISTEN_BACKLOG: u32 = 4_096;

/// Lines of the access log that are written together: some 40 KiB.
pub(crate) const ACCESS_LOG_LINES_AT_ONCE: usize = 256;

/// How long the end waits until the last lines of the access log are written. Half of what is kept back for closing the store.
pub(crate) const ACCESS_LOG_END_WAIT_MAX: Duration = Duration::from_millis(500);

/// Time between two looks at the files of the certificate: a look reads both, which are small, and nobody renews one in seconds.
pub(crate) const CERTIFICATE_LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// Time between two looks at how much free memory the process holds: nobody minds if it goes back some seconds after
/// a flood.
pub(crate) const HEAP_LOOK_INTERVAL: Duration = Duration::from_secs(10);

/// The longest such time: it doubles while memory that was given back is free again at the next look.
pub(crate) const HEAP_LOOK_INTERVAL_MAX: Duration = Duration::from_secs(320);

/// Bytes of free memory that the process may keep: about as much as it takes and gives back in ordinary work.
pub(crate) const HEAP_FREE_BYTES_MAX: u64 = 8 << 20;

/// Time between two drawings of a bar: ten a second look smooth, and cost nothing.
pub(crate) const BAR_INTERVAL: Duration = Duration::from_millis(100);

/// Bytes of a line of a dump: the largest event that a hub can be set to take, 16 MiB, each byte of which may be six in JSON, and some.
pub(crate) const DUMP_LINE_BYTES_MAX: usize = 128 << 20;

/// Bytes of a dump that are written or read at once: few calls.
pub(crate) const DUMP_WRITE_BYTES: usize = 1 << 20;

/// Bytes of data of the events of a dump that are added to a log in one append, which is there whole or not at all.
pub(crate) const APPEND_BYTES: usize = 1 << 20;

/// Events of a dump that are added to a log in one append: as many as share a sync well.
pub(crate) const APPEND_EVENTS_MAX: usize = 1_024;

/// Characters of a bar: with the words beside it, it fits into a line of 80.
pub(crate) const BAR_CELLS: usize = 30;

/// Bytes of a line of standard input that is published: as much as a hub can be set to take, and it is kept in memory.
pub(crate) const INPUT_LINE_BYTES_MAX: usize = 16 << 20;

/// Events of one request of `pub` and `relay`: enough that the cost of a request is spread thin.
pub(crate) const BATCH_EVENTS_MAX: usize = 1_000;

/// Bytes of data after which a request of `pub` or `relay` takes no further event: with what stands around the data it is less than
/// the 1 MiB that a proxy such as nginx lets through.
pub(crate) const BATCH_BYTES_MAX: usize = 512 << 10;

/// Bytes of standard input that is published all or none. 4 MiB, as much as a hub takes in one request.
pub(crate) const ATOMIC_INPUT_BYTES_MAX: usize = 4 << 20;

/// Bytes of a line with a user, of `tidings inbox notify --users`. 1 KiB: no name of a user is as long, and a file of another kind is noticed.
pub(crate) const USER_LINE_BYTES_MAX: usize = 1 << 10;

/// Users whom `tidings inbox notify` names when it asks whether they are users. 5: the words of a short title, on a line that is read.
pub(crate) const NAMES_SHOWN_MAX: usize = 5;

/// Time for which `pub` tries again what it has read from standard input, once the hub has answered before. One hour: a pipe that
/// runs for months outlasts a hub that is moved or mended, the lines wait in the program before it, and a hub that never comes back
/// is told some day.
pub(crate) const INPUT_GIVE_UP_AFTER: Duration = Duration::from_secs(3_600);

/// Time that `pub` and `relay` have, after a signal, for what is on its way to the hub. 2 s: a hub that is there answers sooner, and who
/// pressed Ctrl-C waits no longer.
pub(crate) const INTERRUPTED_WAIT: Duration = Duration::from_secs(2);

/// Time between two lines about a hub that is away, if the reason changes all the time. 10 s: a restart is refused, then starting, then
/// there.
pub(crate) const OUTAGE_TOLD_INTERVAL: Duration = Duration::from_secs(10);

/// Ids that `relay` remembers to have made: an event that a hub streams back comes within some batches.
pub(crate) const RECENT_IDS_MAX: usize = 10_000;

/// Bytes of the output of a token command: far more than any token has, and a command that prints for ever is ended.
pub(crate) const TOKEN_OUTPUT_BYTES_MAX: u64 = 64 << 10;

/// Characters of an error with its causes, on one line: a server's own words stand in it, and it may say much.
pub(crate) const ERROR_CHARS_MAX: usize = 1_000;

/// Characters of a server's own words that are shown: two lines of a terminal.
pub(crate) const SAID_CHARS_MAX: usize = 200;

/// Columns by which `sub` indents further lines of data for people at the most. They stand below the first line, which begins where the id and the
/// type end: a server may send those as long as it likes. 32: what a hub sends fits.
pub(crate) const SUB_INDENT_MAX: usize = 32;

/// Bytes of shown data that `sub` makes at once: as many as a write takes, and little memory for an event of any size.
pub(crate) const SUB_PIECE_BYTES: usize = 64 << 10;

/// Bytes of a line beside the data of an event: the name of the field, and room for ids and types.
pub(crate) const FIELD_BYTES: usize = 1_024;

/// Bytes of talk that are written to standard error at once: as many as a pipe takes whole when it says that it has room.
pub(crate) const TALK_BYTES_AT_ONCE: usize = 4_096;

/// Time that talk waits for room on standard error, once, before it is lost: what reads it may be busy for a moment, and the
/// thread that talks has other work.
pub(crate) const TALK_WAIT_MAX: Duration = Duration::from_millis(100);

/// Time between two such waits: what reads slowly has room for a line now and then, and must not cost a wait for each line.
pub(crate) const TALK_WAIT_INTERVAL: Duration = Duration::from_secs(10);

/// Time between two lines about what was mended or left out, of standard input or of the source of a relay: a file of another kind has millions.
pub(crate) const FLAWS_TOLD_INTERVAL: Duration = Duration::from_secs(1);

/// Time for which a token of `tidings token` is good, unless somebody says another: a morning of development.
pub(crate) const TOKEN_EXPIRES_DEFAULT: Duration = Duration::from_secs(3_600);

/// The last date that is written, in milliseconds since 1970: the end of the year 9999, the last one of four digits.
pub(crate) const DATE_MILLIS_MAX: u64 = 253_402_300_799_000;

/// Time between two looks at the keys of an issuer of tokens. 10 minutes: issuers publish a key hours before they use it.
pub(crate) const KEY_SET_INTERVAL: Duration = Duration::from_secs(600);

/// The same after a look that failed.
pub(crate) const KEY_SET_RETRY_INTERVAL: Duration = Duration::from_secs(30);

/// Time between two looks that tokens by unknown keys ask for: anybody can send such a token.
pub(crate) const KEY_SET_ASKED_INTERVAL: Duration = Duration::from_secs(30);

/// Time that the keys of an issuer may take to come: no server of a few KiB needs as long.
pub(crate) const KEY_SET_WAIT_MAX: Duration = Duration::from_secs(10);

/// Time for which keys go on working that nobody can read anew. One day: an outage is over by then, and a key that was withdrawn
/// because it was stolen must not work for ever.
pub(crate) const KEY_SET_AGE_MAX: Duration = Duration::from_secs(86_400);

/// Characters of a key that a program shows. A key of 16 random ones, as few as 64 bits in hexadecimal, is not found by asking a hub.
pub(crate) const KEY_CHARS_MIN: usize = 16;

/// Named keys of a configuration. Each is compared with each key that is shown; for more than these there are tokens.
pub(crate) const NAMED_KEYS_MAX: usize = 1_000;

/// How far the clocks of an issuer of tokens and of the hub may differ, unless the configuration says so: clocks that are set over
/// the network differ by milliseconds.
pub(crate) const LEEWAY_DEFAULT: Duration = Duration::from_secs(2);

/// The most that they may differ: a token would be good for longer than its issuer meant by as much.
pub(crate) const LEEWAY_MAX: Duration = Duration::from_secs(600);

/// Bytes of a file with a key, a certificate or a configuration: far more than any has, and a device that never ends is
/// refused.
pub(crate) const TEXT_FILE_BYTES_MAX: u64 = 4 << 20;

/// Time after which a pipe that is read for a key, a certificate or a configuration is said to be waited for: a command such as `cat`
/// has written by then.
pub(crate) const PIPE_PATIENCE: Duration = Duration::from_secs(2);

/// Time that such a pipe is waited for: a command that fetches a secret over the network, or asks for a password, has it by then.
pub(crate) const PIPE_WAIT_MAX: Duration = Duration::from_secs(60);

/// The longest time in which a stream may come back unnoticed that can be set. 10 min: whoever is away for longer has left.
pub(crate) const NOTICES_DEBOUNCE_MAX: Duration = Duration::from_secs(600);

/// The longest time-out of a webhook that can be set. 60 s: a client waits for no answer longer than that.
pub(crate) const WEBHOOK_TIMEOUT_MAX: Duration = Duration::from_secs(60);

/// Time that `tidings doctor` waits for an answer that ends. 10 s: a hub answers in milliseconds, and a page does not wait longer.
pub(crate) const DOCTOR_ANSWER_WAIT_MAX: Duration = Duration::from_secs(10);

/// Time after which `tidings doctor` says that the beginning of a stream is held back. 4 s: the time after which the browser client
/// tries another transport.
pub(crate) const DOCTOR_FIRST_BLOCK_WAIT: Duration = Duration::from_secs(4);

/// Bytes of an answer that `tidings doctor` reads: a page or a problem is shorter, and a file of gigabytes says no more.
pub(crate) const DOCTOR_ANSWER_BYTES_MAX: usize = 64 << 10;

/// Bytes that `tidings doctor` decompresses at once: gzip makes at most a thousand times as many of them, so 1 MiB is in memory.
pub(crate) const DOCTOR_INFLATE_BYTES: usize = 1 << 10;

/// Bytes that `tidings doctor` keeps of the beginning and of the end of a stream: the first block of a hub is shorter.
pub(crate) const DOCTOR_STREAM_BYTES_KEPT: usize = 4 << 10;

/// Redirects that `tidings doctor` follows: more of them are a loop.
pub(crate) const DOCTOR_REDIRECTS_MAX: usize = 5;

/// Streams that `tidings doctor` opens at once: two browsers behind one address have six connections each.
pub(crate) const DOCTOR_STREAMS: usize = 12;

/// Time beyond an announced heartbeat after which `tidings doctor` says that it does not come. 4 s: a hub looks four times in a
/// heartbeat.
pub(crate) const DOCTOR_HEARTBEAT_GRACE: Duration = Duration::from_secs(4);

/// The longest time for which `tidings doctor` watches a quiet stream unless `--idle` says another. 65 s: the usual time-out of proxies is
/// 60 s.
pub(crate) const DOCTOR_IDLE_DEFAULT_MAX: Duration = Duration::from_secs(65);

/// Time that a long poll of `tidings doctor` waits, as one does by default.
pub(crate) const DOCTOR_LONG_POLL_WAIT: Duration = Duration::from_secs(25);

/// The shortest silence of which `tidings doctor` says that it was cut. 1 s: no proxy has a shorter time-out, and a hub that ends breaks
/// connections at once.
pub(crate) const DOCTOR_SILENCE_MIN: Duration = Duration::from_secs(1);

/// The greatest age of a stream that was cut at which `tidings doctor` watches another one, to see whether that was an accident. 60 s: the usual
/// time-out of proxies, and nobody waits much longer twice.
pub(crate) const DOCTOR_SECOND_WATCH_MAX: Duration = Duration::from_secs(60);

/// Time that all of `tidings doctor` may take beside the first watch of a quiet stream. 3 min: each of its questions has a time of its own, and
/// a second watch takes half of it.
pub(crate) const DOCTOR_WAIT_MAX: Duration = Duration::from_secs(180);

/// How far the clocks of a hub and of this machine may differ before `tidings doctor` says so. 5 s: tokens of an issuer on this machine
/// would be refused, and an answer may take that long.
pub(crate) const DOCTOR_CLOCK_SKEW_MAX: Duration = Duration::from_secs(5);

/// Hundredths of a file system that `disk_free_min` can keep free. With more a hub could hardly begin.
pub(crate) const FREE_PERCENT_MAX: u8 = 90;
