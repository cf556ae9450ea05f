//! The connections that get no echo of an event among those that are delivered: nearly always none.
//!
//! It is made once for a delivery and asked once for each member, so a delivery without such an event costs a member one
//! comparison.

use smallvec::SmallVec;
use tidings_core::{ConnectionId, Delivery};

/// Connections that have another batch than their group.
pub(super) struct Spared(SmallVec<[ConnectionId; 2]>);

impl Spared {
    /// Those that the events of a delivery name.
    pub(super) fn by(delivery: &Delivery) -> Self {
        let mut spared: SmallVec<_> = delivery.events().filter_map(|event| event.draft.excepted()).collect();
        if spared.len() > 1 {
            spared.sort_unstable();
        }
        Self(spared)
    }

    /// Whether this is one of them.
    pub(super) fn has(&self, connection: ConnectionId) -> bool {
        !self.0.is_empty() && self.0.binary_search(&connection).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use tidings_core::contract::fixture::draft;
    use tidings_core::{Cursor, Epoch, Event, Frame, Sequence, UnixMillis};

    use super::*;

    #[test]
    fn each_connection_that_an_event_names_is_spared_and_no_other() {
        let frame = |(number, named): (u64, &Option<u64>)| {
            let draft = draft("a", "x");
            let draft = match named {
                Some(id) => draft.excepting(ConnectionId::new(*id)),
                None => draft,
            };
            let cursor = Cursor::new(Epoch(1), Sequence(number));
            Frame::of(Event { cursor, time: UnixMillis(0), draft })
        };
        for (named, spared) in [
            (&[Some(9), Some(2), None, Some(5), Some(2)][..], &[2, 5, 9][..]),
            (&[None, None], &[]),
            (&[Some(7)], &[7]),
        ] {
            let found = Spared::by(&Delivery::Frames((1..).zip(named).map(frame).collect()));

            let had: Vec<_> = (0..11).filter(|id| found.has(ConnectionId::new(*id))).collect();
            assert_eq!(had, spared);
        }
    }
}
