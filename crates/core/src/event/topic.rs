//! A topic: the validated name an event is published to.
//!
//! Topics are labels in one log, not containers. Whoever holds a [`Topic`] need not check it again.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use crate::limits::TOPIC_BYTES_MAX;

/// What the topics begin with that are the hub's own: inboxes of users, and what the hub tells about itself.
const RESERVED: [&str; 2] = ["inbox/", "tidings/"];

/// A `/`-separated name such as `orders/42`: 1 to [`TOPIC_BYTES_MAX`] bytes of UTF-8.
///
/// Cloning shares the text.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Topic(Arc<str>);

impl Topic {
    /// Parses a topic as it is, without percent-decoding.
    ///
    /// # Errors
    ///
    /// Refuses the empty text, text over the limit, control characters, a segment `.` or `..` (clients and
    /// proxies rewrite such paths, so the event would go elsewhere), and a segment `*` or `**` (a pattern).
    pub fn parse(text: &str) -> Result<Self, TopicError> {
        check_characters(text)?;
        for segment in text.split('/') {
            match segment {
                "." | ".." => return Err(TopicError::DotSegment),
                "*" | "**" => return Err(TopicError::Wildcard),
                _ => {}
            }
        }
        Ok(Self(text.into()))
    }

    /// The topic's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the topic begins with `inbox/` or `tidings/`. Wildcards in the first segment of a pattern do not match
    /// such a topic, and the HTTP front lets nobody publish or read it.
    pub fn is_reserved(&self) -> bool {
        begins_reserved(&self.0)
    }
}

/// Whether a topic, or a pattern, begins with a reserved name and has a segment after it.
pub(crate) fn begins_reserved(text: &str) -> bool {
    RESERVED.iter().any(|name| text.starts_with(name))
}

/// What topics and patterns have in common.
pub(crate) fn check_characters(text: &str) -> Result<(), TopicError> {
    if text.is_empty() {
        return Err(TopicError::Empty);
    }
    if text.len() > TOPIC_BYTES_MAX {
        return Err(TopicError::TooLong { bytes: text.len() });
    }
    if text.chars().any(char::is_control) {
        return Err(TopicError::Control);
    }
    Ok(())
}

impl Borrow<str> for Topic {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Topic({:?})", &*self.0)
    }
}

/// Why a text is not a topic. The caller's to mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TopicError {
    /// No text at all.
    #[error("a topic needs at least one character")]
    Empty,
    /// More than [`TOPIC_BYTES_MAX`] bytes.
    #[error("a topic has at most {TOPIC_BYTES_MAX} bytes, this one has {bytes}")]
    TooLong {
        /// The text's length in bytes.
        bytes: usize,
    },
    /// U+0000 to U+001F or U+007F to U+009F.
    #[error("a topic has no control characters")]
    Control,
    /// A segment `.` or `..`.
    #[error("a topic has no segment `.` or `..`")]
    DotSegment,
    /// A segment `*` or `**`, which only a selector may have.
    #[error("`*` and `**` stand in selectors, not in topics")]
    Wildcard,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_iris_and_other_scripts_are_topics() {
        for text in ["orders/42", "a", "https://example.com/books/1", "\u{8ba2}\u{5355}/1", "a*b", "...", " "]
        {
            assert_eq!(Topic::parse(text).map(|topic| topic.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn the_reserved_names_are_inbox_and_tidings_with_a_segment_after_them() {
        for text in ["inbox/ann", "inbox/a/b", "inbox/", "tidings/users", "tidings//"] {
            assert!(Topic::parse(text).unwrap().is_reserved(), "{text}");
        }
        for text in ["inbox", "tidings", "inboxes/ann", "Inbox/ann", "/inbox/ann", "a/inbox/b", "tidings.x/y"]
        {
            assert!(!Topic::parse(text).unwrap().is_reserved(), "{text}");
        }
    }

    #[test]
    fn each_rule_has_its_error() {
        assert_eq!(Topic::parse(""), Err(TopicError::Empty));
        assert_eq!(Topic::parse(&"x".repeat(513)), Err(TopicError::TooLong { bytes: 513 }));
        assert_eq!(Topic::parse("a\nb"), Err(TopicError::Control));
        assert_eq!(Topic::parse("a\u{85}b"), Err(TopicError::Control));
        assert_eq!(Topic::parse("a/../b"), Err(TopicError::DotSegment));
        assert_eq!(Topic::parse("./b"), Err(TopicError::DotSegment));
        assert_eq!(Topic::parse("a/*"), Err(TopicError::Wildcard));
        assert_eq!(Topic::parse("**"), Err(TopicError::Wildcard));
    }
}
