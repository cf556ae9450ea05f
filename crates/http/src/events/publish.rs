//! Stop 1 of the walk: a publish, from the request to the hub and back.

use std::borrow::Cow;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;
use tidings_core::{ConnectionId, DraftFields, KeyFields, Published, Topic};

use super::problem::{bad_draft, ending, not_published, too_many_publishes};
use super::producer::{self, Batch};
use crate::answer::body::Body;
use crate::answer::json;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::front::Front;
use crate::let_in::LetIn;
use crate::limits::SMALL_BODY_BYTES_MAX;
use crate::request::body::{WholeBody, read_whole};
use crate::request::content::Content;
use crate::request::idempotency_key::idempotency_key;
use crate::request::query::Query;
use crate::request::{path, text};
use crate::shares::Sender;

const KNOWN: &[&str] = &["event", "id", "retry", "except"];

/// Tells that a publish was a repetition, and what it repeats was stored before.
const REPLAYED: &str = "idempotency-replayed";

/// `POST /events/{topic}`, as far as its head says it.
pub(crate) struct PublishRequest<'a> {
    pub(crate) topic: Topic,
    pub(crate) query: Query<'a>,
}

impl<'a> PublishRequest<'a> {
    /// `rest` is what stands after `/events/`; `proofs` are parameters that say who publishes.
    pub(crate) fn parse(parts: &'a Parts, rest: &str, proofs: &[&'static str]) -> Result<Self, Problem> {
        let query = Query::parse(parts.uri.query().unwrap_or(""), &[KNOWN, proofs])?;
        Ok(Self { topic: path::topic(rest)?, query })
    }
}

/// Who publishes.
pub(crate) struct Publisher<'a> {
    /// The name of what it has shown; empty if it has shown nothing.
    pub(crate) credential: Cow<'a, str>,
    /// Whose share it takes.
    pub(crate) sender: Sender,
    /// What let it in.
    pub(crate) let_in: LetIn<'a>,
}

/// Publishes the body.
pub(crate) async fn publish<B>(
    front: &Front,
    parts: &Parts,
    publisher: Publisher<'_>,
    request: PublishRequest<'_>,
    body: B,
) -> Result<Response<Body>, Problem>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    if front.drain().has_begun() {
        return Err(ending());
    }
    let Publisher { credential, sender, let_in } = publisher;
    let PublishRequest { topic, query } = request;
    let key = idempotency_key(&parts.headers)?.map(|key| KeyFields { credential: &credential, key });
    let excepted = query.one("except")?.map(excepted).transpose()?;
    let charset = match Content::of(&parts.headers)? {
        Content::Data(charset) => charset,
        Content::Lines => return Err(lines_of_one_topic()),
        Content::Stream => {
            let admission = front.body_admission(&parts.extensions);
            let publish = Batch { topic, key, excepted, sender, let_in };
            // Boxed, or the future of every request would be as large as this one.
            return Box::pin(producer::publish(front, admission, publish, &query, body)).await;
        }
    };
    let fields = DraftFields {
        event_type: query.one("event")?,
        id: query.one("id")?,
        retry_ms: query.one("retry")?.map(retry_ms).transpose()?,
        key,
    };
    // Before the body is read. One that is too large is refused as soon as that is known.
    let bytes_max = front.hub().limits().event_bytes_max as u64;
    let announced = body.size_hint().exact().unwrap_or(0).min(bytes_max);
    front.shares().publish(sender, 1, announced).map_err(|limited| too_many_publishes(&limited))?;
    // The share lasts until the event is published or not.
    let WholeBody { data, mut share } =
        read_whole(body, &parts.headers, &front.body_rules(&parts.extensions)).await?;
    let bytes_of_body = data.len();
    front.shares().add_bytes(sender, (bytes_of_body as u64).saturating_sub(announced));
    let data = text::data(data, charset)?;
    let bytes = data.len();
    let mut draft = front.hub().draft(topic, data, fields).map_err(|error| bad_draft(&error))?;
    if let Some(connection) = excepted {
        draft = draft.excepting(connection);
    }
    // In UTF-8, text of another charset is up to three times as long. Small bodies have room for that beside their share.
    if bytes > bytes_of_body && bytes > SMALL_BODY_BYTES_MAX {
        share.resize(bytes).await?;
    }
    let published = front.hub().publish(draft).await.map_err(not_published)?;
    Ok(created(&published))
}

fn lines_of_one_topic() -> Problem {
    let detail = "the body is many values in one; send it to `POST /events`, where each line is `{\"topic\",\"data\",\"type\",\"id\"}`, \
                  or send each value as an event of its own, in application/json, or as `data: VALUE` and a blank line in \
                  text/event-stream; `tidings pub URL -` publishes each line";
    Problem::new(ProblemType::UnsupportedMediaType, detail)
}

pub(super) fn excepted(text: &str) -> Result<ConnectionId, Problem> {
    let detail = "`except` is the id of a connection, of digits and small letters, which `tidings.open` tells a stream";
    text.parse().map_err(|_| Problem::new(ProblemType::BadConnection, detail))
}

fn retry_ms(text: &str) -> Result<u64, Problem> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let ms = digits.then(|| text.parse().ok()).flatten();
    ms.ok_or_else(|| Problem::new(ProblemType::BadRetry, "`retry` is a number of milliseconds, in digits"))
}

#[derive(Serialize)]
struct PublishAnswer<'a> {
    id: &'a str,
}

fn created(published: &Published) -> Response<Body> {
    let response = json::response(StatusCode::CREATED, &PublishAnswer { id: &published.id });
    if published.repeated { replayed(response) } else { response }
}

/// The answer to a publish that added nothing to the log.
pub(crate) fn replayed(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}
