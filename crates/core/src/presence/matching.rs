//! Which of many topics selectors match, without a comparison with each where that can be.

use std::collections::BTreeMap;
use std::ops::Bound::{Included, Unbounded};

use crate::event::Topic;
use crate::limits::TRIED_PATTERNS_MAX;
use crate::select::{Pattern, Selector, Selectors};

/// The topics of a map that selectors match; one may be there several times.
///
/// A topic is looked up. A pattern is compared with the topics that begin as it does, and many patterns, by their index, with
/// all.
pub fn matching<V>(topics: &BTreeMap<Topic, V>, selectors: &Selectors) -> Vec<Topic> {
    if has_many_patterns(selectors) {
        return topics.keys().filter(|topic| selectors.matches(topic)).cloned().collect();
    }
    let mut found: Vec<_> = named(topics, selectors).cloned().collect();
    for pattern in selectors.patterns() {
        found.extend(beginning_as(topics, pattern).filter(|topic| pattern.matches(topic)).cloned());
    }
    found
}

/// Whether selectors match any topic of a map.
pub fn matches_any<V>(topics: &BTreeMap<Topic, V>, selectors: &Selectors) -> bool {
    if has_many_patterns(selectors) {
        return topics.keys().any(|topic| selectors.matches(topic));
    }
    let is_met = |pattern: &Pattern| beginning_as(topics, pattern).any(|topic| pattern.matches(topic));
    named(topics, selectors).next().is_some() || selectors.patterns().any(is_met)
}

fn has_many_patterns(selectors: &Selectors) -> bool {
    selectors.patterns().count() > TRIED_PATTERNS_MAX
}

/// The topics that selectors name.
fn named<'a, V>(topics: &BTreeMap<Topic, V>, selectors: &'a Selectors) -> impl Iterator<Item = &'a Topic> {
    selectors.iter().filter_map(Selector::topic).filter(|topic| topics.contains_key(*topic))
}

/// The topics that begin as a pattern does.
fn beginning_as<'a, V>(
    topics: &'a BTreeMap<Topic, V>,
    pattern: &'a Pattern,
) -> impl Iterator<Item = &'a Topic> {
    let range = topics.range::<str, _>((Included(pattern.prefix()), Unbounded));
    range.map(|(topic, _)| topic).take_while(|topic| topic.as_str().starts_with(pattern.prefix()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_topics_found_are_those_that_match() {
        let names = ["a", "orders", "orders/1", "orders/1/items", "orders/2", "ordersx", "z", "tidings/x"];
        let topics: BTreeMap<_, ()> = names.iter().map(|name| (Topic::parse(name).unwrap(), ())).collect();
        for texts in [
            &["orders/1"][..],
            &["none"],
            &["none/*", "order"],
            &["a/*", "b/*", "c/*", "d/*", "e/*"],
            &["orders/*"],
            &["orders/**", "a"],
            &["**"],
            &["*"],
            &["tidings/*", "**/items"],
            &["orders/*", "*", "z/*", "**/items", "y/*", "tidings/**", "a"],
        ] {
            let selectors = Selectors::new(texts.iter().map(|text| Selector::parse(text).unwrap())).unwrap();

            let found: BTreeSet<_> = matching(&topics, &selectors).into_iter().collect();

            let expected = topics.keys().filter(|topic| selectors.matches(topic)).cloned().collect();
            assert_eq!(found, expected, "{texts:?}");
            assert_eq!(matches_any(&topics, &selectors), !expected.is_empty(), "{texts:?}");
        }
    }
}
