//! The budgets that the bodies of publishes are admitted by, and the share that one body has of them.
//!
//! There are three, so that who sends slowly stops nobody else. A large body takes its share of `bodies_bytes_max`. Small
//! bodies have a reserve, which large ones cannot fill; and those that came whole, in one piece, have one which not even
//! small bodies can fill that stop before their end.

use http::header::RETRY_AFTER;

use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::budget::{Budget, NotGrown, Slow, Taken};
use crate::limits::{
    BODY_ADMISSION_WAIT_MAX, SMALL_BODIES_BYTES_MAX, SMALL_BODY_BYTES_MAX, WHOLE_BODIES_BYTES_MAX,
};

/// What all bodies together may hold. Cloning shares it.
#[derive(Clone)]
pub(crate) struct BodyBudgets {
    large: Budget,
    small: Budget,
    whole: Budget,
    bytes_per_second_min: u64,
}

impl BodyBudgets {
    pub(crate) fn new(bodies_bytes_max: usize, bytes_per_second_min: u64) -> Self {
        Self {
            large: Budget::new(bodies_bytes_max),
            small: Budget::new(SMALL_BODIES_BYTES_MAX),
            whole: Budget::new(WHOLE_BODIES_BYTES_MAX),
            bytes_per_second_min,
        }
    }

    /// A share for a body, or for so much of a body.
    pub(crate) async fn admit(&self, bytes: usize) -> Result<BodyShare<'_>, Problem> {
        let is_large = is_large(bytes);
        let budget = if is_large { &self.large } else { &self.small };
        let taken = take(budget, bytes, is_large).await?;
        Ok(BodyShare { budgets: self, taken, is_large })
    }

    /// A share for a body that came whole, in one piece.
    pub(crate) async fn admit_whole(&self, bytes: usize) -> Result<BodyShare<'_>, Problem> {
        let is_large = is_large(bytes);
        let budget = if is_large { &self.large } else { &self.whole };
        let taken = take(budget, bytes, is_large).await?;
        Ok(BodyShare { budgets: self, taken, is_large })
    }

    /// Bytes that bodies hold, over all budgets.
    pub(crate) fn used(&self) -> usize {
        self.large.used() + self.small.used() + self.whole.used()
    }

    /// Bytes that bodies may hold, over all budgets.
    pub(crate) fn bytes_max(&self) -> usize {
        self.large.bytes_max() + self.small.bytes_max() + self.whole.bytes_max()
    }
}

/// The bytes that one body may hold. They are given back when it is dropped.
#[must_use]
pub(crate) struct BodyShare<'a> {
    budgets: &'a BodyBudgets,
    taken: Taken,
    /// Whether it is of the budget for large bodies.
    is_large: bool,
}

impl BodyShare<'_> {
    /// Makes it so many bytes, and waits for room if they are more than before. Cancel safe.
    pub(crate) async fn resize(&mut self, bytes: usize) -> Result<(), Problem> {
        let budgets = self.budgets;
        if is_large(bytes) && !self.is_large {
            // What it takes of the other budget is taken before what it had is given back.
            let moved = self.taken.move_to(&budgets.large, bytes, BODY_ADMISSION_WAIT_MAX).await;
            moved.map_err(|why| self.not_grown(why, true))?;
            self.is_large = true;
            return Ok(());
        }
        // One that shrinks waits for nothing: if the reserve for small bodies is full, it stays where it is.
        if !is_large(bytes) && self.is_large && self.taken.try_move_to(&budgets.small, bytes) {
            self.is_large = false;
            return Ok(());
        }
        let before = self.taken.bytes();
        self.taken.shrink_to(bytes);
        if bytes <= before {
            return Ok(());
        }
        let grown = self.taken.grow(bytes - before, BODY_ADMISSION_WAIT_MAX).await;
        grown.map_err(|why| self.not_grown(why, self.is_large))
    }

    /// Begins to watch the publisher: it must keep the least rate, and the body may be ended for others.
    pub(crate) fn watch(&mut self) {
        self.taken.watch(self.budgets.bytes_per_second_min);
    }

    /// Ends the watch: the body does not wait for its publisher now.
    pub(crate) fn unwatch(&mut self) {
        self.taken.unwatch();
    }

    /// Waits for the next bytes of a publisher, unless it is too slow. As cancel safe as `work`.
    pub(crate) async fn unless_slow<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Problem> {
        let rate = self.budgets.bytes_per_second_min;
        self.taken.unless_slow(work).await.map_err(|slow| too_slow(slow, rate))
    }

    /// Takes note that bytes have come.
    pub(crate) fn moved(&self, bytes: usize) {
        self.taken.moved(bytes);
    }

    fn not_grown(&self, why: NotGrown, is_large: bool) -> Problem {
        match why {
            NotGrown::NoRoom => full(is_large),
            NotGrown::Slow(slow) => too_slow(slow, self.budgets.bytes_per_second_min),
        }
    }
}

fn is_large(bytes: usize) -> bool {
    bytes > SMALL_BODY_BYTES_MAX
}

async fn take(budget: &Budget, bytes: usize, is_large: bool) -> Result<Taken, Problem> {
    budget.take(bytes, BODY_ADMISSION_WAIT_MAX).await.ok_or_else(|| full(is_large))
}

fn full(is_large: bool) -> Problem {
    let bound = if is_large { "bodies_bytes_max" } else { "the reserve for small bodies" };
    let detail =
        format!("the bodies that other publishers are sending take up all of {bound}; try again in a moment");
    Problem::new(ProblemType::BodiesFull, detail).with_header(RETRY_AFTER, "5")
}

fn too_slow(slow: Slow, bytes_per_second_min: u64) -> Problem {
    let detail = match slow {
        Slow::BelowRate => format!(
            "the body came with less than {bytes_per_second_min} bytes a second (body_bytes_per_second_min); send it again"
        ),
        Slow::RoomNeeded => {
            "the room of this body was needed for others, and it came more slowly than they did; send it again".to_owned()
        }
    };
    Problem::new(ProblemType::TooSlow, detail)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;

    const KIB: usize = 1_024;

    /// It waited for room in the reserve for small bodies, and was answered 503 after six seconds.
    #[tokio::test(start_paused = true)]
    async fn a_share_that_shrinks_while_the_small_reserve_is_full_stays_among_the_large_ones() {
        let budgets = BodyBudgets::new(100 * KIB, KIB as u64);
        let mut share = budgets.admit(60 * KIB).await.unwrap();
        share.watch();
        let filling = budgets.small.try_take(SMALL_BODIES_BYTES_MAX).unwrap();
        let began = Instant::now();
        let used = |budgets: &BodyBudgets| (budgets.large.used(), budgets.small.used());
        let mut seen = Vec::new();

        for bytes in [10, 12, 5] {
            share.resize(bytes * KIB).await.unwrap();
            seen.push(used(&budgets));
        }
        drop(filling);
        for bytes in [4, 20] {
            share.resize(bytes * KIB).await.unwrap();
            seen.push(used(&budgets));
        }

        let full = SMALL_BODIES_BYTES_MAX;
        let expected = [(10 * KIB, full), (12 * KIB, full), (5 * KIB, full), (0, 4 * KIB), (20 * KIB, 0)];
        assert_eq!((&seen[..], began.elapsed()), (&expected[..], Duration::ZERO));
        assert!(share.taken.end().is_some(), "it is watched still");
    }
}
