//! Lasting: restart and retention.

use crate::contract::fixture::{Fixture, ManualClock, append, draft, draft_with, query, read_all, texts};
use crate::cursor::Sequence;
use crate::draft::DraftFields;
use crate::store::{Placement, Reading, Start, Store, TailError};
use tidings_sse::EventId;

/// See the name.
pub async fn what_was_acknowledged_is_there_after_a_restart(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(7)).await;
    append(&*store, "a", &["1", "2"]).await;
    append(&*store, "b", &["3"]).await;
    let (before, epoch) = (read_all(&*store, query(Start::Earliest, &["**"])).await, store.bounds().epoch);
    store.close().await.unwrap();
    drop(store);

    let store = fixture.open(ManualClock::at(9)).await;

    let after = read_all(&*store, query(Start::Earliest, &["**"])).await;
    if fixture.survives_restart() {
        assert_eq!(after, before);
        assert_eq!(store.bounds().epoch, epoch);
    } else {
        assert_eq!(after, []);
        assert_ne!(store.bounds().epoch, epoch, "a log that forgot is another log");
    }
}

/// See the name.
pub async fn places_go_on_after_a_restart(fixture: &dyn Fixture) {
    if !fixture.survives_restart() {
        return;
    }
    for round in 0..5 {
        let store = fixture.open(ManualClock::at(0)).await;
        assert_eq!(store.bounds().head, Sequence(round * 2));
        let last = append(&*store, "a", &["x", "y"]).await;
        assert_eq!(last, Sequence(round * 2 + 2));
        store.close().await.unwrap();
    }
}

/// See the name.
pub async fn keys_and_ids_are_known_after_a_restart(fixture: &dyn Fixture) {
    if !fixture.survives_restart() {
        return;
    }
    let fields = DraftFields { key: Some("k"), id: Some("i"), ..DraftFields::default() };
    let store = fixture.open(ManualClock::at(0)).await;
    store.append(vec![draft("a", "1"), draft_with("a", "2", fields), draft("a", "3")]).await.unwrap();
    store.close().await.unwrap();
    drop(store);

    let store = fixture.open(ManualClock::at(0)).await;
    let again = store.append(vec![draft_with("a", "2", fields)]).await.unwrap();
    let after = read_all(&*store, query(Start::AfterId(EventId::new("i").unwrap()), &["a"])).await;

    assert_eq!(again, [Placement::Repeated(Sequence(2))]);
    assert_eq!(texts(&after), ["3"]);
}

/// Appends until the first event has left, in bounded tries; the number of events is the answer.
async fn append_until_something_left(store: &dyn Store) -> u64 {
    let filler = "x".repeat(1_000);
    for round in 1..=5_000 {
        append(store, "a", &[filler.as_str(); 10]).await;
        if store.bounds().earliest > Sequence(1) {
            return round * 10;
        }
    }
    panic!("retention took nothing in 50,000 events");
}

/// See the name.
pub async fn what_retention_took_is_expired_not_empty(fixture: &dyn Fixture) {
    let store = fixture.open_bounded(ManualClock::at(50), 100).await;
    let first = draft_with("a", "0", DraftFields { id: Some("first"), ..DraftFields::default() });
    store.append(vec![first]).await.unwrap();
    append_until_something_left(&*store).await;

    let earliest = store.bounds().earliest;
    let read = |start| store.read(query(start, &["a"]));

    assert_eq!(read(Start::After(Sequence(0))).await.unwrap(), Reading::Expired { earliest });
    let just_before = Start::After(Sequence(earliest.0 - 2));
    assert_eq!(read(just_before).await.unwrap(), Reading::Expired { earliest });
    assert_eq!(
        read(Start::Since(crate::event::UnixMillis(50))).await.unwrap(),
        Reading::Expired { earliest }
    );
    let id = Start::AfterId(EventId::new("first").unwrap());
    assert_eq!(read(id).await.unwrap(), Reading::Unknown { earliest });
    let held = read_all(&*store, query(Start::After(earliest.previous()), &["a"])).await;
    assert_eq!(held.first().map(|event| event.sequence), Some(earliest));
    assert_eq!(read_all(&*store, query(Start::Earliest, &["a"])).await, held);
}

/// See the name.
pub async fn a_tail_that_retention_overtakes_is_told(fixture: &dyn Fixture) {
    let store = fixture.open_bounded(ManualClock::at(0), 100).await;
    let mut tail = store.tail(Sequence(0)).await.unwrap();
    append_until_something_left(&*store).await;
    let earliest = store.bounds().earliest;

    match tail.next().await {
        Err(TailError::Expired { earliest: told }) => {
            assert_eq!(told, earliest);
            let batch = tail.next().await.unwrap().unwrap();
            assert_eq!(batch.first().map(|event| event.sequence), Some(earliest));
        }
        // A tail that kept the batches itself has missed nothing.
        Ok(Some(batch)) => assert_eq!(batch.first().map(|event| event.sequence), Some(Sequence(1))),
        other => panic!("expected events or a gap, got {other:?}"),
    }
}
