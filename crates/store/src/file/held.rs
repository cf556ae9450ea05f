//! How long retention has been held, and when to say so.

use std::time::{Duration, Instant};

use tidings_core::Sequence;

use crate::limits::HELD_WARN_AFTER;

/// Watches the oldest segment that would leave and is held. That another one is the oldest is progress.
#[derive(Debug, Default)]
pub(super) struct HeldTime(Option<Oldest>);

#[derive(Debug)]
struct Oldest {
    base: Sequence,
    since: Instant,
    tell_at: Instant,
}

impl HeldTime {
    /// Takes note of the oldest segment that is held now. The answer is how long it has been, if it is time to say so.
    pub(super) fn look(&mut self, held: Option<Sequence>, now: Instant) -> Option<Duration> {
        let Some(base) = held else {
            self.0 = None;
            return None;
        };
        if self.0.as_ref().is_none_or(|oldest| oldest.base != base) {
            self.0 = Some(Oldest { base, since: now, tell_at: now + HELD_WARN_AFTER });
        }
        let oldest = self.0.as_mut().filter(|oldest| oldest.tell_at <= now)?;
        oldest.tell_at = now + HELD_WARN_AFTER;
        Some(now.saturating_duration_since(oldest.since))
    }

    /// How long to wait for the next look, if anything is held.
    pub(super) fn due_in(&self, now: Instant) -> Option<Duration> {
        self.0.as_ref().map(|oldest| oldest.tell_at.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_for_long_is_told_again_and_again_and_progress_is_not() {
        let (mut time, begun) = (HeldTime::default(), Instant::now());
        let after = |parts: u32| begun + HELD_WARN_AFTER / 4 * parts;
        let one = Some(Sequence(1));

        assert_eq!((time.look(None, begun), time.due_in(begun)), (None, None));
        assert_eq!((time.look(one, begun), time.due_in(begun)), (None, Some(HELD_WARN_AFTER)));
        assert_eq!(time.look(one, after(3)), None);
        assert_eq!(time.look(one, after(4)), Some(HELD_WARN_AFTER));
        assert_eq!((time.look(one, after(5)), time.due_in(after(5))), (None, Some(HELD_WARN_AFTER / 4 * 3)));
        assert_eq!(time.look(one, after(8)), Some(HELD_WARN_AFTER * 2));
        // Another one is the oldest now.
        assert_eq!(time.look(Some(Sequence(9)), after(12)), None);
        assert_eq!(time.look(Some(Sequence(9)), after(15)), None);
        // Nothing is held for a moment.
        assert_eq!(time.look(None, after(15)), None);
        assert_eq!(time.look(Some(Sequence(9)), after(18)), None);
    }
}
