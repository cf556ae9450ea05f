//! The checksum with which a gzip stream ends (RFC 1952, 2.3.1): of all bytes that its reader has.
//!
//! The checksum of two pieces together is known from those of the pieces. So that of a stream whose events are shared is put together
//! from theirs, without reading a byte again; and a member of a group keeps only in what it differs from the group.

use crc32fast::Hasher;

/// The CRC of some bytes, and their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum {
    crc: u32,
    bytes: u64,
}

impl Sum {
    /// That of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self { crc: crc32fast::hash(bytes), bytes: bytes.len() as u64 }
    }

    /// That of the bytes that it is of, and others behind them.
    #[must_use]
    pub(crate) fn then(self, next: Self) -> Self {
        match (self.bytes, next.bytes) {
            (_, 0) => self,
            (0, _) => next,
            _ => Self { crc: moved(self.crc, next.bytes) ^ next.crc, bytes: self.bytes + next.bytes },
        }
    }

    /// The last eight bytes of a gzip stream.
    pub(crate) fn trailer(self) -> [u8; 8] {
        let mut trailer = [0; 8];
        trailer[..4].copy_from_slice(&self.crc.to_le_bytes());
        // RFC 1952: "the size of the original input data modulo 2^32".
        trailer[4..].copy_from_slice(&(self.bytes as u32).to_le_bytes());
        trailer
    }
}

/// The checksum of a member of a group. While it gets what the group gets, nothing has to be done for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MemberSum {
    /// It stands apart.
    Own(Sum),
    /// It gets what its group gets.
    Shared {
        /// By which bits its CRC differed from that of the group when it joined it. What both got since then moves the difference
        /// and adds none.
        difference: u32,
        /// The bytes that it had had.
        bytes: u64,
        /// The bytes that the group had had.
        of_group: u64,
    },
}

impl MemberSum {
    /// A member that gets what its group gets from now on.
    pub(crate) fn joining(own: Sum, group: Sum) -> Self {
        Self::Shared { difference: own.crc ^ group.crc, bytes: own.bytes, of_group: group.bytes }
    }

    /// That of all that the member has got, if its group has got `group`.
    pub(crate) fn with(self, group: Sum) -> Sum {
        match self {
            Self::Own(own) => own,
            Self::Shared { difference, bytes, of_group } => {
                let together = group.bytes - of_group;
                Sum { crc: moved(difference, together) ^ group.crc, bytes: bytes + together }
            }
        }
    }
}

/// A CRC, or the difference of two, behind which so many bytes come: what they are is added by their own CRC.
fn moved(crc: u32, bytes: u64) -> u32 {
    let mut hasher = Hasher::new_with_initial_len(crc, 0);
    hasher.combine(&Hasher::new_with_initial_len(0, bytes));
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sum_of(pieces: &[Vec<u8>]) -> Sum {
        pieces.iter().fold(Sum::default(), |sum, piece| sum.then(Sum::of(piece)))
    }

    fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
        prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6)
    }

    proptest! {
        #[test]
        fn the_sum_of_pieces_is_that_of_the_whole(pieces in pieces()) {
            prop_assert_eq!(sum_of(&pieces), Sum::of(&pieces.concat()));
        }

        #[test]
        fn a_member_has_the_sum_of_all_that_it_got(
            group_before in pieces(),
            own in pieces(),
            together in pieces(),
            apart in pieces(),
            again in pieces(),
        ) {
            let before = sum_of(&group_before);
            let member = MemberSum::joining(sum_of(&own), before);
            let after = before.then(sum_of(&together));
            let had = [own.concat(), together.concat()].concat();
            prop_assert_eq!(member.with(after), Sum::of(&had));

            let apart_sum = member.with(after).then(sum_of(&apart));
            let member = MemberSum::joining(apart_sum, after);
            let last = after.then(sum_of(&again));
            prop_assert_eq!(member.with(last), Sum::of(&[had, apart.concat(), again.concat()].concat()));
            prop_assert_eq!(MemberSum::Own(apart_sum).with(last), apart_sum);
        }
    }

    #[test]
    fn more_than_four_gigabytes_are_counted_as_the_format_says() {
        let zeros = Sum { crc: crc32fast::hash(&[0; 1 << 16]), bytes: 1 << 16 };
        let doubled = (0..17).fold(zeros, |sum, _| sum.then(sum));

        assert_eq!(doubled.bytes, 1 << 33);
        assert_eq!(doubled.then(Sum::of(b"abc")).trailer()[4..], [3, 0, 0, 0]);
    }
}
