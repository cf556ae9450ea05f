//! The pace of a client: how many frames it may send. A bucket that fills by the second.

use tokio::time::Instant;

use super::close::{CloseCode, Fault};
use crate::limits::{SOCKET_FRAMES_BURST, SOCKET_FRAMES_PER_SECOND};

/// How many frames a client may still send.
pub(super) struct Pace {
    left: u32,
    filled_at: Instant,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { left: SOCKET_FRAMES_BURST, filled_at: now }
    }

    /// A frame has come.
    pub(super) fn came(&mut self, now: Instant) -> Result<(), Fault> {
        if self.left == 0 {
            let seconds = now.saturating_duration_since(self.filled_at).as_secs_f64();
            let more = (seconds * f64::from(SOCKET_FRAMES_PER_SECOND)) as u32;
            if more == 0 {
                return Err(Fault { code: CloseCode::TOO_MANY_FRAMES, reason: "too many frames" });
            }
            self.left = more.min(SOCKET_FRAMES_BURST);
            self.filled_at = now;
        }
        self.left -= 1;
        Ok(())
    }

    /// The frame was a publish, which has limits of its own.
    pub(super) fn does_not_count(&mut self) {
        self.left = (self.left + 1).min(SOCKET_FRAMES_BURST);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_client_has_a_burst_and_then_so_many_a_second() {
        let began = Instant::now();
        let mut pace = Pace::new(began);
        let frames = |pace: &mut Pace, now| (0..10_000).take_while(|_| pace.came(now).is_ok()).count();

        assert_eq!(frames(&mut pace, began), SOCKET_FRAMES_BURST as usize);
        assert_eq!(frames(&mut pace, began + Duration::from_secs(1)), SOCKET_FRAMES_PER_SECOND as usize);
        assert_eq!(frames(&mut pace, began + Duration::from_secs(3_600)), SOCKET_FRAMES_BURST as usize);
    }
}
