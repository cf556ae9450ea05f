//! Reads pages of the store for members that the rings have left behind, on the runtime's threads, and posts them.

use std::sync::Arc;
use std::time::Duration;

use tidings_core::{Follower, Hub};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::ids::Recipient;
use super::page::PageRead;
use super::post::{Letter, Post};

/// A request for the page after a follower's place.
pub(super) struct PageRequest {
    recipient: Recipient,
    follower: Follower,
    post: Arc<Post>,
    wait: Duration,
}

/// Where requests are handed in. There are at most as many as connections and groups: each waits for
/// its page, or for one that it no longer needs.
#[derive(Clone)]
#[expect(
    clippy::disallowed_types,
    reason = "each parked connection asks for one page at a time, and connections are bounded"
)]
pub(super) struct PageRequests(mpsc::UnboundedSender<PageRequest>);

impl PageRequest {
    pub(super) fn new(recipient: Recipient, follower: Follower, post: Arc<Post>) -> Self {
        Self { recipient, follower, post, wait: Duration::ZERO }
    }

    /// The same, to be read after a time.
    pub(super) fn after(self, wait: Duration) -> Self {
        Self { wait, ..self }
    }
}

impl PageRequests {
    /// The way in, and the way out for [`run`].
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<PageRequest>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    pub(super) fn send(&self, request: PageRequest) {
        // Fails only when the readers have ended, and they end after the lanes.
        let _ = self.0.send(request);
    }
}

/// Serves requests until nobody can make any more. The hub's limits say how many pages are read or held at once.
pub(super) async fn run(hub: Hub, mut requests: mpsc::UnboundedReceiver<PageRequest>) {
    let pages = Arc::new(Semaphore::new(hub.limits().pages_max));
    let mut readers = JoinSet::new();
    loop {
        // Not biased: a request and the end of a reader are both dealt with at once.
        tokio::select! {
            request = requests.recv() => match request {
                Some(request) => drop(readers.spawn(read(hub.clone(), pages.clone(), request))),
                None => break,
            },
            Some(_) = readers.join_next() => {}
        }
    }
    readers.shutdown().await;
}

async fn read(hub: Hub, pages: Arc<Semaphore>, request: PageRequest) {
    let PageRequest { recipient, mut follower, post, wait } = request;
    if !wait.is_zero() {
        sleep(wait).await;
    }
    // Never closed. Held until the lane has taken the page, so that pages do not pile up before a busy lane.
    let Ok(held) = pages.acquire_owned().await else { return };
    let from = follower.cursor();
    // One page, also if nothing of it matches: the lane asks again if the reader is still there.
    let step = hub.next_page(&mut follower, hub.limits().page_bytes_max).await;
    post.send(Letter::Page(Box::new(PageRead { recipient, from, follower, step, _held: held })));
}
