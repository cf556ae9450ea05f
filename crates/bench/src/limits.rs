//! Every bound of the benchmarks: buffers, counts and waits, each with its unit and the reason for its value. Rates and
//! counts that a user sets are options of the command; their ranges are here.

use std::time::Duration;

/// Connections that are being made at once: fewer than the backlog of any server's listener.
pub(crate) const CONNECTING_MAX: usize = 200;

/// How long nothing may happen before a benchmark is given up: longer than any server's pause that is worth measuring.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(30);

/// Bytes that are read from a socket at once: what a fast server sends to one subscriber between two reads.
pub(crate) const READ_BYTES: usize = 262_144;

/// Sockets that one look at the system tells of: more than are ever ready together on one thread.
pub(crate) const READY_SOCKETS_MAX: usize = 4_096;

/// Bytes of a response head that is still taken for one: eight times what common servers allow.
pub(crate) const HEAD_BYTES_MAX: usize = 65_536;

/// Time between two lines of progress: often enough to look alive, too seldom to cost the measurement anything.
pub(crate) const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

/// Bytes that the system may keep for a subscriber that does not read; it takes its own minimum, which is more.
pub(crate) const STALLED_RECEIVE_BYTES: usize = 1;

/// Bytes that a batch of events is written in at once: few system calls, and little memory beside the batch itself.
pub(crate) const BATCH_PIECE_BYTES: usize = 262_144;

/// Bytes of answers to publishers that are read at once: an answer has some hundred.
pub(crate) const ANSWER_READ_BYTES: usize = 65_536;

/// Characters of a wrong answer to a batch that an error message shows: a whole problem document.
pub(crate) const SHOWN_ANSWER_CHARS: usize = 600;

/// Bytes of an answer that refuses one event that an error message shows: its head and the title of the problem.
pub(crate) const SHOWN_REFUSAL_BYTES: usize = 300;

/// Nanoseconds of the least latency that is told apart: a microsecond is below what any server needs.
pub(crate) const LATENCY_NS_MIN: u64 = 1_000;

/// Nanoseconds of the greatest latency that is recorded: a minute, twice as long as silence is endured.
pub(crate) const LATENCY_NS_MAX: u64 = 60_000_000_000;

/// Subscribers of a soak: a process may open some 20,000 files on most systems, and the hub needs some for its log.
pub(crate) const SOAK_SUBSCRIBERS_MAX: usize = 18_000;

/// Minutes of a soak: a week, since there is one sample of memory for each second.
pub(crate) const SOAK_MINUTES_MAX: f64 = 10_080.0;

/// Publishers of a soak: each is a thread.
pub(crate) const SOAK_PUBLISHERS_MAX: usize = 1_000;

/// Topics of a soak: a subscriber of all of them keeps some words for each.
pub(crate) const SOAK_TOPICS_MAX: usize = 10_000;

/// How long a hub under soak may take to start or to end: longer than any drain deadline that is tried.
pub(crate) const HUB_WAIT_MAX: Duration = Duration::from_secs(60);

/// Time between two looks at a hub that starts or ends: the precision of these figures in the report.
pub(crate) const HUB_LOOK_INTERVAL: Duration = Duration::from_millis(2);

/// Ports that are tried for the hub under soak: some may be taken, a thousand are not.
pub(crate) const PORTS_TRIED_MAX: u16 = 1_000;

/// Time between two looks of the conductor at the clock and at the subscribers: short beside all that it waits for.
pub(crate) const CONDUCTOR_LOOK_INTERVAL: Duration = Duration::from_millis(5);

/// Time between two samples of the hub's memory: it changes over minutes.
pub(crate) const MEMORY_SAMPLE_INTERVAL: Duration = Duration::from_secs(1);

/// How long subscribers may take to come back after a restart: many times the delay that a hub asks for.
pub(crate) const COME_BACK_MAX: Duration = Duration::from_secs(120);

/// How long the last events may take to arrive at all subscribers: many times what catching up takes.
pub(crate) const LAST_EVENTS_MAX: Duration = Duration::from_secs(60);

/// Time between two looks of all subscribers at the clock: a hundredth of the delays that they wait out.
pub(crate) const TICK_INTERVAL: Duration = Duration::from_millis(10);

/// Subscribers that an error message describes: the first few tell what is wrong with all.
pub(crate) const SHOWN_SUBSCRIBERS: usize = 5;

/// Time over which the subscribers of a soak first connect, so that they do not come in one moment.
pub(crate) const FIRST_CONNECT_SPREAD: Duration = Duration::from_millis(500);

/// Reconnection delay before the hub has told one: short, so that a first refusal costs little time.
pub(crate) const FIRST_RETRY: Duration = Duration::from_millis(500);

/// How long a connection of a subscriber may take before it is begun anew: longer than a busy hub needs to answer.
pub(crate) const CONNECT_MAX: Duration = Duration::from_secs(10);

/// How long the answer to a publish may take before the event is sent again, under the same key.
pub(crate) const PUBLISH_ANSWER_MAX: Duration = Duration::from_secs(10);

/// Time before an event is sent again: short beside the restart of a hub, so that a publisher is soon back.
pub(crate) const PUBLISH_RETRY_PAUSE: Duration = Duration::from_millis(50);

/// Bytes of an answer to a publish that are read: an answer has some hundred.
pub(crate) const PUBLISH_ANSWER_BYTES_MAX: u64 = 65_536;
