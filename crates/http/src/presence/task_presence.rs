//! The notices of a stream that a task carries.

use std::sync::Arc;

use tidings_core::presence::{Notice, PresenceView};
use tidings_core::ring::Watcher;
use tidings_core::{Hub, Selectors};
use tokio::sync::Notify;

/// What a stream is told of presence.
pub(crate) struct TaskPresence {
    view: PresenceView,
    bell: Arc<Bell>,
    /// For each topic, whether the client knows its state.
    knows: Vec<bool>,
    /// There may be something to look at.
    looks: bool,
}

#[derive(Default)]
struct Bell(Notify);

impl Watcher for Bell {
    fn ring_moved(&self, _key: usize) {
        self.0.notify_one();
    }
}

impl TaskPresence {
    /// Of a stream that asks for presence.
    pub(crate) fn watch(hub: &Hub, selectors: &Selectors) -> Option<Self> {
        let bell = Arc::<Bell>::default();
        let view = hub.presences().watch(selectors, bell.clone(), 0)?;
        let knows = vec![false; view.topics()];
        Some(Self { view, bell, knows, looks: true })
    }

    /// Waits for the next notice. Cancel safe.
    pub(crate) async fn next(&mut self) -> Arc<Notice> {
        loop {
            if self.looks
                && let Some(notice) = self.at_hand()
            {
                return notice;
            }
            self.looks = false;
            self.bell.0.notified().await;
            self.looks = true;
        }
    }

    fn at_hand(&mut self) -> Option<Arc<Notice>> {
        for (topic, knows) in self.knows.iter_mut().enumerate() {
            let look = self.view.look(topic, !*knows);
            // The state is behind the change.
            if let Some(notice) = look.state.or(look.change) {
                *knows = true;
                return Some(notice);
            }
        }
        None
    }
}
