//! A member: one parked connection, as small as it can be.

use std::io::{ErrorKind, Read, Write};

use bytes::Bytes;
use mio::net::TcpStream;
use tidings_core::Sequence;

use super::batch::Batch;
use super::ids::{GroupId, Seat};
use super::parked::Held;
use crate::limits::{LANE_STRAY_READ_BYTES, SHARED_BYTES_MIN};
use crate::stream::Ending;
use crate::stream::machine::{Machine, Outlet, Tick};

/// A parked connection.
pub(super) struct Member {
    pub(super) stream: TcpStream,
    /// The group it sits in, and its seat there.
    pub(super) group: GroupId,
    pub(super) seat: Seat,
    /// Tells it from others that had its number.
    pub(super) serial: u32,
    pub(super) standing: Standing,
    pub(super) machine: Machine,
    /// Dropped with the connection.
    pub(super) held: Box<dyn Held>,
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

pub(super) struct Owed {
    pub(super) bytes: Bytes,
    pub(super) then: Sequence,
}

/// How much of a batch a member's socket took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    All,
    Part,
    Nothing,
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

impl Owed {
    /// Less than [`SHARED_BYTES_MIN`] is copied, so that one blocked member does not keep a whole batch in memory.
    fn new(bytes: Bytes, then: Sequence) -> Self {
        let bytes = if bytes.len() < SHARED_BYTES_MIN { Bytes::copy_from_slice(&bytes) } else { bytes };
        Self { bytes, then }
    }
}

impl Member {
    pub(super) fn is_live(&self) -> bool {
        matches!(self.standing, Standing::Live)
    }

    pub(super) fn outlet(&self) -> Outlet {
        if matches!(self.standing, Standing::Blocked(_)) { Outlet::Blocked } else { Outlet::Open }
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
    pub(super) fn deliver(
        &mut self,
        batch: &Batch,
        before: Sequence,
        through: Sequence,
        now: Tick,
    ) -> Result<Taken, Ending> {
        match self.write(&batch.bytes) {
            Written::All => {
                if !batch.bytes.is_empty() {
                    self.machine.wrote(through, now);
                }
                self.standing = Standing::Behind(through);
                Ok(Taken::All)
            }
            Written::Part(written) => {
                let cut = batch.cut(written);
                let taken = if cut.is_some() { Taken::Part } else { Taken::Nothing };
                let (bytes, then) = cut.unwrap_or((Bytes::new(), before));
                self.block(bytes, then, now);
                Ok(taken)
            }
            Written::Gone => Err(Ending::ClientGone),
        }
    }

    /// The socket takes no more: the time in which it must take something begins.
    fn block(&mut self, owed: Bytes, then: Sequence, now: Tick) {
        self.standing = Standing::Blocked(Box::new(Owed::new(owed, then)));
        self.machine.progressed(now);
    }

    /// Writes what is owed.
    pub(super) fn settle(&mut self, now: Tick) -> Result<(), Ending> {
        let Standing::Blocked(owed) = &self.standing else { return Ok(()) };
        let (bytes, then) = (owed.bytes.clone(), owed.then);
        match self.write(&bytes) {
            Written::All => {
                // Where nothing was owed, nothing was told.
                match bytes.is_empty() {
                    true => self.machine.progressed(now),
                    false => self.machine.wrote(then, now),
                }
                self.standing = Standing::Behind(then);
            }
            Written::Part(0) => {}
            Written::Part(written) => {
                self.machine.progressed(now);
                if let Standing::Blocked(owed) = &mut self.standing {
                    owed.bytes = bytes.slice(written..);
                }
            }
            Written::Gone => return Err(Ending::ClientGone),
        }
        Ok(())
    }

    /// Writes bytes that are no event, unless the socket is blocked. The member stands where it stood, at `place`.
    pub(super) fn say(&mut self, bytes: &Bytes, place: Sequence, now: Tick) -> Result<(), Ending> {
        if matches!(self.standing, Standing::Blocked(_)) {
            return Ok(());
        }
        match self.write(bytes) {
            Written::All => self.machine.wrote(place, now),
            Written::Part(0) => self.block(Bytes::new(), place, now),
            Written::Part(written) => self.block(bytes.slice(written..), place, now),
            Written::Gone => return Err(Ending::ClientGone),
        }
        Ok(())
    }

    /// Writes the last bytes, as many as the socket takes.
    pub(super) fn part_with(&mut self, farewell: &[u8]) {
        self.write(farewell);
    }

    /// Reads what the client should not have sent.
    pub(super) fn discard_input(&mut self) -> Result<(), Ending> {
        let mut stray = [0; LANE_STRAY_READ_BYTES];
        loop {
            match self.stream.read(&mut stray) {
                Ok(0) => return Err(Ending::ClientGone),
                Ok(count) => self.machine.client_sent(count)?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(_) => return Err(Ending::ClientGone),
            }
        }
    }

    /// Writes as much as the socket takes now.
    fn write(&mut self, bytes: &[u8]) -> Written {
        let mut written = 0;
        while written < bytes.len() {
            match self.stream.write(&bytes[written..]) {
                Ok(0) => return Written::Gone,
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Written::Part(written),
                Err(_) => return Written::Gone,
            }
        }
        Written::All
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_as_small_as_ten_thousand_of_them_should_be() {
        // In a debug build a socket is larger.
        let own = size_of::<Member>() - size_of::<TcpStream>();
        assert!(own <= 72 && size_of::<Machine>() == 24, "{own} bytes beside the socket");
    }
}
