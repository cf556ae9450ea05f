//! Presence: notices of who reads a topic, to the members of groups that ask for them.
//!
//! All members of a group share one view. A member that comes, and one whose socket did not take a change, know no state: they are
//! given it when they can be written to. So nothing is kept for a member that does not read, beyond what its socket owes.

use std::collections::{HashMap, HashSet};

use tidings_core::presence::{Notice, PresenceView};

use super::Members;
use crate::lane::batch::Framed;
use crate::lane::group::Group;
use crate::lane::ids::{GroupId, MemberId};
use crate::lane::member::Words;
use crate::lane::parked::Held;

/// The groups of a lane that ask for presence, which most do not.
#[derive(Default)]
pub(super) struct LanePresence {
    groups: HashMap<GroupId, GroupPresence>,
    /// Groups with members that may be given a state in this round: each once, however many of its members have come, because
    /// all of them are looked at.
    turns: HashSet<GroupId>,
}

struct GroupPresence {
    view: PresenceView,
    /// Members that do not know the state of all topics, and the first topic that they do not know.
    unknowing: HashMap<MemberId, usize>,
}

impl LanePresence {
    /// A group has come.
    pub(super) fn add_group(&mut self, id: GroupId, view: PresenceView) {
        self.groups.insert(id, GroupPresence { view, unknowing: HashMap::new() });
    }

    /// A member has come.
    pub(super) fn add_member(&mut self, group: GroupId, id: MemberId) {
        if let Some(presence) = self.groups.get_mut(&group) {
            presence.unknowing.insert(id, 0);
            self.turns.insert(group);
        }
    }

    /// The socket of a member can be written again.
    pub(super) fn goes_on(&mut self, group: GroupId, id: MemberId) {
        let presence = self.groups.get(&group);
        if presence.is_some_and(|presence| presence.unknowing.contains_key(&id)) {
            self.turns.insert(group);
        }
    }

    /// Whether no group asks for presence.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.turns.is_empty()
    }

    /// A member has left.
    pub(super) fn remove_member(&mut self, group: GroupId, id: MemberId) {
        if let Some(presence) = self.groups.get_mut(&group) {
            presence.unknowing.remove(&id);
        }
    }

    /// The last member of a group has left.
    pub(super) fn remove_group(&mut self, group: GroupId) {
        self.groups.remove(&group);
    }
}

impl GroupPresence {
    fn forgets(&mut self, id: MemberId, topic: usize) {
        let first = self.unknowing.entry(id).or_insert(topic);
        *first = topic.min(*first);
    }
}

impl<H: Held> Members<H> {
    /// Gives states to members that have come or can be written again.
    pub(in crate::lane) fn take_presence_turns(&mut self) {
        for group in std::mem::take(&mut self.presence.turns) {
            self.tell_presence(group);
        }
    }

    /// Tells a group what there is to tell.
    pub(in crate::lane) fn tell_presence(&mut self, id: GroupId) {
        // Most lanes have no such group.
        if self.presence.groups.is_empty() {
            return;
        }
        // Taken out, since members may leave meanwhile.
        let Some(mut presence) = self.presence.groups.remove(&id) else { return };
        for topic in 0..presence.view.topics() {
            self.tell_topic(id, &mut presence, topic);
        }
        if self.groups.get(id).is_some() {
            self.presence.groups.insert(id, presence);
        }
    }

    fn tell_topic(&mut self, id: GroupId, presence: &mut GroupPresence, topic: usize) {
        let waits = |(member, first): (&MemberId, &usize)| *first == topic && self.can_be_told(*member);
        let wants_state = presence.unknowing.iter().any(waits);
        let look = presence.view.look(topic, wants_state);
        if let Some(change) = &look.change {
            let Some(framed) = self.notice(id, change) else { return };
            for member in self.members_of(id) {
                if presence.unknowing.get(&member).is_some_and(|first| *first <= topic) {
                    continue;
                }
                match self.can_be_told(member) {
                    true => self.tell(member, &framed),
                    false => presence.forgets(member, topic),
                }
            }
        }
        if look.has_missed {
            self.members_of(id).into_iter().for_each(|member| presence.forgets(member, topic));
        }
        if let Some(state) = &look.state {
            let Some(framed) = self.notice(id, state) else { return };
            let topics = presence.view.topics();
            let unknowing: Vec<_> =
                presence.unknowing.iter().filter(|(_, first)| **first == topic).map(|(id, _)| *id).collect();
            for member in unknowing {
                if !self.can_be_told(member) {
                    continue;
                }
                self.tell(member, &framed);
                match topic + 1 < topics {
                    true => presence.unknowing.insert(member, topic + 1),
                    false => presence.unknowing.remove(&member),
                };
            }
        }
        presence.unknowing.retain(|member, _| self.slots.contains(member.slot()));
    }

    fn members_of(&self, id: GroupId) -> Vec<MemberId> {
        self.groups.get(id).map(|group| group.members.clone()).unwrap_or_default()
    }

    /// A member that is in the middle of something cannot.
    fn can_be_told(&self, id: MemberId) -> bool {
        self.slots.get(id.slot()).is_some_and(|member| !member.is_blocked())
    }

    fn notice(&self, id: GroupId, notice: &Notice) -> Option<Framed> {
        let Group { key, .. } = self.groups.get(id)?;
        Some(key.wire(&self.deflater).framed(&key.encoder.presence(notice)))
    }

    fn tell(&mut self, id: MemberId, framed: &Framed) {
        let Some(member) = self.slots.get(id.slot()) else { return };
        let here = self.groups[member.group].follower.cursor().sequence;
        let place = member.own_place().unwrap_or(here);
        self.say(id, &Words { framed: framed.clone(), place, tells: false });
    }

    /// Watches for a new group what its selectors ask for.
    pub(super) fn watch_presence(&mut self, id: GroupId) {
        let selectors = &self.groups[id].key.selectors;
        if let Some(view) = self.hub.presences().watch(selectors, self.post.clone(), id.slot()) {
            self.presence.add_group(id, view);
        }
    }
}
