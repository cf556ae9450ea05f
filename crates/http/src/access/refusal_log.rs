//! The log of requests that were not let in. The developer of a page sees no more of it than that "fetch" has failed, so the
//! operator's log says why; and however many there are, it stays short.

use super::shown::shown;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::kind_log::KindLog;
use crate::limits::REFUSAL_LOG_INTERVAL;

/// Tells each kind of refusal once in a while.
pub(crate) struct RefusalLog(KindLog<ProblemType>);

impl RefusalLog {
    /// Tells of a refusal that a decision has made, unless one of its kind was told a moment ago.
    pub(crate) fn tell(&self, problem: &Problem, path: &str) {
        let problem_type = problem.problem_type();
        let Some(left_out) = self.0.turn(problem_type) else { return };
        tracing::info!(
            problem = problem_type.name(),
            path = shown(path.as_bytes()),
            left_out,
            "refused a request: {}",
            problem.detail()
        );
    }
}

impl Default for RefusalLog {
    fn default() -> Self {
        Self(KindLog::new(REFUSAL_LOG_INTERVAL))
    }
}
