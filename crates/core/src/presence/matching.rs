//! Which of many topics selectors match, without a comparison with each where that can be.

use std::collections::BTreeMap;
use std::ops::Bound::{Included, Unbounded};

use crate::event::Topic;
use crate::limits::TRIED_PATTERNS_MAX;
use crate::select::Selectors;

/// The topics of a map that selectors match; one may be there several times.
///
/// A topic is looked up. A pattern is compared with the topics that begin as it does, and many patterns, by their index, with
/// all.
pub fn matching<V>(topics: &BTreeMap<Topic, V>, selectors: &Selectors) -> Vec<Topic> {
    if selectors.patterns().count() > TRIED_PATTERNS_MAX {
        return topics.keys().filter(|topic| selectors.matches(topic)).cloned().collect();
    }
    let named = selectors.iter().filter_map(|selector| selector.topic());
    let mut found: Vec<_> = named.filter(|topic| topics.contains_key(*topic)).cloned().collect();
    for pattern in selectors.patterns() {
        let begin_so =
            topics.range::<str, _>((Included(pattern.prefix()), Unbounded)).map(|(topic, _)| topic);
        let begin_so = begin_so.take_while(|topic| topic.as_str().starts_with(pattern.prefix()));
        found.extend(begin_so.filter(|topic| pattern.matches(topic)).cloned());
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::select::Selector;

    #[test]
    fn the_topics_found_are_those_that_match() {
        let names = ["a", "orders", "orders/1", "orders/1/items", "orders/2", "ordersx", "z", "tidings/x"];
        let topics: BTreeMap<_, ()> = names.iter().map(|name| (Topic::parse(name).unwrap(), ())).collect();
        for texts in [
            &["orders/1"][..],
            &["none"],
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
        }
    }
}
