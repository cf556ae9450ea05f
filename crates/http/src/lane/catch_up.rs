//! Reads the store for those whom the rings have left behind, on the runtime's threads, and posts what it found.

use std::sync::Arc;

use tidings_core::store::Turn;
use tidings_core::{Delivery, Sequence, StoreError, Subscription};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::post::{Letter, Post};
use crate::limits::{STORE_RETRIES_MAX, STORE_RETRY_WAIT};

/// Who is to receive what is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// One member, by its number and serial.
    Member { member: usize, serial: u32 },
    /// All live members of a group, by its number and serial.
    Group { group: usize, serial: u32 },
}

/// A request for the next page.
pub(super) struct Behind {
    pub(super) reader: Reader,
    pub(super) subscription: Subscription,
    pub(super) post: Arc<Post>,
}

/// The next page.
pub(super) struct Caught {
    pub(super) reader: Reader,
    /// None: the rings hold what comes next.
    pub(super) delivery: Result<Option<Delivery>, StoreError>,
    /// The place after it.
    pub(super) then: Sequence,
}

/// Serves requests until nobody can make any more. The store's own bound says how many pages are read at once.
pub(super) async fn run(mut requests: mpsc::UnboundedReceiver<Behind>) {
    let mut readers = JoinSet::new();
    loop {
        tokio::select! {
            request = requests.recv() => match request {
                Some(request) => drop(readers.spawn(read(request))),
                None => break,
            },
            Some(_) = readers.join_next() => {}
        }
    }
    readers.shutdown().await;
}

async fn read(mut behind: Behind) {
    let mut tries = 0;
    let delivery = loop {
        match behind.subscription.next_backlog().await {
            Err(error) if error.turn() == Turn::TryAgain && tries < STORE_RETRIES_MAX => {
                tries += 1;
                sleep(STORE_RETRY_WAIT).await;
            }
            other => break other,
        }
    };
    let then = behind.subscription.cursor().sequence;
    behind.post.send(Letter::Caught(Caught { reader: behind.reader, delivery, then }));
}
