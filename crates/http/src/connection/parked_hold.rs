//! What a parked connection holds for as long as it lives.

use std::sync::Arc;

use tidings_core::Session;

use super::places::Place;
use super::sockets::Sockets;
use crate::lane::{Held, Unparked};
use crate::stream::permits::StreamPermit;
use crate::websocket::quiet::QuietSocket;

/// What a parked connection holds: as large as three pointers, because ten thousand of them stand in a lane.
pub(crate) enum ParkedHold {
    /// For a stream whose client has nothing to say.
    Stream { _place: Place, _permit: Option<StreamPermit>, session: Option<Arc<Session>> },
    /// For any other one.
    Apart(Box<HeldApart>),
}

/// What is held apart from a lane, since few need it.
pub(crate) struct HeldApart {
    pub(super) place: Option<Place>,
    pub(super) permit: Option<StreamPermit>,
    pub(super) session: Option<Arc<Session>>,
    /// It is a WebSocket, and goes there when its client says something.
    pub(super) socket: Option<(Arc<Sockets>, QuietSocket)>,
}

impl ParkedHold {
    /// For a stream whose client has nothing to say. Only a connection that nobody counts has no place.
    pub(super) fn of_stream(
        place: Option<Place>,
        permit: Option<StreamPermit>,
        session: Option<Arc<Session>>,
    ) -> Self {
        match place {
            Some(_place) => Self::Stream { _place, _permit: permit, session },
            None => Self::Apart(Box::new(HeldApart { place, permit, session, socket: None })),
        }
    }
}

impl Held for ParkedHold {
    fn session(&self) -> Option<&Arc<Session>> {
        match self {
            Self::Stream { session, .. } => session.as_ref(),
            Self::Apart(held) => held.session.as_ref(),
        }
    }

    fn has_way_back(&self) -> bool {
        match self {
            Self::Stream { .. } => false,
            Self::Apart(held) => held.socket.is_some(),
        }
    }

    fn take_over(self, unparked: Unparked) {
        let Self::Apart(held) = self else { return };
        let HeldApart { place, permit, session, socket } = *held;
        if let Some((sockets, quiet)) = socket {
            sockets.take_back(unparked, quiet, HeldApart { place, permit, session, socket: None });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_as_small_as_ten_thousand_of_them_should_be() {
        assert_eq!(size_of::<ParkedHold>(), size_of::<[usize; 3]>());
    }
}
