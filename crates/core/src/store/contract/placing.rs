//! Appending: places, fields, idempotency.

use std::sync::Arc;

use crate::event::{Draft, DraftFields, KeyFields, Sequence, UnixMillis};
use crate::store::contract::fixture::{
    Fixture, ManualClock, append, at, draft, draft_with, page, query, read_all, state, texts,
};
use crate::store::{Placement, Start, Store, StoreError};

/// See the name.
pub async fn an_empty_log_has_its_ends(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;

    let bounds = store.bounds();

    assert_eq!((bounds.earliest(), bounds.floor, bounds.head), (Sequence(1), at(&*store, 0), at(&*store, 0)));
    for start in [Start::Earliest, Start::After(at(&*store, 0)), Start::Since(UnixMillis(5)), Start::Last(3)]
    {
        let page = page(&*store, query(start, &["**"])).await;
        assert_eq!(
            (page.after, page.next, page.head, page.events.len()),
            (bounds.head, bounds.head, bounds.head, 0)
        );
    }
}

/// See the name.
pub async fn places_are_consecutive_and_in_order(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;

    let first = store.append(vec![draft("a", "1"), draft("b", "2"), draft("a", "3")]).await.unwrap();
    let second = store.append(vec![draft("c", "4")]).await.unwrap();

    let new = |sequence| Placement::New(at(&*store, sequence));
    assert_eq!(first, [new(1), new(2), new(3)]);
    assert_eq!(second, [new(4)]);
    assert_eq!((store.bounds().earliest(), store.bounds().head), (Sequence(1), at(&*store, 4)));
    let events = read_all(&*store, query(Start::Earliest, &["**"])).await;
    assert_eq!(
        events.iter().map(|event| event.cursor).collect::<Vec<_>>(),
        [1, 2, 3, 4].map(|sequence| at(&*store, sequence))
    );
    assert_eq!(texts(&events), ["1", "2", "3", "4"]);
}

/// See the name.
pub async fn an_append_of_nothing_places_nothing(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;

    let placements = store.append(Vec::new()).await.unwrap();

    assert_eq!(placements, []);
    assert_eq!(store.bounds().head, at(&*store, 0));
}

/// See the name.
pub async fn every_field_is_kept_to_the_byte(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(1_234)).await;
    let fields = DraftFields {
        event_type: Some("p\u{ef}ng"),
        id: Some("\u{1f4e8}-1"),
        retry_ms: Some(0),
        key: Some(KeyFields { credential: "caf\u{e9} / 1", key: "k-1" }),
    };
    let drafts = [
        draft_with("https://example.com/\u{8ba2}\u{5355}", "\u{4f60}\u{597d}\r\n\u{1f980}\0\n", fields),
        draft("plain", ""),
        draft("plain", &"x".repeat(300_000)),
        state(draft("plain", "")),
        state(draft_with("plain", "keyed", DraftFields { key: Some("k-2".into()), ..fields })),
    ];

    store.append(drafts.to_vec()).await.unwrap();

    let events = read_all(&*store, query(Start::Earliest, &["**"])).await;
    assert!(events.iter().map(|event| &event.draft).eq(&drafts));
    assert!(events.iter().all(|event| event.time == UnixMillis(1_234)));
}

/// See the name.
pub async fn times_never_go_back(fixture: &dyn Fixture) {
    let clock = ManualClock::at(1_000);
    let store = fixture.open(clock.clone()).await;

    append(&*store, "a", &["1"]).await;
    clock.set(400);
    append(&*store, "a", &["2"]).await;
    clock.set(2_000);
    append(&*store, "a", &["3"]).await;

    let events = read_all(&*store, query(Start::Earliest, &["a"])).await;
    assert_eq!(events.iter().map(|event| event.time.0).collect::<Vec<_>>(), [1_000, 1_000, 2_000]);
}

fn keyed(key: &str, data: &str) -> Draft {
    draft_with("a", data, DraftFields { key: Some(key.into()), ..DraftFields::default() })
}

/// See the name.
pub async fn a_key_is_placed_once(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    store.append(vec![draft("a", "before"), keyed("k", "once")]).await.unwrap();

    let again = store.append(vec![keyed("k", "once"), draft("a", "after")]).await.unwrap();

    assert_eq!(again, [Placement::Repeated(at(&*store, 2)), Placement::New(at(&*store, 3))]);
    let events = read_all(&*store, query(Start::Earliest, &["**"])).await;
    assert_eq!(texts(&events), ["before", "once", "after"]);
}

/// See the name.
pub async fn a_key_used_for_something_else_is_refused(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    store.append(vec![keyed("k", "once")]).await.unwrap();

    let reused = store.append(vec![keyed("k", "other")]).await.unwrap();

    assert_eq!(reused, [Placement::KeyReused(at(&*store, 1))]);
    assert_eq!(store.bounds().head, at(&*store, 1));
}

/// See the name.
pub async fn a_key_repeated_within_one_append_is_placed_once(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;

    let placements = store
        .append(vec![keyed("k", "once"), keyed("k", "once"), keyed("k", "other"), keyed("l", "x")])
        .await
        .unwrap();

    let first = at(&*store, 1);
    let expected = [
        Placement::New(first),
        Placement::Repeated(first),
        Placement::KeyReused(first),
        Placement::New(at(&*store, 2)),
    ];
    assert_eq!(placements, expected);
}

/// See the name.
pub async fn concurrent_appends_are_all_placed_once_and_in_their_own_order(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;

    let publishers: Vec<_> =
        (0..8).map(|publisher| tokio::spawn(publish_fifty(store.clone(), publisher))).collect();
    for publisher in publishers {
        publisher.await.unwrap();
    }

    let events = read_all(&*store, query(Start::Earliest, &["**"])).await;
    assert_eq!(events.len(), 400);
    for publisher in 0..8 {
        let topic = format!("from/{publisher}");
        let own: Vec<_> =
            events.iter().filter(|event| event.draft.topic().as_str() == topic).cloned().collect();
        assert_eq!(texts(&own), (0..50).map(|n| n.to_string()).collect::<Vec<_>>());
    }
}

async fn publish_fifty(store: Arc<dyn Store>, publisher: usize) {
    let topic = format!("from/{publisher}");
    for n in 0..50 {
        append(&*store, &topic, &[&n.to_string()]).await;
    }
}

/// See the name.
pub async fn drafts_of_an_append_stay_next_to_each_other_while_others_append(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;

    let publishers: Vec<_> =
        (0..8).map(|publisher| tokio::spawn(publish_runs_of_five(store.clone(), publisher))).collect();
    let mut placed = Vec::new();
    for publisher in publishers {
        placed.extend(publisher.await.unwrap());
    }

    assert_eq!(placed.len(), 160);
    for run in &placed {
        let consecutive = (run[0]..).take(5).collect::<Vec<_>>();
        assert_eq!(run, &consecutive, "the places of one append");
    }
    let events = read_all(&*store, query(Start::Earliest, &["**"])).await;
    for run in events.chunks(5) {
        let own: Vec<_> = run.iter().map(|event| event.draft.topic()).collect();
        assert!(own.iter().all(|topic| *topic == own[0]), "one append in the log: {own:?}");
    }
}

/// Appends twenty times five drafts at once; the answer is the places of each append.
async fn publish_runs_of_five(store: Arc<dyn Store>, publisher: usize) -> Vec<Vec<u64>> {
    let topic = format!("from/{publisher}");
    let mut placed = Vec::new();
    for _ in 0..20 {
        let drafts = (0..5).map(|n| draft(&topic, &n.to_string())).collect();
        let place = |placement: Placement| match placement {
            Placement::New(cursor) => cursor.sequence.0,
            other => panic!("expected a new place, got {other:?}"),
        };
        placed.push(store.append(drafts).await.unwrap().into_iter().map(place).collect());
    }
    placed
}

/// See the name.
pub async fn a_closed_store_refuses(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    append(&*store, "a", &["1"]).await;

    store.close().await.unwrap();
    store.close().await.unwrap();

    assert!(matches!(store.append(vec![draft("a", "2")]).await, Err(StoreError::Stopped(_))));
}
