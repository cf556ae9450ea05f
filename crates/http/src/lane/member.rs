//! A member: one parked connection, as small as it can be.

use std::cell::Cell;
use std::io::{ErrorKind, IoSlice, Read, Write};

use mio::net::TcpStream;
use smallvec::SmallVec;
use socket2::SockRef;
use tidings_core::{ConnectionId, Sequence, Session};

use super::batch::{Batch, Framed, Piece};
use super::ids::{GroupId, Seat};
use super::owed::Owed;
use super::parked::Held;
use crate::connection::socket::{Watchman, watch};
use crate::limits::LANE_STRAY_READ_BYTES;
use crate::stream::Ending;
use crate::stream::machine::{Machine, Outlet, Tick};
use crate::unread::UnreadFrames;

/// A parked connection.
pub(super) struct Member<H> {
    pub(super) stream: TcpStream,
    /// The group it sits in, and its seat there.
    pub(super) group: GroupId,
    pub(super) seat: Seat,
    /// Its name on the roster. It tells it from others that had its number.
    pub(super) connection: ConnectionId,
    pub(super) standing: Standing,
    pub(super) machine: Machine,
    /// The client has ended its sending side. Whether it still reads, only bytes of ours can show.
    pub(super) has_finished: bool,
    /// Dropped with the connection.
    pub(super) held: H,
}

/// Where a member stands. Places are in the epoch of its group, unless the group knows better.
pub(super) enum Standing {
    /// At the place of its group.
    Live,
    /// It has a place of its own: everything up to there was written.
    Behind(Sequence),
    /// The socket would block. What is owed completes a chunk, and with it everything up to a place.
    Blocked(Box<Owed>),
    /// The store is being read for it, after its place.
    Reading(Sequence),
}

/// Where a batch leads, and what a lane needs to know to write it.
#[derive(Clone, Copy)]
pub(super) struct Passage<'a> {
    /// Where the member stands before the batch.
    pub(super) before: Sequence,
    /// Where it stands when it has all of it.
    pub(super) through: Sequence,
    pub(super) now: Tick,
    pub(super) unread: &'a UnreadFrames,
    /// Bytes that sockets took in this round, of batches with a large event and of what was owed.
    pub(super) written: &'a Cell<usize>,
    /// Bytes that the last socket took.
    pub(super) took: &'a Cell<usize>,
}

/// What a lane says to a member beside the log.
pub(super) struct Words {
    pub(super) framed: Framed,
    /// Where the member stands, before and after.
    pub(super) place: Sequence,
    /// They tell the client that place.
    pub(super) tells: bool,
}

/// How much of a batch, or of words, a member's socket took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    All,
    Part,
    Nothing,
}

/// Whether a client can send more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SendingSide {
    Open,
    /// It has left, or it only reads from now on.
    Ended,
}

/// What a client has sent that was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    Nothing,
    Bytes,
    /// It has ended its sending side, or the connection.
    End,
}

/// How a write went.
#[derive(Debug, PartialEq, Eq)]
enum Written {
    All,
    /// So many bytes; the socket would block.
    Part(usize),
    /// The peer has gone.
    Gone,
}

impl Passage<'_> {
    fn count(self, batch: &Batch, written: usize) {
        self.took.set(written);
        if batch.is_large() {
            self.written.set(self.written.get() + written);
        }
    }
}

impl<H: Held> Member<H> {
    /// What let it in; none if it is anonymous.
    pub(super) fn session(&self) -> Option<&Session> {
        self.held.session().map(|session| &**session)
    }
}

impl<H> Member<H> {
    pub(super) fn is_live(&self) -> bool {
        matches!(self.standing, Standing::Live)
    }

    pub(super) fn is_blocked(&self) -> bool {
        matches!(self.standing, Standing::Blocked(_))
    }

    pub(super) fn outlet(&self) -> Outlet {
        if self.is_blocked() { Outlet::Blocked } else { Outlet::Open }
    }

    /// The place of its own; none if it stands with its group.
    pub(super) fn own_place(&self) -> Option<Sequence> {
        match &self.standing {
            Standing::Live => None,
            Standing::Behind(place) | Standing::Reading(place) => Some(*place),
            Standing::Blocked(owed) => Some(owed.then),
        }
    }

    /// Writes a batch to a member that stands before it; afterwards it stands after it, or is blocked.
    pub(super) fn deliver(&mut self, batch: &Batch, passage: Passage<'_>) -> Result<Taken, Ending> {
        match write_pieces(&mut self.stream, &batch.pieces) {
            Written::All => {
                passage.count(batch, batch.len());
                if !batch.is_empty() {
                    self.machine.wrote(passage.through, passage.now);
                }
                self.standing = Standing::Behind(passage.through);
                Ok(Taken::All)
            }
            Written::Part(written) => {
                passage.count(batch, written);
                let cut = batch.cut(written);
                let taken = if cut.is_some() { Taken::Part } else { Taken::Nothing };
                let mut owed = cut.unwrap_or_else(|| Owed::nothing(passage.before));
                owed.count_in(passage.unread, batch);
                self.block(owed, passage.now);
                Ok(taken)
            }
            Written::Gone => Err(Ending::ClientGone),
        }
    }

    /// The socket takes no more: the time in which it must take something begins.
    fn block(&mut self, owed: Owed, now: Tick) {
        self.standing = Standing::Blocked(Box::new(owed));
        self.machine.progressed(now);
    }

    /// A member that is still blocked when it is looked at is watched by the lane alone, until it has taken what it is owed.
    pub(super) fn watch_if_blocked(&mut self) {
        if let Standing::Blocked(owed) = &mut self.standing
            && !owed.watched
        {
            owed.watched = true;
            watch(SockRef::from(&self.stream), Watchman::Hub);
        }
    }

    /// What is left to the system is watched by the system.
    pub(super) fn leave_to_system(&self) {
        if matches!(&self.standing, Standing::Blocked(owed) if owed.watched) {
            watch(SockRef::from(&self.stream), Watchman::System);
        }
    }

    /// Writes what is owed. The answer is how many bytes the socket took.
    pub(super) fn settle(&mut self, now: Tick) -> Result<usize, Ending> {
        let Standing::Blocked(owed) = &mut self.standing else { return Ok(0) };
        match write_pieces(&mut self.stream, &owed.pieces) {
            Written::All => {
                let (then, written) = (owed.then, owed.len());
                if owed.watched {
                    watch(SockRef::from(&self.stream), Watchman::System);
                }
                match owed.tells {
                    true => self.machine.wrote(then, now),
                    false => self.machine.progressed(now),
                }
                self.standing = Standing::Behind(then);
                Ok(written)
            }
            Written::Part(0) => Ok(0),
            Written::Part(written) => {
                self.machine.progressed(now);
                owed.advance(written);
                Ok(written)
            }
            Written::Gone => Err(Ending::ClientGone),
        }
    }

    /// The frame of which it is owed the rest must be let go.
    pub(super) fn must_let_go(&self) -> bool {
        matches!(&self.standing, Standing::Blocked(owed) if owed.must_let_go())
    }

    /// Writes words that are no event, unless the socket is blocked. The member stands where it stood.
    pub(super) fn say(&mut self, words: &Words, now: Tick) -> Result<Taken, Ending> {
        if matches!(self.standing, Standing::Blocked(_)) {
            return Ok(Taken::Nothing);
        }
        let Words { framed: Framed { bytes, .. }, place, tells } = words;
        match write(&mut self.stream, bytes) {
            Written::All => {
                match *tells {
                    true => self.machine.wrote(*place, now),
                    false => self.machine.progressed(now),
                }
                Ok(Taken::All)
            }
            Written::Part(0) => {
                self.block(Owed::nothing(*place), now);
                Ok(Taken::Nothing)
            }
            Written::Part(written) => {
                self.block(Owed::rest(&bytes[written..], *place, *tells), now);
                Ok(Taken::Part)
            }
            Written::Gone => Err(Ending::ClientGone),
        }
    }

    /// Writes the last bytes, as many as the socket takes.
    pub(super) fn part_with(&mut self, farewell: &[u8]) {
        write(&mut self.stream, farewell);
    }

    /// Looks whether something has come, without reading it.
    pub(super) fn input(&self) -> Input {
        loop {
            return match self.stream.peek(&mut [0]) {
                Ok(0) => Input::End,
                Ok(_) => Input::Bytes,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => Input::Nothing,
                Err(_) => Input::End,
            };
        }
    }

    /// Reads what the client should not have sent.
    pub(super) fn discard_input(&mut self) -> Result<SendingSide, Ending> {
        let mut stray = [0; LANE_STRAY_READ_BYTES];
        loop {
            match self.stream.read(&mut stray) {
                Ok(0) => return Ok(SendingSide::Ended),
                Ok(count) => self.machine.client_sent(count)?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(SendingSide::Open),
                Err(_) => return Err(Ending::ClientGone),
            }
        }
    }
}

/// Writes as much as the socket takes now. Nearly always there is one piece, and one system call.
fn write_pieces(stream: &mut TcpStream, pieces: &[Piece]) -> Written {
    match pieces {
        [] => Written::All,
        [piece] => write(stream, &piece.bytes),
        pieces => write_together(stream, pieces),
    }
}

/// In one system call, or the end of a chunk would travel in a packet of its own.
fn write_together(stream: &mut TcpStream, pieces: &[Piece]) -> Written {
    let mut slices: SmallVec<[IoSlice<'_>; 8]> =
        pieces.iter().map(|piece| IoSlice::new(&piece.bytes)).collect();
    let (mut left, mut written) = (&mut slices[..], 0);
    while !left.is_empty() {
        match stream.write_vectored(left) {
            Ok(0) => return Written::Gone,
            Ok(count) => {
                written += count;
                IoSlice::advance_slices(&mut left, count);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Written::Part(written),
            Err(_) => return Written::Gone,
        }
    }
    Written::All
}

fn write(stream: &mut TcpStream, bytes: &[u8]) -> Written {
    let mut written = 0;
    while written < bytes.len() {
        match stream.write(&bytes[written..]) {
            Ok(0) => return Written::Gone,
            Ok(count) => written += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Written::Part(written),
            Err(_) => return Written::Gone,
        }
    }
    Written::All
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_as_small_as_ten_thousand_of_them_should_be() {
        // In a debug build a socket is larger.
        let own = size_of::<Member<[usize; 3]>>() - size_of::<TcpStream>();
        assert!(own <= 88 && size_of::<Machine>() == 24, "{own} bytes beside the socket");
    }
}
