//! The ids that the relay made and published last. A source that hands one of them back streams the very topic that is
//! relayed to, so that the relay would publish for ever what it has published.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use super::carried::is_carried;
use super::upstream::Relayed;
use crate::limits::RECENT_IDS_MAX;

#[derive(Default)]
pub(super) struct Recent {
    /// In the order in which they were published.
    ids: VecDeque<Arc<str>>,
    /// The same ids, to find one.
    known: HashSet<Arc<str>>,
}

impl Recent {
    /// Takes note of what was published.
    pub(super) fn add(&mut self, published: &[Relayed]) {
        for id in published.iter().filter_map(Relayed::carried_id) {
            self.note(id.into());
        }
    }

    /// An id that is published again counts from its first time.
    fn note(&mut self, id: Arc<str>) {
        if !self.known.insert(id.clone()) {
            return;
        }
        self.ids.push_back(id);
        if self.ids.len() > RECENT_IDS_MAX
            && let Some(oldest) = self.ids.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    /// Whether an id of the source is one that was published. Few sources have ids that look so.
    pub(super) fn holds(&self, origin_id: Option<&str>) -> bool {
        origin_id.is_some_and(|id| is_carried(id) && self.known.contains(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_id_is_forgotten_and_an_id_that_comes_twice_is_kept_once() {
        let mut recent = Recent::default();
        let id = |number: usize| format!("relay-escaped:{number}");
        for number in (0..=RECENT_IDS_MAX).chain([RECENT_IDS_MAX]) {
            recent.note(id(number).into());
        }

        let held = [0, 1, RECENT_IDS_MAX].map(|number| recent.holds(Some(&id(number))));

        assert_eq!(held, [false, true, true]);
        assert_eq!((recent.ids.len(), recent.known.len()), (RECENT_IDS_MAX, RECENT_IDS_MAX));
    }
}
