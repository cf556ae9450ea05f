//! What changes the inbox of one user: marks, deletions, preferences.
//!
//! A change that is none is not written: clients send a mark again at will, and each record would stay in the log.

use rusqlite::Connection;
use tidings_core::{Selector, Sequence};
use tokio::time::timeout;

use super::Inbox;
use crate::effect::{Outcome, Unread};
use crate::error::InboxError;
use crate::limits::{FOLLOWS_MAX, HEAD_WAIT_MAX, MUTES_MAX, PATTERNS_MAX};
use crate::record::{Mark, Record, Which};
use crate::sqlite::read;
use crate::user::User;
use crate::writer::write;

/// What came of a change of one inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// The count behind it.
    pub unread: Unread,
    /// Items that are other than before.
    pub changed: u64,
}

impl Inbox {
    /// Marks items. Those that are not there are passed over.
    ///
    /// # Errors
    ///
    /// As for [`notify`](Self::notify).
    pub async fn mark(&self, user: &User, mark: Mark, which: Which) -> Result<Changed, InboxError> {
        let (of, meant) = (user.clone(), which.clone());
        let changes = move |connection: &Connection| read::is_other_marked(connection, &of, mark, &meant);
        self.change(user, Record::Mark { user: user.clone(), mark, which }, changes).await
    }

    /// Takes an item away.
    ///
    /// # Errors
    ///
    /// As for [`notify`](Self::notify).
    pub async fn delete(&self, user: &User, id: Sequence) -> Result<Changed, InboxError> {
        let of = user.clone();
        let changes = move |connection: &Connection| read::has(connection, &of, id);
        self.change(user, Record::Delete { user: user.clone(), ids: vec![id.0] }, changes).await
    }

    /// Takes all away that is known of a user. Nothing reads it from then on; its bytes leave the log with retention.
    ///
    /// # Errors
    ///
    /// As for [`notify`](Self::notify).
    pub async fn erase(&self, user: &User) -> Result<Changed, InboxError> {
        let of = user.clone();
        let changes = move |connection: &Connection| read::is_known(connection, &of);
        self.change(user, Record::Erase { user: user.clone() }, changes).await
    }

    /// Wants notifications of a kind no more, or again.
    ///
    /// # Errors
    ///
    /// As for [`notify`](Self::notify); and [`InboxError::TooMany`].
    pub async fn mute(&self, user: &User, kind: &str, muted: bool) -> Result<Changed, InboxError> {
        if muted {
            check_room(&self.mutes(user).await?, kind, MUTES_MAX, "muted kinds")?;
        }
        let (of, what) = (user.clone(), kind.to_owned());
        let changes =
            move |connection: &Connection| Ok(read::mutes(connection, &of)?.contains(&what) != muted);
        let record = Record::Mute { user: user.clone(), kind: kind.into(), muted };
        self.change(user, record, changes).await
    }

    /// Follows topics, or does not any more.
    ///
    /// # Errors
    ///
    /// As for [`mute`](Self::mute).
    pub async fn follow(
        &self,
        user: &User,
        selector: &Selector,
        follows: bool,
    ) -> Result<Changed, InboxError> {
        if follows {
            let followed = self.follows(user).await?;
            let is_new =
                check_room(&followed, selector.as_str(), FOLLOWS_MAX, "selectors that are followed")?;
            if is_new && selector.topic().is_none() && self.shared.counts.patterns() >= PATTERNS_MAX as u64 {
                return Err(InboxError::TooManyPatterns);
            }
        }
        let (of, what) = (user.clone(), selector.as_str().to_owned());
        let changes =
            move |connection: &Connection| Ok(read::follows(connection, &of)?.contains(&what) != follows);
        let record = Record::Follow { user: user.clone(), selector: selector.as_str().into(), follows };
        self.change(user, record, changes).await
    }

    /// Writes a record, if it changes anything where the log ends now: what is on its way counts, too.
    async fn change(
        &self,
        user: &User,
        record: Record,
        changes: impl Fn(&Connection) -> rusqlite::Result<bool> + Clone + Send + 'static,
    ) -> Result<Changed, InboxError> {
        if !self.read(changes.clone()).await? && self.has_come_to_the_head().await {
            let of = user.clone();
            let unread = self.read(move |connection| {
                let snapshot = connection.unchecked_transaction()?;
                if changes(&snapshot)? { Ok(None) } else { read::unread(&snapshot, &of).map(Some) }
            });
            if let Some(unread) = unread.await? {
                return Ok(Changed { unread, changed: 0 });
            }
        }
        let (outcome, _) = write(&self.shared, vec![record]).await?;
        match outcome {
            Some(Outcome { changed, unread, .. }) => Ok(Changed { unread, changed }),
            // The database was made anew in the meantime, and has it.
            None => Ok(Changed { unread: self.unread(user).await?, changed: 0 }),
        }
    }

    /// Whether the database comes to where the log ends now, within [`HEAD_WAIT_MAX`].
    async fn has_come_to_the_head(&self) -> bool {
        // A write that was answered is applied already, and one that was not may come behind this. So the end of what is shown is enough; the log
        // may reach further by what the follower does not wake for.
        let head = self.shared.hub.shown();
        // It does not wake for what it has no part in.
        self.shared.bell.ring();
        timeout(HEAD_WAIT_MAX, self.shared.progress.applied(head)).await.is_ok_and(|came| came.is_ok())
    }
}

/// Whether it is not held yet. An error if it is not and there is no room.
fn check_room(held: &[String], one: &str, max: usize, what: &'static str) -> Result<bool, InboxError> {
    let is_new = !held.iter().any(|held| held == one);
    if is_new && held.len() >= max {
        return Err(InboxError::TooMany { what, max });
    }
    Ok(is_new)
}
