//! The sweep: heartbeats, write deadlines, ages and the drain, without a timer for each connection.
//!
//! Time is counted in ticks, 64 to a heartbeat or more. Each tick looks at a sixteenth of the members, so each member is
//! looked at four times in a heartbeat or more often, and those that arrived together are not served together.

use std::time::{Duration, Instant};

use tidings_core::Cursor;

use super::batch::Batch;
use super::deliver::heartbeat;
use super::lane::Lane;
use super::lanes::LaneConfig;
use super::member::State;
use crate::limits::{HEARTBEAT_SILENCE, HEARTBEAT_TICKS, SWEEP_SHARES, TICK_MAX, TICK_MIN};
use crate::stream::drain::{age_share, spread};

pub(super) struct Sweep {
    started: Instant,
    tick_length: Duration,
    silence_ticks: u32,
    write_wait_ticks: u32,
    age_ticks: Option<u32>,
    /// The last tick that was swept.
    swept: u32,
    drain: Option<Drain>,
}

#[derive(Debug, Clone, Copy)]
struct Drain {
    from: u32,
    ticks: u32,
}

impl Sweep {
    pub(super) fn new(config: &LaneConfig) -> Self {
        let tick_length = (config.heartbeat / HEARTBEAT_TICKS).clamp(TICK_MIN, TICK_MAX);
        let in_ticks = |time| ticks(time, tick_length).max(1);
        Self {
            started: Instant::now(),
            tick_length,
            silence_ticks: in_ticks(config.heartbeat.mul_f64(HEARTBEAT_SILENCE)),
            write_wait_ticks: in_ticks(config.write_wait_max),
            age_ticks: config.stream_age_max.map(in_ticks),
            swept: 0,
            drain: None,
        }
    }

    /// The tick that was swept last: the lane's clock.
    pub(super) fn tick(&self) -> u32 {
        self.swept
    }

    pub(super) fn is_draining(&self) -> bool {
        self.drain.is_some()
    }

    pub(super) fn drain(&mut self, window: Duration) {
        let drain = Drain { from: self.swept, ticks: ticks(window, self.tick_length) };
        self.drain.get_or_insert(drain);
    }

    /// Whether a member has been there for as long as one may be.
    fn is_too_old(&self, parked_at: u32, member: usize) -> bool {
        let age = self.swept.saturating_sub(parked_at);
        self.age_ticks.is_some_and(|max| f64::from(age) >= f64::from(max) * age_share(spread(member as u32)))
    }

    /// How long nothing is due.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        (self.started + self.tick_length * (self.swept + 1)).saturating_duration_since(now)
    }

    fn due(&self, now: Instant) -> u32 {
        ticks(now.saturating_duration_since(self.started), self.tick_length)
    }
}

fn ticks(time: Duration, length: Duration) -> u32 {
    u32::try_from(time.as_nanos() / length.as_nanos()).unwrap_or(u32::MAX)
}

impl Drain {
    /// Whether a member's turn to go has come.
    fn has_come(self, tick: u32, member: usize) -> bool {
        let turn = f64::from(self.ticks) * spread(member as u32);
        f64::from(tick.saturating_sub(self.from)) >= turn.floor()
    }
}

impl Lane {
    pub(super) fn sweep_if_due(&mut self) {
        let due = self.sweep.due(Instant::now());
        // After a long round, one sweep of each share is enough.
        let first = (self.sweep.swept + 1).max(due.saturating_sub(SWEEP_SHARES as u32 - 1));
        for tick in first..=due {
            self.sweep.swept = tick;
            self.sweep_share(tick as usize % SWEEP_SHARES);
        }
    }

    fn sweep_share(&mut self, share: usize) {
        let everyone = self.sweep.is_draining();
        let numbers: Vec<_> = self
            .members
            .iter()
            .map(|(number, _)| number)
            .filter(|number| everyone || number % SWEEP_SHARES == share)
            .collect();
        for number in numbers {
            self.look_at(number);
        }
    }

    fn look_at(&mut self, number: usize) {
        let tick = self.sweep.swept;
        if self.sweep.drain.is_some_and(|drain| drain.has_come(tick, number)) {
            return self.send_away(number);
        }
        let Some(member) = self.members.get(number) else { return };
        if self.sweep.is_too_old(member.parked_at, number) {
            return self.send_away(number);
        }
        match &member.state {
            State::Blocked(owed) if tick.saturating_sub(owed.since) > self.sweep.write_wait_ticks => {
                self.remove(number);
            }
            State::Live if tick.saturating_sub(member.written_at) >= self.sweep.silence_ticks => {
                self.beat(number);
            }
            State::Live | State::Behind(_) | State::Reading(_) | State::Blocked(_) => {}
        }
    }

    /// Ends a response whose turn in the drain has come, or that is too old, after what is at hand, so that it need not
    /// be asked for again.
    fn send_away(&mut self, number: usize) {
        if let Some(member) = self.members.get(number) {
            self.deliver(member.group as usize);
            self.end(number);
        }
    }

    /// Sends a heartbeat to a live member.
    fn beat(&mut self, number: usize) {
        // Nobody wakes a quiet group, so its place may be old.
        self.deliver(self.members[number].group as usize);
        let Some(member) = self.members.get_mut(number) else { return };
        if !matches!(member.state, State::Live) {
            return;
        }
        let group = &self.groups.slots[member.group as usize];
        let place = group.place;
        let cursor = (place > member.told).then(|| Cursor { epoch: group.view.epoch(), sequence: place });
        let bytes = heartbeat(cursor, group.wish.framing);
        if !member.deliver(&Batch::of_block(bytes, place), place, place, self.sweep.swept) {
            return self.remove(number);
        }
        if matches!(member.state, State::Behind(_)) {
            member.state = State::Live;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sweep(heartbeat: Duration, stream_age_max: Option<Duration>) -> Sweep {
        Sweep::new(&LaneConfig { heartbeat, stream_age_max, ..LaneConfig::default() })
    }

    #[test]
    fn a_heartbeat_is_due_after_three_quarters_of_its_time_however_long_that_is() {
        for seconds in [1, 15, 32, 60, 3_600] {
            let heartbeat = Duration::from_secs(seconds);
            let sweep = sweep(heartbeat, None);

            let silence = sweep.tick_length * sweep.silence_ticks;
            let seen = sweep.tick_length * SWEEP_SHARES as u32;
            assert!(silence > heartbeat.mul_f64(0.7), "{heartbeat:?}: {silence:?}");
            assert!(silence + seen <= heartbeat.mul_f64(1.01), "{heartbeat:?}: {silence:?} and {seen:?}");
        }
    }

    #[test]
    fn members_are_too_old_one_after_the_other_in_the_last_tenth() {
        let mut sweep = sweep(Duration::from_secs(15), Some(Duration::from_secs(600)));
        let too_old = |sweep: &Sweep| (0..100).filter(|member| sweep.is_too_old(0, *member)).count();
        let at = |sweep: &Sweep, seconds| ticks(Duration::from_secs(seconds), sweep.tick_length);

        let counts = [539, 570, 600].map(|seconds| {
            sweep.swept = at(&sweep, seconds) + 1;
            too_old(&sweep)
        });

        assert_eq!((counts[0], counts[2]), (0, 100));
        assert!((40..60).contains(&counts[1]), "{counts:?}");
    }
}
