//! The date is wrong: ahead for a moment, behind at a start, years ahead at a start. What retention takes by age must not follow it blindly.

use std::sync::Arc;
use std::time::Duration;

use tidings_core::Sequence;
use tidings_core::contract::fixture::ManualClock;

use super::dice::Dice;
use super::failure::append;
use super::play::open_store;
use super::power::seeds;
use crate::file::config::{Durability, Retention};
use crate::file::disk::sim::SimDisk;
use crate::file::writer::LogWriter;

const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;
const AGE_DAYS: u64 = 7;
const YEARS: u64 = 3_650 * DAY;
/// Some day.
const START: u64 = 20_000 * DAY;

fn open(disk: &SimDisk, clock: &Arc<ManualClock>) -> LogWriter {
    let retention = Retention { age: Some(Duration::from_millis(AGE_DAYS * DAY)), ..Retention::default() };
    open_store(disk, Durability::Fsync, retention, (clock.clone(), 0)).unwrap()
}

/// Lets hours pass from a date on. Each has an event, if any is published.
fn pass(writer: &mut LogWriter, clock: &ManualClock, from: u64, hours: u64, publishes: bool) -> u64 {
    for hour in 1..=hours {
        clock.set(from + hour * HOUR);
        match publishes {
            true => drop(append(writer, "hourly").unwrap()),
            false => writer.tend(),
        }
    }
    from + hours * HOUR
}

fn held(writer: &LogWriter) -> u64 {
    let bounds = writer.log.bounds();
    bounds.head.sequence.0 - bounds.floor.sequence.0
}

/// A log that has run for ten days, with an event an hour.
fn ten_days(disk: &SimDisk) -> u64 {
    let clock = ManualClock::at(START);
    let mut writer = open(disk, &clock);
    let now = pass(&mut writer, &clock, START, 10 * 24, true);
    let week = AGE_DAYS * 24;
    assert!((week..=week + week / 8 + 2).contains(&held(&writer)), "{} of {week}", held(&writer));
    writer.close().unwrap();
    now
}

/// One event got the date of next month, and all after it. Nothing left for 30 days and a week.
#[test]
fn events_leave_at_their_age_though_one_got_a_date_far_ahead() {
    let disk = SimDisk::new(0);
    let clock = ManualClock::at(START);
    let mut writer = open(&disk, &clock);
    let now = pass(&mut writer, &clock, START, 24, true);

    clock.jump(now + 30 * DAY);
    append(&mut writer, "of next month").unwrap();
    let of_next_month = writer.log.bounds().head.sequence;
    clock.jump(now);
    let now = pass(&mut writer, &clock, now, 6 * 24, true);
    assert_eq!(writer.log.bounds().earliest(), Sequence(1), "nothing is a week old yet");
    pass(&mut writer, &clock, now, 3 * 24, true);

    assert!(writer.log.bounds().earliest() > of_next_month);
    assert!(held(&writer) >= AGE_DAYS * 24, "{}", held(&writer));
}

/// The whole log but for its newest segment left at once.
#[test]
fn a_date_that_is_years_ahead_for_some_minutes_takes_nothing() {
    let disk = SimDisk::new(0);
    let clock = ManualClock::at(START);
    let mut writer = open(&disk, &clock);
    let now = pass(&mut writer, &clock, START, 7 * 24, true);
    let held_before = held(&writer);

    clock.jump(now + YEARS);
    for minute in 0..10 {
        clock.set(now + YEARS + minute * 60_000);
        append(&mut writer, "in the future").unwrap();
    }
    clock.jump(now);
    append(&mut writer, "now").unwrap();

    assert_eq!(held(&writer), held_before + 11);
}

/// Here the start cannot know how long the machine was off.
#[test]
fn a_start_with_a_date_that_is_years_ahead_takes_little_by_little() {
    let disk = SimDisk::new(0);
    let now = ten_days(&disk);
    let clock = ManualClock::at(now + YEARS);
    let mut writer = open(&disk, &clock);
    let before = held(&writer);

    writer.tend();
    assert_eq!(held(&writer), before);
    let then = pass(&mut writer, &clock, now + YEARS, 2, false);
    let left = before - held(&writer);
    assert!((1..=before / 2).contains(&left), "{left} of {before} left in two hours");
    // The network has set the date right.
    clock.jump(now + 2 * HOUR);
    pass(&mut writer, &clock, now + 2 * HOUR, 2, false);
    assert_eq!(before - held(&writer), left);
    // It was right after all: all old events are gone within a day.
    clock.jump(then);
    pass(&mut writer, &clock, then, 24, false);
    assert!(held(&writer) <= 24, "{}", held(&writer));
}

/// A machine without a battery begins in 1970, and has its date from the network a minute later.
#[test]
fn a_start_in_1970_takes_nothing_and_ages_go_on_when_the_date_is_right() {
    let disk = SimDisk::new(0);
    let now = ten_days(&disk);
    let clock = ManualClock::at(60_000);
    let mut writer = open(&disk, &clock);
    let before = held(&writer);

    append(&mut writer, "of 1970").unwrap();
    clock.jump(now + 120_000);
    append(&mut writer, "of today").unwrap();
    assert_eq!(held(&writer), before + 2);
    pass(&mut writer, &clock, now + 120_000, 3 * 24, true);

    let week = AGE_DAYS * 24;
    assert!((week..=week + week / 8 + 2).contains(&held(&writer)), "{} of {week}", held(&writer));
}

#[test]
fn an_empty_log_that_begins_in_1970_keeps_its_events_for_their_age() {
    let disk = SimDisk::new(0);
    let clock = ManualClock::at(0);
    let mut writer = open(&disk, &clock);
    append(&mut writer, "of 1970").unwrap();

    clock.jump(START);
    let now = pass(&mut writer, &clock, START, 6 * 24, true);
    assert_eq!(writer.log.bounds().earliest(), Sequence(1));
    pass(&mut writer, &clock, now, 3 * 24, true);

    let week = AGE_DAYS * 24;
    assert!((week..=week + week / 8 + 2).contains(&held(&writer)), "{} of {week}", held(&writer));
}

/// The clock stays wrong, and the machine starts again and again: events that were there stay for their age from each start on.
#[test]
fn a_date_that_stays_behind_keeps_events_for_their_age_from_the_start_on() {
    let disk = SimDisk::new(0);
    ten_days(&disk);
    let clock = ManualClock::at(0);
    let mut writer = open(&disk, &clock);
    let before = held(&writer);

    let now = pass(&mut writer, &clock, 0, AGE_DAYS * 24, false);
    assert_eq!(held(&writer), before);
    pass(&mut writer, &clock, now, 1, false);

    assert_eq!(held(&writer), 0);
}

/// Time in which the machine slept moves both clocks.
#[test]
fn a_machine_that_slept_lets_go_of_what_became_too_old_meanwhile() {
    let disk = SimDisk::new(0);
    let clock = ManualClock::at(START);
    let mut writer = open(&disk, &clock);
    let now = pass(&mut writer, &clock, START, 3 * 24, true);

    clock.set(now + 8 * DAY);
    writer.tend();

    assert_eq!(held(&writer), 0);
}

/// A hub that is started again at once notices nothing.
#[test]
fn starts_one_after_the_other_change_nothing_in_the_time_that_events_are_kept() {
    let disk = SimDisk::new(0);
    let mut now = ten_days(&disk);
    for _ in 0..10 {
        let clock = ManualClock::at(now + 5_000);
        let mut writer = open(&disk, &clock);
        now = pass(&mut writer, &clock, now, 24, true);
        let week = AGE_DAYS * 24;
        // A segment may leave one step late: an eighth of what leaves in seven hours.
        assert!((week..=week + week / 8 + 4).contains(&held(&writer)), "{} of {week}", held(&writer));
        writer.close().unwrap();
    }
}

/// A play in which the date is set again and again, to anything, and the hub is started again. What is written in a life
/// leaves by the time that has passed, and what was there before is gone by then as well.
#[test]
fn whatever_the_date_is_set_to_events_of_this_life_leave_at_their_age() {
    for seed in seeds(40) {
        let (disk, mut dice) = (SimDisk::new(seed), Dice::new(seed));
        let mut passed = 0;
        for life in 0..4 {
            play(&disk, &mut dice, &mut passed, &format!("seed {seed}, life {life}"));
        }
    }
}

fn play(disk: &SimDisk, dice: &mut Dice, passed: &mut u64, name: &str) {
    let age = AGE_DAYS * DAY;
    let mut date = some_date(dice, *passed);
    let clock = ManualClock::at(date);
    let mut writer = open(disk, &clock);
    let (found, begun) = (writer.log.bounds(), *passed);
    let mut times = Vec::new();
    for _ in 0..150 {
        if dice.chance(1, 25) {
            date = some_date(dice, *passed);
            clock.jump(date);
        }
        let time = dice.below((4 * HOUR) as usize) as u64;
        (date, *passed) = (date + time, *passed + time);
        clock.set(date);
        match dice.chance(1, 3) {
            true => writer.tend(),
            false => {
                append(&mut writer, "x").unwrap();
                times.push(*passed);
            }
        }
        let earliest = writer.log.bounds().earliest();
        let here = earliest.0.saturating_sub(found.head.sequence.0 + 1) as usize;
        assert!(times[..here].iter().all(|time| *passed - time > age), "{name}: one left early");
        let kept = times[here..].first().copied();
        // A segment lasts an eighth of the age, and one look after another is up to four hours later.
        let late = age + age / 8 + 12 * HOUR;
        assert!(kept.is_none_or(|time| *passed - time <= late), "{name}: one stays");
        assert!(*passed - begun <= late || here > 0 || times.is_empty() || earliest > found.head.sequence);
    }
    if dice.chance(1, 2) {
        writer.close().unwrap();
    }
}

/// The right date, or one that is wrong by anything.
fn some_date(dice: &mut Dice, passed: u64) -> u64 {
    let right = START + passed;
    match dice.below(4) {
        0 => dice.below(1_000_000) as u64,
        1 => right + dice.below(YEARS as usize) as u64,
        2 => right - dice.below((60 * DAY) as usize) as u64,
        _ => right,
    }
}
