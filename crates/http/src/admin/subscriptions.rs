//! The users that receive a topic, in pages.

use http::{Response, StatusCode};
use serde::Serialize;
use tidings_core::Topic;

use crate::answer::body::Body;
use crate::answer::json;
use crate::answer::problem::Problem;
use crate::front::Front;
use crate::limits::ROSTER_PAGE_BYTES_MAX;

/// Who receives a topic.
#[derive(Serialize)]
struct SubscriptionsDocument<'a> {
    /// All of them, also those of no user.
    connections: usize,
    users: Vec<UserDocument<'a>>,
    more: bool,
}

#[derive(Serialize)]
struct UserDocument<'a> {
    user: &'a str,
    connections: usize,
}

/// Answers with the users after one of them.
pub(super) async fn subscriptions(
    front: &Front,
    topic: &Topic,
    after: Option<&str>,
    limit: usize,
) -> Result<Response<Body>, Problem> {
    let page = front.hub().roster().audience(topic, after.map(Into::into), limit).await;
    let (mut users, mut bytes) = (Vec::new(), 0);
    for (user, connections) in &page.users {
        bytes += size_of::<UserDocument<'_>>() + user.len();
        users.push(UserDocument { user, connections: *connections });
        if bytes >= ROSTER_PAGE_BYTES_MAX {
            break;
        }
    }
    let more = page.more || users.len() < page.users.len();
    let document = SubscriptionsDocument { connections: page.connections, users, more };
    Ok(json::response(StatusCode::OK, &document))
}
