//! Reading: pages, selectors, places.

use crate::event::{Cursor, Draft, DraftFields, Epoch, Sequence, UnixMillis};
use crate::read::gap::Lost;
use crate::store::contract::fixture::{
    Fixture, ManualClock, append, at, draft, draft_with, page, query, query_everything, read_all, texts,
};
use crate::store::{Query, Reading, Start, Store};
use tidings_sse::EventId;

/// See the name.
pub async fn pages_join_without_hole_or_repeat(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    let all: Vec<_> = (0..100).map(|n| n.to_string()).collect();
    store.append(all.iter().map(|text| draft("a", text)).collect()).await.unwrap();

    for events_max in [1, 2, 7, 99, 100, 101] {
        let query = Query { events_max, ..query(Start::Earliest, &["a"]) };
        assert_eq!(page(&*store, query.clone()).await.events.len(), events_max.min(100));
        assert_eq!(texts(&read_all(&*store, query).await), all);
    }
}

/// See the name.
pub async fn a_page_of_no_events_tells_its_place(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    append(&*store, "a", &["1", "2", "3"]).await;
    append(&*store, "b", &["4"]).await;

    for (start, selectors, place) in [
        (Start::Earliest, &["b"], 0),
        (Start::After(at(&*store, 2)), &["b"], 2),
        (Start::Last(2), &["a"], 1),
        (Start::Last(1), &["b"], 3),
        (Start::After(at(&*store, 4)), &["a"], 4),
    ] {
        let found = page(&*store, Query { events_max: 0, ..query(start.clone(), selectors) }).await;
        let expected = (at(&*store, place), at(&*store, place), 0, place < 4);
        assert_eq!((found.after, found.next, found.events.len(), found.has_more()), expected, "{start:?}");
    }
}

/// See the name.
pub async fn a_page_is_bounded_in_bytes_but_never_empty_for_that(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    append(&*store, "a", &["xxxxxxxxx", "xxxxxxxxx", "xxxxxxxxx"]).await;
    let bounded = |bytes_max| Query { bytes_max, ..query(Start::Earliest, &["a"]) };

    assert_eq!(page(&*store, bounded(1)).await.events.len(), 1);
    assert_eq!(page(&*store, bounded(20)).await.events.len(), 2);
    assert_eq!(page(&*store, bounded(29)).await.events.len(), 2);
    assert_eq!(page(&*store, bounded(30)).await.events.len(), 3);
    assert_eq!(page(&*store, bounded(20)).await.next, at(&*store, 2));
}

/// See the name.
pub async fn selectors_choose_and_next_passes_the_others_over(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    for (topic, text) in [("a", "1"), ("b", "2"), ("x/y", "3"), ("a", "4"), ("x/y/z", "5"), ("c", "6")] {
        append(&*store, topic, &[text]).await;
    }

    for (selectors, expected) in [
        (&["a"][..], &["1", "4"][..]),
        (&["a", "b"], &["1", "2", "4"]),
        (&["x/*"], &["3"]),
        (&["x/**", "c"], &["3", "5", "6"]),
        (&["**"], &["1", "2", "3", "4", "5", "6"]),
        (&["none"], &[]),
    ] {
        let first = page(&*store, query(Start::Earliest, selectors)).await;
        assert_eq!(texts(&first.events), expected);
        assert_eq!((first.after, first.next, first.head), (at(&*store, 0), at(&*store, 6), at(&*store, 6)));
        let one = Query { events_max: 1, ..query(Start::Earliest, selectors) };
        assert_eq!(texts(&read_all(&*store, one).await), expected);
    }
    let rest = page(&*store, query(Start::After(at(&*store, 1)), &["a"])).await;
    assert_eq!(texts(&rest.events), ["4"]);
}

/// See the name.
pub async fn a_place_after_the_head_is_unknown(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    append(&*store, "a", &["1"]).await;

    let at_head = page(&*store, query(Start::After(at(&*store, 1)), &["a"])).await;
    let after_head = store.read(query(Start::After(at(&*store, 2)), &["a"])).await.unwrap();

    assert_eq!((at_head.events.len(), at_head.next), (0, at(&*store, 1)));
    assert_eq!(after_head, unknown(at(&*store, 0)));
}

/// See the name.
pub async fn a_place_at_the_last_number_of_all_is_lost(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    let head = append(&*store, "a", &["1"]).await;
    let last = Sequence(u64::MAX);
    let never = Epoch(head.epoch.0.wrapping_add(1));

    let own = store.read(query(Start::After(head.at(last)), &["a"])).await.unwrap();
    let other = store.read(query(Start::After(Cursor::new(never, last)), &["a"])).await.unwrap();

    let floor = store.bounds().floor;
    assert_eq!(own, unknown(floor));
    assert_eq!(other, Reading::Lost { lost: Lost::OtherEpoch, resumes_after: floor });
}

fn unknown(resumes_after: Cursor) -> Reading {
    Reading::Lost { lost: Lost::Unknown, resumes_after }
}

fn named(topic: &str, data: &str, id: &str) -> Draft {
    draft_with(topic, data, DraftFields { id: Some(id), ..DraftFields::default() })
}

fn after_id(id: &str, selectors: &[&str]) -> Query {
    query(Start::AfterId(EventId::new(id).unwrap()), selectors)
}

/// See the name.
pub async fn an_id_is_found_at_its_earliest_matching_event(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    store.append(vec![named("b", "1", "x"), named("a", "2", "x"), draft("a", "3")]).await.unwrap();
    store.append(vec![named("a", "4", "x"), draft("b", "5"), named("a", "6", "\u{1f4e8}")]).await.unwrap();

    for (id, selectors, after, expected) in [
        ("x", &["a"][..], 2, &["3", "4", "6"][..]),
        ("x", &["b"], 1, &["5"]),
        ("x", &["**"], 1, &["2", "3", "4", "5", "6"]),
        ("\u{1f4e8}", &["a"], 6, &[]),
    ] {
        let page = page(&*store, after_id(id, selectors)).await;
        assert_eq!(
            (page.after, texts(&page.events)),
            (at(&*store, after), expected.iter().map(|text| (*text).to_owned()).collect())
        );
    }
    let other_topic = store.read(after_id("\u{1f4e8}", &["b"])).await.unwrap();
    assert_eq!(other_topic, unknown(at(&*store, 0)));
}

/// See the name.
pub async fn an_id_that_looks_like_another_is_not_found(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    store.append(vec![named("a", "1", "msg1")]).await.unwrap();

    for id in ["msg", "msg2", "MSG1", "msg11"] {
        assert_eq!(store.read(after_id(id, &["a"])).await.unwrap(), unknown(at(&*store, 0)));
    }
}

/// See the name.
pub async fn since_begins_at_the_first_event_of_that_time(fixture: &dyn Fixture) {
    let clock = ManualClock::at(1_000);
    let store = fixture.open(clock.clone()).await;
    for (ms, text) in [(1_000, "1"), (2_000, "2"), (2_000, "3"), (3_000, "4")] {
        clock.set(ms);
        append(&*store, "a", &[text]).await;
    }

    for (ms, expected) in [
        (0, &["1", "2", "3", "4"][..]),
        (1_001, &["2", "3", "4"]),
        (2_000, &["2", "3", "4"]),
        (2_001, &["4"]),
        (9_000, &[]),
    ] {
        let events = read_all(&*store, query(Start::Since(UnixMillis(ms)), &["a"])).await;
        assert_eq!(texts(&events), expected, "since {ms}");
    }
}

/// See the name.
pub async fn last_counts_from_the_end_of_those_that_match(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    for (topic, text) in [("a", "1"), ("b", "2"), ("a", "3"), ("b", "4"), ("a", "5"), ("b", "6")] {
        append(&*store, topic, &[text]).await;
    }

    for (count, selectors, expected) in [
        (0, &["a"][..], &[][..]),
        (1, &["a"], &["5"]),
        (2, &["a"], &["3", "5"]),
        (9, &["a"], &["1", "3", "5"]),
        (2, &["a", "b"], &["5", "6"]),
        (4, &["*"], &["3", "4", "5", "6"]),
    ] {
        let events = read_all(&*store, query(Start::Last(count), selectors)).await;
        assert_eq!(texts(&events), expected, "last {count} of {selectors:?}");
    }
}

/// Events of which every second one has a reserved topic, and some that look as if they had.
async fn append_reserved(store: &dyn Store) {
    for (topic, text) in [
        ("a", "1"),
        ("inbox/a", "2"),
        ("inbox", "3"),
        ("tidings/a", "4"),
        ("inboxes/a", "5"),
        ("inbox/b", "6"),
        ("x/inbox/a", "7"),
        ("inbox/a", "8"),
    ] {
        append(store, topic, &[text]).await;
    }
}

/// See the name.
pub async fn reserved_topics_are_read_by_selectors_that_name_them_and_by_everything_alone(
    fixture: &dyn Fixture,
) {
    let store = fixture.open(ManualClock::at(0)).await;
    append_reserved(&*store).await;

    for (selectors, expected) in [
        (&["**"][..], &["1", "3", "5", "7"][..]),
        (&["**", "a"], &["1", "3", "5", "7"]),
        (&["**", "inbox/b"], &["1", "3", "5", "6", "7"]),
        (&["*"], &["1", "3"]),
        (&["*/a"], &["5"]),
        (&["*/*"], &["5"]),
        (&["**/a"], &["1", "5", "7"]),
        (&["**/inbox/a"], &["7"]),
        (&["inbox/a"], &["2", "8"]),
        (&["inbox/*"], &["2", "6", "8"]),
        (&["inbox/**"], &["2", "3", "6", "8"]),
        (&["tidings/**"], &["4"]),
    ] {
        let all = read_all(&*store, query(Start::Earliest, selectors)).await;
        assert_eq!(texts(&all), expected, "{selectors:?}");
        let one = Query { events_max: 1, ..query(Start::Earliest, selectors) };
        assert_eq!(texts(&read_all(&*store, one).await), expected, "{selectors:?}, one by one");
    }
    let all = read_all(&*store, query_everything(Start::Earliest)).await;
    assert_eq!(texts(&all), ["1", "2", "3", "4", "5", "6", "7", "8"]);
}

/// See the name.
pub async fn last_counts_reserved_topics_only_for_selectors_that_match_them(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    append_reserved(&*store).await;

    for (count, selectors, expected) in [
        (1, &["**"][..], &["7"][..]),
        (2, &["**"], &["5", "7"]),
        (3, &["**"], &["3", "5", "7"]),
        (9, &["**"], &["1", "3", "5", "7"]),
        (3, &["**", "inbox/b"], &["5", "6", "7"]),
        (2, &["**/a"], &["5", "7"]),
        (2, &["*/*"], &["5"]),
        (2, &["inbox/*"], &["6", "8"]),
        (1, &["tidings/*"], &["4"]),
    ] {
        let page = page(&*store, query(Start::Last(count), selectors)).await;
        assert_eq!(texts(&page.events), expected, "last {count} of {selectors:?}");
    }
    for count in [1, 3, 8] {
        let page = page(&*store, query_everything(Start::Last(count))).await;
        let expected: Vec<_> = (9 - count..9).map(|number| number.to_string()).collect();
        assert_eq!(texts(&page.events), expected, "last {count} of everything");
    }
}
