//! A lane: one thread, its members, its clock.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token, Waker};
use slab::Slab;
use tidings_core::ring::Watcher;
use tidings_core::{Hub, Sequence};
use tokio::sync::mpsc;

use super::catch_up::{Behind, Caught, Reader};
use super::group::{Groups, Wish};
use super::lanes::{LaneConfig, Parked};
use super::member::{Member, State};
use super::post::{Letter, Post};
use super::sweep::Sweep;
use crate::limits::READY_SOCKETS_MAX;

/// The token of the post's bell; members have their numbers.
const BELL: Token = Token(usize::MAX);

/// One thread of parked connections.
pub(super) struct Lane {
    pub(super) hub: Hub,
    pub(super) config: LaneConfig,
    pub(super) groups: Groups,
    pub(super) members: Slab<Member>,
    pub(super) sweep: Sweep,
    /// Members that have more to read from the rings than one turn allows.
    pub(super) turns: VecDeque<(usize, u32)>,
    pub(super) serial: u32,
    ending: bool,
    post: Arc<Post>,
    poll: Poll,
    requests: mpsc::UnboundedSender<Behind>,
}

impl Lane {
    pub(super) fn new(
        hub: Hub,
        config: LaneConfig,
        requests: mpsc::UnboundedSender<Behind>,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let post = Post::new(Waker::new(poll.registry(), BELL)?);
        let sweep = Sweep::new(&config);
        let (groups, members, turns) = (Groups::default(), Slab::new(), VecDeque::new());
        Ok(Self {
            hub,
            config,
            groups,
            members,
            sweep,
            turns,
            serial: 0,
            ending: false,
            post,
            poll,
            requests,
        })
    }

    pub(super) fn post(&self) -> Arc<Post> {
        self.post.clone()
    }

    /// Runs until it was told to end and the last member has gone.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(READY_SOCKETS_MAX);
        let (mut letters, mut moved) = (Vec::new(), Vec::new());
        while !(self.ending && self.members.is_empty()) {
            self.wait(&mut events);
            self.post.collect(&mut letters, &mut moved);
            for letter in letters.drain(..) {
                self.open(letter);
            }
            for group in moved.drain(..) {
                self.deliver(group);
            }
            for event in &events {
                if event.token() != BELL {
                    self.attend(event);
                }
            }
            self.take_turns();
            self.sweep_if_due();
        }
    }

    fn wait(&mut self, events: &mut Events) {
        let wait = if self.turns.is_empty() { self.sweep.wait(Instant::now()) } else { Duration::ZERO };
        if let Err(error) = self.poll.poll(events, Some(wait)) {
            if error.kind() != io::ErrorKind::Interrupted {
                tracing::error!(%error, "a lane cannot wait for its sockets");
            }
            events.clear();
        }
    }

    fn open(&mut self, letter: Letter) {
        match letter {
            Letter::Park(parked) => self.admit(*parked),
            Letter::Caught(caught) => self.hand_out(caught),
            Letter::Drain(window) => self.sweep.drain(window),
            Letter::End => self.ending = true,
        }
    }

    fn admit(&mut self, parked: Parked) {
        let Parked { stream, mut subscription, form, framing, held } = parked;
        let wish = Wish {
            selectors: subscription.selectors().clone(),
            form,
            framing,
            on_latest: subscription.on_gap() == tidings_core::OnGap::Latest,
        };
        let mut stream = mio::net::TcpStream::from_std(stream);
        let number = self.members.vacant_key();
        let interest = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = self.poll.registry().register(&mut stream, Token(number), interest) {
            tracing::warn!(%error, "a connection could not be parked and is closed");
            return;
        }
        let (hub, post) = (&self.hub, &self.post);
        let watcher: Arc<dyn Watcher> = post.clone();
        let group = self.groups.of(&wish, |key| hub.view(&wish.selectors, watcher, key));
        let seat = self.groups.slots[group].members.len();
        self.groups.slots[group].members.push(number as u32);
        self.serial = self.serial.wrapping_add(1);
        let after = subscription.cursor().sequence;
        self.members.insert(Member {
            stream,
            group: group as u32,
            seat: seat as u32,
            serial: self.serial,
            state: State::Reading(after),
            parked_at: self.sweep.tick(),
            written_at: self.sweep.tick(),
            told: after,
            _held: (subscription.take_counted(), held),
        });
        // The subscription may hold a page that was read to find its start.
        let reader = Reader::Member { member: number, serial: self.serial };
        if subscription.is_live() {
            self.members[number].state = State::Behind(after);
            self.follow(number);
        } else {
            self.request(Behind { reader, subscription, post: self.post.clone() });
        }
    }

    /// Reads the store for a reader after a place.
    pub(super) fn read_store(&mut self, reader: Reader, group: usize, after: Sequence) {
        let wish = &self.groups.slots[group].wish;
        let subscription = self.hub.resume(&wish.selectors, wish.on_gap(), after);
        self.request(Behind { reader, subscription, post: self.post.clone() });
    }

    fn request(&self, behind: Behind) {
        // Fails only when the readers have ended, and they end after the lanes.
        let _ = self.requests.send(behind);
    }

    fn attend(&mut self, event: &mio::event::Event) {
        let number = event.token().0;
        let Some(member) = self.members.get_mut(number) else { return };
        let readable = event.is_readable() || event.is_read_closed() || event.is_error();
        if readable && !member.discard_input() {
            return self.remove(number);
        }
        if event.is_writable() && matches!(member.state, State::Blocked(_)) {
            match member.settle(self.sweep.tick()) {
                true => self.follow(number),
                false => self.remove(number),
            }
        }
    }

    fn take_turns(&mut self) {
        for _ in 0..self.turns.len() {
            let Some((number, serial)) = self.turns.pop_front() else { return };
            if self.members.get(number).is_some_and(|member| member.serial == serial) {
                self.follow(number);
            }
        }
    }

    pub(super) fn remove(&mut self, number: usize) {
        let Some(mut member) = self.members.try_remove(number) else { return };
        // Fails only for a socket that is not registered.
        let _ = self.poll.registry().deregister(&mut member.stream);
        if let Some(moved) = self.groups.leave(member.group as usize, member.seat as usize) {
            self.members[moved as usize].seat = member.seat;
        }
    }

    fn hand_out(&mut self, caught: Caught) {
        let Caught { reader, delivery, then } = caught;
        match reader {
            Reader::Member { member, serial } => {
                if self.members.get(member).is_some_and(|known| known.serial == serial) {
                    self.hand_to_member(member, delivery, then);
                }
            }
            Reader::Group { group, serial } => {
                if self.groups.slots.get(group).is_some_and(|known| known.serial == serial) {
                    self.hand_to_group(group, delivery, then);
                }
            }
        }
    }
}
