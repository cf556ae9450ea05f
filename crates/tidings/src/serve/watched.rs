//! A store that tells when it has stopped for good, so that the process can end instead of refusing for ever.
//!
//! It is heard from what the store answers to a request, and from its tail, which needs no request: the feed waits on it
//! as long as the hub lives.

use std::sync::Arc;

use async_trait::async_trait;
use tidings_core::store::Turn;
use tidings_core::{
    Bounds, Cursor, Draft, Epoch, EpochStatus, Placement, Query, Reading, Store, StoreError, Tail, TailError,
    Tailed,
};
use tokio::sync::watch;

/// Passes everything on, and remembers an error after which nothing but the end of the process helps.
pub(crate) struct Watched {
    store: Arc<dyn Store>,
    watch: Watch,
}

impl Watched {
    /// Watches a store.
    pub(crate) fn new(store: Arc<dyn Store>) -> (Self, Fatal) {
        let (fatal, told) = watch::channel(None);
        (Self { store, watch: Watch(fatal) }, Fatal(told))
    }
}

/// Where the error is written down. Clones share it.
#[derive(Clone)]
struct Watch(watch::Sender<Option<StoreError>>);

impl Watch {
    fn note<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        result.inspect_err(|error| self.note_error(error))
    }

    fn note_error(&self, error: &StoreError) {
        match error.turn() {
            Turn::StopProcess => {
                // The first one is the cause.
                self.0.send_if_modified(|fatal| {
                    let first = fatal.is_none();
                    if first {
                        *fatal = Some(error.clone());
                    }
                    first
                });
            }
            Turn::CallOperator => tracing::error!(%error, "an operator must look at the data directory"),
            Turn::TryAgain | Turn::GiveUp => {}
        }
    }
}

/// Tells of the error that stops the process.
pub(crate) struct Fatal(watch::Receiver<Option<StoreError>>);

impl Fatal {
    /// Waits for it; for ever, if none comes. Cancel safe.
    pub(crate) async fn error(&mut self) -> StoreError {
        if let Ok(error) = self.0.wait_for(Option::is_some).await
            && let Some(error) = error.clone()
        {
            return error;
        }
        std::future::pending().await
    }
}

#[async_trait]
impl Store for Watched {
    async fn append(&self, drafts: Vec<Draft>) -> Result<Vec<Placement>, StoreError> {
        self.watch.note(self.store.append(drafts).await)
    }

    async fn read(&self, query: Query) -> Result<Reading, StoreError> {
        self.watch.note(self.store.read(query).await)
    }

    fn bounds(&self) -> Bounds {
        self.store.bounds()
    }

    fn status_of(&self, epoch: Epoch) -> EpochStatus {
        self.store.status_of(epoch)
    }

    async fn tail(&self, after: Cursor) -> Result<Box<dyn Tail>, StoreError> {
        let tail = self.watch.note(self.store.tail(after).await)?;
        Ok(Box::new(WatchedTail { tail, watch: self.watch.clone() }))
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.store.close().await
    }
}

/// The tail of a watched store.
struct WatchedTail {
    tail: Box<dyn Tail>,
    watch: Watch,
}

#[async_trait]
impl Tail for WatchedTail {
    async fn next(&mut self) -> Result<Option<Tailed>, TailError> {
        let next = self.tail.next().await;
        if let Err(TailError::Store(error)) = &next {
            self.watch.note_error(error);
        }
        next
    }
}
