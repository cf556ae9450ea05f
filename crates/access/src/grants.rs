//! What a request may do.

use std::sync::Arc;

use tidings_core::{UnixMillis, User};

use crate::allowed::Allowed;
use crate::credential::Credential;
use crate::key_mark::KeyMark;

/// What a request may do, and who sent it. Nothing in it tells how that was found out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// What it may publish to.
    pub publish: Allowed,
    /// What it may read.
    pub subscribe: Allowed,
    /// The user who sent it, if that is known.
    pub user: Option<User>,
    /// It may see all connections and end them.
    pub admin: bool,
    /// The first moment in which it may do no more of this than anybody.
    pub until: Option<UnixMillis>,
    /// The name of the token that it showed, by which the token can be refused from now on.
    pub token_id: Option<Arc<str>>,
    /// What it showed, by name. None if it showed nothing.
    pub credential: Option<Credential>,
    /// What its token tells others about the user, as JSON.
    pub info: Option<Arc<str>>,
    /// The key that these grants hang on: that which was shown, or which has signed what was shown. A stream ends when its key is taken
    /// away. None if nothing was shown, or if keys go by themselves, as those that are fetched do.
    pub key: Option<KeyMark>,
}

impl Grants {
    /// The same, and what everybody may do.
    #[must_use]
    pub fn beside(mut self, everybody: &Self) -> Self {
        self.publish = self.publish.and(&everybody.publish);
        self.subscribe = self.subscribe.and(&everybody.subscribe);
        self
    }
}
