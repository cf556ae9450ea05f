//! Pages of the store, for members and groups that the rings have left behind.
//!
//! Each asks for one page at a time, which [`page_reader`](crate::lane::page_reader) reads and posts. A page that its
//! recipient no longer needs is thrown away.

use tidings_core::{Cursor, Delivery, Follower, Step, StoreError};

use super::Members;
use crate::lane::group::GroupKey;
use crate::lane::ids::{GroupId, MemberId, Recipient};
use crate::lane::member::Standing;
use crate::lane::page::PageRead;
use crate::lane::page_reader::PageRequest;
use crate::lane::parked::Held;
use crate::stream::gzip::Coding;
use crate::stream::machine::AfterFailure;

impl<H: Held> Members<H> {
    pub(super) fn read_for_group(&mut self, id: GroupId) {
        let group = &mut self.groups[id];
        group.reading = true;
        let (recipient, follower) = (Recipient::Group { id, serial: group.serial }, group.follower.clone());
        self.requests.send(self.page_request(id, recipient, follower));
    }

    pub(super) fn read_for_member(&mut self, id: MemberId, follower: Follower) {
        self.stand(id, follower.cursor());
        let member = &mut self.slots[id.slot()];
        member.standing = Standing::Reading(follower.cursor().sequence);
        let (group, recipient) = (member.group, Recipient::Member { id, connection: member.connection });
        self.requests.send(self.page_request(group, recipient, follower));
    }

    /// Whether something of what a follower was given has to be compressed first, which takes too long for a lane.
    pub(super) fn must_deflate(&self, id: GroupId, delivery: &Delivery) -> bool {
        let GroupKey { coding, encoder, .. } = &self.groups[id].key;
        match delivery {
            Delivery::Frames(frames) => {
                *coding != Coding::Identity && self.deflater.must_prepare(*encoder, frames)
            }
            Delivery::Gap(_) => false,
        }
    }

    /// Has the next delivery of a group compressed; it comes back as a page does. `unmoved` stands where the live members stand.
    pub(super) fn deflate_for_group(&mut self, id: GroupId, unmoved: Follower, delivery: Delivery) {
        let group = &mut self.groups[id];
        group.reading = true;
        let from = unmoved.cursor();
        let follower = std::mem::replace(&mut group.follower, unmoved);
        let recipient = Recipient::Group { id, serial: group.serial };
        self.requests.send(self.page_request(id, recipient, follower).with(from, delivery));
    }

    /// The same for a member, of which the follower has taken the delivery.
    pub(super) fn deflate_for_member(&mut self, id: MemberId, follower: Follower, delivery: Delivery) {
        let member = &mut self.slots[id.slot()];
        let Standing::Behind(place) = member.standing else { return };
        member.standing = Standing::Reading(place);
        let (group, recipient) = (member.group, Recipient::Member { id, connection: member.connection });
        let from = self.groups[group].cursor_of(id, place);
        self.requests.send(self.page_request(group, recipient, follower).with(from, delivery));
    }

    fn page_request(&self, group: GroupId, recipient: Recipient, follower: Follower) -> PageRequest<H> {
        let GroupKey { coding, encoder, .. } = &self.groups[group].key;
        let request = PageRequest::new(recipient, follower, self.post.clone());
        match coding {
            Coding::Identity => request,
            Coding::Gzip | Coding::Messages => request.deflated(self.deflater.clone(), *encoder),
        }
    }

    /// Takes what the store held.
    pub(in crate::lane) fn take_page(&mut self, page: PageRead) {
        let PageRead { recipient, from, follower, step, .. } = page;
        match recipient {
            Recipient::Member { id, connection } if self.is_still(id, connection) => {
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
                        self.open(id, follower.cursor());
                        return;
                    }
                    Step::Again | Step::End => self.stand(id, follower.cursor()),
                }
                self.follow(id);
            }
            Err(error) => match member.machine.store_failed(&error) {
                AfterFailure::ReadAgain(after) => {
                    let recipient = Recipient::Member { id, connection: member.connection };
                    let group = member.group;
                    self.requests.send(self.page_request(group, recipient, follower).after(after));
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
                    self.requests.send(self.page_request(id, recipient, follower).after(after));
                }
                AfterFailure::End(ending) => self.end_group(id, ending),
            },
        }
    }
}
