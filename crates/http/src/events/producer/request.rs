//! The walk of one request: reads its body piece by piece, has the complete events published, and answers.
//!
//! What counts against the budget of bodies is what a producer holds in memory. Inside an event that has a share of it, the
//! producer must keep the least rate; otherwise it holds next to nothing, and may be silent.

use std::pin::pin;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{Fuse, FusedFuture};
use http::Response;
use tidings_core::{ConnectionId, IdempotencyKey, KeyFields, Topic};

use super::groups::bytes;
use super::progress::Producer;
use crate::answer::body::Body;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::events::problem::{bad_draft, ending, too_many_publishes};
use crate::front::Front;
use crate::let_in::LetIn;
use crate::limits::PRODUCER_SHARE_STEP_BYTES;
use crate::request::body::read_piece;
use crate::request::body_budgets::{Admission, BodyShare};
use crate::request::query::Query;
use crate::shares::Sender;

/// What the head of a request says of all events of its body.
pub(in crate::events) struct Batch<'a> {
    pub(in crate::events) topic: Topic,
    pub(in crate::events) key: Option<KeyFields<'a>>,
    /// The connection that gets no echo of them.
    pub(in crate::events) excepted: Option<ConnectionId>,
    /// Whose share they take.
    pub(in crate::events) sender: Sender,
    /// What let the request in. Each group is held to it.
    pub(in crate::events) let_in: LetIn<'a>,
}

pub(in crate::events) async fn publish<B>(
    front: &Front,
    admission: Admission<'_>,
    batch: Batch<'_>,
    query: &Query<'_>,
    mut body: B,
) -> Result<Response<Body>, Problem>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    refuse_fields(query)?;
    let hub = front.hub();
    let Batch { topic, key, excepted, sender, let_in } = batch;
    let key = key.map(IdempotencyKey::parse).transpose().map_err(|error| bad_draft(&error))?;
    let mut producer = Producer::new(hub, topic, key, excepted);
    let mut share = admission.admit(0).await?;
    let mut watched = None;
    let mut group = pin!(Fuse::terminated());
    loop {
        producer.decode();
        if group.is_terminated() {
            match producer.next_group() {
                Some(drafts) => {
                    let share = || front.shares().publish(sender, drafts.len() as u64, bytes(&drafts) as u64);
                    let taken = let_in.check(front).await;
                    let taken = taken.and_then(|()| share().map_err(|limited| too_many_publishes(&limited)));
                    match taken {
                        Ok(()) => group.set(hub.publish_all(drafts).fuse()),
                        Err(problem) => {
                            producer.refuse_group(problem);
                            continue;
                        }
                    }
                }
                None if producer.has_ended() => return producer.answer(),
                None => {}
            }
        }
        // Each event has its own time. There is no hurry between two of them, nor in one that takes no share.
        let awaited = producer.awaited_event();
        if awaited != watched {
            watched = awaited;
            share.unwatch();
            if awaited.is_some() {
                share.watch();
            }
        }
        // Never without a branch: without a group under way there is room for more. Not biased, which is fair to
        // none but costs nothing: each branch only takes note of what happened.
        tokio::select! {
            published = &mut group, if !group.is_terminated() => producer.note(published),
            piece = next_piece(&mut body, &mut share, producer.held_bytes(), front), if producer.has_room() => {
                producer.take(piece, body.is_end_stream());
            }
            () = front.drain().begun(), if !producer.has_ended() => producer.end(Err(ending())),
        }
    }
}

/// Reads the next bytes of the body, once its share covers what the producer holds. Cancel safe.
async fn next_piece<B>(
    body: &mut B,
    share: &mut BodyShare<'_>,
    held_bytes: usize,
    front: &Front,
) -> Result<Option<Bytes>, Problem>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    share.resize(held_bytes - held_bytes % PRODUCER_SHARE_STEP_BYTES).await?;
    let piece = share.unless_slow(read_piece(body, front.config().producer_wait_max)).await??;
    share.moved(piece.as_ref().map_or(0, Bytes::len));
    Ok(piece)
}

/// The blocks say themselves what the query would.
fn refuse_fields(query: &Query<'_>) -> Result<(), Problem> {
    for name in ["event", "id", "retry"] {
        if query.all(name).next().is_some() {
            let detail =
                format!("`{name}` stands in the blocks of a text/event-stream body, not in the query");
            return Err(Problem::new(ProblemType::FieldInQuery, detail));
        }
    }
    Ok(())
}
