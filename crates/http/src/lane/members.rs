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

mod catch_up;
mod delivery;
mod endings;
mod opening;
mod pages;
mod presence;
mod roll_call;
mod way_back;

use std::cell::Cell;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use mio::{Interest, Registry, Token};
use slab::Slab;
use socket2::SockRef;
use tidings_core::ring::Watcher;
use tidings_core::roster::{Attendances, ConnectionId};
use tidings_core::{Clock, Cursor, Hub, Sequence, UnixMillis};

use self::presence::LanePresence;
use self::way_back::Stays;
use super::group::{Group, GroupKey, Groups};
use super::ids::{MemberId, Recipient};
use super::logged::Logged;
use super::member::{Member, SendingSide, Standing, Taken, Words};
use super::page_reader::PageRequests;
use super::parked::{Held, Parked};
use super::post::Post;
use super::sums::Sums;
use super::tally::Tally;
use crate::connection::socket::{Watchman, watch};
use crate::limits::ROUND_BYTES_MAX;
use crate::stream::gzip::Deflater;
use crate::stream::machine::{Due, LogSpan, Machine, Now, Outlet, Rules};
use crate::stream::metrics::StreamMetrics;
use crate::stream::{Ending, Heartbeat, expiry};
use crate::unread::UnreadFrames;

/// All members of a lane.
pub(super) struct Members<H> {
    hub: Hub,
    rules: Rules,
    registry: Registry,
    post: Arc<Post<H>>,
    requests: PageRequests<H>,
    slots: Slab<Member<H>>,
    groups: Groups,
    /// Members and groups that have more to read from the rings than one turn allows.
    turns: VecDeque<Recipient>,
    /// Members for whom there was no time in a round that large events have filled. They go on when all others have been
    /// served.
    large_turns: VecDeque<Recipient>,
    /// Bytes that sockets took in this round, of batches with a large event and of what was owed.
    written: Cell<usize>,
    /// Members that have caught up with the rings and heard nothing, and the place up to which the log holds events that the
    /// rings do not show yet.
    unopened: HashMap<MemberId, Sequence>,
    attendances: Attendances,
    logged: Logged,
    sums: Sums,
    deflater: Deflater,
    presence: LanePresence,
    unread: UnreadFrames,
    /// Members that were ended when they came.
    ended_at_once: u32,
    /// Members have been looked at since readers were told so often to let frames go.
    calls_heard: u64,
    tally: Tally,
    /// The time that an opening tells.
    clock: Arc<dyn Clock>,
    now: Now,
    /// What the log held when the time was set, and what the clock showed.
    log: LogSpan,
    time: UnixMillis,
}

/// What members are made of.
pub(super) struct MembersParts<H> {
    pub(super) hub: Hub,
    pub(super) rules: Rules,
    pub(super) registry: Registry,
    pub(super) post: Arc<Post<H>>,
    pub(super) requests: PageRequests<H>,
    pub(super) unread: UnreadFrames,
    pub(super) deflater: Deflater,
    pub(super) clock: Arc<dyn Clock>,
}

impl<H: Held> Members<H> {
    pub(super) fn new(parts: MembersParts<H>) -> Self {
        let MembersParts { hub, rules, registry, post, requests, unread, deflater, clock } = parts;
        Self {
            attendances: hub.roster().attendances(),
            presence: LanePresence::default(),
            hub,
            rules,
            registry,
            post,
            requests,
            slots: Slab::new(),
            groups: Groups::default(),
            turns: VecDeque::new(),
            large_turns: VecDeque::new(),
            written: Cell::new(0),
            unopened: HashMap::new(),
            logged: Logged::default(),
            sums: Sums::default(),
            deflater,
            calls_heard: unread.calls(),
            ended_at_once: 0,
            unread,
            tally: Tally::default(),
            time: clock.now(),
            clock,
            now: Now { tick: Default::default(), drain: None },
            log: LogSpan::default(),
        }
    }

    pub(super) fn set_time(&mut self, now: Now) {
        self.now = now;
        self.log = self.hub.bounds().into();
        self.time = self.clock.now();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub(super) fn has_turns(&self) -> bool {
        !(self.turns.is_empty() && self.large_turns.is_empty())
    }

    /// Counts anew what is written: when a round of the lane begins, and again before those go on that wait with large events.
    pub(super) fn begin_round(&mut self) {
        self.written.set(0);
    }

    /// So much was written in this round that large events wait for the next.
    fn is_round_full(&self) -> bool {
        self.written.get() >= ROUND_BYTES_MAX
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = MemberId> {
        self.slots.iter().map(|(number, _)| MemberId::of(number))
    }

    /// Takes over a connection.
    pub(super) fn admit(&mut self, parked: Parked<H>) {
        let Parked { stream, follower, is_opened, past, encoder, framing, coded, attendance, entry, held } =
            parked;
        let selectors = follower.selectors().clone();
        let (coding, on_gap) = (coded.coding(), follower.on_gap());
        let key = GroupKey { selectors, encoder, framing, coding, on_gap };
        let mut stream = mio::net::TcpStream::from_std(stream);
        let number = self.slots.vacant_key();
        let interest = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = self.registry.register(&mut stream, Token(number), interest) {
            tracing::warn!(%error, "a connection could not be parked and is closed");
            return;
        }
        watch(SockRef::from(&stream), Watchman::System);
        let (hub, post) = (&self.hub, &self.post);
        let watcher: Arc<dyn Watcher> = post.clone();
        let mut is_new = false;
        let group = self.groups.of(&key, |id| {
            is_new = true;
            (hub.view(&key.selectors, watcher, id.slot()), encoder.in_use(hub))
        });
        if is_new {
            self.watch_presence(group);
        }
        let id = MemberId::of(number);
        let seat = self.groups[group].seat(id);
        let connection = attendance.id();
        let address = || stream.peer_addr().ok().map(|address| address.ip());
        let dismissed =
            self.attendances.take(attendance, &self.groups[group].key.selectors, held.session(), address);
        let place = follower.cursor();
        let begin = if is_opened { Machine::opened } else { Machine::unopened };
        self.slots.insert(Member {
            stream,
            group,
            seat,
            connection,
            standing: Standing::Behind(place.sequence),
            machine: past.map_or_else(
                || begin(place.sequence, self.now.tick),
                |past| Machine::going_on(past, &self.rules, self.now.tick),
            ),
            has_finished: false,
            held,
        });
        self.groups[group].note_epoch(id, place.epoch);
        self.logged.join(id, entry);
        self.sums.join(id, coded.sum());
        self.presence.add_member(group, id);
        // It may be over since its request was answered, or the roster has ended it on its way.
        let expired = || expiry::ending(self.slots[number].session(), self.time);
        match dismissed.map(Ending::from).or_else(expired) {
            Some(ending) => self.end_at_once(id, ending),
            None => self.follow(id),
        }
    }

    /// Looks at a socket that has something to say.
    pub(super) fn socket_is_ready(&mut self, event: &mio::event::Event) {
        let id = MemberId::of(event.token().0);
        let is_round_full = self.is_round_full();
        let Some(member) = self.slots.get_mut(id.slot()) else { return };
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            if member.held.has_way_back() {
                if self.hear(id) == Stays::Not {
                    return;
                }
            } else {
                match member.discard_input() {
                    Err(ending) => return self.end(id, ending),
                    Ok(SendingSide::Open) => {}
                    // Its system has reset the connection. A socket that has heard the end of the other side reads no error.
                    Ok(SendingSide::Ended) if event.is_error() || event.is_write_closed() => {
                        return self.end(id, Ending::ClientGone);
                    }
                    Ok(SendingSide::Ended) => {
                        if !std::mem::replace(&mut member.has_finished, true) {
                            self.probe(id);
                        }
                    }
                }
            }
        }
        let Some(member) = self.slots.get_mut(id.slot()) else { return };
        if event.is_writable()
            && let Standing::Blocked(owed) = &mut member.standing
        {
            if !is_round_full {
                return self.go_on(id);
            }
            // Each byte of the client says again that its socket can be written.
            if !std::mem::replace(&mut owed.has_turn, true) {
                self.large_turns.push_back(Recipient::Member { id, connection: member.connection });
            }
        }
    }

    /// Tells the counters that all lanes share what was counted since it last did.
    pub(super) fn tell_counts(&mut self, metrics: &StreamMetrics) {
        self.tally.tell(metrics, self.hub.metrics());
    }

    fn is_still(&self, id: MemberId, connection: ConnectionId) -> bool {
        self.slots.get(id.slot()).is_some_and(|member| member.connection == connection)
    }

    /// Does what is due for a member.
    pub(super) fn look_at(&mut self, id: MemberId) {
        let Some(member) = self.slots.get_mut(id.slot()) else { return };
        let due = match expiry::ending(member.session(), self.time) {
            Some(ending) => Due::End(ending),
            None => member.machine.due(&self.rules, id.share(), self.now, member.outlet()),
        };
        match due {
            Due::Nothing => member.watch_if_blocked(),
            Due::Heartbeat => self.beat(id),
            Due::End(ending) => {
                if ending.comes_after_events() {
                    let group = member.group;
                    self.deliver(group);
                    // It is not live if its turn was put off.
                    self.follow(id);
                }
                self.end(id, ending);
            }
        }
    }

    /// Finds out whether a client that sends no more has left or only reads: what is written is answered by a reset if its socket
    /// is closed, which is the next that the lane hears of it.
    fn probe(&mut self, id: MemberId) {
        let member = &self.slots[id.slot()];
        let group = &self.groups[member.group];
        let place = member.own_place().unwrap_or_else(|| group.follower.cursor().sequence);
        let framed = group.key.wire(&self.deflater).probe();
        self.say(id, &Words { framed, place, tells: false });
    }

    fn beat(&mut self, id: MemberId) {
        // Nobody wakes a quiet group, so its place may be old.
        let group = self.slots[id.slot()].group;
        self.deliver(group);
        let Some(member) = self.slots.get(id.slot()) else { return };
        // What was delivered says as much as a heartbeat.
        if member.machine.due(&self.rules, id.share(), self.now, member.outlet()) != Due::Heartbeat {
            return;
        }
        let group = &self.groups[group];
        let place = place_of(id, member, group);
        let is_news = member.machine.is_news(place.sequence, self.log, &self.rules, self.now.tick);
        let (whereabouts, is_opened) =
            (self.whereabouts(place, member.connection), member.machine.is_opened());
        let Heartbeat { bytes, tells } = group.key.encoder.heartbeat(whereabouts, is_opened, is_news);
        let framed = group.key.wire(&self.deflater).framed(&bytes);
        self.say(id, &Words { framed, place: place.sequence, tells });
    }

    fn say(&mut self, id: MemberId, words: &Words) {
        let member = &mut self.slots[id.slot()];
        let was_blocked = member.outlet() == Outlet::Blocked;
        let said = member.say(words, self.now.tick);
        // What a socket takes later is counted then.
        if !was_blocked && member.outlet() == Outlet::Open {
            self.logged.wrote(id, words.framed.bytes.len());
        }
        let group = self.groups[member.group].sum;
        match said {
            Ok(Taken::All) => self.sums.wrote(id, group, words.framed.sum),
            Ok(Taken::Part) => {
                self.sums.goes_apart(id, group);
                self.sums.wrote(id, group, words.framed.sum);
            }
            Ok(Taken::Nothing) => self.sums.goes_apart(id, group),
            Err(ending) => self.end(id, ending),
        }
    }
}

/// Where a member stands: everything that was asked for up to there was written, or is owed.
fn place_of<H>(id: MemberId, member: &Member<H>, group: &Group) -> Cursor {
    match member.own_place() {
        None => group.follower.cursor(),
        Some(place) => group.cursor_of(id, place),
    }
}

#[cfg(test)]
mod tests;
