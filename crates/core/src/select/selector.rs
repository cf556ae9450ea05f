//! Selectors: what a subscriber asks for, a topic or a pattern over topics.
//!
//! `*` matches exactly one segment, `**` any number of them, none included. Everything else is literal. A wildcard in
//! the first segment does not match [reserved topics](Topic::is_reserved): who wants those must name them. So `**` is
//! less than [`Selectors::everything`], which no text stands for.

use std::fmt;
use std::sync::Arc;

use crate::event::topic::{Topic, TopicError, begins_reserved, check_characters, check_segments};
use crate::limits::{PATTERN_DOUBLE_STARS_MAX, PATTERN_WILDCARDS_MAX, SELECTORS_MAX};

/// The pattern of any number of any segments.
const ANY: &str = "**";

/// A topic, or a pattern such as `orders/*` or `logs/**`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Selector {
    /// One topic, to the byte.
    Topic(Topic),
    /// Every topic of a shape.
    Pattern(Pattern),
}

impl Selector {
    /// Parses a selector as it is, without percent-decoding.
    ///
    /// # Errors
    ///
    /// The errors of [`Topic::parse`], but for the wildcards, of which a pattern has at most
    /// [`PATTERN_WILDCARDS_MAX`], and [`PATTERN_DOUBLE_STARS_MAX`] of them `**`.
    pub fn parse(text: &str) -> Result<Self, TopicError> {
        match Topic::parse(text) {
            Ok(topic) => Ok(Self::Topic(topic)),
            Err(TopicError::Wildcard) => Pattern::parse(text).map(Self::Pattern),
            Err(error) => Err(error),
        }
    }

    /// Whether events of this topic are asked for.
    pub fn matches(&self, topic: &Topic) -> bool {
        match self {
            Self::Topic(own) => own == topic,
            Self::Pattern(pattern) => pattern.matches(topic),
        }
    }

    /// Whether there are [reserved topics](Topic::is_reserved) that it matches.
    pub fn reaches_reserved(&self) -> bool {
        match self {
            Self::Topic(topic) => topic.is_reserved(),
            Self::Pattern(pattern) => pattern.is_everything() || begins_reserved(&pattern.text),
        }
    }

    /// The topic, unless this is a pattern.
    pub fn topic(&self) -> Option<&Topic> {
        match self {
            Self::Topic(topic) => Some(topic),
            Self::Pattern(_) => None,
        }
    }

    /// The selector's text. That of [everything](Selectors::everything) is `**`, too.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Topic(topic) => topic.as_str(),
            Self::Pattern(pattern) => &pattern.text,
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A selector with at least one wildcard segment.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pattern {
    text: Arc<str>,
    /// A wildcard in the first segment would match reserved topics, and must not. It is asked for each event and each
    /// pattern that somebody watches, so it is found out once.
    hides_reserved: bool,
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, TopicError> {
        check_characters(text)?;
        if text.split('/').any(|segment| matches!(segment, "." | "..")) {
            return Err(TopicError::DotSegment);
        }
        check_segments(text)?;
        let double_stars = text.split('/').filter(|segment| *segment == ANY).count();
        if double_stars > PATTERN_DOUBLE_STARS_MAX {
            return Err(TopicError::TooManyDoubleStars { double_stars });
        }
        let wildcards = double_stars + text.split('/').filter(|segment| *segment == "*").count();
        if wildcards > PATTERN_WILDCARDS_MAX {
            return Err(TopicError::TooManyWildcards { wildcards });
        }
        let hides_reserved = matches!(text.split('/').next(), Some("*" | "**"));
        Ok(Self { text: text.into(), hides_reserved })
    }

    fn everything() -> Self {
        Self { text: ANY.into(), hides_reserved: false }
    }

    /// Whether it matches every topic, reserved or not.
    fn is_everything(&self) -> bool {
        !self.hides_reserved && &*self.text == ANY
    }

    /// Whether it matches every topic that is not reserved.
    fn is_any(&self) -> bool {
        &*self.text == ANY
    }

    /// Whether the topic has this pattern's shape, and is not hidden from it as a reserved one.
    ///
    /// Time is at most the product of the two segment counts, both bounded by
    /// [`TOPIC_BYTES_MAX`](crate::limits::TOPIC_BYTES_MAX): a hostile pattern cannot make it exponential.
    pub fn matches(&self, topic: &Topic) -> bool {
        if self.hides_reserved && topic.is_reserved() {
            return false;
        }
        let mut pattern = self.text.split('/');
        let mut rest = topic.as_str().split('/');
        // Where to start again when a guess for `**` proves wrong: the pattern after it, the topic from there.
        let mut retry = None;
        loop {
            let before = rest.clone();
            match (pattern.next(), rest.next()) {
                (None, None) => return true,
                (Some("**"), _) => {
                    rest = before.clone();
                    retry = Some((pattern.clone(), before));
                }
                (Some("*"), Some(_)) => {}
                (Some(literal), Some(segment)) if literal == segment => {}
                _ => {
                    let Some((after, mut from)) = retry.take() else { return false };
                    if from.next().is_none() {
                        return false;
                    }
                    (pattern, rest) = (after.clone(), from.clone());
                    retry = Some((after, from));
                }
            }
        }
    }
}

/// What one subscription asks for: 1 to [`SELECTORS_MAX`] different selectors, in a canonical order.
///
/// Cloning shares the list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Selectors(Arc<[Selector]>);

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
        if list.is_empty() { Err(SelectorsError::None) } else { Ok(Self(list.into())) }
    }

    /// Every topic there is, [reserved ones](Topic::is_reserved) included. For programs that read the whole log: what a
    /// client writes, `**`, is every topic but those.
    pub fn everything() -> Self {
        Self(Arc::new([Selector::Pattern(Pattern::everything())]))
    }

    /// Whether any of the selectors matches.
    pub fn matches(&self, topic: &Topic) -> bool {
        self.0.iter().any(|selector| selector.matches(topic))
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
    pub fn iter(&self) -> std::slice::Iter<'_, Selector> {
        self.0.iter()
    }

    /// The topics, if there is no pattern among the selectors: an index can answer for these.
    pub fn topics(&self) -> Option<impl Iterator<Item = &Topic>> {
        let no_pattern = self.iter().all(|selector| selector.topic().is_some());
        no_pattern.then(|| self.iter().filter_map(Selector::topic))
    }

    /// The topic, if exactly one is asked for and no pattern.
    pub fn single_topic(&self) -> Option<&Topic> {
        match &*self.0 {
            [Selector::Topic(topic)] => Some(topic),
            _ => None,
        }
    }

    fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        self.iter().filter_map(|selector| match selector {
            Selector::Topic(_) => None,
            Selector::Pattern(pattern) => Some(pattern),
        })
    }
}

impl From<Topic> for Selectors {
    fn from(topic: Topic) -> Self {
        Self(Arc::new([Selector::Topic(topic)]))
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

    fn matches(selector: &str, topic: &str) -> bool {
        Selector::parse(selector).unwrap().matches(&Topic::parse(topic).unwrap())
    }

    #[test]
    fn a_topic_matches_itself_only() {
        assert!(matches("orders/42", "orders/42"));
        assert!(!matches("orders/42", "orders/4"));
        assert!(!matches("orders/42", "orders/42/items"));
    }

    #[test]
    fn one_star_is_one_segment() {
        assert!(matches("orders/*", "orders/42"));
        assert!(!matches("orders/*", "orders"));
        assert!(!matches("orders/*", "orders/42/items"));
        assert!(matches("*/42", "orders/42"));
        assert!(matches("*", "orders"));
    }

    #[test]
    fn two_stars_are_any_number_of_segments() {
        assert!(matches("**", "a/b/c"));
        assert!(matches("orders/**", "orders"));
        assert!(matches("orders/**", "orders/42/items"));
        assert!(matches("**/items", "items"));
        assert!(matches("**/items", "orders/42/items"));
        assert!(matches("a/**/z", "a/z"));
        assert!(matches("a/**/m/**/z", "a/m/x/m/y/z"));
        assert!(!matches("a/**/m/**/z", "a/x/y/z"));
        assert!(!matches("orders/**", "order"));
        assert!(matches("**/*", "a"));
    }

    #[test]
    fn a_star_within_a_segment_is_a_letter() {
        assert!(matches("a*", "a*"));
        assert!(!matches("a*", "ab"));
    }

    #[test]
    fn a_wildcard_in_the_first_segment_does_not_match_reserved_topics() {
        for topic in ["inbox/x", "tidings/x"] {
            for pattern in
                ["**", "*/x", "**/x", "*/*", "*/**", "**/**", "**/*", "**/inbox/x", "**/tidings/**"]
            {
                assert!(!matches(pattern, topic), "{pattern} of {topic}");
            }
        }
        assert!(matches("*", "inbox"));
        assert!(matches("**", "tidings"));
        assert!(matches("**", "inboxes/x"));
        assert!(matches("**/inbox/*", "a/inbox/x"));
    }

    #[test]
    fn a_pattern_that_names_a_reserved_word_matches_reserved_topics() {
        assert!(matches("inbox/x", "inbox/x"));
        assert!(matches("inbox/*", "inbox/x"));
        assert!(matches("inbox/**", "inbox/x/y"));
        assert!(matches("inbox/**", "inbox"));
        assert!(matches("tidings/*/y", "tidings/x/y"));
        assert!(!matches("inbox/**", "tidings/x"));
    }

    #[test]
    fn selectors_tell_whether_they_reach_reserved_topics() {
        let reaches = |text: &str| Selector::parse(text).unwrap().reaches_reserved();

        for text in ["inbox/x", "inbox/", "inbox/*", "inbox/**", "tidings/x", "tidings/*/y", "tidings//*"] {
            assert!(reaches(text), "{text}");
        }
        for text in ["inbox", "tidings", "**", "*/x", "**/x", "inboxes/*", "a/inbox/*", "*/inbox/x"] {
            assert!(!reaches(text), "{text}");
        }
        assert!(Selectors::everything().iter().all(Selector::reaches_reserved));
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
    fn a_hostile_pattern_is_answered_at_once() {
        let run = ["a"; 20].join("/");
        let pattern = format!("**/{run}/**/{run}/b/**");
        let topic = ["a"; 250].join("/") + "/b";

        let selector = Selector::parse(&pattern).unwrap();
        assert!(selector.matches(&Topic::parse_held(&topic).unwrap()));
        assert!(!selector.matches(&Topic::parse_held(&topic.replace("a/b", "a")).unwrap()));
    }

    #[test]
    fn the_shape_of_a_pattern_has_bounds() {
        let parse = |text: &str| Selector::parse(text).map(|_| ());
        let (stars, segments) = (["*"; 17].join("/"), ["a"; 64].join("/") + "/*");

        assert_eq!(parse("a/**/**/**/**"), Err(TopicError::TooManyDoubleStars { double_stars: 4 }));
        assert_eq!(parse(&stars), Err(TopicError::TooManyWildcards { wildcards: 17 }));
        assert_eq!(
            parse(&format!("**/{}", &stars[2..])),
            Err(TopicError::TooManyWildcards { wildcards: 17 })
        );
        assert_eq!(parse(&segments), Err(TopicError::TooManySegments { segments: 65 }));
        assert_eq!(parse(&segments.replace('*', "a")), Err(TopicError::TooManySegments { segments: 65 }));
        for text in ["**/a/**/**", &stars[2..], &format!("**/{}", &stars[4..]), &segments[2..]] {
            assert_eq!(parse(text), Ok(()), "{text}");
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
