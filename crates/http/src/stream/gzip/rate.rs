//! How much work may be done in a second.

use std::time::Duration;

use tokio::time::Instant;

/// A budget that fills again with time, up to that of one second.
#[derive(Debug)]
pub(super) struct Rate {
    per_second: u64,
    left: u64,
    filled_at: Instant,
}

impl Rate {
    pub(super) fn new(per_second: u64) -> Self {
        Self { per_second, left: per_second, filled_at: Instant::now() }
    }

    /// Whether anything is left.
    pub(super) fn is_left(&mut self) -> bool {
        self.fill();
        self.left > 0
    }

    /// Takes the cost of a piece of work, if anything is left: the last piece may cost more, and is worked off later.
    pub(super) fn take(&mut self, cost: u64) -> bool {
        if !self.is_left() {
            return false;
        }
        let debt = cost.saturating_sub(self.left);
        self.left = self.left.saturating_sub(cost);
        // A debt is time in which nothing is filled.
        self.filled_at += Duration::from_secs(1).mul_f64(debt as f64 / self.per_second.max(1) as f64);
        true
    }

    fn fill(&mut self) {
        let now = Instant::now();
        let elapsed = now.saturating_duration_since(self.filled_at);
        let filled = elapsed.as_nanos() * u128::from(self.per_second) / 1_000_000_000;
        // Less than a unit waits for its other part.
        if filled > 0 {
            self.left = u128::from(self.left).saturating_add(filled).min(u128::from(self.per_second)) as u64;
            self.filled_at = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_second_holds_as_much_as_was_said_and_debts_are_worked_off() {
        let mut rate = Rate::new(1_000);
        assert!(rate.take(400) && rate.take(600) && !rate.take(1));

        advance(Duration::from_millis(100)).await;
        assert!(rate.take(3_100), "what is begun is finished");
        advance(Duration::from_millis(2_900)).await;
        assert!(!rate.is_left());
        advance(Duration::from_millis(200)).await;
        assert!(rate.take(1));

        advance(Duration::from_secs(1_000)).await;
        assert!(rate.take(1_000) && !rate.take(1));
    }
}
