//! Batches: many events under one idempotency key.

use std::sync::Arc;

use crate::contract::fixture::{Fixture, ManualClock, append, at, draft, draft_with, query, read_all, texts};
use crate::contract::lasting::append_until_more_left;
use crate::event::{
    BatchPart, BatchProgress, Draft, DraftFields, Event, IdempotencyKey, KeyFields, Sequence,
};
use crate::store::{Placement, Start, Store};

/// A key of a hub without credentials.
fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey::parse(text.into()).unwrap()
}

/// The running hash of the first events of every batch here.
fn digest(through: u64) -> [u8; 16] {
    [u8::try_from(through).unwrap(); 16]
}

/// The events after `before` up to `through` of a batch whose event `n` has the data `n`, as one append.
fn part_of(key: IdempotencyKey, before: u64, through: u64, complete: bool) -> Vec<Draft> {
    let mut drafts: Vec<_> = (before + 1..=through).map(|n| draft("a", &n.to_string())).collect();
    let last = drafts.pop().unwrap();
    drafts.push(last.ending_part(key, BatchPart { before, through, digest: digest(through), complete }));
    drafts
}

/// The same of the batch `k`, which is not known to end there.
fn part(before: u64, through: u64) -> Vec<Draft> {
    part_of(key("k"), before, through, false)
}

/// What is answered when a store knows that the batch stands there, for each of a number of drafts.
fn at_progress(store: &dyn Store, through: u64, complete: bool, last: u64, drafts: usize) -> Vec<Placement> {
    let progress = BatchProgress { through, digest: digest(through), complete, last: at(store, last) };
    vec![Placement::BatchAt(progress); drafts]
}

fn new(store: &dyn Store, sequences: impl IntoIterator<Item = u64>) -> Vec<Placement> {
    sequences.into_iter().map(|sequence| Placement::New(at(store, sequence))).collect()
}

async fn log(store: &dyn Store) -> Vec<Event> {
    read_all(store, query(Start::Earliest, &["**"])).await
}

/// See the name.
pub async fn what_a_part_says_of_its_batch_is_kept(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    let fields =
        DraftFields { event_type: Some("t"), id: Some("i"), retry_ms: Some(1), ..DraftFields::default() };
    let key = IdempotencyKey::parse(KeyFields { credential: "c", key: "k" }).unwrap();
    let part = BatchPart { before: 1, through: u64::MAX, digest: *b"0123456789abcdef", complete: true };
    let small = BatchPart { before: 0, through: 1, digest: [0; 16], complete: false };
    let drafts = [
        draft("a", "1"),
        draft_with("a", "2", fields).ending_part(key.clone(), part),
        draft("a", "3").ending_part(self::key("k"), small),
    ];

    store.append(drafts[..2].to_vec()).await.unwrap();
    store.append(drafts[2..].to_vec()).await.unwrap();

    assert!(log(&*store).await.iter().map(|event| &event.draft).eq(&drafts));
}

/// See the name.
pub async fn a_part_that_goes_on_where_its_batch_stands_is_placed(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;

    let first = store.append(part(0, 3)).await.unwrap();
    append(&*store, "a", &["between"]).await;
    let second = store.append(part(3, 4)).await.unwrap();
    let third = store.append(part_of(key("k"), 4, 6, true)).await.unwrap();

    assert_eq!(first, new(&*store, 1..=3));
    assert_eq!(second, new(&*store, [5]));
    assert_eq!(third, new(&*store, [6, 7]));
    assert_eq!(texts(&log(&*store).await), ["1", "2", "3", "between", "4", "5", "6"]);
}

/// See the name.
pub async fn a_part_that_does_not_go_on_where_its_batch_stands_places_nothing(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    store.append(part(0, 2)).await.unwrap();
    store.append(part(2, 4)).await.unwrap();

    for (before, through) in [(0, 2), (0, 4), (0, 9), (1, 4), (2, 4), (2, 3), (3, 5), (5, 6)] {
        let refused = store.append(part(before, through)).await.unwrap();

        let drafts = usize::try_from(through - before).unwrap();
        assert_eq!(refused, at_progress(&*store, 4, false, 4, drafts), "from {before} through {through}");
    }
    assert_eq!(texts(&log(&*store).await), ["1", "2", "3", "4"]);
}

/// See the name.
pub async fn a_part_of_a_batch_that_the_store_does_not_know_is_placed(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;

    let placed = store.append(part(10, 12)).await.unwrap();
    let next = store.append(part(12, 13)).await.unwrap();

    assert_eq!(placed, new(&*store, [1, 2]));
    assert_eq!(next, new(&*store, [3]));
}

/// See the name.
pub async fn a_complete_batch_takes_no_more(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    store.append(part_of(key("k"), 0, 2, true)).await.unwrap();

    for more in [part(2, 3), part_of(key("k"), 2, 3, true), part(0, 3)] {
        let drafts = more.len();
        let refused = store.append(more).await.unwrap();

        assert_eq!(refused, at_progress(&*store, 2, true, 2, drafts));
    }
    assert_eq!(texts(&log(&*store).await), ["1", "2"]);
}

/// See the name.
pub async fn a_batch_and_an_event_never_share_a_key(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    let single = |key: &str, data: &str| {
        draft_with("a", data, DraftFields { key: Some(key.into()), ..DraftFields::default() })
    };
    store.append(vec![single("event", "1")]).await.unwrap();
    store.append(part_of(key("batch"), 0, 1, false)).await.unwrap();

    // In both cases the events say the same.
    let batch = store.append(part_of(key("event"), 0, 3, false)).await.unwrap();
    let event = store.append(vec![single("batch", "1")]).await.unwrap();

    assert_eq!(batch, [Placement::KeyReused(at(&*store, 1)); 3]);
    assert_eq!(event, [Placement::KeyReused(at(&*store, 2))]);
    // An event of the batch has no key of its own.
    let numbered = store.append(vec![single("batch/1", "1")]).await.unwrap();
    assert_eq!(numbered, new(&*store, [3]));
}

/// See the name.
pub async fn keys_of_two_credentials_never_meet(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    let single = |credential, key| {
        let key = Some(KeyFields { credential, key });
        draft_with("a", "x", DraftFields { key, ..DraftFields::default() })
    };
    let batch =
        |credential, key| part_of(IdempotencyKey::parse(KeyFields { credential, key }).unwrap(), 0, 1, false);
    let names = [("", "k"), ("a", "k"), ("b", "k"), ("", "ak"), ("", "a/k"), ("a/", "k"), ("ak", "k")];

    for (at, (credential, key)) in names.into_iter().enumerate() {
        let first = store.append(vec![single(credential, key)]).await.unwrap();
        assert_eq!(first, new(&*store, [at as u64 + 1]), "{credential:?} {key:?}");
    }
    for (at, (credential, key)) in names.into_iter().enumerate() {
        let again = store.append(vec![single(credential, key)]).await.unwrap();
        assert_eq!(again, [Placement::Repeated(self::at(&*store, at as u64 + 1))], "{credential:?} {key:?}");
    }
    assert_eq!(store.append(batch("a", "batch")).await.unwrap(), new(&*store, [8]));
    assert_eq!(store.append(batch("b", "batch")).await.unwrap(), new(&*store, [9]));
    assert_eq!(store.append(batch("a", "batch")).await.unwrap(), at_progress(&*store, 1, false, 8, 1));
}

/// See the name.
pub async fn a_batch_that_is_published_at_once_by_many_is_placed_once(fixture: &dyn Fixture) {
    const EVENTS: u64 = 60;
    let store = fixture.open(ManualClock::at(0)).await;

    // Each in appends of another size.
    let publishers: Vec<_> =
        (1..=8).map(|step| tokio::spawn(publish_in_steps(store.clone(), EVENTS, step))).collect();
    for publisher in publishers {
        publisher.await.unwrap();
    }

    let expected: Vec<_> = (1..=EVENTS).map(|n| n.to_string()).collect();
    assert_eq!(texts(&log(&*store).await), expected);
}

/// Publishes the batch `k` until all of it is placed, going on behind what others have placed of it.
async fn publish_in_steps(store: Arc<dyn Store>, events: u64, step: u64) {
    let mut before = 0;
    while before < events {
        let through = (before + step).min(events);
        let placements = store.append(part(before, through)).await.unwrap();
        before = match placements[0] {
            Placement::New(_) => through,
            Placement::BatchAt(progress) => {
                assert_eq!(progress.digest, digest(progress.through));
                progress.through
            }
            other => panic!("a part of a batch was answered with {other:?}"),
        };
        tokio::task::yield_now().await;
    }
}

/// See the name.
pub async fn a_batch_goes_on_after_a_restart(fixture: &dyn Fixture) {
    if !fixture.survives_restart() {
        return;
    }
    let store = fixture.open(ManualClock::at(0)).await;
    store.append(part(0, 2)).await.unwrap();
    append(&*store, "a", &["between"]).await;
    store.append(part(2, 4)).await.unwrap();
    // The progress tells the place in the epoch of the life that wrote it.
    let last = store.bounds().head;
    store.close().await.unwrap();
    drop(store);

    let store = fixture.open(ManualClock::at(0)).await;
    let again = store.append(part(0, 2)).await.unwrap();
    let progress = BatchProgress { through: 4, digest: digest(4), complete: false, last };
    assert_eq!(again, [Placement::BatchAt(progress); 2]);
    let on = store.append(part_of(key("k"), 4, 5, true)).await.unwrap();
    assert_eq!(on, new(&*store, [6]));
    let last = store.bounds().head;
    store.close().await.unwrap();
    drop(store);

    let store = fixture.open(ManualClock::at(0)).await;
    let again = store.append(part(0, 1)).await.unwrap();
    let progress = BatchProgress { through: 5, digest: digest(5), complete: true, last };
    assert_eq!(again, [Placement::BatchAt(progress)]);
    assert_eq!(texts(&log(&*store).await), ["1", "2", "between", "3", "4", "5"]);
}

/// See the name.
pub async fn a_batch_is_known_as_long_as_its_newest_part_is_held(fixture: &dyn Fixture) {
    let store = fixture.open_bounded(ManualClock::at(0), 100).await;
    let filler = "x".repeat(1_000);
    let (mut through, mut last) = (0, Sequence::ZERO);

    // Until retention has taken the first part of the batch.
    while store.bounds().earliest() == Sequence(1) {
        assert!(through < 200, "retention took nothing in 200 rounds");
        let placed = store.append(part(through, through + 1)).await.unwrap();
        (through, last) = (through + 1, store.bounds().head.sequence);
        assert_eq!(placed, new(&*store, [last.0]));
        append(&*store, "a", &[filler.as_str(); 10]).await;
    }

    assert!(last >= store.bounds().earliest());
    let again = store.append(part(0, 1)).await.unwrap();
    assert_eq!(again, at_progress(&*store, through, false, last.0, 1));

    append_until_more_left(&*store).await;
    let again = store.append(part(0, 1)).await.unwrap();
    assert_eq!(again, new(&*store, [store.bounds().head.sequence.0]), "all of it is gone, and forgotten");
}

/// See the name.
pub async fn a_batch_goes_back_to_what_an_epoch_left_of_it(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    store.append(part(0, 2)).await.unwrap();
    let old = append(&*store, "a", &["between"]).await;
    store.append(part(2, 4)).await.unwrap();
    store.append(part_of(key("k"), 4, 5, true)).await.unwrap();
    store.append(part_of(key("l"), 0, 2, false)).await.unwrap();

    let Some(begins) = fixture.begin_epoch(&store, Sequence(3)).await else { return };

    let progress =
        BatchProgress { through: 2, digest: digest(2), complete: false, last: old.at(Sequence(2)) };
    assert_eq!(store.append(part(0, 1)).await.unwrap(), [Placement::BatchAt(progress)]);
    assert_eq!(store.append(part(4, 5)).await.unwrap(), [Placement::BatchAt(progress)]);
    let on = store.append(part(2, 3)).await.unwrap();
    assert_eq!(on, [Placement::New(begins.at(Sequence(4)))]);
    // Of this batch nothing is left, so it is not known.
    let other = store.append(part_of(key("l"), 2, 3, false)).await.unwrap();
    assert_eq!(other, [Placement::New(begins.at(Sequence(5)))]);
    assert_eq!(texts(&log(&*store).await), ["1", "2", "between", "3", "3"]);
}
