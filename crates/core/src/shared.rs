//! What a hub and all its subscriptions share: the store, the window, the limits, the count.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use crate::limits::Limits;
use crate::live::window::Window;
use crate::select::selector::Selectors;
use crate::store::{Query, Reading, Start, Store, StoreError};

/// What every subscription of a hub shares.
pub(crate) struct Shared {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) window: Arc<Window>,
    pub(crate) limits: Limits,
    /// One permit for each page that is being read.
    pub(crate) pages: Semaphore,
    /// Subscribers now; see [`Counted`].
    pub(crate) subscriptions: AtomicUsize,
}

impl Shared {
    /// Reads a page once there is a permit for it. The semaphore is never closed, and each permit is given back
    /// when the store has answered, so the wait ends if the store's reads do.
    pub(crate) async fn read(&self, query: Query) -> Result<Reading, StoreError> {
        let _permit = self.pages.acquire().await;
        self.store.read(query).await
    }
}

/// One page of backlog, as large as the limits allow.
pub(crate) fn page_query(start: Start, selectors: &Selectors, limits: &Limits) -> Query {
    Query {
        start,
        selectors: selectors.clone(),
        events_max: limits.page_events_max,
        bytes_max: limits.page_bytes_max,
    }
}

/// One in the hub's number of subscriptions, for as long as it lives.
#[derive(Default)]
pub struct Counted(Option<Arc<Shared>>);

impl Counted {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        shared.subscriptions.fetch_add(1, Ordering::Relaxed);
        Self(Some(shared))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if let Some(shared) = &self.0 {
            shared.subscriptions.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
