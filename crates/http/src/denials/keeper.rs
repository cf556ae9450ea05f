//! The keeper: a task that ends the streams of users and tokens that are kept out.
//!
//! It reads a denial when it comes to the log, whichever hub on that log has written it. And it is told of each session that
//! begins: a request may have been let in a moment before a denial, and have begun its stream a moment after the streams of that
//! user were ended.

use std::mem;
use std::sync::{Arc, PoisonError};

use tidings_core::{Attendee, Dismissal, Hub, RosterListener, Whom};
use tokio::sync::RwLockReadGuard;
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use super::{KnownDenials, Outcast};
use crate::limits::STORE_RETRY_WAIT;

/// The handle of the task, which ends with it.
pub(super) struct Keeper {
    turns: Arc<Turns>,
    _task: AbortOnDropHandle<()>,
}

/// Operators that end streams by themselves share it; the keeper has it alone.
#[expect(clippy::disallowed_types, reason = "the keeper waits until operators have counted what they end")]
type Turns = tokio::sync::RwLock<()>;

impl Keeper {
    /// Begins the task.
    pub(super) fn new(known: Arc<KnownDenials>, hub: Hub) -> Self {
        hub.roster().add_listener(known.clone());
        let turns = Arc::new(Turns::default());
        #[expect(clippy::disallowed_methods, reason = "the front has it, and it ends with the front")]
        let task = tokio::spawn(keep(known, hub, turns.clone()));
        Self { turns, _task: AbortOnDropHandle::new(task) }
    }

    /// The keeper ends no streams while this is held.
    pub(super) async fn turn(&self) -> RwLockReadGuard<'_, ()> {
        self.turns.read().await
    }
}

async fn keep(known: Arc<KnownDenials>, hub: Hub, turns: Arc<Turns>) {
    loop {
        known.watch.bell.notified().await;
        // A client that asks for a stream meanwhile is told that the log cannot be read.
        while known.catch_up(&hub).await.is_err() {
            sleep(STORE_RETRY_WAIT).await;
        }
        let outcasts = mem::take(&mut *known.to_end.lock().unwrap_or_else(PoisonError::into_inner));
        if outcasts.is_empty() {
            continue;
        }
        let _alone = turns.write().await;
        for outcast in outcasts {
            hub.roster().dismiss(&outcast.into(), Dismissal::AccessEnded).await;
        }
    }
}

impl RosterListener for KnownDenials {
    fn joined(&self, who: Attendee<'_>) {
        self.end_streams_of(
            self.outcasts(who.session.user.as_ref(), who.session.token_id.as_ref())
                .map(|(outcast, _)| outcast),
        );
    }

    fn left(&self, _who: Attendee<'_>) {}

    /// What let it in may be another token.
    fn changed(&self, _before: Attendee<'_>, now: Attendee<'_>) {
        self.joined(now);
    }
}

impl From<Outcast> for Whom {
    fn from(outcast: Outcast) -> Self {
        match outcast {
            Outcast::User(user) => Self::User(user),
            Outcast::Token(token_id) => Self::Token(token_id),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::Request;
    use tidings_access::Grants;
    use tidings_core::contract::ManualClock;
    use tidings_core::memory::MemoryRetention;
    use tidings_core::{Epoch, Limits, MemoryStore, Topic, UnixMillis};

    use super::super::draft;
    use super::*;
    use crate::config::HttpConfig;
    use crate::console::Pages;
    use crate::front::Front;

    /// The operator would be told that there were none.
    #[tokio::test(start_paused = true)]
    async fn the_keeper_ends_no_stream_that_an_operator_is_about_to_count() {
        let clock = ManualClock::at(0);
        let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
        let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
        let front = Front::new(hub.clone(), HttpConfig::default(), Pages::default(), clock);
        let (parts, ()) = Request::get("/mine").body(()).unwrap().into_parts();
        let user = Outcast::User("u1".into());
        let grants = Grants { user: Some("u1".into()), ..Grants::default() };
        let stream = async || {
            front.subscribe(&parts, Topic::parse("a").unwrap().into(), grants.clone()).await.into_body()
        };
        let _first = stream().await;
        let by_operator = async || hub.roster().dismiss(&user.clone().into(), Dismissal::ByOperator).await;

        let turn = front.denials().keeper(&hub).turn().await;
        hub.publish(draft(&hub, &user, UnixMillis(1_000))).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        assert_eq!(by_operator().await, 1, "the keeper waits for its turn");
        drop(turn);

        hub.publish(draft(&hub, &user, UnixMillis(0))).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        let _second = stream().await;
        hub.publish(draft(&hub, &user, UnixMillis(1_000))).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        assert_eq!(by_operator().await, 0, "the keeper has ended it");
    }
}
