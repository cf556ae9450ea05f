//! The index over patterns, and all other ways to match, agree with the plain definition of matching.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;
use tidings_core::select::PatternIndex;
use tidings_core::{Pattern, Selector, Selectors, Topic};

/// The definition: `*` is exactly one segment, `**` any number of them.
fn has_shape(pattern: &[&str], topic: &[&str]) -> bool {
    match (pattern, topic) {
        ([], []) => true,
        (["**", rest @ ..], _) => {
            has_shape(rest, topic) || (!topic.is_empty() && has_shape(pattern, &topic[1..]))
        }
        (["*", rest @ ..], [_, topic @ ..]) => has_shape(rest, topic),
        ([literal, rest @ ..], [segment, topic @ ..]) => literal == segment && has_shape(rest, topic),
        _ => false,
    }
}

/// A wildcard in the first segment does not match reserved topics.
fn matches(pattern: &str, topic: &str) -> bool {
    let (pattern, topic): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), topic.split('/').collect());
    let is_hidden =
        matches!(pattern[0], "*" | "**") && topic.len() > 1 && matches!(topic[0], "inbox" | "tidings");
    !is_hidden && has_shape(&pattern, &topic)
}

fn pattern(text: &str) -> Option<Pattern> {
    match Selector::parse(text) {
        Ok(Selector::Pattern(pattern)) => Some(pattern),
        _ => None,
    }
}

/// Segments that are often equal, with those that begin alike, the empty one, and the reserved ones.
fn literal() -> impl Strategy<Value = &'static str> {
    select(vec![
        "a", "a", "a", "a", "b", "b", "", "ab", "abcdefgh", "abcdefgh", "abcdefgi", "inbox", "tidings", "c",
    ])
}

fn segment() -> impl Strategy<Value = &'static str> {
    prop_oneof![6 => literal(), 2 => Just("*"), 1 => Just("**")]
}

/// Most are short, some are as long as they may be.
fn patterns_text() -> impl Strategy<Value = String> {
    let long =
        (prop::collection::vec(select(vec!["a", "b"]), 20..60), prop::collection::vec(0..60_usize, 0..16));
    let long = long.prop_map(|(mut segments, stars)| {
        for (count, at) in stars.into_iter().enumerate() {
            let at = at % segments.len();
            segments[at] = if count < 3 { "**" } else { "*" };
        }
        segments.join("/")
    });
    prop_oneof![3 => prop::collection::vec(segment(), 1..6).prop_map(|all| all.join("/")), 1 => long]
}

/// A topic, by a number of the pattern that it is made of: each wildcard is replaced, and one segment may be changed.
fn topic_of(pattern: &str, seed: u64, lengthen: usize) -> String {
    let mut random = fastrand(seed);
    let mut next = |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    let mut segments = Vec::new();
    for segment in pattern.split('/') {
        match segment {
            "*" => segments.push(["a", "b", ""][next(3) as usize]),
            "**" => segments.extend((0..next(4) as usize * lengthen).map(|_| ["a", "b"][next(2) as usize])),
            literal => segments.push(literal),
        }
    }
    if next(2) == 0 && !segments.is_empty() {
        let at = next(segments.len() as u64) as usize;
        segments[at] = match segments[at] {
            "abcdefgh" => "abcdefgi",
            "abcdefgi" => "abcdefgh",
            _ => ["a", "b", "c"][next(3) as usize],
        };
    }
    segments.join("/")
}

fn fastrand(seed: u64) -> u64 {
    seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678
}

fn topic_text() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::collection::vec(literal(), 1..6).prop_map(|all| all.join("/")),
        (patterns_text(), any::<u64>()).prop_map(|(pattern, seed)| topic_of(&pattern, seed, 1)),
        // Topics that a store holds from before there was a bound.
        (patterns_text(), any::<u64>()).prop_map(|(pattern, seed)| topic_of(&pattern, seed, 20)),
    ]
}

fn topic(text: &str) -> Option<Topic> {
    Topic::parse_held(text).ok()
}

/// The patterns of an index that match a topic, in order. The value of each pattern is its text.
fn found(index: &PatternIndex<String>, topic: &Topic) -> Vec<String> {
    let mut found = Vec::new();
    index.matching(topic, |text| found.push(text.clone()));
    found.sort();
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_pattern_matches_as_defined(text in patterns_text(), seeds in prop::collection::vec(any::<u64>(), 8), other in topic_text()) {
        let Some(pattern) = pattern(&text) else { return Ok(()) };
        let mut index = PatternIndex::new();
        index.insert(pattern.clone(), ());
        let texts = seeds.iter().flat_map(|seed| [topic_of(&text, *seed, 1), topic_of(&text, *seed, 20)]);
        for name in texts.chain([other]) {
            let Some(topic) = topic(&name) else { continue };
            let expected = matches(&text, &name);
            prop_assert_eq!(pattern.matches(&topic), expected, "{} of {}", &text, &name);
            prop_assert_eq!(index.any(&topic), expected, "{} of {} by the index", &text, &name);
        }
    }

    #[test]
    fn an_index_finds_each_pattern_that_matches_once(
        texts in prop::collection::vec(patterns_text(), 1..200),
        names in prop::collection::vec(topic_text(), 8),
        seeds in prop::collection::vec(any::<u64>(), 24),
    ) {
        let mut index = PatternIndex::new();
        let mut model = BTreeMap::new();
        for text in &texts {
            let Some(pattern) = pattern(text) else { continue };
            prop_assert_eq!(index.insert(pattern.clone(), text.clone()), model.insert(text.clone(), pattern).map(|_| text.clone()));
        }
        let own = seeds.iter().zip(texts.iter().cycle()).map(|(seed, text)| topic_of(text, *seed, 1));
        for name in own.chain(names) {
            let Some(topic) = topic(&name) else { continue };
            let expected: Vec<_> = model.keys().filter(|text| matches(text, &name)).cloned().collect();
            prop_assert_eq!(found(&index, &topic), expected, "{}", &name);
        }
    }

    #[test]
    fn an_index_forgets_what_is_removed_and_nothing_else(
        steps in prop::collection::vec((any::<bool>(), 0..60_usize), 1..400),
        texts in prop::collection::vec(patterns_text(), 60),
        seeds in prop::collection::vec(any::<u64>(), 16),
    ) {
        let mut index = PatternIndex::new();
        let mut model = BTreeMap::new();
        for (inserts, at) in steps {
            let Some(pattern) = pattern(&texts[at]) else { continue };
            prop_assert_eq!(index.get(&pattern), model.get(&texts[at]));
            if inserts {
                prop_assert_eq!(index.insert(pattern, texts[at].clone()), model.insert(texts[at].clone(), texts[at].clone()));
            } else {
                prop_assert_eq!(index.remove(&pattern), model.remove(&texts[at]));
            }
            prop_assert_eq!(index.len(), model.len());
        }
        for (seed, text) in seeds.iter().zip(&texts) {
            let name = topic_of(text, *seed, 1);
            let Some(topic) = topic(&name) else { continue };
            let expected: Vec<_> = model.keys().filter(|text| matches(text, &name)).cloned().collect();
            prop_assert_eq!(found(&index, &topic), expected, "{}", &name);
        }
    }

    #[test]
    fn a_list_of_selectors_matches_what_one_of_them_does(
        texts in prop::collection::vec(prop_oneof![patterns_text(), topic_text()], 1..60),
        names in prop::collection::vec(topic_text(), 8),
        seeds in prop::collection::vec(any::<u64>(), 16),
    ) {
        let all: Vec<_> = texts.iter().filter_map(|text| Selector::parse(text).ok()).collect();
        let Ok(list) = Selectors::new(all.clone()) else { return Ok(()) };
        let own = seeds.iter().zip(texts.iter().cycle()).map(|(seed, text)| topic_of(text, *seed, 1));
        for name in own.chain(names) {
            let Some(topic) = topic(&name) else { continue };
            let expected = all.iter().any(|selector| matches(selector.as_str(), &name));
            prop_assert_eq!(list.matches(&topic), expected, "{}", &name);
        }
    }
}

#[test]
fn thousands_of_patterns_are_found_while_they_come_and_go() {
    let texts: Vec<_> = (0..6_000_u64)
        .map(|n| match n % 6 {
            0 => format!("tenants/{}/orders/*", n / 6),
            1 => format!("tenants/*/orders/{}", n / 6),
            2 => format!("{}/**", n / 6),
            3 => format!("**/{}", n / 6),
            4 => format!("**/{}/*/{}/**", n / 6, n / 12),
            _ => format!("sensors/{}/*/at/{}", n / 60, n / 6 % 10),
        })
        .collect();
    let mut index: PatternIndex<_> =
        texts.iter().map(|text| (pattern(text).unwrap(), text.clone())).collect();
    for text in texts.iter().step_by(3) {
        assert_eq!(index.remove(&pattern(text).unwrap()).as_ref(), Some(text));
    }
    let kept: Vec<_> = texts.iter().enumerate().filter(|(at, _)| at % 3 != 0).map(|(_, text)| text).collect();

    for name in [
        "tenants/7/orders/8",
        "8",
        "x/9",
        "9/1/4",
        "3/9/x/4/5",
        "sensors/4/x/at/5",
        "sensors/4/at/5",
        "7/8/9",
    ] {
        let mut expected: Vec<_> =
            kept.iter().filter(|text| matches(text, name)).map(ToString::to_string).collect();
        expected.sort();
        assert_eq!(found(&index, &topic(name).unwrap()), expected, "{name}");
    }
    assert_eq!(index.iter().count(), kept.len());
}

#[test]
fn everything_and_two_stars_are_two_patterns() {
    let everything = Selectors::everything();
    let Some(Selector::Pattern(everything)) = everything.iter().next() else { panic!("a pattern") };
    let mut index = PatternIndex::new();
    index.insert(everything.clone(), "everything");
    index.insert(pattern("**").unwrap(), "any");
    index.insert(pattern("inbox/*").unwrap(), "inbox");
    let found = |name: &str| {
        let mut found = Vec::new();
        index.matching(&topic(name).unwrap(), |value| found.push(*value));
        found.sort_unstable();
        found
    };

    assert_eq!(found("inbox/ann"), ["everything", "inbox"]);
    assert_eq!(found("inbox"), ["any", "everything"]);
    assert_eq!(found(&format!("inbox/{}", ["a"; 80].join("/"))), ["everything"]);
}

#[test]
fn lists_of_selectors_are_compared_by_what_they_list() {
    let list =
        |texts: &[&str]| Selectors::new(texts.iter().map(|text| Selector::parse(text).unwrap())).unwrap();
    let (some, same) =
        (list(&["a", "b/*", "c/*", "d/*", "e/*", "f/*"]), list(&["f/*", "e/*", "d/*", "c/*", "b/*", "a"]));

    // One has made its index, the other has not.
    assert!(some.matches(&topic("f/x").unwrap()));
    let hash = |list: &Selectors| {
        std::hash::BuildHasher::hash_one(
            &std::hash::BuildHasherDefault::<std::hash::DefaultHasher>::default(),
            list,
        )
    };
    assert_eq!((&some, hash(&some)), (&same, hash(&same)));
    assert_eq!(format!("{some:?}"), format!("{same:?}"));
    assert_ne!(some, list(&["a"]));
    let shared = Arc::new(some.clone());
    assert_eq!(*shared, some);
}
