//! The lives of the keys that let streams in: whether each is still taken.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tidings_access::KeyMark;
use tidings_core::KeyLife;

use crate::limits::ENDED_KEYS_MAX;

/// Those of the keys of now, and of some that were taken away.
#[derive(Debug, Default)]
pub(super) struct KeyLives {
    living: BTreeMap<KeyMark, KeyLife>,
    /// The newest last. A request may have shown such a key a moment before its end, or a ticket that was given for it.
    ended: VecDeque<(KeyMark, KeyLife)>,
}

impl KeyLives {
    /// Takes these keys in place of those before. Keys that stay go on, and the others end.
    pub(super) fn replace(&mut self, keys: BTreeSet<KeyMark>) {
        let (stay, end) =
            std::mem::take(&mut self.living).into_iter().partition(|(key, _)| keys.contains(key));
        self.living = stay;
        for (key, life) in end {
            life.end();
            self.ended.push_back((key, life));
        }
        let too_many = self.ended.len().saturating_sub(ENDED_KEYS_MAX);
        self.ended.drain(..too_many);
        for key in keys {
            self.living.entry(key).or_default();
        }
    }

    /// That of a key. None if it is not known here: it may be of another hub, or of a program that decides by itself.
    pub(super) fn of(&self, key: KeyMark) -> Option<&KeyLife> {
        let ended = || self.ended.iter().find(|(ended, _)| *ended == key).map(|(_, life)| life);
        self.living.get(&key).or_else(ended)
    }
}

#[cfg(test)]
mod tests {
    use tidings_access::{Grants, KeyHash, NamedKey, NamedKeys};

    use super::*;

    fn keys(numbers: &[usize]) -> BTreeSet<KeyMark> {
        let named = numbers.iter().map(|number| {
            NamedKey::new("key", KeyHash::of(number.to_string().as_bytes()), Grants::default())
        });
        NamedKeys::new(named).iter().filter_map(|grants| grants.key).collect()
    }

    fn life(lives: &KeyLives, number: usize) -> Option<KeyLife> {
        keys(&[number]).first().and_then(|key| lives.of(*key)).cloned()
    }

    #[test]
    fn keys_that_stay_go_on_and_others_end_and_one_that_comes_back_begins_anew() {
        let mut lives = KeyLives::default();
        lives.replace(keys(&[1, 2]));
        let [one, two] = [1, 2].map(|number| life(&lives, number).unwrap());

        lives.replace(keys(&[2, 3]));

        assert!(one.is_over() && !two.is_over());
        assert_eq!((life(&lives, 1), life(&lives, 2)), (Some(one.clone()), Some(two)));
        assert_eq!(life(&lives, 4), None);
        lives.replace(keys(&[1]));
        assert!(one.is_over() && life(&lives, 1).is_some_and(|life| life != one && !life.is_over()));
    }

    #[test]
    fn those_that_ended_first_are_forgotten_first() {
        let mut lives = KeyLives::default();
        for number in 0..ENDED_KEYS_MAX + 2 {
            lives.replace(keys(&[number]));
        }

        assert_eq!(life(&lives, 0), None);
        assert!(life(&lives, 1).is_some_and(|life| life.is_over()));
        assert_eq!((lives.living.len(), lives.ended.len()), (1, ENDED_KEYS_MAX));
    }
}
