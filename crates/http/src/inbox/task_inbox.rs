//! An inbox that a task tells of, or a poll.

use bytes::Bytes;
use futures_util::FutureExt;
use tidings_core::{Cursor, Sequence};
use tidings_inbox::{Inbox, InboxError, Shown, Update, User, Watch};

use super::blocks::{self, Told};
use crate::stream::Ending;

/// What a stream is told of an inbox. It holds at most one change; what waits behind that is in the inbox.
pub(crate) struct TaskInbox {
    /// Its first blocks, where they are too large for the opening of a stream, and the place that the client has without them.
    first: Option<(Bytes, Cursor)>,
    inbox: Inbox,
    user: User,
    watch: Watch,
    /// A change that was taken, and whose preferences are being read.
    taken: Option<Update>,
    /// The place that the client has come to with the blocks that were handed out.
    place: Cursor,
}

impl TaskInbox {
    /// Watches the inbox of a user, and reads what happened after a place; without a place, the count alone.
    ///
    /// # Errors
    ///
    /// When the database cannot be read; so below.
    pub(super) async fn begin(
        inbox: &Inbox,
        user: User,
        after: Option<Sequence>,
    ) -> Result<(Self, Told), InboxError> {
        let mut watch = inbox.watch(&user);
        let update = watch.begin(after).await?;
        let mut begun =
            Self { first: None, inbox: inbox.clone(), user, watch, place: update.place, taken: Some(update) };
        let told = begun.told().await?;
        Ok((begun, told))
    }

    /// Has blocks told before all others. They lead from a place to the one that it has.
    pub(super) fn begin_with(&mut self, blocks: Bytes, from: Cursor) {
        self.first = Some((blocks, from));
    }

    /// Waits for the next blocks. Cancel safe: a change that was taken is kept until its blocks are there.
    pub(crate) async fn next(&mut self) -> Result<Bytes, Ending> {
        if let Some((blocks, _)) = self.first.take() {
            return Ok(blocks);
        }
        let before = self.place;
        match self.change().await {
            Ok(Some(told)) => Ok(blocks::live(&told, before)),
            Ok(None) => Err(Ending::HubClosed),
            Err(error) => {
                tracing::error!(%error, "streams of inboxes end because the database cannot be read");
                Err(Ending::StoreFailed)
            }
        }
    }

    /// The next blocks, if they are there without a read of the database.
    pub(crate) fn at_hand(&mut self) -> Option<Bytes> {
        if let Some((blocks, _)) = self.first.take() {
            return Some(blocks);
        }
        let update = match self.taken.take() {
            Some(update) => update,
            None => self.watch.at_hand().now_or_never()?.ok()??,
        };
        if update.shown.iter().any(|shown| matches!(shown, Shown::Mutes | Shown::Follows)) {
            return None;
        }
        let before = std::mem::replace(&mut self.place, update.place);
        Some(blocks::live(&Told::without_preferences(update), before))
    }

    /// Waits for the next change; none when the inbox has stopped. Cancel safe.
    pub(super) async fn change(&mut self) -> Result<Option<Told>, InboxError> {
        if self.taken.is_none() {
            self.taken = self.watch.next().await?;
        }
        if self.taken.is_none() {
            return Ok(None);
        }
        self.told().await.map(Some)
    }

    /// The next change, if there is one. Cancel safe.
    pub(super) async fn change_at_hand(&mut self) -> Result<Option<Told>, InboxError> {
        if self.taken.is_none() {
            self.taken = self.watch.at_hand().await?;
        }
        if self.taken.is_none() {
            return Ok(None);
        }
        self.told().await.map(Some)
    }

    /// The place that the client has come to.
    pub(crate) fn place(&self) -> Cursor {
        self.first.as_ref().map_or(self.place, |(_, from)| *from)
    }

    /// The change that was taken, with the preferences that it names as they are now.
    async fn told(&mut self) -> Result<Told, InboxError> {
        let shown = self.taken.iter().flat_map(|update| &update.shown);
        let (mut is_muted, mut follows) = (false, false);
        for shown in shown {
            is_muted |= matches!(shown, Shown::Mutes);
            follows |= matches!(shown, Shown::Follows);
        }
        let muted = if is_muted { Some(self.inbox.mutes(&self.user).await?) } else { None };
        let follows = if follows { Some(self.inbox.follows(&self.user).await?) } else { None };
        let update = self.taken.take().ok_or(InboxError::Stopped)?;
        self.place = update.place;
        Ok(Told { update, muted, follows })
    }
}
