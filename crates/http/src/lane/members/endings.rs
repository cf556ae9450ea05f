//! Endings: how members leave a lane.
//!
//! With a farewell if their socket can take one now, and without a word otherwise: such a client finds its connection closed
//! and resumes by its id.

use tidings_core::roster::{Dismissal, Whom};

use super::{Members, place_of};
use crate::lane::ids::{GroupId, MemberId};
use crate::lane::member::{Member, Standing};
use crate::lane::parked::Held;
use crate::stream::drain::spread;
use crate::stream::{Ending, expiry};

impl<H: Held> Members<H> {
    /// Ends the members that keep a frame for which there is no room any more.
    pub(in crate::lane) fn let_frames_go(&mut self) {
        let calls = self.unread.calls();
        if calls == self.calls_heard {
            return;
        }
        self.calls_heard = calls;
        let told = self.slots.iter().filter(|(_, member)| member.must_let_go());
        let told: Vec<_> = told.map(|(slot, _)| MemberId::of(slot)).collect();
        for member in told {
            self.end(member, Ending::WriteStalled);
        }
    }

    pub(super) fn end_group(&mut self, id: GroupId, ending: Ending) {
        let members = self.groups.get(id).map(|group| group.members.clone());
        for member in members.unwrap_or_default() {
            self.end(member, ending);
        }
    }

    /// Ends a member that has just come. The next one gets its number, and with it the share: they would come back together.
    pub(super) fn end_at_once(&mut self, id: MemberId, ending: Ending) {
        self.ended_at_once = self.ended_at_once.wrapping_add(1);
        self.end_with(id, ending, spread(self.ended_at_once));
    }

    /// Ends a response: in good order, with a word on when to come back, if the client can still be told.
    pub(super) fn end(&mut self, id: MemberId, ending: Ending) {
        self.end_with(id, ending, id.share());
    }

    fn end_with(&mut self, id: MemberId, ending: Ending, share: f64) {
        let Some(mut member) = self.slots.try_remove(id.slot()) else { return };
        self.unopened.remove(&id);
        self.tally.ended(ending);
        let selectors = &self.groups[member.group].key.selectors;
        self.attendances.leave(member.connection, selectors, member.held.session(), ending.code());
        // A blocked client gets no farewell, since half a chunk may be under way: it resumes by its id.
        if ending.has_farewell() && !matches!(member.standing, Standing::Blocked(_)) {
            let group = &self.groups[member.group];
            let encoder = group.key.encoder;
            let place = place_of(id, &member, group);
            let mut farewell = encoder.farewell(place, self.rules.delay(share));
            if ending == Ending::AccessEnded {
                let reason = expiry::reason(member.session(), self.time);
                let expired = encoder.expired(place, &reason);
                farewell = [expired, farewell].concat().into();
            }
            let sum = self.sums.of(id, group.sum);
            let farewell = group.key.wire(&self.deflater).last(&farewell, sum);
            member.part_with(&farewell);
            self.logged.wrote(id, farewell.len());
        }
        self.logged.leave(id);
        member.leave_to_system();
        tracing::debug!(%ending, "a parked stream ends");
        // Fails only for a socket that is not registered.
        let _ = self.registry.deregister(&mut member.stream);
        if let Some(moved) = self.groups.leave(member.group, member.seat) {
            self.slots[moved.slot()].seat = member.seat;
        }
        self.presence.remove_member(member.group, id);
        if self.groups.get(member.group).is_none() {
            self.presence.remove_group(member.group);
        }
    }

    /// Ends the members that are meant; the answer is their number.
    pub(in crate::lane) fn dismiss(&mut self, whom: &Whom, why: Dismissal) -> usize {
        let is_meant = |member: &Member<H>| {
            let selectors = &self.groups[member.group].key.selectors;
            whom.means(member.connection, selectors, member.session())
        };
        let meant = self.slots.iter().filter(|(_, member)| is_meant(member));
        let members: Vec<_> = meant.map(|(slot, _)| MemberId::of(slot)).collect();
        for member in &members {
            self.end(*member, why.into());
        }
        members.len()
    }
}
