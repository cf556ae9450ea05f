//! Delivery: what a follower was given, written to sockets.
//!
//! The live members of a group get one batch in one round, and so does each member that stands apart. What a socket does
//! not take is owed to its member, which is blocked from then on. Large events are written to so many members in a round as
//! `ROUND_BYTES_MAX` allows; the others stand apart, and have their turn in the rounds after it.

use std::cell::Cell;

use tidings_core::{Cursor, Delivery, Needs, Step};

use super::Members;
use crate::lane::batch::Batch;
use crate::lane::ids::{GroupId, MemberId, Recipient};
use crate::lane::member::{Passage, Standing, Taken};
use crate::lane::parked::Held;
use crate::lane::spared::Spared;
use crate::limits::{BATCHES_PER_TURN_MAX, ROUND_BYTES_MAX};
use crate::stream::Ending;
use crate::stream::gzip::Coding;

impl<H: Held> Members<H> {
    /// Brings all live members of a group up to the head of the rings.
    pub(in crate::lane) fn deliver(&mut self, id: GroupId) {
        for _ in 0..BATCHES_PER_TURN_MAX {
            let Some(group) = self.groups.get_mut(id) else { return };
            if group.reading {
                return;
            }
            let before = group.follower.cursor();
            let unmoved = (group.key.coding != Coding::Identity).then(|| group.follower.clone());
            let step = group.look();
            if let (Some(unmoved), Step::Deliver(delivery)) = (unmoved, &step)
                && self.must_deflate(id, delivery)
            {
                return self.deflate_for_group(id, unmoved, delivery.clone());
            }
            self.note_new_epoch(id, before);
            match step {
                Step::Deliver(delivery) => self.deliver_to_live(id, before, &delivery),
                Step::Again if self.groups[id].follower.needs() == Needs::Log => {
                    return self.read_for_group(id);
                }
                Step::Again => {}
                Step::Wait => return self.wake_waiting(id),
                Step::End => return self.end_group(id, Ending::HubClosed),
            }
        }
        if let Some(group) = self.groups.get_mut(id).filter(|group| !group.in_turns) {
            group.in_turns = true;
            self.turns.push_back(Recipient::Group { id, serial: group.serial });
        }
    }

    /// Keeps the epoch of members that stand apart, if that of their group is another one now.
    pub(super) fn note_new_epoch(&mut self, id: GroupId, before: Cursor) {
        let group = &mut self.groups[id];
        if group.follower.cursor().epoch == before.epoch {
            return;
        }
        let slots = &self.slots;
        let apart = |member: &MemberId| !slots[member.slot()].is_live();
        group.leave_epoch(before.epoch, apart);
    }

    /// Writes what the group's follower was given to all live members, which stand at `before`.
    pub(super) fn deliver_to_live(&mut self, id: GroupId, before: Cursor, delivery: &Delivery) {
        let group = &mut self.groups[id];
        let through = group.follower.cursor();
        let wire = group.key.wire(&self.deflater);
        let batch = Batch::of(delivery, through.sequence, wire);
        let (sum_before, sum) = (group.sum, group.sum.then(batch.sum()));
        group.sum = sum;
        let took = Cell::new(0);
        let passage = Passage {
            before: before.sequence,
            through: through.sequence,
            now: self.now.tick,
            unread: &self.unread,
            written: &self.written,
            took: &took,
        };
        let is_large = batch.is_large();
        let spared = Spared::by(delivery);
        let (mut gone, mut left) = (Vec::new(), Vec::new());
        for member_id in &group.members {
            let member = &mut self.slots[member_id.slot()];
            if !member.is_live() {
                continue;
            }
            if is_large && self.written.get() >= ROUND_BYTES_MAX {
                // Others must not wait until all have it.
                member.standing = Standing::Behind(before.sequence);
                self.sums.goes_apart(*member_id, sum_before);
                self.large_turns
                    .push_back(Recipient::Member { id: *member_id, connection: member.connection });
                left.extend((before.epoch != through.epoch).then_some(*member_id));
                continue;
            }
            let own = spared
                .has(member.connection)
                .then(|| Batch::for_reader(delivery, through.sequence, wire, member.connection));
            let is_own = own.is_some();
            let batch = own.as_ref().unwrap_or(&batch);
            let taken = member.deliver(batch, passage);
            self.tally.delivered(delivery, batch, &taken, member.own_place());
            self.logged.wrote(*member_id, took.take());
            if is_own || taken != Ok(Taken::All) {
                self.sums.goes_apart(*member_id, sum_before);
                self.sums.wrote(*member_id, sum_before, batch.sum_of(&taken, member.own_place()));
            }
            match taken {
                Ok(Taken::All) => {
                    member.standing = Standing::Live;
                    if is_own {
                        self.sums.goes_along(*member_id, sum);
                    }
                }
                Ok(Taken::Nothing) if before.epoch != through.epoch => left.push(*member_id),
                Ok(Taken::Part | Taken::Nothing) => {}
                Err(ending) => gone.push((*member_id, ending)),
            }
        }
        for member in left {
            // It has not heard of the gap, and is still in the old epoch.
            group.note_epoch(member, before.epoch);
        }
        for (member, ending) in gone {
            self.end(member, ending);
        }
    }

    /// Writes what a member's own follower was given, which leads to `place`.
    pub(super) fn deliver_to_one(&mut self, id: MemberId, delivery: &Delivery, place: Cursor) {
        let member = &mut self.slots[id.slot()];
        let group = &mut self.groups[member.group];
        let wire = group.key.wire(&self.deflater);
        let batch = match Spared::by(delivery).has(member.connection) {
            true => Batch::for_reader(delivery, place.sequence, wire, member.connection),
            false => Batch::of(delivery, place.sequence, wire),
        };
        let before = member.own_place().unwrap_or(place.sequence);
        let took = Cell::new(0);
        let passage = Passage {
            before,
            through: place.sequence,
            now: self.now.tick,
            unread: &self.unread,
            written: &self.written,
            took: &took,
        };
        let taken = member.deliver(&batch, passage);
        self.tally.delivered(delivery, &batch, &taken, member.own_place());
        self.logged.wrote(id, took.take());
        self.sums.wrote(id, group.sum, batch.sum_of(&taken, member.own_place()));
        match taken {
            // It has not heard of the gap that leads into another epoch.
            Ok(Taken::Nothing) => {}
            Ok(Taken::All | Taken::Part) => group.note_epoch(id, place.epoch),
            Err(ending) => self.end(id, ending),
        }
    }
}
