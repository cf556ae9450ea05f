//! Selectors: what a subscriber asks for, a topic or a pattern over topics.
//!
//! `*` matches exactly one segment, `**` any number of them, none included. Everything else is literal. A wildcard in
//! the first segment does not match [reserved topics](Topic::is_reserved): who wants those must name them. So `**` is
//! less than [`Selectors::everything`](super::Selectors::everything), which no text stands for.

use std::fmt;

use super::pattern::Pattern;
use crate::event::topic::{Topic, TopicError};

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
    /// [`PATTERN_WILDCARDS_MAX`](crate::limits::PATTERN_WILDCARDS_MAX), and
    /// [`PATTERN_DOUBLE_STARS_MAX`](crate::limits::PATTERN_DOUBLE_STARS_MAX) of them `**`.
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
            Self::Pattern(pattern) => pattern.reaches_reserved(),
        }
    }

    /// The topic, unless this is a pattern.
    pub fn topic(&self) -> Option<&Topic> {
        match self {
            Self::Topic(topic) => Some(topic),
            Self::Pattern(_) => None,
        }
    }

    /// The selector's text. That of [everything](super::Selectors::everything) is `**`, too.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Topic(topic) => topic.as_str(),
            Self::Pattern(pattern) => pattern.as_str(),
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::select::Selectors;

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

        let nfc = "caf\u{e9}/*".to_owned();
        assert_eq!(parse("cafe\u{301}/*"), Err(TopicError::NotNormal { nfc }));
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
}
