//! A watch: what one reader of an inbox is told, from where it was.

use std::sync::Arc;

use tidings_core::{Cursor, Sequence};

use crate::effect::{Effect, Shown, Unread};
use crate::error::InboxError;
use crate::live::{Behind, Listening};
use crate::shared::Shared;
use crate::sqlite::read::{self, Backlog};
use crate::user::User;

/// Follows the inbox of one user. It owns no queue: where it is behind, it reads the database.
pub struct Watch {
    shared: Arc<Shared>,
    user: User,
    listening: Listening,
    place: Cursor,
    /// Changes were passed over, and are to be read from the database.
    is_behind: bool,
}

/// What a watch tells.
#[derive(Debug, Clone)]
pub struct Update {
    /// What happened, in order.
    pub shown: Vec<Shown>,
    /// The count behind it. The first of a watch always counts, a later one if its version is greater.
    pub unread: Unread,
    /// The place of the log that the reader has come to with it.
    pub place: Cursor,
    /// Whether what happened before can not be told: the reader is to load the list anew.
    pub is_gap: bool,
}

impl Watch {
    pub(crate) fn new(shared: Arc<Shared>, user: User) -> Self {
        // Before the database is read, so nothing between is missed.
        let listening = shared.live.listen(&user);
        let place = crate::item::id(0, 0);
        Self { shared, user, listening, place, is_behind: false }
    }

    /// The beginning: the count, and what was missed since a place.
    ///
    /// # Errors
    ///
    /// When the database cannot be read, or is not there yet.
    pub async fn begin(&mut self, after: Option<Sequence>) -> Result<Update, InboxError> {
        if !*self.shared.ready.borrow() {
            return Err(InboxError::NotReady);
        }
        let user = self.user.clone();
        let backlog =
            self.shared.readers.read(move |connection| read::backlog(connection, &user, after)).await?;
        // It may have been begun anew while this waited, and was empty then.
        if !*self.shared.ready.borrow() {
            return Err(InboxError::NotReady);
        }
        self.is_behind = false;
        Ok(self.take(backlog))
    }

    /// Waits for the next change; none when the inbox has stopped. Cancel safe.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn next(&mut self) -> Result<Option<Update>, InboxError> {
        loop {
            if self.is_behind {
                return self.catch_up().await.map(Some);
            }
            match self.listening.next().await {
                Ok(Some(told)) if told.sequence <= self.place.sequence => {}
                Ok(Some(told)) => match told.effect() {
                    Some(effect) => return Ok(Some(self.of(&effect))),
                    None => self.is_behind = true,
                },
                Ok(None) => return Ok(None),
                Err(Behind) => self.is_behind = true,
            }
        }
    }

    /// The same, if it is there already.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn at_hand(&mut self) -> Result<Option<Update>, InboxError> {
        loop {
            if self.is_behind {
                return self.catch_up().await.map(Some);
            }
            match self.listening.at_hand() {
                Ok(Some(told)) if told.sequence <= self.place.sequence => {}
                Ok(Some(told)) => match told.effect() {
                    Some(effect) => return Ok(Some(self.of(&effect))),
                    None => self.is_behind = true,
                },
                Ok(None) => return Ok(None),
                Err(Behind) => self.is_behind = true,
            }
        }
    }

    /// What was passed over. The reader takes only greater versions by now, and a user who was erased has none: the place stands for it.
    async fn catch_up(&mut self) -> Result<Update, InboxError> {
        let mut update = self.begin(Some(self.place.sequence)).await?;
        if update.unread.version == Sequence::ZERO {
            update.unread.version = update.place.sequence;
        }
        Ok(update)
    }

    /// The place that it has come to.
    pub fn place(&self) -> Cursor {
        self.place
    }

    fn of(&mut self, effect: &Effect) -> Update {
        self.place = effect.place;
        Update { shown: effect.shown.clone(), unread: effect.unread, place: effect.place, is_gap: false }
    }

    fn take(&mut self, backlog: Backlog) -> Update {
        let Backlog { unread, position, shown } = backlog;
        self.place = position;
        Update { is_gap: shown.is_none(), shown: shown.unwrap_or_default(), unread, place: position }
    }
}
