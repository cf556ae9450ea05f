//! A bar that says how far a command has come. It is drawn on standard error, for people at a terminal alone.

use std::io::{IsTerminal, stderr};

use tidings_store::offline::Progress;
use tokio::time::Instant;

use super::shown::bytes;
use crate::limits::{BAR_CELLS, BAR_INTERVAL};
use crate::terminal::talk;

/// ANSI: to the end of the line.
const ERASE: &str = "\x1b[K";

/// A bar.
pub(super) struct Bar {
    what: &'static str,
    is_shown: bool,
    drawn_at: Option<Instant>,
}

impl Bar {
    /// A bar that begins with a word for what is done, such as `reading`.
    pub(super) fn new(what: &'static str) -> Self {
        Self { what, is_shown: stderr().is_terminal(), drawn_at: None }
    }

    /// Draws it, unless that was done just now.
    pub(super) fn show(&mut self, progress: Progress) {
        let is_early = self.drawn_at.is_some_and(|at| at.elapsed() < BAR_INTERVAL);
        if !self.is_shown || is_early {
            return;
        }
        self.drawn_at = Some(Instant::now());
        talk::draw(&format!("\r{}{ERASE}", line(self.what, progress)));
    }

    /// Takes it away.
    pub(super) fn clear(&self) {
        if self.drawn_at.is_some() {
            talk::draw(&format!("\r{ERASE}"));
        }
    }
}

fn line(what: &str, progress: Progress) -> String {
    let Progress { done, total, .. } = progress;
    let full =
        usize::try_from(u128::from(done) * BAR_CELLS as u128 / u128::from(total.max(1))).unwrap_or(BAR_CELLS);
    let (full, empty) = ("#".repeat(full.min(BAR_CELLS)), ".".repeat(BAR_CELLS.saturating_sub(full)));
    format!("{what} [{full}{empty}] {} of {}", bytes(done), bytes(total))
}
