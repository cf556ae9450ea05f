//! Decides which topics match, and remembers what it decided.

use std::collections::HashMap;

use tidings_core::{Selectors, Topic};

use crate::limits::TOPICS_REMEMBERED_MAX;

/// Matches topics against selectors.
pub(crate) struct Matcher<'a> {
    selectors: &'a Selectors,
    known: HashMap<Topic, bool>,
}

impl<'a> Matcher<'a> {
    pub(crate) fn new(selectors: &'a Selectors) -> Self {
        Self { selectors, known: HashMap::new() }
    }

    /// The topic, if it matches. Equal topics share their text.
    pub(crate) fn admit(&mut self, text: &str) -> Result<Option<Topic>, NoTopic> {
        if let Some((topic, matches)) = self.known.get_key_value(text) {
            return Ok(matches.then(|| topic.clone()));
        }
        let topic = Topic::parse_held(text).map_err(|_| NoTopic)?;
        let matches = self.selectors.matches(&topic);
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
