//! Stop 3 of the walk: the hub, where drafts come in and subscriptions begin.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::event::cursor::{Cursor, Sequence};
use crate::event::draft::{Draft, DraftError, check_not_own_cursor};
use crate::limits::Limits;
use crate::live::feed;
use crate::live::window::Window;
use crate::select::selector::Selectors;
use crate::shared::{Shared, page_query};
use crate::store::{Bounds, Placement, Query, Reading, Start, Store, StoreError};

/// Newest events that a starting hub takes into its window, so that clients which resume after a restart do not
/// all read the store.
const PRELOAD_EVENTS_MAX: usize = 10_000;

/// The whole: one log, everyone who publishes to it, everyone who watches it. Cloning shares it.
#[derive(Clone)]
pub struct Hub {
    pub(crate) shared: Arc<Shared>,
    admission: Arc<Semaphore>,
    feed: Arc<Mutex<Option<JoinHandle<()>>>>,
}

/// A publish that is a fact now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The place of the event.
    pub cursor: Cursor,
    /// The id that subscribers see.
    pub id: String,
    /// Whether the event was there already, by its idempotency key.
    pub repeated: bool,
}

impl Hub {
    /// Starts a hub on a store. Must be called in a tokio runtime; [`close`](Self::close) ends what it starts.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn start(store: Arc<dyn Store>, limits: Limits) -> Result<Self, StoreError> {
        let window = Arc::new(preload(&*store, &limits).await?);
        let tail = store.tail(window.head()).await?;
        let feed = tokio::spawn(feed::run(tail, window.clone()));
        let admission = Arc::new(Semaphore::new(limits.in_flight_bytes_max));
        let pages = Semaphore::new(limits.pages_max);
        Ok(Self {
            shared: Arc::new(Shared { store, window, limits, pages, subscriptions: AtomicUsize::new(0) }),
            admission,
            feed: Arc::new(Mutex::new(Some(feed))),
        })
    }

    /// Publishes one event. When this returns, it is as durable as the store promises.
    ///
    /// Cancel safety: a dropped call may or may not have published. With an idempotency key it can be repeated.
    ///
    /// # Errors
    ///
    /// See [`PublishError`]. But for [`StoreError::Stopped`], nothing was published.
    pub async fn publish(&self, draft: Draft) -> Result<Published, PublishError> {
        let mut published = self.publish_all(vec![draft]).await?;
        Ok(published.swap_remove(0))
    }

    /// Publishes events next to each other and in order, all or none. There must be at least one.
    ///
    /// # Errors
    ///
    /// As for [`publish`](Self::publish). If an idempotency key was reused for something else, the other
    /// events are published all the same.
    pub async fn publish_all(&self, drafts: Vec<Draft>) -> Result<Vec<Published>, PublishError> {
        let epoch = self.bounds().epoch;
        for draft in &drafts {
            self.check(draft)?;
        }
        let _room = self.admit(drafts.iter().map(Draft::bytes).sum()).await?;
        let ids: Vec<_> = drafts.iter().map(|draft| draft.id().cloned()).collect();
        let placements = self.shared.store.append(drafts).await?;
        let published = |(index, (placement, id)): (usize, (Placement, Option<tidings_sse::EventId>))| {
            let (sequence, repeated) = match placement {
                Placement::New(sequence) => (sequence, false),
                Placement::Repeated(sequence) => (sequence, true),
                Placement::KeyReused(_) => return Err(PublishError::KeyReused { index }),
            };
            let cursor = Cursor { epoch, sequence };
            Ok(Published {
                cursor,
                id: id.map_or_else(|| cursor.to_string(), |id| id.as_str().to_owned()),
                repeated,
            })
        };
        placements.into_iter().zip(ids).enumerate().map(published).collect()
    }

    /// Checks of a draft what only this hub can know. [`publish_all`](Self::publish_all) does the same, and then
    /// refuses all of its drafts.
    ///
    /// # Errors
    ///
    /// [`DraftError::IdReserved`].
    pub fn check(&self, draft: &Draft) -> Result<(), DraftError> {
        check_not_own_cursor(draft, self.shared.window.epoch())
    }

    /// Reads one page of the log, at most as large as the limits allow.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn read(&self, mut query: Query) -> Result<Reading, StoreError> {
        let limits = &self.shared.limits;
        query.events_max = query.events_max.clamp(1, limits.page_events_max);
        query.bytes_max = query.bytes_max.min(limits.page_bytes_max);
        self.shared.read(query).await
    }

    /// The ends of the log.
    pub fn bounds(&self) -> Bounds {
        self.shared.store.bounds()
    }

    /// The bounds that this hub was started with.
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// The last event that subscribers can see now.
    pub fn shown(&self) -> Sequence {
        self.shared.window.head()
    }

    /// How many subscriptions there are now.
    pub fn subscriptions(&self) -> usize {
        self.shared.subscriptions.load(Ordering::Relaxed)
    }

    /// Closes the store, keeping all that was acknowledged, and ends every subscription after what it can have.
    /// Cancel safe; a second call does nothing.
    ///
    /// # Errors
    ///
    /// When the store could not make everything durable.
    pub async fn close(&self) -> Result<(), StoreError> {
        let closed = self.shared.store.close().await;
        let mut feed = self.feed.lock().await;
        if let Some(task) = &mut *feed {
            // A panic in the feed has been reported by the runtime.
            let _ = task.await;
            *feed = None;
        }
        self.shared.window.close();
        closed
    }

    async fn admit(&self, bytes: usize) -> Result<tokio::sync::SemaphorePermit<'_>, PublishError> {
        let limits = &self.shared.limits;
        let bytes = u32::try_from(bytes.min(limits.in_flight_bytes_max)).unwrap_or(u32::MAX);
        match timeout(limits.admission_wait_max, self.admission.acquire_many(bytes)).await {
            Ok(Ok(permit)) => Ok(permit),
            // The semaphore is never closed.
            Ok(Err(_)) | Err(_) => Err(PublishError::Busy),
        }
    }
}

/// A window with the newest events of the log.
async fn preload(store: &dyn Store, limits: &Limits) -> Result<Window, StoreError> {
    let mut window = None;
    let mut start = Start::Last(PRELOAD_EVENTS_MAX);
    loop {
        let bounds = store.bounds();
        let empty = |after| Window::new(bounds.epoch, after, limits.window_bytes_max);
        let query = page_query(start, &Selectors::everything(), limits);
        let Reading::Page(page) = store.read(query).await? else {
            // Retention went past in the meantime: the window begins where the log ends.
            return Ok(empty(bounds.head));
        };
        let window = window.get_or_insert_with(|| empty(page.after));
        window.push(&page.events);
        if page.next >= page.head {
            break;
        }
        start = Start::After(page.next);
    }
    window.ok_or_else(|| StoreError::Unavailable("no page was read".into()))
}

/// Why an event was not published.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The draft breaks a rule that only the hub can check. The publisher's to mend.
    #[error(transparent)]
    Draft(#[from] DraftError),
    /// The idempotency key was used for another event. The publisher's to mend.
    #[error("this idempotency key was used before, for another event")]
    KeyReused {
        /// Which of the drafts, the first of them if there are several.
        index: usize,
    },
    /// Too much waits for the store. The publisher may try again.
    #[error("too many bytes wait for the store")]
    Busy,
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}
