//! Why a connection ended, or will never be.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use tidings_sse::decode::DecodeError;
use url::Url;

use crate::machine::Outcome;
use crate::problem::Problem;
use crate::redirect::RedirectError;
use crate::retry_after;

/// An error of somebody else's making.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a connection is over.
///
/// Inside [`Item::Reconnecting`](crate::Item::Reconnecting) it is the reason for the next attempt; as the `Err` of
/// the stream it is the last word, and `None` follows.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server ended the stream. To the standard that is a reason to reconnect like any other.
    #[error("the stream ended")]
    Ended,
    /// No connection: the name is unknown, nobody listens, or TLS was refused.
    #[error("failed to connect to {origin}")]
    Connect {
        /// Scheme, host and port.
        origin: String,
        /// What the network, or TLS, said.
        source: BoxError,
    },
    /// The connection broke before the answer, or in the middle of the stream.
    #[error("the connection broke")]
    Broken(#[source] BoxError),
    /// Something took longer than the configuration lets it.
    #[error("{what} within {after:?}")]
    TimedOut {
        /// What did not happen.
        what: Missing,
        /// The limit.
        after: Duration,
    },
    /// The answer's status is not 200. 204 is a server's way to say: stop.
    #[error("the answer was {0}")]
    Status(Box<Refusal>),
    /// The answer is 200, but not a `text/event-stream`. Often a login page, or the page of a proxy.
    #[error("the answer is {}, not text/event-stream", .0.content_type().unwrap_or("of no content type"))]
    ContentType(Box<Refusal>),
    /// A redirect that is not followed.
    #[error("failed to follow a redirect")]
    Redirect(#[from] RedirectError),
    /// The stream passed a size limit. Connecting again would bring the same event again.
    #[error("the stream passed a limit")]
    TooLarge(#[from] DecodeError),
    /// The caller's token source failed.
    #[error("failed to obtain a token")]
    Token(#[source] BoxError),
    /// The last event id has a control character, which HTTP cannot carry in a header. To connect without it would
    /// lose events without a word.
    #[error("the last event id {id:?} cannot be sent in a header")]
    LastEventId {
        /// The id.
        id: String,
    },
}

/// What was waited for in vain.
///
/// Not `non_exhaustive`: a connection has these three waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// A connection, TLS included.
    Connection,
    /// The head of the answer.
    Answer,
    /// Another byte of an open stream, be it a heartbeat.
    Bytes,
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Connection => "no connection",
            Self::Answer => "no answer",
            Self::Bytes => "not a byte, not even a heartbeat,",
        })
    }
}

/// An answer that is no stream.
#[derive(Debug)]
#[non_exhaustive]
pub struct Refusal {
    /// The status.
    pub status: StatusCode,
    /// Where the answer came from, redirects followed. May hold secrets in its query.
    pub url: String,
    /// The head of the answer.
    pub headers: HeaderMap,
    /// The beginning of the body, at most 4 KiB, what is not UTF-8 replaced.
    pub body: String,
}

impl Refusal {
    /// The `Content-Type`, as the server wrote it.
    pub fn content_type(&self) -> Option<&str> {
        self.headers.get(header::CONTENT_TYPE)?.to_str().ok()
    }

    /// What the server says of the problem, if it says it as `application/problem+json`.
    pub fn problem(&self) -> Option<Problem> {
        Problem::parse(&self.headers, self.body.as_bytes())
    }

    /// How long the server asks to stay away, if it does.
    pub fn retry_after(&self) -> Option<Duration> {
        retry_after::of(&self.headers)
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.status)?;
        match self.problem().and_then(|problem| problem.detail.or(problem.title)) {
            Some(words) => write!(f, ": {words}"),
            None => Ok(()),
        }
    }
}

impl Error {
    /// The status of the answer, if there was one.
    pub fn status(&self) -> Option<StatusCode> {
        self.refusal().map(|refusal| refusal.status)
    }

    /// The answer that is no stream, if it came to that.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Status(refusal) | Self::ContentType(refusal) => Some(refusal),
            Self::Ended
            | Self::Connect { .. }
            | Self::Broken(_)
            | Self::TimedOut { .. }
            | Self::Redirect(_)
            | Self::TooLarge(_)
            | Self::Token(_)
            | Self::LastEventId { .. } => None,
        }
    }

    /// Whether the server said, by 204, that there is nothing more to come: an end rather than a failure.
    pub fn is_stop(&self) -> bool {
        self.status() == Some(StatusCode::NO_CONTENT)
    }

    pub(crate) fn connect(url: &Url, source: impl Into<BoxError>) -> Self {
        Self::Connect { origin: url.origin().ascii_serialization(), source: source.into() }
    }

    /// What the error is to the machine.
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Ended => Outcome::Ended,
            Self::Connect { .. } | Self::Broken(_) | Self::TimedOut { .. } | Self::Token(_) => {
                Outcome::Broken
            }
            Self::Status(refusal) => {
                Outcome::Refused { status: refusal.status, retry_after: refusal.retry_after() }
            }
            Self::ContentType(_) | Self::Redirect(_) | Self::TooLarge(_) | Self::LastEventId { .. } => {
                Outcome::Futile
            }
        }
    }
}
