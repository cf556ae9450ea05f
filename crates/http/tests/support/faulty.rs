//! A store in memory that refuses to append, or waits with it, when it is told to.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tidings_core::{
    Bounds, Draft, MemoryStore, Placement, Query, Reading, Sequence, Store, StoreError, Tail,
};
use tokio::sync::Semaphore;

/// What goes wrong. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Fault(Arc<Mutex<Option<StoreError>>>, Arc<Semaphore>);

/// More than a test appends.
const OPEN: usize = 1_000_000;

impl Default for Fault {
    fn default() -> Self {
        Self(Arc::default(), Arc::new(Semaphore::new(OPEN)))
    }
}

impl Fault {
    pub(crate) fn full(&self) {
        *self.0.lock().unwrap() = Some(StoreError::Full("secret detail".into()));
    }

    pub(crate) fn stopped(&self) {
        *self.0.lock().unwrap() = Some(StoreError::Stopped("secret detail".into()));
    }

    /// Every append waits until [`let_through`](Self::let_through).
    pub(crate) fn hold(&self) {
        self.1.forget_permits(OPEN);
    }

    /// So many appends need not wait.
    pub(crate) fn let_through(&self, appends: usize) {
        self.1.add_permits(appends);
    }

    /// Appends that need not wait and did not come.
    pub(crate) fn left(&self) -> usize {
        self.1.available_permits()
    }

    pub(crate) fn none(&self) {
        *self.0.lock().unwrap() = None;
    }
}

pub(crate) struct FaultyStore {
    pub(crate) store: MemoryStore,
    pub(crate) fault: Fault,
}

#[async_trait]
impl Store for FaultyStore {
    async fn append(&self, drafts: Vec<Draft>) -> Result<Vec<Placement>, StoreError> {
        self.fault.1.acquire().await.unwrap().forget();
        let fault = self.fault.0.lock().unwrap().clone();
        match fault {
            Some(error) => Err(error),
            None => self.store.append(drafts).await,
        }
    }

    async fn read(&self, query: Query) -> Result<Reading, StoreError> {
        self.store.read(query).await
    }

    fn bounds(&self) -> Bounds {
        self.store.bounds()
    }

    async fn tail(&self, after: Sequence) -> Result<Box<dyn Tail>, StoreError> {
        self.store.tail(after).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.store.close().await
    }
}
