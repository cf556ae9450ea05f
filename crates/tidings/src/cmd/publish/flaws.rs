//! What standard input has that was not published as it is: told one by one, as long as there are few, and counted.

use std::sync::Mutex;

use tokio::time::Instant;

use crate::limits::FLAWS_TOLD_INTERVAL;
use crate::terminal::talk::tell;

/// How many there were.
#[derive(Debug)]
pub(super) struct Flaws {
    noun: Noun,
    count: Mutex<Count>,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Noun {
    Line,
    Event,
}

#[derive(Debug, Default)]
struct Count {
    mended: u64,
    too_long: u64,
    refused: u64,
    told_at: Option<Instant>,
}

impl Flaws {
    pub(super) fn of(noun: Noun) -> Self {
        Self { noun, count: Mutex::default() }
    }

    /// A line, or the event that begins with it, was published with U+FFFD in it.
    pub(super) fn mended(&self, line: u64) {
        self.with(|count| count.mended += 1, line, "is not UTF-8: U+FFFD stands for what is no character");
    }

    /// It was left out because it is too long.
    pub(super) fn too_long(&self, line: u64, why: &str) {
        self.with(|count| count.too_long += 1, line, &format!("{why}: it is not published"));
    }

    /// It was left out because the hub does not take it.
    pub(super) fn refused(&self, line: u64, why: &str) {
        self.with(|count| count.refused += 1, line, &format!("is not published: {why}"));
    }

    /// How many there were, in words; `None` if there was none.
    pub(super) fn words(&self) -> Option<String> {
        let count = self.count.lock().ok()?;
        let kinds = [
            (count.mended, "not UTF-8 and mended"),
            (count.too_long, "too long and left out"),
            (count.refused, "refused by the hub and left out"),
        ];
        let words: Vec<_> =
            kinds.into_iter().filter_map(|(count, what)| self.noun.counted(count, what)).collect();
        (!words.is_empty()).then(|| words.join(", "))
    }

    /// Counts, and tells, unless one was told a moment ago.
    fn with(&self, change: impl FnOnce(&mut Count), line: u64, what: &str) {
        let Ok(mut count) = self.count.lock() else { return };
        change(&mut count);
        if count.told_at.is_none_or(|told| told.elapsed() >= FLAWS_TOLD_INTERVAL) {
            count.told_at = Some(Instant::now());
            match self.noun {
                Noun::Line => tell(&format!("line {line} {what}")),
                Noun::Event => tell(&format!("the event at line {line} {what}")),
            }
        }
    }
}

impl Noun {
    fn counted(self, count: u64, what: &str) -> Option<String> {
        match (self, count) {
            (_, 0) => None,
            (Self::Line, 1) => Some(format!("1 line was {what}")),
            (Self::Line, _) => Some(format!("{count} lines were {what}")),
            (Self::Event, 1) => Some(format!("1 event was {what}")),
            (Self::Event, _) => Some(format!("{count} events were {what}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flaws_are_counted_by_kind() {
        let flaws = Flaws::of(Noun::Line);
        assert_eq!(flaws.words(), None);

        flaws.mended(1);
        assert_eq!(flaws.words().as_deref(), Some("1 line was not UTF-8 and mended"));
        (2..=4).for_each(|line| flaws.too_long(line, "is too long"));

        let both = "1 line was not UTF-8 and mended, 3 lines were too long and left out";
        assert_eq!(flaws.words().as_deref(), Some(both));
    }

    #[test]
    fn events_are_counted_as_events() {
        let flaws = Flaws::of(Noun::Event);

        flaws.refused(1, "the hub answered 400");
        flaws.mended(4);
        flaws.mended(9);

        let words = "2 events were not UTF-8 and mended, 1 event was refused by the hub and left out";
        assert_eq!(flaws.words().as_deref(), Some(words));
    }
}
