//! Lasting: restart and retention.

use std::sync::Arc;
use std::time::Duration;

use tidings_sse::EventId;
use tokio::time::timeout;

use crate::contract::fixture::{Fixture, ManualClock, append, at, draft, draft_with, query, read_all, texts};
use crate::contract::following::{numbers, take};
use crate::event::{Cursor, DraftFields, EpochStatus, Sequence, UnixMillis};
use crate::limits::TOPIC_SEGMENTS_MAX;
use crate::read::gap::Lost;
use crate::store::{Placement, Reading, RetentionHold, Start, Store, Tail, TailError, Tailed};

/// See the name.
pub async fn what_was_acknowledged_is_there_after_a_restart(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(7)).await;
    append(&*store, "a", &["1", "2"]).await;
    append(&*store, "b", &["3"]).await;
    let (before, epoch) = (read_all(&*store, query(Start::Earliest, &["**"])).await, store.bounds().epoch());
    store.close().await.unwrap();
    drop(store);

    let store = fixture.open(ManualClock::at(9)).await;

    let after = read_all(&*store, query(Start::Earliest, &["**"])).await;
    if fixture.survives_restart() {
        assert_eq!(after, before);
        assert_eq!(store.bounds().epoch(), epoch);
    } else {
        assert_eq!(after, []);
        assert_ne!(store.bounds().epoch(), epoch, "a log that forgot is another log");
    }
}

/// See the name.
pub async fn places_go_on_after_a_restart(fixture: &dyn Fixture) {
    if !fixture.survives_restart() {
        return;
    }
    for round in 0..5 {
        let store = fixture.open(ManualClock::at(0)).await;
        assert_eq!(store.bounds().head.sequence, Sequence(round * 2));
        let last = append(&*store, "a", &["x", "y"]).await;
        assert_eq!(last, at(&*store, round * 2 + 2));
        store.close().await.unwrap();
    }
}

/// See the name. Logs hold such topics from before there was a bound.
pub async fn a_topic_of_more_segments_than_publishers_may_use_is_read_back(fixture: &dyn Fixture) {
    let long = ["a"; TOPIC_SEGMENTS_MAX + 36].join("/");
    let store = fixture.open(ManualClock::at(0)).await;
    append(&*store, &long, &["1"]).await;
    append(&*store, "a/b", &["2"]).await;
    append(&*store, &format!("{long}/b"), &["3"]).await;
    let store = if fixture.survives_restart() {
        store.close().await.unwrap();
        drop(store);
        fixture.open(ManualClock::at(0)).await
    } else {
        store
    };

    for (pattern, expected) in
        [("**", &["1", "2", "3"][..]), ("a/*/**/b", &["3"][..]), ("**/b", &["2", "3"][..])]
    {
        for start in [Start::Earliest, Start::Last(3)] {
            let events = read_all(&*store, query(start, &[pattern])).await;
            assert_eq!(texts(&events), expected, "{pattern}");
        }
    }
    let events = read_all(&*store, query(Start::Earliest, &["**"])).await;
    assert_eq!(events[0].draft.topic().as_str(), long);
}

/// See the name.
pub async fn each_life_that_appends_is_an_epoch_and_a_restart_is_no_gap(fixture: &dyn Fixture) {
    if !fixture.survives_restart() {
        return;
    }
    let mut places: Vec<Cursor> = Vec::new();
    for life in 0..5 {
        let store = fixture.open(ManualClock::at(0)).await;
        if let Some(last) = places.last() {
            let bounds = store.bounds();
            assert_eq!(bounds.head, *last, "to open a log begins no epoch");
            assert_eq!(store.status_of(last.epoch), EpochStatus::Ended { at: last.sequence });
            let lost = Reading::Lost { lost: Lost::OtherEpoch, resumes_after: *last };
            let beyond = Start::After(last.next());
            assert_eq!(store.read(query(beyond, &["a"])).await.unwrap(), lost, "it was never given");
        }
        let held = read_all(&*store, query(Start::Earliest, &["a"])).await;
        assert_eq!(held.iter().map(|event| event.cursor).collect::<Vec<_>>(), places);
        for (at, place) in (1..).zip(&places) {
            let rest = read_all(&*store, query(Start::After(*place), &["a"])).await;
            assert_eq!(rest, held[at..], "after {place}");
        }
        // One life appends nothing.
        if life != 2 {
            let place = append(&*store, "a", &["x"]).await;
            assert_eq!(place.sequence, Sequence(places.len() as u64 + 1));
            let is_new = places.iter().all(|before| before.epoch != place.epoch);
            assert!(is_new, "an epoch of an earlier life: {place}");
            assert_eq!(store.status_of(place.epoch), EpochStatus::Current);
            places.push(place);
        }
        store.close().await.unwrap();
    }
}

/// See the name.
pub async fn keys_and_ids_are_known_after_a_restart(fixture: &dyn Fixture) {
    if !fixture.survives_restart() {
        return;
    }
    let fields = DraftFields { key: Some("k".into()), id: Some("i"), ..DraftFields::default() };
    let store = fixture.open(ManualClock::at(0)).await;
    store.append(vec![draft("a", "1"), draft_with("a", "2", fields), draft("a", "3")]).await.unwrap();
    let given = at(&*store, 2);
    store.close().await.unwrap();
    drop(store);

    let store = fixture.open(ManualClock::at(0)).await;
    let again = store.append(vec![draft_with("a", "2", fields)]).await.unwrap();
    let after = read_all(&*store, query(Start::AfterId(EventId::new("i").unwrap()), &["a"])).await;

    assert_eq!(again, [Placement::Repeated(given)]);
    assert_eq!(texts(&after), ["3"]);
}

/// Appends until retention has taken all that was held before, and one event more; the number of appends is the
/// answer.
pub(super) async fn append_until_more_left(store: &dyn Store) -> usize {
    let (before, filler) = (store.bounds().head, "x".repeat(1_000));
    for appends in 1..=5_000 {
        append(store, "a", &[filler.as_str(); 10]).await;
        if store.bounds().earliest() > before.sequence.next() {
            return appends;
        }
    }
    panic!("retention took nothing in 50,000 events");
}

/// See the name.
pub async fn what_retention_took_is_expired_not_empty(fixture: &dyn Fixture) {
    let store = fixture.open_bounded(ManualClock::at(50), 100).await;
    let first = draft_with("a", "0", DraftFields { id: Some("first"), ..DraftFields::default() });
    store.append(vec![first]).await.unwrap();
    append_until_more_left(&*store).await;

    let floor = store.bounds().floor;
    let gone = |lost| Reading::Lost { lost, resumes_after: floor };
    let read = |start| store.read(query(start, &["a"]));

    assert_eq!(read(Start::After(at(&*store, 0))).await.unwrap(), gone(Lost::Expired));
    let just_before = Start::After(floor.previous());
    assert_eq!(read(just_before).await.unwrap(), gone(Lost::Expired));
    assert_eq!(read(Start::Since(UnixMillis(50))).await.unwrap(), gone(Lost::Expired));
    let id = Start::AfterId(EventId::new("first").unwrap());
    assert_eq!(read(id).await.unwrap(), gone(Lost::Unknown));
    let held = read_all(&*store, query(Start::After(floor), &["a"])).await;
    assert_eq!(held.first().map(|event| event.cursor), Some(floor.next()));
    assert_eq!(read_all(&*store, query(Start::Earliest, &["a"])).await, held);
}

/// How long a store may take to say what it wants to remove, or to remove it. A store looks from time to time; one that
/// waits for the next append never does.
const LEAVES_WITHIN: Duration = Duration::from_secs(20);

/// See the name.
pub async fn what_is_held_stays_until_it_is_released(fixture: &dyn Fixture) {
    let hold = Arc::new(RetentionHold::default());
    let Some(store) = fixture.open_held(ManualClock::at(0), 100, hold.clone()).await else { return };
    let filler = "x".repeat(1_000);

    // The store wants what leaves a log without a hold, and keeps it.
    for _ in 0..100 {
        append(&*store, "a", &[filler.as_str(); 10]).await;
    }
    let wanted = timeout(LEAVES_WITHIN, hold.wanted()).await.expect("the store says what it wants to remove");
    assert!(wanted < store.bounds().head.sequence, "the newest event never leaves");
    assert_eq!(store.bounds().earliest(), Sequence(1));

    // What is released leaves without a further append, and no more does.
    hold.release_through(wanted.previous());
    let leaves = timeout(LEAVES_WITHIN, async {
        while store.bounds().earliest() == Sequence(1) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    assert!(leaves.await.is_ok(), "what was released did not leave");
    append_batches(&*store, 10).await;
    let earliest = store.bounds().earliest();
    assert!(earliest <= wanted, "{wanted} was not released, and the log begins at {earliest}");
    let held = read_all(&*store, query(Start::Earliest, &["a"])).await;
    assert_eq!(held.first().map(|event| event.cursor.sequence), Some(earliest));
}

/// Appends events one at a time.
async fn append_batches(store: &dyn Store, batches: usize) {
    for _ in 0..batches {
        append(store, "a", &["x"]).await;
    }
}

/// Opens a tail, and reads with it until it waits for what comes next.
pub(crate) async fn tail_that_waits(store: &dyn Store) -> Box<dyn Tail> {
    let mut tail = store.tail(at(store, 0)).await.unwrap();
    append(store, "a", &["first"]).await;
    assert_eq!(numbers(&take(&mut *tail, 1).await), [1]);
    // Only a tail that has found the end of the log begins to keep what comes. No call says when that is, so it gets
    // far more time than one read of an empty page takes.
    let early = timeout(Duration::from_millis(250), tail.next()).await;
    assert!(early.is_err(), "there is nothing to take yet: {early:?}");
    tail
}

/// The tail says that it lost something, and goes on with all that is held.
async fn expect_told(store: &dyn Store, tail: &mut dyn Tail) {
    let before = store.bounds();
    let mut place = match tail.next().await {
        Err(TailError::Expired { resumes_after }) => resumes_after,
        other => {
            panic!("expected to be told that events before {} are gone, got {other:?}", before.earliest())
        }
    };
    let told = place.sequence;
    assert!(told >= before.floor.sequence && told <= store.bounds().floor.sequence, "told of {place}");
    assert_eq!(place, store.bounds().head.at(told), "the place is one of the current epoch");
    while place.sequence < before.head.sequence {
        match tail.next().await {
            Ok(Some(Tailed::Events(batch))) => {
                let last = place.sequence.0 + batch.len() as u64;
                assert_eq!(numbers(&batch), (place.sequence.0 + 1..=last).collect::<Vec<_>>());
                place = place.at(Sequence(last));
            }
            // Retention may run beside the appends and take more in the meantime.
            Err(TailError::Expired { resumes_after }) if resumes_after.sequence > place.sequence => {
                place = resumes_after;
            }
            other => panic!("expected the events after {place}, got {other:?}"),
        }
    }
}

/// See the name.
pub async fn a_tail_that_was_never_read_and_that_retention_overtakes_is_told(fixture: &dyn Fixture) {
    let store = fixture.open_bounded(ManualClock::at(0), 100).await;
    append_until_more_left(&*store).await;
    let mut tail = store.tail(at(&*store, 0)).await.unwrap();
    append_until_more_left(&*store).await;

    // What left before the tail was opened, the tail cannot have kept.
    expect_told(&*store, &mut *tail).await;
}

/// See the name.
pub async fn a_tail_that_falls_behind_further_than_it_keeps_is_told_what_it_lost(fixture: &dyn Fixture) {
    let store = fixture.open_bounded(ManualClock::at(0), 100).await;
    let mut tail = tail_that_waits(&*store).await;

    append_until_more_left(&*store).await;
    append_batches(&*store, fixture.batches_a_tail_keeps() + 1).await;
    append_until_more_left(&*store).await;

    expect_told(&*store, &mut *tail).await;
}

/// See the name.
pub async fn a_tail_that_kept_what_retention_took_misses_nothing(fixture: &dyn Fixture) {
    let store = fixture.open_bounded(ManualClock::at(0), 100).await;
    let mut tail = tail_that_waits(&*store).await;

    let appended = append_until_more_left(&*store).await;
    if appended > fixture.batches_a_tail_keeps() {
        return expect_told(&*store, &mut *tail).await;
    }
    let head = store.bounds().head;
    let kept = take(&mut *tail, head.sequence.0 as usize - 1).await;
    assert_eq!(numbers(&kept), (2..=head.sequence.0).collect::<Vec<_>>());
}

/// See the name.
pub async fn a_tail_that_keeps_up_hears_of_no_loss(fixture: &dyn Fixture) {
    let store = fixture.open_bounded(ManualClock::at(0), 100).await;
    let mut tail = store.tail(at(&*store, 0)).await.unwrap();
    let filler = "x".repeat(1_000);

    let mut seen = Vec::new();
    while store.bounds().earliest() <= Sequence(100) {
        append(&*store, "a", &[filler.as_str(); 10]).await;
        seen.extend(numbers(&take(&mut *tail, 10).await));
        assert!(seen.len() < 50_000, "retention took too little in 50,000 events");
    }

    assert_eq!(seen, (1..=store.bounds().head.sequence.0).collect::<Vec<_>>());
}
