//! A connection that leaves a lane for a task.

use std::net::TcpStream;

use bytes::Bytes;
use tidings_core::Follower;
use tidings_core::roster::Attendance;

use super::owed::Unwritten;
use crate::access_log::AccessEntry;
use crate::stream::Ending;
use crate::stream::machine::Past;

/// A connection that a lane has let go.
pub struct Unparked {
    /// In non-blocking mode.
    pub(crate) stream: TcpStream,
    /// The line of the access log.
    pub(crate) entry: Option<AccessEntry>,
    pub(crate) left: Left,
}

/// Why it has left, and what goes on.
pub(crate) enum Left {
    /// Its client has said something, of which nothing was read.
    Called { follower: Follower, attendance: Attendance, past: Past },
    /// The stream has ended, and its client is to be told. Its end is counted.
    Ended {
        ending: Ending,
        /// What comes before the last words.
        unwritten: Unwritten,
        farewell: Bytes,
    },
}
