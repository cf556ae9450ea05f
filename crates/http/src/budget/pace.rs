//! How fast the bytes of one holder have moved lately.

use tokio::time::Instant;

use crate::limits::PACE_WINDOW;

/// The bytes that moved in the window of time that runs, and in the one before. Older bytes say nothing: a peer that sends
/// nearly everything at once and then stops is slow, however fast it was on the whole.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    began: Instant,
    /// Windows that are over.
    windows: u32,
    current: u64,
    previous: u64,
}

impl Pace {
    pub(super) fn begin() -> Self {
        Self { began: Instant::now(), windows: 0, current: 0, previous: 0 }
    }

    pub(super) fn moved(&mut self, bytes: usize) {
        self.current = self.current.saturating_add(bytes as u64);
    }

    /// Ends a window. Whether it and the one before had fewer bytes than this in each second; never after the first.
    pub(super) fn turn(&mut self, bytes_per_second_min: u64) -> bool {
        let least = bytes_per_second_min.saturating_mul(2 * PACE_WINDOW.as_secs());
        let is_below = self.windows > 0 && self.lately() < least;
        self.windows = self.windows.saturating_add(1);
        (self.previous, self.current) = (self.current, 0);
        is_below
    }

    /// The bytes of the window that runs, and of the one before.
    pub(super) fn lately(&self) -> u64 {
        self.previous.saturating_add(self.current)
    }

    /// When the first window ends. Before that nobody is called slow.
    pub(super) fn grace_end(&self) -> Instant {
        self.began + PACE_WINDOW
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The windows that were below 100 bytes a second, with these bytes in each.
    fn below(windows: &[usize]) -> Vec<bool> {
        let mut pace = Pace::begin();
        windows
            .iter()
            .map(|bytes| {
                pace.moved(*bytes);
                pace.turn(100)
            })
            .collect()
    }

    #[tokio::test]
    async fn a_peer_that_stops_after_a_burst_is_slow_after_two_windows() {
        assert_eq!(below(&[1_000_000, 0, 0]), [false, false, true]);
    }

    #[tokio::test]
    async fn a_peer_that_never_sends_is_slow_after_two_windows() {
        assert_eq!(below(&[0, 0]), [false, true]);
    }

    #[tokio::test]
    async fn a_byte_now_and_then_is_slow() {
        assert_eq!(below(&[5, 5, 5]), [false, true, true]);
    }

    #[tokio::test]
    async fn a_silence_of_one_window_is_forgiven_for_what_came_beside_it() {
        assert_eq!(below(&[0, 1_000, 0, 1_000, 999, 0]), [false, false, false, false, false, true]);
    }

    #[tokio::test]
    async fn the_least_pace_exactly_is_not_slow() {
        assert_eq!(below(&[500, 500, 499]), [false, false, true]);
    }
}
