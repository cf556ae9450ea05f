//! A connection that is handed to a lane.

use std::net::TcpStream;
use std::sync::Arc;

use tidings_core::roster::Attendance;
use tidings_core::{Follower, Session};
use tokio::sync::OwnedSemaphorePermit;

use super::batch::Framing;
use super::unparked::Unparked;
use crate::access_log::AccessEntry;
use crate::stream::machine::Past;
use crate::stream::{Coded, Encoder};

/// A connection whose response head and [opening](Encoder::opening) have been written, and nothing else.
pub struct Parked<H> {
    /// The socket, in non-blocking mode.
    pub stream: TcpStream,
    /// What to write, and from where on.
    pub follower: Follower,
    /// The opening [has its first block](crate::stream::FirstBlock::is_known). Otherwise the client is told its place when
    /// there is nothing for it in the log.
    pub is_opened: bool,
    /// What the task knew that had the stream before; none if the stream begins.
    pub past: Option<Past>,
    /// How events become bytes.
    pub encoder: Encoder,
    /// How the body is delimited.
    pub framing: Framing,
    /// Whether the stream is compressed.
    pub coded: Coded,
    /// Counts the subscriber, from before it was parked.
    pub attendance: Attendance,
    /// The line of the access log, which ends with the connection; none without such a log.
    pub entry: Option<AccessEntry>,
    /// What must live as long as the connection does. It is kept among what the lane knows of the connection: a small
    /// allocation for each of them, made in the midst of requests, would keep memory from being used again.
    pub held: H,
}

/// What a parked connection holds for as long as it lives: permits, and its session if it has one.
pub trait Held: Send + 'static {
    /// What let the connection in; none if it is anonymous.
    fn session(&self) -> Option<&Arc<Session>> {
        None
    }

    /// Whether the client has a way to say something. Then the lane reads nothing from it.
    fn has_way_back(&self) -> bool {
        false
    }

    /// Takes over a connection that [has a way back](Self::has_way_back), because its client has said something, or because it is to be told
    /// the end. Called by the thread of the lane, so it must not wait.
    fn take_over(self, unparked: Unparked)
    where
        Self: Sized,
    {
        drop(unparked);
    }
}

impl Held for () {}

impl Held for Box<dyn Held> {
    fn session(&self) -> Option<&Arc<Session>> {
        self.as_ref().session()
    }
}

/// Nothing but what let the client in.
impl Held for Option<Arc<Session>> {
    fn session(&self) -> Option<&Arc<Session>> {
        self.as_ref()
    }
}

impl Held for OwnedSemaphorePermit {}

/// What is held for a client that is not anonymous.
pub struct HeldFor<H> {
    /// What let it in.
    pub session: Arc<Session>,
    /// What else is held.
    pub held: H,
}

impl<H: Held> Held for HeldFor<H> {
    fn session(&self) -> Option<&Arc<Session>> {
        Some(&self.session)
    }
}
