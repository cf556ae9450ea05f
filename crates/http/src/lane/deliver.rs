//! Delivery: from the rings, or from a page of the store, to members.

use bytes::Bytes;
use tidings_core::{Cursor, Delivery, Frame, Reach, Sequence, StoreError};

use super::batch::{Batch, framed};
use super::catch_up::Reader;
use super::lane::Lane;
use super::member::{Framing, State};
use crate::limits::{BATCH_BYTES_MAX, BATCHES_PER_TURN_MAX};
use crate::stream::block;
use crate::stream::drain::{delay, spread};

impl Lane {
    /// Brings all live members of a group up to the head of the rings.
    pub(super) fn deliver(&mut self, number: usize) {
        loop {
            let Some(group) = self.groups.slots.get_mut(number) else { return };
            if group.reading {
                return;
            }
            match group.view.after(group.place, BATCH_BYTES_MAX) {
                Reach::Frames { frames, through } => self.deliver_frames(number, &frames, through),
                Reach::Nothing { through } => {
                    group.place = through;
                    break;
                }
                Reach::Lagged => {
                    group.reading = true;
                    let (reader, after) =
                        (Reader::Group { group: number, serial: group.serial }, group.place);
                    return self.read_store(reader, number, after);
                }
                Reach::Closed => return self.end_group(number),
            }
        }
        self.settle_those_ahead(number);
    }

    fn deliver_frames(&mut self, number: usize, frames: &[Frame], through: Sequence) {
        let group = &self.groups.slots[number];
        let batch = Batch::encode(frames, group.wish.form, group.wish.framing);
        self.deliver_batch(number, &batch, through);
    }

    /// Writes a batch to all live members, and moves the group's place.
    fn deliver_batch(&mut self, number: usize, batch: &Batch, through: Sequence) {
        let group = &mut self.groups.slots[number];
        let before = std::mem::replace(&mut group.place, through);
        let tick = self.sweep.tick();
        let mut gone = Vec::new();
        for seat in &group.members {
            let member = &mut self.members[*seat as usize];
            if !matches!(member.state, State::Live) {
                continue;
            }
            if !member.deliver(batch, before, through, tick) {
                gone.push(*seat as usize);
            } else if matches!(member.state, State::Behind(_)) {
                member.state = State::Live;
            }
        }
        for member in gone {
            self.remove(member);
        }
    }

    fn settle_those_ahead(&mut self, number: usize) {
        let Some(group) = self.groups.slots.get_mut(number) else { return };
        for member in std::mem::take(&mut group.ahead) {
            self.follow(member as usize);
        }
    }

    /// Brings a member that has a place of its own up to its group.
    pub(super) fn follow(&mut self, number: usize) {
        for _ in 0..BATCHES_PER_TURN_MAX {
            let Some(member) = self.members.get_mut(number) else { return };
            let State::Behind(place) = member.state else { return };
            let group = &mut self.groups.slots[member.group as usize];
            match group.view.after(place, BATCH_BYTES_MAX) {
                Reach::Frames { frames, through } => {
                    let batch = Batch::encode(&frames, group.wish.form, group.wish.framing);
                    if !member.deliver(&batch, place, through, self.sweep.tick()) {
                        return self.remove(number);
                    }
                }
                Reach::Nothing { through } if through == group.place && !group.reading => {
                    member.state = State::Live;
                    return;
                }
                Reach::Nothing { through } => {
                    member.state = State::Behind(through);
                    group.ahead.push(number as u32);
                    return;
                }
                Reach::Lagged => {
                    member.state = State::Reading(place);
                    let (serial, group) = (member.serial, member.group as usize);
                    return self.read_store(Reader::Member { member: number, serial }, group, place);
                }
                Reach::Closed => return self.end(number),
            }
        }
        let serial = self.members[number].serial;
        self.turns.push_back((number, serial));
    }

    pub(super) fn hand_to_member(
        &mut self,
        number: usize,
        delivery: Result<Option<Delivery>, StoreError>,
        then: Sequence,
    ) {
        let member = &mut self.members[number];
        let State::Reading(before) = member.state else { return };
        let wish = &self.groups.slots[member.group as usize].wish;
        let Some(batch) = page(delivery, wish.form, wish.framing) else { return self.end(number) };
        if !member.deliver(&batch, before, then, self.sweep.tick()) {
            return self.remove(number);
        }
        self.follow(number);
    }

    pub(super) fn hand_to_group(
        &mut self,
        number: usize,
        delivery: Result<Option<Delivery>, StoreError>,
        then: Sequence,
    ) {
        let group = &mut self.groups.slots[number];
        group.reading = false;
        match page(delivery, group.wish.form, group.wish.framing) {
            Some(batch) => self.deliver_batch(number, &batch, then),
            None => return self.end_group(number),
        }
        self.deliver(number);
    }

    fn end_group(&mut self, number: usize) {
        let members = self.groups.slots.get(number).map(|group| group.members.clone());
        for member in members.unwrap_or_default() {
            self.end(member as usize);
        }
    }

    /// Ends a response in good order, with a word on when to come back.
    pub(super) fn end(&mut self, number: usize) {
        let Some(member) = self.members.get_mut(number) else { return };
        let framing = self.groups.slots[member.group as usize].wish.framing;
        // Whoever is blocked gets what the socket takes: the client resumes by its id.
        if !matches!(member.state, State::Blocked(_)) {
            let delay = delay(self.config.retry, spread(number as u32));
            member.write(&farewell(delay, framing));
        }
        self.remove(number);
    }
}

/// What was read from the store, as bytes; none if it could not be read.
fn page(
    delivery: Result<Option<Delivery>, StoreError>,
    form: tidings_core::Form,
    framing: Framing,
) -> Option<Batch> {
    match delivery {
        Ok(Some(Delivery::Frames(frames))) => Some(Batch::encode(&frames, form, framing)),
        Ok(Some(Delivery::Gap(gap))) => {
            Some(Batch::of_block(framed(&block::gap(&gap), framing), gap.resumes_after.sequence))
        }
        Ok(None) => Some(Batch::of_block(Bytes::new(), Sequence::ZERO)),
        Err(error) => {
            tracing::error!(%error, "a subscription ends because the store cannot be read");
            None
        }
    }
}

fn farewell(retry: std::time::Duration, framing: Framing) -> Vec<u8> {
    let mut bytes = framed(&block::farewell(retry), framing).to_vec();
    if framing == Framing::Chunked {
        bytes.extend_from_slice(b"0\r\n\r\n");
    }
    bytes
}

/// A heartbeat for those who stand at a place, with their place if they were not told it yet.
pub(super) fn heartbeat(cursor: Option<Cursor>, framing: Framing) -> Bytes {
    framed(&block::heartbeat(cursor), framing)
}
