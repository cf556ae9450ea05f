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
