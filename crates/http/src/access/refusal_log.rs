//! The log of requests that were not let in. The developer of a page sees no more of it than that "fetch" has failed, so the
//! operator's log says why; and however many there are, it stays short.

use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::limits::REFUSAL_LOG_INTERVAL;

use super::shown::shown;

/// When each kind of refusal was last told.
#[derive(Default)]
pub(crate) struct RefusalLog(Mutex<Vec<Told>>);

struct Told {
    problem_type: ProblemType,
    at: Instant,
    /// Refusals since then.
    left_out: u64,
}

impl RefusalLog {
    /// Tells of a refusal that a decision has made, unless one of its kind was told a moment ago.
    pub(crate) fn tell(&self, problem: &Problem, path: &str) {
        let problem_type = problem.problem_type();
        let Some(left_out) = self.turn(problem_type) else { return };
        tracing::info!(
            problem = problem_type.name(),
            path = shown(path.as_bytes()),
            left_out,
            "refused a request: {}",
            problem.detail()
        );
    }

    /// How many of the kind were left out, if it is its turn to be told.
    fn turn(&self, problem_type: ProblemType) -> Option<u64> {
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let Some(told) = kinds.iter_mut().find(|told| told.problem_type == problem_type) else {
            kinds.push(Told { problem_type, at: now, left_out: 0 });
            return Some(0);
        };
        if now.duration_since(told.at) < REFUSAL_LOG_INTERVAL {
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
        let log = RefusalLog::default();

        assert_eq!(log.turn(ProblemType::WrongHost), Some(0));
        assert_eq!(log.turn(ProblemType::WrongHost), None);
        assert_eq!(log.turn(ProblemType::WrongHost), None);
        assert_eq!(log.turn(ProblemType::InvalidKey), Some(0));
        advance(REFUSAL_LOG_INTERVAL).await;
        assert_eq!(log.turn(ProblemType::WrongHost), Some(2));
        assert_eq!(log.turn(ProblemType::WrongHost), None);
        advance(REFUSAL_LOG_INTERVAL).await;
        assert_eq!(log.turn(ProblemType::WrongHost), Some(1));
    }
}
