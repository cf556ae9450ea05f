//! A view: one watcher of the presence of some topics. It may stand for many readers that watch the same.

use std::sync::Arc;

use super::notice::Notice;
use super::presences::Presences;

/// A watcher's look at the presence of some topics, for as long as it lives.
pub struct PresenceView {
    pub(super) presences: Arc<Presences>,
    pub(super) id: u64,
    pub(super) topics: usize,
}

/// What there is to tell of one topic.
#[derive(Debug, Default)]
pub struct Look {
    /// What has changed since the last look, for readers that know the state from before.
    pub change: Option<Arc<Notice>>,
    /// Who is there, behind the change: for readers that know no state, if it was asked for or changes were missed.
    pub state: Option<Arc<Notice>>,
    /// Changes were missed, since two came between two looks: all readers need the state.
    pub has_missed: bool,
}

/// What a view has not looked at of one topic: one notice at most, so that a watcher that never looks costs no more.
#[derive(Debug, Default)]
pub(super) enum Unseen {
    #[default]
    Nothing,
    Change(Arc<Notice>),
    Missed,
}

impl PresenceView {
    /// How many topics it watches. They are numbered from zero.
    pub fn topics(&self) -> usize {
        self.topics
    }

    /// Looks at a topic. `wants_state` says that a reader knows no state yet. There is none while it is still being found out
    /// who is there; then the watcher is woken again.
    pub fn look(&self, topic: usize, wants_state: bool) -> Look {
        self.presences.look(self.id, topic, wants_state)
    }
}

impl Drop for PresenceView {
    fn drop(&mut self) {
        self.presences.forget(self.id);
    }
}

impl Unseen {
    pub(super) fn add(&mut self, notice: &Arc<Notice>) {
        *self = match self {
            Self::Nothing => Self::Change(notice.clone()),
            Self::Change(_) | Self::Missed => Self::Missed,
        };
    }
}
