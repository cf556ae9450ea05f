//! The ticker: a lane's clock, and which of its members are looked at when, without a timer for each connection.
//!
//! Time is counted in ticks, 64 to a heartbeat or more. Each tick looks at a sixteenth of the members, so each member is
//! looked at four times in a heartbeat or more often, and those that arrived together are not served together.

use std::time::{Duration, Instant};

use super::ids::MemberId;
use crate::limits::SWEEP_SHARES;
use crate::stream::machine::{DrainTicks, Now, Rules, Tick};

pub(super) struct Ticker {
    /// When the tick that is being served began.
    started: Instant,
    tick: Duration,
    /// The tick that is being served: the lane's time.
    served: Tick,
    drain: Option<DrainTicks>,
}

impl Ticker {
    pub(super) fn new(rules: &Rules, started: Instant) -> Self {
        Self { started, tick: rules.tick(), served: Tick::default(), drain: None }
    }

    pub(super) fn now(&self) -> Now {
        Now { tick: self.served, drain: self.drain }
    }

    /// The drain begins; a second one does nothing.
    pub(super) fn begin_drain(&mut self, length: u32) {
        self.drain.get_or_insert(DrainTicks { from: self.served, length });
    }

    /// How long nothing is due.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        (self.started + self.tick).saturating_duration_since(now)
    }

    /// Moves on to the next tick whose time has come; false if there is none. After a long round, one look at each share
    /// is enough: the ticks before are passed over.
    pub(super) fn advance(&mut self, now: Instant) -> bool {
        let behind = now.saturating_duration_since(self.started).as_nanos() / self.tick.as_nanos();
        let behind = u32::try_from(behind).unwrap_or(u32::MAX);
        if behind == 0 {
            return false;
        }
        let ticks = 1 + behind.saturating_sub(SWEEP_SHARES as u32);
        self.served = Tick(self.served.0.wrapping_add(ticks));
        self.started += self.tick * ticks;
        true
    }

    /// Whether a member is looked at in the tick that is being served. In the drain all are, in each.
    pub(super) fn looks_at(&self, member: MemberId) -> bool {
        self.drain.is_some() || member.slot() % SWEEP_SHARES == self.served.0 as usize % SWEEP_SHARES
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::machine::StreamConfig;

    #[test]
    fn every_member_is_looked_at_once_in_sixteen_ticks_and_after_a_long_round_too() {
        let started = Instant::now();
        let rules = Rules::for_sweeps(&StreamConfig::default());
        let mut ticker = Ticker::new(&rules, started);
        let mut looks = |ticks: u32| {
            let now = started + rules.tick() * ticks;
            let mut seen = [0; 32];
            while ticker.advance(now) {
                for (member, seen) in seen.iter_mut().enumerate() {
                    *seen += u32::from(ticker.looks_at(MemberId::of(member)));
                }
            }
            seen
        };

        assert_eq!(looks(16), [1; 32]);
        assert_eq!(looks(10_000), [1; 32]);
        assert_eq!(looks(10_000), [0; 32]);
    }
}
