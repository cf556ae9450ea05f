//! A subscriber in a list, which subscribers are meant to end, and why.

use std::time::Duration;

use super::connection_id::ConnectionId;
use super::session::{Session, TokenId, User};
use super::visitor::Visitor;
use crate::event::{Sequence, Topic};
use crate::select::Selectors;

/// A subscriber, as the roster lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscriber {
    /// Its name.
    pub id: ConnectionId,
    /// What it asked for.
    pub selectors: Selectors,
    /// How long it has been subscribed.
    pub age: Duration,
    /// Who it is.
    pub visitor: Visitor,
    /// Where it stands, if the log may have more for it than it was handed.
    pub behind: Option<Sequence>,
}

/// Which subscribers to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// One.
    Connection(ConnectionId),
    /// All of a user.
    User(User),
    /// All that a token has let in.
    Token(TokenId),
    /// All that receive the events of a topic.
    Topic(Topic),
    /// All that were let in by keys which are not taken any more.
    OfEndedKeys,
}

/// Why the roster ends a subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dismissal {
    /// An operator asked for it.
    ByOperator,
    /// What allowed it to read is over.
    AccessEnded,
}

impl Subscriber {
    /// Events of the log, of any topic, that it has not passed yet. `head` is the place of the newest one.
    pub fn lag(&self, head: Sequence) -> u64 {
        self.behind.map_or(0, |place| head.0.saturating_sub(place.0))
    }
}

impl Whom {
    /// Whether a subscriber is meant.
    pub fn means(&self, id: ConnectionId, selectors: &Selectors, session: Option<&Session>) -> bool {
        match self {
            Self::Connection(own) => *own == id,
            Self::User(own) => session.is_some_and(|session| session.user.as_ref() == Some(own)),
            Self::Token(own) => session.is_some_and(|session| session.token_id.as_ref() == Some(own)),
            Self::Topic(topic) => selectors.matches(topic),
            Self::OfEndedKeys => session.is_some_and(Session::is_withdrawn),
        }
    }
}
