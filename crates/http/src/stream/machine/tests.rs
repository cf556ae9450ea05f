//! The policy in virtual time: no socket, no clock, no sleep.

use std::sync::Arc;

use super::*;

const SHARES: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

fn config() -> StreamConfig {
    StreamConfig::default()
}

fn rules(config: &StreamConfig) -> Rules {
    Rules::for_sweeps(config)
}

fn at(tick: u32) -> Now {
    Now { tick: Tick(tick), drain: None }
}

fn machine() -> Machine {
    Machine::opened(Sequence(7), Tick(0))
}

fn seconds(rules: &Rules, seconds: u64) -> u32 {
    rules.ticks(Duration::from_secs(seconds))
}

/// Follows a machine from wake to wake until something is due.
fn first_due(machine: &Machine, rules: &Rules, share: f64, mut now: Now, outlet: Outlet) -> (Tick, Due) {
    loop {
        let due = machine.due(rules, share, now, outlet);
        if due != Due::Nothing {
            return (now.tick, due);
        }
        let ticks = machine.wake_after(rules, share, now, outlet);
        assert!(ticks > 0, "a machine that wants nothing now must not be woken at once");
        now.tick = Tick(now.tick.0.wrapping_add(ticks));
    }
}

#[test]
fn a_heartbeat_comes_after_three_quarters_to_all_of_its_time_however_long_that_is() {
    for heartbeat in [1, 15, 32, 60, 3_600].map(Duration::from_secs) {
        let rules = rules(&StreamConfig { heartbeat, ..config() });
        for share in SHARES {
            let (tick, due) = first_due(&machine(), &rules, share, at(0), Outlet::Open);

            let silence = rules.tick() * tick.0;
            assert_eq!(due, Due::Heartbeat);
            assert!(silence >= heartbeat.mul_f64(0.73), "{heartbeat:?}: {silence:?}");
            assert!(silence <= heartbeat.mul_f64(1.01), "{heartbeat:?}: {silence:?}");
        }
    }
}

#[test]
fn a_clock_that_begins_again_at_zero_changes_nothing() {
    let rules = rules(&config());
    let near_the_end = u32::MAX - 3;
    let machine = Machine::opened(Sequence(7), Tick(near_the_end));

    let (tick, due) = first_due(&machine, &rules, 0.0, at(near_the_end), Outlet::Open);

    assert_eq!((tick.since(Tick(near_the_end)), due), (rules.silence(), Due::Heartbeat));
}

#[test]
fn a_write_puts_the_heartbeat_off() {
    let rules = rules(&config());
    let mut machine = machine();
    machine.wrote(Sequence(8), Tick(40));

    let (tick, _) = first_due(&machine, &rules, 0.0, at(40), Outlet::Open);

    assert_eq!(tick, Tick(40 + rules.silence()));
}

#[test]
fn a_blocked_client_gets_no_heartbeat_and_is_given_up_when_it_takes_nothing() {
    let rules = rules(&config());
    let mut machine = machine();

    let (tick, due) = first_due(&machine, &rules, 0.5, at(0), Outlet::Blocked);
    assert_eq!((tick, due), (Tick(seconds(&rules, 60) + 1), Due::End(Ending::WriteStalled)));

    machine.progressed(Tick(200));
    let (tick, due) = first_due(&machine, &rules, 0.5, at(200), Outlet::Blocked);
    assert_eq!((tick, due), (Tick(200 + seconds(&rules, 60) + 1), Due::End(Ending::WriteStalled)));
}

#[test]
fn streams_are_too_old_one_after_the_other_in_the_last_tenth() {
    let rules = rules(&StreamConfig { stream_age_max: Some(Duration::from_secs(600)), ..config() });
    let too_old = |seconds_old: u64| {
        let now = at(seconds(&rules, seconds_old) + 1);
        let due =
            |number: u32| machine().due(&rules, crate::stream::drain::spread(number), now, Outlet::Open);
        (0..100).filter(|number| due(*number) == Due::End(Ending::Age)).count()
    };

    assert_eq!((too_old(539), too_old(600)), (0, 100));
    assert!((40..60).contains(&too_old(570)), "{}", too_old(570));
}

#[test]
fn in_a_drain_every_stream_ends_at_its_share_even_one_that_is_blocked_or_busy() {
    let rules = rules(&config());
    let drain = Some(DrainTicks { from: Tick(100), length: 40 });
    let mut machine = machine();
    machine.wrote(Sequence(9), Tick(100));

    for outlet in [Outlet::Open, Outlet::Blocked] {
        for (share, turn) in [(0.0, 100), (0.5, 120), (1.0, 140)] {
            let now = Now { tick: Tick(100), drain };
            let ended = first_due(&machine, &rules, share, now, outlet);
            assert_eq!(ended, (Tick(turn), Due::End(Ending::Drain)), "{share} {outlet:?}");
        }
    }
}

#[test]
fn clients_that_were_sent_away_come_back_after_once_to_twice_the_usual_delay() {
    let rules = rules(&config());

    let delays = SHARES.map(|share| rules.delay(share).as_millis());

    assert_eq!(delays, [3_000, 3_750, 4_500, 5_250, 6_000]);
}

#[test]
fn a_passing_failure_of_the_store_is_asked_about_twenty_times_and_a_lasting_one_not_at_all() {
    let passing = StoreError::Unavailable(Arc::from("out of reach"));
    let mut patient = machine();
    for _ in 0..20 {
        assert_eq!(patient.store_failed(&passing), AfterFailure::ReadAgain(Duration::from_millis(500)));
    }
    assert_eq!(patient.store_failed(&passing), AfterFailure::End(Ending::StoreFailed));

    patient.store_answered();
    assert_eq!(patient.store_failed(&passing), AfterFailure::ReadAgain(Duration::from_millis(500)));
    let lasting = StoreError::Corrupt(Arc::from("a record is torn"));
    assert_eq!(patient.store_failed(&lasting), AfterFailure::End(Ending::StoreFailed));
}

#[test]
fn stray_bytes_are_counted_over_the_life_of_a_stream_in_a_trickle_and_in_a_flood() {
    let mut trickle = machine();
    for _ in 0..STRAY_BYTES_MAX {
        assert_eq!(trickle.client_sent(1), Ok(()));
    }
    assert_eq!(trickle.client_sent(1), Err(Ending::ClientBytes));

    assert_eq!(machine().client_sent(usize::from(STRAY_BYTES_MAX) + 1), Err(Ending::ClientBytes));
    assert_eq!(machine().client_sent(usize::MAX), Err(Ending::ClientBytes));
}

#[test]
fn a_stream_that_goes_to_and_fro_between_drivers_keeps_its_age_its_place_and_its_silence() {
    let (sweeps, wakes) = (Rules::for_sweeps(&config()), Rules::for_wakes(&config()));
    let mut machine = Machine::unopened(Sequence(7), Tick(u32::MAX - 5));
    let mut now = Tick(u32::MAX - 5);
    for _ in 0..100 {
        now = Tick(now.0.wrapping_add(seconds(&sweeps, 3)));
        machine = Machine::going_on(machine.past(&sweeps, now), &wakes, Tick::default());
        let later = Tick(wakes.ticks(Duration::from_millis(1_003)));
        assert!(!machine.is_opened());
        machine = Machine::going_on(machine.past(&wakes, later), &sweeps, now);
    }

    let past = machine.past(&sweeps, now);
    // Each time it is rounded to the nearest tick of the other driver, and here always in the same direction.
    assert!(past.age().abs_diff(Duration::from_secs(400)) < Duration::from_secs(40), "{:?}", past.age());
    assert_eq!((past.silence, past.told), (past.age, Sequence(7)));
    machine.wrote(Sequence(9), now);
    let past = machine.past(&sweeps, now);
    let machine = Machine::going_on(past, &wakes, Tick(3));
    assert_eq!((past.silence, past.told_age, past.told), (Duration::ZERO, Duration::ZERO, Sequence(9)));
    assert!(machine.is_opened() && machine.due(&wakes, 0.0, at(3), Outlet::Open) == Due::Nothing);
}

#[test]
fn dismissed_streams_end_with_a_farewell_and_faulty_clients_without() {
    use tidings_core::Dismissal;

    assert_eq!(Ending::from(Dismissal::ByOperator), Ending::Dismissed);
    assert_eq!(Ending::from(Dismissal::AccessEnded), Ending::AccessEnded);
    let silent: Vec<_> = Ending::ALL.into_iter().filter(|ending| !ending.has_farewell()).collect();
    assert_eq!(silent, [Ending::WriteStalled, Ending::ClientBytes, Ending::ClientGone]);
}

/// A log of which the first 100 events are gone, and the newest is the 300th: its older half ends with the 200th.
const LOG: LogSpan = LogSpan { floor: Sequence(100), head: Sequence(300) };

#[test]
fn a_place_is_told_when_the_last_one_is_five_minutes_old_and_not_before() {
    let rules = rules(&config());
    let mut machine = Machine::opened(Sequence(250), Tick(0));
    let is_told = |machine: &Machine, second: u64, place: u64| {
        machine.is_news(Sequence(place), LOG, &rules, Tick(seconds(&rules, second)))
    };

    assert!(!is_told(&machine, 299, 300));
    assert!(is_told(&machine, 301, 300));
    assert!(!is_told(&machine, 301, 250), "it is no news");
    // A heartbeat tells no place, an event does.
    machine.progressed(Tick(seconds(&rules, 200)));
    assert!(is_told(&machine, 301, 300));
    machine.wrote(Sequence(260), Tick(seconds(&rules, 200)));
    assert!(!is_told(&machine, 301, 300));
    assert!(is_told(&machine, 501, 300));
}

#[test]
fn a_place_is_told_when_the_last_one_is_in_the_older_half_of_the_log() {
    let rules = rules(&config());
    let is_told = |last: u64, log: LogSpan| {
        Machine::opened(Sequence(last), Tick(0)).is_news(Sequence(300), log, &rules, Tick(1))
    };

    assert_eq!(
        [0, 99, 100, 199, 200, 299].map(|last| is_told(last, LOG)),
        [true, true, true, true, false, false]
    );
    assert!(
        !is_told(300, LogSpan { floor: Sequence(300), head: Sequence(300) }),
        "an empty log has no halves"
    );
}

#[test]
fn a_stream_is_opened_by_its_first_block_and_not_by_a_heartbeat() {
    let mut machine = Machine::unopened(Sequence(7), Tick(0));

    machine.progressed(Tick(5));
    assert!(!machine.is_opened());

    machine.wrote(Sequence(9), Tick(6));
    assert!(machine.is_opened());
    assert!(Machine::opened(Sequence(7), Tick(0)).is_opened());
}
