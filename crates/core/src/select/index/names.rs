//! The literal segments of all patterns, each with a small number, so that segments are compared as numbers.

use std::hash::{BuildHasher, Hasher, RandomState};

use super::by_hash::ByHash;
use super::chunks::Chunks;

/// The number of a segment of a topic that no pattern has.
pub(super) const UNKNOWN: u32 = 0;
/// The number of the wildcard `*`.
pub(super) const ONE_SEGMENT: u32 = 1;
const FIRST_LITERAL: u32 = 2;

/// Knows the number of each literal that a pattern has, and gives numbers back.
#[derive(Default)]
pub(super) struct Names<S = RandomState> {
    /// By the hash of the text. Of two texts with one hash, the later has the next key that was free.
    by_key: ByHash<Name>,
    given_back: Chunks<u32>,
    secret: S,
}

struct Name {
    text: Box<str>,
    number: u32,
    uses: u32,
}

impl<S: BuildHasher> Names<S> {
    /// The number of a literal, which is in use once more.
    pub(super) fn take(&mut self, text: &str) -> u32 {
        let key = self.key(text);
        if let Some(name) = self.by_key.get_mut(key) {
            name.uses += 1;
            return name.number;
        }
        // Without numbers that were given back, those up to the count are in use.
        let number = match self.given_back.len().checked_sub(1) {
            Some(last) => self.given_back.swap_remove(last),
            None => FIRST_LITERAL + self.by_key.len() as u32,
        };
        self.by_key.insert(key, Name { text: text.into(), number, uses: 1 });
        number
    }

    /// Takes note that a literal is in use once less.
    pub(super) fn give_back(&mut self, text: &str) {
        let mut key = self.key(text);
        let Some(name) = self.by_key.get_mut(key) else { return };
        name.uses -= 1;
        if name.uses > 0 {
            return;
        }
        self.given_back.push(name.number);
        self.by_key.remove(key);
        if self.by_key.len() == 0 {
            self.given_back = Chunks::default();
        }
        // One behind it may be there only because this key was taken.
        loop {
            key = key.wrapping_add(1);
            let Some(name) = self.by_key.remove(key) else { return };
            self.by_key.insert(self.key(&name.text), name);
        }
    }

    /// The number of a segment of a topic.
    pub(super) fn number(&self, text: &str) -> u32 {
        let mut key = self.hash(text);
        while let Some(name) = self.by_key.get(key) {
            if *name.text == *text {
                return name.number;
            }
            key = key.wrapping_add(1);
        }
        UNKNOWN
    }

    /// Of the bytes alone: what ends one text and begins the next need not be told apart, since there is one.
    fn hash(&self, text: &str) -> u64 {
        let mut hasher = self.secret.build_hasher();
        hasher.write(text.as_bytes());
        hasher.finish()
    }

    /// The key that a text has, or would have.
    fn key(&self, text: &str) -> u64 {
        let mut key = self.hash(text);
        while self.by_key.get(key).is_some_and(|name| *name.text != *text) {
            key = key.wrapping_add(1);
        }
        key
    }
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasherDefault;

    use super::*;

    /// Gives every text one hash.
    #[derive(Default)]
    struct Same;

    impl Hasher for Same {
        fn write(&mut self, _: &[u8]) {}

        fn finish(&self) -> u64 {
            u64::MAX - 1
        }
    }

    #[test]
    fn literals_of_one_hash_have_numbers_of_their_own_as_they_come_and_go() {
        let mut names = Names::<BuildHasherDefault<Same>>::default();
        let numbers = ["a", "b", "c", "d"].map(|text| names.take(text));
        assert_eq!(numbers, [2, 3, 4, 5]);

        names.give_back("a");
        assert_eq!(["a", "b", "c", "d"].map(|text| names.number(text)), [UNKNOWN, 3, 4, 5]);
        names.give_back("c");
        assert_eq!((names.take("e"), names.take("b")), (4, 3));
        names.give_back("b");
        assert_eq!(["b", "c", "d", "e"].map(|text| names.number(text)), [3, UNKNOWN, 5, 4]);
        ["b", "d", "e"].into_iter().for_each(|text| names.give_back(text));
        assert_eq!(names.take("f"), FIRST_LITERAL, "numbers begin anew");
    }
}
