//! How fast one reader takes the large frame that it keeps.
//!
//! The reader adds what it takes, and all others look without a lock. As for the bodies that come in, only what moved lately
//! counts: a reader that took nearly everything at once and then stopped is slow.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;

use crate::limits::{PACE_WINDOW, UNREAD_BYTES_PER_SECOND_MIN, UNREAD_GRACE, UNREAD_NEW_TIME};

/// The window that runs, and the one before.
const LATE_WINDOWS: u64 = 2;

/// Bits of a slot that count bytes, a terabyte; the others are the number of its window.
const BYTES_BITS: u32 = 40;

/// The bytes of the last two windows of time.
#[derive(Debug)]
pub(super) struct Progress {
    began: Instant,
    /// One for each window, in turn. The window's number stands beside its bytes, so that both are read at once.
    slots: [AtomicU64; LATE_WINDOWS as usize],
}

/// How fast a reader is, the slowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pace {
    /// It takes nothing, or a byte now and then, and its grace is over.
    Stalled,
    /// The same, in its grace.
    Still,
    /// It takes so many bytes in a second.
    Moving(u64),
    /// It has only come, and nothing is known of it.
    New,
}

impl Progress {
    pub(super) fn begin() -> Self {
        Self { began: Instant::now(), slots: Default::default() }
    }

    /// The reader has taken so many bytes more. Only the reader calls this.
    pub(super) fn took(&self, bytes: usize) {
        let window = self.window_at(Instant::now());
        let slot = &self.slots[(window % LATE_WINDOWS) as usize];
        let bytes = bytes_of(slot.load(Ordering::Relaxed), window) + bytes as u64;
        slot.store(window << BYTES_BITS | bytes.min((1 << BYTES_BITS) - 1), Ordering::Relaxed);
    }

    pub(super) fn pace(&self, now: Instant) -> Pace {
        let age = now.saturating_duration_since(self.began);
        if age < UNREAD_NEW_TIME {
            return Pace::New;
        }
        let window = self.window_at(now);
        let before = window.saturating_sub(1);
        let bytes = |window: u64| {
            bytes_of(self.slots[(window % LATE_WINDOWS) as usize].load(Ordering::Relaxed), window)
        };
        let lately = bytes(window) + if before < window { bytes(before) } else { 0 };
        let millis = age.as_millis() as u64 - before * PACE_WINDOW.as_millis() as u64;
        match lately * 1_000 / millis {
            bytes_per_second if bytes_per_second >= UNREAD_BYTES_PER_SECOND_MIN => {
                Pace::Moving(bytes_per_second)
            }
            _ if age < UNREAD_GRACE => Pace::Still,
            _ => Pace::Stalled,
        }
    }

    fn window_at(&self, now: Instant) -> u64 {
        (now.saturating_duration_since(self.began).as_nanos() / PACE_WINDOW.as_nanos()) as u64
    }
}

/// The bytes of a window, in the slot that is or was of that window.
fn bytes_of(slot: u64, window: u64) -> u64 {
    if slot >> BYTES_BITS == window { slot & ((1 << BYTES_BITS) - 1) } else { 0 }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    /// The pace after each second, with these bytes taken at its end.
    async fn paces(bytes: &[usize]) -> Vec<Pace> {
        let progress = Progress::begin();
        let mut paces = Vec::new();
        for bytes in bytes {
            advance(Duration::from_secs(1)).await;
            if *bytes > 0 {
                progress.took(*bytes);
            }
            paces.push(progress.pace(Instant::now()));
        }
        paces
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_is_new_then_still_and_then_stalled() {
        assert_eq!(Progress::begin().pace(Instant::now()), Pace::New);
        assert_eq!(paces(&[0; 5]).await, [[Pace::Still; 4].as_slice(), &[Pace::Stalled]].concat());
    }

    #[tokio::test(start_paused = true)]
    async fn a_steady_reader_keeps_its_pace_in_every_window() {
        assert_eq!(paces(&[100_000; 30]).await[..4], [Pace::Moving(100_000); 4]);
        // What is taken at the end of a second falls into the window that begins then.
        let seen = paces(&[100_000; 30]).await;
        assert!(
            seen[4..].iter().all(|pace| (Pace::Moving(90_000)..=Pace::Moving(120_000)).contains(pace)),
            "{seen:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_byte_now_and_then_is_no_progress() {
        assert_eq!(paces(&[1; 12]).await[11], Pace::Stalled);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_stops_after_a_burst_is_stalled_when_two_windows_are_over() {
        let mut bytes = [0; 12];
        bytes[0] = 1_000_000;

        let seen = paces(&bytes).await;

        assert!(seen[..9].iter().all(|pace| matches!(pace, Pace::Moving(_))), "{seen:?}");
        assert_eq!(seen[9..], [Pace::Stalled; 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_of_windows_long_ago_are_not_counted_with_new_ones() {
        let progress = Progress::begin();
        progress.took(1_000_000);
        advance(4 * PACE_WINDOW).await;
        progress.took(20_000);
        advance(Duration::from_secs(1)).await;

        assert_eq!(progress.pace(Instant::now()), Pace::Moving(20_000 / 6));
    }
}
