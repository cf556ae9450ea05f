//! A roll call: what the roster asks a lane about its members.

use std::collections::{BTreeMap, HashMap};

use tidings_core::presence::matches_any;
use tidings_core::roster::{Audience, ConnectionId, FirstIds, Subscriber, Visitor};
use tidings_core::{AttendeeCopy, Sequence, Topic, User};

use super::{Members, place_of};
use crate::lane::ids::{GroupId, MemberId};
use crate::lane::member::{Member, Standing};
use crate::lane::parked::Held;

impl<H: Held> Members<H> {
    /// Its first subscribers after one of them, in the order of their ids.
    pub(in crate::lane) fn list(&self, after: Option<ConnectionId>, limit: usize) -> Vec<Subscriber> {
        let mut first = FirstIds::new(after, limit);
        self.slots.iter().for_each(|(slot, member)| first.offer(member.connection, slot));
        let mut live = HashMap::new();
        let mut subscriber = |slot| {
            let member = &self.slots[slot];
            let key = &self.groups[member.group].key;
            Subscriber {
                id: member.connection,
                selectors: key.selectors.clone(),
                age: self.rules.tick() * member.machine.age(self.now.tick),
                visitor: Visitor {
                    session: member.held.session().cloned(),
                    // Asked of the system, so that members need not keep it.
                    address: member.stream.peer_addr().ok().map(|address| address.ip()),
                    transport: key.encoder.transport(),
                },
                behind: self.behind(MemberId::of(slot), member, &mut live),
            }
        };
        first.in_order().map(&mut subscriber).collect()
    }

    /// Its subscribers that receive the events of a topic.
    pub(in crate::lane) fn audience(&self, topic: &Topic, after: Option<User>, users_max: usize) -> Audience {
        let mut audience = Audience::new(after, users_max);
        for group in self.groups.iter().filter(|group| group.key.selectors.matches(topic)) {
            for member in &group.members {
                audience.add(self.slots[member.slot()].session());
            }
        }
        audience
    }

    /// Its subscribers that have a user and receive the events of any of these topics.
    pub(in crate::lane) fn attendees(&self, topics: &BTreeMap<Topic, ()>) -> Vec<AttendeeCopy> {
        let mut attendees = Vec::new();
        for group in self.groups.iter() {
            let selectors = &group.key.selectors;
            if !matches_any(topics, selectors) {
                continue;
            }
            for member in group.members.iter().map(|member| &self.slots[member.slot()]) {
                let session = member.held.session().filter(|session| session.user.is_some());
                attendees.extend(session.map(|session| AttendeeCopy {
                    id: member.connection,
                    selectors: selectors.clone(),
                    session: session.clone(),
                }));
            }
        }
        attendees
    }

    /// Where a member stands, if the log may have more for it. All live members of a group are looked at once.
    fn behind(
        &self,
        id: MemberId,
        member: &Member<H>,
        live: &mut HashMap<GroupId, Option<Sequence>>,
    ) -> Option<Sequence> {
        let group = &self.groups[member.group];
        let look = || {
            let place = place_of(id, member, group);
            group.is_behind(place).then_some(place.sequence)
        };
        match &member.standing {
            Standing::Live => *live.entry(member.group).or_insert_with(look),
            Standing::Behind(_) | Standing::Blocked(_) => look(),
            Standing::Reading(place) => Some(*place),
        }
    }
}
