//! Why something was not published, or may not have been.

use http::StatusCode;

use crate::config::FRAGMENT;
use crate::error::{BoxError, Refusal};
use crate::problem::Problem;
use crate::redirect::Redirected;

/// Why a publish failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The hub, or whatever stands before it, said no, or said "not now" each time. What is refused for good has not
    /// been published, but for the first events of a batch.
    #[error("the hub answered {0}")]
    Refused(Box<Refusal>),
    /// No answer came, however often it was tried. The event may or may not have been published; to publish it again
    /// under the same [key](crate::Draft::idempotency_key) is safe.
    #[error("failed to reach the hub at {origin}")]
    Unreachable {
        /// Scheme, host and port.
        origin: String,
        /// What the network, TLS or HTTP said last.
        source: BoxError,
    },
    /// The answer is a success, but not a hub's.
    #[error("the answer is {}, not the JSON of a hub{}", .0.content_type_in_words(), .0.said())]
    Answer(Box<Refusal>),
    /// The hub, or what stands before it, sends to another address, and the event was not sent there. It has not been
    /// published.
    #[error(transparent)]
    Redirected(Box<Redirected>),
    /// The caller's token source failed each time.
    #[error(transparent)]
    Token(BoxError),
    /// The topic, or the URL, cannot be asked of this hub.
    #[error("{target:?} is no place at the hub {hub}")]
    Target {
        /// The topic or the URL.
        target: String,
        /// The hub's URL.
        hub: String,
    },
    /// The URL has a fragment. No request carries it: what follows `#` in a topic's name would be lost without a word.
    #[error("{}", FRAGMENT)]
    Fragment,
    /// The path of the URL is read as another one, as the URL Standard has it, so the event would go elsewhere: a segment
    /// `.` or `..` is taken for a direction and a `\` for a slash, and line ends, tabs and spaces around it are dropped.
    #[error("the path of {target:?} is read as {path:?}; {advice}")]
    Rewritten {
        /// The URL.
        target: String,
        /// The path that would be asked for.
        path: String,
        /// What to write.
        advice: &'static str,
    },
    /// A `%` in the URL has no two hexadecimal digits behind it. Programs read such a URL in different ways.
    #[error("the URL {target:?} has {fault}")]
    Escape {
        /// The URL.
        target: String,
        /// What is wrong, and what to write.
        fault: String,
    },
    /// The idempotency key cannot be sent in a header, or the operating system has no random numbers to draw one.
    #[error("there is no usable idempotency key")]
    Key(#[source] BoxError),
}

impl PublishError {
    /// The status of the answer, if it was a refusal or a redirect.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Redirected(redirected) => Some(redirected.status),
            error => error.refusal().map(|refusal| refusal.status),
        }
    }

    /// The answer, if it was a refusal.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Unreachable { .. }
            | Self::Answer(_)
            | Self::Redirected(_)
            | Self::Token(_)
            | Self::Target { .. }
            | Self::Fragment
            | Self::Rewritten { .. }
            | Self::Escape { .. }
            | Self::Key(_) => None,
        }
    }

    /// What the hub says is wrong. Programs compare its `kind`, which stays the same.
    pub fn problem(&self) -> Option<Problem> {
        self.refusal()?.problem()
    }
}
