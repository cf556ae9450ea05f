//! Reading a body: of bounded size, in bounded time, whole or piece by piece.

use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http::HeaderMap;
use http::header::EXPECT;
use http_body_util::BodyExt;
use tidings_core::DraftError;
use tokio::time::{sleep, timeout};

use super::body_budgets::{Admission, BodyShare};
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::events::problem::ending;
use crate::limits::{
    BODY_AT_END_SILENCE_MAX, BODY_BEGIN_WAIT_MAX, SMALL_BODY_BYTES_MAX, SMALL_BODY_SHARE_STEP_BYTES,
};
use crate::stream::drain::Drain;

/// How whole bodies are read.
pub(crate) struct BodyRules<'a> {
    pub(crate) admission: Admission<'a>,
    /// Bytes of one body.
    pub(crate) bytes_max: usize,
    /// Time until its end.
    pub(crate) wait_max: Duration,
    pub(crate) drain: &'a Drain,
    /// Time from the beginning of the hub's end on in which a body may come.
    pub(crate) end_wait_max: Duration,
}

/// A body that was read to its end. Its share of the budget lasts until the event is published, which has the bytes.
pub(crate) struct WholeBody<'a> {
    pub(crate) data: Bytes,
    pub(crate) share: BodyShare<'a>,
}

impl BodyRules<'_> {
    /// Reads the next bytes of a body; `None` at its end. Once the hub ends, a publisher that goes on is read on, and one that is
    /// silent is answered: it would be cut off at the deadline, and hear nothing.
    async fn read_frame<B>(&self, body: &mut B) -> Result<Option<Bytes>, Problem>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
    {
        let silent_at_end = async {
            self.drain.begun().await;
            sleep(BODY_AT_END_SILENCE_MAX).await;
        };
        // Biased: what has come is taken.
        tokio::select! {
            biased;
            frame = read_frame(body) => frame,
            () = silent_at_end => Err(ending()),
            () = self.drain.overdue(self.end_wait_max) => Err(ending()),
        }
    }
}

/// Reads a whole body. If the head says that it is large, or that the publisher waits to be asked for it, nothing is read
/// before there is room. A body that came whole with its head, like most, costs no timer, and one that comes whole behind
/// it needs no room among those that come in pieces. Of a small one only what has come counts, so many may stop near their beginning and leave
/// room. What waits is boxed, or the future of every request of any kind would be as large as that of a body in pieces.
pub(crate) async fn read_whole<'a, B>(
    mut body: B,
    headers: &HeaderMap,
    rules: &BodyRules<'a>,
) -> Result<WholeBody<'a>, Problem>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let hint = body.size_hint();
    if hint.lower() > rules.bytes_max as u64 {
        return Err(too_large(rules.bytes_max));
    }
    // No more than `bytes_max`, if it is known at all.
    let declared = hint.exact().and_then(|bytes| usize::try_from(bytes).ok());
    let expected = declared.unwrap_or(SMALL_BODY_BYTES_MAX);
    let waits_to_be_asked = headers.contains_key(EXPECT);
    let is_small = expected <= SMALL_BODY_BYTES_MAX;
    let begin = if is_small { expected.min(SMALL_BODY_SHARE_STEP_BYTES) } else { expected };
    let mut admitted = None;
    if waits_to_be_asked || !is_small {
        admitted = Some(rules.admission.admit(begin).await?);
    }
    let first = match (read_frame(&mut body).now_or_never(), &admitted) {
        (Some(first), _) => first?,
        (None, Some(_)) => Some(Bytes::new()),
        // Many clients send head and body in two packets. While nothing has come, nothing is held.
        (None, None) => {
            let wait_max = BODY_BEGIN_WAIT_MAX.min(rules.wait_max);
            Box::pin(within(wait_max, rules.read_frame(&mut body))).await?
        }
    };
    let is_whole = first.is_none() || body.is_end_stream();
    let first = first.unwrap_or_default();
    if !is_whole {
        let rest = async {
            let share = match admitted {
                Some(share) => share,
                None => rules.admission.admit(begin).await?,
            };
            read_rest(body, share, first, declared, rules).await
        };
        return Box::pin(within(rules.wait_max, rest)).await;
    }
    if first.len() > rules.bytes_max {
        return Err(too_large(rules.bytes_max));
    }
    let share = match admitted {
        Some(share) => share,
        None => rules.admission.admit_whole(first.len()).await?,
    };
    Ok(WholeBody { data: first, share })
}

/// Reads on, into one piece of memory: of the declared size if that is large, else of one that grows as the body comes.
async fn read_rest<'a, B>(
    mut body: B,
    mut share: BodyShare<'a>,
    first: Bytes,
    declared: Option<usize>,
    rules: &BodyRules<'_>,
) -> Result<WholeBody<'a>, Problem>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let bytes_max = rules.bytes_max;
    let mut data =
        Vec::with_capacity(declared.filter(|bytes| *bytes > SMALL_BODY_BYTES_MAX).unwrap_or_default());
    let mut piece = first;
    share.watch();
    loop {
        let needed = data.len() + piece.len();
        if needed > bytes_max {
            return Err(too_large(bytes_max));
        }
        if needed > data.capacity() {
            let capacity = match declared {
                _ if needed > SMALL_BODY_BYTES_MAX => (2 * needed).min(bytes_max),
                Some(declared) if needed <= declared => in_steps(needed).min(declared),
                _ => in_steps(needed).min(bytes_max),
            };
            share.resize(capacity).await?;
            data.reserve_exact(capacity - data.len());
        }
        data.extend_from_slice(&piece);
        share.moved(piece.len());
        // Before the next wait, or the memory that the connection read into would be kept as long.
        drop(piece);
        match share.unless_slow(rules.read_frame(&mut body)).await?? {
            Some(next) => piece = next,
            None => break,
        }
    }
    share.unwatch();
    Ok(WholeBody { data: data.into(), share })
}

fn in_steps(bytes: usize) -> usize {
    bytes.next_multiple_of(SMALL_BODY_SHARE_STEP_BYTES)
}

/// Reads the next bytes of a body; `None` at its end. `wait_max` bounds the silence before them. Cancel safe.
pub(crate) async fn read_piece<B>(body: &mut B, wait_max: Duration) -> Result<Option<Bytes>, Problem>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    within(wait_max, read_frame(body)).await
}

/// Not an `async fn`: its future would hold `read` twice.
fn within<T>(
    wait_max: Duration,
    read: impl Future<Output = Result<T, Problem>>,
) -> impl Future<Output = Result<T, Problem>> {
    timeout(wait_max, read).map(|read| read.unwrap_or_else(|_| Err(too_slow())))
}

async fn read_frame<B>(body: &mut B) -> Result<Option<Bytes>, Problem>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    match body.frame().await {
        None => Ok(None),
        // Trailers say nothing here.
        Some(Ok(frame)) => Ok(Some(frame.into_data().unwrap_or_default())),
        Some(Err(_)) => Err(cut_off()),
    }
}

/// The data of one event is larger than the hub takes, whether it is the whole body or a part of it.
pub(crate) fn too_large(bytes_max: usize) -> Problem {
    let detail = DraftError::DataTooLong { bytes_max }.to_string();
    Problem::new(ProblemType::TooLarge, detail)
}

fn too_slow() -> Problem {
    Problem::new(ProblemType::TooSlow, "the body did not come in time; send it again")
}

fn cut_off() -> Problem {
    Problem::new(ProblemType::CutOff, "the body ended before it was complete; send it again")
}
