//! An item: a notification in the inbox of one user.

use std::ops::BitOr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidings_core::{Cursor, Epoch, Sequence, UnixMillis};

use crate::notification::Notification;

/// A notification in an inbox.
#[derive(Debug, Clone)]
pub struct Item {
    /// The place of its record: its id, which is the same for all users that were notified at once.
    pub id: Cursor,
    /// When it came.
    pub time: UnixMillis,
    /// What the user has done with it.
    pub flags: Flags,
    /// The sequence of its last change.
    pub version: Sequence,
    /// What it says.
    pub says: Arc<Notification>,
}

/// What a user has done with an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Flags(u8);

impl Flags {
    /// Seen that it is there.
    pub const SEEN: Self = Self(1);
    /// Read it.
    pub const READ: Self = Self(2);
    /// Put it away.
    pub const ARCHIVED: Self = Self(4);

    /// Whether all of these are set.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The others alone.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether it counts as unread.
    pub fn is_unread(self) -> bool {
        !self.has(Self::READ)
    }

    /// As the database has it.
    pub(crate) fn bits(self) -> u8 {
        self.0
    }

    /// From the database.
    pub(crate) fn of_bits(bits: u8) -> Self {
        Self(bits)
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The id of an item whose record has this place.
pub(crate) fn id(epoch: u64, sequence: u64) -> Cursor {
    Cursor::new(Epoch(epoch), Sequence(sequence))
}
