//! What one subscription asks for: a list of selectors, and the check of a topic against all of them.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use super::index::PatternIndex;
use super::pattern::Pattern;
use super::selector::Selector;
use crate::event::topic::Topic;
use crate::limits::{SELECTORS_MAX, TRIED_PATTERNS_MAX};

/// What one subscription asks for: 1 to [`SELECTORS_MAX`] different selectors, in a canonical order.
///
/// Cloning shares the list.
#[derive(Clone)]
pub struct Selectors(Arc<List>);

struct List {
    /// In order: topics, then patterns.
    selectors: Box<[Selector]>,
    /// How many of them are topics.
    topics: usize,
    /// Made when it is first asked, which most subscriptions never are: the window has an index over all of them. Boxed,
    /// because an empty index is some kilobytes.
    index: OnceLock<Box<PatternIndex<()>>>,
}

impl Selectors {
    /// Collects selectors; repeated ones count once.
    ///
    /// # Errors
    ///
    /// Refuses none at all, and more than [`SELECTORS_MAX`].
    pub fn new(selectors: impl IntoIterator<Item = Selector>) -> Result<Self, SelectorsError> {
        let mut list: Vec<_> = selectors.into_iter().take(SELECTORS_MAX + 1).collect();
        if list.len() > SELECTORS_MAX {
            return Err(SelectorsError::TooMany);
        }
        list.sort();
        list.dedup();
        if list.is_empty() { Err(SelectorsError::None) } else { Ok(Self::of_sorted(list)) }
    }

    /// Every topic there is, [reserved ones](Topic::is_reserved) included. For programs that read the whole log: what a
    /// client writes, `**`, is every topic but those.
    pub fn everything() -> Self {
        Self::of_sorted(vec![Selector::Pattern(Pattern::everything())])
    }

    /// Whether any of the selectors matches.
    pub fn matches(&self, topic: &Topic) -> bool {
        let (topics, patterns) = self.0.selectors.split_at(self.0.topics);
        if topics.binary_search_by(|own| own.as_str().cmp(topic.as_str())).is_ok() {
            return true;
        }
        if patterns.len() <= TRIED_PATTERNS_MAX {
            return patterns.iter().any(|pattern| pattern.matches(topic));
        }
        let index = || Box::new(self.patterns().map(|pattern| (pattern.clone(), ())).collect());
        self.0.index.get_or_init(index).any(topic)
    }

    /// Whether every topic matches, [reserved ones](Topic::is_reserved) included.
    pub fn matches_everything(&self) -> bool {
        self.patterns().any(Pattern::is_everything)
    }

    /// Whether every topic matches that is not [reserved](Topic::is_reserved).
    pub fn matches_all_unreserved(&self) -> bool {
        self.patterns().any(Pattern::is_any)
    }

    /// The selectors, in order.
    pub fn as_slice(&self) -> &[Selector] {
        &self.0.selectors
    }

    /// The same, one after the other.
    pub fn iter(&self) -> std::slice::Iter<'_, Selector> {
        self.0.selectors.iter()
    }

    /// The topics, if there is no pattern among the selectors: an index can answer for these.
    pub fn topics(&self) -> Option<impl Iterator<Item = &Topic>> {
        let no_pattern = self.0.topics == self.0.selectors.len();
        no_pattern.then(|| self.iter().filter_map(Selector::topic))
    }

    /// The topic, if exactly one is asked for and no pattern.
    pub fn single_topic(&self) -> Option<&Topic> {
        match &*self.0.selectors {
            [Selector::Topic(topic)] => Some(topic),
            _ => None,
        }
    }

    fn of_sorted(selectors: Vec<Selector>) -> Self {
        let topics = selectors.partition_point(|selector| selector.topic().is_some());
        Self(Arc::new(List { selectors: selectors.into(), topics, index: OnceLock::new() }))
    }

    pub(crate) fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        self.iter().filter_map(|selector| match selector {
            Selector::Topic(_) => None,
            Selector::Pattern(pattern) => Some(pattern),
        })
    }
}

/// The list alone says what selectors are.
impl PartialEq for Selectors {
    fn eq(&self, other: &Self) -> bool {
        self.0.selectors == other.0.selectors
    }
}

impl Eq for Selectors {}

impl Hash for Selectors {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.selectors.hash(state);
    }
}

impl fmt::Debug for Selectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Selectors").field(&self.0.selectors).finish()
    }
}

impl From<Topic> for Selectors {
    fn from(topic: Topic) -> Self {
        Self::of_sorted(vec![Selector::Topic(topic)])
    }
}

/// Why a list of selectors cannot be one subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectorsError {
    /// The list is empty.
    #[error("a subscription needs at least one topic")]
    None,
    /// The list is longer than [`SELECTORS_MAX`].
    #[error("a subscription has at most {SELECTORS_MAX} topics")]
    TooMany,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_without_an_index_is_small() {
        assert!(size_of::<List>() <= 48, "{} bytes", size_of::<List>());
    }

    #[test]
    fn everything_is_more_than_two_stars() {
        let of =
            |texts: &[&str]| Selectors::new(texts.iter().map(|text| Selector::parse(text).unwrap())).unwrap();
        let (everything, any) = (Selectors::everything(), of(&["**", "a"]));
        let topic = |text: &str| Topic::parse(text).unwrap();

        for text in ["inbox/x", "tidings/x", "inbox", "a/b"] {
            assert!(everything.matches(&topic(text)), "{text}");
        }
        assert_ne!(everything, of(&["**"]));
        assert_eq!((everything.matches_everything(), everything.matches_all_unreserved()), (true, true));
        assert_eq!((any.matches_everything(), any.matches_all_unreserved()), (false, true));
        for text in ["*", "**/*", "inbox/**", "a"] {
            let some = of(&[text]);
            assert!(!some.matches_everything() && !some.matches_all_unreserved(), "{text}");
        }
    }

    #[test]
    fn selectors_are_a_set_with_bounds() {
        let parse = |text: &str| Selector::parse(text).unwrap();
        let twice = Selectors::new([parse("b"), parse("a"), parse("b")]).unwrap();

        assert_eq!(twice.iter().map(Selector::as_str).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(Selectors::new([]), Err(SelectorsError::None));
        assert_eq!(Selectors::new((0..101).map(|n| parse(&n.to_string()))), Err(SelectorsError::TooMany));
        assert!(Selectors::new([parse("a"), parse("*")]).unwrap().topics().is_none());
    }
}
