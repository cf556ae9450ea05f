//! A store in memory that refuses to append when it is told to.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tidings_core::{
    Bounds, Draft, MemoryStore, Placement, Query, Reading, Sequence, Store, StoreError, Tail,
};

/// What goes wrong. Cloning shares it.
#[derive(Clone, Default)]
pub(crate) struct Fault(Arc<Mutex<Option<StoreError>>>);

impl Fault {
    pub(crate) fn full(&self) {
        *self.0.lock().unwrap() = Some(StoreError::Full("secret detail".into()));
    }

    pub(crate) fn stopped(&self) {
        *self.0.lock().unwrap() = Some(StoreError::Stopped("secret detail".into()));
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
