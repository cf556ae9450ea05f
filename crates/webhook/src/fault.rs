//! Why there is no answer that counts: told to the operator's log, and to no client.

use std::fmt;
use std::mem::{Discriminant, discriminant};
use std::time::Duration;

use tidings_http::KindLog;

use crate::limits::{QUESTION_WAIT_MAX, WEBHOOK_LOG_INTERVAL};
use crate::settings::WebhookUrl;

/// What went wrong. None of it repeats what the webhook has sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Too many questions before it.
    NoTurn,
    Late(Duration),
    Unreachable(String),
    TooLarge {
        bytes_max: usize,
    },
    Redirects(u16),
    Status(u16),
    /// The status of an answer to notices.
    NotTaken(u16),
    NoJson {
        line: usize,
        column: usize,
    },
    /// A member of the answer, and what it must be.
    Member {
        member: String,
        must: &'static str,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTurn => {
                write!(
                    f,
                    "it has more questions to answer than it can; one waited {QUESTION_WAIT_MAX:?} for its turn"
                )
            }
            Self::Late(limit) => write!(f, "no answer within {limit:?}"),
            Self::Unreachable(why) => f.write_str(why),
            Self::TooLarge { bytes_max } => write!(f, "its answer has more than {bytes_max} bytes"),
            Self::Redirects(status) => write!(f, "it answered {status}, a redirect, which is not followed"),
            Self::Status(status) => write!(f, "it answered {status}, and not 200, 401 or 403"),
            Self::NotTaken(status) => write!(f, "it answered {status}, and no status of 2xx"),
            Self::NoJson { line, column } => {
                write!(f, "its answer is not JSON: line {line}, column {column}")
            }
            Self::Member { member, must } => write!(f, "{member} of its answer {must}"),
        }
    }
}

/// Tells each kind of fault once in a while.
#[derive(Debug)]
pub(crate) struct FaultLog(KindLog<Discriminant<Fault>>);

impl FaultLog {
    /// Tells of a fault, unless one of its kind was told a moment ago.
    pub(crate) fn tell(&self, fault: &Fault, url: &WebhookUrl) {
        if let Some(left_out) = self.0.turn(discriminant(fault)) {
            tracing::warn!(webhook = %url, left_out, "refused a request, because the webhook does not decide: {fault}");
        }
    }
}

impl Default for FaultLog {
    fn default() -> Self {
        Self(KindLog::new(WEBHOOK_LOG_INTERVAL))
    }
}
