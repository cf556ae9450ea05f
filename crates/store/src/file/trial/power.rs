//! The power goes, at every operation of a play.

use std::sync::{Arc, Mutex};

use super::dice::Dice;
use super::judge::{After, judge};
use super::play::{LATER, Ledger, Play, Setting};
use crate::file::config::Durability;
use crate::file::disk::sim::World;

/// Seeds that are played; more with `TIDINGS_TEST_SEEDS`.
pub(crate) fn seeds(default: u64) -> std::ops::Range<u64> {
    0..std::env::var("TIDINGS_TEST_SEEDS").map_or(default, |seeds| seeds.parse().expect("a number of seeds"))
}

/// Plays, and calls for each operation with what a power cut there leaves, and with the ledger of that moment.
fn cut_at_each_operation(setting: Setting, mut cut: impl FnMut(u64, World, Ledger) + Send + 'static) {
    let mut play = Play::new(setting);
    let book = play.book.clone();
    play.disk.watch(move |operation, world| {
        let seed = setting.seed << 32 | operation;
        cut(seed, world.after_power_cut(&mut Dice::new(seed)), book.copy());
        None
    });
    play.run().unwrap();
}

fn every_cut_is_survived(durability: Durability, default: u64) {
    for seed in seeds(default) {
        let setting = Setting { seed, durability, rounds: 40 };
        cut_at_each_operation(setting, move |seed, world, ledger| {
            judge(world, After::PowerCut, &ledger, durability, seed);
        });
    }
}

#[test]
fn nothing_acknowledged_is_lost_wherever_the_power_goes() {
    every_cut_is_survived(Durability::Fsync, 4);
}

#[test]
fn at_most_the_last_interval_is_lost_when_syncs_come_at_intervals() {
    every_cut_is_survived(LATER, 4);
}

#[test]
fn what_is_left_is_the_beginning_of_the_log_when_nothing_is_synced() {
    every_cut_is_survived(Durability::None, 4);
}

#[test]
fn the_same_seed_twice_gives_the_same_bytes() {
    let digests = |seed| {
        let digests = Arc::new(Mutex::new(Vec::new()));
        let all = digests.clone();
        let setting = Setting { seed, durability: Durability::Fsync, rounds: 30 };
        cut_at_each_operation(setting, move |_, world, _| all.lock().unwrap().push(world.digest()));
        std::mem::take(&mut *digests.lock().unwrap())
    };

    assert_eq!(digests(1), digests(1));
    assert_ne!(digests(1), digests(2));
}
