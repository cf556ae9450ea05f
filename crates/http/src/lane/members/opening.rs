//! Openings: members that have heard nothing yet are told their place once nothing comes first.

use tidings_core::{ConnectionId, Cursor};

use super::Members;
use crate::lane::ids::MemberId;
use crate::lane::member::Words;
use crate::lane::parked::Held;
use crate::stream::Whereabouts;

impl<H: Held> Members<H> {
    /// A member has caught up with the rings. If it has heard nothing it is told its place, unless the log has events that
    /// the rings do not show yet: one of them may be for this member.
    pub(super) fn open(&mut self, id: MemberId, place: Cursor) {
        if self.slots[id.slot()].machine.is_opened() {
            return;
        }
        let head = self.hub.bounds().head.sequence;
        if place.sequence < head {
            // The first of these places counts, or a busy log would put it off for ever.
            self.unopened.entry(id).or_insert(head);
        } else {
            self.tell_place(id, place);
        }
    }

    /// Tells their places to members for which the rings show enough by now.
    pub(in crate::lane) fn open_waiting(&mut self) {
        if self.unopened.is_empty() {
            return;
        }
        // A log may go back: then it is its end that counts.
        let (shown, head) = (self.hub.shown(), self.hub.bounds().head.sequence);
        let due = self.unopened.iter().filter(|(_, through)| shown >= **through.min(&&head));
        let due: Vec<_> = due.map(|(id, _)| *id).collect();
        for id in due {
            let Some(member) = self.slots.get(id.slot()) else { continue };
            // Nobody wakes a quiet group.
            let group = member.group;
            self.deliver(group);
            if self.groups.get(group).is_some_and(|group| group.reading) {
                continue;
            }
            self.unopened.remove(&id);
            let Some(member) = self.slots.get(id.slot()) else { continue };
            // One that has a place of its own comes here again when it joins its group.
            if member.is_live() && !member.machine.is_opened() {
                let place = self.groups[group].follower.cursor();
                self.tell_place(id, place);
            }
        }
    }

    /// What an opening says at a place.
    pub(super) fn whereabouts(&self, place: Cursor, connection: ConnectionId) -> Whereabouts {
        Whereabouts { place, connection, heartbeat: self.rules.heartbeat(), time: self.clock.now() }
    }

    fn tell_place(&mut self, id: MemberId, place: Cursor) {
        let whereabouts = self.whereabouts(place, self.slots[id.slot()].connection);
        let member = &mut self.slots[id.slot()];
        let key = &self.groups[member.group].key;
        match key.encoder.open(whereabouts) {
            Some(block) => {
                let framed = key.wire(&self.deflater).framed(&block);
                self.say(id, &Words { framed, place: place.sequence, tells: true });
            }
            // It did not ask to be told.
            None => member.machine.wrote(place.sequence, self.now.tick),
        }
    }
}
