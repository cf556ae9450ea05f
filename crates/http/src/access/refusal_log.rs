//! The log of requests that were not let in. The developer of a page sees no more of it than that "fetch" has failed, so the
//! operator's log says why; and however many there are, it stays short.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::shown::shown;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::kind_log::KindLog;
use crate::limits::{REFUSAL_LOG_INTERVAL, REFUSED_PAGES_TOLD_MAX};

/// Tells each kind of refusal once in a while.
pub(crate) struct RefusalLog {
    kinds: KindLog<ProblemType>,
    /// Refused pages by the hash of what is said of them, which names their origin.
    pages: KindLog<u64>,
}

impl RefusalLog {
    /// Tells of a refusal that a decision has made, unless one of its kind was told a moment ago.
    pub(crate) fn tell(&self, problem: &Problem, path: &str) {
        let turn = match problem.problem_type() {
            ProblemType::OriginNotAllowed | ProblemType::FrameNotAllowed => {
                self.pages.turn(hash(problem.detail()))
            }
            other => self.kinds.turn(other),
        };
        let Some(left_out) = turn else { return };
        tracing::info!(
            problem = problem.problem_type().name(),
            path = shown(path.as_bytes()),
            left_out,
            "refused a request: {}",
            problem.detail()
        );
    }

    /// Tells of a page that will not see its answer, though the hub gives it.
    pub(crate) fn tell_withheld(&self, words: &str, path: &str) {
        let Some(left_out) = self.pages.turn(hash(words)) else { return };
        tracing::info!(
            path = shown(path.as_bytes()),
            left_out,
            "a browser does not show an answer to its page: {words}"
        );
    }
}

fn hash(words: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    words.hash(&mut hasher);
    hasher.finish()
}

impl Default for RefusalLog {
    fn default() -> Self {
        Self {
            kinds: KindLog::new(REFUSAL_LOG_INTERVAL),
            pages: KindLog::of_many(REFUSAL_LOG_INTERVAL, REFUSED_PAGES_TOLD_MAX),
        }
    }
}
