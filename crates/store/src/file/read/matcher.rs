//! Decides which topics match, and remembers what it decided.

use std::collections::HashMap;

use tidings_core::read_desk::Comparisons;
use tidings_core::{Selectors, Topic};

use crate::limits::TOPICS_REMEMBERED_MAX;

/// Matches topics against selectors.
pub(crate) struct Matcher<'a> {
    selectors: &'a Selectors,
    known: HashMap<Topic, bool>,
    comparisons: Comparisons,
}

impl<'a> Matcher<'a> {
    pub(crate) fn new(selectors: &'a Selectors) -> Self {
        Self { selectors, known: HashMap::new(), comparisons: Comparisons::with(selectors) }
    }

    /// The work since this was asked last. A topic that is remembered is none.
    pub(crate) fn take_units(&mut self) -> u64 {
        self.comparisons.take_units()
    }

    /// The topic, if it matches. Equal topics share their text.
    pub(crate) fn admit(&mut self, text: &str) -> Result<Option<Topic>, NoTopic> {
        if let Some((topic, matches)) = self.known.get_key_value(text) {
            return Ok(matches.then(|| topic.clone()));
        }
        let topic = Topic::parse_held(text).map_err(|_| NoTopic)?;
        let matches = self.selectors.matches(&topic);
        self.comparisons.add(text);
        if self.known.len() == TOPICS_REMEMBERED_MAX {
            self.known.clear();
        }
        self.known.insert(topic.clone(), matches);
        Ok(matches.then_some(topic))
    }
}

/// A text in a record is no topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoTopic;

#[cfg(test)]
mod tests {
    use tidings_core::contract::fixture::selectors;

    use super::*;

    #[test]
    fn a_topic_is_work_once_and_more_of_it_with_more_patterns_and_more_segments() {
        let patterns: Vec<_> = (0..100).map(|number| format!("**/{number}")).collect();
        let patterns: Vec<_> = patterns.iter().map(String::as_str).collect();
        let long = ["x"; 64].join("/");
        for (texts, topic, expected) in [
            (&patterns[..], &*long, 50),
            (&patterns, "a/b", 1),
            (&patterns[..2], &long, 1),
            (&patterns[..1], "a/b", 0),
            (&["a", "b"], &long, 0),
        ] {
            let selectors = selectors(texts);
            let mut matcher = Matcher::new(&selectors);

            matcher.admit(topic).unwrap();
            assert_eq!(matcher.take_units(), expected, "{} patterns and {topic}", texts.len());
            matcher.admit(topic).unwrap();
            assert_eq!(matcher.take_units(), 0, "it is remembered");
        }
    }

    #[test]
    fn comparisons_that_are_less_than_a_unit_add_up() {
        let selectors = selectors(&["*/b/c/d"]);
        let mut matcher = Matcher::new(&selectors);

        let units = (0..320).map(|number| {
            matcher.admit(&format!("{number}/b/c/e")).unwrap();
            matcher.take_units()
        });

        assert_eq!(units.sum::<u64>(), 10);
    }
}
