//! A pattern over topics, and the check of one topic against it.
//!
//! Which of many patterns match a topic is for the [index](super::index).

use std::sync::Arc;

use smallvec::SmallVec;

use crate::event::topic::{Topic, TopicError, begins_reserved, check_characters, check_new};
use crate::limits::{PATTERN_DOUBLE_STARS_MAX, PATTERN_WILDCARDS_MAX, TOPIC_SEGMENTS_MAX};

/// The segment that stands for one segment.
pub(super) const ONE: &str = "*";
/// The segment that stands for any number of segments, and the pattern of any topic.
pub(super) const ANY: &str = "**";

/// A selector with at least one wildcard segment.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pattern {
    text: Arc<str>,
    /// A wildcard in the first segment would match reserved topics, and must not. It is asked for each event and each
    /// pattern that somebody watches, so it is found out once.
    hides_reserved: bool,
    /// Bytes before the first wildcard, without the slash at their end. Follows from the text.
    prefix_bytes: u16,
}

impl Pattern {
    pub(super) fn parse(text: &str) -> Result<Self, TopicError> {
        check_characters(text)?;
        if text.split('/').any(|segment| matches!(segment, "." | "..")) {
            return Err(TopicError::DotSegment);
        }
        check_new(text)?;
        let double_stars = text.split('/').filter(|segment| *segment == ANY).count();
        if double_stars > PATTERN_DOUBLE_STARS_MAX {
            return Err(TopicError::TooManyDoubleStars { double_stars });
        }
        let wildcards = text.split('/').filter(|segment| is_wildcard(segment)).count();
        if wildcards > PATTERN_WILDCARDS_MAX {
            return Err(TopicError::TooManyWildcards { wildcards });
        }
        let literals = text.split('/').take_while(|segment| !is_wildcard(segment));
        let with_slashes: usize = literals.map(|segment| segment.len() + 1).sum();
        Ok(Self {
            text: text.into(),
            hides_reserved: with_slashes == 0,
            // A topic's length fits, see `TOPIC_BYTES_MAX`.
            prefix_bytes: with_slashes.saturating_sub(1) as u16,
        })
    }

    pub(super) fn everything() -> Self {
        Self { text: ANY.into(), hides_reserved: false, prefix_bytes: 0 }
    }

    /// Whether it matches every topic, reserved or not.
    pub(super) fn is_everything(&self) -> bool {
        !self.hides_reserved && &*self.text == ANY
    }

    /// Whether it matches every topic that is not reserved.
    pub(super) fn is_any(&self) -> bool {
        &*self.text == ANY
    }

    /// Whether a wildcard in its first segment keeps it from matching [reserved topics](Topic::is_reserved).
    pub(super) fn hides_reserved(&self) -> bool {
        self.hides_reserved
    }

    /// Whether the literals before the first wildcards allow each topic of another pattern to be one of this one.
    pub(super) fn prefix_may_contain(&self, other: &Self) -> bool {
        let prefix = &self.text[..self.prefix_bytes.into()];
        other.text.starts_with(prefix)
    }

    /// What all topics begin with that it matches.
    pub(crate) fn prefix(&self) -> &str {
        &self.text[..self.prefix_bytes.into()]
    }

    /// Whether it names reserved topics, or is every topic.
    pub(super) fn reaches_reserved(&self) -> bool {
        self.is_everything() || begins_reserved(&self.text)
    }

    /// The pattern's text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the topic has this pattern's shape, and is not hidden from it as a reserved one.
    ///
    /// Time is at most the product of the two segment counts, in comparisons of single words. The pattern's is bounded
    /// by [`TOPIC_SEGMENTS_MAX`].
    pub fn matches(&self, topic: &Topic) -> bool {
        if self.hides_reserved && topic.is_reserved() {
            return false;
        }
        if self.is_any() {
            return true;
        }
        let text = topic.as_str();
        let prefix = &self.text[..self.prefix_bytes.into()];
        text.starts_with(prefix) && has_shape(&split(&self.text), &split(text))
    }
}

fn is_wildcard(segment: &str) -> bool {
    matches!(segment, ONE | ANY)
}

/// Whether a topic has the shape of a pattern: each run of segments between two `**` is found at its leftmost place, the
/// first one at the beginning and the last one at the end.
fn has_shape(pattern: &[Segment<'_>], topic: &[Segment<'_>]) -> bool {
    let mut runs = pattern.split(|segment| segment.text == ANY);
    let Some(first) = runs.next() else { return false };
    let Some(last) = runs.next_back() else { return first.len() == topic.len() && fits(first, topic) };
    if first.len() + last.len() > topic.len() {
        return false;
    }
    let (beginning, rest) = topic.split_at(first.len());
    let (mut middle, end) = rest.split_at(rest.len() - last.len());
    if !fits(first, beginning) || !fits(last, end) {
        return false;
    }
    for run in runs {
        let places = (middle.len() + 1).saturating_sub(run.len());
        let Some(at) = (0..places).find(|at| fits(run, &middle[*at..])) else { return false };
        middle = &middle[at + run.len()..];
    }
    true
}

/// Whether a run without `**` fits the first segments of a topic.
fn fits(run: &[Segment<'_>], segments: &[Segment<'_>]) -> bool {
    run.iter().zip(segments).all(|(own, segment)| own.is_same(segment) || own.text == ONE)
}

/// A segment, with a word that tells most segments apart.
struct Segment<'a> {
    word: u64,
    text: &'a str,
}

/// Bytes of a segment that its word holds beside the length.
const WORD_BYTES: usize = 7;

impl Segment<'_> {
    fn is_same(&self, other: &Segment<'_>) -> bool {
        self.word == other.word && (self.text.len() <= WORD_BYTES || self.text == other.text)
    }
}

fn split(text: &str) -> SmallVec<[Segment<'_>; TOPIC_SEGMENTS_MAX]> {
    let segment = |text: &'_ str| {
        let first = text.bytes().take(WORD_BYTES).fold(0, |word, byte| word << 8 | u64::from(byte));
        first | (text.len().min(255) as u64) << 56
    };
    text.split('/').map(|text| Segment { word: segment(text), text }).collect()
}
