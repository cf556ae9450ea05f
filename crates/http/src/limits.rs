//! Every bound of the hub over HTTP that is not a setting, in one place: what it bounds, its unit, and why this value.
//!
//! What an operator may set is in [`HttpConfig`](crate::HttpConfig) and [`LaneConfig`](crate::lane::LaneConfig), in the
//! same form. The bounds of events and subscriptions are those of the core. They stand here in the order in which a
//! request meets them. Each constant is one line, because a page of the documentation is made from this text.

use std::time::Duration;

// Tickets.

/// Time in which a ticket can be used. 30 s: a page asks for it just before it connects, and a URL that stands in a log is worth
/// nothing soon after.
pub(crate) const TICKET_AGE_MAX: Duration = Duration::from_secs(30);

/// Tickets that were used within their time and are remembered in memory. 100,000: more than 3,000 a second, at some 100 bytes
/// each. Beyond that a request with a ticket is answered 429.
pub(crate) const USED_TICKETS_MAX: usize = 100_000;

/// Time that a request waits for the keys of an issuer, if it shows a token by a key that is not there: an issuer answers within one
/// second, and a browser waits longer.
pub(crate) const KEY_RENEWAL_WAIT_MAX: Duration = Duration::from_secs(5);

// Fair shares.

/// How much of a rate may be taken at once, as the time in which it comes. 5 s: a page that loads, a batch, and clients that come back
/// together after an outage are let in, and a limit that is passed for longer is felt.
pub(crate) const SHARE_BURST: Duration = Duration::from_secs(5);

/// Users and keys whose shares are remembered, and again addresses. 131,072: ten times the streams of a hub, at some 70 bytes each.
/// Beyond it those are forgotten that use nothing.
pub(crate) const SHARES_MAX: usize = 131_072;

/// Parts of these tables, each with a lock of its own. 64: requests on a few dozen cores hardly meet.
pub(crate) const SHARES_SHARDS: usize = 64;

/// Shares that are looked at for one that can be forgotten, when a part is full. 16: a microsecond, and of those one nearly always uses
/// nothing.
pub(crate) const SHARES_LOOKED_AT: usize = 16;

// A connection.

/// Time that accepting pauses when the process has no file for another connection, until others have left. 100 ms:
/// the system's queue of new connections holds what comes meanwhile.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The longest silence between two lines of the log about connections that cannot be accepted, while that lasts. One minute: an operator who
/// looks then sees it, and ten a second would bury everything else.
pub(crate) const ACCEPT_WARN_INTERVAL: Duration = Duration::from_secs(60);

/// Connections that are accepted from the system's queue when the hub ends, before the listener is closed. 4,096: the longest
/// queue that Linux keeps unless told otherwise, and clients that go on connecting do not hold up the end.
pub(crate) const ACCEPT_AT_END_MAX: usize = 4_096;

/// Connections at once that have not asked for anything yet, or get one answer because there is no place for them. 4,096: a
/// crowd of thousands can be slow to ask without being closed, and the largest of them cost some 64 MiB. The next one waits in the
/// system's queue.
pub(crate) const LOBBY_MAX: usize = 4_096;

/// Share of the lobby that is asked to leave together when it is full and others wait in the system's queue. 16, which are 256
/// connections: 5,000 can come in a second, and a crowd that is about to ask is not sent away for one newcomer.
pub(crate) const LOBBY_ROOM_SHARE: usize = 16;

/// Time that a client has to begin its handshake, again to end it, and again for its first request, before it may be asked to
/// leave because the lobby is full; so has half a head on a connection whose place others wait for. 2 s: enough for a slow
/// network, and thousands of silent clients hold others up for hardly longer.
pub(crate) const FIRST_REQUEST_GRACE: Duration = Duration::from_secs(2);

/// Time that a request waits for a place when all are taken. 6 s: longer than `FIRST_REQUEST_GRACE`, so that half a head keeps
/// nobody out.
pub(crate) const PLACE_WAIT_MAX: Duration = Duration::from_secs(6);

/// Time after which a client that waits for a place looks for another connection that may leave. 50 ms: one that is asked
/// leaves at once, unless a request has come.
pub(crate) const PLACE_LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// Connections that are looked at in each millisecond for some that may leave; each look is for all that wait. 1,000: they cost
/// a tenth of the time, and a full hub of ten thousand still finds as many as are needed a hundred times a second.
pub(crate) const PLACE_LOOKS_PER_MILLISECOND: u64 = 1_000;

/// Time for which a connection that was asked to leave counts as leaving, so that no other is asked in its stead. 250 ms: over
/// HTTP/2 it needs a round trip, and one that has not left by then may be waiting for its client.
pub(crate) const PLACE_LEAVE_WAIT_MAX: Duration = Duration::from_millis(250);

/// Looks for a connection at rest after which a client waits no longer, if each has found all of them busy. 10, which are half
/// a second: short requests are done by then, and a probe waits little more than a second for its answer.
pub(crate) const PLACE_BUSY_LOOKS_MAX: u32 = 10;

/// Time that a client for which there is no place has to take its answer before it may be asked to leave because the lobby is
/// full. 10 s, as long as a first request may take: until the lobby is full, it has as long as every other client.
pub(crate) const REFUSAL_WAIT_MAX: Duration = Duration::from_secs(10);

/// Time for which a client may take nothing of an answer before its connection is ended for others that wait for a place. 5 s: a
/// lost packet was sent again by then. While nobody waits, it has `write_wait_max`.
pub(crate) const PLACE_STALL_WAIT_MAX: Duration = Duration::from_secs(5);

/// Time for which the peer of a stream may leave bytes unacknowledged before the system takes it for dead. 60 s, as for a
/// socket that takes nothing: TCP's keep-alive does not run while bytes are under way. It does not hold while a stream waits
/// for room, since Linux also counts the time of a peer that reads steadily and has no room for the next packet.
#[cfg(target_os = "linux")]
pub(crate) const UNACKNOWLEDGED_WAIT_MAX: Duration = Duration::from_secs(60);

/// Bytes that the system takes for a peer that does not take them. 128 KiB, two batches of a lane: without a bound of
/// ours it is 4 MiB for each socket, and a reader that is slow for a while would first hear what was new long ago,
/// even from a hub that has ended. What is under way to the peer does not count, so it is enough for any distance.
#[cfg(target_os = "linux")]
pub(crate) const UNSENT_BYTES_MAX: u32 = 131_072;

/// Silence of a socket after which the system asks whether the peer is there. 60 s: a dead peer is noticed within
/// minutes, and a phone is seldom woken.
pub(crate) const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(60);

/// Time in which a peer may answer that question before it is asked again. 20 s: a phone that changes its network is back
/// by then, and with Linux's own 75 s a dead peer would be noticed after 12 minutes.
pub(crate) const KEEPALIVE_PROBE_INTERVAL: Duration = Duration::from_secs(20);

/// How often a peer is asked before the system takes it for dead: 3 times, so two lost packets end nobody.
pub(crate) const KEEPALIVE_PROBES_MAX: u32 = 3;

/// Encrypted bytes that may wait for a socket. 32 KiB, two records of TLS, so that one is made while the other
/// leaves: rustls takes 64 KiB unless told otherwise, which every slow reader would come to hold.
pub(crate) const TLS_WAITING_BYTES_MAX: usize = 32_768;

/// Tickets that a client gets for a short handshake next time. One: a stream reconnects one at a time, and the second
/// ticket of rustls would be 250 bytes and an encryption for nothing.
pub(crate) const TLS_TICKETS: usize = 1;

/// Bytes of a request in plain HTTP to the port of TLS that are looked at before it is refused. 8 KiB: nearly every head, and of
/// a longer one only the method matters.
pub(crate) const PLAIN_HEAD_BYTES_MAX: usize = 8_192;

/// Headers of a request of HTTP/1: what hyper takes unless told otherwise, and then it would need an allocation for each
/// request.
pub(crate) const HEADERS_MAX: usize = 100;

/// Bytes of a URL over HTTP/1: what hyper takes at most, and it cannot be told otherwise.
pub(crate) const URL_BYTES_MAX: usize = 65_534;

/// Bytes of an answer that hyper gives by itself: status, `connection`, `content-length` and `date`, which are 120 bytes.
pub(crate) const HYPER_ANSWER_BYTES_MAX: usize = 256;

/// Bytes of one record of TLS. RFC 8446, 5.1: "The length MUST NOT exceed 2^14 bytes."
pub(crate) const TLS_RECORD_BYTES_MAX: usize = 16_384;

/// Records that are kept back from the bound of a key. One, so that the closing record is always possible.
pub(crate) const TLS_LAST_RECORDS: u64 = 1;

/// Bytes a second of a head, for each of which it has a second more than `head_wait_max`. 1 KiB, the default of
/// `body_bytes_per_second_min`: a head of 64 KiB that comes steadily over a bad network arrives, and a byte now and then is
/// not progress.
pub(crate) const HEAD_BYTES_PER_SECOND_MIN: u64 = 1_024;

/// Bytes of a head of HTTP/1 that it has beside `HEADS_BYTES_MAX`. 8 KiB, hyper's first buffer, which every connection has
/// anyway: the heads of nearly all browsers and publishers are smaller.
pub(crate) const HEAD_FREE_BYTES: usize = 8_192;

/// Bytes that all heads of HTTP/1 together may have beyond their first `HEAD_FREE_BYTES`, until their requests are answered. 64
/// MiB, a thousand of the largest: more than clients with much in their cookies have under way at once. Without a bound, the
/// connections of the lobby alone could hold 256 MiB in halves of heads for more than a minute.
pub(crate) const HEADS_BYTES_MAX: usize = 67_108_864;

/// Looks at a body that nobody wants for its end, before its answer closes the connection. 4: a small body in chunks that came whole
/// needs two, and one that comes piece by piece holds its answer up no longer.
pub(crate) const BODY_LOOKS_MAX: u32 = 4;

/// Bytes of one read after the last answer of a connection. 16 KiB: few reads, and a buffer on the stack.
pub(crate) const LINGER_READ_BYTES: usize = 16_384;

/// Silence of a peer after the last answer of its connection, or of its request over HTTP/2, when its body was not read to the
/// end. 5 s, as in nginx: a lost packet was sent again by then, and a peer that sends nothing has read the answer.
pub(crate) const LINGER_SILENCE_MAX: Duration = Duration::from_secs(5);

/// Time in which a peer may still read its last answer when the hub ends, and time from its acceptance on in which a client may
/// still send its first request. 1 s: enough for a round trip, and an end is not held up.
pub(crate) const LINGER_AT_END_WAIT_MAX: Duration = Duration::from_secs(1);

/// Time for which a question for `/readyz` counts: a hub that is asked to end later gives no notice. 10 minutes: no load balancer
/// asks less often than every 5 minutes, and one look of a person does not slow the end for ever.
pub(crate) const READINESS_ASKED_AGE_MAX: Duration = Duration::from_secs(600);

// A connection of HTTP/2.

/// Requests at once on a connection of HTTP/2, streams included. 1,000. RFC 9113, 6.5.2: "It is recommended that this
/// value be no smaller than 100"; browsers open all their streams to a hub on one connection, and a proxy those of
/// all its clients.
pub(crate) const HTTP2_REQUESTS_MAX: u32 = 1_000;

/// Bytes of one body that a publisher may send over HTTP/2 before they are read. 65,535, the default of RFC 9113.
pub(crate) const HTTP2_REQUEST_WINDOW_BYTES: u32 = 65_535;

/// Bytes of all bodies on a connection of HTTP/2 that may be sent before they are read: what a connection can make
/// the hub keep. 262,140, the windows of four requests.
pub(crate) const HTTP2_CONNECTION_WINDOW_BYTES: u32 = 262_140;

/// Bodies on a connection of HTTP/2 that may wait for room at once. 2: they are not read meanwhile, so they keep half of
/// `HTTP2_CONNECTION_WINDOW_BYTES` from the others. More are refused at once, and their clients try again.
pub(crate) const HTTP2_WAITING_BODIES_MAX: usize = 2;

/// Bodies over HTTP/2 that may wait for room at once, over all connections. 512: each may have sent as many bytes as
/// `HTTP2_REQUEST_WINDOW_BYTES` says, which are 32 MiB together, and as bodies go in the order in which they came, one behind
/// so many others would seldom have room in time.
pub(crate) const HTTP2_ALL_WAITING_BODIES_MAX: usize = 512;

/// Bytes of a stream that may wait for a connection of HTTP/2, beyond what the peer's window is closed for. 16 KiB,
/// one chunk, so that the next is encoded while it leaves: hyper takes 400 KB unless told otherwise.
pub(crate) const HTTP2_WAITING_BYTES_MAX: usize = CHUNK_BYTES_MAX;

/// Requests that a client of HTTP/2 may take back before we have looked at them. 20, the default of h2, which many
/// pages that are closed at once do not reach: more is the attack of CVE-2023-44487, and ends the connection.
pub(crate) const HTTP2_TAKEN_BACK_MAX: usize = 20;

/// Resets that our side may owe to the mistakes of a client of HTTP/2. 1,024, the default of hyper.
pub(crate) const HTTP2_RESETS_MAX: usize = 1_024;

/// Time in which a client of HTTP/2 may close that was told to go and has nothing open, when the hub ends or when the
/// client has never asked for anything. 1 s: otherwise it may be reading a long answer, and has as long as for its
/// next request.
pub(crate) const HTTP2_CLOSING_WAIT_MAX: Duration = Duration::from_secs(1);

// A request.

/// Bytes of a host name that a request may name. 255: RFC 1035, 3.1, allows no longer one.
pub(crate) const HOST_BYTES_MAX: usize = 255;

/// Bytes of a value of a request that stand in a problem or in a line of the log. 200: any host or origin that somebody means.
pub(crate) const SHOWN_BYTES_MAX: usize = 200;

/// Records of the access log that wait to be written. 4,096: what a busy hub answers while a disk takes a breath. They take 4 MiB
/// at most. Beyond it records are left out and counted, since no request may wait for a log.
pub(crate) const ACCESS_LOG_LINES_MAX: usize = 4_096;

/// Bytes of a path in a line of the access log. 512: as long as a topic may be.
pub(crate) const ACCESS_LOG_PATH_BYTES_MAX: usize = 512;

/// Bytes of a user's name in a line of the access log. 128: any address of mail that somebody has.
pub(crate) const ACCESS_LOG_USER_BYTES_MAX: usize = 128;

/// Bytes of a method in a line of the access log. 16: the longest that are registered, such as `VERSION-CONTROL`, have fewer.
pub(crate) const ACCESS_LOG_METHOD_BYTES_MAX: usize = 16;

/// Words of a header's name that are looked at for the trace of a proxy. 8: no name that proxies use has more than 6.
pub(crate) const TRACE_WORDS_MAX: usize = 8;

/// Addresses of trusted proxies over which the client's is looked for in `Forwarded` and `X-Forwarded-For`. 16: no request comes
/// through more than a few. Beyond that, the last one that was looked at counts as the client's.
pub(crate) const PROXIES_WALKED_MAX: usize = 16;

/// Headers that a preflight may announce for its page. 64: tracing and signing take a dozen. A page that announces more gets
/// the hub's own five.
pub(crate) const PREFLIGHT_HEADERS_MAX: usize = 64;

/// Bytes of the list of headers that a preflight is answered. 4 KiB, which `PREFLIGHT_HEADERS_MAX` of usual length fill half.
pub(crate) const PREFLIGHT_BYTES_MAX: usize = 4_096;

/// Time between two lines of the log about requests that were refused for the same kind of reason. 10 s: a developer who looks
/// finds one, and a flood writes six lines a minute for each kind. Each line has the number of those that were left out.
pub(crate) const REFUSAL_LOG_INTERVAL: Duration = Duration::from_secs(10);

/// Lines in that time about pages that were refused for their origin, or will not see their answer. 16, each about another page: one that asks
/// for ever does not hide the one that a developer is looking for, and a flood of origins writes a hundred lines a minute.
pub(crate) const REFUSED_PAGES_TOLD_MAX: usize = 16;

/// Parameters of one request. 128: a subscription may have 100 topics, and each parameter costs a look at all others.
pub(crate) const PARAMETERS_MAX: usize = 128;

/// Characters of an unknown parameter's name that go back in the problem. 64: any name that was only misspelt.
pub(crate) const UNKNOWN_NAME_CHARS_MAX: usize = 64;

/// Characters of a charset's name that go back in the problem. 64: any name of a charset.
pub(crate) const CHARSET_SHOWN_CHARS_MAX: usize = 64;

/// Bytes of the beginning of a body that are looked at to tell UTF-16 and UTF-32. 64: a run of letters with NULs beside each
/// is no chance.
pub(crate) const WIDE_LOOK_BYTES: usize = 64;

/// Bytes of a mended `since` that go back in the problem. 64: any time with its offset.
pub(crate) const SINCE_SHOWN_BYTES_MAX: usize = 64;

/// Seconds for which a browser may remember the answer to a preflight. 86,400, one day: browsers shorten it to what
/// they like.
pub(crate) const PREFLIGHT_SECONDS_MAX: u32 = 86_400;

/// Events of one page of history when the client does not say how many. 100: a page for people to read.
pub(crate) const HISTORY_EVENTS_DEFAULT: usize = 100;

/// Bytes of what is told about a user to those who watch the presence of a topic. 256, as of a token's `tidings.info`: more, which only
/// a program that embeds the hub can give, is left out.
pub(crate) const PRESENCE_INFO_BYTES_MAX: usize = 256;

// What operators ask.

/// Connections or users of one page when an operator does not say how many. 100: a page for people to read.
pub(crate) const ROSTER_PAGE_DEFAULT: usize = 100;

/// Bytes of connections or users after which a page of them ends, however many were asked for. 1 MiB: a connection may have a
/// hundred selectors, and a thousand of those would be a hundred times as much.
pub(crate) const ROSTER_PAGE_BYTES_MAX: usize = 1_048_576;

/// Bytes of the body of an order to disconnect. 16 KiB: room for the longest name of a user that a token can carry.
pub(crate) const ADMIN_BODY_BYTES_MAX: usize = 16_384;

/// Seconds for which a user or a token can be kept out. A year: a user that should never come back is better taken out of what gives
/// tokens.
pub(crate) const DENY_SECONDS_MAX: u64 = 31_536_000;

/// Keys that were taken away and are remembered as such. 1,000, which are some 100 bytes each: a ticket that was given for one of them is
/// good for 30 s, and keys are exchanged a few times a year.
pub(crate) const ENDED_KEYS_MAX: usize = 1_000;

/// Users and tokens that are kept out at once. 10,000: some megabytes, and more than an operator names one by one.
pub(crate) const DENIALS_MAX: usize = 10_000;

/// Bytes of the name of a user or a token that is kept out. 1,024: with as many as can be kept out some 10 MB.
pub(crate) const DENIED_NAME_BYTES_MAX: usize = 1_024;

/// Bytes of a body that is no JSON object that are shown to its sender. 20: enough to tell a list, a form and a text.
pub(crate) const BODY_SHOWN_BYTES_MAX: usize = 20;

/// Characters of what is wrong with a JSON text that are shown to its sender. 200: enough for the name of a member and its place.
pub(crate) const JSON_FAULT_CHARS_MAX: usize = 200;

// The metrics.

/// Age up to which the text of `/metrics` is given to another request, as long as an earlier answer with that text has not been
/// written. 100 ms: nobody asks that often, and a client that leaves a thousand answers unread on each of its connections makes
/// the hub keep ten texts for each second, not one for each answer.
pub(crate) const METRICS_TEXT_AGE_MAX: Duration = Duration::from_millis(100);

// A budget of bytes.

/// The window of time over which the pace of a peer is measured. 5 s: nobody is called slow in the first, and the slowest
/// over two of them ends for others that need the room. So a newcomer that finds none waits until a holder that stands
/// still can be ended.
pub(crate) const PACE_WINDOW: Duration = Duration::from_secs(5);

/// Windows over which a publisher must keep its least rate, also if nobody needs the room. 6, which are 30 s: a lost packet
/// that is sent again after 1, 2, 4 and 8 s does no harm, nor do bursts with pauses between them.
pub(crate) const RATE_WINDOWS: usize = 6;

/// Time between two looks of a newcomer for holders whose first window is over. 250 ms: ten thousand that wait cost next
/// to nothing, and nobody waits much longer than necessary.
pub(crate) const HOLDERS_LOOK_INTERVAL: Duration = Duration::from_millis(250);

// The body of an answer.

/// Bytes of one piece of a body that are handed to a connection at once. 16 KiB, one chunk: a client that does not take
/// one in the time of `write_wait_max` is ended, so over HTTP/2 it is also the least rate. Over HTTP/1 that is half of
/// `UNSENT_BYTES_MAX` in as long, since the kernel says only then that there is room.
pub(crate) const PIECE_BYTES: usize = CHUNK_BYTES_MAX;

/// Bytes of an event's data that are encoded as JSON in one step. 4 KiB: escaped they may be 24 KiB, which a piece may
/// exceed its size by.
pub(crate) const DATA_STEP_BYTES: usize = 4_096;

/// The share of the bytes for answers that is kept for those up to `PIECE_BYTES`. One of 8: 512 of them at once by
/// default, and large answers lose little.
pub(crate) const ANSWER_SMALL_SHARE: usize = 8;

/// Time that a request for history waits for room among the answers. 6 s: a second longer than the slowest client is
/// left alone, so that a budget full of stalled answers refuses nobody.
pub(crate) const ANSWER_ROOM_WAIT_MAX: Duration = Duration::from_secs(6);

/// Seconds after which a request for history may come back that found no room. One: the room is that of clients that
/// take their answers now.
pub(crate) const ANSWER_RETRY_SECONDS: &str = "1";

// The body of a publish.

/// Bytes of a body that counts as small, for which there is a reserve. 16 KiB: nearly every event that is pushed to a page,
/// and about what arrives at once.
pub(crate) const SMALL_BODY_BYTES_MAX: usize = 16_384;

/// Bytes in steps of which a small body takes its share, as it comes. 1 KiB: ten thousand connections that each stop in
/// the first step leave room for others, and a body that comes in pieces is moved 16 times at most.
pub(crate) const SMALL_BODY_SHARE_STEP_BYTES: usize = 1_024;

/// Bytes of the reserve for small bodies of which the rest is yet to come. 16 MiB, a thousand of the largest: with ten
/// thousand connections that each stop near the end of such a body, the others wait until the slowest are ended.
pub(crate) const SMALL_BODIES_BYTES_MAX: usize = 16_777_216;

/// Bytes of the reserve for small bodies that came whole, with the head of their request or in one piece behind it. 16 MiB: they hold it only until
/// they are published, so nobody can fill it by sending slowly.
pub(crate) const WHOLE_BODIES_BYTES_MAX: usize = 16_777_216;

/// Time between the head of a request and the first bytes of its small body, for which it needs no room. 30 s, as long as
/// `RATE_WINDOWS`: a publisher that sends nothing for as long is below the least rate.
pub(crate) const BODY_BEGIN_WAIT_MAX: Duration = Duration::from_secs(30);

/// Silence inside a body after which its publisher is answered 503 when the hub ends, and time before the deadline at which also one
/// that goes on is answered. 1 s: enough for a round trip and a lost packet, and the end is not held up.
pub(crate) const BODY_AT_END_SILENCE_MAX: Duration = Duration::from_secs(1);

/// Time that a body waits for room. 6 s: a second longer than `PACE_WINDOW`, so that a body which stands still can be
/// ended for it, and shorter than the time-outs of HTTP clients, so that the answer is ours.
pub(crate) const BODY_ADMISSION_WAIT_MAX: Duration = Duration::from_secs(6);

// A body that is a stream of events.

/// Events of one group that is published together. 2,048: one group is under way and one collects, so it bounds the
/// memory of a producer, and still divides a slow disk's ten milliseconds among thousands of events.
pub(crate) const GROUP_EVENTS_MAX: usize = 2_048;

/// Bytes of one group that is published together. 256 KiB, for the same reason as `GROUP_EVENTS_MAX`.
pub(crate) const GROUP_BYTES_MAX: usize = 262_144;

/// Bytes of a producer's body that are decoded before the size of the group is looked at again. 16 KiB: a group
/// exceeds its bound by no more than these.
pub(crate) const DECODE_STEP_BYTES: usize = 16_384;

/// Bytes in steps of which a producer takes its share of the budget of bodies, each begun when it is full. 4 KiB: what is
/// less counts with the connection, so that ten thousand producers at rest take no share.
pub(crate) const PRODUCER_SHARE_STEP_BYTES: usize = 4_096;

/// Bytes of a field's name that may stand beside an event's data on one line. 64: the longest name of a field has 5.
pub(crate) const FIELD_NAME_BYTES_MAX: usize = 64;

// A stream.

/// Bytes of one chunk of a stream, unless one event is larger. 16 KiB, as much as a record of TLS holds: what a
/// blocked subscriber must remember is the rest of a chunk, and larger chunks would save nothing that could be
/// measured. The bytes of a larger event are not copied for each subscriber, but shared.
pub(crate) const CHUNK_BYTES_MAX: usize = 16_384;

/// Bytes of a large event that a stream over TLS or HTTP/2 hands out at once; its reader's pace is known by them. 65,520: with
/// what stands around a chunk they fill four records of TLS.
pub(crate) const LARGE_PIECE_BYTES: usize = 65_520;

/// Bytes of one batch that is written to all members of a group. 64 KiB: a system call is well spent, and a socket
/// takes it.
pub(crate) const BATCH_BYTES_MAX: usize = 65_536;

/// Batches that one member may take from the rings before the others have their turn. 4: a member that lags soon
/// catches up, and its neighbours wait for a quarter of a megabyte at most.
pub(crate) const BATCHES_PER_TURN_MAX: usize = 4;

/// Time that readers have for a large event of which they take nothing, once half of the room for such events is taken. 5 s:
/// one that has stood still for longer is slow, and others need its room.
pub(crate) const UNREAD_GRACE: Duration = Duration::from_secs(5);

/// The share of the room for large events up to which nobody is ended: one of 2. Beyond it readers that take nothing have
/// their grace, and with all room taken the slowest go at once.
pub(crate) const UNREAD_GRACE_SHARE: usize = 2;

/// Time for which nothing is known of the pace of a reader of a large event, so that it goes after all of whom something is
/// known. 1 s: a socket takes 64 KiB at a time, which a reader of 64 KB a second has taken by then.
pub(crate) const UNREAD_NEW_TIME: Duration = Duration::from_secs(1);

/// Bytes a second, over `PACE_WINDOW` or two, below which a reader of a large event takes nothing. 1,024, the default of
/// `body_bytes_per_second_min`: a byte now and then is not progress.
pub(crate) const UNREAD_BYTES_PER_SECOND_MIN: u64 = 1_024;

/// Bytes that a client may send in the whole life of a stream that it only reads, as they arrive at the socket (over TLS,
/// encrypted). 4 KiB: a stray line end or ping does no harm, more is a fault and ends the stream.
pub(crate) const STRAY_BYTES_MAX: u16 = 4_096;

/// Bytes of one read of what a client should not have sent, in a lane. 512: the buffer is on the stack of the lane's
/// thread, and a stream ends after eight such reads.
pub(crate) const LANE_STRAY_READ_BYTES: usize = 512;

/// Bytes of one read of what a client should not have sent, over TLS. 64: the buffer is part of each task.
pub(crate) const STRAY_READ_BYTES: usize = 64;

/// Time after which a client over TLS that sends no more is sent a second heartbeat. 1 s: if it has left, the reset with which
/// its system answers the first one has come by then, and the stream ends.
pub(crate) const SECOND_PROBE_WAIT: Duration = Duration::from_secs(1);

/// Time that a stream waits before it asks a store again that was out of reach. 500 ms: a store that restarts
/// is not flooded.
pub(crate) const STORE_RETRY_WAIT: Duration = Duration::from_millis(500);

/// Times that a stream asks a store again that is out of reach. 20, which are ten seconds: then the stream
/// ends, and the client comes back later.
pub(crate) const STORE_RETRIES_MAX: u8 = 20;

/// The share of the greatest age from which on a stream ends. 0.9: the streams that began together end over the last
/// tenth of their time, not all at once.
pub(crate) const AGE_SHARE_MIN: f64 = 0.9;

// Subscribers that find no place.

/// Seconds over which as many subscribers as there may be come back, when they find no place: 1/100 of `connections_max`
/// comes back in a second. 100: they are told when, one after the other, so that a crowd does not return at once.
pub(crate) const RETURNS_SHARE: usize = 100;

/// Subscribers without a place that come back in a second, also where `RETURNS_SHARE` makes it less. 100: their connections
/// and answers are next to nothing.
pub(crate) const RETURNS_PER_SECOND_MIN: usize = 100;

/// The part of the moments of return that one address can book before the others: 1/20. 20: a client that ignores `retry` makes them
/// wait 5 % longer, and those of one household or office still find places in the first line.
pub(crate) const RETURNS_ADDRESS_SHARE: u32 = 20;

/// For how long an address may book ahead of its part. 3 s, the usual `retry`: in a small hub 15 clients behind one address are
/// turned away together and are treated as if each had its own.
pub(crate) const RETURNS_ADDRESS_AHEAD: Duration = Duration::from_secs(3);

/// Cells in which the addresses of subscribers without a place are counted; addresses with the same hash share a cell. 4,096: 30,000
/// subscribers with an address each, as many as a hub of 10,000 can book moments for, are 7 to a cell.
pub(crate) const RETURN_CELLS: usize = 4_096;

/// The longest time that a subscriber without a place is told to wait, unless twice `retry` is longer. 5 min: places become
/// free meanwhile, and nobody should wait for them much longer than necessary.
pub(crate) const RETURN_WAIT_MAX: Duration = Duration::from_secs(300);

// A compressed stream.

/// Bytes of an event from which on it is compressed. 128: what is smaller saves next to nothing, and is not worth the seven microseconds.
pub(crate) const DEFLATE_BYTES_MIN: usize = 128;

/// Bytes of an event that a lane or a task compresses by itself. 64 KiB: it takes half a millisecond; larger ones are compressed on a
/// thread of their own, one after the other.
pub(crate) const DEFLATE_AT_ONCE_BYTES_MAX: usize = 65_536;

/// Bytes of events that are compressed in a second, over all streams. 64 MiB, half of the time of a core: a single client switches
/// compression on, and more than that may come when very many read the past. What is beyond travels uncompressed in the same streams.
pub(crate) const DEFLATE_BYTES_PER_SECOND_MAX: u64 = 67_108_864;

/// Bytes that each event counts more than it has, of those that are compressed in a second. 1 KiB: an event of 128 bytes takes as long as
/// so many more bytes of a large one.
pub(crate) const DEFLATE_EVENT_COST_BYTES: u64 = 1_024;

/// Bytes of compressed events that are kept for others who read the same. 8 MiB: lanes and tasks come to an event within milliseconds
/// of each other, and subscribers that come back read the same past.
pub(crate) const DEFLATED_BYTES_MAX: usize = 8_388_608;

/// Bytes of one stored block of a gzip stream. 65,535: its length has 16 bits (RFC 1951, 3.2.4).
pub(crate) const STORED_BLOCK_BYTES_MAX: usize = 65_535;

/// How hard an event is compressed, from 1 to 9. 3: 6 makes it 3 % smaller and takes a third longer, 1 makes it a third larger.
pub(crate) const DEFLATE_LEVEL: u32 = 3;

// A lane.

/// Lanes unless the operator says otherwise; fewer on a machine with fewer cores. 4: a lane writes hundreds of
/// thousands of frames a second, and the kernel's loopback or network card is the limit soon after.
pub(crate) const LANES_DEFAULT_MAX: usize = 4;

/// Bytes that a lane writes in one round to members for whom something is new, and again to those that wait from earlier
/// rounds, before it looks whether there is something new for others, if there are large events
/// among them. 4 MiB: they are copied to sockets in a millisecond or two, and a thousand subscribers of an event of 1 MiB
/// are served in a few hundred rounds.
pub(crate) const ROUND_BYTES_MAX: usize = 4_194_304;

/// Sockets that one wait of a lane may report. 1,024: the rest is reported by the next wait.
pub(crate) const READY_SOCKETS_MAX: usize = 1_024;

/// Time for which a reader of the store keeps the permit of a page while it searches. 20 ms: a page that lies ahead is read in
/// one or two, and a small one waits no longer than this for each `pages_max` large ones.
pub(crate) const PAGE_PERMIT_WAIT_MAX: Duration = Duration::from_millis(20);

/// Readers that search for longer, for each page of `pages_max`. 3: they hold no page until they have found one, and even if
/// all find one at once, four times `pages_max` pages are held.
pub(crate) const SEARCHES_PER_PAGE: usize = 3;

/// Ticks of a lane's clock in the time of a heartbeat, unless the bounds of a tick make them more. 64: with
/// `SWEEP_SHARES` each member is looked at four times in a heartbeat.
pub(crate) const HEARTBEAT_TICKS: u32 = 64;

/// Silence, in shares of the heartbeat's time, after which a member that is looked at gets a heartbeat. 0.75: it is
/// looked at again after a quarter, so the heartbeat is never late.
pub(crate) const HEARTBEAT_SILENCE: f64 = 0.75;

/// Age of the last place that a client was told, after which its stream tells a newer one instead of a heartbeat. 5 min: a
/// client that comes back has so much of the log passed over for it, and a quiet stream carries twelve such events an hour.
pub(crate) const PLACE_AGE_MAX: Duration = Duration::from_secs(300);

/// Events of one body of lines of JSON, which are published together or not at all. 1,000: what one action of an application says
/// to all that it concerns, and an answer with their ids has at most half a megabyte.
pub(crate) const LINES_EVENTS_MAX: usize = 1_000;

/// Bytes of one body of lines of JSON. 4 MiB, one write of the log: it is in memory as a whole, so more than one event of the
/// largest size belongs into several bodies.
pub(crate) const LINES_BODY_BYTES_MAX: usize = 4_194_304;

/// Bytes of a body of lines that are read before other requests have their turn. 64 KiB: a fraction of a millisecond.
pub(crate) const LINES_STEP_BYTES: usize = 65_536;

/// Selectors that are listed in the problem of a request that asks for more than is allowed. 100, as many as a request to read may
/// have; of others the number is told.
pub(crate) const UNCOVERED_SHOWN_MAX: usize = 100;

/// Bytes of the body of `POST /inbox/{user}`. 64 KiB: all members of a notification, each as long as it may be, with escapes.
pub(crate) const INBOX_NOTIFY_BODY_BYTES_MAX: usize = 65_536;

/// Bytes of the body of `POST /inbox`. 4 MiB: the names of 10,000 users, each as long as it may be, and a notification.
pub(crate) const INBOX_MANY_BODY_BYTES_MAX: usize = 4_194_304;

/// Bytes of the body of a mark. 64 KiB: 1,000 ids.
pub(crate) const INBOX_MARK_BODY_BYTES_MAX: usize = 65_536;

/// Kinds that one list may be of. A panel has a few tabs.
pub(crate) const INBOX_KINDS_MAX: usize = 20;

/// Inboxes of one call to notify that an authorizer or a webhook is asked about one by one. 100, as many selectors as a request to read may
/// have: of more it is asked about `inbox/**`.
pub(crate) const INBOXES_ASKED_MAX: usize = 100;

/// Bytes of the body of `POST /subscribe`. 128 KiB: as many selectors as a subscription may have, each as long as it may be, with escapes.
pub(crate) const SUBSCRIBE_BODY_BYTES_MAX: usize = 131_072;

/// How long a poll waits for an event if it does not say. 25 s: less than the shortest time-out known on the way, 30 s.
pub(crate) const POLL_WAIT_DEFAULT: Duration = Duration::from_secs(25);

/// How long a poll may wait. 60 s, the time-out of most proxies.
pub(crate) const POLL_WAIT_MAX: Duration = Duration::from_secs(60);

/// The delay after which the client of a long poll comes back. 250 ms: soon, and a client that is answered with an error does not
/// come back at once.
pub(crate) const LONG_POLL_RETRY: Duration = Duration::from_millis(250);

/// The delay between two polls of a count by an event stream that ends. 10 s: a badge that is late by that much is no worse, and a hub answers
/// ten thousand of them with a thousand requests in a second.
pub(crate) const COUNT_RETRY_DEFAULT: Duration = Duration::from_secs(10);

/// The shortest delay that a client may choose. 1 s: a page that wants to know sooner has the stream, which tells it at once.
pub(crate) const COUNT_RETRY_MIN: Duration = Duration::from_secs(1);

/// The longest delay that a client may choose. A day, as that of events.
pub(crate) const COUNT_RETRY_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Bytes of events in the answer to a poll, unless a single event has more. 256 KiB, which a phone reads within a second or so.
pub(crate) const POLL_BYTES_MAX: usize = 262_144;

/// Time after which a stream that has heard nothing, and for which the rings do not show all that the log has, looks at them
/// again. 20 ms: they show it a moment after its publisher was answered.
pub(crate) const OPENING_LOOK_WAIT: Duration = Duration::from_millis(20);

/// One of this many members is looked at in a tick. 16: those that arrived together are not served together.
pub(crate) const SWEEP_SHARES: usize = 16;

/// The shortest tick. 5 ms: a lane with very short heartbeats does not do nothing but look at the time.
pub(crate) const TICK_MIN: Duration = Duration::from_millis(5);

/// The longest tick. 500 ms: write deadlines and the drain are kept to within a few seconds, however long a heartbeat
/// is.
pub(crate) const TICK_MAX: Duration = Duration::from_millis(500);

/// The tick of a stream that is woken by a timer of its own. 10 ms: shorter than anybody notices, and 2^32 of them are more
/// than a year.
pub(crate) const WAKE_TICK: Duration = Duration::from_millis(10);

/// Ticks of the longest time that a stream can be told to wait. 2^31, half of what a clock of 32 bits can tell apart.
pub(crate) const TICKS_MAX: u32 = 1 << 31;

// A WebSocket.

/// Bytes that are read from a socket at once. 4 KiB, on the stack: a socket that is idle holds no buffer.
pub(crate) const SOCKET_READ_BYTES: usize = 4_096;

/// Bytes of the payload of a control frame. 125: RFC 6455, 5.5.
pub(crate) const SOCKET_CONTROL_BYTES_MAX: usize = 125;

/// Bytes that a message of a client may have beyond `event_bytes_max`. 128 KiB: what stands around the data of a publish, and its escapes, or as
/// many selectors as a subscription may have.
pub(crate) const SOCKET_MESSAGE_EXTRA_BYTES: usize = 131_072;

/// Extensions that a handshake may offer and that are looked at. 16: browsers offer one, in at most three forms.
pub(crate) const SOCKET_EXTENSION_OFFERS_MAX: usize = 16;

/// Bytes by which the memory of a message grows that comes in pieces. 16 KiB, as a small body does.
pub(crate) const SOCKET_MESSAGE_STEP_BYTES: usize = 16_384;

/// Frames that a client may send at once, publishes that are taken not counted. 1,000: it may ask for a hundred selectors one by one, or
/// send a message in small fragments. Any other message counts once more for each 16 KiB, and for each ten selectors that a socket has when they change.
pub(crate) const SOCKET_FRAMES_BURST: u32 = 1_000;

/// Frames that a client may send in a second once it has used up the burst, counted in the same way. 100: pings and subscriptions are
/// sent by people's hands or by timers.
pub(crate) const SOCKET_FRAMES_PER_SECOND: u32 = 100;

/// Selectors of a socket that count as a frame when it gets others. 10: another set of a hundred patterns costs two milliseconds, and a
/// hundred that come one by one are less than the burst.
pub(crate) const SOCKET_SELECTORS_PER_FRAME: usize = 10;

/// Bytes of a fragment from which on it does not count as a frame, unless it is the first or the last of its message. 64: libraries send a
/// large message in fragments of some hundred bytes or more; what many small ones cost is for the pace.
pub(crate) const SOCKET_FREE_FRAGMENT_BYTES_MIN: u64 = 64;

/// Publishes of a socket that wait for their answers. 16: as many share a write of the disk; until one is answered, nothing more is
/// read from the client.
pub(crate) const SOCKET_PUBLISHES_WAITING_MAX: usize = 16;

/// Time for which a client of a WebSocket must say nothing before its connection goes back to a lane. 1 s: a client that is at work stays
/// with the task that has it, and the pings of libraries, one in 20 s or so, are answered by a task that is soon gone.
pub(crate) const SOCKET_QUIET_WAIT: Duration = Duration::from_secs(1);

/// Selectors of a WebSocket for which it waits once more before it goes back to a lane. 10: to look up the rings of a hundred patterns takes
/// two milliseconds of a lane's time, and a client that says something every second must not have them all.
pub(crate) const SOCKET_QUIET_SELECTORS: usize = 10;

/// Bytes of the `ref` of a message. 128: room for a UUID and a word.
pub(crate) const SOCKET_REF_BYTES_MAX: usize = 128;

/// Time for which a socket that the hub has closed waits for the client to close it, too. 5 s.
pub(crate) const SOCKET_CLOSE_WAIT_MAX: Duration = Duration::from_secs(5);
