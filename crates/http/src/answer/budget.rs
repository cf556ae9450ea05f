//! What answers may hold until their clients have taken them: two budgets of bytes, so that small answers do not wait for
//! large ones.

use crate::budget::{Budget, Taken};
use crate::limits::{ANSWER_ROOM_WAIT_MAX, ANSWER_SMALL_SHARE, PIECE_BYTES};

/// The bytes of all answers that are under way. Cloning shares them.
#[derive(Clone)]
pub(crate) struct AnswerBudget {
    large: Budget,
    small: Budget,
}

impl AnswerBudget {
    pub(crate) fn new(bytes_max: usize) -> Self {
        let small = bytes_max / ANSWER_SMALL_SHARE;
        Self { large: Budget::new(bytes_max - small), small: Budget::new(small) }
    }

    /// Takes what a page of these bytes holds, if it is there.
    pub(crate) fn try_take(&self, page_bytes: usize) -> Option<Taken> {
        self.of(page_bytes).try_take(held(page_bytes))
    }

    /// Takes what a page of these bytes holds, and waits for it a little. Cancel safe.
    pub(crate) async fn take(&self, page_bytes: usize) -> Option<Taken> {
        self.of(page_bytes).take(held(page_bytes), ANSWER_ROOM_WAIT_MAX).await
    }

    /// Bytes that answers hold, over both budgets.
    pub(crate) fn used(&self) -> usize {
        self.large.used() + self.small.used()
    }

    /// Bytes that answers may hold, over both budgets.
    pub(crate) fn bytes_max(&self) -> usize {
        self.large.bytes_max() + self.small.bytes_max()
    }

    fn of(&self, page_bytes: usize) -> &Budget {
        if page_bytes <= PIECE_BYTES { &self.small } else { &self.large }
    }
}

/// A page that is not read holds its events, and one piece of its text.
fn held(page_bytes: usize) -> usize {
    page_bytes + PIECE_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_page_has_room_when_large_ones_hold_all_of_theirs() {
        let budget = AnswerBudget::new(1_048_576);

        let all = budget.try_take(1_048_576);

        assert!(all.is_some());
        assert!(budget.try_take(PIECE_BYTES + 1).is_none());
        assert!(budget.try_take(PIECE_BYTES).is_some());
        drop(all);
        assert_eq!(budget.used(), 0);
    }
}
