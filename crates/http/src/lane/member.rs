//! A member: one parked connection, as small as it can be.

use std::any::Any;
use std::io::{ErrorKind, Read, Write};

use bytes::Bytes;
use mio::net::TcpStream;
use tidings_core::{Counted, Sequence};

use super::batch::Batch;
use crate::limits::{SHARED_BYTES_MIN, STRAY_BYTES_MAX};

/// How a response body is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Framing {
    /// HTTP/1.1: chunks.
    Chunked,
    /// HTTP/1.0: until the connection closes.
    Raw,
}

/// A parked connection.
pub(super) struct Member {
    pub(super) stream: TcpStream,
    /// The group it sits in, and its seat there.
    pub(super) group: u32,
    pub(super) seat: u32,
    /// Tells it from others that had its number.
    pub(super) serial: u32,
    pub(super) state: State,
    /// The tick at which it was parked.
    pub(super) parked_at: u32,
    /// The last tick at which something was written to it.
    pub(super) written_at: u32,
    /// The newest place it was told.
    pub(super) told: Sequence,
    /// Dropped with the connection.
    pub(super) _held: (Counted, Box<dyn Any + Send>),
}

/// Where a member stands.
pub(super) enum State {
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
    /// The tick of the last progress.
    pub(super) since: u32,
}

/// How a write went.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Written {
    All,
    /// So many bytes; the socket would block.
    Part(usize),
    /// The peer has gone.
    Gone,
}

impl Owed {
    pub(super) fn new(bytes: Bytes, then: Sequence, since: u32) -> Self {
        let bytes = if bytes.len() < SHARED_BYTES_MIN { Bytes::copy_from_slice(&bytes) } else { bytes };
        Self { bytes, then, since }
    }
}

impl Member {
    /// Writes as much as the socket takes now.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Written {
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

    /// Writes a batch to a member that stands before it; afterwards it stands after it, or is blocked.
    /// Whether the connection still is.
    pub(super) fn deliver(&mut self, batch: &Batch, before: Sequence, through: Sequence, tick: u32) -> bool {
        match self.write(&batch.bytes) {
            Written::All => {
                if !batch.bytes.is_empty() {
                    (self.written_at, self.told) = (tick, through);
                }
                self.state = State::Behind(through);
            }
            Written::Part(written) => {
                let (bytes, then) = batch.cut(written).unwrap_or((Bytes::new(), before));
                self.state = State::Blocked(Box::new(Owed::new(bytes, then, tick)));
            }
            Written::Gone => return false,
        }
        true
    }

    /// Writes what is owed. Whether the connection still is.
    pub(super) fn settle(&mut self, tick: u32) -> bool {
        let State::Blocked(owed) = &mut self.state else { return true };
        let bytes = owed.bytes.clone();
        let then = owed.then;
        match self.write(&bytes) {
            Written::All => {
                self.written_at = tick;
                self.told = then;
                self.state = State::Behind(then);
            }
            Written::Part(0) => {}
            Written::Part(written) => {
                if let State::Blocked(owed) = &mut self.state {
                    owed.bytes = bytes.slice(written..);
                    owed.since = tick;
                }
            }
            Written::Gone => return false,
        }
        true
    }

    /// Reads what the client should not have sent. Whether the connection still is.
    pub(super) fn discard_input(&mut self) -> bool {
        let mut stray = [0; STRAY_BYTES_MAX];
        loop {
            match self.stream.read(&mut stray) {
                Ok(0) => return false,
                Ok(count) if count == stray.len() => return false,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
    }
}
