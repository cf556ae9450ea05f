//! The machine in virtual time.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// A machine with a clock that only tests move, and chance that always falls at the end of the window.
struct Run {
    machine: Machine,
    now: Instant,
}

impl Run {
    fn new(mode: Mode) -> Self {
        Self::with(mode, |_| ())
    }

    fn with(mode: Mode, change: impl FnOnce(&mut Policy)) -> Self {
        let mut policy = Policy {
            mode,
            reconnect: true,
            retry: 3 * SECOND,
            backoff: Backoff { floor: Duration::from_millis(100), max: 30 * SECOND },
            healthy_after: 5 * SECOND,
            wait_max: 3_600 * SECOND,
            read_timeout: None,
        };
        change(&mut policy);
        Self { machine: Machine::new(policy), now: Instant::now() }
    }

    fn open_for(&mut self, time: Duration) {
        self.machine.open(self.now);
        self.now += time;
    }

    fn end(&mut self, outcome: Outcome) -> Action {
        self.machine.end(outcome, self.now, Roll::exactly(1.0))
    }

    fn wait_after(&mut self, outcome: Outcome) -> Duration {
        match self.end(outcome) {
            Action::Reconnect { after } => after,
            action => panic!("expected a reconnection after {outcome:?}, not {action:?}"),
        }
    }
}

fn refused(status: u16) -> Outcome {
    Outcome::Refused { status: StatusCode::from_u16(status).unwrap(), retry_after: None }
}

#[test]
fn both_modes_begin_connecting() {
    for mode in [Mode::Strict, Mode::Managed] {
        assert_eq!(Run::new(mode).machine.ready_state(), ReadyState::Connecting);
    }
}

#[test]
fn strictly_every_status_but_200_fails_for_ever() {
    for status in [100, 201, 204, 205, 206, 304, 400, 401, 404, 408, 425, 429, 500, 502, 503, 504, 599] {
        let mut run = Run::new(Mode::Strict);

        assert_eq!(run.end(refused(status)), Action::Fail, "{status}");
        assert_eq!(run.machine.ready_state(), ReadyState::Closed);
    }
}

#[test]
fn strictly_a_clean_end_and_a_broken_connection_reconnect_after_exactly_the_reconnection_time() {
    for outcome in [Outcome::Ended, Outcome::Broken] {
        let mut run = Run::new(Mode::Strict);
        run.open_for(SECOND);

        assert_eq!(run.wait_after(outcome), 3 * SECOND);
        assert_eq!(run.machine.ready_state(), ReadyState::Connecting);
    }
}

#[test]
fn strictly_retry_zero_is_obeyed() {
    let mut run = Run::new(Mode::Strict);
    run.open_for(SECOND);

    run.machine.take_retry(Duration::ZERO);

    assert_eq!(run.wait_after(Outcome::Ended), Duration::ZERO);
}

#[test]
fn strictly_failures_do_not_lengthen_the_wait() {
    let mut run = Run::new(Mode::Strict);

    let waits: Vec<_> = (0..5).map(|_| run.wait_after(Outcome::Broken)).collect();

    assert_eq!(waits, [3 * SECOND; 5]);
}

#[test]
fn strictly_an_announced_heartbeat_means_nothing() {
    let mut run = Run::new(Mode::Strict);
    run.open_for(SECOND);

    run.machine.take_stall_deadline(SECOND);

    assert_eq!(run.machine.silence_deadline(), None);
}

#[test]
fn a_futile_attempt_fails_in_both_modes() {
    for mode in [Mode::Strict, Mode::Managed] {
        assert_eq!(Run::new(mode).end(Outcome::Futile), Action::Fail);
    }
}

#[test]
fn managed_statuses_that_say_not_now_are_tried_again() {
    for status in [408, 425, 429, 500, 502, 503, 504, 520] {
        assert_eq!(Run::new(Mode::Managed).wait_after(refused(status)), 3 * SECOND, "{status}");
    }
}

#[test]
fn managed_statuses_that_say_no_fail_for_ever() {
    for status in [204, 206, 301, 400, 401, 403, 404, 406, 410, 422] {
        assert_eq!(Run::new(Mode::Managed).end(refused(status)), Action::Fail, "{status}");
    }
}

#[test]
fn failures_in_a_row_double_the_window() {
    let mut run = Run::new(Mode::Managed);

    let waits: Vec<_> = (0..5).map(|_| run.wait_after(Outcome::Broken).as_secs()).collect();

    assert_eq!(waits, [3, 6, 12, 24, 30]);
}

#[test]
fn opening_alone_does_not_end_a_row_of_failures() {
    let mut run = Run::new(Mode::Managed);
    run.wait_after(Outcome::Broken);
    run.wait_after(Outcome::Broken);

    run.open_for(SECOND);

    assert_eq!(run.wait_after(Outcome::Broken), 12 * SECOND);
}

#[test]
fn a_healthy_time_ends_a_row_of_failures() {
    let mut run = Run::new(Mode::Managed);
    run.wait_after(Outcome::Broken);
    run.wait_after(Outcome::Broken);

    run.open_for(5 * SECOND);

    assert_eq!(run.wait_after(Outcome::Broken), 3 * SECOND);
}

#[test]
fn a_server_that_paces_its_clients_by_short_answers_is_obeyed_to_the_millisecond() {
    let mut run = Run::new(Mode::Managed);

    for _ in 0..10 {
        run.open_for(Duration::ZERO);
        run.machine.take_retry(10 * SECOND);
        assert_eq!(run.wait_after(Outcome::Ended), 10 * SECOND);
    }
}

#[test]
fn the_clients_of_a_server_that_crashed_come_back_after_its_retry_but_not_all_at_once() {
    let waits = [0.0, 0.5, 1.0].map(|roll| {
        let mut run = Run::new(Mode::Managed);
        run.open_for(60 * SECOND);
        run.machine.take_retry(2 * SECOND);
        run.machine.end(Outcome::Broken, run.now, Roll::exactly(roll))
    });

    assert_eq!(waits, [2, 3, 4].map(|seconds| Action::Reconnect { after: seconds * SECOND }));
}

#[test]
fn short_answers_that_name_no_retry_count_as_failures() {
    let mut run = Run::new(Mode::Managed);

    let waits: Vec<_> = (0..3)
        .map(|_| {
            run.open_for(Duration::ZERO);
            run.wait_after(Outcome::Ended).as_secs()
        })
        .collect();

    assert_eq!(waits, [3, 6, 12]);
}

#[test]
fn a_retry_of_an_earlier_connection_paces_but_does_not_vouch_for_this_one() {
    let mut run = Run::new(Mode::Managed);
    run.open_for(Duration::ZERO);
    run.machine.take_retry(SECOND);
    run.wait_after(Outcome::Ended);

    run.open_for(Duration::ZERO);
    run.wait_after(Outcome::Ended);
    run.open_for(Duration::ZERO);

    assert_eq!(run.wait_after(Outcome::Ended), 2 * SECOND);
}

#[test]
fn retry_zero_has_a_floor() {
    let mut run = Run::new(Mode::Managed);
    run.open_for(Duration::ZERO);
    run.machine.take_retry(Duration::ZERO);

    assert_eq!(run.wait_after(Outcome::Ended), Duration::from_millis(100));
}

#[test]
fn an_absurd_retry_is_clamped_in_both_modes() {
    for mode in [Mode::Strict, Mode::Managed] {
        let mut run = Run::new(mode);
        run.open_for(SECOND);

        run.machine.take_retry(Duration::from_millis(u64::MAX));

        assert_eq!(run.wait_after(Outcome::Ended), 3_600 * SECOND);
    }
}

#[test]
fn retry_after_is_the_least_and_jitter_comes_on_top() {
    let outcome =
        Outcome::Refused { status: StatusCode::SERVICE_UNAVAILABLE, retry_after: Some(60 * SECOND) };

    let least = Run::new(Mode::Managed);
    let (mut machine, now) = (least.machine, least.now);
    let at_least = machine.end(outcome, now, Roll::exactly(0.0));
    let at_most = Run::new(Mode::Managed).wait_after(outcome);

    assert_eq!(at_least, Action::Reconnect { after: Duration::from_millis(60_100) });
    assert_eq!(at_most, 63 * SECOND);
}

#[test]
fn without_reconnection_a_clean_end_finishes_and_any_other_fails() {
    for mode in [Mode::Strict, Mode::Managed] {
        for (outcome, action) in
            [(Outcome::Ended, Action::Finish), (Outcome::Broken, Action::Fail), (refused(503), Action::Fail)]
        {
            let mut run = Run::with(mode, |policy| policy.reconnect = false);
            run.open_for(SECOND);

            assert_eq!(run.end(outcome), action, "{outcome:?}");
            assert_eq!(run.machine.ready_state(), ReadyState::Closed);
        }
    }
}

#[test]
fn silence_is_counted_from_the_last_byte() {
    let mut run = Run::new(Mode::Managed);
    run.open_for(SECOND);
    run.machine.take_stall_deadline(10 * SECOND);

    run.machine.hear(run.now);

    assert_eq!(run.machine.silence_deadline(), Some(run.now + 10 * SECOND));
}

#[test]
fn the_callers_read_timeout_beats_the_announcement() {
    let mut run = Run::with(Mode::Managed, |policy| policy.read_timeout = Some(2 * SECOND));
    let opened_at = run.now;
    run.open_for(Duration::ZERO);

    run.machine.take_stall_deadline(10 * SECOND);

    assert_eq!(run.machine.silence_deadline(), Some(opened_at + 2 * SECOND));
}

#[test]
fn an_announcement_lasts_for_its_connection() {
    let mut run = Run::new(Mode::Managed);
    run.open_for(SECOND);
    run.machine.take_stall_deadline(10 * SECOND);
    run.wait_after(Outcome::Broken);

    run.open_for(SECOND);

    assert_eq!(run.machine.silence_deadline(), None);
}

#[test]
fn a_closed_machine_says_so() {
    let mut run = Run::new(Mode::Managed);
    run.open_for(SECOND);

    run.machine.close();

    assert_eq!(run.machine.ready_state(), ReadyState::Closed);
}
