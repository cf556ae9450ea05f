//! What the access log is told of the members of a lane. Beside them, so that a member is no larger where there is no such log.

use super::ids::MemberId;
use crate::access_log::AccessEntry;

/// Entries by the numbers of members. Empty without an access log.
#[derive(Default)]
pub(super) struct Logged(Vec<Option<AccessEntry>>);

impl Logged {
    /// A member has come.
    pub(super) fn join(&mut self, id: MemberId, entry: Option<AccessEntry>) {
        if entry.is_some() {
            self.0.resize(self.0.len().max(id.slot() + 1), None);
            self.0[id.slot()] = entry;
        }
    }

    /// A member was written so many bytes.
    pub(super) fn wrote(&self, id: MemberId, bytes: usize) {
        if let Some(Some(entry)) = self.0.get(id.slot()) {
            entry.wrote(bytes);
        }
    }

    /// A member has left. Its line is written when nobody has the entry any more.
    pub(super) fn leave(&mut self, id: MemberId) -> Option<AccessEntry> {
        self.0.get_mut(id.slot())?.take()
    }
}
