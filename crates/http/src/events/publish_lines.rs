//! `POST /events`: events of many topics, in one append of the log, all or none.

use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode};
use serde::Serialize;
use tidings_core::{BatchPart, BatchProgress, Draft, IdempotencyKey, KeyFields, PublishError, Selector};

use super::batch_hash::BatchHash;
use super::lines_body::{self, Lines};
use super::problem::{another_batch, bad_draft, ending, not_published, too_many_publishes};
use super::publish::{Publisher, excepted, replayed};
use crate::answer::body::Body;
use crate::answer::json;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::front::Front;
use crate::limits::{LINES_BODY_BYTES_MAX, SMALL_BODY_BYTES_MAX};
use crate::request::body::WholeBody;
use crate::request::body_budgets::BodyShare;
use crate::request::body_document::read_document;
use crate::request::content::Content;
use crate::request::idempotency_key::idempotency_key;
use crate::request::query::Query;

/// The parameters, beside those that say who publishes.
pub(crate) const KNOWN: &[&str] = &["except"];

/// A body that was read. Its share of the budget lasts until the events are published or not.
pub(crate) struct LinesRequest<'a> {
    drafts: Vec<Draft>,
    /// The topics of the events, each once.
    pub(crate) topics: Vec<Selector>,
    key: Option<&'a str>,
    _share: BodyShare<'a>,
}

impl<'a> LinesRequest<'a> {
    /// Reads the body, and checks all of its events.
    pub(crate) async fn read<B>(
        front: &'a Front,
        parts: &'a Parts,
        query: &Query<'_>,
        body: B,
    ) -> Result<Self, Problem>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
    {
        if front.drain().has_begun() {
            return Err(ending());
        }
        let key = idempotency_key(&parts.headers)?;
        let excepted = query.one("except")?.map(excepted).transpose()?;
        if Content::of(&parts.headers)? != Content::Lines {
            return Err(Problem::new(ProblemType::UnsupportedMediaType, TAKES_LINES));
        }
        let rules = front.body_rules(&parts.extensions);
        let read = read_document(body, &parts.headers, rules, LINES_BODY_BYTES_MAX).await;
        let WholeBody { data, mut share } = read.map_err(|problem| match problem.problem_type() {
            ProblemType::TooLarge => problem.and("send it in several"),
            _ => problem,
        })?;
        // The events stand beside the body while it is read. Small bodies have room for that beside their share.
        if data.len() > SMALL_BODY_BYTES_MAX {
            share.resize(2 * data.len()).await?;
        }
        let Lines { drafts, topics } = lines_body::read(front.hub(), data, excepted).await?;
        Ok(Self { drafts, topics, key, _share: share })
    }
}

const TAKES_LINES: &str = "this URL takes application/x-ndjson: lines of JSON `{\"topic\",\"data\",\"type\",\"id\"}`; to publish one \
                           event, or a text/event-stream of one topic, send it to /events/{topic}";

/// Publishes the events.
pub(crate) async fn publish(
    front: &Front,
    publisher: Publisher<'_>,
    request: LinesRequest<'_>,
) -> Result<Response<Body>, Problem> {
    let Publisher { credential, sender, let_in } = publisher;
    let LinesRequest { mut drafts, key, .. } = request;
    let key = key.map(|key| IdempotencyKey::parse(KeyFields { credential: &credential, key }));
    let key = key.transpose().map_err(|error| bad_draft(&error))?;
    let_in.check(front).await?;
    let bytes = drafts.iter().map(Draft::bytes).sum::<usize>() as u64;
    let taken = front.shares().publish(sender, drafts.len() as u64, bytes);
    taken.map_err(|limited| too_many_publishes(&limited))?;
    let own_ids: Vec<_> = drafts.iter().map(|draft| draft.id().cloned()).collect();
    let part = key.as_ref().map(|_| whole(&drafts));
    if let (Some(key), Some(part), Some(last)) = (key, part, drafts.pop_if(|_| part.is_some())) {
        drafts.push(last.ending_part(key, part));
    }
    match front.hub().publish_all(drafts).await {
        Ok(published) => Ok(created(published.iter().map(|one| one.id.clone()).collect())),
        Err(PublishError::BatchAt(progress)) if part.is_some_and(|part| is_placed(&part, &progress)) => {
            let mut cursor = progress.last;
            let mut ids: Vec<_> = own_ids
                .iter()
                .rev()
                .map(|own_id| {
                    let id = own_id.as_ref().map_or_else(|| cursor.to_string(), |id| id.as_str().to_owned());
                    // The events of an append stand next to each other.
                    cursor = cursor.previous();
                    id
                })
                .collect();
            ids.reverse();
            Ok(replayed(created(ids)))
        }
        Err(PublishError::KeyReused { .. }) => Err(another_batch()),
        Err(error) => Err(not_published(error)),
    }
}

/// All of them, as the one part of a batch.
fn whole(drafts: &[Draft]) -> BatchPart {
    let mut hash = BatchHash::of_many_topics();
    drafts.iter().for_each(|draft| hash.add_with_topic(draft));
    BatchPart { before: 0, through: hash.events(), digest: hash.digest(), complete: true }
}

/// Whether the log has exactly these events under the key.
fn is_placed(part: &BatchPart, progress: &BatchProgress) -> bool {
    (part.through, part.digest, part.complete) == (progress.through, progress.digest, progress.complete)
}

#[derive(Serialize)]
struct LinesAnswer {
    published: usize,
    ids: Vec<String>,
}

fn created(ids: Vec<String>) -> Response<Body> {
    json::response(StatusCode::CREATED, &LinesAnswer { published: ids.len(), ids })
}
