//! Parking: how a connection leaves hyper once its response has begun.
//!
//! The body of the response yields the opening, and when it is asked for more it puts the rest of itself into
//! a slot that the connection can see. From then on the connection is the socket, and what was in the slot.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use bytes::Bytes;
use tidings_core::roster::Attendance;
use tidings_core::{Follower, Session};

use super::batch::{Framing, chunk_frame_bytes};
use crate::access_log::AccessEntry;
use crate::stream::beside::Beside;
use crate::stream::permits::StreamPermit;
use crate::stream::{Coded, Encoder};
use crate::websocket::socket::Socket;

/// What a parked connection goes on with.
pub(crate) struct Leave {
    pub(crate) follower: Follower,
    /// The opening has its first block.
    pub(crate) is_opened: bool,
    /// What it is told beside its subscription, if a task has to carry it for that.
    pub(crate) beside: Option<Box<Beside>>,
    pub(crate) encoder: Encoder,
    pub(crate) framing: Framing,
    /// Whether the stream is compressed.
    pub(crate) coded: Coded,
    /// Counts the subscriber from the moment at which its request was answered.
    pub(crate) attendance: Attendance,
    /// What let the subscriber in; none if it is anonymous.
    pub(crate) session: Option<Arc<Session>>,
    /// Given back when the stream ends.
    pub(crate) permit: Option<StreamPermit>,
    /// The line of the access log, which ends with the stream.
    pub(crate) entry: Option<AccessEntry>,
}

/// Shared by a connection and the response that may leave it. Its presence among a request's extensions says that
/// the connection can be parked.
#[derive(Clone, Default)]
pub(crate) struct ParkingSlot(Arc<Mutex<Option<Leaving>>>);

/// What leaves hyper.
pub(crate) enum Leaving {
    /// A stream, once hyper has written its opening.
    Stream(Leave),
    /// A WebSocket, once hyper has written the answer to its handshake.
    Socket(Box<Socket>),
}

impl ParkingSlot {
    /// Whether a stream waits for hyper to let go of its connection. When a socket comes, hyper lets go by itself.
    pub(crate) fn is_taken(&self) -> bool {
        matches!(*self.lock(), Some(Leaving::Stream(_)))
    }

    pub(crate) fn clear(&self) -> Option<Leaving> {
        self.lock().take()
    }

    pub(crate) fn leave_socket(&self, socket: Box<Socket>) {
        *self.lock() = Some(Leaving::Socket(socket));
    }

    fn lock(&self) -> MutexGuard<'_, Option<Leaving>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body of a response that is about to be parked.
pub(crate) struct Parking {
    opening: Option<Bytes>,
    leave: Option<Leave>,
    slot: ParkingSlot,
}

impl Parking {
    pub(crate) fn new(opening: Bytes, leave: Leave, slot: ParkingSlot) -> Self {
        Self { opening: Some(opening), leave: Some(leave), slot }
    }

    /// The opening, and then nothing ever: the connection looks into the slot after each poll.
    pub(crate) fn poll_opening(&mut self) -> Poll<Option<Bytes>> {
        if let Some(opening) = self.opening.take() {
            self.tell_frame(opening.len());
            return Poll::Ready(Some(opening));
        }
        if let Some(leave) = self.leave.take() {
            *self.slot.lock() = Some(Leaving::Stream(leave));
        }
        Poll::Pending
    }

    /// The access log tells the bytes of a stream with their frames. The body of the response counts the opening itself, whose
    /// frame is written by hyper.
    fn tell_frame(&self, opening_bytes: usize) {
        let Some(Leave { entry: Some(entry), framing: Framing::Chunked, .. }) = &self.leave else { return };
        entry.wrote(chunk_frame_bytes(opening_bytes));
    }
}
