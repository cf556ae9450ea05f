//! The model: what a hub must answer, from the list of published events and the ends of the log.

use std::ops::RangeInclusive;

use tidings_core::{Bounds, Cursor, Epoch, Lost, OnGap, Position, Selectors, Sequence, Topic, UnixMillis};

use super::seam::{Began, Seen, Told};
use super::{Rig, Wish};

/// Ids that publishers choose, each for many events. The last looks like a cursor of another epoch, one that no rig
/// comes to.
pub(crate) const NAMES: [&str; 4] = ["msg1", "msg", "\u{1f4e8}", "zzzzzzzz-5"];

/// The time of the first event.
pub(crate) const FIRST_MS: u64 = 1_000;

/// One published event.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) topic: Topic,
    pub(crate) cursor: Cursor,
    pub(crate) id: String,
    pub(crate) data: String,
    pub(crate) time: UnixMillis,
}

/// The log in one of its epochs: as it is now, or as it was when the epoch ended.
#[derive(Clone)]
pub(crate) struct Life {
    pub(crate) epoch: Epoch,
    /// What was published and not cut off, in order.
    pub(crate) events: Vec<Known>,
    /// The epochs before this one, and the last place of each that is still true.
    ended: Vec<(Epoch, Sequence)>,
    /// Whether the log was opened again since, and nothing was published: the epoch has ended at the head.
    is_over: bool,
    /// See [`Rig::knows_when_the_last_lost_event_was`].
    knows_when_the_last_lost_event_was: bool,
}

/// What was published: the naive hub. All epochs of the log, the current one last.
pub(crate) struct Log(Vec<Life>);

/// What a start comes to: a place, or why there is none, and the place from which nothing is missed.
type Place = Result<Sequence, (Lost, Sequence)>;

impl Life {
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

    /// The event as subscribers see it.
    pub(crate) fn seen(&self, sequence: Sequence) -> Seen {
        let Known { topic, cursor, id, data, .. } = self.get(sequence);
        Seen { cursor: *cursor, topic: topic.as_str().to_owned(), id: id.clone(), data: data.clone() }
    }

    /// The last place of an epoch that is true in this one; none if the epoch is unknown.
    pub(crate) fn last_true(&self, epoch: Epoch) -> Option<Sequence> {
        let ended = self.ended.iter().find(|(ended, _)| *ended == epoch);
        let last = if self.is_over { self.head() } else { Sequence(u64::MAX) };
        ended.map(|(_, at)| *at).or((epoch == self.epoch).then_some(last))
    }

    /// Whether a place is one of this epoch, or of an earlier one and not cut off.
    pub(crate) fn holds(&self, place: Cursor) -> bool {
        self.last_true(place.epoch).is_some_and(|at| place.sequence <= at)
    }

    /// Whether an epoch ended before all that is held, so that its places are expired, cut off or not.
    pub(crate) fn has_left(&self, epoch: Epoch, floor: Sequence) -> bool {
        self.last_true(epoch).is_some_and(|at| at < floor)
    }

    /// Whether a place is of an earlier epoch, beyond where that ended.
    pub(crate) fn cut_off(&self, place: Cursor) -> bool {
        self.last_true(place.epoch).is_some_and(|at| place.sequence > at)
    }

    /// The name of a place in this epoch. A place up to where an epoch ended has a name in that one, too.
    pub(crate) fn renamed(&self, place: Cursor) -> Cursor {
        if self.holds(place) { Cursor::new(self.epoch, place.sequence) } else { place }
    }

    /// Whether a cursor may have moved so without a delivery: over nothing that was asked for.
    pub(crate) fn moves_on(&self, selectors: &Selectors, from: Cursor, to: Cursor) -> bool {
        self.delivers(selectors, from, to, &[])
    }

    /// Whether these events are all that was asked for between two places of a cursor.
    pub(crate) fn delivers(&self, selectors: &Selectors, from: Cursor, to: Cursor, events: &[Seen]) -> bool {
        let forward = self.holds(from) && self.holds(to) && from.sequence <= to.sequence;
        let expected = self.matching(selectors, from.sequence, to.sequence).map(|at| self.seen(at));
        forward && expected.eq(events.iter().cloned())
    }

    /// Whether a gap says rightly that the place it names was cut off by this epoch, and where the stream goes on: at
    /// the end of the old epoch, or at the floor if that is later, or else at the head, which is one of these.
    pub(crate) fn cuts_off(
        &self,
        gap: &Told,
        on_gap: OnGap,
        floors: RangeInclusive<Sequence>,
        heads: RangeInclusive<Sequence>,
    ) -> bool {
        let asked: Cursor = gap.requested.parse().unwrap();
        let Some(at) = self.last_true(asked.epoch).filter(|at| asked.sequence > *at) else { return false };
        let resumes_after = self.renamed(gap.resumes_after);
        let right = match on_gap {
            OnGap::Earliest => {
                at == resumes_after.sequence
                    || (at < resumes_after.sequence && floors.contains(&resumes_after.sequence))
            }
            OnGap::Latest => heads.contains(&resumes_after.sequence),
        };
        gap.lost == Lost::OtherEpoch && resumes_after.epoch == self.epoch && right
    }

    /// How a subscription must begin when the log has these ends.
    pub(crate) fn begin(
        &self,
        from: &Position,
        selectors: &Selectors,
        on_gap: OnGap,
        bounds: Bounds,
    ) -> Began {
        match self.place(from, selectors, bounds) {
            Ok(sequence) => Began { after: bounds.head.at(sequence), gap: None },
            Err((lost, earliest)) => {
                let resumes_after = resumption(on_gap, earliest, bounds);
                let gap = Told { requested: requested(from), lost, resumes_after };
                Began { after: resumes_after, gap: Some(gap) }
            }
        }
    }

    fn place(&self, from: &Position, selectors: &Selectors, bounds: Bounds) -> Place {
        let (floor, head) = (bounds.floor.sequence, bounds.head.sequence);
        match from {
            Position::Now => Ok(head),
            Position::Earliest => Ok(floor),
            Position::Last(0) => Ok(head),
            Position::Last(count) => {
                let first = self.matching(selectors, floor, head).nth_back(count - 1);
                Ok(first.map_or(floor, Sequence::previous))
            }
            Position::Since(time) => self.since(*time, bounds),
            Position::Id(text) => {
                let mut held = self.matching(selectors, floor, head);
                let named = held.find(|sequence| self.get(*sequence).id == *text);
                let Ok(cursor) = text.parse::<Cursor>() else {
                    return named.ok_or((Lost::Unknown, floor));
                };
                match self.last_true(cursor.epoch) {
                    Some(at) if cursor.sequence <= at => after(cursor.sequence, bounds),
                    Some(at) if at >= floor => named.ok_or((Lost::OtherEpoch, at)),
                    // An epoch that ended before all that is held is not on the line any more.
                    _ if is_expired(cursor.sequence, bounds) => named.ok_or((Lost::Expired, floor)),
                    _ => named.ok_or((Lost::OtherEpoch, floor)),
                }
            }
        }
    }

    fn since(&self, time: UnixMillis, bounds: Bounds) -> Place {
        let (floor, head) = (bounds.floor.sequence, bounds.head.sequence);
        let late = |sequence: &Sequence| self.get(*sequence).time >= time;
        let first = (floor.0 + 1..=head.0).map(Sequence).find(late);
        // Times never go back, so the last event that is gone decides whether any of them was late enough.
        let is_lost = match self.knows_when_the_last_lost_event_was {
            true => floor > Sequence::ZERO && late(&floor),
            // All that is held may also have been cut off.
            false => floor > Sequence::ZERO && (first == Some(floor.next()) || floor == head),
        };
        if is_lost { Err((Lost::Expired, floor)) } else { Ok(first.map_or(head, Sequence::previous)) }
    }
}

impl Log {
    pub(crate) fn new(rig: &impl Rig, epoch: Epoch) -> Self {
        let knows_when_the_last_lost_event_was = rig.knows_when_the_last_lost_event_was();
        let (events, ended, is_over) = (Vec::new(), Vec::new(), false);
        Self(vec![Life { epoch, events, ended, is_over, knows_when_the_last_lost_event_was }])
    }

    /// The log in its current epoch.
    pub(crate) fn now(&self) -> &Life {
        self.0.last().expect("a log has an epoch")
    }

    /// The log in each of its epochs, oldest first.
    pub(crate) fn lives(&self) -> &[Life] {
        &self.0
    }

    pub(crate) fn push(&mut self, known: Known) {
        self.0.last_mut().expect("a log has an epoch").events.push(known);
    }

    /// Goes on in another epoch: what stood after the place where it begins is cut off.
    pub(crate) fn begin_epoch(&mut self, begins: Cursor) {
        let mut life = self.now().clone();
        life.ended.push((life.epoch, begins.sequence));
        for (_, at) in &mut life.ended {
            *at = begins.sequence.min(*at);
        }
        life.events.truncate(begins.sequence.0 as usize);
        life.epoch = begins.epoch;
        life.is_over = false;
        self.0.push(life);
    }

    /// An older copy was put back.
    pub(crate) fn restore(&mut self, copy: Life) {
        self.0.push(copy);
    }

    /// The log goes on after a place, which is in this epoch: what stood behind it is gone, and so are the epochs that
    /// began there. If the epoch is a new one, all is gone.
    pub(crate) fn lose_tail(&mut self, place: Cursor) {
        let mut life = self.now().clone();
        let ended = life.ended.iter().position(|(epoch, _)| *epoch == place.epoch);
        match ended {
            Some(ended) => life.ended.truncate(ended),
            None if life.epoch != place.epoch => life.ended.clear(),
            None => {}
        }
        life.events.truncate(place.sequence.0 as usize);
        life.epoch = place.epoch;
        life.is_over = false;
        self.0.push(life);
    }

    /// The log was opened again: its next event begins an epoch.
    pub(crate) fn reopen(&mut self) {
        self.0.last_mut().expect("a log has an epoch").is_over = true;
    }

    /// Takes the epoch of an event that was published, which is a new one exactly if it is the first since the log was
    /// opened again.
    pub(crate) fn note_epoch(&mut self, epoch: Epoch) {
        let now = self.now();
        assert_eq!(epoch != now.epoch, now.is_over, "epoch {epoch} after {}", now.epoch);
        if now.is_over {
            self.begin_epoch(Cursor::new(epoch, now.head()));
        }
    }
}

/// Where a subscription goes on after a gap. `earliest` is the place from which nothing that is held is missed.
pub(crate) fn resumption(on_gap: OnGap, earliest: Sequence, bounds: Bounds) -> Cursor {
    match on_gap {
        OnGap::Earliest => bounds.head.at(earliest),
        OnGap::Latest => bounds.head,
    }
}

/// Whether events after a place have left the log.
pub(crate) fn is_expired(place: Sequence, bounds: Bounds) -> bool {
    place < bounds.floor.sequence
}

fn after(place: Sequence, bounds: Bounds) -> Place {
    let floor = bounds.floor.sequence;
    match place {
        _ if place > bounds.head.sequence => Err((Lost::Unknown, floor)),
        _ if is_expired(place, bounds) => Err((Lost::Expired, floor)),
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
    let head = bounds.head;
    let cursor = |sequence| Position::Id(head.at(Sequence(sequence)).to_string());
    match wish {
        Wish::Now => Position::Now,
        Wish::Earliest => Position::Earliest,
        Wish::Last(count) => Position::Last(count),
        Wish::Since(ms) => Position::Since(UnixMillis(FIRST_MS + ms)),
        Wish::Place { before_head } => cursor(head.sequence.0.saturating_sub(before_head)),
        Wish::AfterHead => cursor(head.sequence.0 + 1_000_000),
        Wish::Name(name) => Position::Id(NAMES[name].to_owned()),
        Wish::UnknownId => Position::Id("never-given".to_owned()),
        Wish::LongId => Position::Id("x".repeat(300)),
        Wish::OtherEpoch => Position::Id("zzzzzzzzz-1".to_owned()),
    }
}
