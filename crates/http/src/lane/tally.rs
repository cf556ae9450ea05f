//! The tally: what a lane has counted since it last told the counters that all lanes share.
//!
//! Plain numbers of the lane's own, so that writing to a socket costs no atomic operation.

use tidings_core::{Delivery, HubMetrics, Lost, Sequence};

use super::batch::Batch;
use super::member::Taken;
use crate::stream::Ending;
use crate::stream::metrics::StreamMetrics;

/// Counts of one round of a lane's loop.
#[derive(Debug, Default)]
pub(super) struct Tally {
    events: u64,
    bytes: u64,
    gaps: [u64; Lost::ALL.len()],
    endings: [u64; Ending::ALL.len()],
}

impl Tally {
    /// A member was written a batch, and stands at `place` now. What its socket still owes of the chunk that it is in is
    /// counted already.
    pub(super) fn delivered(
        &mut self,
        delivery: &Delivery,
        batch: &Batch,
        taken: &Result<Taken, Ending>,
        place: Option<Sequence>,
    ) {
        let (Ok(Taken::All | Taken::Part), Some(place)) = (taken, place) else { return };
        match delivery {
            Delivery::Frames(_) => {
                let (events, bytes) = batch.through(place);
                self.events += events as u64;
                self.bytes += bytes as u64;
            }
            Delivery::Gap(gap) => self.gaps[gap.lost as usize] += 1,
        }
    }

    pub(super) fn ended(&mut self, ending: Ending) {
        self.endings[ending as usize] += 1;
    }

    /// Tells the counters that are shared, and begins anew.
    pub(super) fn tell(&mut self, streams: &StreamMetrics, hub: &HubMetrics) {
        let Self { events, bytes, gaps, endings } = std::mem::take(self);
        if events > 0 {
            streams.add_delivered(events, bytes);
        }
        for (lost, count) in Lost::ALL.into_iter().zip(gaps).filter(|(_, count)| *count > 0) {
            hub.gaps(lost, count);
        }
        for (ending, count) in Ending::ALL.into_iter().zip(endings).filter(|(_, count)| *count > 0) {
            streams.add_ended(ending, count);
        }
    }
}
