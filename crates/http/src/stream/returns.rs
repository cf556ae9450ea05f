//! When the subscribers come back that found no place: one after the other, so that a crowd which was turned away together
//! does not return together.
//!
//! There are two lines. Each address may book a small part of the moments of the first one. What it asks for beyond that is booked in
//! the second line, behind both, and so is what comes from no known address. So a client that ignores its delay and asks again at
//! once makes the second line longer, and hardly the first. Clients behind one proxy have one address: nearly all of them stand in
//! the second line, and come back one after the other there, too.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::limits::{
    RETURN_CELLS, RETURN_WAIT_MAX, RETURNS_ADDRESS_AHEAD, RETURNS_ADDRESS_SHARE, RETURNS_PER_SECOND_MIN,
    RETURNS_SHARE,
};
use crate::shares::household;
use crate::stream::drain::delay;

/// The moments at which subscribers were told to come back.
#[derive(Debug)]
pub(crate) struct Returns {
    /// The time between two of them in one line.
    apart: Duration,
    lines: Mutex<Lines>,
    cells: Cells,
}

/// The last moments that were given away.
#[derive(Debug, Default)]
struct Lines {
    first: Option<Instant>,
    second: Option<Instant>,
}

impl Returns {
    /// For a hub that has places for so many streams.
    pub(crate) fn new(streams_max: usize) -> Self {
        let per_second = (streams_max / RETURNS_SHARE).max(RETURNS_PER_SECOND_MIN);
        let apart = Duration::from_secs(1) / u32::try_from(per_second).unwrap_or(u32::MAX);
        Self { apart, lines: Mutex::default(), cells: Cells::new(apart * RETURNS_ADDRESS_SHARE) }
    }

    /// The delay for the next subscriber that is turned away: the usual one, with jitter, or as much longer as others come
    /// back before it. `share` is a number from 0 to 1.
    pub(crate) fn next(&self, peer: Option<IpAddr>, usual: Duration, share: f64) -> Duration {
        let now = Instant::now();
        let earliest = now + delay(usual, share);
        let is_first = peer.is_some_and(|peer| self.cells.take(peer, now));
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let before = if is_first { lines.first } else { lines.first.max(lines.second) };
        let turn = before.map_or(earliest, |before| earliest.max(before + self.apart));
        let wait_max = RETURN_WAIT_MAX.max(2 * usual);
        if turn - now > wait_max {
            // More than can come one by one in that time: spread them over the second half of it.
            return wait_max.mul_f64(0.5 + share / 2.0);
        }
        *(if is_first { &mut lines.first } else { &mut lines.second }) = Some(turn);
        turn - now
    }
}

/// What addresses have booked in the first line. Addresses whose hash falls on one cell share its part, so that the memory has a
/// bound and nothing needs to be forgotten; nobody outside can know which they are.
#[derive(Debug)]
struct Cells {
    /// The time after which an address may book one moment more.
    step: Duration,
    /// Until when the part of a cell is used up. Empty until somebody is turned away.
    used_until: Mutex<Vec<Instant>>,
    hash: RandomState,
}

impl Cells {
    fn new(step: Duration) -> Self {
        Self { step, used_until: Mutex::default(), hash: RandomState::new() }
    }

    /// Whether an address may book a moment in the first line, which counts as done then.
    fn take(&self, peer: IpAddr, now: Instant) -> bool {
        let mut cells = self.used_until.lock().unwrap_or_else(PoisonError::into_inner);
        if cells.is_empty() {
            cells.resize(RETURN_CELLS, now);
        }
        let cell = &mut cells[self.hash.hash_one(household(peer)) as usize % RETURN_CELLS];
        let used_until = now.max(*cell) + self.step;
        if used_until - now > RETURNS_ADDRESS_AHEAD {
            return false;
        }
        *cell = used_until;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::net::Ipv4Addr;

    use tokio::time::advance;

    use super::*;
    use crate::stream::drain::spread;

    const USUAL: Duration = Duration::from_secs(3);
    const HAMMER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    /// The delays of subscribers that are turned away in one moment, none of which has a known address.
    fn turned_away(returns: &Returns, count: u32) -> Vec<Duration> {
        turned_away_from(returns, count, |_| None)
    }

    fn turned_away_from(returns: &Returns, count: u32, peer: fn(u32) -> Option<IpAddr>) -> Vec<Duration> {
        (1..=count).map(|number| returns.next(peer(number), USUAL, spread(number))).collect()
    }

    /// An address for each.
    fn own(number: u32) -> Option<IpAddr> {
        Some(Ipv4Addr::from_bits(0x0a00_0000 + number).into())
    }

    /// The most that come back in one second.
    fn crowd(delays: &[Duration]) -> usize {
        let mut seconds = BTreeMap::new();
        for delay in delays {
            *seconds.entry(delay.as_secs()).or_insert(0) += 1;
        }
        seconds.into_values().max().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_come_back_after_the_usual_delay_with_jitter() {
        let delays = turned_away(&Returns::new(10_000), 20);

        assert!(delays.iter().all(|delay| USUAL <= *delay && *delay <= 2 * USUAL), "{delays:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_comes_back_at_the_named_rate_however_large_it_is() {
        for (streams_max, count, per_second) in
            [(50, 3_000, 100), (50, 20_000, 100), (1_000_000, 100_000, 10_000)]
        {
            for peer in [|_| None, |_| Some(HAMMER), own] {
                let delays = turned_away_from(&Returns::new(streams_max), count, peer);

                let longest = delays.iter().max().unwrap().as_secs_f64();
                assert!(longest <= 6.0 + f64::from(count) / per_second as f64, "{longest} s");
                // Of many addresses some share a cell, and stand in the second line beside those of the first.
                let most = if peer(1) == peer(2) { per_second + 1 } else { per_second * 11 / 10 };
                assert!(crowd(&delays) <= most, "{} of {count} in one second", crowd(&delays));
            }
        }
    }

    /// Of ten addresses one may share its cell with the one that asks without end, and wait with it.
    fn are_moved(delays: &[Duration]) -> bool {
        assert_eq!(delays.len(), 10);
        delays.iter().filter(|delay| **delay > 2 * USUAL + Duration::from_millis(300)).count() > 1
    }

    /// It asks 1,000 times a second, and moved the return of all others by ten seconds in each second.
    #[tokio::test(start_paused = true)]
    async fn a_client_that_asks_again_and_again_does_not_move_the_return_of_others() {
        let of_one_network = |millis| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, millis]);
        for peer in [|_| HAMMER, of_one_network] {
            let returns = Returns::new(50);
            for millis in 0..60_000 {
                returns.next(Some(peer(millis)), USUAL, spread(millis.into()));
                advance(Duration::from_millis(1)).await;
            }

            let delays = turned_away_from(&returns, 10, own);

            assert!(!are_moved(&delays), "{delays:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_does_not_save_up_what_it_has_not_booked() {
        let returns = Returns::new(50);
        returns.next(Some(HAMMER), USUAL, 0.5);
        advance(Duration::from_secs(3_600)).await;

        turned_away_from(&returns, 3_000, |_| Some(HAMMER));

        let delays = turned_away_from(&returns, 10, own);
        assert!(!are_moved(&delays), "{delays:?}");
    }

    /// The line of a crowd is full of moments, and the one that asks without end takes a twentieth of them.
    #[tokio::test(start_paused = true)]
    async fn a_client_that_asks_again_and_again_makes_a_crowd_wait_by_a_twentieth_longer() {
        let last = async |is_hammered: bool| {
            let returns = Returns::new(50);
            let mut delays = Vec::new();
            // 150 a second come for 40 s, and 100 a second can come back.
            for number in 0..6_000 {
                delays.push(returns.next(own(number), USUAL, spread(number)));
                for _ in 0..if is_hammered { 20 } else { 0 } {
                    returns.next(Some(HAMMER), USUAL, spread(number));
                }
                advance(Duration::from_secs(1) / 150).await;
            }
            // The median of the last ones: one of them may share its cell with the one that asks without end.
            let last = &mut delays[5_991..];
            last.sort();
            last[4].as_secs_f64()
        };

        let (alone, beside) = (last(false).await, last(true).await);

        assert!(alone > 20.0, "{alone} s");
        assert!(beside <= alone + 40.0 / 20.0 + 0.2, "{alone} s alone, {beside} s beside it");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_asks_again_and_again_does_not_gather_a_crowd_behind_its_own_proxy() {
        let returns = Returns::new(50);
        turned_away_from(&returns, 100_000, |_| Some(HAMMER));

        let delays = turned_away_from(&returns, 3_000, |_| Some(HAMMER));

        assert!(crowd(&delays) <= 100, "{}", crowd(&delays));
    }

    #[test]
    fn a_client_has_one_household_whichever_of_its_addresses_it_takes() {
        let household = |address: &str| household(address.parse().unwrap());

        assert_eq!(household("2001:db8:0:1::1"), household("2001:db8:0:1:ffff:ffff:ffff:ffff"));
        assert_ne!(household("2001:db8:0:1::1"), household("2001:db8:0:2::1"));
        assert_eq!(household("192.0.2.1"), household("::ffff:192.0.2.1"));
        assert_ne!(household("192.0.2.1"), household("192.0.2.2"));
        assert_ne!(household("::ffff:192.0.2.1"), household("::ffff:192.0.2.2"));
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_used_up_its_part_has_one_again_after_a_while() {
        let returns = Returns::new(50);
        turned_away_from(&returns, 100_000, |_| Some(HAMMER));
        assert!(returns.next(Some(HAMMER), USUAL, 0.5) > RETURN_WAIT_MAX / 2);

        advance(RETURNS_ADDRESS_AHEAD).await;

        assert!(returns.next(Some(HAMMER), USUAL, 0.5) <= 3 * USUAL);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_told_to_stay_away_for_longer_than_the_bound() {
        let delays = turned_away(&Returns::new(50), 100_000);

        assert!(delays.iter().all(|delay| *delay <= RETURN_WAIT_MAX));
        let late = delays.iter().filter(|delay| **delay >= RETURN_WAIT_MAX / 2).count();
        assert!(late > 70_000, "{late}");
        assert!(crowd(&delays[50_000..]) < 500);
    }

    #[tokio::test(start_paused = true)]
    async fn the_delay_is_the_usual_one_again_when_the_crowd_has_gone() {
        let returns = Returns::new(50);
        turned_away(&returns, 3_000);

        advance(Duration::from_secs(40)).await;

        assert!(returns.next(None, USUAL, 0.5) <= 2 * USUAL);
    }

    #[tokio::test(start_paused = true)]
    async fn a_usual_delay_above_the_bound_is_kept() {
        let usual = Duration::from_secs(3_600);

        let delay = Returns::new(50).next(None, usual, 0.5);

        assert_eq!(delay, usual.mul_f64(1.5));
    }
}
