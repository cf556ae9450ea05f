//! Denials: users and tokens that an operator keeps out for a time.
//!
//! A denial is an event of the hub's own in the log, so that it survives a restart and each hub on the log has it. Nobody
//! is let in by an old state of the table: a request that shows a user or a token reads what has come since the last one did, and nearly
//! always that is a look at two bits. The `keeper` ends the streams of those who are kept out.

mod keeper;
mod table;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde::{Deserialize, Serialize};
use tidings_access::Grants;
use tidings_core::ring::Watcher;
use tidings_core::{
    Clock, Delivery, Dismissal, Draft, Event, Follower, Hub, Needs, OnGap, Position, Request, Selector,
    Selectors, Step, StoreError, TokenId, Topic, UnixMillis, User, View,
};
use tidings_sse::EventType;
use tokio::sync::Notify;

use self::keeper::Keeper;
use self::table::DenialTable;
pub(crate) use self::table::Outcast;
use crate::answer::document::time;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::events::problem::{not_published, unreadable};
use crate::front::Front;

/// Where denials are written.
const TOPIC: &str = "tidings/denials";

/// The type of their events.
const TYPE: &str = "tidings.denial";

/// The denials that a front knows, and what ends the streams of those whom they keep out.
pub(crate) struct Denials {
    known: Arc<KnownDenials>,
    /// Begun by the first request that shows a user or a token, because a front may be made outside of a runtime.
    keeper: OnceLock<Keeper>,
}

/// The denials that a front knows.
struct KnownDenials {
    clock: Arc<dyn Clock>,
    table: Mutex<DenialTable>,
    watch: Arc<LogWatch>,
    /// Those whose streams are to be ended.
    to_end: Mutex<HashSet<Outcast>>,
    reader: SharedReader,
}

#[expect(clippy::disallowed_types, reason = "one request reads, and the others wait for what it finds")]
type SharedReader = tokio::sync::Mutex<Option<DenialReader>>;

/// Whether the table has all that the log has.
#[derive(Default)]
struct LogWatch {
    /// All was read up to the moment at which the other bit was taken back.
    is_current: AtomicBool,
    has_moved: AtomicBool,
    /// Wakes the keeper.
    bell: Notify,
}

/// A place among the denials of the log.
struct DenialReader {
    follower: Follower,
    view: View,
}

/// A denial in the log.
#[derive(Serialize, Deserialize)]
struct DenialDocument {
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_id: Option<String>,
    /// Unix time in milliseconds.
    until_ms: u64,
}

impl Front {
    /// Keeps somebody out until a time, and ends the streams that this hub has of it. The answer is their number. When this returns,
    /// the log has the denial.
    pub(crate) async fn deny(&self, outcast: Outcast, until: UnixMillis) -> Result<usize, Problem> {
        let (denials, now) = (self.denials(), self.clock().now());
        let keeper = denials.keeper(self.hub());
        denials.known.catch_up(self.hub()).await.map_err(|error| unreadable(&error))?;
        if !denials.known.table().has_room(&outcast, now) {
            let detail = "as many users and tokens are kept out as can be; wait until some may come back";
            return Err(Problem::new(ProblemType::DenialsFull, detail));
        }
        // The keeper has its turn after this, or the streams that it ends would be missing from the number. If the operator does not
        // wait for the answer, it ends them.
        let _turn = keeper.turn().await;
        let draft = draft(self.hub(), &outcast, until);
        self.hub().publish(draft).await.map_err(not_published)?;
        // Before streams are ended, or those that are ended would come back before it.
        denials.known.note(outcast.clone(), until, now);
        Ok(self.hub().roster().dismiss(&outcast.into(), Dismissal::AccessEnded).await)
    }

    /// Refuses a request whose user or token is kept out. One that is let in a moment before its denial is ended by the keeper,
    /// which looks at each stream that begins.
    pub(crate) async fn refuse_outcast(&self, grants: &Grants) -> Result<(), Problem> {
        if grants.user.is_none() && grants.token_id.is_none() {
            return Ok(());
        }
        let denials = self.denials();
        denials.keeper(self.hub());
        let known = &denials.known;
        if !known.watch.has_all() {
            // Boxed, because it is seldom needed.
            Box::pin(known.catch_up(self.hub())).await.map_err(|error| unreadable(&error))?;
        }
        match known.outcasts(grants.user.as_ref(), grants.token_id.as_ref()).map(|(_, until)| until).max() {
            None => Ok(()),
            Some(until) => {
                let detail = format!("an operator keeps this user or this token out until {}", time(until));
                Err(Problem::new(ProblemType::KeptOut, detail))
            }
        }
    }
}

impl Denials {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let known = KnownDenials {
            clock,
            table: Mutex::default(),
            watch: Arc::default(),
            to_end: Mutex::default(),
            reader: SharedReader::default(),
        };
        Self { known: Arc::new(known), keeper: OnceLock::new() }
    }

    fn keeper(&self, hub: &Hub) -> &Keeper {
        self.keeper.get_or_init(|| Keeper::new(self.known.clone(), hub.clone()))
    }
}

impl KnownDenials {
    /// Who of a user and a token is kept out now, and until when.
    fn outcasts(
        &self,
        user: Option<&User>,
        token_id: Option<&TokenId>,
    ) -> impl Iterator<Item = (Outcast, UnixMillis)> {
        let table = self.table();
        let named = match table.is_empty() {
            true => [None, None],
            false => [user.cloned().map(Outcast::User), token_id.cloned().map(Outcast::Token)],
        };
        let now = self.clock.now();
        let until = |outcast: Outcast| table.until(&outcast, now).map(|until| (outcast, until));
        named.map(|outcast| outcast.and_then(until)).into_iter().flatten()
    }

    /// Reads the denials that the log has and the table has not. Cancel safe: what was not read is read by the next one.
    async fn catch_up(&self, hub: &Hub) -> Result<(), StoreError> {
        let mut reader = self.reader.lock().await;
        let reader = match &mut *reader {
            Some(reader) => reader,
            none => none.insert(DenialReader::new(hub, self.watch.clone()).await?),
        };
        while !self.watch.has_all() {
            // In this order: what comes while it is read is read in the next round.
            self.watch.is_current.store(false, Ordering::SeqCst);
            self.watch.has_moved.store(false, Ordering::SeqCst);
            while let Some(event) = reader.next(hub).await? {
                self.take(&event);
            }
            self.watch.is_current.store(true, Ordering::SeqCst);
        }
        Ok(())
    }

    fn take(&self, event: &[Event]) {
        for event in event {
            // What a later version writes otherwise is not for this one.
            let Ok(denial) = serde_json::from_slice::<DenialDocument>(event.draft.data()) else { continue };
            let until = UnixMillis(denial.until_ms);
            let user = denial.user.map(|user| Outcast::User(user.into()));
            let token = denial.token_id.map(|token_id| Outcast::Token(token_id.into()));
            for outcast in user.into_iter().chain(token) {
                self.note(outcast.clone(), until, event.time);
                if until > self.clock.now() {
                    self.end_streams_of([outcast]);
                }
            }
        }
    }

    fn note(&self, outcast: Outcast, until: UnixMillis, now: UnixMillis) {
        if self.table().deny(outcast, until, now).is_err() {
            tracing::error!("the log denies access to more users and tokens than a hub can keep in mind");
        }
    }

    /// Has the keeper end streams.
    fn end_streams_of(&self, outcasts: impl IntoIterator<Item = Outcast>) {
        let mut to_end = self.to_end.lock().unwrap_or_else(PoisonError::into_inner);
        to_end.extend(outcasts);
        if !to_end.is_empty() {
            self.watch.bell.notify_one();
        }
    }

    fn table(&self) -> MutexGuard<'_, DenialTable> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DenialReader {
    async fn new(hub: &Hub, watch: Arc<LogWatch>) -> Result<Self, StoreError> {
        let selector = Selector::Topic(topic());
        let selectors = Selectors::new([selector]).expect("one selector is not too many");
        // Attached before the place is looked up, so that nothing between is missed.
        let view = hub.view(&selectors, watch, 0);
        let request = Request { selectors, from: Position::Earliest, on_gap: OnGap::Earliest };
        let place = hub.locate(&request).await?.place;
        Ok(Self { follower: Follower::new(request.selectors, OnGap::Earliest, place), view })
    }

    /// The next denials; none if the log has no more.
    async fn next(&mut self, hub: &Hub) -> Result<Option<Vec<Event>>, StoreError> {
        let bytes_max = hub.limits().page_bytes_max;
        loop {
            let step = match self.follower.needs() {
                Needs::Rings => self.follower.take_reach(self.view.after(self.follower.cursor(), bytes_max)),
                Needs::Log => hub.next_page(&mut self.follower, bytes_max).await?,
            };
            match step {
                Step::Deliver(delivery @ Delivery::Frames(_)) => {
                    return Ok(Some(delivery.events().cloned().collect()));
                }
                Step::Deliver(Delivery::Gap(_)) | Step::Again => {}
                Step::Wait | Step::End => return Ok(None),
            }
        }
    }
}

impl LogWatch {
    fn has_all(&self) -> bool {
        self.is_current.load(Ordering::SeqCst) && !self.has_moved.load(Ordering::SeqCst)
    }
}

impl Watcher for LogWatch {
    fn ring_moved(&self, _key: usize) {
        self.has_moved.store(true, Ordering::SeqCst);
        self.bell.notify_one();
    }
}

fn topic() -> Topic {
    Topic::parse(TOPIC).expect("it is a topic")
}

fn draft(hub: &Hub, outcast: &Outcast, until: UnixMillis) -> Draft {
    let (user, token_id) = match outcast {
        Outcast::User(user) => (Some(user.to_string()), None),
        Outcast::Token(token_id) => (None, Some(token_id.to_string())),
    };
    let document = DenialDocument { user, token_id, until_ms: until.0 };
    let data = crate::answer::json::text(&document);
    let own_type = EventType::new(TYPE).expect("the name has no newline");
    hub.own_draft(topic(), &own_type, data.into()).expect("a name is shorter than an event may be")
}

#[cfg(test)]
mod tests;
