//! Lines of standard input that were not published as they are: told one by one, as long as they are few, and counted.

use std::sync::Mutex;

use tokio::time::Instant;

use crate::limits::FLAWS_TOLD_INTERVAL;
use crate::terminal::talk::tell;

/// How many there were.
#[derive(Debug, Default)]
pub(super) struct Flaws(Mutex<Count>);

#[derive(Debug, Default)]
struct Count {
    mended: u64,
    skipped: u64,
    told_at: Option<Instant>,
}

impl Flaws {
    /// A line was published with U+FFFD in it.
    pub(super) fn mended(&self, line: u64) {
        self.with(|count| count.mended += 1, line, "is not UTF-8: U+FFFD stands for what is no character");
    }

    /// A line was left out.
    pub(super) fn skipped(&self, line: u64, why: &str) {
        self.with(|count| count.skipped += 1, line, &format!("{why}: it is not published"));
    }

    /// How many there were, in words; `None` if there was none.
    pub(super) fn words(&self) -> Option<String> {
        let count = self.0.lock().ok()?;
        let lines =
            |count: u64| if count == 1 { "1 line was".to_owned() } else { format!("{count} lines were") };
        let mended = (count.mended > 0).then(|| format!("{} not UTF-8 and mended", lines(count.mended)));
        let skipped = (count.skipped > 0).then(|| format!("{} too long and left out", lines(count.skipped)));
        let words: Vec<_> = mended.into_iter().chain(skipped).collect();
        (!words.is_empty()).then(|| words.join(", "))
    }

    /// Counts, and tells, unless one was told a moment ago.
    fn with(&self, change: impl FnOnce(&mut Count), line: u64, what: &str) {
        let Ok(mut count) = self.0.lock() else { return };
        change(&mut count);
        if count.told_at.is_none_or(|told| told.elapsed() >= FLAWS_TOLD_INTERVAL) {
            count.told_at = Some(Instant::now());
            tell(&format!("line {line} {what}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flaws_are_counted_by_kind() {
        let flaws = Flaws::default();
        assert_eq!(flaws.words(), None);

        flaws.mended(1);
        assert_eq!(flaws.words().as_deref(), Some("1 line was not UTF-8 and mended"));
        (2..=4).for_each(|line| flaws.skipped(line, "is too long"));

        let both = "1 line was not UTF-8 and mended, 3 lines were too long and left out";
        assert_eq!(flaws.words().as_deref(), Some(both));
    }
}
