//! Kinds that a user has muted, and topics that a user follows.

use http::{Response, StatusCode};
use serde::Serialize;
use tidings_core::Selector;
use tidings_inbox::{Inbox, User};

use super::list::fresh;
use super::marks::no_content;
use super::problem::not_done;
use crate::answer::body::Body;
use crate::answer::json;
use crate::answer::problem::Problem;

#[derive(Serialize)]
struct MutesDocument {
    muted: Vec<String>,
}

#[derive(Serialize)]
struct FollowsDocument {
    follows: Vec<String>,
}

/// Answers with the kinds that are muted.
pub(super) async fn mutes(inbox: &Inbox, user: &User) -> Result<Response<Body>, Problem> {
    let muted = inbox.mutes(user).await.map_err(not_done)?;
    Ok(fresh(json::response(StatusCode::OK, &MutesDocument { muted })))
}

/// Answers with the selectors that are followed.
pub(super) async fn follows(inbox: &Inbox, user: &User) -> Result<Response<Body>, Problem> {
    let follows = inbox.follows(user).await.map_err(not_done)?;
    Ok(fresh(json::response(StatusCode::OK, &FollowsDocument { follows })))
}

/// Mutes a kind, or does not any more.
pub(super) async fn mute(
    inbox: &Inbox,
    user: &User,
    kind: &str,
    muted: bool,
) -> Result<Response<Body>, Problem> {
    inbox.mute(user, kind, muted).await.map_err(not_done)?;
    Ok(no_content())
}

/// Follows what a selector matches, or does not any more.
pub(super) async fn follow(
    inbox: &Inbox,
    user: &User,
    selector: &Selector,
    follows: bool,
) -> Result<Response<Body>, Problem> {
    inbox.follow(user, selector, follows).await.map_err(not_done)?;
    Ok(no_content())
}
