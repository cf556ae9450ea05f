//! Catching up: members with a place of their own, on their way back to their group.
//!
//! They read from the rings as their group does, a bounded number of batches in one turn, or wait until the rings move.

use tidings_core::{Cursor, Needs, Step};

use super::Members;
use crate::lane::ids::{GroupId, MemberId, Recipient};
use crate::lane::member::Standing;
use crate::lane::parked::Held;
use crate::limits::BATCHES_PER_TURN_MAX;
use crate::stream::Ending;

impl<H: Held> Members<H> {
    /// Continues a member that was held up: by its socket, or because it had more to read than one turn allows.
    pub(super) fn go_on(&mut self, id: MemberId) {
        let Some(member) = self.slots.get_mut(id.slot()) else { return };
        let mut is_called = false;
        if let Standing::Blocked(owed) = &mut member.standing {
            (owed.has_turn, is_called) = (false, owed.is_called);
        }
        match member.settle(self.now.tick) {
            Ok(written) => {
                self.written.set(self.written.get() + written);
                self.logged.wrote(id, written);
                if let Some(member) = self.slots.get(id.slot()).filter(|member| !member.is_blocked()) {
                    self.presence.goes_on(member.group, id);
                    if is_called {
                        return self.unpark(id);
                    }
                }
                self.follow(id);
            }
            Err(ending) => self.end(id, ending),
        }
    }

    /// Brings a member that has a place of its own up to its group.
    pub(super) fn follow(&mut self, id: MemberId) {
        for _ in 0..BATCHES_PER_TURN_MAX {
            let Some(member) = self.slots.get(id.slot()) else { return };
            let Standing::Behind(place) = member.standing else { return };
            let group = &self.groups[member.group];
            let (step, follower) = group.look_from(group.cursor_of(id, place));
            match step {
                Step::Deliver(delivery) if self.must_deflate(member.group, &delivery) => {
                    return self.deflate_for_member(id, follower, delivery);
                }
                Step::Deliver(delivery) => self.deliver_to_one(id, &delivery, follower.cursor()),
                Step::Again if follower.needs() == Needs::Log => return self.read_for_member(id, follower),
                Step::Again => self.stand(id, follower.cursor()),
                Step::Wait if self.join(id, follower.cursor()) => return,
                Step::Wait => {}
                Step::End => return self.end(id, Ending::HubClosed),
            }
            if self.is_round_full() {
                break;
            }
        }
        let behind =
            self.slots.get(id.slot()).filter(|member| matches!(member.standing, Standing::Behind(_)));
        let behind = behind.map(|member| Recipient::Member { id, connection: member.connection });
        let full = self.is_round_full();
        let turns = if full { &mut self.large_turns } else { &mut self.turns };
        turns.extend(behind);
    }

    /// A member has got as far as the rings go: it goes on with its group, or when the rings move. False if it must look
    /// again, since its group is further.
    fn join(&mut self, id: MemberId, place: Cursor) -> bool {
        self.stand(id, place);
        let group = self.slots[id.slot()].group;
        if self.groups[group].follower.cursor().sequence < place.sequence {
            // Nobody wakes a quiet group.
            self.deliver(group);
        }
        let Some(member) = self.slots.get_mut(id.slot()) else { return true };
        let group = &mut self.groups[group];
        let here = group.follower.cursor();
        if place == here && !group.reading {
            member.standing = Standing::Live;
            self.sums.goes_along(id, group.sum);
            self.open(id, place);
            return true;
        }
        // The group may have read a page of the store that the feed has not come to.
        let shown = self.hub.shown() > place.sequence;
        if place.epoch == here.epoch && place.sequence < here.sequence && shown && !group.reading {
            return false;
        }
        group.waiting.insert(id);
        self.open(id, place);
        true
    }

    pub(super) fn stand(&mut self, id: MemberId, place: Cursor) {
        let member = &mut self.slots[id.slot()];
        member.standing = Standing::Behind(place.sequence);
        let group = member.group;
        self.groups[group].note_epoch(id, place.epoch);
    }

    pub(super) fn wake_waiting(&mut self, id: GroupId) {
        let Some(group) = self.groups.get_mut(id) else { return };
        for member in std::mem::take(&mut group.waiting) {
            self.follow(member);
        }
    }

    /// Continues members and groups that had more to read than one turn allows, and then members with large events until the
    /// round is full.
    pub(in crate::lane) fn take_turns(&mut self) {
        for _ in 0..self.turns.len() {
            match self.turns.pop_front() {
                Some(member @ Recipient::Member { .. }) if self.is_round_full() => {
                    self.large_turns.push_back(member);
                }
                Some(Recipient::Member { id, connection }) if self.is_still(id, connection) => self.go_on(id),
                Some(Recipient::Group { id, serial }) => {
                    if let Some(group) = self.groups.get_mut(id).filter(|group| group.serial == serial) {
                        group.in_turns = false;
                        self.deliver(id);
                    }
                }
                Some(Recipient::Member { .. }) | None => {}
            }
        }
        // As much again, or members that are new to an event would keep those that wait from it for ever.
        self.begin_round();
        for _ in 0..self.large_turns.len() {
            if self.is_round_full() {
                return;
            }
            if let Some(Recipient::Member { id, connection }) = self.large_turns.pop_front()
                && self.is_still(id, connection)
            {
                self.go_on(id);
            }
        }
    }
}
