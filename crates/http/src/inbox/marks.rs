//! Marks, and what is taken away.

use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use tidings_inbox::limits::IDS_MAX;
use tidings_inbox::{Changed, Inbox, Mark, User, Which};

use super::notify::object;
use super::problem::{item, not_done};
use crate::answer::body::Body;
use crate::answer::json;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;

/// Which items a mark is about: one of these members.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WhichDocument {
    ids: Option<Vec<String>>,
    through: Option<String>,
    all: Option<bool>,
}

#[derive(Serialize)]
struct ChangedDocument {
    unread: u64,
    version: u64,
    changed: u64,
}

/// Reads which items a mark is about.
pub(super) fn which(body: &[u8]) -> Result<Which, Problem> {
    let refused = |detail: String| Problem::new(ProblemType::BadMark, detail);
    let WhichDocument { ids, through, all } = object(body).map_err(refused)?;
    match (ids, through, all) {
        (Some(ids), None, None) if ids.len() <= IDS_MAX => {
            let ids = ids.iter().map(|id| item(id).map(|id| id.sequence.0)).collect::<Result<_, _>>()?;
            Ok(Which::Ids(ids))
        }
        (Some(ids), None, None) => {
            let count = ids.len();
            Err(refused(format!(
                "`ids` has at most {IDS_MAX} ids, and here are {count}; use `through` or `all`"
            )))
        }
        (None, Some(through), None) => Ok(Which::Through(item(&through)?.sequence.0)),
        (None, None, Some(true)) => Ok(Which::All),
        _ => Err(refused("the body has one of `ids`, `through` and `all`, and `all` is `true`".to_owned())),
    }
}

/// Marks items. Those that are not there are passed over.
pub(super) async fn mark(
    inbox: &Inbox,
    user: &User,
    mark: Mark,
    which: Which,
) -> Result<Response<Body>, Problem> {
    let Changed { unread, changed } = inbox.mark(user, mark, which).await.map_err(not_done)?;
    let document = ChangedDocument { unread: unread.count, version: unread.version.0, changed };
    Ok(json::response(StatusCode::OK, &document))
}

/// Takes an item away. One that is not there is gone as well, so a repetition has the same answer.
pub(super) async fn delete(inbox: &Inbox, user: &User, id: &str) -> Result<Response<Body>, Problem> {
    inbox.delete(user, item(id)?.sequence).await.map_err(not_done)?;
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
