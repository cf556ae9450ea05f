//! Stop 5 of the walk: the feed, which carries the store's tail to the rings.
//!
//! It alone writes the rings, and it reads nothing but the tail: a local publish takes the same road as an event
//! from another node.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::limits::FEED_RETRY_WAIT_MS;
use crate::live::window::Window;
use crate::store::{Tail, TailError, Tailed, Turn};

/// Runs until the store is closed or has stopped for good. Then the window is closed.
pub(crate) async fn run(mut tail: Box<dyn Tail>, window: Arc<Window>) {
    loop {
        match tail.next().await {
            Ok(Some(Tailed::Events(batch))) => window.push(&batch).await,
            Ok(Some(Tailed::NewEpoch(begins))) => {
                if begins.sequence < window.head() {
                    tracing::warn!(%begins, "the log goes on in a new epoch; what stood after this place is gone");
                } else {
                    tracing::debug!(%begins, "the log goes on in a new epoch");
                }
                window.begin_epoch(begins).await;
            }
            Ok(None) => break,
            Err(TailError::Expired { resumes_after }) => {
                tracing::warn!(%resumes_after, "retention overtook the feed");
                window.restart(resumes_after).await;
            }
            Err(TailError::Store(error)) if error.turn() == Turn::TryAgain => {
                tracing::warn!(%error, "the tail is out of reach, trying again");
                sleep(Duration::from_millis(FEED_RETRY_WAIT_MS)).await;
            }
            Err(TailError::Store(error)) => {
                tracing::error!(%error, "the tail has failed, ending all subscriptions");
                break;
            }
        }
    }
    window.close().await;
}
