//! How fast the bytes of one holder have moved lately.

use std::time::Duration;

use tokio::time::Instant;

use crate::limits::{PACE_WINDOW, RATE_WINDOWS};

/// Windows that count as lately: the one that runs, and the one before.
const LATE_WINDOWS: usize = 2;

/// The bytes that moved in the window of time that runs, and in those before. Older bytes say nothing: a peer that sends
/// nearly everything at once and then stops is slow, however fast it was on the whole.
///
/// The last two windows tell which of several peers should end for others, and all of them whether one has kept its least
/// rate: it should be forgiven a longer silence as long as nobody needs the room.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    began: Instant,
    /// The beginning of the window that runs.
    window_began: Instant,
    /// Since when the clock is stopped.
    stopped_at: Option<Instant>,
    /// Windows that were ended by [`turn`](Self::turn).
    turns: usize,
    /// Bytes of each window, of the one that runs first.
    windows: [u64; RATE_WINDOWS],
}

impl Pace {
    pub(super) fn begin() -> Self {
        let now = Instant::now();
        Self { began: now, window_began: now, stopped_at: None, turns: 0, windows: [0; RATE_WINDOWS] }
    }

    pub(super) fn moved(&mut self, bytes: usize) {
        let current = &mut self.windows[0];
        *current = current.saturating_add(bytes as u64);
    }

    /// Stops the clock: from now on it is the hub that keeps the peer waiting.
    pub(super) fn stop(&mut self) {
        self.stopped_at = Some(Instant::now());
    }

    /// Lets the clock run on. Returns for how long it was stopped, which counts as if it had not been.
    pub(super) fn go_on(&mut self) -> Duration {
        let stopped = self.stopped_at.take().map_or(Duration::ZERO, |at| at.elapsed());
        self.began += stopped;
        self.window_began += stopped;
        stopped
    }

    /// Bytes moved, and nobody ends windows in time: those that are over end now.
    pub(super) fn moved_after_a_while(&mut self, bytes: usize) {
        let now = Instant::now();
        let over = self.windows_over(now);
        if over > 0 {
            self.end_windows(over, now);
        }
        self.moved(bytes);
    }

    /// Ends a window. Whether the last `RATE_WINDOWS` of them had fewer bytes than this in each second; never before there
    /// are as many.
    pub(super) fn turn(&mut self, bytes_per_second_min: u64) -> bool {
        self.turns = self.turns.saturating_add(1);
        let least = bytes_per_second_min.saturating_mul(RATE_WINDOWS as u64 * PACE_WINDOW.as_secs());
        let is_below = self.turns >= RATE_WINDOWS && sum(&self.windows) < least;
        self.end_windows(1, Instant::now());
        is_below
    }

    /// The bytes of the window that runs, and of the one before.
    pub(super) fn lately(&self) -> u64 {
        let over = self.windows_over(self.stopped_at.unwrap_or_else(Instant::now));
        sum(&self.windows[..LATE_WINDOWS.saturating_sub(over)])
    }

    fn end_windows(&mut self, over: usize, now: Instant) {
        let over = over.min(RATE_WINDOWS);
        self.windows.rotate_right(over);
        self.windows[..over].fill(0);
        self.window_began = now;
    }

    /// Windows that are over and were not ended.
    fn windows_over(&self, now: Instant) -> usize {
        let over = now.saturating_duration_since(self.window_began).as_nanos() / PACE_WINDOW.as_nanos();
        usize::try_from(over).unwrap_or(usize::MAX)
    }

    /// When the first window ends. Before that nobody is called slow. A stopped clock does not put it off: of several holders
    /// that wait for each other's room, one must end.
    pub(super) fn grace_end(&self) -> Instant {
        self.began + PACE_WINDOW
    }
}

fn sum(windows: &[u64]) -> u64 {
    windows.iter().fold(0, |sum, bytes| sum.saturating_add(*bytes))
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
    async fn a_peer_that_stops_after_a_burst_is_slow_after_six_windows() {
        let seen = below(&[1_000_000, 0, 0, 0, 0, 0, 0]);
        assert_eq!(seen, [false, false, false, false, false, false, true]);
    }

    #[tokio::test]
    async fn a_peer_that_never_sends_is_slow_after_six_windows() {
        assert_eq!(below(&[0; 6]), [false, false, false, false, false, true]);
    }

    #[tokio::test]
    async fn a_byte_now_and_then_is_slow() {
        assert_eq!(below(&[5; 7]), [false, false, false, false, false, true, true]);
    }

    #[tokio::test]
    async fn a_silence_of_five_windows_is_forgiven_for_what_came_beside_it() {
        let windows = [3_000, 0, 0, 0, 0, 0, 3_000, 0, 0, 0, 0, 0, 2_999, 0];
        let seen = below(&windows);
        assert_eq!((&seen[..12], &seen[12..]), (&[false; 12][..], &[true, true][..]));
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

    #[tokio::test(start_paused = true)]
    async fn windows_that_nobody_ended_in_time_count_as_silence() {
        let mut pace = Pace::begin();
        pace.moved(1_000);

        tokio::time::advance(3 * PACE_WINDOW).await;
        pace.moved_after_a_while(10);

        assert_eq!(pace.windows, [10, 0, 0, 1_000, 0, 0]);
    }

    /// The clock ran on while the hub kept a peer waiting for room, and bytes of just before counted as old.
    #[tokio::test(start_paused = true)]
    async fn the_time_for_which_the_clock_is_stopped_does_not_count() {
        let mut pace = Pace::begin();
        let grace_end = pace.grace_end();
        pace.moved(1_000);

        tokio::time::advance(PACE_WINDOW / 2).await;
        pace.stop();
        tokio::time::advance(3 * PACE_WINDOW).await;
        let lately = pace.lately();
        let stopped = pace.go_on();
        tokio::time::advance(PACE_WINDOW).await;
        pace.moved_after_a_while(10);

        assert_eq!((lately, stopped), (1_000, 3 * PACE_WINDOW));
        assert_eq!(pace.windows, [10, 1_000, 0, 0, 0, 0]);
        assert_eq!(pace.grace_end(), grace_end + 3 * PACE_WINDOW);
    }

    #[tokio::test]
    async fn the_least_pace_exactly_is_not_slow() {
        let seen = below(&[500, 500, 500, 500, 500, 500, 499]);
        assert_eq!(seen, [false, false, false, false, false, false, true]);
    }
}
