//! What puts notifications into inboxes: for one user, for many, for those who follow a topic.

use std::sync::Arc;

use tidings_core::{Cursor, Topic};
use tokio::task::spawn_blocking;

use super::Inbox;
use crate::error::InboxError;
use crate::key::CallKey;
use crate::limits::FOLLOWERS_MAX;
use crate::notification::Notification;
use crate::record::{Followers, Keep, Notify, Record};
use crate::user::User;
use crate::writer::{Written, write_once};

/// A notification that is a fact now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notified {
    /// The item; the one that was there already if it is repeated.
    pub id: Cursor,
    /// It was there already, by its dedupe key or its idempotency key.
    pub repeated: bool,
    /// The call was made before, by its idempotency key.
    pub replayed: bool,
    /// The user has muted its kind, and there is no item.
    pub muted: bool,
}

/// Notifications of many users that are a fact now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotifiedMany {
    /// Users that have a new item. None of a call that was made before, so long ago that this is not known any more.
    pub notified: Option<u64>,
    /// The call was made before, by its idempotency key, and nothing has come in now.
    pub repeated: bool,
}

impl Inbox {
    /// Notifies a user. With an idempotency key, the same call again has the same answer and no second item.
    ///
    /// Cancel safety: a dropped call may or may not have notified.
    ///
    /// # Errors
    ///
    /// See [`InboxError`]. But for [`InboxError::Stopped`] nothing was written.
    pub async fn notify(
        &self,
        user: &User,
        says: Notification,
        key: Option<CallKey<'_>>,
    ) -> Result<Notified, InboxError> {
        self.wait_ready().await?;
        let record = Record::Notify(Notify { to: user.clone(), says: says.into(), keep: self.keep() });
        let Written { outcome, last, repeated: replayed } =
            write_once(&self.shared, vec![record], key).await?;
        let outcome = outcome.unwrap_or_default();
        Ok(Notified {
            id: outcome.repeated.unwrap_or(last),
            repeated: replayed || outcome.repeated.is_some(),
            replayed,
            muted: outcome.muted,
        })
    }

    /// Notifies many users, all or none. Users that are named twice are notified once. How many have a new item.
    ///
    /// # Errors
    ///
    /// As for [`notify`](Self::notify).
    pub async fn notify_many(
        &self,
        mut users: Vec<User>,
        says: Notification,
        key: Option<CallKey<'_>>,
    ) -> Result<NotifiedMany, InboxError> {
        self.wait_ready().await?;
        users.sort();
        users.dedup();
        // An event has a bound, and a list of long names does not fit into one.
        let bytes_max = self.shared.hub.limits().event_bytes_max;
        let room =
            bytes_max.saturating_sub(serde_json::to_vec(&says).map_or(0, |text| text.len()) + 200).max(1);
        let says = Arc::new(says);
        let mut records = Vec::new();
        let mut bytes = usize::MAX;
        let mut lists: Vec<Vec<User>> = Vec::new();
        for user in users {
            let more = serde_json::to_string(&user).map_or(0, |text| text.len()) + 1;
            match lists.last_mut().filter(|_| bytes.saturating_add(more) <= room) {
                Some(list) => {
                    bytes += more;
                    list.push(user);
                }
                None => {
                    bytes = more;
                    lists.push(vec![user]);
                }
            }
        }
        records.extend(
            lists
                .into_iter()
                .map(|to| Record::NotifyMany(Notify { to, says: says.clone(), keep: self.keep() })),
        );
        if records.is_empty() {
            return Ok(NotifiedMany { notified: Some(0), repeated: false });
        }
        Ok(NotifiedMany::of(write_once(&self.shared, records, key).await?))
    }

    /// Notifies those who follow a topic at this place of the log. How many have a new item.
    ///
    /// # Errors
    ///
    /// As for [`notify`](Self::notify); and [`InboxError::TooManyFollowers`].
    pub async fn notify_topic(
        &self,
        topic: &Topic,
        says: Notification,
        key: Option<CallKey<'_>>,
    ) -> Result<NotifiedMany, InboxError> {
        self.wait_ready().await?;
        let (shared, counted) = (self.shared.clone(), topic.clone());
        let counted = spawn_blocking(move || shared.projection().followers(&counted));
        let followers = counted.await.map_err(|_| InboxError::Stopped)??;
        if followers > FOLLOWERS_MAX {
            return Err(InboxError::TooManyFollowers { followers });
        }
        let says = Arc::new(says);
        let records = Followers::parts(topic, followers, self.shared.settings.followers_of_record);
        let records = records
            .map(|to| Record::NotifyTopic(Notify { to, says: says.clone(), keep: self.keep() }))
            .collect();
        Ok(NotifiedMany::of(write_once(&self.shared, records, key).await?))
    }

    fn keep(&self) -> Keep {
        Keep { items: self.shared.settings.items_max, unread: self.shared.settings.unread_max }
    }
}

impl NotifiedMany {
    fn of(Written { outcome, repeated, .. }: Written) -> Self {
        Self { notified: outcome.map(|outcome| outcome.notified), repeated }
    }
}
