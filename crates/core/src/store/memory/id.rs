//! Finds the earliest event with a publisher's id among those that were asked for.

use super::MemoryLog;
use super::work::Work;
use crate::event::{Cursor, Sequence};
use crate::limits::{
    MEMORY_LOOKS_PER_COMPARISON, MEMORY_LOOKS_PER_EVENT, MEMORY_LOOKS_PER_LOOKUP, MEMORY_NEWEST_TAKEN_MAX,
};
use crate::read_desk::Meter;
use crate::select::Selectors;

/// The place of the event, if there is one and it was found within the budget.
pub(super) async fn find(log: &MemoryLog, id: &str, selectors: &Selectors, meter: &Meter) -> Option<Cursor> {
    meter.begin_id_search();
    let mut work = Work::new(selectors);
    let mut after = Sequence::ZERO;
    loop {
        let events = log.contents().topics_of_id(id, after, MEMORY_NEWEST_TAKEN_MAX);
        work.add(MEMORY_LOOKS_PER_LOOKUP);
        for (cursor, topic) in &events {
            work.add(MEMORY_LOOKS_PER_EVENT + MEMORY_LOOKS_PER_COMPARISON);
            work.compare(topic.as_str());
            let matches = selectors.matches(topic);
            if matches || work.is_step() {
                meter.spend(work.take_units()).await;
            }
            if matches {
                return Some(*cursor);
            }
            if meter.is_used_up() {
                return None;
            }
        }
        after = events.last()?.0.sequence;
    }
}
