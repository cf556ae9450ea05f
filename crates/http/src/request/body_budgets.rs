//! The budgets that the bodies of publishes are admitted by, and the share that one body has of them.
//!
//! There are three, so that who sends slowly stops nobody else. A large body takes its share of `bodies_bytes_max`. Small
//! bodies have a reserve, which large ones cannot fill; and those that came whole, in one piece, have one which not even
//! small bodies can fill that stop before their end.
//!
//! Over HTTP/2 a body needs one of its connection's [`WaitingPlaces`] to wait for room.

use http::header::RETRY_AFTER;

use super::waiting_places::{AllWaitingPlaces, WaitingPlaces};
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
    places: AllWaitingPlaces,
    bytes_per_second_min: u64,
}

impl BodyBudgets {
    pub(crate) fn new(bodies_bytes_max: usize, bytes_per_second_min: u64) -> Self {
        Self {
            large: Budget::new(bodies_bytes_max),
            small: Budget::new(SMALL_BODIES_BYTES_MAX),
            whole: Budget::new(WHOLE_BODIES_BYTES_MAX),
            places: AllWaitingPlaces::new(),
            bytes_per_second_min,
        }
    }

    /// Where the bodies of a connection wait that has several requests at once.
    pub(crate) fn waiting_places(&self) -> WaitingPlaces {
        WaitingPlaces::new(self.places.clone())
    }

    /// Admits the body of a request. `places` are those of its connection, if it has any.
    pub(crate) fn admission(&self, places: Option<WaitingPlaces>) -> Admission<'_> {
        Admission { budgets: self, places }
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

/// What one body is admitted by.
#[derive(Clone)]
pub(crate) struct Admission<'a> {
    budgets: &'a BodyBudgets,
    places: Option<WaitingPlaces>,
}

impl<'a> Admission<'a> {
    /// A share for a body, or for so much of a body.
    pub(crate) async fn admit(&self, bytes: usize) -> Result<BodyShare<'a>, Problem> {
        let kind = BodyKind::of(bytes);
        let budget = kind.budget(self.budgets);
        let taken = match budget.try_take(bytes) {
            Some(taken) => taken,
            None => {
                let _place = WaitingPlaces::of(&self.places).map_err(|_| no_place(kind))?;
                budget.take(bytes, BODY_ADMISSION_WAIT_MAX).await.ok_or_else(|| full(kind))?
            }
        };
        Ok(self.share(taken, kind))
    }

    /// A share for a body that came whole, in one piece. It needs no place to wait: there is nothing left to read.
    pub(crate) async fn admit_whole(&self, bytes: usize) -> Result<BodyShare<'a>, Problem> {
        let (kind, budget) = match BodyKind::of(bytes) {
            BodyKind::Large => (BodyKind::Large, &self.budgets.large),
            BodyKind::Small => (BodyKind::Small, &self.budgets.whole),
        };
        let taken = budget.take(bytes, BODY_ADMISSION_WAIT_MAX).await.ok_or_else(|| full(kind))?;
        Ok(self.share(taken, kind))
    }

    fn share(&self, taken: Taken, kind: BodyKind) -> BodyShare<'a> {
        BodyShare { admission: self.clone(), taken, kind }
    }
}

/// The bytes that one body may hold. They are given back when it is dropped.
#[must_use]
pub(crate) struct BodyShare<'a> {
    admission: Admission<'a>,
    taken: Taken,
    /// By its size. A body that came whole and small is of neither budget, and is never resized.
    kind: BodyKind,
}

impl BodyShare<'_> {
    /// Makes it so many bytes, and waits for room if they are more than before. Cancel safe.
    pub(crate) async fn resize(&mut self, bytes: usize) -> Result<(), Problem> {
        let budgets = self.admission.budgets;
        let kind = BodyKind::of(bytes);
        if kind != self.kind {
            // What it takes of the other budget is taken before what it had is given back.
            if self.taken.try_move_to(kind.budget(budgets), bytes) {
                self.kind = kind;
                return Ok(());
            }
            if kind == BodyKind::Large {
                let _place = WaitingPlaces::of(&self.admission.places).map_err(|_| no_place(kind))?;
                let moved = self.taken.move_to(&budgets.large, bytes, BODY_ADMISSION_WAIT_MAX).await;
                moved.map_err(|why| self.not_grown(why, kind))?;
                self.kind = kind;
                return Ok(());
            }
            // One that shrinks waits for nothing: if the reserve for small bodies is full, it stays where it is.
        }
        let before = self.taken.bytes();
        self.taken.shrink_to(bytes);
        if bytes <= before || self.taken.try_grow(bytes - before) {
            return Ok(());
        }
        let kind = self.kind;
        let _place = WaitingPlaces::of(&self.admission.places).map_err(|_| no_place(kind))?;
        let grown = self.taken.grow(bytes - before, BODY_ADMISSION_WAIT_MAX).await;
        grown.map_err(|why| self.not_grown(why, kind))
    }

    /// Begins to watch the publisher: it must keep the least rate, and the body may be ended for others.
    pub(crate) fn watch(&mut self) {
        self.taken.watch(self.bytes_per_second_min());
    }

    /// Ends the watch: the body does not wait for its publisher now.
    pub(crate) fn unwatch(&mut self) {
        self.taken.unwatch();
    }

    /// Waits for the next bytes of a publisher, unless it is too slow. As cancel safe as `work`.
    pub(crate) async fn unless_slow<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Problem> {
        let rate = self.bytes_per_second_min();
        self.taken.unless_slow(work).await.map_err(|slow| too_slow(slow, rate))
    }

    /// Takes note that bytes have come.
    pub(crate) fn moved(&self, bytes: usize) {
        self.taken.moved(bytes);
    }

    fn not_grown(&self, why: NotGrown, kind: BodyKind) -> Problem {
        match why {
            NotGrown::NoRoom => full(kind),
            NotGrown::Slow(slow) => too_slow(slow, self.bytes_per_second_min()),
        }
    }

    fn bytes_per_second_min(&self) -> u64 {
        self.admission.budgets.bytes_per_second_min
    }
}

/// By its size a body belongs to one budget or the other, as long as it has not come whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BodyKind {
    Large,
    Small,
}

impl BodyKind {
    fn of(bytes: usize) -> Self {
        if bytes > SMALL_BODY_BYTES_MAX { Self::Large } else { Self::Small }
    }

    fn budget(self, budgets: &BodyBudgets) -> &Budget {
        match self {
            Self::Large => &budgets.large,
            Self::Small => &budgets.small,
        }
    }

    /// What is full when there is no room for such a body.
    fn bound(self) -> &'static str {
        match self {
            Self::Large => "bodies_bytes_max",
            Self::Small => "the reserve for small bodies",
        }
    }
}

fn full(kind: BodyKind) -> Problem {
    bodies_full(kind, "")
}

fn no_place(kind: BodyKind) -> Problem {
    bodies_full(kind, ", and as many others wait for room as may, on this connection or on all")
}

fn bodies_full(kind: BodyKind, and: &str) -> Problem {
    let bound = kind.bound();
    let detail = format!(
        "the bodies that other publishers are sending take up all of {bound}{and}; try again in a moment"
    );
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
        let mut share = budgets.admission(None).admit(60 * KIB).await.unwrap();
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
