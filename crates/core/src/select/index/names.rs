//! The literal segments of all patterns, each with a small number, so that segments are compared as numbers.

use std::collections::HashMap;

use super::shrink::shrink;

/// The number of a segment of a topic that no pattern has.
pub(super) const UNKNOWN: u32 = 0;
/// The number of the wildcard `*`.
pub(super) const ONE_SEGMENT: u32 = 1;
const FIRST_LITERAL: u32 = 2;

/// Knows the number of each literal that a pattern has, and gives numbers back.
#[derive(Default)]
pub(super) struct Names {
    by_text: HashMap<Box<str>, Name>,
    given_back: Vec<u32>,
}

struct Name {
    number: u32,
    uses: u32,
}

impl Names {
    /// The number of a literal, which is in use once more.
    pub(super) fn take(&mut self, text: &str) -> u32 {
        if let Some(name) = self.by_text.get_mut(text) {
            name.uses += 1;
            return name.number;
        }
        // Without numbers that were given back, those up to the count are in use.
        let number = self.given_back.pop().unwrap_or(FIRST_LITERAL + self.by_text.len() as u32);
        self.by_text.insert(text.into(), Name { number, uses: 1 });
        number
    }

    /// Takes note that a literal is in use once less.
    pub(super) fn give_back(&mut self, text: &str) {
        let Some(name) = self.by_text.get_mut(text) else { return };
        name.uses -= 1;
        if name.uses > 0 {
            return;
        }
        self.given_back.push(name.number);
        self.by_text.remove(text);
        if self.by_text.is_empty() {
            *self = Self::default();
        }
        shrink!(self.by_text);
    }

    /// The number of a segment of a topic.
    pub(super) fn number(&self, text: &str) -> u32 {
        self.by_text.get(text).map_or(UNKNOWN, |name| name.number)
    }
}
