//! A poll of an inbox: what its stream would say next, as an answer that ends.
//!
//! Its first block is the count, as that of a stream, so every answer tells a place, and the client comes back with it.

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use tidings_core::roster::Attendance;
use tidings_core::{Cursor, Follower, Gap, Lost, Position, Session, Subscription, Upcoming, Visitor};
use tidings_inbox::InboxError;
use tokio::time::{Instant, sleep_until};

use super::blocks::Told;
use super::stream::{Come, blocks_of, whereabouts};
use super::task_inbox::TaskInbox;
use crate::answer::body::Body;
use crate::events::subscribe_request::SubscribeRequest;
use crate::front::Front;
use crate::limits::CHUNK_BYTES_MAX;
use crate::stream::gzip::{Coding, blocks as gzip};
use crate::stream::{Encoder, Ending, expiry};

/// An answer in the making. While it waits it holds what its first read has found, which is a count alone.
struct Answer<'a> {
    front: &'a Front,
    subscription: Subscription,
    session: Option<Arc<Session>>,
    inbox: TaskInbox,
    told: Told,
    gap: Option<Gap>,
    /// It says more than the count.
    has_news: bool,
    ending: Option<Ending>,
}

/// Answers with what there is, or waits until there is something. `lines` are the first of the answer. A client that has seen nothing
/// wants the count, and does not wait.
pub(super) async fn poll(
    front: &Front,
    request: SubscribeRequest,
    come: Come,
    lines: Bytes,
    attendance: Attendance,
) -> Body {
    let SubscribeRequest { events, encoder, mode, session, coding, interruption, always_opens, .. } = request;
    let transport = mode.transport().unwrap_or(encoder.transport());
    let visitor = Visitor { session: session.clone(), address: front.peer(), transport };
    let follower = Follower::new(events.selectors, events.on_gap, front.hub().bounds().head);
    let subscription = front.hub().follow(follower, visitor, attendance).in_pieces_of(CHUNK_BYTES_MAX);
    let Come { inbox, told, gap, has: _ } = come;
    let mut ends_at = Instant::now();
    if gap.is_none() && matches!(events.from, Position::Id(_)) {
        ends_at += mode.wait();
    }
    let has_news = gap.is_some() || told.begins_with_news();
    let mut answer = Answer { front, subscription, session, inbox, told, gap, has_news, ending: None };
    while answer.collect().await.is_continue() {
        if Instant::now() >= ends_at || front.drain().has_begun() {
            break;
        }
        tokio::select! {
            () = answer.wait_until(ends_at) => {}
            () = interruption.comes() => ends_at = Instant::now(),
        }
    }
    answer.finish(lines, encoder, always_opens, coding).await
}

impl Answer<'_> {
    /// Takes what there is. Whether the answer is complete with it.
    async fn collect(&mut self) -> ControlFlow<()> {
        self.ending = self.ending.or(expiry::ending(self.session.as_deref(), self.front.clock().now()));
        while self.ending.is_none() {
            match self.subscription.upcoming().await {
                // Records are not for readers.
                Ok(Upcoming::Delivery(_)) => {}
                Ok(Upcoming::Nothing) => break,
                Ok(Upcoming::End) => {
                    let dismissed = self.subscription.dismissed();
                    self.ending = Some(dismissed.map_or(Ending::HubClosed, Ending::from));
                }
                Err(error) => {
                    tracing::error!(%error, "polls of inboxes end because the store cannot be read");
                    self.ending = Some(Ending::StoreFailed);
                }
            }
        }
        while self.ending.is_none() {
            let before = self.inbox.place();
            match self.inbox.change_at_hand().await {
                Ok(Some(told)) => self.take(told, before),
                Ok(None) => break,
                Err(error) => self.fail(&error),
            }
        }
        if self.ending.is_some() || self.has_news {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    fn fail(&mut self, error: &InboxError) {
        tracing::error!(%error, "polls of inboxes end because the database cannot be read");
        self.ending = Some(Ending::StoreFailed);
    }

    fn take(&mut self, told: Told, before: Cursor) {
        if told.update.is_gap {
            let resumes_after = told.update.place;
            self.gap = Some(Gap { requested: before.to_string(), lost: Lost::Expired, resumes_after });
        }
        self.told.go_on_with(told);
        self.has_news = true;
    }

    /// Waits until there may be something to say, or until the answer must be given. Cancel safe.
    async fn wait_until(&mut self, ends_at: Instant) {
        let before = self.inbox.place();
        let wake_at = expiry::wake_at(self.session.as_deref(), self.front.clock().now());
        let wake_at = wake_at.map_or(ends_at, |at| at.min(ends_at));
        tokio::select! {
            told = self.inbox.change() => match told {
                Ok(Some(told)) => self.take(told, before),
                Ok(None) => self.ending = Some(Ending::HubClosed),
                Err(error) => self.fail(&error),
            },
            () = self.subscription.rung() => {}
            () = sleep_until(wake_at) => {}
            () = self.front.drain().begun() => {}
        }
    }

    /// The answer. Without room for it the client is told to come back, as one that was told nothing.
    async fn finish(
        mut self,
        lines: Bytes,
        encoder: Encoder,
        always_opens: bool,
        coding: Option<Coding>,
    ) -> Body {
        let (front, place) = (self.front, self.inbox.place());
        let mut bytes = [lines.clone(), blocks_of(&self.told, self.gap.as_ref())].concat();
        if always_opens {
            let open = encoder.open(whereabouts(front, place, self.subscription.id()));
            bytes.extend(open.unwrap_or_default());
        }
        if self.ending == Some(Ending::AccessEnded) {
            let reason = expiry::reason(self.session.as_deref(), front.clock().now());
            bytes.extend(encoder.expired(place, &reason));
        }
        let later = match self.ending {
            Some(ending) => {
                tracing::debug!(%ending, "a poll ends");
                self.subscription.note_ending(ending.code());
                Some(front.drain().delay(front.config().retry))
            }
            None if front.drain().is_ending() => {
                Some(front.drain().delay_beyond_notice(front.config().retry))
            }
            None => None,
        };
        bytes.extend(later.map(|delay| encoder.farewell(place, delay)).unwrap_or_default());
        let taken = front.answers().take(bytes.len()).await;
        if taken.is_none() {
            bytes = lines.into();
        } else {
            front.metrics().streams().add_delivered(self.told.update.shown.len() as u64, bytes.len() as u64);
        }
        if coding == Some(Coding::Gzip) {
            let (begun, sum) = gzip::begin(&bytes);
            bytes = [begun, gzip::end(sum, b"")].concat();
        }
        let body = Body::full(bytes);
        match taken {
            Some(mut taken) => {
                taken.shrink_to(http_body::Body::size_hint(&body).lower() as usize);
                body.taking(taken)
            }
            None => body,
        }
    }
}
