//! A topic: the validated name an event is published to.
//!
//! Topics are labels in one log, not containers. Whoever holds a [`Topic`] need not check it again.
//!
//! Topics are compared byte by byte. Unicode has several ways to write one letter, which people cannot tell apart, so a
//! new name must be in its normal form NFC.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc, is_nfc_quick};

use crate::limits::{PATTERN_DOUBLE_STARS_MAX, PATTERN_WILDCARDS_MAX, TOPIC_BYTES_MAX, TOPIC_SEGMENTS_MAX};

/// What the topics begin with that are the hub's own: inboxes of users, and what the hub tells about itself.
const RESERVED: [&str; 2] = ["inbox/", "tidings/"];

/// A `/`-separated name such as `orders/42`: 1 to [`TOPIC_BYTES_MAX`] bytes of UTF-8, in at most
/// [`TOPIC_SEGMENTS_MAX`] segments and in Unicode's normal form NFC, unless it [was held](Self::parse_held) before there
/// were these rules.
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
    /// proxies rewrite such paths, so the event would go elsewhere), a segment `*` or `**` (a pattern), more
    /// segments than [`TOPIC_SEGMENTS_MAX`], and text that is not in the normal form NFC.
    pub fn parse(text: &str) -> Result<Self, TopicError> {
        let topic = Self::parse_held(text)?;
        check_new(text)?;
        Ok(topic)
    }

    /// Parses the topic of an event that a store holds already: a log from before topics had a greatest number of
    /// segments and a normal form may have others, and stays readable.
    ///
    /// # Errors
    ///
    /// Those of [`parse`](Self::parse), but for the number of segments and the normal form.
    pub fn parse_held(text: &str) -> Result<Self, TopicError> {
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

/// Whether a segment is a reserved name. Alone it is none.
pub(crate) fn is_reserved_name(segment: &str) -> bool {
    RESERVED.iter().any(|name| name.strip_suffix('/') == Some(segment))
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
    match text.chars().find(|character| character.is_control()) {
        Some(character) => Err(TopicError::Control { character }),
        None => Ok(()),
    }
}

/// What new topics and patterns have in common, and a topic that is held already need not have.
pub(crate) fn check_new(text: &str) -> Result<(), TopicError> {
    let segments = text.split('/').count();
    if segments > TOPIC_SEGMENTS_MAX {
        return Err(TopicError::TooManySegments { segments });
    }
    if is_normal(text) { Ok(()) } else { Err(TopicError::NotNormal { nfc: text.nfc().collect() }) }
}

/// Whether a text is in the normal form NFC. ASCII always is, and the quick check settles nearly everything else.
fn is_normal(text: &str) -> bool {
    text.is_ascii()
        || match is_nfc_quick(text.chars()) {
            IsNormalized::Yes => true,
            IsNormalized::No => false,
            IsNormalized::Maybe => is_nfc(text),
        }
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
    #[error("a topic has no control characters, and this one has U+{:04X}", u32::from(*character))]
    Control {
        /// The first of them.
        character: char,
    },
    /// A segment `.` or `..`.
    #[error("a topic has no segment `.` or `..`")]
    DotSegment,
    /// A segment `*` or `**`, which only a selector may have.
    #[error("`*` and `**` stand in selectors, not in topics")]
    Wildcard,
    /// Not in the normal form NFC, in which each letter is written in one way: the text would look like its normal form,
    /// and be another topic.
    #[error(
        "topics are compared byte by byte, and this one is not in Unicode's normal form NFC, which is `{nfc}`"
    )]
    NotNormal {
        /// The text in the normal form.
        nfc: String,
    },
    /// More than [`TOPIC_SEGMENTS_MAX`] segments, of a topic or a pattern.
    #[error("a topic or pattern has at most {TOPIC_SEGMENTS_MAX} segments, this one has {segments}")]
    TooManySegments {
        /// How many there are.
        segments: usize,
    },
    /// More than [`PATTERN_WILDCARDS_MAX`] segments `*` and `**`.
    #[error("a pattern has at most {PATTERN_WILDCARDS_MAX} segments `*` and `**`, this one has {wildcards}")]
    TooManyWildcards {
        /// How many there are.
        wildcards: usize,
    },
    /// More than [`PATTERN_DOUBLE_STARS_MAX`] segments `**`.
    #[error("a pattern has at most {PATTERN_DOUBLE_STARS_MAX} segments `**`, this one has {double_stars}")]
    TooManyDoubleStars {
        /// How many there are.
        double_stars: usize,
    },
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
        assert_eq!(Topic::parse("a\nb"), Err(TopicError::Control { character: '\n' }));
        assert_eq!(Topic::parse("a\u{85}b\n"), Err(TopicError::Control { character: '\u{85}' }));
        assert_eq!(Topic::parse("a/../b"), Err(TopicError::DotSegment));
        assert_eq!(Topic::parse("./b"), Err(TopicError::DotSegment));
        assert_eq!(Topic::parse("a/*"), Err(TopicError::Wildcard));
        assert_eq!(Topic::parse("**"), Err(TopicError::Wildcard));
        let long = ["a"; 65].join("/");
        assert_eq!(Topic::parse(&long), Err(TopicError::TooManySegments { segments: 65 }));
        assert!(Topic::parse(&long[2..]).is_ok());
    }

    #[test]
    fn a_name_that_is_not_in_the_normal_form_is_refused_with_its_normal_form() {
        for (text, normal) in [
            ("cafe\u{301}", "caf\u{e9}"),
            // The sign Angstrom, the sign Ohm, and a sequence of Hangul.
            ("\u{212b}", "\u{c5}"),
            ("a/\u{2126}/b", "a/\u{3a9}/b"),
            ("\u{1112}\u{1161}\u{11ab}", "\u{d55c}"),
            // Marks in another order.
            ("q\u{307}\u{323}", "q\u{323}\u{307}"),
            // Letters that NFC takes apart.
            ("\u{958}", "\u{915}\u{93c}"),
            ("\u{f900}", "\u{8c48}"),
        ] {
            assert_eq!(Topic::parse(text), Err(TopicError::NotNormal { nfc: normal.to_owned() }), "{text:?}");
            assert_eq!(Topic::parse(normal).map(|topic| topic.to_string()), Ok(normal.to_owned()));
        }
        let words = Topic::parse("cafe\u{301}").unwrap_err().to_string();
        assert!(words.ends_with("normal form NFC, which is `caf\u{e9}`"), "{words}");
    }

    #[test]
    fn a_topic_that_is_held_may_have_more_segments_and_another_form_and_obeys_every_other_rule() {
        for text in ["a", &["a"; 65].join("/"), &"/".repeat(512), "cafe\u{301}"] {
            assert_eq!(Topic::parse_held(text).map(|topic| topic.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "a\nb", "a/..", "a/*", &"/".repeat(513)] {
            assert!(Topic::parse_held(text).is_err(), "{text:?}");
        }
    }
}
