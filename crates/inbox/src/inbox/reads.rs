//! What is read of an inbox.

use rusqlite::Connection;
use tidings_core::{Cursor, EpochStatus, Sequence};

use super::Inbox;
use crate::effect::Unread;
use crate::error::InboxError;
use crate::sqlite::read::{self, ListRequest, Listed};
use crate::user::User;
use crate::watch::Watch;

impl Inbox {
    /// The count of a user. Zero for one that the hub has never heard of.
    ///
    /// # Errors
    ///
    /// When the database cannot be read, or is not there yet; so below.
    pub async fn unread(&self, user: &User) -> Result<Unread, InboxError> {
        let user = user.clone();
        self.look_up(move |connection| read::unread(connection, &user)).await
    }

    /// A page of a user's items, newest first.
    ///
    /// # Errors
    ///
    /// As for [`unread`](Self::unread).
    pub async fn list(&self, user: &User, request: ListRequest) -> Result<Listed, InboxError> {
        let user = user.clone();
        self.read(move |connection| read::list(connection, &user, &request)).await
    }

    /// The sequences of those items of a user that are there. An id of another epoch is that of another item, of a log that was put back.
    ///
    /// # Errors
    ///
    /// As for [`unread`](Self::unread).
    pub async fn held(&self, user: &User, ids: Vec<Cursor>) -> Result<Vec<Sequence>, InboxError> {
        let user = user.clone();
        self.look_up(move |connection| read::held(connection, &user, &ids)).await
    }

    /// The sequence up to which an id is one of this log; none if its epoch is not known, or if it is not there yet. What was cut off behind it has the sequences of
    /// other items now.
    pub fn reaches(&self, id: Cursor) -> Option<Sequence> {
        match self.shared.hub.status_of(id.epoch) {
            EpochStatus::Current => {
                Some(id.sequence).filter(|sequence| *sequence <= self.shared.hub.bounds().head.sequence)
            }
            EpochStatus::Ended { at } => Some(id.sequence.min(at)),
            EpochStatus::Unknown => None,
        }
    }

    /// The kinds that a user has muted, sorted.
    ///
    /// # Errors
    ///
    /// As for [`unread`](Self::unread).
    pub async fn mutes(&self, user: &User) -> Result<Vec<String>, InboxError> {
        let user = user.clone();
        self.look_up(move |connection| read::mutes(connection, &user)).await
    }

    /// The selectors that a user follows, sorted.
    ///
    /// # Errors
    ///
    /// As for [`unread`](Self::unread).
    pub async fn follows(&self, user: &User) -> Result<Vec<String>, InboxError> {
        let user = user.clone();
        self.look_up(move |connection| read::follows(connection, &user)).await
    }

    /// Follows the inbox of a user. [`Watch::begin`] is called first.
    pub fn watch(&self, user: &User) -> Watch {
        Watch::new(self.shared.clone(), user.clone())
    }

    /// Whether a place that a reader brings is one of this log. Another one is a gap.
    pub fn knows(&self, place: Cursor) -> bool {
        match self.shared.hub.status_of(place.epoch) {
            EpochStatus::Current => place.sequence <= self.shared.hub.bounds().head.sequence,
            EpochStatus::Ended { at } => place.sequence <= at,
            EpochStatus::Unknown => false,
        }
    }

    /// Reads many rows.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, InboxError> {
        self.wait_ready().await?;
        let read = self.shared.readers.read(read).await?;
        self.still_ready(read)
    }

    /// Reads a few rows.
    async fn look_up<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, InboxError> {
        self.wait_ready().await?;
        let read = self.shared.readers.look_up(read).await?;
        self.still_ready(read)
    }

    /// What was read is of a database that is whole. One that is made anew in the meantime knows of nobody.
    fn still_ready<T>(&self, read: T) -> Result<T, InboxError> {
        if self.is_ready() { Ok(read) } else { Err(InboxError::NotReady) }
    }
}
