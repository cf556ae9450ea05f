//! A notice: what all watchers of a topic's presence are told at once.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::event::Topic;
use crate::limits::{PRESENCE_BYTES_MAX, PRESENCE_USERS_MAX};
use crate::roster::User;

/// What watchers of a topic's presence are told. All of them share it.
#[derive(Debug)]
pub struct Notice {
    /// The topic whose users these are.
    pub topic: Topic,
    /// Who is there, or who has come and gone.
    pub news: News,
    /// All users that are there, also those that no list has room for.
    pub total: usize,
    encoded: OnceLock<Bytes>,
}

/// What a notice tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// Who is there. It takes the place of all that was told before.
    State(People),
    /// Who has come and who has left since the last notice.
    Change {
        /// Users that are there now.
        joined: People,
        /// Users that are not there any more.
        left: People,
    },
}

/// A list of users, of which a notice has the first ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct People {
    /// The first ones, in the order of their names.
    pub first: Vec<Person>,
    /// There are more than these.
    pub more: bool,
}

/// A user in a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The user's name.
    pub user: User,
    /// What the user's token tells others, as JSON.
    pub info: Option<Arc<str>>,
}

impl Notice {
    pub(super) fn new(topic: Topic, news: News, total: usize) -> Arc<Self> {
        Arc::new(Self { topic, news, total, encoded: OnceLock::new() })
    }

    /// Its bytes, which the first of its readers makes for all.
    pub fn encoded(&self, encode: impl FnOnce(&Self) -> Bytes) -> Bytes {
        self.encoded.get_or_init(|| encode(self)).clone()
    }
}

impl People {
    /// The first ones of those that come in order, as far as a notice has room.
    pub(super) fn first_of(people: impl Iterator<Item = Person>) -> Self {
        let (mut list, mut bytes) = (Self::default(), 0);
        for person in people {
            bytes += person.user.len() + person.info.as_ref().map_or(0, |info| info.len());
            if list.first.len() == PRESENCE_USERS_MAX || bytes > PRESENCE_BYTES_MAX {
                list.more = true;
                break;
            }
            list.first.push(person);
        }
        list
    }
}
