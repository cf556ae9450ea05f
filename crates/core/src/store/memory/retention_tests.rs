//! Retention, and other epochs, while a reading goes on.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::reading::{Seen, page, read};
use super::sliced_tests::{page_in, query, store};
use super::{MemoryLog, MemoryRetention, MemoryStore};
use crate::contract::fixture::{draft, texts};
use crate::event::{Epoch, Sequence};
use crate::read::gap::Lost;
use crate::read_desk::{Meter, Search};
use crate::store::{Page, Query, Reading, Start, Store};

/// A store of 3,000 events at most that is full. One event in ten is of the topic `tenth`.
async fn full() -> MemoryStore {
    let store = store(MemoryRetention { events_max: 3_000, ..MemoryRetention::default() });
    append(&store, 4_000).await;
    store
}

async fn append(store: &MemoryStore, events: u64) {
    let first = store.bounds().head.sequence.next().0;
    let topic =
        |number: u64| if number.is_multiple_of(10) { "tenth".to_owned() } else { format!("t/{number}") };
    let drafts = (first..first + events).map(|number| draft(&topic(number), &number.to_string())).collect();
    store.append(drafts).await.unwrap();
}

/// A reading that is under way.
struct UnderWay {
    search: Search<Reading>,
    meter: Arc<Meter>,
}

impl UnderWay {
    fn new(log: &Arc<MemoryLog>, query: &Query) -> Self {
        let meter = Arc::new(Meter::new(u64::MAX));
        Self { search: Box::pin(read(log.clone(), query.clone(), meter.clone())), meter }
    }

    /// Goes on for this much work; the answer, if there is one.
    fn go_on(&mut self, units: u64) -> Option<Reading> {
        self.meter.begin_slice(units);
        match self.search.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(reading) => Some(reading),
            Poll::Pending => None,
        }
    }

    /// Goes on to the end, whatever the clock says meanwhile.
    fn end(mut self) -> Reading {
        loop {
            if let Some(reading) = self.go_on(u64::MAX) {
                return reading;
            }
        }
    }
}

fn page_of(reading: Reading) -> Page {
    match reading {
        Reading::Page(page) => page,
        lost => panic!("a page, not {lost:?}"),
    }
}

/// The page of a part of the log; none if the reading has to begin again.
fn page_in_view(store: &MemoryStore, query: &Query, seen: Seen) -> Option<Page> {
    let meter = Meter::new(u64::MAX);
    let mut page = pin!(page(&store.log, query, seen, &meter));
    loop {
        meter.begin_slice(u64::MAX);
        if let Poll::Ready(page) = page.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return page.ok();
        }
    }
}

fn numbers(page: &Page) -> Vec<u64> {
    texts(&page.events).iter().map(|text| text.parse().unwrap()).collect()
}

#[tokio::test]
async fn a_page_that_retention_overtakes_ends_before_the_gap_of_which_the_next_one_tells() {
    let store = full().await;
    let all = query(Start::Earliest, &["*/*"]);
    // So that the work is not that of making indexes.
    page_in(&store.log, &all, u64::MAX, u64::MAX);
    let mut under_way = UnderWay::new(&store.log, &all);
    assert!(under_way.go_on(50).is_none());

    append(&store, 2_500).await;
    let page = page_of(under_way.end());

    // 1,000 left before it began, and each number that ends with 0 is of another topic.
    assert_eq!(page.after.sequence, Sequence(1_000));
    let up_to = page.next.sequence.0;
    assert!((1_001..3_500).contains(&up_to), "{page:?}");
    assert_eq!(numbers(&page), (1_001..=up_to).filter(|number| number % 10 != 0).collect::<Vec<_>>());
    assert!(page.has_more());
    let next = store.read(query(Start::After(page.next), &["*/*"])).await.unwrap();
    let resumes_after = store.bounds().floor;
    assert_eq!(next, Reading::Lost { lost: Lost::Expired, resumes_after });
}

#[tokio::test]
async fn a_page_whose_first_event_leaves_before_it_is_read_begins_later_or_is_lost() {
    let store = full().await;
    let bounds = store.bounds();
    append(&store, 100).await;

    for (start, begins) in [
        (Start::Earliest, Some(1_100)),
        (Start::Last(2_999), Some(1_100)),
        (Start::After(bounds.floor), None),
        (Start::Since(crate::event::UnixMillis(0)), None),
    ] {
        let query = query(start, &["*/*"]);
        let seen = Seen { after: bounds.floor, head: bounds.head };
        let page = page_in_view(&store, &query, seen);
        assert_eq!(page.as_ref().map(|page| page.after.sequence.0), begins, "{query:?}");
        if let Some(page) = page {
            let expected: Vec<_> = (1_101..=4_000).filter(|number| number % 10 != 0).collect();
            assert_eq!((numbers(&page), page.next), (expected, bounds.head));
        }
    }
}

#[tokio::test]
async fn all_that_a_page_was_to_have_may_leave_before_it_is_read() {
    let store = full().await;
    let bounds = store.bounds();
    append(&store, 5_000).await;

    let query = query(Start::Earliest, &["*/*"]);
    let seen = Seen { after: bounds.floor, head: bounds.head };
    assert!(page_in_view(&store, &query, seen).is_none());
}

#[tokio::test]
async fn the_newest_events_are_those_that_are_left_when_the_search_ends() {
    let store = full().await;
    let mut under_way = UnderWay::new(&store.log, &query(Start::Last(290), &["tenth"]));
    let mut slices = 1;
    while under_way.go_on(1).is_none() && slices < 4 {
        slices += 1;
    }
    assert_eq!(slices, 4, "it is in the midst of its work");

    append(&store, 1_500).await;
    let page = page_of(under_way.end());

    assert!(!page.partial);
    // It saw the log up to 4,000, of which the events after 2,500 are left.
    assert_eq!((page.after.sequence, page.head.sequence), (Sequence(2_500), Sequence(4_000)));
    assert_eq!(numbers(&page), (251..=400).map(|number| number * 10).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_page_misses_nothing_when_the_events_that_it_is_among_become_a_block() {
    let store = store(MemoryRetention::default());
    append(&store, 500).await;
    let mut under_way = UnderWay::new(&store.log, &query(Start::Earliest, &["*/*"]));
    assert!(under_way.go_on(1).is_none());

    append(&store, 1_000).await;
    let page = page_of(under_way.end());

    assert_eq!(numbers(&page), (1..=500).filter(|number| number % 10 != 0).collect::<Vec<_>>());
    assert_eq!(page.next.sequence, Sequence(500));
}

#[tokio::test]
async fn a_reading_that_waits_keeps_no_event_in_memory_that_retention_took() {
    let store = full().await;
    let held = || store.log.contents().events.blocks().next().map(Arc::downgrade).unwrap();
    let mut under_way = UnderWay::new(&store.log, &query(Start::Earliest, &["*/*/never"]));
    let block = held();
    assert!(under_way.go_on(20).is_none());
    assert!(under_way.go_on(20).is_none());

    assert_eq!(block.strong_count(), 1, "the log alone holds it");
    append(&store, 1_500).await;

    assert_eq!(block.strong_count(), 0);
}

#[tokio::test]
async fn a_reading_begins_again_when_the_log_goes_on_in_another_epoch() {
    let store = full().await;
    for at in 0..3 {
        let cut_off = store.bounds().head.at(Sequence(3_500));
        let start = [Start::Earliest, Start::Last(2_800), Start::After(cut_off)][at].clone();
        let mut under_way = UnderWay::new(&store.log, &query(start.clone(), &["*/*"]));
        assert!(under_way.go_on(50).is_none());

        let begins = store.begin_epoch(Epoch(store.bounds().head.epoch.0 + 1), Sequence(3_400));
        append(&store, 600).await;

        let now = page_in(&store.log, &query(Start::Earliest, &["*/*"]), u64::MAX, u64::MAX).0;
        match (start, under_way.end()) {
            (Start::After(_), lost) => {
                assert_eq!(lost, Reading::Lost { lost: Lost::OtherEpoch, resumes_after: begins });
            }
            (_, reading) => {
                let page = page_of(reading);
                assert!(now.events.ends_with(&page.events) && page.events.len() >= 2_700);
                assert_eq!(page.next, store.bounds().head);
            }
        }
    }
}
