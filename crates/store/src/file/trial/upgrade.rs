//! A hub goes on with a directory of version 1, and is killed, loses power or finds no space at any operation: events keep
//! their ids, and the cursors that clients have are good up to where their epochs ended.

use std::sync::{Arc, Mutex};

use tidings_core::contract::fixture::{draft, draft_with, query};
use tidings_core::{
    BatchPart, Cursor, Draft, DraftFields, Epoch, Event, IdempotencyKey, KeyFields, Lost, Placement, Reading,
    Sequence, Start, StoreError,
};

use super::dice::Dice;
use super::epoch::open;
use super::failure::{append_all, append_draft};
use super::judge::{After, all, assert_goes_on, assert_readers};
use super::old::{Old, directories, golden};
use super::play::LATER;
use crate::file::config::Durability;
use crate::file::disk::sim::{SimDisk, Trouble, Watcher, World};
use crate::file::log::Log;
use crate::file::meta::Life;
use crate::file::open_error::OpenError;
use crate::file::read::sliced_tests::read;

/// How a hub of version 1 left its directory, and with which durability the upgraded hub goes on.
fn lives() -> Vec<(Life, Durability)> {
    let open = |strict, boot: &str| Life::Open { strict, boot: Some(boot.to_owned()) };
    vec![
        (Life::Closed { head: Sequence(0) }, Durability::Fsync),
        (Life::Closed { head: Sequence(0) }, Durability::None),
        (open(true, "start-1"), Durability::Fsync),
        (open(false, "start-1"), LATER),
        (open(false, "start-0"), Durability::Fsync),
    ]
}

/// What the upgraded hub publishes: some small events, and some that end a segment.
fn drafts() -> Vec<Draft> {
    let large = "x".repeat(5_000);
    ["one", &large, &large, "two"].map(|data| draft("a", data)).into()
}

/// What was acknowledged in the first life of the upgraded hub.
#[derive(Debug, Clone, Default)]
struct Upgraded {
    /// The epoch, once it is known.
    epoch: Option<Epoch>,
    acknowledged: Vec<(Cursor, Draft)>,
    in_doubt: Option<Draft>,
    is_closed: bool,
}

/// The first life of the upgraded hub: opens, appends, ends segments, closes.
fn live(disk: &SimDisk, durability: Durability, told: &Mutex<Upgraded>) {
    let mut writer = match open(disk, durability, 1) {
        Ok(writer) => writer,
        Err(OpenError::Io { .. }) => return,
        Err(error) => panic!("{error}"),
    };
    told.lock().unwrap().epoch = Some(writer.epoch);
    for draft in drafts() {
        told.lock().unwrap().in_doubt = Some(draft.clone());
        let placed = append_draft(&mut writer, draft.clone());
        let mut told = told.lock().unwrap();
        match placed.as_deref() {
            Ok([Placement::New(place)]) => told.acknowledged.push((*place, draft)),
            Err(StoreError::Full(_)) => {}
            Err(StoreError::Stopped(_)) => return,
            other => panic!("unexpected answer: {other:?}"),
        }
        told.in_doubt = None;
    }
    let is_closed = writer.close().is_ok();
    told.lock().unwrap().is_closed = is_closed;
}

/// A directory of version 1, and what its clients know.
struct Before {
    what: String,
    world: World,
    events: Vec<Event>,
    /// The epochs that clients have cursors of.
    epochs: Vec<Epoch>,
    /// The epoch that `META` names, if it has no segment: the hub of version 1 ended before it made one.
    never_made: Option<Epoch>,
    durability: Durability,
}

impl Before {
    fn of(old: &Old, what: &str, durability: Durability) -> Self {
        let what = format!("{what}, left {:?}, goes on with {durability:?}", old.life);
        let (world, events, epochs) = (old.world(), old.events(), old.epochs());
        let never_made = Some(old.epoch).filter(|epoch| !epochs.contains(epoch));
        Self { what, world, events, epochs, never_made, durability }
    }

    /// Opens what the first life of the upgraded hub has left, and checks that nothing has become wrong.
    fn judge(&self, left: &World, after: After, told: &Upgraded, seed: u64) {
        let what = format!("{}; {after:?}, seed {seed}", self.what);
        let left =
            if after == After::PowerCut { left.after_power_cut(&mut Dice::new(seed)) } else { left.clone() };
        let disk = SimDisk::of(left, seed);
        let start = if after == After::PowerCut { 2 } else { 1 };
        let mut writer =
            open(&disk, self.durability, start).unwrap_or_else(|error| panic!("{what}: {error}"));

        let held = all(&writer.log);
        let (old, new) = held.split_at(held.len().min(self.events.len()));
        assert_eq!(old, self.events, "{what}");
        let new: Vec<_> = new.iter().map(|event| (event.cursor, event.draft.clone())).collect();
        let in_doubt = told.in_doubt.clone().zip(told.epoch).map(|(draft, epoch)| {
            (Cursor::new(epoch, Sequence((self.events.len() + told.acknowledged.len() + 1) as u64)), draft)
        });
        let possible: Vec<_> = told.acknowledged.iter().cloned().chain(in_doubt).collect();
        assert!(possible.starts_with(&new), "{what}: {new:?}");
        if after == After::Kill || self.durability == Durability::Fsync || told.is_closed {
            assert!(
                new.len() >= told.acknowledged.len(),
                "{what}: {} events are gone",
                told.acknowledged.len() - new.len()
            );
        }
        assert!(
            !self.epochs.contains(&writer.epoch) && told.epoch != Some(writer.epoch),
            "{what}: an epoch again"
        );
        self.assert_cursors(&writer.log, &held, told.epoch);
        let shown = writer.log.bounds().head;
        assert_goes_on(&mut writer);
        assert!(!writer.active.is_old(), "{what}: a record of version 2 in a segment of version 1");
        // A segment in the place of an empty one has its name, and takes its place in the log.
        assert!(
            writer.log.view().segments.is_sorted_by(|one, two| one.base() < two.base()),
            "{what}: twice one name"
        );
        let later = all(&writer.log);
        writer.close().unwrap();
        let writer = open(&disk, self.durability, start).unwrap();
        assert_eq!(all(&writer.log), later, "{what}: an id has changed");
        self.assert_cursors(&writer.log, &later, told.epoch);
        let reading = read(&writer.log.view(), &writer.log.hash, &query(Start::After(shown), &["**"]));
        assert!(
            matches!(reading, Ok(Reading::Page(_))),
            "{what}: a gap after {shown}, where the start before ended"
        );
    }

    /// Checks what each cursor leads to that a client may have.
    fn assert_cursors(&self, log: &Log, held: &[Event], new: Option<Epoch>) {
        let (before, head) = (self.events.len() as u64, log.bounds().head);
        let places = [0, before / 2, before, before + 1, head.sequence.0, head.sequence.0 + 1];
        for epoch in self.epochs.iter().copied().chain(self.never_made).chain(new) {
            let is_empty = before > 0
                && self.epochs.contains(&epoch)
                && self.events.iter().all(|event| event.cursor.epoch != epoch);
            if !is_empty {
                assert_readers(log, held, epoch, places);
                continue;
            }
            // A client that was there when it began has the last place before it under its name.
            for place in places.map(|sequence| Cursor::new(epoch, Sequence(sequence))) {
                match read(&log.view(), &log.hash, &query(Start::After(place), &["**"])).unwrap() {
                    Reading::Page(page) => {
                        assert!(page.after == place && place.sequence.0 <= before, "{place}");
                    }
                    Reading::Lost { lost, resumes_after } => {
                        assert!(place.sequence.0 > before, "{place} is good, and the answer a gap");
                        assert_eq!((lost, resumes_after), (Lost::OtherEpoch, head.at(Sequence(before))));
                    }
                }
            }
        }
    }

    /// Kills the first life of the upgraded hub, or takes its power, at each operation, and at its end.
    fn end_at_each_operation(&self) -> usize {
        let disk = SimDisk::of(self.world.clone(), 0);
        let (told, ends) = (Arc::new(Mutex::new(Upgraded::default())), Arc::new(Mutex::new(Vec::new())));
        let (seen, telling) = (ends.clone(), told.clone());
        disk.watch(move |_, world| {
            seen.lock().unwrap().push((world.clone(), telling.lock().unwrap().clone()));
            None
        });
        live(&disk, self.durability, &told);
        let told = told.lock().unwrap().clone();
        assert_eq!(told.acknowledged.len(), drafts().len());
        let mut ends = std::mem::take(&mut *ends.lock().unwrap());
        ends.push((disk.world(), told));
        for (number, (world, told)) in (0..).zip(&ends) {
            self.judge(world, After::Kill, told, number);
            for seed in [2 * number, 2 * number + 1] {
                self.judge(world, After::PowerCut, told, seed);
            }
        }
        ends.len()
    }

    /// Lets the first life of the upgraded hub find no space at some operations. False if there were fewer.
    fn is_full(&self, at: std::ops::Range<u64>) -> bool {
        let disk = SimDisk::of(self.world.clone(), at.start);
        let told = Mutex::new(Upgraded::default());
        let met = Arc::new(Mutex::new(false));
        let meeting = met.clone();
        let (first, full) = (at.start, at.clone());
        let watcher: Watcher = Box::new(move |operation, _| {
            let troubled = full.contains(&operation);
            *meeting.lock().unwrap() |= troubled;
            troubled.then_some(Trouble::Full)
        });
        disk.watch(watcher);
        live(&disk, self.durability, &told);
        disk.watch(|_, _| None);
        let told = told.lock().unwrap().clone();
        self.judge(&disk.world(), After::Kill, &told, first);
        self.judge(&disk.world(), After::PowerCut, &told, first);
        *met.lock().unwrap()
    }
}

fn every_directory() -> Vec<Before> {
    let generated = lives().into_iter().flat_map(|(life, durability)| {
        directories(&life).into_iter().map(move |(what, old)| Before::of(&old, what, durability))
    });
    let golden = [Durability::Fsync, Durability::None].map(|durability| {
        let world = golden("v1");
        let writer = open(&SimDisk::of(world.clone(), 0), durability, 1).unwrap();
        let events = all(&writer.log);
        assert_eq!(events.len(), 6, "the events that the golden test knows");
        let epochs = vec![events[0].cursor.epoch];
        Before {
            what: "the golden directory".to_owned(),
            world,
            events,
            epochs,
            never_made: None,
            durability,
        }
    });
    generated.chain(golden).collect()
}

#[test]
fn an_upgrade_that_ends_at_any_operation_has_lost_and_changed_nothing() {
    for before in every_directory() {
        let ends = before.end_at_each_operation();
        assert!(ends > 20, "{}: {ends} operations are no life", before.what);
    }
}

#[test]
fn an_upgrade_that_finds_no_space_has_lost_and_changed_nothing() {
    // Every fourth one, of nine in each life: the states and the lives come round all the same.
    for before in every_directory().into_iter().step_by(4) {
        let operations = (1..).take_while(|at| before.is_full(*at..at + 1)).count();
        assert!(operations > 20, "{}: {operations} operations are no life", before.what);
        for at in 1..=operations as u64 {
            before.is_full(at..u64::MAX);
        }
    }
}

/// An append is there whole or not at all, and what is torn of it is cut off before anything is written behind.
#[test]
fn a_torn_append_of_version_1_has_never_been_wherever_it_is_torn() {
    let torn = lives().into_iter().filter(|(life, _)| !matches!(life, Life::Closed { .. }));
    for (life, durability) in torn.take(2) {
        for (what, old) in directories(&life) {
            let Some((_, appends)) = old.segments.last().filter(|(_, appends)| !appends.is_empty()) else {
                continue;
            };
            let kept = old.events().len() - appends.last().unwrap().len();
            for missing in 1..=old.last_append_bytes() {
                for zeros in [0, old.zeros] {
                    let torn = Old { zeros, ..old.clone() }.torn(missing);
                    let before = Before {
                        what: format!("{what}, without the last {missing} bytes"),
                        world: torn.clone(),
                        events: old.events()[..kept].to_vec(),
                        ..Before::of(&old, "", durability)
                    };
                    before.judge(&torn, After::Kill, &Upgraded::default(), 0);
                    // At one place: the start that cuts it off ends at any of its operations.
                    if zeros > 0 && missing == 31 {
                        before.end_at_each_operation();
                    }
                }
            }
        }
    }
}

/// In version 1 each event of a batch had a key of its own, so nobody can say how far the batch came.
#[test]
fn a_batch_of_version_1_that_is_sent_again_is_refused_and_not_published_twice() {
    let of_batch = |number: u64| {
        let key = format!("q/{number}");
        let key = Some(KeyFields { credential: "", key: &key });
        draft_with("a", &number.to_string(), DraftFields { key, ..DraftFields::default() })
    };
    let old = Old {
        segments: vec![(Epoch(12), vec![vec![of_batch(1), of_batch(2)]])],
        epoch: Epoch(12),
        life: Life::Closed { head: Sequence(2) },
        is_indexed: true,
        zeros: 0,
    };
    let mut writer = open(&SimDisk::of(old.world(), 1), Durability::Fsync, 1).unwrap();

    for credential in ["", "publish-key"] {
        let key = IdempotencyKey::parse(KeyFields { credential, key: "q" }).unwrap();
        let part = BatchPart { before: 0, through: 2, digest: [0; 16], complete: true };
        let again = vec![draft("a", "1"), draft("a", "2").ending_part(key, part)];

        let placements = append_all(&mut writer, again).unwrap();

        assert!(placements.iter().all(|placement| matches!(placement, Placement::KeyReused(_))));
        assert_eq!(writer.log.bounds().head.sequence, Sequence(2));
    }
}
