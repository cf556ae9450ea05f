//! What the head of one connection of HTTP/1 holds of the room that large heads have together. An ordinary head is not larger
//! than `HEAD_FREE_BYTES` and takes none of it.
//!
//! The share is held from the first byte beyond that until the request is answered, because a request keeps its head while
//! its body comes.

use http::header::RETRY_AFTER;
use tokio::io::AsyncWrite;

use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::budget::{Budget, Taken};
use crate::connection::written::{last_answer, write_within};
use crate::front::Front;
use crate::limits::HEAD_FREE_BYTES;

/// The share of one connection. It is given back when this is dropped.
pub(crate) struct HeadShare {
    room: Budget,
    head_bytes_max: usize,
    taken: Option<Taken>,
}

impl HeadShare {
    pub(crate) fn new(front: &Front) -> Self {
        Self {
            room: front.budgets().heads.clone(),
            head_bytes_max: front.config().head_bytes_max,
            taken: None,
        }
    }

    /// The connection now holds so many bytes of a head. Whether there is room for them.
    #[must_use]
    pub(crate) fn holds(&mut self, head_bytes: u64) -> bool {
        // hyper refuses a head that is larger, so it holds no more.
        let held = usize::try_from(head_bytes).unwrap_or(usize::MAX).min(self.head_bytes_max);
        let share = held.saturating_sub(HEAD_FREE_BYTES);
        match &mut self.taken {
            taken if share == 0 => {
                *taken = None;
                true
            }
            Some(taken) if share > taken.bytes() => taken.try_grow(share - taken.bytes()),
            Some(taken) => {
                taken.shrink_to(share);
                true
            }
            taken @ None => {
                *taken = self.room.try_take(share);
                taken.is_some()
            }
        }
    }
}

/// Answers a client for whose head there was no room. Not 431, which says that the head is too large at any time: the same head
/// is taken once others have been answered.
pub(crate) async fn refuse<S: AsyncWrite + Unpin>(front: &Front, stream: &mut S, is_head: bool) {
    let detail = format!(
        "the heads of other requests take up all the room for heads of more than {HEAD_FREE_BYTES} bytes; send a smaller \
         head, or try again in a moment"
    );
    let problem = Problem::new(ProblemType::HeadsFull, detail).with_header(RETRY_AFTER, "5");
    front.refusal_log().tell(&problem, "");
    let bytes = last_answer(front.refuse_unread(problem), is_head).await;
    if let Err(error) = write_within(front.config().write_wait_max, stream, &bytes).await {
        tracing::debug!(%error, "the answer to a head for which there was no room was not taken");
    }
}
