//! A page of a user's items, and the count.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;
use tidings_core::Sequence;
use tidings_inbox::limits::PAGE_ITEMS_MAX;
use tidings_inbox::{Inbox, ListRequest, Listed, Unread, User, check_kind};

use super::item_document::ItemDocument;
use super::problem::{item, not_done};
use crate::answer::body::Body;
use crate::answer::json;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::events::history::answers_full;
use crate::front::Front;
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
pub(super) fn request(inbox: &Inbox, query: &Query<'_>) -> Result<ListRequest, Problem> {
    let kinds: Vec<_> = query.all("kind").filter(|kind| !kind.is_empty()).map(str::to_owned).collect();
    if kinds.len() > INBOX_KINDS_MAX {
        let detail = format!("a list is of at most {INBOX_KINDS_MAX} kinds");
        return Err(Problem::new(ProblemType::BadFilter, detail));
    }
    for kind in &kinds {
        check_kind(kind).map_err(|error| Problem::new(ProblemType::BadFilter, error.to_string()))?;
    }
    Ok(ListRequest {
        unread: flag(query, "unread")?,
        archived: flag(query, "archived")?,
        kinds,
        before: place(inbox, query, "before")?,
        after: place(inbox, query, "after")?,
        limit: query.one("limit")?.filter(|text| !text.is_empty()).map(limit).transpose()?,
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

fn place(inbox: &Inbox, query: &Query<'_>, name: &'static str) -> Result<Option<Sequence>, Problem> {
    let text = query.one(name)?.filter(|text| !text.is_empty());
    // An item may be older than what the log knows of its epochs.
    let id = text.map(item).transpose().map_err(|problem| problem.about(&format!("`{name}`")))?;
    Ok(id.map(|id| inbox.reaches(id).unwrap_or(id.sequence)))
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

/// Answers with a page. What it holds until its client has taken it is of the budget of answers.
pub(super) async fn list(
    front: &Front,
    inbox: &Inbox,
    user: &User,
    request: ListRequest,
) -> Result<Response<Body>, Problem> {
    let read = || async {
        let listed = inbox.list(user, request.clone()).await.map_err(not_done)?;
        Ok(text_of(&listed))
    };
    let text = read().await?;
    let (text, mut taken) = match front.answers().try_take(text.len()) {
        Some(taken) => (text, taken),
        // A page for which there is no room is forgotten, so that those that wait hold nothing, and read again.
        None => {
            let bytes = text.len();
            drop(text);
            let mut taken = front.answers().take(bytes).await.ok_or_else(answers_full)?;
            let text = read().await?;
            let more = text.len().saturating_sub(bytes);
            if more > 0 && !taken.try_grow(more) {
                return Err(answers_full());
            }
            (text, taken)
        }
    };
    taken.shrink_to(text.len());
    let mut response = head();
    *response.body_mut() = Body::full(text).taking(taken);
    Ok(response)
}

fn text_of(listed: &Listed) -> String {
    let document = ListDocument {
        items: listed.items.iter().map(ItemDocument::new).collect(),
        unread: listed.unread.count,
        version: listed.unread.version.0,
        cursor: listed.items.last().map(|item| item.id.to_string()),
        more: listed.more,
        position: listed.position.to_string(),
    };
    json::text(&document) + "\n"
}

/// The answer without a page, as to `HEAD`: its length is not worth the reading.
pub(super) fn head() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let mut response = fresh(response);
    response.headers_mut().append(VARY, HeaderValue::from_static("Accept"));
    response
}

/// An answer that nobody keeps: it is of one user, and of this moment.
pub(super) fn fresh(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store"));
    response
}

/// Answers with the count.
pub(super) async fn count(inbox: &Inbox, user: &User) -> Result<Response<Body>, Problem> {
    let Unread { count, version } = inbox.unread(user).await.map_err(not_done)?;
    let document = CountDocument { count, version: version.0 };
    let mut response = fresh(json::response(StatusCode::OK, &document));
    response.headers_mut().append(VARY, HeaderValue::from_static("Accept"));
    Ok(response)
}
