//! What is asked of one inbox and needs neither a body nor a stream: lists, counts, preferences, and what is taken away.
//!
//! Each has its parameters and its gate in one table, and is read before anybody is asked who may do it.

use std::time::Duration;

use http::{Method, Response};
use tidings_core::{Cursor, Selector};
use tidings_inbox::{Inbox, ListRequest, User};

use super::granted::{Asked, Gate};
use super::problem::{item_of_path, kind_of_path, user};
use super::{count, list, marks, preferences, stream};
use crate::answer::body::Body;
use crate::answer::problem::Problem;
use crate::request::path::plain_selector;
use crate::request::query::Query;

/// What is asked. Texts are as the URL has them, percent-encoded.
#[derive(Debug)]
pub(crate) enum PlainAction<'a> {
    /// A page of items.
    List,
    /// The count as JSON.
    Count,
    /// The count as an event stream that ends.
    PollCount,
    /// The kinds that are muted.
    Mutes,
    /// The selectors that are followed.
    Follows,
    /// Takes an item away.
    Delete(&'a str),
    /// Mutes a kind, or does not any more.
    Mute(&'a str, bool),
    /// Follows a selector, or does not any more.
    Follow(&'a str, bool),
    /// Takes away all of the user.
    Erase,
}

/// The same, read.
enum Wish {
    List(ListRequest),
    Count,
    PollCount(Duration),
    Mutes,
    Follows,
    Delete(Cursor),
    Mute(String, bool),
    Follow(Selector, bool),
    Erase,
}

impl PlainAction<'_> {
    /// Who may ask for it.
    pub(super) fn gate(&self) -> Gate {
        match self {
            Self::List | Self::Count | Self::PollCount | Self::Mutes | Self::Follows => Gate::Reads,
            Self::Delete(_) | Self::Mute(..) => Gate::Changes,
            Self::Follow(..) | Self::Erase => Gate::Owns,
        }
    }

    fn query<'q>(&self, asked: &Asked<'q>) -> Result<Query<'q>, Problem> {
        match self {
            Self::List => {
                let why = "of the stream, and this request accepts the list; send `Accept: text/event-stream` for it";
                asked.query_beside(list::KNOWN, stream::KNOWN, why)
            }
            Self::PollCount => asked.query(count::KNOWN),
            Self::Count => {
                let why = "of the count that is polled; send `Accept: text/event-stream` for it";
                asked.query_beside(&[], count::KNOWN, why)
            }
            Self::Mutes
            | Self::Follows
            | Self::Delete(_)
            | Self::Mute(..)
            | Self::Follow(..)
            | Self::Erase => asked.query(&[]),
        }
    }

    fn read(&self, inbox: &Inbox, query: &Query<'_>) -> Result<Wish, Problem> {
        Ok(match *self {
            Self::List => Wish::List(list::request(inbox, query)?),
            Self::Count => Wish::Count,
            Self::PollCount => Wish::PollCount(count::pace(query)?),
            Self::Mutes => Wish::Mutes,
            Self::Follows => Wish::Follows,
            Self::Delete(id) => Wish::Delete(item_of_path(id)?),
            Self::Mute(kind, muted) => Wish::Mute(kind_of_path(kind)?, muted),
            Self::Follow(selector, follows) => Wish::Follow(plain_selector(selector)?, follows),
            Self::Erase => Wish::Erase,
        })
    }

    /// Answers it for the user of a path, still encoded.
    pub(super) async fn answer(
        self,
        asked: &Asked<'_>,
        inbox: &Inbox,
        text: &str,
    ) -> Result<Response<Body>, Problem> {
        let query = self.query(asked)?;
        let user = user(text)?;
        let wish = self.read(inbox, &query)?;
        asked.let_in(self.gate(), &query, wish.needs(&user)).await?;
        wish.answer(asked, inbox, &user).await
    }
}

impl Wish {
    /// What its sender must be let in for.
    fn needs(&self, user: &User) -> Vec<Selector> {
        let mut needed = vec![Selector::Topic(user.topic())];
        if let Self::Follow(selector, true) = self {
            // Who follows what may not be read would learn of it by the notifications. Who stops, learns nothing.
            needed.push(selector.clone());
        }
        needed
    }

    async fn answer(self, asked: &Asked<'_>, inbox: &Inbox, user: &User) -> Result<Response<Body>, Problem> {
        match self {
            Self::List(_) if asked.parts.method == Method::HEAD => Ok(list::head()),
            Self::List(request) => list::list(asked.front, inbox, user, request).await,
            Self::Count => list::count(inbox, user).await,
            Self::PollCount(pace) => Ok(count::poll(asked.front, inbox, user, pace).await),
            Self::Mutes => preferences::mutes(inbox, user).await,
            Self::Follows => preferences::follows(inbox, user).await,
            Self::Delete(id) => marks::delete(inbox, user, id).await,
            Self::Mute(kind, muted) => preferences::mute(inbox, user, &kind, muted).await,
            Self::Follow(selector, follows) => preferences::follow(inbox, user, &selector, follows).await,
            Self::Erase => marks::erase(inbox, user).await,
        }
    }
}
