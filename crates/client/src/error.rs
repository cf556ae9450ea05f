//! Why a connection ended, or will never be.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use tidings_sse::decode::DecodeError;
use url::Url;

use crate::gap::Gap;
use crate::limits::{LOCATION_CHARS_MAX, PROBLEM_CHARS_MAX, SAID_CHARS_MAX};
use crate::machine::Outcome;
use crate::problem::Problem;
use crate::redirect::Redirected;
use crate::{cause, retry_after, said};

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
    #[error("the connection to {origin} broke")]
    Broken {
        /// Scheme, host and port.
        origin: String,
        /// What the network, or HTTP, said.
        source: BoxError,
    },
    /// Something took longer than the configuration lets it.
    #[error("{what} {origin} within {after:?}")]
    TimedOut {
        /// What did not happen.
        what: Missing,
        /// Scheme, host and port.
        origin: String,
        /// The limit.
        after: Duration,
    },
    /// The answer's status is not 200. 204 is a server's way to say: stop.
    #[error("the answer was {0}")]
    Status(Box<Refusal>),
    /// The answer is 200, but not a `text/event-stream`. Often a login page, or the page of a proxy.
    #[error("the answer is {}, not text/event-stream{}", .0.content_type_in_words(), .0.said())]
    ContentType(Box<Refusal>),
    /// The answer is a stream, but compressed, though `Accept-Encoding: identity` was asked for. To read it as it
    /// stands would yield nothing, for ever.
    #[error("the answer is compressed, which was not asked for{}", .0.place())]
    ContentEncoding(Box<Refusal>),
    /// A redirect that is not followed.
    #[error(transparent)]
    Redirect(Box<Redirected>),
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
    /// Events that were asked for are gone. Only [`next_event`](crate::EventSource::next_event) gives this, and it is not the end:
    /// the next call goes on behind the gap. For those who read items it is [`Item::Gap`](crate::Item::Gap).
    #[error("events are gone ({}), and the stream goes on behind them", .0.reason.as_str())]
    Gap(Gap),
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
            Self::Connection => "no connection to",
            Self::Answer => "no answer from",
            Self::Bytes => "not a byte, not even a heartbeat, from",
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

    /// What the server says of its refusal, as one line for people: the words of a problem, the beginning of a text, or the title of
    /// a page. Bounded, and without control characters.
    pub fn words(&self) -> Option<String> {
        let problem = self.problem().and_then(|problem| problem.detail.or(problem.title));
        match problem {
            Some(words) => Some(said::line(&words, PROBLEM_CHARS_MAX)),
            None if self.is_redirect_to_nowhere() => {
                Some("it sends elsewhere, and no Location says where".to_owned())
            }
            None => self.alternative().or_else(|| said::by(self.content_type(), &self.body)),
        }
    }

    /// The address that an answer names with a status that sends nobody there, such as 300.
    fn alternative(&self) -> Option<String> {
        let location = self.headers.get(header::LOCATION).filter(|_| self.status.is_redirection())?;
        let mut url = Url::parse(&self.url).ok()?.join(location.to_str().ok()?).ok()?;
        // Fails for a URL that cannot have them.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Some(format!("it names {}", said::line(url.as_str(), LOCATION_CHARS_MAX)))
    }

    fn is_redirect_to_nowhere(&self) -> bool {
        matches!(self.status.as_u16(), 301 | 302 | 303 | 307 | 308)
            && !self.headers.contains_key(header::LOCATION)
    }

    pub(crate) fn content_type_in_words(&self) -> String {
        let of = self.content_type().map(|of| said::line(of, SAID_CHARS_MAX));
        of.unwrap_or_else(|| "of no content type".to_owned())
    }

    /// The words, if there are some, and the place: what follows the status in a sentence.
    pub(crate) fn said(&self) -> String {
        let words = self.words().map_or_else(String::new, |words| format!(": {words}"));
        format!("{words}{}", self.place())
    }

    /// Where the answer came from. Without a query, in which secrets may stand.
    pub(crate) fn place(&self) -> String {
        let (url, _) = self.url.split_once(['?', '#']).unwrap_or((&self.url, ""));
        format!(" ({})", said::line(url, LOCATION_CHARS_MAX))
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.status, self.said())
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
            Self::Status(refusal) | Self::ContentType(refusal) | Self::ContentEncoding(refusal) => {
                Some(refusal)
            }
            Self::Ended
            | Self::Connect { .. }
            | Self::Broken { .. }
            | Self::TimedOut { .. }
            | Self::Redirect(_)
            | Self::TooLarge(_)
            | Self::Token(_)
            | Self::LastEventId { .. }
            | Self::Gap(_) => None,
        }
    }

    /// Whether the server said, by 204, that there is nothing more to come: an end rather than a failure.
    pub fn is_stop(&self) -> bool {
        self.status() == Some(StatusCode::NO_CONTENT)
    }

    pub(crate) fn connect(url: &Url, source: impl Into<BoxError>) -> Self {
        Self::Connect { origin: url.origin().ascii_serialization(), source: cause::of(url, source) }
    }

    pub(crate) fn broken(url: &Url, source: impl Into<BoxError>) -> Self {
        Self::Broken { origin: url.origin().ascii_serialization(), source: cause::of(url, source) }
    }

    pub(crate) fn timed_out(url: &Url, what: Missing, after: Duration) -> Self {
        Self::TimedOut { what, origin: url.origin().ascii_serialization(), after }
    }

    /// What the error is to the machine.
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Ended => Outcome::Ended,
            Self::Connect { .. } | Self::Broken { .. } | Self::TimedOut { .. } | Self::Token(_) => {
                Outcome::Broken
            }
            Self::Status(refusal) => {
                Outcome::Refused { status: refusal.status, retry_after: refusal.retry_after() }
            }
            Self::ContentType(_)
            | Self::ContentEncoding(_)
            | Self::Redirect(_)
            | Self::TooLarge(_)
            | Self::LastEventId { .. }
            | Self::Gap(_) => Outcome::Futile,
        }
    }
}
