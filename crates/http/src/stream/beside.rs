//! What a stream is told beside its subscription, or in place of what that delivers: few streams have it, and it is boxed.

use std::sync::Arc;

use bytes::Bytes;
use tidings_core::presence::Notice;
use tidings_core::{Hub, Selectors};

use super::ending::Ending;
use crate::inbox::task_inbox::TaskInbox;
use crate::presence::task_presence::TaskPresence;

/// What tells a stream something beside its subscription.
pub(crate) enum Beside {
    /// Who reads the topics that it watches.
    Presence(TaskPresence),
    /// What happens to an inbox. Its subscription stands for it on the roster, and delivers records that are not for readers: they are
    /// passed over, and the place is that of the inbox.
    Inbox(TaskInbox),
}

/// What it tells.
pub(crate) enum News {
    /// A change of who reads a topic.
    Presence(Arc<Notice>),
    /// Blocks of an inbox, as they are written, or the end of the stream.
    Inbox(Result<Bytes, Ending>),
}

impl Beside {
    /// What a stream of these selectors is told beside its events, if it is anything.
    pub(crate) fn watch(hub: &Hub, selectors: &Selectors) -> Option<Box<Self>> {
        TaskPresence::watch(hub, selectors).map(|presence| Box::new(Self::Presence(presence)))
    }

    /// Waits for the next news. Cancel safe.
    pub(crate) async fn next(&mut self) -> News {
        match self {
            Self::Presence(presence) => News::Presence(presence.next().await),
            Self::Inbox(inbox) => News::Inbox(inbox.next().await),
        }
    }

    /// The inbox that the client is told of, in place of what its subscription delivers.
    pub(crate) fn inbox(&self) -> Option<&TaskInbox> {
        match self {
            Self::Presence(_) => None,
            Self::Inbox(inbox) => Some(inbox),
        }
    }
}
