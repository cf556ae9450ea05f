//! The checksums of members whose streams are compressed. Beside them, so that other members are no larger.

use super::ids::MemberId;
use crate::stream::gzip::{MemberSum, Sum};

/// Checksums by the numbers of members. Empty while no stream is compressed.
#[derive(Default)]
pub(super) struct Sums(Vec<Option<MemberSum>>);

impl Sums {
    /// A member has come, with the sum of its opening if its stream is compressed. It stands apart.
    pub(super) fn join(&mut self, id: MemberId, opening: Option<Sum>) {
        if opening.is_some() || id.slot() < self.0.len() {
            self.0.resize(self.0.len().max(id.slot() + 1), None);
            self.0[id.slot()] = opening.map(MemberSum::Own);
        }
    }

    /// From now on it gets what its group gets, which has had `group`.
    pub(super) fn goes_along(&mut self, id: MemberId, group: Sum) {
        self.change(id, |sum| MemberSum::joining(sum.with(group), group));
    }

    /// From now on it gets what is its own. Its group had had `group`.
    pub(super) fn goes_apart(&mut self, id: MemberId, group: Sum) {
        self.change(id, |sum| MemberSum::Own(sum.with(group)));
    }

    /// It was written something that its group was not, which has had `group`.
    pub(super) fn wrote(&mut self, id: MemberId, group: Sum, piece: Sum) {
        self.change(id, |sum| {
            let own = sum.with(group).then(piece);
            match sum {
                MemberSum::Own(_) => MemberSum::Own(own),
                MemberSum::Shared { .. } => MemberSum::joining(own, group),
            }
        });
    }

    /// That of all that it was written, if its group has had `group`.
    pub(super) fn of(&self, id: MemberId, group: Sum) -> Sum {
        let sum = self.0.get(id.slot()).copied().flatten();
        sum.map_or_else(Sum::default, |sum| sum.with(group))
    }

    fn change(&mut self, id: MemberId, change: impl FnOnce(MemberSum) -> MemberSum) {
        if let Some(Some(sum)) = self.0.get_mut(id.slot()) {
            *sum = change(*sum);
        }
    }
}
