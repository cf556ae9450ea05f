//! Walks a list of ordinals of an index, in pieces and with jumps.

use std::ops::Range;

use tidings_core::read_desk::Meter;

use crate::file::fault::Fault;
use crate::file::segment::Segment;
use crate::limits::{INDEX_READ_UNITS, ORDINALS_PER_READ};

type ReadPart<'a> = Box<dyn Fn(Range<u32>) -> Result<Vec<u32>, Fault> + Send + Sync + 'a>;

/// A list that ascends, read from its beginning to its end.
pub(crate) struct Ascending<'a> {
    segment: &'a Segment,
    read: ReadPart<'a>,
    len: u32,
    /// The part of the list that is in memory, and where it begins.
    piece: (u32, Vec<u32>),
}

impl<'a> Ascending<'a> {
    /// The list of this length that `read` reads parts of.
    pub(crate) fn new(
        segment: &'a Segment,
        len: u32,
        read: impl Fn(Range<u32>) -> Result<Vec<u32>, Fault> + Send + Sync + 'a,
    ) -> Self {
        Self { segment, read: Box::new(read), len, piece: (0, Vec::new()) }
    }

    /// The first ordinal that is not less than one. To be asked with ever greater ones.
    pub(crate) async fn seek(&mut self, least: u32, meter: &Meter) -> Result<Option<u32>, Fault> {
        let (start, piece) = &self.piece;
        let (mut found, mut end) = (first_from(piece, least), start + piece.len() as u32);
        if found.is_none() && end < self.len {
            (found, end) = self.load(end, least, meter).await?;
        }
        if found.is_none() && end < self.len {
            // It is further on than the next piece: halve the rest.
            let at = self.rank(end, least, meter).await?;
            (found, _) = self.load(at, least, meter).await?;
        }
        Ok(found)
    }

    async fn load(&mut self, at: u32, least: u32, meter: &Meter) -> Result<(Option<u32>, u32), Fault> {
        let piece = (self.read)(at..self.len.min(at.saturating_add(ORDINALS_PER_READ)))?;
        meter.spend(INDEX_READ_UNITS).await;
        // A list that leads back would let a reading go round for ever.
        let before = self.piece.1.last();
        if !piece.is_sorted_by(|one, two| one < two)
            || before.is_some_and(|before| piece.first() <= Some(before) && !piece.is_empty())
        {
            return Err(self.broken());
        }
        let (found, end) = (first_from(&piece, least), at + piece.len() as u32);
        // A list that is shorter than it was said to be has ended.
        if piece.is_empty() {
            self.len = at;
        }
        self.piece = (at, piece);
        Ok((found, end))
    }

    /// The position of the first ordinal that is not less than one, from a position on.
    async fn rank(&self, from: u32, least: u32, meter: &Meter) -> Result<u32, Fault> {
        let (mut low, mut high) = (from, self.len);
        while low < high {
            let middle = low + (high - low) / 2;
            let ordinals = (self.read)(middle..middle + 1)?;
            meter.spend(INDEX_READ_UNITS).await;
            match ordinals.first() {
                Some(ordinal) if *ordinal < least => low = middle + 1,
                _ => high = middle,
            }
        }
        Ok(low)
    }

    fn broken(&self) -> Fault {
        Fault::damaged_index(self.segment.base(), 0, "the records of a list are not in order")
    }
}

fn first_from(piece: &[u32], least: u32) -> Option<u32> {
    piece.get(piece.partition_point(|ordinal| *ordinal < least)).copied()
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use proptest::prelude::*;

    use super::*;
    use crate::file::read::sliced_tests::log;

    /// What a list says when it is asked for some ordinals, and the work.
    fn sought(list: &[u32], asked: &[u32]) -> (Result<Vec<Option<u32>>, Fault>, u64) {
        let view = log().0.view();
        let part = |range: Range<u32>| Ok(list[range.start as usize..range.end as usize].to_vec());
        let mut ascending = Ascending::new(&view.segments[0], list.len() as u32, part);
        let meter = Meter::new(u64::MAX);
        meter.begin_slice(u64::MAX);
        let mut seeking = std::pin::pin!(async {
            let mut found = Vec::new();
            for least in asked {
                found.push(ascending.seek(*least, &meter).await?);
            }
            Ok(found)
        });
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(found) = seeking.as_mut().poll(&mut context) {
                return (found, meter.work());
            }
            meter.begin_slice(u64::MAX);
        }
    }

    #[test]
    fn a_far_ordinal_is_found_by_few_reads() {
        let list: Vec<_> = (0..1_000_000).map(|at| 2 * at).collect();

        let (found, work) = sought(&list, &[3, 1_500_001, 1_500_002, 1_999_998, 1_999_999]);

        let expected = [Some(4), Some(1_500_002), Some(1_500_002), Some(1_999_998), None];
        assert_eq!(found.unwrap(), expected);
        assert!(work < 50 * INDEX_READ_UNITS, "{work} units");
    }

    #[test]
    fn a_list_that_leads_back_is_broken() {
        let mut list: Vec<_> = (0..3_000).collect();
        list[1_500] = 7;
        assert!(sought(&list, &[0, 1_100]).0.is_err());

        // Also where its pieces meet.
        let list: Vec<_> = (1_000..2_000).chain(500..1_500).collect();
        assert!(sought(&list, &[0, 2_000]).0.is_err());
    }

    proptest! {
        #[test]
        fn what_is_found_is_the_first_that_is_not_less(
            list in prop::collection::btree_set(0..9_000_u32, 0..3_000),
            mut asked in prop::collection::vec(0..9_100_u32, 1..20),
        ) {
            let list: Vec<_> = list.into_iter().collect();
            asked.sort_unstable();

            let found = sought(&list, &asked).0.unwrap();

            let first = |least: &u32| list.iter().copied().find(|ordinal| ordinal >= least);
            prop_assert_eq!(found, asked.iter().map(first).collect::<Vec<_>>());
        }
    }
}
