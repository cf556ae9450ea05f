//! The members of a lane, in groups: from the rings, or from pages of the store, to their sockets.
//!
//! Live members of a group get the same bytes in one round. A member that its socket has held up stands at a place of its
//! own until it has caught up with its group:
//!
//! ```text
//!              deliver: its socket would block             settle: it has taken what is owed
//!  Live ------------------------------------> Blocked ------------------------------------> Behind
//!   ^                                                                                        |  ^
//!   |   join: it stands where its group stands                                               |  |
//!   '----------------------------------------------------------------------------------------'  | page
//!                                                                                            |  |
//!                                        follow: the rings no longer hold what comes next    v  |
//!                                                                                          Reading
//! ```

use std::collections::VecDeque;
use std::sync::Arc;

use mio::{Interest, Registry, Token};
use slab::Slab;
use tidings_core::ring::Watcher;
use tidings_core::roster::{Attendances, ConnectionId, Dismissal, Subscriber, Whom};
use tidings_core::{Cursor, Delivery, Follower, Hub, Needs, Step, StoreError};

use super::batch::{Batch, framed, last};
use super::group::{GroupKey, Groups};
use super::ids::{GroupId, MemberId, Recipient};
use super::member::{Member, Passage, Standing, Taken};
use super::page::PageRead;
use super::page_reader::{PageRequest, PageRequests};
use super::parked::Parked;
use super::post::Post;
use super::tally::Tally;
use crate::limits::BATCHES_PER_TURN_MAX;
use crate::stream::Ending;
use crate::stream::machine::{AfterFailure, Due, Machine, Now, Rules};
use crate::stream::metrics::StreamMetrics;
use crate::unread::UnreadFrames;

/// All members of a lane.
pub(super) struct Members {
    hub: Hub,
    rules: Rules,
    registry: Registry,
    post: Arc<Post>,
    requests: PageRequests,
    slots: Slab<Member>,
    groups: Groups,
    /// Members and groups that have more to read from the rings than one turn allows.
    turns: VecDeque<Recipient>,
    attendances: Attendances,
    unread: UnreadFrames,
    /// Members have been looked at since readers were told so often to let frames go.
    calls_heard: u64,
    tally: Tally,
    serial: u32,
    now: Now,
}

impl Members {
    pub(super) fn new(
        hub: Hub,
        rules: Rules,
        registry: Registry,
        post: Arc<Post>,
        requests: PageRequests,
        unread: UnreadFrames,
    ) -> Self {
        Self {
            attendances: hub.roster().attendances(),
            hub,
            rules,
            registry,
            post,
            requests,
            slots: Slab::new(),
            groups: Groups::default(),
            turns: VecDeque::new(),
            calls_heard: unread.calls(),
            unread,
            tally: Tally::default(),
            serial: 0,
            now: Now { tick: Default::default(), drain: None },
        }
    }

    pub(super) fn set_time(&mut self, now: Now) {
        self.now = now;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub(super) fn has_turns(&self) -> bool {
        !self.turns.is_empty()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = MemberId> {
        self.slots.iter().map(|(number, _)| MemberId::of(number))
    }

    /// Takes over a connection.
    pub(super) fn admit(&mut self, parked: Parked) {
        let Parked { stream, follower, encoder, framing, attendance, held } = parked;
        let selectors = follower.selectors().clone();
        let key = GroupKey { selectors, encoder, framing, on_gap: follower.on_gap() };
        let mut stream = mio::net::TcpStream::from_std(stream);
        let number = self.slots.vacant_key();
        let interest = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = self.registry.register(&mut stream, Token(number), interest) {
            tracing::warn!(%error, "a connection could not be parked and is closed");
            return;
        }
        let (hub, post) = (&self.hub, &self.post);
        let watcher: Arc<dyn Watcher> = post.clone();
        let group = self.groups.of(&key, |id| hub.view(&key.selectors, watcher, id.slot()));
        let id = MemberId::of(number);
        let seat = self.groups[group].seat(id);
        self.attendances.take(attendance);
        self.serial = self.serial.wrapping_add(1);
        let place = follower.cursor();
        self.slots.insert(Member {
            stream,
            group,
            seat,
            serial: self.serial,
            standing: Standing::Behind(place.sequence),
            machine: Machine::new(place.sequence, self.now.tick),
            held,
        });
        self.groups[group].note_epoch(id, place.epoch);
        self.follow(id);
    }

    /// Looks at a socket that has something to say.
    pub(super) fn socket_is_ready(&mut self, event: &mio::event::Event) {
        let id = MemberId::of(event.token().0);
        let Some(member) = self.slots.get_mut(id.slot()) else { return };
        let readable = event.is_readable() || event.is_read_closed() || event.is_error();
        if readable && let Err(ending) = member.discard_input() {
            return self.end(id, ending);
        }
        if event.is_writable() && matches!(member.standing, Standing::Blocked(_)) {
            match member.settle(self.now.tick) {
                Ok(()) => self.follow(id),
                Err(ending) => self.end(id, ending),
            }
        }
    }

    /// Brings all live members of a group up to the head of the rings.
    pub(super) fn deliver(&mut self, id: GroupId) {
        for _ in 0..BATCHES_PER_TURN_MAX {
            let Some(group) = self.groups.get_mut(id) else { return };
            if group.reading {
                return;
            }
            let before = group.follower.cursor();
            let step = group.look();
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
    fn note_new_epoch(&mut self, id: GroupId, before: Cursor) {
        let group = &mut self.groups[id];
        if group.follower.cursor().epoch == before.epoch {
            return;
        }
        let slots = &self.slots;
        let apart = |member: &MemberId| !slots[member.slot()].is_live();
        group.leave_epoch(before.epoch, apart);
    }

    /// Writes what the group's follower was given to all live members, which stand at `before`.
    fn deliver_to_live(&mut self, id: GroupId, before: Cursor, delivery: &Delivery) {
        let group = &mut self.groups[id];
        let through = group.follower.cursor();
        let batch = Batch::of(delivery, through.sequence, group.key.encoder, group.key.framing);
        let passage = Passage {
            before: before.sequence,
            through: through.sequence,
            now: self.now.tick,
            unread: &self.unread,
        };
        let (mut gone, mut left) = (Vec::new(), Vec::new());
        for member_id in &group.members {
            let member = &mut self.slots[member_id.slot()];
            if !member.is_live() {
                continue;
            }
            let taken = member.deliver(&batch, passage);
            self.tally.delivered(delivery, &batch, &taken, member.own_place());
            match taken {
                Ok(Taken::All) => member.standing = Standing::Live,
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

    fn wake_waiting(&mut self, id: GroupId) {
        let Some(group) = self.groups.get_mut(id) else { return };
        for member in std::mem::take(&mut group.waiting) {
            self.follow(member);
        }
    }

    /// Brings a member that has a place of its own up to its group.
    fn follow(&mut self, id: MemberId) {
        for _ in 0..BATCHES_PER_TURN_MAX {
            let Some(member) = self.slots.get(id.slot()) else { return };
            let Standing::Behind(place) = member.standing else { return };
            let group = &self.groups[member.group];
            let (step, follower) = group.look_from(group.cursor_of(id, place));
            match step {
                Step::Deliver(delivery) => self.deliver_to_one(id, &delivery, follower.cursor()),
                Step::Again if follower.needs() == Needs::Log => return self.read_for_member(id, follower),
                Step::Again => self.stand(id, follower.cursor()),
                Step::Wait if self.join(id, follower.cursor()) => return,
                Step::Wait => {}
                Step::End => return self.end(id, Ending::HubClosed),
            }
        }
        let behind =
            self.slots.get(id.slot()).filter(|member| matches!(member.standing, Standing::Behind(_)));
        self.turns.extend(behind.map(|member| Recipient::Member { id, serial: member.serial }));
    }

    /// Writes what a member's own follower was given, which leads to `place`.
    fn deliver_to_one(&mut self, id: MemberId, delivery: &Delivery, place: Cursor) {
        let member = &mut self.slots[id.slot()];
        let group = &mut self.groups[member.group];
        let batch = Batch::of(delivery, place.sequence, group.key.encoder, group.key.framing);
        let before = member.own_place().unwrap_or(place.sequence);
        let passage = Passage { before, through: place.sequence, now: self.now.tick, unread: &self.unread };
        let taken = member.deliver(&batch, passage);
        self.tally.delivered(delivery, &batch, &taken, member.own_place());
        match taken {
            // It has not heard of the gap that leads into another epoch.
            Ok(Taken::Nothing) => {}
            Ok(Taken::All | Taken::Part) => group.note_epoch(id, place.epoch),
            Err(ending) => self.end(id, ending),
        }
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
            return true;
        }
        // The group may have read a page of the store that the feed has not come to.
        let shown = self.hub.shown() > place.sequence;
        if place.epoch == here.epoch && place.sequence < here.sequence && shown && !group.reading {
            return false;
        }
        group.waiting.insert(id);
        true
    }

    fn stand(&mut self, id: MemberId, place: Cursor) {
        let member = &mut self.slots[id.slot()];
        member.standing = Standing::Behind(place.sequence);
        let group = member.group;
        self.groups[group].note_epoch(id, place.epoch);
    }

    /// Continues members and groups that had more to read than one turn allows.
    pub(super) fn take_turns(&mut self) {
        for _ in 0..self.turns.len() {
            match self.turns.pop_front() {
                Some(Recipient::Member { id, serial }) if self.is_still(id, serial) => self.follow(id),
                Some(Recipient::Group { id, serial }) => {
                    if let Some(group) = self.groups.get_mut(id).filter(|group| group.serial == serial) {
                        group.in_turns = false;
                        self.deliver(id);
                    }
                }
                Some(Recipient::Member { .. }) => {}
                None => return,
            }
        }
    }

    /// Ends the members that keep a frame for which there is no room any more.
    pub(super) fn let_frames_go(&mut self) {
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

    /// Tells the counters that all lanes share what was counted since it last did.
    pub(super) fn tell_counts(&mut self, metrics: &StreamMetrics) {
        self.tally.tell(metrics, self.hub.metrics());
    }

    fn is_still(&self, id: MemberId, serial: u32) -> bool {
        self.slots.get(id.slot()).is_some_and(|member| member.serial == serial)
    }

    fn read_for_group(&mut self, id: GroupId) {
        let group = &mut self.groups[id];
        group.reading = true;
        let (recipient, follower) = (Recipient::Group { id, serial: group.serial }, group.follower.clone());
        self.requests.send(PageRequest::new(recipient, follower, self.post.clone()));
    }

    fn read_for_member(&mut self, id: MemberId, follower: Follower) {
        self.stand(id, follower.cursor());
        let member = &mut self.slots[id.slot()];
        member.standing = Standing::Reading(follower.cursor().sequence);
        let recipient = Recipient::Member { id, serial: member.serial };
        self.requests.send(PageRequest::new(recipient, follower, self.post.clone()));
    }

    /// Takes what the store held.
    pub(super) fn take_page(&mut self, page: PageRead) {
        let PageRead { recipient, from, follower, step, .. } = page;
        match recipient {
            Recipient::Member { id, serial } if self.is_still(id, serial) => {
                self.page_for_member(id, from, follower, step);
            }
            Recipient::Member { .. } => {}
            Recipient::Group { id, serial } => {
                if self.groups.get(id).is_some_and(|group| group.serial == serial) {
                    self.page_for_group(id, follower, step);
                }
            }
        }
    }

    fn page_for_member(
        &mut self,
        id: MemberId,
        from: Cursor,
        follower: Follower,
        step: Result<Step, StoreError>,
    ) {
        let member = &mut self.slots[id.slot()];
        let Standing::Reading(before) = member.standing else { return };
        // After a heartbeat that blocked it, it has asked again; this may be the page of the first time.
        if self.groups[member.group].cursor_of(id, before) != from {
            return;
        }
        match step {
            Ok(step) => {
                member.machine.store_answered();
                member.standing = Standing::Behind(before);
                match step {
                    Step::Deliver(delivery) => self.deliver_to_one(id, &delivery, follower.cursor()),
                    // The store has nothing and the rings have evicted it: the feed is about to come.
                    Step::Wait => {
                        self.stand(id, follower.cursor());
                        let group = self.slots[id.slot()].group;
                        self.groups[group].waiting.insert(id);
                        return;
                    }
                    Step::Again | Step::End => self.stand(id, follower.cursor()),
                }
                self.follow(id);
            }
            Err(error) => match member.machine.store_failed(&error) {
                AfterFailure::ReadAgain(after) => {
                    let recipient = Recipient::Member { id, serial: member.serial };
                    self.requests.send(PageRequest::new(recipient, follower, self.post.clone()).after(after));
                }
                AfterFailure::End(ending) => self.end(id, ending),
            },
        }
    }

    fn page_for_group(&mut self, id: GroupId, follower: Follower, step: Result<Step, StoreError>) {
        let group = &mut self.groups[id];
        match step {
            Ok(step) => {
                let before = group.follower.cursor();
                group.patience = Default::default();
                group.reading = false;
                group.follower = follower;
                self.note_new_epoch(id, before);
                match step {
                    // The store has nothing and the rings do not know the place: the feed is about to come.
                    Step::Wait => return,
                    Step::Deliver(delivery) => self.deliver_to_live(id, before, &delivery),
                    Step::Again | Step::End => {}
                }
                self.deliver(id);
            }
            Err(error) => match group.patience.failed(&error) {
                AfterFailure::ReadAgain(after) => {
                    let recipient = Recipient::Group { id, serial: group.serial };
                    self.requests.send(PageRequest::new(recipient, follower, self.post.clone()).after(after));
                }
                AfterFailure::End(ending) => self.end_group(id, ending),
            },
        }
    }

    /// Does what is due for a member.
    pub(super) fn look_at(&mut self, id: MemberId) {
        let Some(member) = self.slots.get(id.slot()) else { return };
        match member.machine.due(&self.rules, id.share(), self.now, member.outlet()) {
            Due::Nothing => {}
            Due::Heartbeat => self.beat(id),
            Due::End(ending) => {
                // After what is at hand, so that it need not be asked for again.
                if ending.has_farewell() {
                    let group = member.group;
                    self.deliver(group);
                }
                self.end(id, ending);
            }
        }
    }

    fn beat(&mut self, id: MemberId) {
        // Nobody wakes a quiet group, so its place may be old.
        let group = self.slots[id.slot()].group;
        self.deliver(group);
        let Some(member) = self.slots.get_mut(id.slot()) else { return };
        // What was delivered says as much as a heartbeat.
        if member.machine.due(&self.rules, id.share(), self.now, member.outlet()) != Due::Heartbeat {
            return;
        }
        let group = &self.groups[group];
        let place = match member.own_place() {
            None => group.follower.cursor(),
            Some(place) => group.cursor_of(id, place),
        };
        let news = member.machine.news(place.sequence).map(|_| place);
        let heartbeat = framed(&group.key.encoder.heartbeat(news), group.key.framing);
        if let Err(ending) = member.say(&heartbeat, place.sequence, self.now.tick) {
            self.end(id, ending);
        }
    }

    fn end_group(&mut self, id: GroupId, ending: Ending) {
        let members = self.groups.get(id).map(|group| group.members.clone());
        for member in members.unwrap_or_default() {
            self.end(member, ending);
        }
    }

    /// Ends a response: in good order, with a word on when to come back, if the client can still be told.
    fn end(&mut self, id: MemberId, ending: Ending) {
        let Some(mut member) = self.slots.try_remove(id.slot()) else { return };
        self.tally.ended(ending);
        self.attendances.leave(self.groups[member.group].key.selectors.iter().len());
        // A blocked client gets no farewell, since half a chunk may be under way: it resumes by its id.
        if ending.has_farewell() && !matches!(member.standing, Standing::Blocked(_)) {
            let key = &self.groups[member.group].key;
            let farewell = key.encoder.farewell(self.rules.delay(id.share()));
            member.part_with(&last(&farewell, key.framing));
        }
        tracing::debug!(%ending, "a parked stream ends");
        // Fails only for a socket that is not registered.
        let _ = self.registry.deregister(&mut member.stream);
        if let Some(moved) = self.groups.leave(member.group, member.seat) {
            self.slots[moved.slot()].seat = member.seat;
        }
    }

    /// Its subscribers after one of them, in the order of their ids.
    pub(super) fn list(&self, after: Option<ConnectionId>, limit: usize) -> Vec<Subscriber> {
        let from = after.map_or(0, |after| after.slot() as usize + 1);
        let rest = (from..self.slots.capacity()).filter_map(|slot| Some((slot, self.slots.get(slot)?)));
        let subscriber = |(slot, member): (usize, &Member)| Subscriber {
            id: self.post.connection_id(slot, member.serial),
            selectors: self.groups[member.group].key.selectors.clone(),
            age: self.rules.tick() * member.machine.age(self.now.tick),
            user: member.held.user(),
        };
        rest.take(limit).map(subscriber).collect()
    }

    /// Ends the members that are meant; the answer is their number.
    pub(super) fn dismiss(&mut self, whom: &Whom, why: Dismissal) -> usize {
        let meant = |(slot, member): (usize, &Member)| {
            let (id, user) = (self.post.connection_id(slot, member.serial), member.held.user());
            let selectors = &self.groups[member.group].key.selectors;
            whom.means(id, selectors, user.as_deref()).then_some(MemberId::of(slot))
        };
        let members: Vec<_> = match whom {
            Whom::Connection(id) => {
                let slot = id.slot() as usize;
                self.slots.get(slot).and_then(|member| meant((slot, member))).into_iter().collect()
            }
            Whom::User(_) | Whom::Topic(_) => self.slots.iter().filter_map(meant).collect(),
        };
        for member in &members {
            self.end(*member, why.into());
        }
        members.len()
    }
}
