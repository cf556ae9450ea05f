//! What must hold of any text that comes as a selector, and of any topic that it is compared with. The fuzz target
//! calls this with texts of its own, the corpus test with those that are kept.

use tidings_core::limits::{
    PATTERN_DOUBLE_STARS_MAX, PATTERN_WILDCARDS_MAX, TOPIC_BYTES_MAX, TOPIC_SEGMENTS_MAX,
};
use tidings_core::{Selector, Selectors, Topic};

/// Everything up to the first newline is a selector, the rest is a topic.
pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (selector, topic) = text.split_once('\n').unwrap_or((text, text));
    let parsed = Selector::parse(selector);
    assert_eq!(parsed.is_ok(), is_selector(selector), "{selector:?}");
    let Ok(selector) = parsed else { return };
    let is_pattern = selector.as_str().split('/').any(|segment| segment == "*" || segment == "**");
    assert_eq!(selector.topic().is_none(), is_pattern, "{selector:?}");
    assert_eq!(
        Selector::parse(selector.as_str()),
        Ok(selector.clone()),
        "the text leads back to the selector"
    );

    let Ok(topic) = Topic::parse_held(topic) else { return };
    let pattern: Vec<_> = selector.as_str().split('/').collect();
    let segments: Vec<_> = topic.as_str().split('/').collect();
    let hidden = is_reserved(&segments) && matches!(pattern[0], "*" | "**");
    let expected = !hidden && matches(&pattern, &segments);
    assert_eq!(selector.matches(&topic), expected, "{selector:?} of {topic:?}");
    assert_eq!(topic.is_reserved(), is_reserved(&segments), "{topic:?}");
    assert_eq!(selector.reaches_reserved(), is_reserved(&pattern), "{selector:?}");
    assert!(Selectors::everything().matches(&topic), "{topic:?}");
}

/// Whether a topic, or a pattern, begins with a reserved name and goes on.
fn is_reserved(segments: &[&str]) -> bool {
    segments.len() > 1 && matches!(segments[0], "inbox" | "tidings")
}

/// The rule, written in another way.
fn is_selector(text: &str) -> bool {
    let count = |names: &[&str]| text.split('/').filter(|segment| names.contains(segment)).count();
    text.split('/').count() <= TOPIC_SEGMENTS_MAX
        && count(&["**"]) <= PATTERN_DOUBLE_STARS_MAX
        && count(&["*", "**"]) <= PATTERN_WILDCARDS_MAX
        && !text.is_empty()
        && text.len() <= TOPIC_BYTES_MAX
        && !text.chars().any(char::is_control)
        && !text.split('/').any(|segment| segment == "." || segment == "..")
}

/// Whether a pattern matches, by a table: for each number of segments of the topic, whether the pattern so far can
/// stand for exactly these.
fn matches(pattern: &[&str], topic: &[&str]) -> bool {
    let mut reached = vec![false; topic.len() + 1];
    reached[0] = true;
    for segment in pattern {
        let mut next = vec![false; topic.len() + 1];
        for length in 0..=topic.len() {
            next[length] = match *segment {
                "**" => reached[length] || (length > 0 && next[length - 1]),
                "*" => length > 0 && reached[length - 1],
                literal => length > 0 && reached[length - 1] && topic[length - 1] == literal,
            };
        }
        reached = next;
    }
    reached[topic.len()]
}
