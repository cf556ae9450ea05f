//! Finds the newest events that match by looking at the records themselves, from the newest one back.
//!
//! For patterns that an index cannot answer with few lists, and for `**`, which all topics match but the reserved ones. An
//! index would have to compare each of its topics, and then look up the records of each; here, a reader that wants the last
//! fifty events of `**` looks at some fifty records.

use tidings_core::read_desk::Meter;

use super::last::Found;
use super::matcher::Matcher;
use super::records::{Records, broken};
use crate::file::fault::Fault;
use crate::file::holes;
use crate::file::log::Span;
use crate::limits::OFFSETS_AHEAD;

/// Looks for the last `wanted` records of a span that match.
pub(crate) async fn search(
    span: &Span<'_>,
    wanted: u64,
    matcher: &mut Matcher<'_>,
    meter: &Meter,
) -> Result<Found, Fault> {
    let (mut count, mut oldest, mut from) = (0, None, span.end);
    // Twice as many each time: where few match, those that are missing are far apart.
    let mut looks = 0;
    while from > span.start {
        looks = (2 * looks).max(wanted - count).min(OFFSETS_AHEAD.into());
        let start = span.start.max(from.saturating_sub(looks as u32));
        let part = Span { start, end: from, ..*span };
        let Some(matching) = matching(&part, matcher, meter).await? else {
            return Ok(Found::OutOfBudget { oldest });
        };
        let found = matching.len() as u64;
        if let Some(before) = found.checked_sub(wanted - count) {
            return Ok(Found::At(matching[before as usize]));
        }
        oldest = matching.first().copied().or(oldest);
        (count, from) = (count + found, start);
    }
    Ok(Found::Fewer { count, oldest })
}

/// The records of a span that match; none if the budget was used up before all were looked at.
async fn matching(
    span: &Span<'_>,
    matcher: &mut Matcher<'_>,
    meter: &Meter,
) -> Result<Option<Vec<u32>>, Fault> {
    let mut records = Records::new(*span);
    let mut matching = Vec::new();
    let holes = span.segment.holes.now();
    for ordinal in (span.start..span.end).filter(|ordinal| !holes::is_in(&holes, *ordinal)) {
        if meter.is_used_up() {
            return Ok(None);
        }
        let record = records.record(ordinal)?;
        if record.kind.is_shown() {
            let topic = matcher.admit(record.topic);
            let topic = topic.map_err(|_| broken(span.segment, 0, "a record's topic is none"))?;
            if topic.is_some() {
                matching.push(ordinal);
            }
        }
        meter.spend(records.take_units() + matcher.take_units()).await;
    }
    Ok(Some(matching))
}
