//! A request of an operator: its URL, who may send it, and its parameters.

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response};
use tidings_core::limits::ROSTER_PAGE_MAX;

use super::connections::connections;
use super::disconnect::disconnect;
use super::subscriptions::subscriptions;
use crate::access::head::RequestHead;
use crate::answer::body::Body;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::authorize::ParsedRequest;
use crate::front::Front;
use crate::limits::ROSTER_PAGE_DEFAULT;
use crate::request::path;
use crate::request::query::Query;

/// A URL for operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AdminRoute {
    /// `/admin/connections`.
    Connections,
    /// `/admin/disconnect`.
    Disconnect,
    /// `/subscriptions`.
    Subscriptions,
}

impl AdminRoute {
    pub(crate) fn methods(self) -> &'static str {
        match self {
            Self::Connections | Self::Subscriptions => "GET, HEAD, OPTIONS",
            Self::Disconnect => "POST, OPTIONS",
        }
    }

    /// Whether it takes a method, other than OPTIONS.
    pub(crate) fn takes(self, method: &Method) -> bool {
        match self {
            Self::Connections | Self::Subscriptions => method == Method::GET || method == Method::HEAD,
            Self::Disconnect => method == Method::POST,
        }
    }
}

/// Answers a request of an operator.
pub(crate) async fn answer<B>(
    front: &Front,
    route: AdminRoute,
    head: &RequestHead<'_>,
    parts: &Parts,
    body: B,
) -> Result<Response<Body>, Problem>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let proofs = front.proof_parameters();
    let query = |known: &[&'static str]| Query::parse(parts.uri.query().unwrap_or(""), &[known, proofs]);
    match route {
        AdminRoute::Connections => {
            let query = query(&["limit", "after"])?;
            let parsed = ParsedRequest { head, parts, query: &query };
            let_in(front, parts, front.authorize_admin(parsed).await)?;
            let after = query.one("after")?.map(|text| text.parse().map_err(|_| bad_after())).transpose()?;
            connections(front, after, limit(&query, "connections")?).await
        }
        AdminRoute::Disconnect => {
            let query = query(&[])?;
            let parsed = ParsedRequest { head, parts, query: &query };
            let_in(front, parts, front.authorize_admin(parsed).await)?;
            disconnect(front, parts, body).await
        }
        AdminRoute::Subscriptions => {
            let query = query(&["topic", "limit", "after"])?;
            let topic = path::one_topic(&query)?;
            let parsed = ParsedRequest { head, parts, query: &query };
            let_in(front, parts, front.authorize_audience(parsed, &topic).await)?;
            let (after, limit) = (query.one("after")?, limit(&query, "users")?);
            subscriptions(front, &topic, after, limit).await
        }
    }
}

/// Lets in who has shown a grant, or, where no grants are asked for, the publish key: that was checked before.
fn let_in(front: &Front, parts: &Parts, has_grant: Result<bool, Problem>) -> Result<(), Problem> {
    let let_in = match has_grant {
        Ok(false) if front.config().publish_key.is_none() => {
            let detail = "a hub without a publish key and without access settings has no operator; set a publish key, and \
                          send it as `Authorization: Bearer KEY`";
            Err(Problem::new(ProblemType::NoOperator, detail))
        }
        has_grant => has_grant.map(drop),
    };
    let_in.inspect_err(|problem| front.refusal_log().tell(problem, parts.uri.path()))
}

fn limit(query: &Query<'_>, of_what: &str) -> Result<usize, Problem> {
    let Some(text) = query.one("limit")? else { return Ok(ROSTER_PAGE_DEFAULT) };
    let limit = text.parse().ok().filter(|limit| (1..=ROSTER_PAGE_MAX).contains(limit));
    let detail = || format!("`limit` is a number of {of_what} from 1 to {ROSTER_PAGE_MAX}");
    limit.ok_or_else(|| Problem::new(ProblemType::BadLimit, detail()))
}

fn bad_after() -> Problem {
    Problem::new(ProblemType::BadConnection, "`after` is the id of a connection, of digits and small letters")
}
