//! What readings are charged for: looks at an index, comparisons with patterns, reads of lists. Each is charged where it is made.

use tidings_core::contract::fixture::{draft_with, selectors};
use tidings_core::limits::COMPARED_SEGMENTS_PER_UNIT;
use tidings_core::read_desk::Meter;
use tidings_core::{DraftFields, Reading, Sequence, Start};
use tidings_sse::EventId;

use super::candidates::{Candidates, postings_of};
use super::last::before_last;
use super::sliced_tests::{limited, log, query, read_in, unlimited};
use crate::file::hash::KeyedHash;
use crate::file::index::growing::GrowingIndex;
use crate::file::log::Span;
use crate::limits::{INDEX_LOOKUP_UNITS, INDEX_READ_UNITS, TOPICS_TRIED_AT_ONCE};

#[test]
fn a_pattern_with_a_literal_that_no_topic_has_costs_a_look_at_each_index_and_no_comparison() {
    let (log, _) = log();
    let never = query(Start::Last(5), selectors(&["*/never/**"]));
    let segments = log.view().segments.len() as u64;

    let (reading, work) = read_in(&log, &never, u64::MAX, segments * INDEX_LOOKUP_UNITS + 1);

    assert!(matches!(reading, Reading::Page(page) if !page.partial), "{work} units for {segments} segments");
}

#[test]
fn topics_that_are_compared_with_patterns_are_work_in_small_steps() {
    let index = GrowingIndex::default();
    let drafts: Vec<_> =
        (0..1_000).map(|n| draft_with(&format!("a/{n}"), "", DraftFields::default())).collect();
    index.extend((0..).zip(&drafts), &KeyedHash(*b"a key for trials"));

    // The first has a literal that all topics have. The index cannot tell which ones the second matches.
    for texts in [["a/*"], ["*/*"]] {
        let ((), work) = unlimited(async |meter| {
            let selectors = selectors(&texts);
            let mut search = std::pin::pin!(postings_of(&index, &selectors, meter));
            let mut steps = 0;
            let found = std::future::poll_fn(|context| {
                meter.begin_slice(1);
                steps += 1;
                search.as_mut().poll(context).map(|found| found.unwrap().unwrap().len())
            });
            assert_eq!(found.await, 1_000);
            assert!(steps > 1_000 / TOPICS_TRIED_AT_ONCE, "{steps} steps");
        });
        assert!((250..300).contains(&work), "{work} units");
    }
}

#[test]
fn comparisons_with_patterns_are_work_wherever_they_are_made() {
    let (log, events) = log();
    let stars = |segments: usize| vec!["*"; segments].join("/");
    let of = |patterns: &[String]| selectors(&patterns.iter().map(String::as_str).collect::<Vec<_>>());
    let all = events.len() as u64;
    let often = Start::AfterId(EventId::new("often").unwrap());

    // Nine in ten topics are compared once by each of so many searches, and no index can say what these patterns match.
    for (start, few, many, compared) in [
        (Start::Earliest, 4..5, 1..13, 2 * all),
        (Start::Last(1_000), 4..5, 1..13, 4 * all),
        (often, 5..9, 5..17, all / 3),
    ] {
        let work =
            |patterns: Vec<String>| read_in(&log, &query(start.clone(), of(&patterns)), u64::MAX, u64::MAX).1;
        // Each topic has four segments.
        let segments = 4 * (many.len() - few.len()) as u64;
        let comparing = work(many.map(stars).collect()) - work(few.map(stars).collect());

        let expected = segments * compared * 9 / 10 / COMPARED_SEGMENTS_PER_UNIT;
        assert!(
            comparing.abs_diff(expected) < expected / 8,
            "{comparing} units, not {expected}, for {start:?}"
        );
    }
}

#[test]
fn each_read_of_a_list_that_a_page_merges_is_work_of_its_own() {
    let (log, _) = log();
    let view = log.view();
    let span = view.spans_after(Sequence(0)).next().unwrap();
    let rest = Span { start: span.end / 2, ..span };
    let topics: Vec<_> = (10..40).map(|number| format!("of/{number}/its/own")).collect();
    let topics: Vec<_> = topics.iter().map(String::as_str).collect();
    let listed = span.segment.index().topic("some/times").unwrap().unwrap().len;
    assert!((8..16).contains(&listed), "{listed} records");

    // A list of one record takes one read. A longer one of 8 to 15 records takes four before it, of which one is wanted.
    for (span, topics, reads) in [(span, &topics[..], 30), (rest, &["some/times"], 5)] {
        let ((), work) = unlimited(async |meter| {
            let selectors = selectors(topics);
            let mut candidates = std::pin::pin!(Candidates::of(&span, &selectors, 1, meter));
            let mut steps = 0;
            let found = std::future::poll_fn(|context| {
                meter.begin_slice(1);
                steps += 1;
                candidates.as_mut().poll(context)
            });
            assert!(found.await.is_ok());
            assert_eq!(steps, 2 * topics.len() + 1, "each lookup is a step, and each list");
        });
        assert_eq!(work, topics.len() as u64 * INDEX_LOOKUP_UNITS + reads * INDEX_READ_UNITS);
    }
}

#[test]
fn a_search_by_lists_ends_with_its_budget_before_all_of_them_were_begun() {
    let (log, events) = log();
    let view = log.view();
    // In an old segment, and in the newest one, whose index may know records that are not to be seen yet.
    for numbers in [400..430_u64, 870..900] {
        let topics = numbers.map(|number| format!("of/{number}/its/own")).collect::<Vec<_>>();
        let topics = topics.iter().map(String::as_str).collect::<Vec<_>>();
        let selectors = selectors(&topics);
        let newest = async |meter: &Meter| before_last(&view, 2, &selectors, meter).await.unwrap();
        let ((place, false), needed) = unlimited(newest) else { panic!("partial") };
        let after = events.iter().filter(|event| event.cursor.sequence > place);
        assert_eq!(after.filter(|event| selectors.matches(event.draft.topic())).count(), 2);

        // The topics are looked up in one segment at a time, whatever is left of the budget.
        let lookups = topics.len() as u64 * INDEX_LOOKUP_UNITS;
        for budget in 1..needed {
            let ((_, is_partial), work) = limited(budget, newest);
            assert!(!is_partial || work <= budget + lookups, "{work} units with a budget of {budget}");
        }
        assert!(limited(needed - 9, newest).0.1);
    }
}
