//! The numbers by which a lane knows its members and groups.

use tidings_core::ConnectionId;

use crate::stream::drain::spread;

/// The number of a member in its lane. A later member may get it again, with another name on the roster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct MemberId(u32);

impl MemberId {
    /// The member in a slot. There are fewer of them than a process can have files.
    pub(super) fn of(slot: usize) -> Self {
        Self(slot as u32)
    }

    pub(super) fn slot(self) -> usize {
        self.0 as usize
    }

    /// Its share of what would otherwise befall all members at once: always the same.
    pub(super) fn share(self) -> f64 {
        spread(self.0)
    }
}

/// The number of a group in its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct GroupId(u32);

impl GroupId {
    /// The group in a slot. There are at most as many as members.
    pub(super) fn of(slot: usize) -> Self {
        Self(slot as u32)
    }

    pub(super) fn slot(self) -> usize {
        self.0 as usize
    }
}

/// A member's place in the list of its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seat(u32);

impl Seat {
    pub(super) fn of(index: usize) -> Self {
        Self(index as u32)
    }

    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A member or all live members of a group, for whom something is done later. The name or the serial tells it from others
/// that had its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recipient {
    Member { id: MemberId, connection: ConnectionId },
    Group { id: GroupId, serial: u32 },
}
