//! A carrier: what writes to subscribers, and knows them.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use super::audience::Audience;
use super::connection_id::ConnectionId;
use super::listener::AttendeeCopy;
use super::session::User;
use super::subscriber::{Dismissal, Subscriber, Whom};
use crate::event::Topic;

/// What writes to subscribers, and knows them.
#[async_trait]
pub trait Carrier: Send + Sync + 'static {
    /// Its first subscribers after one of them, at most so many, in the order of their ids. Cancel safe.
    async fn list(&self, after: Option<ConnectionId>, limit: usize) -> Vec<Subscriber>;

    /// Its subscribers that receive the events of a topic, with the first users after one of them, at most so many. Cancel
    /// safe.
    async fn audience(&self, topic: Topic, after: Option<User>, users_max: usize) -> Audience;

    /// Its subscribers that have a user and receive the events of any of these topics. Cancel safe.
    async fn attendees(&self, topics: Arc<BTreeMap<Topic, ()>>) -> Vec<AttendeeCopy>;

    /// Ends those that are meant; the answer is their number. Cancel safety: they are ended all the same.
    async fn dismiss(&self, whom: Whom, why: Dismissal) -> usize;
}
