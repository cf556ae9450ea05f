//! Which records of a segment may match, before any of them is read.

use std::ops::Range;

use tidings_core::read_desk::Meter;
use tidings_core::{Selector, Selectors, Topic};

use crate::file::fault::Fault;
use crate::file::index::{Index, Postings};
use crate::file::log::Span;
use crate::file::read::matcher::Matcher;
use crate::limits::{
    INDEX_LOOKUP_UNITS, INDEX_READ_UNITS, ORDINALS_PER_READ, ORDINALS_PER_TOPIC_MIN, TOPICS_PER_UNIT,
    TOPICS_TRIED_AT_ONCE, TOPICS_TRIED_MAX, TOPICS_WALKED_MAX,
};

/// The records to look at, in order.
pub(crate) enum Candidates {
    /// All of these.
    Range(Range<u32>),
    /// Only these.
    List {
        /// The records.
        ordinals: Vec<u32>,
        /// The list is complete up to here.
        until: u32,
    },
}

impl Candidates {
    /// The candidates of a span, at least the first `wanted` of them.
    pub(crate) async fn of(
        span: &Span<'_>,
        selectors: &Selectors,
        wanted: usize,
        meter: &Meter,
    ) -> Result<Self, Fault> {
        match lists(span, selectors, meter).await? {
            Some(postings) => list(span, &postings, wanted, meter).await,
            None => Ok(Self::Range(span.start..span.end)),
        }
    }

    /// Where to go on, in the same span, after these.
    pub(crate) fn until(&self) -> u32 {
        match self {
            Self::Range(range) => range.end,
            Self::List { until, .. } => *until,
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let (range, list) = match self {
            Self::Range(range) => (range.clone(), &[][..]),
            Self::List { ordinals, .. } => (0..0, &ordinals[..]),
        };
        range.chain(list.iter().copied())
    }
}

/// The postings to merge; none if it is better to look at all records.
pub(crate) async fn lists(
    span: &Span<'_>,
    selectors: &Selectors,
    meter: &Meter,
) -> Result<Option<Vec<Postings>>, Fault> {
    let index = span.segment.index();
    // The few that are reserved are left out record by record.
    if selectors.matches_all_unreserved() {
        meter.spend(1).await;
        return Ok(None);
    }
    let Some(postings) = postings_of(index, selectors, meter).await? else { return Ok(None) };
    if selectors.topics().is_some() {
        return Ok(Some(postings));
    }
    let total: u64 = postings.iter().map(|postings| u64::from(postings.len)).sum();
    // Where every second record matches, reading all in a row is quicker.
    Ok(if total > u64::from(span.end / 2) { None } else { Some(postings) })
}

/// The most work that [`lists`] may be, but for the records themselves.
pub(crate) fn lists_units_max(span: &Span<'_>, selectors: &Selectors) -> u64 {
    let lookups = INDEX_LOOKUP_UNITS * selectors.iter().len() as u64;
    match selectors.topics() {
        Some(_) => lookups,
        None => {
            let topics = u64::from(span.segment.index().topics()).min(TOPICS_TRIED_MAX as u64);
            lookups + topics / TOPICS_PER_UNIT
        }
    }
}

/// The postings of all topics that match, each topic once; none if it is better to look at the records themselves.
pub(crate) async fn postings_of(
    index: &dyn Index,
    selectors: &Selectors,
    meter: &Meter,
) -> Result<Option<Vec<Postings>>, Fault> {
    match by_literals(index, selectors, meter).await? {
        None if index.topics() <= TOPICS_WALKED_MAX => matching(index, selectors, meter).await.map(Some),
        found => Ok(found),
    }
}

/// The postings of the topics that match, by the literals of the patterns; none if that is no way to find them.
async fn by_literals(
    index: &dyn Index,
    selectors: &Selectors,
    meter: &Meter,
) -> Result<Option<Vec<Postings>>, Fault> {
    let (mut tried, mut left) = (Vec::new(), TOPICS_TRIED_MAX);
    for pattern in selectors.iter().filter(|selector| selector.topic().is_none()) {
        let candidates = index.candidates(pattern)?.filter(|candidates| candidates.len() <= left);
        meter.spend(INDEX_LOOKUP_UNITS).await;
        let Some(candidates) = candidates else { return Ok(None) };
        left -= candidates.len();
        tried.push((pattern, candidates));
    }
    let mut found = Vec::new();
    for topic in selectors.iter().filter_map(Selector::topic) {
        found.extend(index.topic(topic.as_str())?);
        meter.spend(INDEX_LOOKUP_UNITS).await;
    }
    for (pattern, candidates) in tried {
        for part in candidates.chunks(TOPICS_TRIED_AT_ONCE) {
            let mut matches = |text: &str| Topic::parse_held(text).is_ok_and(|topic| pattern.matches(&topic));
            found.extend(index.matching(&mut part.iter().copied(), &mut matches)?);
            meter.spend((part.len() as u64).div_ceil(TOPICS_PER_UNIT)).await;
        }
    }
    // Several selectors may match a topic, which may get another record meanwhile.
    found.sort_unstable_by_key(|postings| postings.at);
    found.dedup_by_key(|postings| postings.at);
    Ok(Some(found))
}

/// The postings of all topics that match. Compares all topics that there are.
async fn matching(index: &dyn Index, selectors: &Selectors, meter: &Meter) -> Result<Vec<Postings>, Fault> {
    let (mut matcher, mut found) = (Matcher::new(selectors), Vec::new());
    let topics = index.topics();
    for start in (0..topics).step_by(TOPICS_TRIED_AT_ONCE) {
        let end = topics.min(start + TOPICS_TRIED_AT_ONCE as u32);
        let mut matches = |text: &str| matches!(matcher.admit(text), Ok(Some(_)));
        found.extend(index.matching(&mut (start..end), &mut matches)?);
        meter.spend(u64::from(end - start).div_ceil(TOPICS_PER_UNIT) + matcher.take_units()).await;
    }
    Ok(found)
}

/// Merges the first ordinals of some topics.
async fn list(
    span: &Span<'_>,
    postings: &[Postings],
    wanted: usize,
    meter: &Meter,
) -> Result<Candidates, Fault> {
    let index = span.segment.index();
    let each = (wanted / postings.len().max(1)).max(ORDINALS_PER_TOPIC_MIN.min(wanted)).max(1);
    let each = u32::try_from(each).unwrap_or(u32::MAX);
    let (mut ordinals, mut until) = (Vec::new(), span.end);
    for postings in postings {
        // Of a few, all are read at once. Of more, the list is halved until the first one is found.
        let (from, halvings) = match postings.len <= each {
            true => (0, 0),
            false => (index.rank(*postings, span.start)?, u32::BITS - postings.len.leading_zeros()),
        };
        let mut found = index.ordinals(*postings, from..from.saturating_add(each))?;
        if postings.len <= each {
            found.drain(..found.iter().take_while(|ordinal| **ordinal < span.start).count());
        }
        // An index that leads back would let a reading go round for ever.
        if found.first().is_some_and(|first| *first < span.start) || !found.is_sorted_by(|one, two| one < two)
        {
            let what = "the records of a topic are not in order";
            return Err(Fault::damaged_index(span.segment.base(), 0, what));
        }
        if let (Some(last), true) = (found.last(), found.len() as u64 == u64::from(each)) {
            until = until.min(last + 1);
        }
        let reads = u64::from(halvings) + 1 + found.len() as u64 / u64::from(ORDINALS_PER_READ);
        ordinals.extend(found);
        meter.spend(reads * INDEX_READ_UNITS).await;
    }
    ordinals.retain(|ordinal| *ordinal < until);
    ordinals.sort_unstable();
    ordinals.dedup();
    Ok(Candidates::List { ordinals, until })
}
