//! Every bound of the client, in one place: what it bounds, its unit, and why this value.
//!
//! A name that ends with `_DEFAULT` is what a builder's setting is until somebody sets it; the others are fixed. Each
//! constant is one line, because a page of the documentation is made from this text.

use std::time::Duration;

// What can be set of a stream, at `EventSourceBuilder`.

/// Reconnection time until a server names one. 3 s: the standard says "a few seconds", and this is Chrome's.
pub(crate) const RETRY_DEFAULT: Duration = Duration::from_secs(3);

/// The shortest wait before a reconnection in managed mode. 100 ms: ten attempts a second at the most, whatever a server
/// asks for.
pub(crate) const BACKOFF_FLOOR_DEFAULT: Duration = Duration::from_millis(100);

/// The longest wait that managed mode chooses by itself. 30 s: long enough for a server that is down, short enough for
/// people who watch it come up.
pub(crate) const BACKOFF_MAX_DEFAULT: Duration = Duration::from_secs(30);

/// Time that a connection must live before the back-off begins anew. 5 s: longer than the time that a balancer takes to
/// find out that there is no server behind it.
pub(crate) const HEALTHY_AFTER_DEFAULT: Duration = Duration::from_secs(5);

/// The longest wait that a server can ask for. One day, in seconds: a `retry` of years is a mistake, one of a day may be
/// none.
pub(crate) const WAIT_MAX_DEFAULT: Duration = Duration::from_secs(86_400);

/// Time that a name, a TCP and a TLS connection may take together. 10 s: as long as a hub gives a handshake.
pub(crate) const CONNECT_TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);

/// Time that the head of an answer may take in managed mode. 60 s: some servers send their head with the first event
/// only, and most events come within a minute.
pub(crate) const ANSWER_TIMEOUT_DEFAULT: Duration = Duration::from_secs(60);

// A token.

/// Time that a token is waited for. 60 s: an issuer that is asked over the network, or a person who is asked for a password, has
/// answered by then.
pub(crate) const TOKEN_WAIT_MAX: Duration = Duration::from_secs(60);

/// Attempts in a row in which a new token may be refused, once the server has taken one. 5: with the waits of the back-off between
/// them a file that is written anew some seconds late is waited for, and a user who was shut out is told within a minute or two.
pub(crate) const TOKEN_REFUSALS_MAX: u32 = 5;

// A connection.

/// Silence of a socket after which the system asks whether the peer is there. 30 s, and with the two limits below a peer
/// that has gone without a word is found out after a minute: a stream may be silent for hours, so where no heartbeat was
/// announced nothing else would show it.
pub(crate) const KEEPALIVE_AFTER: Duration = Duration::from_secs(30);

/// Time between two such questions. 10 s: one lost packet costs no connection.
pub(crate) const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// Such questions that may stay without an answer. 3, for the same reason.
pub(crate) const KEEPALIVE_PROBES_MAX: u32 = 3;

// An answer.

/// Redirects on the way to one answer. 20. Fetch standard, HTTP-redirect fetch: "If request's redirect count is 20, then
/// return a network error."
pub(crate) const REDIRECTS_MAX: usize = 20;

/// Characters of the address that a redirect names, in the error about it. 500: what is longer is no address that somebody
/// writes.
pub(crate) const LOCATION_CHARS_MAX: usize = 500;

/// Bytes that are kept of an answer that is no stream. 4 KiB: a page of HTML says in its first lines what it is, and a
/// problem as JSON is far shorter.
pub(crate) const EXCERPT_BYTES_MAX: usize = 4_096;

/// Time that these bytes are waited for. 1 s: the error is known already.
pub(crate) const EXCERPT_WAIT: Duration = Duration::from_secs(1);

/// Characters of a server's own words in an error. 200: two lines of a terminal.
pub(crate) const SAID_CHARS_MAX: usize = 200;

/// Characters of the words of a problem (RFC 9457) in an error. 1,000: they are written for people, and say what to do at their end.
pub(crate) const PROBLEM_CHARS_MAX: usize = 1_000;

// The heartbeat of a stream.

/// The shortest deadline that an announced heartbeat can lead to. 1 s: a nonsensical announcement does not cut every
/// connection.
pub(crate) const HEARTBEAT_DEADLINE_MIN: Duration = Duration::from_secs(1);

/// Milliseconds of the longest heartbeat that is believed. 86,400,000, one day: what is longer announces nothing.
pub(crate) const HEARTBEAT_INTERVAL_MS_MAX: u64 = 86_400_000;

/// Time between the end of a deadline and the last look at the socket. 20 ms: a process that did not run for a while
/// finds its timers due before it finds the bytes that arrived meanwhile, so silence is believed only after the network
/// has had one more turn.
pub(crate) const LAST_LOOK_WAIT: Duration = Duration::from_millis(20);

// What is published.

/// Time for which a publish is tried again until somebody sets another. One minute: a hub that restarts drains for up to 30 s
/// (`drain_deadline`) and then reads its log, and whoever calls waits for the answer.
pub(crate) const PUBLISH_GIVE_UP_AFTER_DEFAULT: Duration = Duration::from_secs(60);

/// Time that one attempt to publish may take until somebody sets another. 30 s, as long as a hub gives an ordinary body.
pub(crate) const PUBLISH_ATTEMPT_TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);

/// The first wait between two attempts to publish. 200 ms: a hub that restarts is soon back.
pub(crate) const PUBLISH_RETRY_WAIT: Duration = Duration::from_millis(200);

/// The shortest wait between two attempts to publish. 50 ms: a hub that answers "not now" at once is not asked a thousand times a
/// second.
pub(crate) const PUBLISH_RETRY_WAIT_MIN: Duration = Duration::from_millis(50);

/// The longest wait between two attempts to publish, but for one that a server asks for. 5 s: what waits is published soon after the
/// hub is back.
pub(crate) const PUBLISH_RETRY_WAIT_MAX: Duration = Duration::from_secs(5);

/// Bytes of an answer to a publish. 64 KiB: a receipt is an id or a problem, and what is longer is no answer of a hub.
pub(crate) const RECEIPT_BYTES_MAX: usize = 65_536;

/// Bytes of the answer to events of many topics. 2 MiB: 1,000 ids of the greatest length, and room for the escapes of JSON.
pub(crate) const IDS_BYTES_MAX: usize = 2_097_152;

/// Events of history that are looked at for the newest ids. 20, as text for a URL: with the largest events that a hub takes
/// by default, in JSON that escapes little, a page of them stays within `HISTORY_PAGE_BYTES_MAX`.
pub(crate) const HISTORY_EVENTS: &str = "20";

/// Bytes of such a page of history. 32 MiB: 20 events of 1 MiB, and room for the escapes of JSON.
pub(crate) const HISTORY_PAGE_BYTES_MAX: usize = 33_554_432;

/// Bytes of the answer to a question about an inbox. 16 MiB: a page of 200 items, each as long as it may be, and room for the escapes of JSON.
pub(crate) const INBOX_ANSWER_BYTES_MAX: usize = 16_777_216;

// Questions to a program of one's own.

/// Time that a connection to it is kept without a question. 4 s: servers close theirs after 5 s and more, and a question must not meet
/// a connection that is being closed.
pub(crate) const CALLER_IDLE_WAIT_MAX: Duration = Duration::from_secs(4);

/// Such connections that are kept at once. 100: as many as a hub asks questions at once.
pub(crate) const CALLER_IDLE_CONNECTIONS_MAX: usize = 100;
