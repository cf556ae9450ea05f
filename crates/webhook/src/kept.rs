//! Answers that are kept for their time.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tidings_http::core::UnixMillis;

use crate::desk::Answer;
use crate::limits::{WEBHOOK_ANSWERS_BYTES_MAX, WEBHOOK_ANSWERS_MAX};
use crate::question::Digest;

/// Answers, by what was asked. If there is no room, those go first that end first.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    answers: HashMap<Digest, Entry>,
    /// In the order in which they end.
    ends: BTreeMap<(UnixMillis, Digest), ()>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    answer: Arc<Answer>,
    until: UnixMillis,
    bytes: usize,
}

impl Kept {
    /// The answer to a question, if it still holds.
    pub(crate) fn answer(&self, digest: &Digest, now: UnixMillis) -> Option<Arc<Answer>> {
        self.answers.get(digest).filter(|entry| now < entry.until).map(|entry| entry.answer.clone())
    }

    /// Keeps an answer of this size.
    pub(crate) fn keep(&mut self, digest: Digest, answer: Arc<Answer>, until: UnixMillis, bytes: usize) {
        self.forget(&digest);
        self.ends.insert((until, digest), ());
        self.answers.insert(digest, Entry { answer, until, bytes });
        self.bytes += bytes;
    }

    /// Makes room for what was kept last, and forgets what is over.
    pub(crate) fn tidy(&mut self, now: UnixMillis) {
        while let Some(((until, digest), ())) = self.ends.first_key_value() {
            let fits = self.answers.len() <= WEBHOOK_ANSWERS_MAX && self.bytes <= WEBHOOK_ANSWERS_BYTES_MAX;
            if fits && now < *until {
                return;
            }
            let digest = *digest;
            self.forget(&digest);
        }
    }

    fn forget(&mut self, digest: &Digest) {
        if let Some(entry) = self.answers.remove(digest) {
            self.ends.remove(&(entry.until, *digest));
            self.bytes -= entry.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(number: usize) -> Digest {
        let mut digest = Digest::default();
        digest[..8].copy_from_slice(&number.to_be_bytes());
        digest
    }

    fn kept(answers: impl IntoIterator<Item = (usize, u64, usize)>) -> Kept {
        let mut kept = Kept::default();
        for (number, until, bytes) in answers {
            kept.keep(digest(number), Arc::default(), UnixMillis(until), bytes);
            kept.tidy(UnixMillis(0));
        }
        kept
    }

    fn has(kept: &Kept, number: usize, now: u64) -> bool {
        kept.answer(&digest(number), UnixMillis(now)).is_some()
    }

    #[test]
    fn an_answer_holds_until_its_end() {
        let mut kept = kept([(1, 100, 10), (2, 200, 10)]);

        assert!(has(&kept, 1, 99) && !has(&kept, 1, 100) && has(&kept, 2, 100) && !has(&kept, 3, 0));
        kept.tidy(UnixMillis(100));
        assert_eq!((kept.answers.len(), kept.ends.len(), kept.bytes), (1, 1, 10));
    }

    #[test]
    fn an_answer_takes_the_place_of_the_one_before() {
        let kept = kept([(1, 100, 10), (1, 200, 30)]);

        assert!(has(&kept, 1, 150));
        assert_eq!((kept.answers.len(), kept.ends.len(), kept.bytes), (1, 1, 30));
    }

    #[test]
    fn the_number_and_the_bytes_are_bounded_and_what_ends_first_goes_first() {
        let many = kept((0..=WEBHOOK_ANSWERS_MAX).map(|number| (number, 1_000 + number as u64, 1)));
        assert_eq!((many.answers.len(), many.ends.len()), (WEBHOOK_ANSWERS_MAX, WEBHOOK_ANSWERS_MAX));
        assert!(!has(&many, 0, 0) && has(&many, 1, 0));

        let large = kept([(1, 300, WEBHOOK_ANSWERS_BYTES_MAX), (2, 400, 1), (3, 500, 1)]);
        assert!(!has(&large, 1, 0) && has(&large, 2, 0) && has(&large, 3, 0));
        assert_eq!(large.bytes, 2);
    }
}
