//! An estimate of how many patterns have a gram.

/// Counters. Some 10,000 patterns of the worst kind have this many different grams.
const COUNTERS: usize = 65_536;

/// Counts grams by a part of their key, so that it is never less than the truth, and has a fixed size: 256 KiB. None
/// are counted before [`begin`](Self::begin).
#[derive(Default)]
pub(super) struct Sketch(Option<Box<[u32]>>);

impl Sketch {
    /// Begins to count.
    pub(super) fn begin(&mut self) {
        self.0 = Some(vec![0; COUNTERS].into());
    }

    pub(super) fn has_begun(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn add(&mut self, key: u64) {
        if let Some(counts) = &mut self.0 {
            counts[counter(key)] += 1;
        }
    }

    pub(super) fn remove(&mut self, key: u64) {
        if let Some(counts) = &mut self.0 {
            counts[counter(key)] -= 1;
        }
    }

    /// How many patterns have the gram, or more.
    pub(super) fn count(&self, key: u64) -> u32 {
        self.0.as_ref().map_or(0, |counts| counts[counter(key)])
    }
}

fn counter(key: u64) -> usize {
    (key >> 32) as usize % COUNTERS
}
