//! A log with a hold that is released at any moment, and the power goes at every operation of the disk.
//!
//! The holder does what the inbox does: it writes again what it needs, and releases then. Whatever a power cut leaves, no event is
//! gone that was not released, and if one is gone, everything is there that was acknowledged before its release.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tidings_core::contract::fixture::{ManualClock, draft, state};
use tidings_core::{RetentionHold, Sequence};

use super::dice::Dice;
use super::failure::{append, append_draft};
use super::play::{LATER, open_held, open_store};
use super::power::seeds;
use crate::file::config::{Durability, Retention};
use crate::file::disk::sim::{SimDisk, World};
use crate::file::writer::LogWriter;

const LIVES: usize = 4;
const ROUNDS: usize = 25;

/// What was said so far.
#[derive(Debug, Clone, Default)]
struct Said {
    acknowledged: u64,
    /// What was released, and what had been acknowledged by then.
    releases: Vec<(Sequence, u64)>,
}

/// The log, its holder, and what was said.
struct Held {
    disk: SimDisk,
    dice: Dice,
    clock: Arc<ManualClock>,
    time: u64,
    said: Arc<Mutex<Said>>,
}

impl Held {
    fn say(&self, change: impl FnOnce(&mut Said)) {
        change(&mut self.said.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn live(&mut self, start: usize, durability: Durability, retention: Retention) {
        let hold = Arc::new(RetentionHold::default());
        let clock = (self.clock.clone() as Arc<_>, 0);
        let mut writer = open_held(&self.disk, durability, retention, hold.clone(), clock).unwrap();
        // A kill takes nothing, but for what was not answered, and here all is.
        assert_eq!(
            writer.log.bounds().head.sequence.0,
            self.said.lock().unwrap().acknowledged,
            "life {start}"
        );
        for _ in 0..ROUNDS {
            self.time += 50;
            self.clock.set(self.time);
            match self.dice.below(6) {
                0 => self.release(&mut writer, &hold),
                1 => writer.tend(),
                _ => {
                    let bytes = [10, 1_500, 4_000][self.dice.below(3)];
                    append(&mut writer, &"x".repeat(bytes)).unwrap();
                    self.say(|said| said.acknowledged += 1);
                }
            }
        }
        if self.dice.chance(1, 2) {
            writer.close().unwrap();
        }
    }

    /// Writes again what is needed of some of what is wanted, and releases that.
    fn release(&mut self, writer: &mut LogWriter, hold: &RetentionHold) {
        let Some(wanted) = hold.wanted_now() else { return };
        let less = if self.dice.chance(1, 3) { self.dice.below(3) as u64 } else { 0 };
        append_draft(writer, state(draft("tidings/inbox/state", "what is needed"))).unwrap();
        self.say(|said| {
            said.acknowledged += 1;
            said.releases.push((Sequence(wanted.0.saturating_sub(less)), said.acknowledged));
        });
        hold.release_through(Sequence(wanted.0.saturating_sub(less)));
    }
}

/// Opens what a power cut has left, without a hold.
fn judge(world: World, said: &Said, durability: Durability, seed: u64) {
    let (disk, clock) = (SimDisk::of(world, seed), ManualClock::at(u64::MAX / 2));
    let writer = open_store(&disk, durability, Retention::default(), (clock, 1))
        .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    let bounds = writer.log.bounds();
    let (floor, head) = (bounds.floor.sequence, bounds.head.sequence.0);
    if durability == Durability::Fsync {
        assert!(
            head >= said.acknowledged,
            "seed {seed}: {} were acknowledged, {head} are there",
            said.acknowledged
        );
    }
    if floor > Sequence::ZERO {
        let release = said.releases.iter().find(|(released, _)| *released >= floor);
        let Some((_, before)) = release else { panic!("seed {seed}: {floor} left, and was not released") };
        assert!(head >= *before, "seed {seed}: {floor} left after {before}, of which {head} are there");
    }
}

/// Plays, and returns how many events have left in the end.
fn play(seed: u64, durability: Durability) -> u64 {
    let said = Arc::new(Mutex::new(Said::default()));
    let disk = SimDisk::new(seed);
    let known = said.clone();
    disk.watch(move |operation, world| {
        let seed = seed << 32 | operation;
        let said = known.lock().unwrap().clone();
        judge(world.after_power_cut(&mut Dice::new(seed)), &said, durability, seed);
        None
    });
    let retention = match seed % 3 {
        0 => Retention { bytes: Some(20_000), ..Retention::default() },
        1 => Retention { count: Some(5), ..Retention::default() },
        _ => Retention { age: Some(Duration::from_millis(400)), ..Retention::default() },
    };
    let clock = ManualClock::at(1_000);
    let mut held = Held { disk, dice: Dice::new(seed), clock, time: 1_000, said };
    for start in 0..LIVES {
        held.live(start, durability, retention);
    }
    let writer = open_store(&held.disk, durability, Retention::default(), (held.clock.clone(), 0)).unwrap();
    writer.log.bounds().floor.sequence.0
}

fn nothing_leaves_before_its_release(durability: Durability) {
    let left: u64 = seeds(9).map(|seed| play(seed, durability)).sum();
    assert!(left > 100, "retention took {left} events in all plays");
}

#[test]
fn no_power_cut_takes_what_is_held() {
    nothing_leaves_before_its_release(Durability::Fsync);
}

#[test]
fn what_was_written_before_a_release_is_on_the_disk_before_anything_leaves() {
    nothing_leaves_before_its_release(Durability::None);
}

#[test]
fn so_it_is_when_syncs_come_at_intervals() {
    nothing_leaves_before_its_release(LATER);
}
