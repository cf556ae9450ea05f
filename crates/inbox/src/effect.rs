//! What a record has done: to each inbox that it changed, and for whom it was written.

use std::sync::Arc;

use tidings_core::{Cursor, Sequence};

use crate::item::Item;
use crate::notification::Notification;
use crate::record::Mark;
use crate::user::User;

/// The authoritative count of a user's unread items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unread {
    /// How many there are.
    pub count: u64,
    /// The sequence of the last change of the user's inbox; zero if the hub knows nothing of the user. The same on every node.
    pub version: Sequence,
}

/// What a record has done to the inbox of one user.
#[derive(Debug, Clone)]
pub struct Effect {
    /// Whose.
    pub user: User,
    /// The place of the record.
    pub place: Cursor,
    /// What is to be shown of it, in order.
    pub shown: Vec<Shown>,
    /// The count behind it.
    pub unread: Unread,
}

impl Effect {
    /// Bytes that it has in memory, about. What a notification says is not counted if it is `counted`: that of the effect before it.
    pub(crate) fn bytes(&self, counted: &mut Option<Arc<Notification>>) -> usize {
        let of_ids = |ids: &Vec<Cursor>| size_of::<Cursor>() * ids.capacity();
        let shown = self.shown.iter().map(|shown| {
            let more = match shown {
                Shown::Notification(item) => {
                    let is_counted = counted.as_ref().is_some_and(|counted| Arc::ptr_eq(counted, &item.says));
                    let says = if is_counted { 0 } else { item.says.bytes() };
                    *counted = Some(item.says.clone());
                    size_of::<Item>() + says
                }
                Shown::Marked { ids, .. } | Shown::Flags { ids, .. } | Shown::Deleted { ids, .. } => {
                    of_ids(ids)
                }
                Shown::Erased | Shown::Mutes | Shown::Follows => 0,
            };
            size_of::<Shown>() + more
        });
        size_of::<Self>() + self.user.as_str().len() + shown.sum::<usize>()
    }
}

/// A change that a reader sees.
#[derive(Debug, Clone)]
pub enum Shown {
    /// A new item.
    Notification(Box<Item>),
    /// Items are marked.
    Marked {
        /// Which.
        ids: Vec<Cursor>,
        /// As what.
        mark: Mark,
    },
    /// Items as they are now, of a reader that was away.
    Flags {
        /// Which.
        ids: Vec<Cursor>,
        /// What the user has done with all of them.
        flags: crate::item::Flags,
    },
    /// Items are gone.
    Deleted {
        /// Which.
        ids: Vec<Cursor>,
        /// By time or number, and not by the user.
        expired: bool,
    },
    /// All is gone.
    Erased,
    /// The kinds that are muted are others.
    Mutes,
    /// The selectors that are followed are others.
    Follows,
}

/// What came of a record, for its writer.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Users that have a new item.
    pub notified: u64,
    /// The item that had the same dedupe key, so that there is no new one. Of a record for one user.
    pub repeated: Option<Cursor>,
    /// The user has muted the kind, so that there is no new item. Of a record for one user.
    pub muted: bool,
    /// Items that were changed or taken away.
    pub changed: u64,
    /// The count behind it. Of a record of one user.
    pub unread: Unread,
}

/// All that came of a record.
#[derive(Debug, Clone, Default)]
pub(crate) struct Applied {
    pub(crate) outcome: Outcome,
    /// One for each inbox that it changed.
    pub(crate) effects: Vec<Effect>,
    /// The user whose state it was, and as of which sequence, if the rows have taken it: what the log said of the user since is to be
    /// applied behind it.
    pub(crate) took_state: Option<(User, u64)>,
}
