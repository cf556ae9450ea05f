//! A group: members that asked for the same, and stand, most of them, at the same place.

use std::collections::HashMap;

use slab::Slab;
use tidings_core::{Form, OnGap, Selectors, Sequence, View};

use super::member::Framing;

/// What members of a group have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Wish {
    pub(super) selectors: Selectors,
    pub(super) form: Form,
    pub(super) framing: Framing,
    pub(super) on_latest: bool,
}

impl Wish {
    pub(super) fn on_gap(&self) -> OnGap {
        if self.on_latest { OnGap::Latest } else { OnGap::Earliest }
    }
}

/// Members with one wish.
pub(super) struct Group {
    pub(super) wish: Wish,
    pub(super) view: View,
    /// Where its live members stand.
    pub(super) place: Sequence,
    pub(super) members: Vec<u32>,
    /// Members that were told more than the rings hold yet. Seldom any.
    pub(super) ahead: Vec<u32>,
    /// The store is being read for all live members.
    pub(super) reading: bool,
    pub(super) serial: u32,
}

/// All groups of a lane.
#[derive(Default)]
pub(super) struct Groups {
    pub(super) slots: Slab<Group>,
    by_wish: HashMap<Wish, usize>,
    serial: u32,
}

impl Groups {
    /// The group of a wish; `view` makes the view of a new one, for its number.
    pub(super) fn of(&mut self, wish: &Wish, view: impl FnOnce(usize) -> View) -> usize {
        if let Some(group) = self.by_wish.get(wish) {
            return *group;
        }
        self.serial = self.serial.wrapping_add(1);
        let entry = self.slots.vacant_entry();
        let number = entry.key();
        let view = view(number);
        let place = view.head();
        entry.insert(Group {
            wish: wish.clone(),
            view,
            place,
            members: Vec::new(),
            ahead: Vec::new(),
            reading: false,
            serial: self.serial,
        });
        self.by_wish.insert(wish.clone(), number);
        number
    }

    /// Takes a member from its seat. Returns who sits there now, if anyone.
    pub(super) fn leave(&mut self, group: usize, seat: usize) -> Option<u32> {
        let slot = self.slots.get_mut(group)?;
        let left = slot.members.swap_remove(seat);
        slot.ahead.retain(|member| *member != left);
        let moved = slot.members.get(seat).copied();
        if slot.members.is_empty() {
            let group = self.slots.remove(group);
            self.by_wish.remove(&group.wish);
        }
        moved
    }
}
