//! Why there is no answer that counts: told to the operator's log, and to no client.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

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
            Self::NoJson { line, column } => {
                write!(f, "its answer is not JSON: line {line}, column {column}")
            }
            Self::Member { member, must } => write!(f, "{member} of its answer {must}"),
        }
    }
}

/// Tells each kind of fault once in a while.
#[derive(Debug, Default)]
pub(crate) struct FaultLog(Mutex<Vec<Told>>);

#[derive(Debug)]
struct Told {
    kind: std::mem::Discriminant<Fault>,
    at: Instant,
    /// Faults since then.
    left_out: u64,
}

impl FaultLog {
    /// Tells of a fault, unless one of its kind was told a moment ago.
    pub(crate) fn tell(&self, fault: &Fault, url: &WebhookUrl) {
        if let Some(left_out) = self.turn(fault) {
            tracing::warn!(webhook = %url, left_out, "refused a request, because the webhook does not decide: {fault}");
        }
    }

    /// How many of the kind were left out, if it is its turn to be told.
    fn turn(&self, fault: &Fault) -> Option<u64> {
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, kind) = (Instant::now(), std::mem::discriminant(fault));
        let Some(told) = kinds.iter_mut().find(|told| told.kind == kind) else {
            kinds.push(Told { kind, at: now, left_out: 0 });
            return Some(0);
        };
        if now.duration_since(told.at) < WEBHOOK_LOG_INTERVAL {
            told.left_out += 1;
            return None;
        }
        told.at = now;
        Some(std::mem::take(&mut told.left_out))
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_kind_is_told_once_in_a_while_with_the_number_that_was_left_out() {
        let log = FaultLog::default();

        assert_eq!(log.turn(&Fault::Status(500)), Some(0));
        assert_eq!(log.turn(&Fault::Status(502)), None);
        assert_eq!(log.turn(&Fault::NoTurn), Some(0));
        advance(WEBHOOK_LOG_INTERVAL).await;
        assert_eq!(log.turn(&Fault::Status(500)), Some(1));
        assert_eq!(log.turn(&Fault::Status(500)), None);
    }
}
