//! A group: members that asked for the same, and stand, most of them, at the same place.

use std::collections::{HashMap, HashSet};

use slab::Slab;
use tidings_core::{Cursor, Epoch, Follower, InUse, OnGap, Selectors, Sequence, Step, View};

use super::batch::{Framing, Wire};
use super::ids::{GroupId, MemberId, Seat};
use crate::limits::BATCH_BYTES_MAX;
use crate::stream::Encoder;
use crate::stream::gzip::{Coding, Deflater, Sum};
use crate::stream::machine::StorePatience;

/// What members of a group have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct GroupKey {
    pub(super) selectors: Selectors,
    pub(super) encoder: Encoder,
    pub(super) framing: Framing,
    pub(super) coding: Coding,
    pub(super) on_gap: OnGap,
}

/// Members with one key.
pub(super) struct Group {
    pub(super) key: GroupKey,
    pub(super) view: View,
    /// Follows the log for all live members, which stand at its cursor.
    pub(super) follower: Follower,
    pub(super) members: Vec<MemberId>,
    /// Of all that its live members have had together, if they have it compressed.
    pub(super) sum: Sum,
    /// Members with a place of their own for which there is nothing yet: they go on when the rings move.
    pub(super) waiting: HashSet<MemberId>,
    /// Members whose place is in another epoch than the follower's: after a new epoch, until they have come to it. Seldom
    /// any, so that a member need not keep eight bytes of epoch.
    elsewhere: HashMap<MemberId, Epoch>,
    /// The store is being read for all live members.
    pub(super) reading: bool,
    /// The group waits for its next turn.
    pub(super) in_turns: bool,
    pub(super) patience: StorePatience,
    /// Tells it from others that had its number.
    pub(super) serial: u32,
    /// The feed makes the encoding of the group while there is one.
    _encoding: Option<InUse>,
}

impl GroupKey {
    /// How what is said to the group becomes bytes.
    pub(super) fn wire<'a>(&self, deflater: &'a Deflater) -> Wire<'a> {
        let Self { encoder, framing, coding, .. } = self;
        let (encoder, framing, coding) = (*encoder, *framing, *coding);
        Wire { encoder, framing, coding, deflater }
    }
}

impl Group {
    /// Gives a member the last seat.
    pub(super) fn seat(&mut self, member: MemberId) -> Seat {
        self.members.push(member);
        Seat::of(self.members.len() - 1)
    }

    /// What comes next for the live members.
    pub(super) fn look(&mut self) -> Step {
        let reach = self.view.after(self.follower.cursor(), BATCH_BYTES_MAX);
        self.follower.take_reach(reach)
    }

    /// What comes next for a member at a place of its own, and the place after it.
    pub(super) fn look_from(&self, place: Cursor) -> (Step, Follower) {
        let mut follower = self.follower_at(place);
        let step = follower.take_reach(self.view.after(place, BATCH_BYTES_MAX));
        (step, follower)
    }

    /// Whether there may be more for a reader at a place. Takes nothing.
    pub(super) fn is_behind(&self, place: Cursor) -> bool {
        // One byte: the first frame is enough to know.
        let reach = self.view.after(place, 1);
        !matches!(self.follower_at(place).take_reach(reach), Step::Wait | Step::End)
    }

    /// A follower for a member at a place of its own.
    pub(super) fn follower_at(&self, place: Cursor) -> Follower {
        Follower::new(self.key.selectors.clone(), self.key.on_gap, place)
    }

    /// The whole place of a member that keeps its sequence alone.
    pub(super) fn cursor_of(&self, member: MemberId, sequence: Sequence) -> Cursor {
        let epoch = self.elsewhere.get(&member).copied();
        Cursor::new(epoch.unwrap_or(self.follower.cursor().epoch), sequence)
    }

    /// Notes the epoch of a member's place, if it is not the follower's.
    pub(super) fn note_epoch(&mut self, member: MemberId, epoch: Epoch) {
        if epoch != self.follower.cursor().epoch {
            self.elsewhere.insert(member, epoch);
        } else if !self.elsewhere.is_empty() {
            self.elsewhere.remove(&member);
        }
    }

    /// The follower has left an epoch, in which the members that stand apart still are.
    pub(super) fn leave_epoch(&mut self, before: Epoch, stands_apart: impl Fn(&MemberId) -> bool) {
        for member in self.members.iter().filter(|member| stands_apart(member)) {
            self.elsewhere.entry(*member).or_insert(before);
        }
        let here = self.follower.cursor().epoch;
        self.elsewhere.retain(|_, epoch| *epoch != here);
    }
}

/// All groups of a lane.
#[derive(Default)]
pub(super) struct Groups {
    slots: Slab<Group>,
    by_key: HashMap<GroupKey, GroupId>,
    serial: u32,
}

impl Groups {
    /// The group of a key; `view` makes the view of a new one, for its number, and has the feed make its encoding.
    pub(super) fn of(
        &mut self,
        key: &GroupKey,
        view: impl FnOnce(GroupId) -> (View, Option<InUse>),
    ) -> GroupId {
        if let Some(group) = self.by_key.get(key) {
            return *group;
        }
        self.serial = self.serial.wrapping_add(1);
        let entry = self.slots.vacant_entry();
        let id = GroupId::of(entry.key());
        let (view, _encoding) = view(id);
        entry.insert(Group {
            follower: Follower::new(key.selectors.clone(), key.on_gap, view.head()),
            key: key.clone(),
            view,
            members: Vec::new(),
            sum: Sum::default(),
            waiting: HashSet::new(),
            elsewhere: HashMap::new(),
            reading: false,
            in_turns: false,
            patience: StorePatience::default(),
            serial: self.serial,
            _encoding,
        });
        self.by_key.insert(key.clone(), id);
        id
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Group> {
        self.slots.iter().map(|(_, group)| group)
    }

    pub(super) fn get(&self, id: GroupId) -> Option<&Group> {
        self.slots.get(id.slot())
    }

    pub(super) fn get_mut(&mut self, id: GroupId) -> Option<&mut Group> {
        self.slots.get_mut(id.slot())
    }

    /// Takes a member from its seat. Returns the member that sits there now, if any.
    pub(super) fn leave(&mut self, id: GroupId, seat: Seat) -> Option<MemberId> {
        let group = self.slots.get_mut(id.slot())?;
        let left = group.members.swap_remove(seat.index());
        group.waiting.remove(&left);
        group.elsewhere.remove(&left);
        let moved = group.members.get(seat.index()).copied();
        if group.members.is_empty() {
            let group = self.slots.remove(id.slot());
            self.by_key.remove(&group.key);
        }
        moved
    }
}

impl std::ops::Index<GroupId> for Groups {
    type Output = Group;

    fn index(&self, id: GroupId) -> &Group {
        &self.slots[id.slot()]
    }
}

impl std::ops::IndexMut<GroupId> for Groups {
    fn index_mut(&mut self, id: GroupId) -> &mut Group {
        &mut self.slots[id.slot()]
    }
}
