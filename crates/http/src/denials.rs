//! Denials: users and tokens that an operator keeps out for a time.
//!
//! A denial is an event of the hub's own in the log, so that it survives a restart and each hub on the log has it. There is no
//! task that follows the log: a request that shows a user or a token reads what has come since the last one did, and nearly
//! always that is a look at two bits.

mod table;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tidings_access::Grants;
use tidings_core::ring::Watcher;
use tidings_core::{
    Delivery, Draft, Event, Follower, Hub, Needs, OnGap, Position, Request, Selector, Selectors, Step,
    StoreError, Topic, UnixMillis, View,
};
use tidings_sse::EventType;

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

/// The denials that a front knows.
#[derive(Default)]
pub(crate) struct Denials {
    table: Mutex<DenialTable>,
    watch: Arc<LogWatch>,
    #[expect(clippy::disallowed_types, reason = "one request reads, and the others wait for what it finds")]
    reader: tokio::sync::Mutex<Option<DenialReader>>,
}

/// Whether the table has all that the log has.
#[derive(Default)]
struct LogWatch {
    /// All was read up to the moment at which the other bit was taken back.
    is_current: AtomicBool,
    has_moved: AtomicBool,
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
    /// Keeps somebody out until a time. When this returns, the log has it.
    pub(crate) async fn deny(&self, outcast: Outcast, until: UnixMillis) -> Result<(), Problem> {
        let (denials, now) = (self.denials(), self.clock().now());
        denials.catch_up(self.hub()).await.map_err(|error| unreadable(&error))?;
        if !denials.table().has_room(&outcast, now) {
            let detail = "as many users and tokens are kept out as can be; wait until some may come back";
            return Err(Problem::new(ProblemType::DenialsFull, detail));
        }
        let draft = draft(self.hub(), &outcast, until);
        self.hub().publish(draft).await.map_err(not_published)?;
        denials.note(outcast, until, now);
        Ok(())
    }

    /// Refuses a request whose user or token is kept out.
    pub(crate) async fn refuse_outcast(&self, grants: &Grants) -> Result<(), Problem> {
        if grants.user.is_none() && grants.token_id.is_none() {
            return Ok(());
        }
        let denials = self.denials();
        if !denials.watch.has_all() {
            // Boxed, because it is seldom needed.
            Box::pin(denials.catch_up(self.hub())).await.map_err(|error| unreadable(&error))?;
        }
        let table = denials.table();
        if table.is_empty() {
            return Ok(());
        }
        let now = self.clock().now();
        let user = grants.user.clone().map(Outcast::User).and_then(|user| table.until(&user, now));
        let token = grants.token_id.clone().map(Outcast::Token).and_then(|token| table.until(&token, now));
        match user.max(token) {
            None => Ok(()),
            Some(until) => {
                let detail = format!("an operator keeps this user or this token out until {}", time(until));
                Err(Problem::new(ProblemType::KeptOut, detail))
            }
        }
    }
}

impl Denials {
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
                self.note(outcast, until, event.time);
            }
        }
    }

    fn note(&self, outcast: Outcast, until: UnixMillis, now: UnixMillis) {
        if self.table().deny(outcast, until, now).is_err() {
            tracing::error!("the log denies access to more users and tokens than a hub can keep in mind");
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
