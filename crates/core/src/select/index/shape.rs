//! A pattern as numbers, ready to be compared with a topic.

use super::super::pattern::{ANY, ONE};
use super::names::{Names, ONE_SEGMENT};
use super::topic_view::TopicView;

/// A pattern cut at its `**`: a run at the beginning of the topic, at most two somewhere behind it, and a run at its end.
/// Without a `**` all of it is the run at the beginning.
pub(super) struct Shape {
    /// The runs in order, without the `**`.
    segments: Box<[u32]>,
    front: u8,
    middles: [u8; 2],
    /// Whether there is no `**`.
    is_exact: bool,
    hides_reserved: bool,
}

impl Shape {
    /// Compiles a pattern, and takes a number for each of its literals.
    pub(super) fn new(text: &str, hides_reserved: bool, names: &mut Names) -> Self {
        let mut segments = Vec::with_capacity(text.split('/').count());
        let mut ends = Vec::with_capacity(4);
        for segment in text.split('/') {
            match segment {
                ANY => ends.push(segments.len() as u8),
                ONE => segments.push(ONE_SEGMENT),
                literal => segments.push(names.take(literal)),
            }
        }
        let length = |run: usize| match (run.checked_sub(1), ends.get(run)) {
            (Some(before), Some(end)) => end - ends[before],
            _ => 0,
        };
        Self {
            front: ends.first().copied().unwrap_or(segments.len() as u8),
            middles: [length(1), length(2)],
            is_exact: ends.is_empty(),
            hides_reserved,
            segments: segments.into(),
        }
    }

    /// The run at the beginning.
    pub(super) fn front(&self) -> &[u32] {
        &self.segments[..self.front.into()]
    }

    /// The runs somewhere in between. Some may be empty.
    pub(super) fn middles(&self) -> [&[u32]; 2] {
        let from = usize::from(self.front);
        let [first, second] = self.middles.map(usize::from);
        [&self.segments[from..from + first], &self.segments[from + first..from + first + second]]
    }

    /// The run at the end.
    pub(super) fn end(&self) -> &[u32] {
        let before: u8 = self.middles.iter().sum::<u8>() + self.front;
        &self.segments[before.into()..]
    }

    /// Segments that a topic has at least.
    pub(super) fn least(&self) -> usize {
        self.segments.len()
    }

    /// Whether a topic has no more segments than that, because there is no `**`.
    pub(super) fn is_exact(&self) -> bool {
        self.is_exact
    }

    /// The literals and `*` of all runs in order.
    pub(super) fn segments(&self) -> &[u32] {
        &self.segments
    }

    /// Whether a topic has this shape.
    pub(super) fn matches(&self, topic: &TopicView) -> bool {
        let (len, least) = (topic.len(), self.segments.len());
        if len < least || (self.is_exact && len != least) || (self.hides_reserved && topic.is_reserved()) {
            return false;
        }
        let (front, end) = (self.front(), self.end());
        let middle_ends = len - end.len();
        if !fits(front, &topic.numbers()[..front.len()]) || !fits(end, &topic.numbers()[middle_ends..]) {
            return false;
        }
        if self.middles == [0, 0] {
            return true;
        }
        let mut from = front.len();
        for run in self.middles() {
            let Some(at) = leftmost(run, from, middle_ends, topic) else { return false };
            from = at + run.len();
        }
        true
    }
}

/// Whether a run fits as many segments. Without branches, so that several segments are compared at once.
fn fits(run: &[u32], segments: &[u32]) -> bool {
    run.iter().zip(segments).fold(true, |fits, (own, other)| fits & (own == other || *own == ONE_SEGMENT))
}

/// The first place at which a run fits between two places of a topic. All places are tried at once: each is a bit, and
/// each literal of the run removes those behind which it does not stand.
fn leftmost(run: &[u32], from: usize, to: usize, topic: &TopicView) -> Option<usize> {
    if run.is_empty() {
        return Some(from);
    }
    let last = to.checked_sub(run.len()).filter(|last| *last >= from)?;
    // At most 64 segments, so a place of a run that is not empty is below 64.
    let mut places = (u64::MAX >> (63 - last)) & (u64::MAX << from);
    let (mut known, mut positions) = (ONE_SEGMENT, u64::MAX);
    for (behind, number) in run.iter().enumerate() {
        if *number == ONE_SEGMENT {
            continue;
        }
        if *number != known {
            (known, positions) = (*number, topic.positions(*number));
        }
        places &= positions >> behind;
        if places == 0 {
            return None;
        }
    }
    Some(places.trailing_zeros() as usize)
}
