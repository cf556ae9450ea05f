//! Marks, and what is taken away.

use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use tidings_core::Cursor;
use tidings_inbox::limits::IDS_MAX;
use tidings_inbox::{Changed, Inbox, Mark, User, Which};

use super::at_most::AtMost;
use super::problem::{item, not_done};
use crate::answer::body::Body;
use crate::answer::json;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::request::body_document::object;

/// Which items a mark is about: one of these members.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WhichDocument {
    ids: Option<AtMost<Box<str>, IDS_MAX>>,
    through: Option<String>,
    all: Option<bool>,
}

#[derive(Serialize)]
struct ChangedDocument {
    unread: u64,
    version: u64,
    changed: u64,
}

/// The items that a mark is about, as its sender names them.
pub(super) enum Named {
    Ids(Vec<Cursor>),
    Through(Cursor),
    All,
}

/// Reads which items a mark is about.
pub(super) fn which(body: &[u8]) -> Result<Named, Problem> {
    let refused = |detail: String| Problem::new(ProblemType::BadMark, detail);
    let WhichDocument { ids, through, all } = object(body).map_err(refused)?;
    match (ids, through, all) {
        (Some(AtMost(ids)), None, None) => {
            let named = ids
                .iter()
                .enumerate()
                .map(|(number, id)| item(id).map_err(|problem| problem.about(&format!("`ids[{number}]`"))));
            Ok(Named::Ids(named.collect::<Result<_, _>>()?))
        }
        (None, Some(through), None) => {
            item(&through).map(Named::Through).map_err(|problem| problem.about("`through`"))
        }
        (None, None, Some(true)) => Ok(Named::All),
        (None, None, Some(false)) => Err(refused("`all` is false, and can only be true".to_owned())),
        (None, None, None) => Err(refused("the body has none of `ids`, `through` and `all`".to_owned())),
        _ => Err(refused("the body has more than one of `ids`, `through` and `all`".to_owned())),
    }
}

/// Marks items. Those that are not there are passed over: they are in the inbox no more, or were never in this one.
pub(super) async fn mark(
    inbox: &Inbox,
    user: &User,
    mark: Mark,
    named: Named,
) -> Result<Response<Body>, Problem> {
    let none = Which::Ids(Vec::new());
    let which = match named {
        Named::Ids(ids) => {
            let held = inbox.held(user, ids).await.map_err(not_done)?;
            Which::Ids(held.iter().map(|sequence| sequence.0).collect())
        }
        Named::Through(id) => match inbox.reaches(id) {
            Some(sequence) => Which::Through(sequence.0),
            // Its epoch is so old that only the item itself tells that there was one.
            None => {
                let held = inbox.held(user, vec![id]).await.map_err(not_done)?;
                held.first().map_or(none, |sequence| Which::Through(sequence.0))
            }
        },
        Named::All => Which::All,
    };
    let Changed { unread, changed } = inbox.mark(user, mark, which).await.map_err(not_done)?;
    let document = ChangedDocument { unread: unread.count, version: unread.version.0, changed };
    Ok(json::response(StatusCode::OK, &document))
}

/// Takes an item away. One that is not there is gone as well, so a repetition has the same answer.
pub(super) async fn delete(inbox: &Inbox, user: &User, id: Cursor) -> Result<Response<Body>, Problem> {
    if let Some(sequence) = inbox.held(user, vec![id]).await.map_err(not_done)?.first() {
        inbox.delete(user, *sequence).await.map_err(not_done)?;
    }
    Ok(no_content())
}

/// Takes all away that is known of a user.
pub(super) async fn erase(inbox: &Inbox, user: &User) -> Result<Response<Body>, Problem> {
    inbox.erase(user).await.map_err(not_done)?;
    Ok(no_content())
}

pub(super) fn no_content() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}
