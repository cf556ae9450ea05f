//! The ids of one page: the first ones after an id, of subscribers that come in any order.

use std::collections::BinaryHeap;

use super::connection_id::ConnectionId;

/// The first ids after one of them, each with what finds its subscriber. Its size has a bound, however many are offered.
pub struct FirstIds<T> {
    after: Option<ConnectionId>,
    limit: usize,
    /// The largest is on top.
    kept: BinaryHeap<(ConnectionId, T)>,
}

impl<T: Ord> FirstIds<T> {
    /// None yet; at most `limit` of them.
    pub fn new(after: Option<ConnectionId>, limit: usize) -> Self {
        Self { after, limit, kept: BinaryHeap::new() }
    }

    /// Keeps an id if it is one of the first.
    pub fn offer(&mut self, id: ConnectionId, finds: T) {
        let has_room = self.kept.len() < self.limit || self.kept.peek().is_some_and(|(last, _)| id < *last);
        if self.after.is_none_or(|after| id > after) && has_room {
            self.kept.push((id, finds));
            if self.kept.len() > self.limit {
                self.kept.pop();
            }
        }
    }

    /// What finds the subscribers, in the order of their ids.
    pub fn in_order(self) -> impl Iterator<Item = T> {
        self.kept.into_sorted_vec().into_iter().map(|(_, finds)| finds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_are_kept_in_order_whatever_the_order_in_which_they_come() {
        for ids in [[1, 2, 3, 4, 5], [5, 4, 3, 2, 1], [3, 5, 1, 4, 2]] {
            let page = |after: Option<u64>, limit| {
                let mut first = FirstIds::new(after.map(ConnectionId::new), limit);
                ids.iter().for_each(|id| first.offer(ConnectionId::new(*id), *id));
                first.in_order().collect::<Vec<_>>()
            };

            assert_eq!(page(None, 2), [1, 2]);
            assert_eq!(page(Some(2), 2), [3, 4]);
            assert_eq!(page(Some(4), 2), [5]);
            assert_eq!(page(Some(5), 2), [0; 0]);
            assert_eq!(page(None, 9), [1, 2, 3, 4, 5]);
        }
    }
}
