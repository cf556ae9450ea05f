//! Epochs: a log that goes on in a new epoch while it is open, and what readers and tails of it are told.
//!
//! A store that cannot begin an epoch while it is open passes these cases without a check: see
//! [`Fixture::begin_epoch`].

use std::sync::Arc;
use std::time::Duration;

use tidings_sse::EventId;
use tokio::time::timeout;

use crate::event::{Cursor, Draft, DraftFields, Epoch, Event, Sequence};
use crate::read::gap::Lost;
use crate::store::contract::fixture::{
    Fixture, ManualClock, append, at, draft, draft_with, page, query, read_all, texts,
};
use crate::store::contract::following::wait_for_polls;
use crate::store::contract::lasting::tail_that_waits;
use crate::store::{Placement, Reading, Start, Store, Tail, Tailed};

/// How long a tail may take to hand out what is there.
const PATIENCE: Duration = Duration::from_secs(30);

/// What somebody has who believes a tail: its events, and the epoch it told last.
struct Follower {
    tail: Box<dyn Tail>,
    epoch: Epoch,
    events: Vec<Event>,
    /// Where epochs have begun.
    begun: Vec<Cursor>,
}

impl Follower {
    /// Of a tail that has handed out these events.
    fn new(tail: Box<dyn Tail>, epoch: Epoch, events: Vec<Event>) -> Self {
        Self { tail, epoch, events, begun: Vec::new() }
    }

    fn place(&self) -> Cursor {
        Cursor::new(self.epoch, Sequence(self.events.len() as u64))
    }

    fn take(&mut self, tailed: Tailed) {
        let place = self.place();
        match tailed {
            Tailed::Events(batch) => {
                for (event, place) in batch.iter().zip((place.sequence.0 + 1..).map(Sequence)) {
                    let expected = self.place().at(place);
                    assert_eq!(event.cursor, expected, "the next event, in the epoch that was told last");
                }
                self.events.extend_from_slice(&batch);
            }
            Tailed::NewEpoch(begins) => {
                assert!(begins.sequence <= place.sequence, "told of {begins} at {place}");
                assert!(self.begun.contains(&begins), "told of {begins}, but these began: {:?}", self.begun);
                self.events.truncate(begins.sequence.0 as usize);
                self.epoch = begins.epoch;
            }
        }
    }

    /// Takes all that the tail has, and compares it with the log.
    async fn catch_up(&mut self, store: &dyn Store) {
        while self.place() != store.bounds().head {
            let next = timeout(PATIENCE, self.tail.next()).await;
            let next = next.unwrap_or_else(|_| panic!("the tail hangs at {}", self.place()));
            let tailed = next.expect("the tail goes on").expect("the tail has not ended");
            self.take(tailed);
        }
        let more = wait_for_polls(&mut *self.tail, 100).await;
        assert_eq!(more, None, "a tail that has caught up has nothing to tell");
        assert_eq!(self.events, read_all(store, query(Start::Earliest, &["**"])).await);
    }
}

/// Three followers of a log that must not have an event: one whose tail waits for more, one whose tail has handed out
/// the past and not looked since, and one whose tail was never read. The log has these events then.
async fn followers(store: &Arc<dyn Store>, more: &[&str]) -> [Follower; 3] {
    let epoch = store.bounds().epoch();
    let never_read = store.tail(at(&**store, 0)).await.unwrap();
    let waiting = tail_that_waits(&**store).await;
    let first = read_all(&**store, query(Start::Earliest, &["**"])).await;
    append(&**store, "a", more).await;
    let mut has_read = Follower::new(store.tail(at(&**store, 0)).await.unwrap(), epoch, Vec::new());
    has_read.catch_up(&**store).await;
    [Follower::new(waiting, epoch, first), has_read, Follower::new(never_read, epoch, Vec::new())]
}

/// See the name.
pub async fn a_tail_is_told_of_a_new_epoch_before_its_first_event(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    let last = append(&*store, "a", &["1", "2", "3"]).await;
    let mut tail = store.tail(last.at(Sequence(0))).await.unwrap();
    assert!(matches!(tail.next().await, Ok(Some(Tailed::Events(batch))) if batch.len() == 3));

    // First where nothing is cut off, then where something is.
    for after in [3, 2] {
        let Some(begins) = fixture.begin_epoch(&store, Sequence(after)).await else { return };
        assert_eq!(begins, at(&*store, after));
        let first = append(&*store, "a", &["first"]).await;
        assert_eq!(first, begins.next());

        assert_eq!(tail.next().await.unwrap(), Some(Tailed::NewEpoch(begins)));
        let Ok(Some(Tailed::Events(batch))) = tail.next().await else { panic!("expected the first event") };
        assert_eq!((batch[0].cursor, batch.len()), (first, 1));
    }
}

/// See the name.
pub async fn a_tail_that_waits_is_told_of_a_new_epoch_without_an_event(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;

    let mut followers = followers(&store, &["2", "3", "4", "5"]).await;

    for after in [5, 2] {
        for follower in &mut followers {
            follower.catch_up(&*store).await;
        }
        let Some(begins) = fixture.begin_epoch(&store, Sequence(after)).await else { return };
        for follower in &mut followers {
            follower.begun.push(begins);
            follower.catch_up(&*store).await;
        }
    }
}

/// See the name.
pub async fn a_tail_that_is_behind_is_told_of_a_new_epoch(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    let followers = followers(&store, &["2", "3", "4", "5"]).await;

    let Some(begins) = fixture.begin_epoch(&store, Sequence(3)).await else { return };
    append(&*store, "a", &["new 4", "new 5", "new 6"]).await;

    for mut follower in followers {
        follower.begun.push(begins);
        follower.catch_up(&*store).await;
    }
}

/// See the name.
pub async fn a_tail_that_missed_the_announcement_is_told_of_a_new_epoch(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    let followers = followers(&store, &["2", "3", "4", "5"]).await;

    let Some(begins) = fixture.begin_epoch(&store, Sequence(3)).await else { return };
    for _ in 0..=fixture.batches_a_tail_keeps() {
        append(&*store, "a", &["new"]).await;
    }

    for mut follower in followers {
        follower.begun.push(begins);
        follower.catch_up(&*store).await;
    }
}

/// Begins two epochs, with events after each, and lets tails in every state catch up.
async fn two_epochs(fixture: &dyn Fixture, second_after: u64, more: usize) {
    let store = fixture.open(ManualClock::at(0)).await;
    let followers = followers(&store, &["2", "3", "4", "5", "6"]).await;

    let Some(first) = fixture.begin_epoch(&store, Sequence(4)).await else { return };
    append(&*store, "a", &["second 5", "second 6", "second 7", "second 8"]).await;
    let Some(second) = fixture.begin_epoch(&store, Sequence(second_after)).await else { return };
    for _ in 0..more {
        append(&*store, "a", &["third"]).await;
    }

    for mut follower in followers {
        follower.begun.extend([first, second]);
        follower.catch_up(&*store).await;
    }
}

/// See the name.
pub async fn a_tail_is_told_of_two_epochs_the_second_further_back(fixture: &dyn Fixture) {
    two_epochs(fixture, 2, 4).await;
}

/// See the name.
pub async fn a_tail_is_told_of_two_epochs_the_second_further_on(fixture: &dyn Fixture) {
    two_epochs(fixture, 6, 4).await;
}

/// See the name.
pub async fn a_tail_is_told_of_two_epochs_the_second_without_an_event(fixture: &dyn Fixture) {
    two_epochs(fixture, 2, 0).await;
}

/// See the name.
pub async fn a_tail_that_missed_two_announcements_is_told_of_both_epochs(fixture: &dyn Fixture) {
    two_epochs(fixture, 6, fixture.batches_a_tail_keeps() + 1).await;
}

/// See the name.
pub async fn a_wait_dropped_while_an_epoch_begins_takes_nothing(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    append(&*store, "a", &["1", "2"]).await;
    let tail = store.tail(at(&*store, 0)).await.unwrap();
    let mut follower = Follower::new(tail, store.bounds().epoch(), Vec::new());
    follower.catch_up(&*store).await;

    // A tail may hear of an epoch in any of its polls and tell it in a later one, so the wait is dropped after each
    // number of polls.
    for round in 0..60 {
        let polls = round % 6 + 1;
        let head = store.bounds().head.sequence;
        let after = if round % 2 == 0 { head } else { Sequence(head.0 - 1) };
        let Some(begins) = fixture.begin_epoch(&store, after).await else { return };
        follower.begun.push(begins);
        let told = wait_for_polls(&mut *follower.tail, polls).await;
        told.into_iter().for_each(|tailed| follower.take(tailed));
        append(&*store, "a", &["x", "y"]).await;
        let told = wait_for_polls(&mut *follower.tail, polls).await;
        told.into_iter().for_each(|tailed| follower.take(tailed));
        if round % 3 == 0 {
            follower.catch_up(&*store).await;
        }
    }
    follower.catch_up(&*store).await;
}

fn lost(lost: Lost, resumes_after: Cursor) -> Reading {
    Reading::Lost { lost, resumes_after }
}

/// See the name.
pub async fn places_up_to_the_end_of_an_epoch_are_good_and_those_beyond_are_lost(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    let old = append(&*store, "a", &["1", "2", "3", "4", "5"]).await;
    let Some(begins) = fixture.begin_epoch(&store, Sequence(3)).await else { return };
    let head = append(&*store, "a", &["new 4", "new 5"]).await;
    let read = |place| store.read(query(Start::After(place), &["**"]));

    for (after, expected) in
        [(0, &["1", "2", "3", "new 4", "new 5"][..]), (2, &["3", "new 4", "new 5"]), (3, &["new 4", "new 5"])]
    {
        for place in [old.at(Sequence(after)), begins.at(Sequence(after))] {
            let page = page(&*store, query(Start::After(place), &["**"])).await;
            assert_eq!(texts(&page.events), expected, "after {place}");
            assert_eq!((page.after.sequence, page.next, page.head), (Sequence(after), head, head));
        }
    }
    for after in [4, 5, 6, 1_000] {
        let place = old.at(Sequence(after));
        assert_eq!(read(place).await.unwrap(), lost(Lost::OtherEpoch, begins), "after {place}");
    }
    assert_eq!(read(head.next()).await.unwrap(), lost(Lost::Unknown, store.bounds().floor));

    // The second epoch ends further back, and so does the first.
    let Some(begins) = fixture.begin_epoch(&store, Sequence(2)).await else { return };
    append(&*store, "a", &["newer 3"]).await;
    for place in [old.at(Sequence(3)), head.at(Sequence(3)), head] {
        assert_eq!(read(place).await.unwrap(), lost(Lost::OtherEpoch, begins), "after {place}");
    }
    let held = read_all(&*store, query(Start::After(old.at(Sequence(2))), &["**"])).await;
    assert_eq!(texts(&held), ["newer 3"]);
}

/// See the name.
pub async fn a_place_of_an_epoch_that_the_log_never_had_is_lost(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    let last = append(&*store, "a", &["1", "2", "3"]).await;
    let Some(begins) = fixture.begin_epoch(&store, Sequence(2)).await else { return };
    let unknown = Epoch(last.epoch.0.wrapping_add(begins.epoch.0).wrapping_add(1));

    for sequence in [0, 1, 3, 100] {
        let start = Start::After(Cursor::new(unknown, Sequence(sequence)));
        let expected = lost(Lost::OtherEpoch, store.bounds().floor);
        assert_eq!(store.read(query(start, &["**"])).await.unwrap(), expected);
    }
}

/// See the name.
pub async fn events_keep_the_epoch_in_which_they_were_written(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    let old = append(&*store, "a", &["1", "2", "3"]).await;
    let Some(begins) = fixture.begin_epoch(&store, Sequence(2)).await else { return };
    append(&*store, "a", &["3"]).await;

    let events = read_all(&*store, query(Start::Earliest, &["**"])).await;

    let expected = [old.at(Sequence(1)), old.at(Sequence(2)), begins.next()];
    assert_eq!(events.iter().map(|event| event.cursor).collect::<Vec<_>>(), expected);
}

/// See the name.
pub async fn ids_and_keys_of_events_that_were_cut_off_are_forgotten(fixture: &dyn Fixture) {
    let store = fixture.open(ManualClock::at(0)).await;
    let named = |id, key: &str| -> Draft {
        draft_with("a", "x", DraftFields { id: Some(id), key: Some(key.into()), ..DraftFields::default() })
    };
    let drafts = vec![named("both", "k1"), named("kept", "k2"), draft("a", "3"), named("both", "k4")];
    store.append(drafts).await.unwrap();
    let old = append(&*store, "a", &["5"]).await;
    store.append(vec![named("cut", "k6")]).await.unwrap();

    let Some(begins) = fixture.begin_epoch(&store, Sequence(3)).await else { return };
    // At the places where the ids and keys were.
    append(&*store, "a", &["new 4", "new 5", "new 6"]).await;
    let found = |id: &str| store.read(query(Start::AfterId(EventId::new(id).unwrap()), &["a"]));
    assert_eq!(found("cut").await.unwrap(), lost(Lost::Unknown, store.bounds().floor));
    for (id, after) in [("both", 1), ("kept", 2)] {
        let Reading::Page(page) = found(id).await.unwrap() else { panic!("`{id}` is held") };
        assert_eq!(page.after.sequence, Sequence(after));
    }

    let placements = store.append(vec![named("both", "k4"), named("cut", "k6"), named("kept", "k2")]).await;
    let [first, second] = [7, 8].map(|sequence| begins.at(Sequence(sequence)));
    let kept = Placement::Repeated(old.at(Sequence(2)));
    assert_eq!(placements.unwrap(), [Placement::New(first), Placement::New(second), kept]);
    let Reading::Page(page) = found("cut").await.unwrap() else { panic!("`cut` is held again") };
    assert_eq!(page.after, second);
}
