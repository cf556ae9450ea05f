//! Finds the newest events that match by looking at the records themselves, from the newest one back.
//!
//! For `**`, which all topics match but the reserved ones. An index would have to compare each of its topics, and then
//! look up the records of each; here, a reader that wants the last fifty events looks at some fifty records.

use tidings_core::Selectors;

use super::matcher::Matcher;
use super::records::{Records, broken};
use crate::file::fault::Fault;
use crate::file::log::Span;
use crate::file::record::kind::Kind;
use crate::limits::{OFFSETS_AHEAD, PAGE_READ_BYTES_MAX, PAGE_RECORDS_MAX};

/// A search through the spans of the log, newest first.
pub(crate) struct Backward<'a> {
    matcher: Matcher<'a>,
    /// Records that it looks at before it leaves the rest to the indexes, as when nearly all topics are reserved.
    records_left: u64,
    /// Bytes that it may read of them.
    bytes_left: u64,
}

/// What was found in a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// As many as were wanted: the first of them is this record.
    At(u32),
    /// Fewer.
    Fewer {
        /// How many match from the record `from` on.
        count: u64,
        /// The records before this one were not looked at.
        from: u32,
    },
}

impl<'a> Backward<'a> {
    /// A search for this many events of these selectors, if it is quicker than to ask the indexes.
    pub(crate) fn of(selectors: &'a Selectors, wanted: u64) -> Option<Self> {
        let nearly_all_match = selectors.matches_all_unreserved() && !selectors.matches_everything();
        let is_quicker = nearly_all_match && wanted <= PAGE_RECORDS_MAX;
        is_quicker.then(|| Self {
            matcher: Matcher::new(selectors),
            records_left: PAGE_RECORDS_MAX,
            bytes_left: PAGE_READ_BYTES_MAX,
        })
    }

    /// Looks for the last `wanted` records of a span that match.
    pub(crate) fn search(&mut self, span: &Span<'_>, wanted: u64) -> Result<Found, Fault> {
        let (mut count, mut from) = (0, span.end);
        // Twice as many each time: where most topics are reserved, the few that are missing are far apart.
        let mut looks = 0;
        while from > span.start {
            looks = (2 * looks).max(wanted - count).min(OFFSETS_AHEAD.into());
            let start = span.start.max(from.saturating_sub(looks as u32));
            let Some(matching) = self.matching(&Span { start, end: from, ..*span })? else { break };
            let found = matching.len() as u64;
            if let Some(before) = found.checked_sub(wanted - count) {
                return Ok(Found::At(matching[before as usize]));
            }
            (count, from) = (count + found, start);
        }
        Ok(Found::Fewer { count, from })
    }

    /// The records of a span that match; none if it would have to look at too many.
    fn matching(&mut self, span: &Span<'_>) -> Result<Option<Vec<u32>>, Fault> {
        let mut records = Records::new(*span);
        let mut matching = Vec::new();
        for ordinal in span.start..span.end {
            if self.records_left == 0 || records.read_bytes >= self.bytes_left {
                self.records_left = 0;
                return Ok(None);
            }
            self.records_left -= 1;
            let record = records.record(ordinal)?;
            if record.kind != Kind::Event {
                continue;
            }
            let topic = self.matcher.admit(record.topic);
            let topic = topic.map_err(|_| broken(span.segment, 0, "a record's topic is none"))?;
            if topic.is_some() {
                matching.push(ordinal);
            }
        }
        self.bytes_left -= records.read_bytes.min(self.bytes_left);
        Ok(Some(matching))
    }
}
