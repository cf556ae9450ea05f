//! Stop 5 of the walk: the feed, which carries the store's tail to the rings.
//!
//! It alone writes the rings, and it reads nothing but the tail: a local publish takes the same road as an event
//! from another node.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::live::window::Window;
use crate::store::{Tail, TailError, Turn};

/// How long the feed waits before it asks a store again that was out of reach. Short, because subscribers wait.
const RETRY_WAIT: Duration = Duration::from_millis(250);

/// Runs until the store is closed or has stopped for good. Then the window is closed.
pub(crate) async fn run(mut tail: Box<dyn Tail>, window: Arc<Window>) {
    loop {
        match tail.next().await {
            Ok(Some(batch)) => window.push(&batch),
            Ok(None) => break,
            Err(TailError::Expired { earliest }) => {
                tracing::warn!(%earliest, "retention overtook the feed");
                window.restart(earliest.previous());
            }
            Err(TailError::Store(error)) if error.turn() == Turn::TryAgain => {
                tracing::warn!(%error, "the tail is out of reach, trying again");
                sleep(RETRY_WAIT).await;
            }
            Err(TailError::Store(error)) => {
                tracing::error!(%error, "the tail has failed, ending all subscriptions");
                break;
            }
        }
    }
    window.close();
}
