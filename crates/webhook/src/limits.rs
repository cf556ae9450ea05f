//! Every bound of the webhook, in one place: what it bounds, its unit, and why this value. Each constant is one line, because a page of
//! the documentation is made from this text.

use std::time::Duration;

/// Time that a question to the webhook may take until a program or an operator sets another. 5 s: a page waits as long before its
/// user does something else.
pub const WEBHOOK_TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);

/// Questions to a webhook at once. 100: as many as a backend with a pool of connections to its database answers side by side.
pub const QUESTIONS_AT_ONCE_MAX: usize = 100;

/// Time that a question waits for its turn. 5 s: a backend that answers in 50 ms has answered 10,000 questions by then, and one that
/// does not answer is not waited for by more and more requests.
pub const QUESTION_WAIT_MAX: Duration = Duration::from_secs(5);

/// Bytes of the answer of a webhook. 1 MiB: a thousand topics of the greatest length, also if their letters are escaped as JSON allows, since a
/// backend may answer with the very topics of a publish to many of them.
pub const WEBHOOK_ANSWER_BYTES_MAX: usize = 1_048_576;

/// Selectors that an answer may grant, for publishing and subscribing together. As many as a token.
pub const WEBHOOK_SELECTORS_MAX: usize = 1_000;

/// Seconds of the longest `ttl`. 31,536,000, one year: a larger one counts as this.
pub const WEBHOOK_TTL_SECONDS_MAX: u64 = 31_536_000;

/// Answers that are kept for their `ttl`. 10,000: a page that comes back after a deployment of the hub finds its answer.
pub const WEBHOOK_ANSWERS_MAX: usize = 10_000;

/// Bytes of the answers that are kept, as they came. 16 MiB: 10,000 answers of a usual size, and few very large ones.
pub const WEBHOOK_ANSWERS_BYTES_MAX: usize = 16_777_216;

/// Characters of the words of a webhook that a client is told. 200: a sentence or two.
pub const WEBHOOK_DETAIL_CHARS_MAX: usize = 200;

/// Time between two lines of the log about one kind of failure of a webhook. 10 s: an operator who looks finds one, and a backend that
/// is down writes six lines a minute. Each line has the number of those that were left out.
pub const WEBHOOK_LOG_INTERVAL: Duration = Duration::from_secs(10);

/// Time in which a stream may come back until a program or an operator sets another, and nothing is told of its end. 10 s: a browser comes
/// back within 3 to 6 s after its stream has ended.
pub const NOTICES_DEBOUNCE_DEFAULT: Duration = Duration::from_secs(10);

/// Time that the first notice of a batch waits for others. 1 s: a backend knows it soon, and gets one request a second and not one for
/// each stream.
pub const NOTICES_BATCH_WAIT: Duration = Duration::from_secs(1);

/// Notices of one batch. 500: a backend writes as many with one statement to its database.
pub const NOTICES_BATCH_MAX: usize = 500;

/// Bytes of the notices of one batch, about. 256 KiB: 500 of usual streams, and it is far below what servers take for a body.
pub const NOTICES_BATCH_BYTES_MAX: usize = 262_144;

/// Bytes of the notices that wait, and of the streams that may come back, about. 32 MiB: 100,000 of usual streams, which is a hub that
/// ends, or a backend that is down for a while. If there are more, the oldest are left out, and the next batch says how many.
pub const NOTICES_BYTES_MAX: usize = 33_554_432;

/// Shortest wait before a batch is sent again that was not taken. 1 s, and twice as long each time, less up to a half of it at random.
pub const NOTICES_RETRY_WAIT_MIN: Duration = Duration::from_secs(1);

/// Longest wait before a batch is sent again. 60 s: a backend that is back after an hour hears of it within a minute.
pub const NOTICES_RETRY_WAIT_MAX: Duration = Duration::from_secs(60);

/// Time for which notices are sent again that the backend refuses for a reason that is not theirs, such as 403 or 404. 10 min: an operator who
/// has changed a secret in one place changes it in the other. What is refused after that is left out, and the backend is asked once in
/// [`NOTICES_RETRY_WAIT_MAX`] whether it takes notices again.
pub const NOTICES_REFUSED_WAIT_MAX: Duration = Duration::from_secs(600);

/// Time for what is left to be told when a hub ends. 3 s: one try that fails and another. What is left then is not told.
pub const NOTICES_FLUSH_WAIT_MAX: Duration = Duration::from_secs(3);
