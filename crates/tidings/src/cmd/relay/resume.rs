//! Where a source is resumed, and which of its events come again by that.
//!
//! The standard allows an id control characters, and HTTP allows a header none. A source is then resumed after the last id that a
//! header can carry, and sends again what came behind it. What was relayed already is recognised by its ids and their order.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};

use http::HeaderValue;
use tidings_client::{Event, HeldEvent};

use super::carried::{self, PLACE_TYPE};
use super::upstream::GAP_TYPE;
use crate::limits::RECENT_IDS_MAX;

/// How far the source has come.
#[derive(Debug, Default)]
pub(super) struct Resume {
    /// The last id that a header can carry.
    id: Option<String>,
    /// The events that came behind it. Empty if none of them could be asked for: there was no id at all.
    behind: VecDeque<Known>,
    /// Of those, the ones that are expected to come again.
    again: VecDeque<Known>,
    hasher: RandomState,
}

/// An event that was relayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    /// Of its id, its type and its data.
    hash: u64,
    has_id: bool,
}

/// What an event is recognised by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Heard<'e> {
    id: Option<&'e str>,
    event_type: &'e str,
    data: &'e str,
}

impl<'e> Heard<'e> {
    pub(super) fn of(event: &'e Event) -> Self {
        Self { id: event.id(), event_type: event.type_or_message(), data: &event.data }
    }
}

/// Whether a header can carry an id.
pub(super) fn is_sendable(id: &str) -> bool {
    HeaderValue::from_bytes(id.as_bytes()).is_ok()
}

impl Resume {
    /// At an id that was given.
    pub(super) fn after(id: &str) -> Self {
        Self { id: Some(id.to_owned()).filter(|id| !id.is_empty()), ..Self::default() }
    }

    /// Where the newest events of the topic say, of which the newest is the last one.
    pub(super) fn behind(newest: &[HeldEvent]) -> Self {
        let mut resume = Self::default();
        for (at, event) in newest.iter().enumerate() {
            if event.event_type == PLACE_TYPE || event.event_type == GAP_TYPE {
                continue;
            }
            let id = carried::place_at(at, newest);
            resume.note(Heard { id: id.as_deref(), event_type: &event.event_type, data: &event.data });
        }
        resume.begin_again();
        resume
    }

    /// The source is asked again for what follows the id.
    pub(super) fn begin_again(&mut self) {
        self.again.clear();
        // Without an id nobody knows what the source sends. And what came behind the last id at all may be new, if it looks the same.
        if self.id.is_some() {
            let end = self.behind.iter().rposition(|known| known.has_id).map_or(0, |at| at + 1);
            self.again.extend(self.behind.iter().take(end));
        }
    }

    /// Whether an event comes again that was relayed already. If not, it is taken note of.
    pub(super) fn has(&mut self, heard: Heard<'_>) -> bool {
        let is_next = self.again.pop_front().is_some_and(|next| next == self.known(heard));
        if !is_next {
            // Others follow than those that were heard: the source does not send the same again.
            self.again.clear();
            self.note(heard);
        }
        is_next
    }

    /// The id to resume after. None if the source has given none that a header can carry.
    pub(super) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Whether the source has come to an id that no header can carry.
    pub(super) fn is_beyond_id(&self) -> bool {
        self.behind.iter().any(|known| known.has_id)
    }

    /// Whether the source has a last id, be it one that no header can carry.
    pub(super) fn has_place(&self) -> bool {
        self.id.is_some() || !self.behind.is_empty()
    }

    fn note(&mut self, heard: Heard<'_>) {
        match heard.id {
            Some("") => (self.id, self.behind) = (None, VecDeque::new()),
            Some(id) if is_sendable(id) => (self.id, self.behind) = (Some(id.to_owned()), VecDeque::new()),
            None if !self.has_place() => {}
            // What is beyond the bound is relayed twice rather than not.
            Some(_) | None if self.behind.len() < RECENT_IDS_MAX => self.behind.push_back(self.known(heard)),
            Some(_) | None => {}
        }
    }

    fn known(&self, heard: Heard<'_>) -> Known {
        Known { hash: self.hasher.hash_one(heard), has_id: heard.id.is_some() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(id: &str) -> Heard<'_> {
        Heard { id: Some(id), event_type: "message", data: "x" }
    }

    fn without_id(data: &str) -> Heard<'_> {
        Heard { id: None, event_type: "message", data }
    }

    #[test]
    fn what_came_behind_the_last_id_that_can_be_sent_is_known_when_it_comes_again() {
        let mut resume = Resume::after("1");
        let events = [heard("2"), heard("a\u{1}b"), without_id("y"), heard("\u{7f}")];
        assert!(events.iter().all(|event| !resume.has(*event)));
        assert_eq!((resume.id(), resume.is_beyond_id()), (Some("2"), true));

        for _ in 0..2 {
            resume.begin_again();
            assert!(events[1..].iter().all(|event| resume.has(*event)));
        }

        assert!(!resume.has(heard("a\u{1}b")), "a second time");
    }

    #[test]
    fn an_event_without_an_id_behind_the_last_id_may_be_new() {
        let mut resume = Resume::after("1");
        assert!(
            [without_id("tick"), heard("\u{1}"), without_id("tick")].iter().all(|event| !resume.has(*event))
        );
        resume.begin_again();

        let known = [without_id("tick"), heard("\u{1}"), without_id("tick")].map(|event| resume.has(event));

        assert_eq!(known, [true, true, false]);
    }

    #[test]
    fn a_source_that_sends_others_is_relayed() {
        let mut resume = Resume::after("1");
        let events = [heard("\u{1}"), heard("\u{2}"), heard("\u{3}")];
        assert!(events.iter().all(|event| !resume.has(*event)));
        resume.begin_again();

        let known =
            [events[0], Heard { data: "other", ..events[1] }, events[2]].map(|event| resume.has(event));

        assert_eq!(known, [true, false, false]);
    }

    #[test]
    fn without_an_id_that_can_be_sent_all_is_new() {
        let mut resume = Resume::default();
        assert!(!resume.has(without_id("x")) && !resume.has_place());
        assert!(!resume.has(heard("\u{1}")) && resume.has_place());
        resume.begin_again();

        assert!(!resume.has(heard("\u{1}")));
    }

    #[test]
    fn no_more_is_remembered_than_a_bound() {
        let mut resume = Resume::after("1");
        (0..RECENT_IDS_MAX + 10).for_each(|_| assert!(!resume.has(heard("\u{1}"))));
        assert_eq!(resume.behind.len(), RECENT_IDS_MAX);

        assert!(!resume.has(heard("2")));

        assert!(!resume.is_beyond_id());
    }
}
