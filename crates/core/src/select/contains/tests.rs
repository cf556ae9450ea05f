use proptest::prelude::*;

use super::*;
use crate::event::Topic;

fn selector(text: &str) -> Selector {
    Selector::parse(text).unwrap()
}

fn contains(own: &str, other: &str) -> bool {
    selector(own).contains(&selector(other))
}

#[test]
fn a_selector_contains_itself_and_what_is_narrower() {
    for (own, other) in [
        ("orders/9", "orders/9"),
        ("orders/*", "orders/9"),
        ("orders/*", "orders/*"),
        ("orders/**", "orders/*"),
        ("orders/**", "orders"),
        ("orders/**", "orders/*/items/**"),
        ("**", "a/**/b"),
        ("*/**", "**"),
        ("**/*", "*/**"),
        ("a/*/**", "a/**/b"),
        ("**/b/**", "a/**/b"),
        ("a/**/b/**", "a/b/**/b"),
        ("inbox/**", "inbox/u1/**"),
        ("*", "inbox"),
        ("**/x/*/**", "**/x/x/**/y"),
    ] {
        assert!(contains(own, other), "{own} contains {other}");
    }
}

#[test]
fn a_selector_does_not_contain_what_has_another_topic() {
    for (own, other) in [
        ("orders/9", "orders/*"),
        ("orders/*", "orders/**"),
        ("orders/*", "*/9"),
        ("*", "**"),
        ("**/b", "a/**"),
        ("a/*/**", "a/**"),
        ("a/**/b", "a/**/b/**"),
        ("*/*", "**/*"),
        ("users/a", "users/a/**"),
    ] {
        assert!(!contains(own, other), "{own} does not contain {other}");
    }
}

/// `inbox/` and `tidings/` are for those who are given them by name.
#[test]
fn a_wildcard_in_the_first_segment_contains_nothing_reserved() {
    for own in ["**", "*/**", "*/u1", "**/u1", "**/inbox/u1"] {
        for other in ["inbox/u1", "inbox/*", "inbox/**", "tidings/presence/a", "tidings/**"] {
            assert!(!contains(own, other), "{own} does not contain {other}");
        }
    }
    let everything = Selector::Pattern(super::super::pattern::Pattern::everything());
    assert!(everything.contains(&selector("inbox/**")) && everything.contains(&selector("**")));
    assert!(!selector("**").contains(&everything) && !selector("inbox/**").contains(&everything));
}

/// Each `**` could stand at very many places.
#[test]
fn hostile_pairs_end() {
    let stars = ["*"; 13].join("/");
    let own = format!("**/a/{stars}/**");
    let other = format!("**/a/**/a/**/{stars}");

    let _ = contains(&own, &other);
    let _ = contains(&other, &own);
    assert!(contains(&own, &own) && contains(&other, &other));
}

/// What a reserved topic would be matched by is hidden from a pattern whose first segment is a wildcard.
#[test]
fn words_that_would_be_reserved_topics_do_not_count() {
    let contains =
        |own: &str, other: &str| Selector::parse(own).unwrap().contains(&Selector::parse(other).unwrap());

    for (own, other) in [
        ("**/*/*/*", "**/inbox/a"),
        ("**/*/*", "**/inbox"),
        ("**/*/*/*", "**/tidings/a"),
        ("*/*/**/a", "**/inbox/**/a"),
    ] {
        // `inbox` alone is a topic, and `inbox/a` is hidden.
        assert_eq!(contains(own, other), other != "**/inbox", "{own} contains {other}");
    }
    assert!(!contains("**/*/*/*", "**/inboxes/a"));
}

/// Segments that stand in no pattern here are the two last ones.
const LETTERS: [&str; 5] = ["a", "b", "inbox", "x", "y"];

fn any_selector() -> impl Strategy<Value = Selector> {
    let segment = prop::sample::select(vec!["a", "b", "inbox", "*", "*", "**", "**"]);
    let text = prop::collection::vec(segment, 1..5).prop_map(|segments| segments.join("/"));
    text.prop_filter_map("at most three `**`", |text| Selector::parse(&text).ok())
}

/// All topics of at most five segments.
fn all_topics() -> Vec<Topic> {
    let mut topics: Vec<String> = LETTERS.map(str::to_owned).into();
    let mut longest = topics.clone();
    for _ in 1..5 {
        longest = longest
            .iter()
            .flat_map(|topic| LETTERS.iter().map(move |letter| format!("{topic}/{letter}")))
            .collect();
        topics.extend(longest.iter().cloned());
    }
    topics.iter().map(|topic| Topic::parse(topic).unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The naive model: a selector contains another if it matches each topic that the other matches.
    #[test]
    fn containing_is_matching_every_topic_of_the_other(pairs in prop::collection::vec((any_selector(), any_selector()), 8)) {
        thread_local!(static TOPICS: Vec<Topic> = all_topics());
        TOPICS.with(|topics| {
            for (own, other) in &pairs {
                let naive = topics.iter().filter(|topic| other.matches(topic)).all(|topic| own.matches(topic));
                prop_assert_eq!(own.contains(other), naive, "{} contains {}", own, other);
            }
            Ok(())
        })?;
    }
}
