use std::collections::HashSet;

use super::*;
use crate::select::Selector;

fn pattern(text: &str) -> Pattern {
    match Selector::parse(text).unwrap() {
        Selector::Pattern(pattern) => pattern,
        Selector::Topic(topic) => panic!("a pattern: {topic}"),
    }
}

#[test]
fn memory_is_given_back_and_numbers_of_literals_are_used_again() {
    let mut index = PatternIndex::new();
    let patterns = |round: usize| (0..3_000).map(move |n| pattern(&format!("r{round}/{n}/*/**/x{n}/**")));
    for round in 0..3 {
        for pattern in patterns(round) {
            assert_eq!(index.insert(pattern, ()), None);
        }
        assert_eq!(index.by_hash.len(), 3_000);
        patterns(round).skip(20).for_each(|pattern| assert_eq!(index.remove(&pattern), Some(())));
        assert_eq!(index.len(), 20);
        assert!(index.entries.capacity() <= 128, "{}", index.entries.capacity());
        assert!(index.by_hash.capacity() <= 128 && index.chains.capacity() <= 256);
        assert!(index.names.number("x19") < 8_000, "numbers are given again");
        patterns(round).take(20).for_each(|pattern| assert_eq!(index.remove(&pattern), Some(())));
        assert_eq!((index.entries.capacity(), index.chains.capacity()), (0, 0));
        assert!(!index.sketch.has_begun() && index.in_use.lengths() == 0);
    }
}

#[test]
fn patterns_that_differ_in_one_segment_are_kept_apart() {
    let mut index = PatternIndex::new();
    // The first ones cannot know yet what the others have in common.
    for n in 0..2_400 {
        let segment = |at: usize| if at == 18 { format!("n{n}") } else { "a".to_owned() };
        let segments: Vec<_> = (0..20).map(segment).collect();
        index.insert(pattern(&(segments.join("/") + "/**")), ());
    }

    let keys: HashSet<_> = index.entries.iter().map(|entry| entry.key).collect();
    assert_eq!(keys.len(), 2_400);
}
