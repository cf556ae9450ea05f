//! A page of a user's items, and the count.

use http::{Response, StatusCode};
use serde::Serialize;
use tidings_core::Sequence;
use tidings_inbox::limits::PAGE_ITEMS_MAX;
use tidings_inbox::{Inbox, ListRequest, Unread, User, check_kind};

use super::item_document::ItemDocument;
use super::problem::{bad_notification, item, not_done};
use crate::answer::body::Body;
use crate::answer::json;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::limits::INBOX_KINDS_MAX;
use crate::request::query::Query;

pub(super) const KNOWN: &[&str] = &["unread", "archived", "kind", "before", "after", "limit"];

#[derive(Serialize)]
struct ListDocument<'a> {
    items: Vec<ItemDocument<'a>>,
    unread: u64,
    version: u64,
    cursor: Option<String>,
    more: bool,
    position: String,
}

#[derive(Serialize)]
struct CountDocument {
    count: u64,
    version: u64,
}

/// What a list is asked for.
pub(super) fn request(query: &Query<'_>) -> Result<ListRequest, Problem> {
    let kinds: Vec<_> = query.all("kind").map(str::to_owned).collect();
    if kinds.len() > INBOX_KINDS_MAX {
        let detail = format!("a list is of at most {INBOX_KINDS_MAX} kinds");
        return Err(Problem::new(ProblemType::BadNotification, detail));
    }
    for kind in &kinds {
        check_kind(kind).map_err(|error| bad_notification(&error))?;
    }
    Ok(ListRequest {
        unread: flag(query, "unread")?,
        archived: flag(query, "archived")?,
        kinds,
        before: place(query, "before")?,
        after: place(query, "after")?,
        limit: query.one("limit")?.map(limit).transpose()?,
    })
}

fn flag(query: &Query<'_>, name: &'static str) -> Result<Option<bool>, Problem> {
    match query.one(name)? {
        None | Some("") => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(_) => Err(Problem::new(ProblemType::BadFilter, format!("`{name}` is `true` or `false`"))),
    }
}

fn place(query: &Query<'_>, name: &'static str) -> Result<Option<Sequence>, Problem> {
    let text = query.one(name)?.filter(|text| !text.is_empty());
    Ok(text.map(item).transpose()?.map(|id| id.sequence))
}

fn limit(text: &str) -> Result<usize, Problem> {
    let limit = text.parse().ok().filter(|limit| (1..=PAGE_ITEMS_MAX).contains(limit));
    let refuse = || {
        Problem::new(
            ProblemType::BadLimit,
            format!("`limit` is a number of items from 1 to {PAGE_ITEMS_MAX}"),
        )
    };
    limit.ok_or_else(refuse)
}

/// Answers with a page.
pub(super) async fn list(
    inbox: &Inbox,
    user: &User,
    request: ListRequest,
) -> Result<Response<Body>, Problem> {
    let listed = inbox.list(user, request).await.map_err(not_done)?;
    let document = ListDocument {
        items: listed.items.iter().map(ItemDocument::new).collect(),
        unread: listed.unread.count,
        version: listed.unread.version.0,
        cursor: listed.items.last().map(|item| item.id.to_string()),
        more: listed.more,
        position: listed.position.to_string(),
    };
    Ok(json::response(StatusCode::OK, &document))
}

/// Answers with the count.
pub(super) async fn count(inbox: &Inbox, user: &User) -> Result<Response<Body>, Problem> {
    let Unread { count, version } = inbox.unread(user).await.map_err(not_done)?;
    Ok(json::response(StatusCode::OK, &CountDocument { count, version: version.0 }))
}
