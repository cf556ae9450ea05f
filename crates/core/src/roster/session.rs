//! A session: what let a subscriber in, and until when it may stay.

use std::net::IpAddr;
use std::sync::Arc;

use super::key_life::KeyLife;
use crate::event::UnixMillis;

/// The user a subscriber was authenticated as.
pub type User = Arc<str>;

/// The name of the token that a subscriber has shown. It is no secret.
pub type TokenId = Arc<str>;

/// What let a subscriber in. All that carry the subscriber share it; an anonymous one has none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Session {
    /// Who it is.
    pub user: Option<User>,
    /// The name of its token.
    pub token_id: Option<TokenId>,
    /// The address of its client, if something on the way told it. Otherwise its connection knows it.
    pub address: Option<IpAddr>,
    /// What its token tells others about the user, as JSON.
    pub info: Option<Arc<str>>,
    /// When it ends. What carries the subscriber looks at this now and then, and ends it soon after.
    pub until: Option<UnixMillis>,
    /// The key that has let it in, if that may be taken away. What carries the subscriber looks at this now and then, too.
    pub key: Option<KeyLife>,
}

impl Session {
    /// The time at which it ended, if that has come.
    pub fn ended_at(&self, now: UnixMillis) -> Option<UnixMillis> {
        self.until.filter(|until| *until <= now)
    }

    /// Whether the key that has let it in is not taken any more.
    pub fn is_withdrawn(&self) -> bool {
        self.key.as_ref().is_some_and(KeyLife::is_over)
    }

    /// Whether it can end while its subscriber is there.
    pub fn can_end(&self) -> bool {
        self.until.is_some() || self.key.is_some()
    }
}
