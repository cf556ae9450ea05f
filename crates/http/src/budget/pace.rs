//! How fast the bytes of one holder have moved lately.

use tokio::time::Instant;

use crate::limits::PACE_WINDOW;

/// The bytes that moved in the window of time that runs, and in the one before. Older bytes say nothing: a peer that sends
/// nearly everything at once and then stops is slow, however fast it was on the whole.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    began: Instant,
    /// The beginning of the window that runs.
    window_began: Instant,
    /// Windows that are over.
    windows: u32,
    current: u64,
    previous: u64,
}

impl Pace {
    pub(super) fn begin() -> Self {
        let now = Instant::now();
        Self { began: now, window_began: now, windows: 0, current: 0, previous: 0 }
    }

    pub(super) fn moved(&mut self, bytes: usize) {
        self.current = self.current.saturating_add(bytes as u64);
    }

    /// Bytes moved, and nobody ends windows in time: those that are over end now.
    pub(super) fn moved_after_a_while(&mut self, bytes: usize) {
        let now = Instant::now();
        match self.windows_over(now) {
            0 => {}
            over => {
                self.previous = if over == 1 { self.current } else { 0 };
                self.current = 0;
                self.window_began = now;
            }
        }
        self.moved(bytes);
    }

    /// Ends a window. Whether it and the one before had fewer bytes than this in each second; never after the first.
    pub(super) fn turn(&mut self, bytes_per_second_min: u64) -> bool {
        let least = bytes_per_second_min.saturating_mul(2 * PACE_WINDOW.as_secs());
        let is_below = self.windows > 0 && self.previous.saturating_add(self.current) < least;
        self.windows = self.windows.saturating_add(1);
        (self.previous, self.current) = (self.current, 0);
        self.window_began = Instant::now();
        is_below
    }

    /// The bytes of the window that runs, and of the one before.
    pub(super) fn lately(&self) -> u64 {
        match self.windows_over(Instant::now()) {
            0 => self.previous.saturating_add(self.current),
            1 => self.current,
            _ => 0,
        }
    }

    /// Windows that are over and were not ended.
    fn windows_over(&self, now: Instant) -> u128 {
        now.saturating_duration_since(self.window_began).as_nanos() / PACE_WINDOW.as_nanos()
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

    #[tokio::test(start_paused = true)]
    async fn bytes_that_moved_long_ago_are_forgotten_though_nobody_ends_windows() {
        let mut pace = Pace::begin();
        let mut lately = Vec::new();

        for moved in [1_000, 10, 0, 0] {
            if moved > 0 {
                pace.moved_after_a_while(moved);
            }
            lately.push(pace.lately());
            tokio::time::advance(PACE_WINDOW).await;
        }

        assert_eq!(lately, [1_000, 1_010, 10, 0]);
    }

    #[tokio::test]
    async fn the_least_pace_exactly_is_not_slow() {
        assert_eq!(below(&[500, 500, 499]), [false, false, true]);
    }
}
