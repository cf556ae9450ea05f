//! Endings: how members leave a lane.
//!
//! With a farewell if their socket can take one now, and without a word otherwise: such a client finds its connection closed
//! and resumes by its id. A WebSocket has a close to wait for, so a task writes the farewell.

use bytes::Bytes;
use tidings_core::roster::{Dismissal, Whom};

use super::{Members, place_of};
use crate::access_log::AccessEntry;
use crate::lane::ids::{GroupId, MemberId};
use crate::lane::member::{Member, Standing};
use crate::lane::owed::Unwritten;
use crate::lane::parked::Held;
use crate::lane::unparked::{Left, Unparked};
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
        let Some(member) = self.slots.get(id.slot()) else { return };
        self.tally.ended(ending);
        let selectors = &self.groups[member.group].key.selectors;
        self.attendances.leave(member.connection, selectors, member.held.session(), ending.code());
        // A blocked client gets no farewell, since half a chunk may be under way: it resumes by its id. One that has a way back
        // is written the rest by a task.
        let can_be_told = member.held.has_way_back() || !member.is_blocked();
        let farewell =
            (ending.has_farewell() && can_be_told).then(|| self.farewell(id, member, ending, share));
        let Some((mut member, entry)) = self.take_out(id) else { return };
        tracing::debug!(%ending, "a parked stream ends");
        match farewell {
            Some(farewell) if member.held.has_way_back() => {
                let unwritten = match member.standing {
                    Standing::Blocked(owed) => owed.into_unwritten(),
                    Standing::Live | Standing::Behind(_) | Standing::Reading(_) => Unwritten::default(),
                };
                let left = Left::Ended { ending, unwritten, farewell };
                member.held.take_over(Unparked { stream: member.stream.into(), entry, left });
            }
            Some(farewell) => {
                member.part_with(&farewell);
                entry.inspect(|entry| entry.wrote(farewell.len()));
            }
            None => {}
        }
    }

    /// The last bytes. Those of a client that has a way back are followed by a close.
    fn farewell(&self, id: MemberId, member: &Member<H>, ending: Ending, share: f64) -> Bytes {
        let group = &self.groups[member.group];
        let (encoder, place) = (group.key.encoder, place_of(id, member, group));
        let mut farewell = encoder.farewell(place, self.rules.delay(share));
        if ending == Ending::AccessEnded {
            let reason = expiry::reason(member.session(), self.time);
            farewell = [encoder.expired(place, &reason), farewell].concat().into();
        }
        if member.held.has_way_back() {
            return farewell;
        }
        let sum = self.sums.of(id, group.sum);
        group.key.wire(&self.deflater).last(&farewell, sum).into()
    }

    /// Takes a member out of the lane, and leaves its socket to the system.
    pub(super) fn take_out(&mut self, id: MemberId) -> Option<(Member<H>, Option<AccessEntry>)> {
        let mut member = self.slots.try_remove(id.slot())?;
        self.unopened.remove(&id);
        let entry = self.logged.leave(id);
        member.leave_to_system();
        // Fails only for a socket that is not registered.
        let _ = self.registry.deregister(&mut member.stream);
        if let Some(moved) = self.groups.leave(member.group, member.seat) {
            self.slots[moved.slot()].seat = member.seat;
        }
        self.presence.remove_member(member.group, id);
        if self.groups.get(member.group).is_none() {
            self.presence.remove_group(member.group);
        }
        Some((member, entry))
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
