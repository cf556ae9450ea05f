//! Stop 3 of the walk: the hub, where drafts come in and subscriptions begin.

use std::sync::Arc;

use bytes::Bytes;
use tidings_sse::{EventId, EventType};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::event::{
    BatchProgress, Cursor, Draft, DraftError, DraftFields, Epoch, EpochStatus, Sequence, Topic,
};
use crate::limits::{Limits, PRELOAD_EVENTS_MAX, STATE_BYTES_MAX, WINDOW_PAGES_MIN};
use crate::live::encoding::EncodingsInUse;
use crate::live::ring::Watcher;
use crate::live::window::Window;
use crate::live::{Encoding, InUse, View, feed};
use crate::metrics::HubMetrics;
use crate::presence::{Presences, keep};
use crate::roster::Roster;
use crate::select::Selectors;
use crate::store::{Bounds, Page, Placement, Query, Reading, Start, Store, StoreError};

/// The whole: one log, every publisher to it, every subscriber of it. Cloning shares it.
///
/// When the store stops for good, every subscription ends and publishing is refused with [`StoreError::Stopped`], whose
/// text says which acknowledged events may be gone. The process should end then. A program that is to hear of it without
/// a publish wraps its store and looks at the errors of [`Tail::next`](crate::Tail::next): the hub waits on that call
/// for as long as it lives.
#[derive(Clone)]
pub struct Hub(Arc<HubParts>);

struct HubParts {
    store: Arc<dyn Store>,
    window: Arc<Window>,
    limits: Limits,
    _encodings: Vec<InUse>,
    roster: Arc<Roster>,
    presences: Arc<Presences>,
    metrics: HubMetrics,
    /// One permit for each byte of drafts that waits for the store.
    admission: Semaphore,
    /// One permit for each page of the window that is being read.
    window_pages: Arc<Semaphore>,
    #[expect(clippy::disallowed_types, reason = "`close` holds the lock while it waits for the feed")]
    feed: tokio::sync::Mutex<Option<JoinHandle<()>>>,
    #[expect(clippy::disallowed_types, reason = "`close` holds the lock while it waits for the keeper")]
    keeper: tokio::sync::Mutex<Option<JoinHandle<()>>>,
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
        Self::start_encoding(store, limits, &[]).await
    }

    /// The same, with encodings that the feed makes as long as the hub lives, also of the events of the past that the hub
    /// begins with: after a restart, all readers come back at once and ask for these.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn start_encoding(
        store: Arc<dyn Store>,
        limits: Limits,
        encodings: &[&'static Encoding],
    ) -> Result<Self, StoreError> {
        // A page of no events never gets on.
        let limits = Limits { page_events_max: limits.page_events_max.max(1), ..limits };
        let used = Arc::<EncodingsInUse>::default();
        let in_use = encodings.iter().map(|encoding| used.add(encoding)).collect();
        let window = Arc::new(preload(&*store, &limits, &used).await?);
        let tail = store.tail(window.place()).await?;
        #[expect(
            clippy::disallowed_methods,
            reason = "the hub keeps the handle, and `close` waits for the feed"
        )]
        let feed = tokio::spawn(feed::run(tail, window.clone()));
        let roster = Arc::new(Roster::new(limits.selectors_max));
        let presences = Arc::new(Presences::new(limits.presence_debounce));
        roster.add_listener(presences.clone());
        #[expect(
            clippy::disallowed_methods,
            reason = "the hub keeps the handle, and `close` waits for the keeper"
        )]
        let keeper = tokio::spawn(keep(presences.clone(), roster.clone()));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self(Arc::new(HubParts {
            store,
            window,
            roster,
            presences,
            metrics: HubMetrics::default(),
            admission: Semaphore::new(limits.in_flight_bytes_max),
            window_pages: Arc::new(Semaphore::new(cores.max(WINDOW_PAGES_MIN))),
            limits,
            _encodings: in_use,
            #[expect(
                clippy::disallowed_types,
                reason = "`close` holds the lock while it waits for the feed"
            )]
            feed: tokio::sync::Mutex::new(Some(feed)),
            #[expect(
                clippy::disallowed_types,
                reason = "`close` holds the lock while it waits for the keeper"
            )]
            keeper: tokio::sync::Mutex::new(Some(keeper)),
        })))
    }

    /// Validates an event: the only door for what publishers send. `data` is any UTF-8 text, kept to the byte.
    ///
    /// # Errors
    ///
    /// One variant of [`DraftError`] for each rule; the publisher's to mend.
    pub fn draft(&self, topic: Topic, data: Bytes, fields: DraftFields<'_>) -> Result<Draft, DraftError> {
        let is_on_line = |epoch| self.status_of(epoch) != EpochStatus::Unknown;
        Draft::new(topic, data, fields, &self.0.limits, is_on_line)
    }

    /// Validates an event of the hub's own, whose type begins with `tidings.` and which no publisher can send.
    ///
    /// # Errors
    ///
    /// [`DraftError::TypeNotOwn`], and what is wrong with the data.
    pub fn own_draft(&self, topic: Topic, own_type: &EventType, data: Bytes) -> Result<Draft, DraftError> {
        Draft::own(topic, own_type, data, &self.0.limits)
    }

    /// Validates a [state record](Draft::is_state) of the hub's own: an event in everything but its kind, which the store
    /// keeps.
    ///
    /// # Errors
    ///
    /// As for [`own_draft`](Self::own_draft), with [`STATE_BYTES_MAX`] in the place of the limit that publishers have.
    pub fn state_draft(&self, topic: Topic, own_type: &EventType, data: Bytes) -> Result<Draft, DraftError> {
        // The limit is for what publishers send, and may have been lowered since the hub took what the state is made of.
        let limits = Limits { event_bytes_max: STATE_BYTES_MAX, ..self.0.limits.clone() };
        Ok(Draft::own(topic, own_type, data, &limits)?.into_state())
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
    /// The last draft may [end a part](Draft::ending_part) of a batch that is published under one idempotency key.
    ///
    /// # Errors
    ///
    /// As for [`publish`](Self::publish). If an idempotency key was reused for something else, the other
    /// events are published all the same; but of a part of a batch, none is.
    pub async fn publish_all(&self, drafts: Vec<Draft>) -> Result<Vec<Published>, PublishError> {
        let _room = self.admit(drafts.iter().map(Draft::bytes).sum()).await?;
        let ids: Vec<_> = drafts.iter().map(|draft| (draft.id().cloned(), draft.bytes())).collect();
        let placements = self.0.store.append(drafts).await?;
        self.0.metrics.placed(&placements, ids.iter().map(|(_, bytes)| *bytes));
        let published = |(index, (placement, (id, _))): (usize, (Placement, (Option<EventId>, usize)))| {
            let (cursor, repeated) = match placement {
                Placement::New(cursor) => (cursor, false),
                Placement::Repeated(cursor) => (cursor, true),
                Placement::KeyReused(_) => return Err(PublishError::KeyReused { index }),
                Placement::BatchAt(progress) => return Err(PublishError::BatchAt(progress)),
            };
            let id = id.map_or_else(|| cursor.to_string(), |id| id.as_str().to_owned());
            Ok(Published { cursor, id, repeated })
        };
        placements.into_iter().zip(ids).enumerate().map(published).collect()
    }

    /// Reads one page of the log, at most as large as the limits allow. Cancel safe.
    ///
    /// It may be called as often at once as there are readers. The store decides how many of the readings run, and whose turn
    /// it is: permits that are given here in the order of arrival would let a small reading wait for large ones.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn read(&self, mut query: Query) -> Result<Reading, StoreError> {
        let limits = &self.0.limits;
        query.events_max = query.events_max.min(limits.page_events_max);
        query.bytes_max = query.bytes_max.min(limits.page_bytes_max);
        self.0.store.read(query).await
    }

    /// The rings of a set of selectors, to be shared among many cursors. `watcher` is told under `key` when they hold
    /// more.
    pub fn view(&self, selectors: &Selectors, watcher: Arc<dyn Watcher>, key: usize) -> View {
        View::new(self.0.window.clone(), selectors, watcher, key)
    }

    /// Makes the feed encode every event that arrives, for as long as the answer lives.
    pub fn encode(&self, encoding: &'static Encoding) -> InUse {
        self.0.window.encodings().add(encoding)
    }

    /// The ends of the log.
    pub fn bounds(&self) -> Bounds {
        self.0.store.bounds()
    }

    pub(crate) fn window(&self) -> &Arc<Window> {
        &self.0.window
    }

    /// The permits to look through the frames of the window.
    pub(crate) fn window_pages(&self) -> &Arc<Semaphore> {
        &self.0.window_pages
    }

    /// What the log knows of an epoch.
    pub fn status_of(&self, epoch: Epoch) -> EpochStatus {
        self.0.store.status_of(epoch)
    }

    /// What it counts. [`register_metrics`](Self::register_metrics) makes it readable.
    pub fn metrics(&self) -> &HubMetrics {
        &self.0.metrics
    }

    /// Bytes of drafts that wait for the store.
    pub(crate) fn bytes_in_flight(&self) -> usize {
        self.limits().in_flight_bytes_max.saturating_sub(self.0.admission.available_permits())
    }

    /// The bounds that this hub was started with.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// The last event that subscribers can see now.
    pub fn shown(&self) -> Sequence {
        self.0.window.head()
    }

    /// Whether the window holds everything after a place of the current epoch.
    pub(crate) fn holds_all_after(&self, cursor: Cursor) -> bool {
        let bounds = self.bounds();
        cursor.epoch == bounds.epoch()
            && cursor.epoch == self.0.window.epoch()
            && cursor.sequence <= bounds.head.sequence
            && cursor.sequence >= self.0.window.floor()
    }

    /// Whether what comes after a place must be read from the store: the window no longer holds it. Of a place in an epoch
    /// that the window does not know this says nothing, and the rings send its reader to the store.
    pub fn has_evicted(&self, cursor: Cursor) -> bool {
        cursor.sequence < self.0.window.floor()
    }

    /// The subscribers there are.
    pub fn roster(&self) -> &Arc<Roster> {
        &self.0.roster
    }

    /// Which users read the topics that are watched.
    pub fn presences(&self) -> &Arc<Presences> {
        &self.0.presences
    }

    /// Closes the store, keeping all that was acknowledged, and ends every subscription after what it can have.
    /// Cancel safe; a second call does nothing.
    ///
    /// # Errors
    ///
    /// When the store could not make everything durable.
    pub async fn close(&self) -> Result<(), StoreError> {
        let closed = self.0.store.close().await;
        let mut feed = self.0.feed.lock().await;
        if let Some(task) = &mut *feed {
            // A panic in the feed has been reported by the runtime.
            let _ = task.await;
            *feed = None;
        }
        self.0.window.close().await;
        self.0.presences.close();
        let mut keeper = self.0.keeper.lock().await;
        if let Some(task) = &mut *keeper {
            let _ = task.await;
            *keeper = None;
        }
        closed
    }

    async fn admit(&self, bytes: usize) -> Result<SemaphorePermit<'_>, PublishError> {
        let limits = &self.0.limits;
        let bytes = u32::try_from(bytes.min(limits.in_flight_bytes_max)).unwrap_or(u32::MAX);
        match timeout(limits.admission_wait_max, self.0.admission.acquire_many(bytes)).await {
            Ok(Ok(permit)) => Ok(permit),
            // The semaphore is never closed.
            Ok(Err(_)) | Err(_) => Err(PublishError::Busy),
        }
    }
}

/// A window with the newest events of the log.
async fn preload(
    store: &dyn Store,
    limits: &Limits,
    encodings: &Arc<EncodingsInUse>,
) -> Result<Window, StoreError> {
    let mut window = None;
    let mut start = Start::Last(PRELOAD_EVENTS_MAX);
    loop {
        let bounds = store.bounds();
        let empty = |after| Window::encoding(after, limits.window_bytes_max, encodings.clone());
        let query = Query {
            start,
            selectors: Selectors::everything(),
            events_max: limits.page_events_max,
            bytes_max: limits.page_bytes_max,
        };
        let Reading::Page(page) = store.read(query).await? else {
            // Retention went past in the meantime: the window begins where the log ends.
            return Ok(empty(bounds.head));
        };
        let window = window.get_or_insert_with(|| empty(page.after));
        take_page(window, &page).await;
        if !page.has_more() {
            break;
        }
        start = Start::After(page.next);
    }
    window.ok_or_else(|| StoreError::Unavailable("no page was read".into()))
}

/// Adds a page to a window that begins; the events of the past may be of several epochs.
async fn take_page(window: &Window, page: &Page) {
    for run in page.events.chunk_by(|one, next| one.cursor.epoch == next.cursor.epoch) {
        let begins = run[0].cursor.previous();
        if begins.epoch != window.epoch() {
            window.load_epoch(begins);
        }
        window.push(run).await;
    }
    if page.next.epoch != window.epoch() {
        window.load_epoch(page.next);
    }
}

/// Why an event was not published.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The idempotency key was used for another event. The publisher's to mend.
    #[error("this idempotency key was used before, for another event")]
    KeyReused {
        /// Which of the drafts, the first of them if there are several.
        index: usize,
    },
    /// The log holds another part of the batch than the one that this one goes on behind. The publisher is to compare
    /// its events with the progress, and to go on there.
    #[error("{} events of this batch are published already", .0.through)]
    BatchAt(BatchProgress),
    /// Too much waits for the store. The publisher may try again.
    #[error("too many bytes wait for the store")]
    Busy,
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}
