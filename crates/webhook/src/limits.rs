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

/// Bytes of the answer of a webhook. 64 KiB: a thousand topics.
pub const WEBHOOK_ANSWER_BYTES_MAX: usize = 65_536;

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
