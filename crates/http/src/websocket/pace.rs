//! The pace of a client: how many frames it may send. A bucket that fills by the second.

use tokio::time::Instant;

use super::close::{CloseCode, Fault};
use crate::limits::{SOCKET_FRAMES_BURST, SOCKET_FRAMES_PER_SECOND};

/// How many frames a client may still send.
pub(super) struct Pace {
    /// Less than nothing after a message that cost more than was left.
    left: i64,
    filled_at: Instant,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { left: i64::from(SOCKET_FRAMES_BURST), filled_at: now }
    }

    /// A frame has come.
    pub(super) fn came(&mut self, now: Instant) -> Result<(), Fault> {
        if self.left <= 0 {
            let seconds = now.saturating_duration_since(self.filled_at).as_secs_f64();
            let more = (seconds * f64::from(SOCKET_FRAMES_PER_SECOND)) as i64;
            let left = self.left.saturating_add(more).min(i64::from(SOCKET_FRAMES_BURST));
            if left <= 0 {
                return Err(Fault { code: CloseCode::TOO_MANY_FRAMES, reason: "too many frames" });
            }
            (self.left, self.filled_at) = (left, now);
        }
        self.left -= 1;
        Ok(())
    }

    /// What has come counts as this many frames more.
    pub(super) fn counts_more(&mut self, frames: usize) {
        self.left = self.left.saturating_sub(i64::try_from(frames).unwrap_or(i64::MAX));
    }

    /// The frame was a publish, which has limits of its own.
    pub(super) fn does_not_count(&mut self) {
        self.left = (self.left + 1).min(i64::from(SOCKET_FRAMES_BURST));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn frames(pace: &mut Pace, now: Instant) -> usize {
        (0..10_000).take_while(|_| pace.came(now).is_ok()).count()
    }

    #[test]
    fn a_client_has_a_burst_and_then_a_number_of_frames_a_second() {
        let began = Instant::now();
        let mut pace = Pace::new(began);

        assert_eq!(frames(&mut pace, began), SOCKET_FRAMES_BURST as usize);
        assert_eq!(frames(&mut pace, began + Duration::from_secs(1)), SOCKET_FRAMES_PER_SECOND as usize);
        assert_eq!(frames(&mut pace, began + Duration::from_secs(3_600)), SOCKET_FRAMES_BURST as usize);
    }

    #[test]
    fn what_costs_more_than_is_left_is_waited_for() {
        let began = Instant::now();
        let mut pace = Pace::new(began);
        pace.counts_more(SOCKET_FRAMES_BURST as usize + 50);

        assert_eq!(frames(&mut pace, began), 0);
        assert_eq!(frames(&mut pace, began + Duration::from_millis(500)), 0);
        assert_eq!(frames(&mut pace, began + Duration::from_millis(1_500)), 100);
    }
}
