//! Finds the earliest event with a publisher's id among those that were asked for.
//!
//! Publishers may give one id to a million events. Their records are walked in pieces; if few topics were asked for, only
//! those are looked at that stand in the list of a topic, too.

use tidings_core::read_desk::Meter;
use tidings_core::{Cursor, Selectors};
use tidings_sse::EventId;

use super::ascending::Ascending;
use super::candidates::{lists, lists_units_max};
use super::locate::all;
use super::matcher::Matcher;
use super::records::Records;
use crate::file::fault::Fault;
use crate::file::hash::KeyedHash;
use crate::file::holes;
use crate::file::index::{IdPostings, Postings};
use crate::file::log::{LogView, Span};
use crate::limits::{IDS_PER_TOPIC_MIN, INDEX_LOOKUP_UNITS};

/// The place of the event, if there is one and it was found within the budget.
pub(crate) async fn find(
    view: &LogView,
    hash: &KeyedHash,
    (id, selectors): (&EventId, &Selectors),
    meter: &Meter,
) -> Result<Option<Cursor>, Fault> {
    let hashed = hash.of(id.as_str());
    let mut search = IdSearch { id: id.as_str(), matcher: Matcher::new(selectors), meter };
    for span in all(view) {
        let ids = span.segment.index().id(hashed)?;
        meter.spend(INDEX_LOOKUP_UNITS).await;
        if let Some(ordinal) = search.first(&span, ids, selectors).await? {
            return Ok(Some(view.line.place(span.sequence(ordinal))));
        }
        if meter.is_used_up() {
            break;
        }
    }
    Ok(None)
}

pub(crate) struct IdSearch<'a> {
    pub(crate) id: &'a str,
    pub(crate) matcher: Matcher<'a>,
    pub(crate) meter: &'a Meter,
}

impl IdSearch<'_> {
    /// The first record of a span that has the id and matches.
    pub(crate) async fn first(
        &mut self,
        span: &Span<'_>,
        ids: IdPostings,
        selectors: &Selectors,
    ) -> Result<Option<u32>, Fault> {
        let Some(topics) = self.few_topics(span, ids, selectors).await? else {
            return self.first_in_both(span, ids, None, span.end).await;
        };
        let mut first = None;
        for topic in topics {
            let end = first.unwrap_or(span.end);
            first = self.first_in_both(span, ids, Some(topic), end).await?.or(first);
            // The topics that are left may have an earlier one.
            if self.meter.is_used_up() {
                return Ok(None);
            }
        }
        Ok(first)
    }

    /// The lists of the topics that were asked for, if they are fewer than it takes to look at all records with the id.
    async fn few_topics(
        &mut self,
        span: &Span<'_>,
        ids: IdPostings,
        selectors: &Selectors,
    ) -> Result<Option<Vec<Postings>>, Fault> {
        let topics_max = ids.len / IDS_PER_TOPIC_MIN;
        let units_max = lists_units_max(span, selectors);
        if selectors.matches_all_unreserved() || units_max > u64::from(topics_max) * INDEX_LOOKUP_UNITS {
            return Ok(None);
        }
        let topics = lists(span, selectors, self.meter).await?;
        Ok(topics.filter(|topics| topics.len() <= topics_max as usize))
    }

    /// The first record before `end` that stands in the list of the id and in that of a topic, if there is one, and that has
    /// the id indeed.
    async fn first_in_both(
        &mut self,
        span: &Span<'_>,
        ids: IdPostings,
        topic: Option<Postings>,
        end: u32,
    ) -> Result<Option<u32>, Fault> {
        let index = span.segment.index();
        let mut records = Records::new(*span);
        let holes = span.segment.holes.now();
        let mut with_id = Ascending::new(span.segment, ids.len, move |part| index.id_ordinals(ids, part));
        let mut of_topic = topic
            .map(|topic| Ascending::new(span.segment, topic.len, move |part| index.ordinals(topic, part)));
        let mut least = span.start;
        while let Some(ordinal) = with_id.seek(least, self.meter).await? {
            // The index may know records that are not to be seen yet.
            if ordinal >= end || self.meter.is_used_up() {
                break;
            }
            if let Some(of_topic) = &mut of_topic {
                match of_topic.seek(ordinal, self.meter).await? {
                    None => break,
                    Some(next) if next > ordinal => {
                        least = next;
                        continue;
                    }
                    Some(_) => {}
                }
            }
            if holes::is_in(&holes, ordinal) {
                least = ordinal + 1;
                continue;
            }
            let record = records.record(ordinal)?;
            if record.id == self.id && matches!(self.matcher.admit(record.topic), Ok(Some(_))) {
                return Ok(Some(ordinal));
            }
            self.meter.spend(records.take_units() + self.matcher.take_units()).await;
            least = ordinal + 1;
        }
        Ok(None)
    }
}
