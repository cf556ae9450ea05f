use proptest::prelude::*;

use super::*;
use crate::event::Topic;
use crate::select::Selectors;

fn index<S: AsRef<str>>(topics: impl IntoIterator<Item = S>) -> Literals {
    let mut literals = Literals::default();
    for (at, topic) in (0..).zip(topics) {
        assert_eq!(literals.add(topic.as_ref()), at);
    }
    literals
}

fn candidates(literals: &Literals, selector: &str) -> Option<Vec<u32>> {
    literals.candidates(&Selector::parse(selector).unwrap())
}

#[test]
fn the_candidates_are_the_topics_that_have_the_rarest_literal() {
    let literals = index(["orders/1/paid", "orders/2/paid", "orders/1/open", "users/1"]);

    assert_eq!(candidates(&literals, "orders/*/open"), Some(vec![2]));
    assert_eq!(candidates(&literals, "**/paid"), Some(vec![0, 1]));
    assert_eq!(candidates(&literals, "*/1/**"), Some(vec![0, 2, 3]));
    assert_eq!(candidates(&literals, "orders/*/lost"), Some(vec![]));
    assert_eq!(candidates(&literals, "orders/1/paid"), Some(vec![0, 1]));
}

#[test]
fn a_selector_without_a_literal_has_no_candidates_to_name() {
    let literals = index(["a", "b/c"]);

    for selector in ["*", "**", "*/*", "**/*"] {
        assert_eq!(candidates(&literals, selector), None, "{selector}");
    }
    assert!(Selectors::everything().iter().all(|selector| literals.candidates(selector).is_none()));
}

#[test]
fn an_empty_segment_is_a_literal() {
    let literals = index(["https://a", "https:/a", "/a"]);

    assert_eq!(candidates(&literals, "**//**"), Some(vec![0, 2]));
    assert_eq!(candidates(&literals, "*//a"), Some(vec![0, 2]));
}

#[test]
fn a_literal_that_too_many_topics_have_says_nothing_and_takes_no_memory() {
    let max = LITERAL_TOPICS_MAX as u32;
    let topics = |count: u32| (0..count).map(|n| format!("orders/{n}/{}", n % 3));
    let (full, over) = (index(topics(max)), index(topics(max + 1)));

    assert_eq!(candidates(&full, "orders/**"), Some((0..max).collect()));
    assert_eq!(candidates(&over, "orders/**"), None);
    assert_eq!(candidates(&over, "orders/*/2"), Some((0..max).filter(|n| n % 3 == 2).collect()));
    assert_eq!(candidates(&over, "orders/77/*"), Some(vec![77]));
    assert!(over.bytes() < full.bytes() - 3 * max as usize, "{} and {}", over.bytes(), full.bytes());
}

#[test]
fn a_topic_of_many_segments_is_a_candidate_of_every_pattern() {
    let segments = |count: usize| (0..count).map(|n| format!("s{n}")).collect::<Vec<_>>().join("/");
    let (full, long) = (segments(LITERALS_MAX), segments(LITERALS_MAX + 1));
    let literals = index([full.as_str(), long.as_str(), "a/b", "x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x"]);

    assert_eq!(candidates(&literals, "**/s3/**"), Some(vec![0, 1]));
    assert_eq!(candidates(&literals, "a/*"), Some(vec![1, 2]));
    assert_eq!(candidates(&literals, "x/**"), Some(vec![1, 3]));
}

#[test]
fn many_topics_of_many_segments_make_every_answer_unknown() {
    let long = |n: usize| (0..=LITERALS_MAX).map(|at| format!("{n}-{at}")).collect::<Vec<_>>().join("/");
    let topics = (0..=LITERAL_TOPICS_MAX).map(long).chain(["a/b".to_owned()]);

    assert_eq!(candidates(&index(topics), "a/*"), None);
}

#[test]
fn what_was_forgotten_is_as_if_it_had_never_been_added() {
    let topics: Vec<_> = (0..40).map(|n| format!("{}/{}/x{n}", n % 7, n / 13)).collect();
    for count in 0..topics.len() {
        let (fewer, mut literals) = (index(&topics[..count]), index(&topics));

        literals.truncate(count as u32);

        assert_eq!(literals.topics(), fewer.topics());
        assert_eq!(literals.lists.len(), fewer.lists.len());
        assert_eq!(literals.holders.len(), fewer.holders.len());
        for again in &topics[count..] {
            literals.add(again);
        }
        for selector in (0..40).flat_map(|n| [format!("{n}/**"), format!("*/{n}/*"), format!("**/x{n}")]) {
            assert_eq!(
                candidates(&literals, &selector),
                candidates(&index(&topics), &selector),
                "{selector}"
            );
        }
    }
}

#[test]
fn a_topic_of_which_each_segment_is_new_takes_bounded_memory() {
    let count = 100_000;
    let literals = index((0..count).map(|n| format!("orders/{n}")));

    let each = literals.bytes() / count;
    assert!((10..=32).contains(&each), "{each} bytes for a topic");
}

proptest! {
    #[test]
    fn every_topic_that_matches_is_a_candidate(
        topics in prop::collection::hash_set("[ab](/[abc]{0,2}){0,14}|inbox(/[ab]){0,2}", 0..60),
        selectors in prop::collection::vec("([ab]|\\*\\*?|inbox)(/([abc]{0,2}|\\*\\*?)){0,14}", 1..6),
    ) {
        let topics: Vec<_> = topics.into_iter().map(|text| Topic::parse(&text).unwrap()).collect();
        let literals = index(topics.iter().map(Topic::as_str));

        for selector in selectors {
            // Some have too many wildcards to be selectors.
            let Ok(selector) = Selector::parse(&selector) else { continue };
            let matching = (0..).zip(&topics).filter(|(_, topic)| selector.matches(topic));
            let Some(candidates) = literals.candidates(&selector) else {
                prop_assert_eq!(literals_of_selector(&selector).next(), None);
                continue;
            };
            prop_assert!(candidates.is_sorted_by(|one, two| one < two));
            for (number, topic) in matching {
                prop_assert!(candidates.contains(&number), "{} of {}", topic, selector);
            }
        }
    }
}
