//! A socket whose client says nothing: what is kept of it while a lane has it, and how it wakes and comes to rest.

use std::sync::Arc;

use bytes::Bytes;
use tidings_core::{Session, Subscription};

use super::access::SocketAccess;
use super::pace::Pace;
use crate::access_log::AccessEntry;
use crate::front::Front;
use crate::stream::Coded;
use crate::stream::machine::Past;
use crate::stream::permits::StreamPermit;
use crate::stream::task::Handed;

/// What a socket keeps beside its stream, whatever carries it.
pub(crate) struct QuietSocket {
    /// For the client that the handshake has come from.
    pub(crate) front: Front,
    pub(super) access: SocketAccess,
    /// However often it goes to a lane, its client has one pace.
    pub(super) pace: Pace,
    /// Its messages are compressed, if the client likes, and so are events.
    pub(super) deflates: bool,
}

impl QuietSocket {
    /// How its stream travels.
    pub(crate) fn coded(&self) -> Coded {
        if self.deflates { Coded::Messages } else { Coded::Identity }
    }
}

/// A socket on its way to a driver.
pub(crate) struct Awake {
    pub(crate) quiet: QuietSocket,
    /// The first messages; none if the client was sent them.
    pub(crate) opening: Option<Bytes>,
    pub(crate) subscription: Subscription,
    /// What its lane knew; none if the socket begins.
    pub(crate) past: Option<Past>,
    pub(crate) session: Option<Arc<Session>>,
    pub(crate) permit: Option<StreamPermit>,
    pub(crate) entry: Option<AccessEntry>,
    /// It comes to rest when its client says nothing, because a lane can go on with it.
    pub(crate) may_rest: bool,
}

/// A socket that has come to rest.
pub(crate) struct Resting {
    pub(crate) quiet: QuietSocket,
    pub(crate) handed: Handed,
    pub(crate) entry: Option<AccessEntry>,
}
