//! The index over patterns agrees with the plain check of one pattern for families that are hard to tell from each
//! other, while patterns come and go in no order.

#![allow(clippy::unwrap_used)]

#[path = "../examples/patterns/families.rs"]
mod families;

use std::collections::BTreeMap;

use families::{FAMILIES, Random};
use tidings_core::select::PatternIndex;
use tidings_core::{Pattern, Selector, Topic};

/// An index, and the patterns that it has.
#[derive(Default)]
struct Scene {
    index: PatternIndex<String>,
    patterns: BTreeMap<String, Pattern>,
}

impl Scene {
    /// Inserts the pattern if it is not there, and else removes it.
    fn toggle(&mut self, text: &str) {
        let Ok(Selector::Pattern(pattern)) = Selector::parse(text) else { return };
        if self.patterns.remove(text).is_some() {
            assert_eq!(self.index.remove(&pattern).as_deref(), Some(text));
        } else {
            assert_eq!(self.index.insert(pattern.clone(), text.to_owned()), None);
            self.patterns.insert(text.to_owned(), pattern);
        }
    }

    /// Asks for a topic, and returns how many patterns match.
    fn ask(&self, name: &str) -> usize {
        let Ok(topic) = Topic::parse(name) else { return 0 };
        let mut found = Vec::new();
        self.index.matching(&topic, |text| found.push(text));
        found.sort();
        let matching = self.patterns.iter().filter(|(_, pattern)| pattern.matches(&topic));
        assert_eq!(found, matching.map(|(text, _)| text).collect::<Vec<_>>(), "{name}");
        found.len()
    }
}

/// A topic that matches a pattern, in which up to two segments are then replaced by others of its own.
fn near(pattern: &str, random: &mut Random) -> String {
    let mut segments = Vec::new();
    for segment in pattern.split('/') {
        match segment {
            "*" => segments.push(["a", "b", "n"][random.below(3)]),
            "**" => segments.extend((0..random.below(4)).map(|_| ["a", "b", "n"][random.below(3)])),
            literal => segments.push(literal),
        }
    }
    segments.truncate(64);
    for _ in 0..random.below(3) {
        let (from, to) = (random.below(segments.len().max(1)), random.below(segments.len().max(1)));
        if let Some(segment) = segments.get(from).copied() {
            segments[to] = segment;
        }
    }
    segments.join("/")
}

#[test]
fn families_of_hostile_patterns_are_found_while_they_come_and_go() {
    for (seed, family) in FAMILIES.iter().enumerate() {
        let (mut scene, mut random) = (Scene::default(), Random(seed as u64));
        let texts: Vec<_> = (0..family.count / 40).map(|_| (family.pattern)(&mut random)).collect();
        let mut matching = 0;
        // First nearly all come, then about half of them are there, then nearly all leave.
        for round in 0..5 {
            for text in &texts {
                let is_there = scene.patterns.contains_key(text);
                let toggles = [!is_there, random.below(2) == 0, random.below(8) == 0, is_there, !is_there];
                if toggles[round] && random.below(50) > 0 {
                    scene.toggle(text);
                }
            }
            for (_, make) in family.topics {
                matching += scene.ask(&make(&mut random));
            }
            for _ in 0..24 {
                matching += scene.ask(&near(&texts[random.below(texts.len())], &mut random));
            }
        }
        assert!(matching > 24, "{} matches of {}", matching, family.name);
    }
}

#[test]
fn all_short_patterns_of_two_letters_are_found_in_all_short_topics() {
    let (mut scene, mut random) = (Scene::default(), Random(13));
    let rows = |letters: &[&'static str], segments: u32| -> Vec<String> {
        let row = |mut n: usize| {
            let mut next = || {
                let letter = letters[n % letters.len()];
                n /= letters.len();
                letter
            };
            (0..segments).map(|_| next()).collect::<Vec<_>>().join("/")
        };
        (0..letters.len().pow(segments)).map(row).collect()
    };
    let mut texts: Vec<_> = (1..=5).flat_map(|segments| rows(&["a", "b", "*", "**"], segments)).collect();
    let topics: Vec<_> = (1..=6).flat_map(|segments| rows(&["a", "b", "c"], segments)).collect();

    for round in 0..4 {
        for at in (1..texts.len()).rev() {
            texts.swap(at, random.below(at + 1));
        }
        texts.iter().take(texts.len() / (round + 1)).for_each(|text| scene.toggle(text));
        let asked = topics.iter().skip(round).step_by(61);
        let matching: usize = asked.map(|topic| scene.ask(topic)).sum();
        assert!(matching > 500 || round == 3, "{matching}");
    }
}

#[test]
fn a_long_row_is_taken_down_in_any_order() {
    // They have nothing but a single `a` in common with any topic, so they all stand in one row, longer than a chunk.
    let gaps = (0..6_usize.pow(4)).map(|n| [n % 6, n / 6 % 6, n / 36 % 6, n / 216].map(|gap| gap + 1));
    let gaps = gaps.filter(|gaps| gaps.iter().sum::<usize>() <= 14).take(600);
    let texts: Vec<_> = gaps
        .map(|gaps| format!("**/{}a/**", gaps.map(|gap| format!("a/{}", "*/".repeat(gap))).concat()))
        .collect();
    assert_eq!(texts.len(), 600);
    for seed in 0..3 {
        let (mut scene, mut random) = (Scene::default(), Random(seed));
        let mut order: Vec<_> = texts.iter().collect();
        for at in (1..order.len()).rev() {
            order.swap(at, random.below(at + 1));
        }
        order.iter().for_each(|text| scene.toggle(text));
        order.reverse();
        for (nth, text) in order.iter().enumerate() {
            scene.toggle(text);
            if nth % 60 == 0 || nth > 590 {
                assert_eq!(scene.ask(&["a"; 64].join("/")), 599 - nth);
                scene.ask(&near(texts[random.below(600)].as_str(), &mut random));
            }
        }
    }
}
