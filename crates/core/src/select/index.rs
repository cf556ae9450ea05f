//! All patterns that are watched, each with a value.

use std::collections::HashMap;

use crate::event::Topic;
use crate::select::Pattern;

/// Values by pattern.
pub(crate) struct PatternIndex<T>(HashMap<Pattern, T>);

impl<T> Default for PatternIndex<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> PatternIndex<T> {
    pub(crate) fn get(&self, pattern: &Pattern) -> Option<&T> {
        self.0.get(pattern)
    }

    pub(crate) fn insert(&mut self, pattern: Pattern, value: T) -> Option<T> {
        self.0.insert(pattern, value)
    }

    pub(crate) fn remove(&mut self, pattern: &Pattern) -> Option<T> {
        self.0.remove(pattern)
    }

    /// Calls `visit` with the value of each pattern that matches a topic.
    pub(crate) fn matching(&self, topic: &Topic, visit: impl FnMut(&T)) {
        let matching = self.0.iter().filter(|(pattern, _)| pattern.matches(topic));
        matching.map(|(_, value)| value).for_each(visit);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Pattern, &T)> {
        self.0.iter()
    }
}
