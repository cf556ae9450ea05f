//! A notice as JSON.

use serde::Serialize;
use serde_json::Value;
use tidings_core::presence::{News, Notice, People, Person};

use crate::answer::json;
use crate::limits::PRESENCE_INFO_BYTES_MAX;

/// Who is there.
#[derive(Serialize)]
struct StateDocument<'a> {
    topic: &'a str,
    users: Vec<PersonDocument<'a>>,
    total: usize,
}

/// Who has come and who has left.
#[derive(Serialize)]
struct ChangeDocument<'a> {
    topic: &'a str,
    joined: Vec<PersonDocument<'a>>,
    left: Vec<PersonDocument<'a>>,
    total: usize,
    /// More have come or left than are listed: `GET /subscriptions` lists who is there.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    more: bool,
}

#[derive(Serialize)]
struct PersonDocument<'a> {
    user: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    info: Option<Value>,
}

/// The data of a notice: one line.
pub(crate) fn text(notice: &Notice) -> String {
    let (topic, total) = (notice.topic.as_str(), notice.total);
    match &notice.news {
        News::State(users) => json::text(&StateDocument { topic, users: list(users), total }),
        News::Change { joined, left } => {
            let more = joined.more || left.more;
            json::text(&ChangeDocument { topic, joined: list(joined), left: list(left), total, more })
        }
    }
}

fn list(people: &People) -> Vec<PersonDocument<'_>> {
    people
        .first
        .iter()
        .map(|Person { user, info }| PersonDocument { user, info: value(info.as_deref()) })
        .collect()
}

/// What a token tells is checked JSON. What an [`Authorizer`](crate::Authorizer) tells need not be, and is left out then.
fn value(info: Option<&str>) -> Option<Value> {
    let info = info.filter(|info| info.len() <= PRESENCE_INFO_BYTES_MAX)?;
    serde_json::from_str(info).ok()
}
