//! Reads pages of the store for members that the rings have left behind, on the runtime's threads, and posts them.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tidings_core::{Cursor, Delivery, Follower, Hub, Step};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::ids::Recipient;
use super::page::PageRead;
use super::parked::Held;
use super::post::{Letter, Post};
use crate::limits::{PAGE_PERMIT_WAIT_MAX, SEARCHES_PER_PAGE};
use crate::stream::Encoder;
use crate::stream::gzip::Deflater;

/// A request for the page after a follower's place.
pub(super) struct PageRequest<H> {
    recipient: Recipient,
    follower: Follower,
    post: Arc<Post<H>>,
    wait: Duration,
    /// What was read before, by which the follower has moved on from a place: it has to be compressed.
    read: Option<(Cursor, Delivery)>,
    /// What compresses large events of the page, and for which streams.
    deflater: Option<(Deflater, Encoder)>,
}

/// Where requests are handed in. There are at most as many as connections and groups: each waits for
/// its page, or for one that it no longer needs.
#[expect(
    clippy::disallowed_types,
    reason = "each parked connection asks for one page at a time, and connections are bounded"
)]
pub(super) struct PageRequests<H>(mpsc::UnboundedSender<PageRequest<H>>);

impl<H> PageRequest<H> {
    pub(super) fn new(recipient: Recipient, follower: Follower, post: Arc<Post<H>>) -> Self {
        Self { recipient, follower, post, wait: Duration::ZERO, read: None, deflater: None }
    }

    /// The same, for streams that are compressed.
    pub(super) fn deflated(self, deflater: Deflater, encoder: Encoder) -> Self {
        Self { deflater: Some((deflater, encoder)), ..self }
    }

    /// The same, for what was read already, after a place.
    pub(super) fn with(self, from: Cursor, delivery: Delivery) -> Self {
        Self { read: Some((from, delivery)), ..self }
    }

    /// The same, to be read after a time.
    pub(super) fn after(self, wait: Duration) -> Self {
        Self { wait, ..self }
    }
}

impl<H> PageRequests<H> {
    /// The way in, and the way out for [`run`].
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<PageRequest<H>>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    pub(super) fn send(&self, request: PageRequest<H>) {
        // Fails only when the readers have ended, and they end after the lanes.
        let _ = self.0.send(request);
    }
}

impl<H> Clone for PageRequests<H> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// How many pages may be read or held at once. Cloning shares it.
///
/// A search through a log for events that are far apart may take as long as its budget allows, again and again. It gives its
/// page permit back while it searches, so that others read their pages meanwhile.
#[derive(Clone)]
pub(crate) struct PagePermits {
    pages_max: usize,
    pages: Arc<Semaphore>,
    searches: Arc<Semaphore>,
}

impl PagePermits {
    pub(crate) fn new(pages_max: usize) -> Self {
        let searches = Arc::new(Semaphore::new(pages_max * SEARCHES_PER_PAGE));
        Self { pages_max, pages: Arc::new(Semaphore::new(pages_max)), searches }
    }

    /// Pages that are being read or held now.
    pub(crate) fn used(&self) -> usize {
        self.pages_max - self.pages.available_permits()
    }

    pub(crate) fn pages_max(&self) -> usize {
        self.pages_max
    }

    /// Searches that take long now, and pages that they have found.
    pub(crate) fn searches(&self) -> usize {
        self.searches_max() - self.searches.available_permits()
    }

    pub(crate) fn searches_max(&self) -> usize {
        self.pages_max * SEARCHES_PER_PAGE
    }

    /// Waits for what a search finds. The answer comes with a permit, to be held until the lane has taken the page, so that
    /// pages do not pile up before a busy lane.
    async fn hold<T>(&self, search: impl Future<Output = T>) -> Option<(T, OwnedSemaphorePermit)> {
        // Never closed.
        let page = self.pages.clone().acquire_owned().await.ok()?;
        let mut search = pin!(search);
        if let Ok(found) = timeout(PAGE_PERMIT_WAIT_MAX, &mut search).await {
            return Some((found, page));
        }
        // If as many search as may, this one keeps the permit of a page.
        let permit = self.searches.clone().try_acquire_owned().unwrap_or(page);
        Some((search.await, permit))
    }
}

/// Serves requests until nobody can make any more.
pub(super) async fn run<H: Held>(
    hub: Hub,
    permits: PagePermits,
    mut requests: mpsc::UnboundedReceiver<PageRequest<H>>,
) {
    let mut readers = JoinSet::new();
    loop {
        // Not biased: a request and the end of a reader are both dealt with at once.
        tokio::select! {
            request = requests.recv() => match request {
                Some(request) => drop(readers.spawn(read(hub.clone(), permits.clone(), request))),
                None => break,
            },
            Some(_) = readers.join_next() => {}
        }
    }
    readers.shutdown().await;
}

async fn read<H: Held>(hub: Hub, permits: PagePermits, request: PageRequest<H>) {
    let PageRequest { recipient, mut follower, post, wait, read, deflater } = request;
    if !wait.is_zero() {
        sleep(wait).await;
    }
    // Its frames are in memory anyway, so it does not wait for those that read the store.
    if let Some((from, delivery)) = read {
        deflate(deflater.as_ref(), &delivery).await;
        let step = Ok(Step::Deliver(delivery));
        return post.send(Letter::Page(Box::new(PageRead { recipient, from, follower, step, _held: None })));
    }
    let from = follower.cursor();
    let page = async {
        // One page, also if nothing of it matches: the lane asks again if the reader is still there.
        let step = hub.next_page(&mut follower, hub.limits().page_bytes_max).await;
        if let Ok(Step::Deliver(delivery)) = &step {
            deflate(deflater.as_ref(), delivery).await;
        }
        step
    };
    let Some((step, held)) = permits.hold(page).await else { return };
    post.send(Letter::Page(Box::new(PageRead { recipient, from, follower, step, _held: Some(held) })));
}

/// Compresses the large events of a delivery, if it is for streams that are compressed.
async fn deflate(deflater: Option<&(Deflater, Encoder)>, delivery: &Delivery) {
    if let (Some((deflater, encoder)), Delivery::Frames(frames)) = (deflater, delivery) {
        deflater.prepare(*encoder, frames).await;
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    /// Lets searches begin that never find anything, and waits until none of them changes its permit any more.
    async fn search(permits: &PagePermits, count: usize) -> JoinSet<()> {
        let mut searches = JoinSet::new();
        for _ in 0..count {
            let permits = permits.clone();
            searches.spawn(async move { drop(permits.hold(pending::<()>()).await) });
        }
        sleep(100 * PAGE_PERMIT_WAIT_MAX).await;
        searches
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_is_read_beside_more_searches_than_pages_may_be_held() {
        let permits = PagePermits::new(2);
        let _searches = search(&permits, 2 * SEARCHES_PER_PAGE).await;

        let found = timeout(PAGE_PERMIT_WAIT_MAX, permits.hold(ready("a page"))).await;

        assert_eq!(found.unwrap().unwrap().0, "a page");
        assert_eq!((permits.used(), permits.searches()), (0, permits.searches_max()));
    }

    #[tokio::test(start_paused = true)]
    async fn searches_and_pages_have_a_bound_together() {
        let permits = PagePermits::new(2);
        let mut searches = search(&permits, 2 * SEARCHES_PER_PAGE + 2).await;

        let found = timeout(100 * PAGE_PERMIT_WAIT_MAX, permits.hold(ready("a page"))).await;
        assert!(found.is_err());

        searches.shutdown().await;
        assert_eq!(permits.hold(ready("a page")).await.unwrap().0, "a page");
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_that_is_found_soon_holds_the_permit_of_a_page() {
        let permits = PagePermits::new(1);

        let held = permits.hold(ready(())).await;

        assert_eq!((permits.used(), permits.searches()), (1, 0));
        drop(held);
        assert_eq!((permits.used(), permits.searches()), (0, 0));
    }
}
