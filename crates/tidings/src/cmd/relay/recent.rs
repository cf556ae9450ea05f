//! The ids that the relay made and published last. A source that hands one of them back streams the very topic that is
//! relayed to, so that the relay would publish for ever what it has published.

use std::collections::VecDeque;

use super::carried::is_carried;
use super::upstream::Relayed;
use crate::limits::RECENT_IDS_MAX;

#[derive(Default)]
pub(super) struct Recent {
    ids: VecDeque<String>,
}

impl Recent {
    /// Takes note of what was published.
    pub(super) fn add(&mut self, published: &[Relayed]) {
        for id in published.iter().filter_map(Relayed::carried_id) {
            if self.ids.len() == RECENT_IDS_MAX {
                self.ids.pop_front();
            }
            self.ids.push_back(id.to_owned());
        }
    }

    /// Whether an id of the source is one that was published. Few sources have ids that look so.
    pub(super) fn holds(&self, origin_id: Option<&str>) -> bool {
        origin_id.is_some_and(|id| is_carried(id) && self.ids.iter().any(|own| own == id))
    }
}
