//! An index names the topics that patterns match, in memory and in a file: the same ones as a comparison with all topics, for a
//! few reads, and whatever numbers stand in the file.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use tidings_core::contract::fixture::{draft, selectors};
use tidings_core::limits::{LITERAL_TOPICS_MAX, LITERALS_MAX};
use tidings_core::{Draft, Epoch, Selector, Selectors, Sequence, UnixMillis};

use super::dice::Dice;
use super::forgery::Counting;
use crate::file::disk::Disk;
use crate::file::disk::sim::SimDisk;
use crate::file::ended::Ended;
use crate::file::fault::Fault;
use crate::file::hash::KeyedHash;
use crate::file::header::{FORMAT, SegmentHeader};
use crate::file::index::growing::GrowingIndex;
use crate::file::index::sealed::SealedIndex;
use crate::file::index::{Index, build, pages};
use crate::file::names;
use crate::file::read::candidates::postings_of;
use crate::file::read::sliced_tests::unlimited;
use crate::limits::{TOPICS_TRIED_MAX, TOPICS_WALKED_MAX};

const BASE: Sequence = Sequence(1);
const HASH: KeyedHash = KeyedHash(*b"a key for trials");

/// Bytes of a page of an index, and of the content in it.
const PAGE: usize = 4_096;
const CONTENT: usize = 4_092;

fn growing(drafts: &[Draft]) -> GrowingIndex {
    let index = GrowingIndex::default();
    index.extend((0..).zip(drafts), &HASH);
    index
}

fn of_topics(topics: impl IntoIterator<Item = String>) -> GrowingIndex {
    growing(&topics.into_iter().map(|topic| draft(&topic, "")).collect::<Vec<_>>())
}

/// A disk with the index of a segment in a file.
fn sealed_on_disk(index: &GrowingIndex) -> SimDisk {
    let disk = SimDisk::new(0);
    let (epoch, time) = (Epoch(1), UnixMillis(1));
    let header =
        SegmentHeader { format: FORMAT, epoch, base: BASE, time_before: time, key_check: HASH.check() };
    build::write(&disk, &header, Ended { end: 64, last_time: time }, index, &HASH).unwrap();
    disk
}

fn open(disk: &SimDisk) -> Result<SealedIndex, Fault> {
    SealedIndex::open(disk, BASE, FORMAT, HASH)
}

/// The records whose topics match, as the index tells.
fn told(index: &dyn Index, selectors: &Selectors) -> Result<Option<BTreeSet<u32>>, Fault> {
    let postings = unlimited(async |meter| postings_of(index, selectors, meter).await).0?;
    let Some(postings) = postings else { return Ok(None) };
    let mut records = BTreeSet::new();
    for postings in postings {
        for record in index.ordinals(postings, 0..postings.len)? {
            assert!(records.insert(record), "a topic is named twice");
        }
    }
    Ok(Some(records))
}

/// The records whose topics match, by a comparison with each.
fn matching(drafts: &[Draft], selectors: &Selectors) -> BTreeSet<u32> {
    (0..).zip(drafts).filter(|(_, draft)| selectors.matches(draft.topic())).map(|(at, _)| at).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn an_index_names_the_topics_that_match_and_no_others(
        topics in prop::collection::vec("[ab]{1,2}(/[abc]{0,2}){0,14}|(inbox|tidings)(/[ab]){0,2}", 0..80),
        texts in prop::collection::vec("([ab]{1,2}|\\*\\*?|inbox)(/([abc]{0,2}|\\*\\*?)){0,14}", 1..6),
        cut_off in 0..20_usize,
    ) {
        let drafts: Vec<_> = topics.iter().map(|topic| draft(topic, "")).collect();
        // Some have more wildcards than a pattern may have.
        let legal = texts.iter().map(String::as_str).filter(|text| Selector::parse(text).is_ok());
        let selectors = selectors(&legal.chain(["a"]).collect::<Vec<_>>());
        let expected = Some(matching(&drafts, &selectors));
        // An append that is taken back, and comes again.
        let index = growing(&drafts);
        let kept = drafts.len().saturating_sub(cut_off);
        index.truncate(kept as u32);
        index.extend((kept as u32..).zip(&drafts[kept..]), &HASH);

        prop_assert_eq!(&told(&index, &selectors).unwrap(), &expected);
        let sealed = open(&sealed_on_disk(&index)).unwrap();
        prop_assert_eq!(&told(&sealed, &selectors).unwrap(), &expected);
    }
}

#[test]
fn a_literal_of_many_topics_is_left_to_those_of_few() {
    let many = (TOPICS_TRIED_MAX + 1) as u32;
    let topics =
        |count: u32| (0..count).map(|n| format!("orders/{n}/{}", if n % 1_000 == 7 { "odd" } else { "x" }));
    let memory = of_topics(topics(many));
    let sealed = open(&sealed_on_disk(&memory)).unwrap();
    let answers = |texts: &[&str]| {
        let (one, other) =
            (told(&memory, &selectors(texts)).unwrap(), told(&sealed, &selectors(texts)).unwrap());
        assert!(one == other, "{texts:?}");
        one
    };

    let odd = Some((0..many).filter(|n| n % 1_000 == 7).collect::<BTreeSet<_>>());
    assert_eq!(answers(&["orders/*/odd"]), odd);
    assert_eq!(answers(&["**/odd", "*/*/odd", "orders/1007/odd"]), odd);
    assert_eq!(answers(&["orders/12/*", "orders/13/x"]), Some([12, 13].into()));
    assert_eq!(answers(&["orders/*/lost"]), Some([].into()));
    for unknown in ["orders/**", "*/*/*", "**/*"] {
        assert_eq!(answers(&[unknown]), None, "{unknown}");
        assert_eq!(answers(&[unknown, "orders/*/odd"]), None, "{unknown}");
    }
}

#[test]
fn the_patterns_of_a_query_share_one_bound() {
    let each = TOPICS_TRIED_MAX as u32 / 4;
    let memory =
        of_topics((0..5 * each).map(|n| format!("{}/{n}", ["a", "b", "c", "d", "e"][(n / each) as usize])));
    let sealed = open(&sealed_on_disk(&memory)).unwrap();

    for index in [&memory as &dyn Index, &sealed] {
        let four = told(index, &selectors(&["a/*", "b/*", "c/*", "d/*"])).unwrap();
        assert_eq!(four, Some((0..4 * each).collect()));
        assert_eq!(told(index, &selectors(&["a/*", "b/*", "c/*", "d/*", "e/7"])).unwrap(), four);
        assert_eq!(told(index, &selectors(&["a/*", "b/*", "c/*", "d/*", "e/*"])).unwrap(), None);
    }
}

#[test]
fn topics_of_many_segments_are_compared_with_every_pattern_until_they_are_too_many() {
    let long = |n: usize| (0..=LITERALS_MAX).map(|at| format!("{n}-{at}")).collect::<Vec<_>>().join("/");
    let few = of_topics((0..2_000).map(|n| format!("a/{n}")).chain((0..10).map(long)));
    let many = of_topics((0..=LITERAL_TOPICS_MAX).map(long));

    for (index, answer) in [(few, Some([2_007].into())), (many, None)] {
        let pattern = selectors(&["**/7-3/**"]);
        assert_eq!(told(&index, &pattern).unwrap(), answer);
        assert_eq!(told(&open(&sealed_on_disk(&index)).unwrap(), &pattern).unwrap(), answer);
    }
}

/// Bytes that a query reads of an index, and how many records it finds.
fn cost(disk: &SimDisk, texts: &[&str]) -> (u64, Option<usize>) {
    let name = names::index(BASE);
    let counting = Arc::new(Counting { file: disk.open(&name).unwrap(), bytes: AtomicU64::new(0) });
    let index = SealedIndex::of(counting.clone(), name, BASE, FORMAT, HASH).unwrap();
    counting.bytes.store(0, Ordering::Relaxed);
    let selectors = selectors(texts);
    let found = unlimited(async |meter| postings_of(&index, &selectors, meter).await).0.unwrap();
    (counting.bytes.load(Ordering::Relaxed), found.map(|postings| postings.len()))
}

#[test]
fn a_pattern_read_of_a_hundred_thousand_topics_reads_a_few_pages() {
    let topics = 100_000;
    let disk = sealed_on_disk(&of_topics((0..topics).map(|n| format!("orders/{}/{n}", n / 10))));
    let bytes = disk.world().file(&names::index(BASE)).unwrap().len();
    assert!(bytes > 1_000 * PAGE);
    let pages = |texts: &[&str]| {
        let (bytes, found) = cost(&disk, texts);
        (bytes / PAGE as u64, found)
    };

    for (texts, expected) in [
        (&["orders/777/*"][..], 10),
        (&["**/77777"], 1),
        (&["*/lost"], 0),
        (&["orders/777/*", "*/778/*"], 20),
    ] {
        let (read, found) = pages(texts);
        assert_eq!(found, Some(expected), "{texts:?}");
        assert!(read <= 30 * texts.len() as u64 + 2 * expected as u64, "{read} pages for {texts:?}");
    }
    // A pattern without a literal costs nothing, and one of a literal that all have costs a look.
    assert_eq!(pages(&["*/*/*"]), (0, None));
    let (read, found) = pages(&["orders/**"]);
    assert!(found.is_none() && read <= 20, "{read} pages");
}

#[test]
fn the_most_topics_that_are_compared_are_a_bounded_number_of_pages() {
    let topics = 100_000;
    let odd = |n: usize| if n.is_multiple_of(topics / LITERAL_TOPICS_MAX + 1) { "odd" } else { "x" };
    let disk = sealed_on_disk(&of_topics((0..topics).map(|n| format!("{}/{n}", odd(n)))));

    let (bytes, found) = cost(&disk, &["odd/*"]);

    let found = found.unwrap();
    assert!((LITERAL_TOPICS_MAX - 200..=LITERAL_TOPICS_MAX).contains(&found), "{found} topics");
    // The table of topics, their texts, and the list, each page once or, where a text crosses its end, twice.
    let once = (topics * (24 + 10) + found * 4) / CONTENT;
    assert!(bytes < 2 * (once * PAGE) as u64, "{bytes} bytes");
    // Another literal that fewer have costs less.
    let (bytes, found) = cost(&disk, &["**/odd/25/**"]);
    assert!(found == Some(1) && bytes < (50 * PAGE) as u64, "{bytes} bytes, {found:?}");
}

/// The content of an index, to be changed, and where the tables begin in it.
struct Content {
    bytes: Vec<u8>,
    topics_at: usize,
    /// Bytes of all texts, and entries of all postings.
    text_bytes: usize,
    postings: usize,
    literals: Range<usize>,
    lists: Range<usize>,
}

impl Content {
    fn of(disk: &SimDisk) -> Self {
        let world = disk.world();
        let file = world.file(&names::index(BASE)).unwrap();
        let bytes: Vec<_> = file.chunks(PAGE).flat_map(|page| &page[..CONTENT]).copied().collect();
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let topics_at = 80 + 4 * number(12);
        let epochs_at =
            topics_at + 24 * number(48) + number(52) + 4 * number(68) + 12 * number(56) + 12 * number(60);
        let literals_at = epochs_at + 20 * number(64);
        let lists_at = literals_at + 16 * number(72);
        let (text_bytes, postings) = (number(52), number(68));
        let (literals, lists) = (literals_at..lists_at, lists_at..lists_at + 4 * number(76));
        Self { bytes, topics_at, text_bytes, postings, literals, lists }
    }

    /// A disk with an index in which some bytes are others and all checksums are right.
    fn with(&self, changes: &[(usize, u32)]) -> SimDisk {
        let mut bytes = self.bytes.clone();
        for (at, number) in changes {
            bytes[*at..at + 4].copy_from_slice(&number.to_le_bytes());
        }
        let disk = SimDisk::new(0);
        pages::write(&*disk.create(&names::index(BASE)).unwrap(), BASE, &bytes).unwrap();
        disk
    }
}

#[test]
fn an_index_of_before_there_were_literals_is_read_and_compared_with_if_it_is_small() {
    for (topics, is_known) in [(TOPICS_WALKED_MAX, true), (TOPICS_WALKED_MAX + 1, false)] {
        let content = Content::of(&sealed_on_disk(&of_topics((0..topics).map(|n| format!("a/{n}")))));
        let index = open(&content.with(&[(72, 0), (76, 0)])).unwrap();

        assert_eq!(told(&index, &selectors(&["a/7"])).unwrap(), Some([7].into()));
        let expected = is_known.then(|| BTreeSet::from([7]));
        assert_eq!(told(&index, &selectors(&["*/7"])).unwrap(), expected);
    }
}

#[test]
fn numbers_that_lead_nowhere_are_said_to_be_corrupt() {
    let content =
        Content::of(&sealed_on_disk(&of_topics((0..2_000).map(|n| format!("a/b{}", n / 5 * 5 + n % 2)))));
    let of_list = |at: usize, number| {
        content.literals.clone().step_by(16).map(|entry| (entry + at, number)).collect::<Vec<_>>()
    };
    let lists = || content.lists.clone().step_by(4);
    let topics = || (0..800).map(|topic| content.topics_at + 24 * topic);
    let listed = lists().count() as u32;
    // Where the numbers of records stand, which might be those of a topic.
    let behind = 800 + content.text_bytes.div_ceil(24) as u32;
    let cases = [
        ("lists beyond the file", of_list(8, u32::MAX)),
        ("lists behind the last one", [of_list(8, listed), of_list(12, 1)].concat()),
        ("lists that go beyond the last one", of_list(12, LITERAL_TOPICS_MAX as u32)),
        ("topics beyond the file", lists().map(|at| (at, u32::MAX)).collect()),
        ("topics behind the last one", lists().map(|at| (at, behind)).collect()),
        ("topics that do not ascend", lists().map(|at| (at, 3)).chain(of_list(12, 2)).collect()),
        ("texts beyond the file", topics().map(|at| (at + 8, u32::MAX)).collect()),
        ("texts behind the last one", topics().map(|at| (at + 8, content.text_bytes as u32)).collect()),
        ("texts that go beyond the file", topics().map(|at| (at + 12, u32::MAX)).collect()),
        ("records beyond the file", topics().map(|at| (at + 16, u32::MAX)).collect()),
        ("records behind the last one", topics().map(|at| (at + 16, content.postings as u32)).collect()),
        ("records that go beyond the file", topics().map(|at| (at + 20, u32::MAX)).collect()),
    ];

    assert_eq!(
        told(&open(&content.with(&[])).unwrap(), &selectors(&["*/b5"])).unwrap().map(|all| all.len()),
        Some(2)
    );
    for (what, changes) in cases {
        let answer = told(&open(&content.with(&changes)).unwrap(), &selectors(&["*/b5"]));
        assert!(matches!(&answer, Err(Fault::Damaged { .. })), "{what}: {answer:?}");
    }
    // A list of more topics than any has, all of them there and in order.
    let long = Content::of(&sealed_on_disk(&of_topics((0..5_000).map(|n| format!("a/b{n}")))));
    let lists = (0..).zip(long.lists.clone().step_by(4)).map(|(number, at)| (at, number));
    let all_of = |entry: usize| [(entry + 8, 0), (entry + 12, LITERAL_TOPICS_MAX as u32 + 1)];
    let changes: Vec<_> = lists.chain(long.literals.clone().step_by(16).flat_map(all_of)).collect();
    let answer = told(&open(&long.with(&changes)).unwrap(), &selectors(&["*/b5"]));
    assert!(matches!(&answer, Err(Fault::Damaged { .. })), "{answer:?}");
}

#[test]
fn whatever_numbers_stand_in_an_index_a_pattern_is_answered_or_the_index_is_corrupt() {
    let content =
        Content::of(&sealed_on_disk(&of_topics((0..1_500).map(|n| format!("{}/b{}", n % 7, n / 2)))));
    let (mut answered, mut corrupt) = (0, 0);
    for seed in 0..300 {
        let mut dice = Dice::new(seed);
        let changes: Vec<_> = (0..1 + dice.below(400))
            .map(|_| {
                let at = match dice.below(8) {
                    0 => 48 + dice.below(28),
                    1 | 2 => content.literals.start + dice.below(content.literals.len() - 4),
                    3 | 4 => content.lists.start + dice.below(content.lists.len() - 4),
                    _ => content.topics_at + dice.below(content.literals.start - content.topics_at),
                };
                let number = [0, 1, 500, dice.next() as u32 % 3_000, u32::MAX, dice.next() as u32];
                (at, number[dice.below(number.len())])
            })
            // Of the header only in every second case, of which few can be opened.
            .filter(|(at, _)| *at >= 80 || seed % 2 == 0)
            .collect();
        let Ok(index) = open(&content.with(&changes)) else { continue };
        for texts in [&["*/b7"][..], &["3/**"], &["**/b1", "5/*"], &["*/*"], &["2/b9", "*/b500/**"]] {
            match unlimited(async |meter| postings_of(&index, &selectors(texts), meter).await).0 {
                Ok(_) => answered += 1,
                Err(Fault::Damaged { .. }) => corrupt += 1,
                Err(fault) => panic!("seed {seed}: {fault}"),
            }
        }
    }

    // Both ends are there, or the changes are not what they should be.
    assert!(answered > 50 && corrupt > 50, "{answered} answered, {corrupt} corrupt");
}
