//! The keeper: the task that tells watchers what is due, and has the roster called for topics that are watched anew.

use std::sync::Arc;

use tokio::time::{Instant, sleep_until};

use super::presences::Presences;
use crate::limits::PRESENCE_CALL_PAUSE;
use crate::roster::Roster;

/// Keeps the presence of a hub until it is closed.
pub(crate) async fn keep(presences: Arc<Presences>, roster: Arc<Roster>) {
    let mut call_at = Instant::now();
    while !presences.is_closed() {
        let now = Instant::now();
        let mut wake_at = presences.advance(now);
        if presences.has_uncalled() {
            if call_at <= now {
                // All topics that are new are called for at once, since each call looks at all subscribers.
                let topics = Arc::new(presences.take_uncalled());
                let roll = roster.attendees(&topics).await;
                presences.take_roll(&topics, &roll).await;
                call_at = Instant::now() + PRESENCE_CALL_PAUSE;
                continue;
            }
            wake_at = Some(wake_at.map_or(call_at, |at| at.min(call_at)));
        }
        let timer = async {
            match wake_at {
                Some(at) if at <= now => tokio::task::yield_now().await,
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = timer => {}
            () = presences.changed.notified() => {}
        }
    }
}
