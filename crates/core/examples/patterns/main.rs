//! What it costs to find the patterns that match a topic: `cargo run --release -p tidings-core --example patterns`.
//!
//! Prints tables. All patterns are made from a seed, which is printed and can be given as an argument. With a second one
//! only patterns are measured whose name has that text.

#![allow(clippy::print_stdout, reason = "it is run by hand, and what it prints is what it is for")]

mod families;

use std::collections::HashSet;
use std::hint::black_box;
use std::time::{Duration, Instant};

use families::{FAMILIES, Family, Make, Random};
use tidings_core::select::PatternIndex;
use tidings_core::{Pattern, Selector, Topic};

/// Topics of one kind that are asked for in turn.
const TOPICS: usize = 16;
/// How often all patterns are inserted and removed. Some rounds are disturbed by other programs.
const ROUNDS: usize = 3;

fn main() {
    let seed = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(13);
    let only = std::env::args().nth(2).unwrap_or_default();
    println!("seed {seed}; times are the best of 25 rounds of at least 1 ms, for one topic");
    println!();
    println!("| patterns | count | topic | matching | time |");
    println!("|---|---:|---|---:|---:|");
    let mut about = Vec::new();
    let (ordinary_counts, hostile_counts) = ([1, 10_000, 100_000, 1_000_000], [10_000, 100_000]);
    for (name, make, counts, topics) in [
        ("ordinary", ordinary as Make, ordinary_counts.as_slice(), ordinary_topics()),
        ("hostile", hostile, &hostile_counts, hostile_topics(seed)),
        ("hostile, near one topic", near, &hostile_counts, hostile_topics(seed)),
    ] {
        for count in counts.iter().filter(|_| name.contains(&only)) {
            about.push(measure(name, distinct(*count, seed, make), &topics));
        }
    }
    println!();
    println!("Per topic, the mean of {TOPICS} new ones:");
    println!();
    println!("| patterns | count | topics | matching | time |");
    println!("|---|---:|---|---:|---:|");
    for family in FAMILIES.iter().filter(|family| family.name.contains(&only)) {
        measure_family(family, seed);
    }
    println!();
    println!("The worst of all single ones is of the best of {ROUNDS} rounds:");
    println!();
    println!("| patterns | count | bytes each | insert | worst | remove | worst |");
    println!("|---|---:|---:|---:|---:|---:|---:|");
    about.iter().for_each(|line| println!("{line}"));
    println!();
    println!("| one pattern | topic | time |");
    println!("|---|---|---:|");
    let run = ["a"; 29].join("/");
    for (text, topic) in [
        ("orders/*", "orders/42".to_owned()),
        ("orders/*", "users/42/name".to_owned()),
        ("**/items/*", "orders/42/items/7".to_owned()),
        (&format!("**/{run}/**/{run}/b/**"), ["a"; 64].join("/")),
    ] {
        let (pattern, topic) = (pattern(text), Topic::parse(&topic).expect("a topic"));
        let time = best(|| pattern.matches(black_box(&topic)));
        println!("| {} | {} | {} |", short(text), short(topic.as_str()), shown(time));
    }
}

/// Prints a line for each topic, and returns what there is to say of the index itself.
fn measure(name: &str, patterns: Vec<Pattern>, topics: &[(String, Topic)]) -> String {
    let count = patterns.len();
    let before = resident();
    let index: PatternIndex<u32> = patterns.iter().cloned().zip(0..).collect();
    let bytes = resident().saturating_sub(before);
    for (label, topic) in topics {
        let mut matching = 0;
        index.matching(topic, |_| matching += 1);
        let time = best(|| {
            let mut sum = 0;
            index.matching(black_box(topic), |value| sum += value);
            sum
        });
        println!("| {name} | {count} | {label} | {matching} | {} |", shown(time));
    }
    drop(index);
    let rounds: Vec<_> = (0..ROUNDS).map(|_| changed(&patterns)).collect();
    let least = |of: fn(&Changes) -> Duration| shown(rounds.iter().map(of).min().unwrap_or_default());
    let (insert, insert_worst) = (least(|round| round.insert), least(|round| round.insert_worst));
    let (remove, remove_worst) = (least(|round| round.remove), least(|round| round.remove_worst));
    format!(
        "| {name} | {count} | {} | {insert} | {insert_worst} | {remove} | {remove_worst} |",
        bytes / count
    )
}

/// Prints a line for each kind of topics of a family.
fn measure_family(family: &Family, seed: u64) {
    let count = family.count;
    let index: PatternIndex<u32> = distinct(count, seed, family.pattern).into_iter().zip(0..).collect();
    for (label, make) in family.topics {
        let mut random = Random(seed);
        let topics: Vec<_> =
            (0..TOPICS).map(|_| Topic::parse(&make(&mut random)).expect("a topic")).collect();
        let mut matching = 0;
        topics.iter().for_each(|topic| index.matching(topic, |_| matching += 1));
        let time = best(|| {
            let mut sum = 0;
            topics.iter().for_each(|topic| index.matching(black_box(topic), |value| sum += value));
            sum
        });
        let (name, matching, time) = (family.name, matching / TOPICS, shown(time / TOPICS as u32));
        println!("| {name} | {count} | {label} | {matching} | {time} |");
    }
}

/// What it costs to insert a pattern and to remove it: the mean, and the worst of all.
struct Changes {
    insert: Duration,
    insert_worst: Duration,
    remove: Duration,
    remove_worst: Duration,
}

fn changed(patterns: &[Pattern]) -> Changes {
    let mut index = PatternIndex::new();
    let (insert, insert_worst) =
        each(patterns, |pattern| assert_eq!(index.insert(pattern.clone(), 0_u32), None));
    let (remove, remove_worst) = each(patterns, |pattern| assert_eq!(index.remove(pattern), Some(0)));
    Changes { insert, insert_worst, remove, remove_worst }
}

fn each(patterns: &[Pattern], mut change: impl FnMut(&Pattern)) -> (Duration, Duration) {
    let (began, mut worst) = (Instant::now(), Duration::ZERO);
    for pattern in patterns {
        let one = Instant::now();
        change(pattern);
        worst = worst.max(one.elapsed());
    }
    (began.elapsed() / patterns.len() as u32, worst)
}

/// The time of one call, in the round that was disturbed least.
fn best<R>(mut call: impl FnMut() -> R) -> Duration {
    let round = |_| {
        let (began, mut calls) = (Instant::now(), 0);
        while calls == 0 || began.elapsed() < Duration::from_millis(1) {
            for _ in 0..4 {
                black_box(call());
            }
            calls += 4;
        }
        began.elapsed() / calls
    };
    (0..25).map(round).min().unwrap_or_default()
}

fn shown(time: Duration) -> String {
    match time.as_nanos() {
        nanos if nanos < 10_000 => format!("{nanos} ns"),
        nanos => format!("{} us", nanos / 1_000),
    }
}

fn short(text: &str) -> String {
    if text.len() <= 30 { text.to_owned() } else { format!("{}... ({} bytes)", &text[..26], text.len()) }
}

fn distinct(count: usize, seed: u64, make: Make) -> Vec<Pattern> {
    let (mut random, mut texts) = (Random(seed), HashSet::new());
    while texts.len() < count {
        texts.insert(make(&mut random));
    }
    let mut texts: Vec<_> = texts.into_iter().collect();
    texts.sort();
    // In no order.
    for at in (1..texts.len()).rev() {
        texts.swap(at, random.below(at + 1));
    }
    texts.iter().map(|text| pattern(text)).collect()
}

fn pattern(text: &str) -> Pattern {
    let Ok(Selector::Pattern(pattern)) = Selector::parse(text) else {
        unreachable!("all have wildcards: {text}")
    };
    pattern
}

/// As programs subscribe to: of a tenant, a user, a device, a place.
fn ordinary(random: &mut Random) -> String {
    let (a, b, c) = (random.below(1_000_000), random.below(1_000), random.below(1_000));
    match random.below(8) {
        0 => format!("users/{a}/*"),
        1 => format!("users/{a}/**"),
        2 => format!("tenants/{b}/orders/*/lines/{c}"),
        3 => format!("tenants/*/orders/{a}"),
        4 => format!("**/devices/{a}"),
        5 => format!("sensors/{b}/*/floor/{c}/*"),
        6 => format!("{a}/*/events/**"),
        _ => format!("logs/**/{b}/{c}/error"),
    }
}

fn ordinary_topics() -> Vec<(String, Topic)> {
    let long = (0..64).map(|n| format!("s{n}")).collect::<Vec<_>>().join("/");
    let texts =
        ["users/42/mail", "tenants/7/orders/123/lines/8", "sensors/5/x/floor/9/y", "nothing/of/it", &long];
    let label =
        |text: &str| if text.len() < 40 { format!("`{text}`") } else { "64 other segments".to_owned() };
    texts.iter().map(|text| (label(text), Topic::parse(text).expect("a topic"))).collect()
}

/// 20 to 60 segments `a` and `b`, some of them replaced by as many wildcards as may be.
fn hostile(random: &mut Random) -> String {
    let segments = 20 + random.below(41);
    with_wildcards((0..segments).map(|_| ["a", "a", "a", "b"][random.below(4)]).collect(), random)
}

/// The beginning or the end of one topic, in which one segment is another.
fn near(random: &mut Random) -> String {
    let whole = mixed(13);
    let (from, to) = (random.below(3), 61 + random.below(4));
    let mut segments: Vec<_> = whole[from..to].to_vec();
    let at = random.below(segments.len());
    segments[at] = if segments[at] == "a" { "b" } else { "a" };
    if segments.len() > 60 {
        segments.truncate(60);
    }
    with_wildcards(segments, random)
}

fn with_wildcards(mut segments: Vec<&'static str>, random: &mut Random) -> String {
    for wildcard in 0..16 {
        let at = random.below(segments.len());
        segments[at] = if wildcard < 3 { "**" } else { "*" };
    }
    // One that was replaced by `*` later is missing; there is always one.
    segments.join("/")
}

fn mixed(seed: u64) -> Vec<&'static str> {
    let mut random = Random(seed);
    (0..64).map(|_| ["a", "b"][random.below(2)]).collect()
}

fn hostile_topics(seed: u64) -> Vec<(String, Topic)> {
    let mut last = vec!["a"; 64];
    last[63] = "b";
    let of = |label: &str, segments: Vec<&str>| {
        (label.to_owned(), Topic::parse(&segments.join("/")).expect("a topic"))
    };
    vec![
        of("64 `a`", vec!["a"; 64]),
        of("63 `a`, then `b`", last),
        of("64 of `a` and `b`", mixed(seed + 1)),
        of("64 of `a` and `b`, the one that is near", mixed(13)),
        of("40 `a`", vec!["a"; 40]),
        of("4 other segments", vec!["w", "x", "y", "z"]),
    ]
}

/// Bytes of memory that the process has, by the system's account; 0 where there is no `/proc`.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<usize>().ok());
    kilobytes.unwrap_or(0) * 1_024
}
