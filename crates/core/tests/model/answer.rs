//! The model: what a hub must answer, from the list of published events and the ends of the log.

use tidings_core::{Bounds, Cursor, Lost, OnGap, Position, Selectors, Sequence, Topic, UnixMillis};

use super::seam::{Began, Told, wire};
use super::{Rig, Wish};

/// Ids that publishers choose, each for many events. The last looks like a cursor of another epoch, one that no rig
/// comes to.
pub(crate) const NAMES: [&str; 4] = ["msg1", "msg", "\u{1f4e8}", "zzzzzzzz-5"];

/// The time of the first event.
pub(crate) const FIRST_MS: u64 = 1_000;

/// One published event.
pub(crate) struct Known {
    pub(crate) topic: Topic,
    pub(crate) id: String,
    pub(crate) data: String,
    pub(crate) time: UnixMillis,
}

/// What was published, in order: the naive hub.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) events: Vec<Known>,
    /// See [`Rig::knows_when_the_last_lost_event_was`].
    pub(crate) knows_when_the_last_lost_event_was: bool,
}

impl Log {
    pub(crate) fn new(rig: &impl Rig) -> Self {
        Self {
            events: Vec::new(),
            knows_when_the_last_lost_event_was: rig.knows_when_the_last_lost_event_was(),
        }
    }

    pub(crate) fn head(&self) -> Sequence {
        Sequence(self.events.len() as u64)
    }

    pub(crate) fn get(&self, sequence: Sequence) -> &Known {
        &self.events[sequence.0 as usize - 1]
    }

    /// The places of events that match, after one place and up to another.
    pub(crate) fn matching<'a>(
        &'a self,
        selectors: &'a Selectors,
        after: Sequence,
        through: Sequence,
    ) -> impl DoubleEndedIterator<Item = Sequence> + 'a {
        let places = (after.0 + 1..through.0.min(self.head().0) + 1).map(Sequence);
        places.filter(|sequence| selectors.matches(&self.get(*sequence).topic))
    }

    pub(crate) fn wire(&self, sequence: Sequence) -> bytes::Bytes {
        let known = self.get(sequence);
        wire(&known.id, &known.data)
    }

    /// How a subscription must begin when the log has these ends.
    pub(crate) fn begin(
        &self,
        from: &Position,
        selectors: &Selectors,
        on_gap: OnGap,
        bounds: Bounds,
    ) -> Began {
        let at = |sequence| Began { after: Cursor { epoch: bounds.epoch, sequence }, gap: None };
        match self.place(from, selectors, bounds) {
            Ok(sequence) => at(sequence),
            Err(lost) => {
                let resumes_after = resumption(on_gap, bounds);
                let gap = Told { requested: requested(from), lost, resumes_after };
                Began { after: resumes_after, gap: Some(gap) }
            }
        }
    }

    fn place(&self, from: &Position, selectors: &Selectors, bounds: Bounds) -> Result<Sequence, Lost> {
        let Bounds { earliest, head, .. } = bounds;
        match from {
            Position::Now => Ok(head),
            Position::Earliest => Ok(earliest.previous()),
            Position::Last(0) => Ok(head),
            Position::Last(count) => {
                let first = self.matching(selectors, earliest.previous(), head).nth_back(count - 1);
                Ok(first.unwrap_or(earliest).previous())
            }
            Position::Since(time) => self.since(*time, bounds),
            Position::Id(text) => match text.parse::<Cursor>() {
                Ok(cursor) if cursor.epoch == bounds.epoch => after(cursor.sequence, bounds),
                parsed => {
                    let mut held = self.matching(selectors, earliest.previous(), head);
                    let lost = if parsed.is_ok() { Lost::OtherEpoch } else { Lost::Unknown };
                    held.find(|sequence| self.get(*sequence).id == *text).ok_or(lost)
                }
            },
        }
    }

    fn since(&self, time: UnixMillis, bounds: Bounds) -> Result<Sequence, Lost> {
        let Bounds { earliest, head, .. } = bounds;
        let late = |sequence: &Sequence| self.get(*sequence).time >= time;
        let first = (earliest.0..=head.0).map(Sequence).find(late);
        // Times never go back, so the last event that is gone decides whether any of them was late enough.
        let last_gone = earliest.previous();
        let is_lost = match self.knows_when_the_last_lost_event_was {
            true => last_gone > Sequence::ZERO && late(&last_gone),
            false => last_gone > Sequence::ZERO && first == Some(earliest),
        };
        if is_lost { Err(Lost::Expired) } else { Ok(first.map_or(head, Sequence::previous)) }
    }
}

/// Where a subscription goes on after a gap.
pub(crate) fn resumption(on_gap: OnGap, bounds: Bounds) -> Cursor {
    let sequence = match on_gap {
        OnGap::Earliest => bounds.earliest.previous(),
        OnGap::Latest => bounds.head,
    };
    Cursor { epoch: bounds.epoch, sequence }
}

/// Whether events after a place have left the log.
pub(crate) fn is_expired(place: Sequence, bounds: Bounds) -> bool {
    place.next() < bounds.earliest
}

fn after(place: Sequence, bounds: Bounds) -> Result<Sequence, Lost> {
    match place {
        _ if place > bounds.head => Err(Lost::Unknown),
        _ if is_expired(place, bounds) => Err(Lost::Expired),
        _ => Ok(place),
    }
}

/// The words in which a gap repeats what was asked for.
fn requested(from: &Position) -> String {
    match from {
        Position::Id(text) => text.chars().take(256).collect(),
        Position::Since(time) => format!("since {} ms", time.0),
        Position::Now | Position::Earliest | Position::Last(_) => panic!("this start is always there"),
    }
}

/// What to ask a hub whose log has these ends for.
pub(crate) fn position(wish: Wish, bounds: Bounds) -> Position {
    let cursor = |sequence| Position::Id(Cursor { epoch: bounds.epoch, sequence }.to_string());
    match wish {
        Wish::Now => Position::Now,
        Wish::Earliest => Position::Earliest,
        Wish::Last(count) => Position::Last(count),
        Wish::Since(ms) => Position::Since(UnixMillis(FIRST_MS + ms)),
        Wish::Place { before_head } => cursor(Sequence(bounds.head.0.saturating_sub(before_head))),
        Wish::AfterHead => cursor(Sequence(bounds.head.0 + 1_000_000)),
        Wish::Name(name) => Position::Id(NAMES[name].to_owned()),
        Wish::UnknownId => Position::Id("never-given".to_owned()),
        Wish::LongId => Position::Id("x".repeat(300)),
        Wish::OtherEpoch => Position::Id("zzzzzzzzz-1".to_owned()),
    }
}
