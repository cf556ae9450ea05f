//! The way back: members whose clients have said something, on their way to a task that listens.
//!
//! Nothing is read here. A member that is owed something is let go when it has taken that, so that whatever the task writes begins
//! a new frame. The roster has it among the tasks before the lane forgets it.

use tidings_core::Visitor;
use tokio::time::Instant;

use super::{Members, place_of};
use crate::lane::ids::MemberId;
use crate::lane::member::{Input, Standing};
use crate::lane::parked::Held;
use crate::lane::unparked::{Left, Unparked};
use crate::stream::Ending;

/// Whether a member is still in the lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stays {
    Here,
    Not,
}

impl<H: Held> Members<H> {
    /// Something has come from the client of a member that has a way back.
    pub(super) fn hear(&mut self, id: MemberId) -> Stays {
        let Some(member) = self.slots.get_mut(id.slot()) else { return Stays::Not };
        match (member.input(), &mut member.standing) {
            (Input::Nothing, _) => return Stays::Here,
            (Input::End, _) => self.end(id, Ending::ClientGone),
            (Input::Bytes, Standing::Blocked(owed)) => {
                owed.is_called = true;
                return Stays::Here;
            }
            (Input::Bytes, Standing::Live | Standing::Behind(_) | Standing::Reading(_)) => self.unpark(id),
        }
        Stays::Not
    }

    /// Hands a member that is owed nothing to a task, which goes on where it stands.
    pub(super) fn unpark(&mut self, id: MemberId) {
        let Some(member) = self.slots.get(id.slot()) else { return };
        let group = &self.groups[member.group];
        let past = member.machine.past(&self.rules, self.now.tick);
        let now = Instant::now();
        let since = now.checked_sub(past.age()).unwrap_or(now);
        let visitor = Visitor {
            session: member.held.session().cloned(),
            address: member.stream.peer_addr().ok().map(|address| address.ip()),
            transport: group.key.encoder.transport(),
        };
        // Rings are looked up by the task: with many selectors that takes long.
        let follower = group.follower_at(place_of(id, member, group));
        let (place, selectors) = (follower.cursor().sequence, &group.key.selectors);
        let attendance = self.attendances.let_go(member.connection, selectors, visitor, place, since);
        let Some((member, entry)) = self.take_out(id) else { return };
        let left = Left::Called { follower, attendance, past };
        member.held.take_over(Unparked { stream: member.stream.into(), entry, left });
    }
}
