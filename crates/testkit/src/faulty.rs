//! A store that refuses to append, or waits with it, when it is told to.
//!
//! It wraps another store and only passes on what it is asked, so that it is a store as good as that one.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tidings_core::{Bounds, Draft, Placement, Query, Reading, Sequence, Store, StoreError, Tail};
use tokio::sync::Semaphore;

/// More than a test appends.
const OPEN: usize = 1_000_000;

/// What goes wrong. Cloning shares it.
#[derive(Clone)]
pub struct Fault(Arc<Inner>);

struct Inner {
    /// What every append is refused with.
    refusal: Mutex<Option<StoreError>>,
    /// One permit for each append that need not wait.
    gate: Semaphore,
}

impl Fault {
    /// From now on appends fail.
    pub fn refuse(&self, error: StoreError) {
        *self.0.refusal.lock().unwrap() = Some(error);
    }

    /// From now on appends do not fail.
    pub fn recover(&self) {
        *self.0.refusal.lock().unwrap() = None;
    }

    /// From now on appends wait until [`let_through`](Self::let_through).
    pub fn hold(&self) {
        self.0.gate.forget_permits(OPEN);
    }

    /// Lets a number of appends go on.
    pub fn let_through(&self, appends: usize) {
        self.0.gate.add_permits(appends);
    }

    /// Appends that were let through and have not come yet.
    pub fn left(&self) -> usize {
        self.0.gate.available_permits()
    }
}

/// The store.
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    fault: Fault,
}

impl FaultyStore {
    /// Wraps a store. Nothing goes wrong before the [`Fault`] is told to.
    pub fn new(inner: Arc<dyn Store>) -> (Self, Fault) {
        let fault = Fault(Arc::new(Inner { refusal: Mutex::default(), gate: Semaphore::new(OPEN) }));
        (Self { inner, fault: fault.clone() }, fault)
    }
}

#[async_trait]
impl Store for FaultyStore {
    async fn append(&self, drafts: Vec<Draft>) -> Result<Vec<Placement>, StoreError> {
        self.fault.0.gate.acquire().await.unwrap().forget();
        let refusal = self.fault.0.refusal.lock().unwrap().clone();
        match refusal {
            Some(error) => Err(error),
            None => self.inner.append(drafts).await,
        }
    }

    async fn read(&self, query: Query) -> Result<Reading, StoreError> {
        self.inner.read(query).await
    }

    fn bounds(&self) -> Bounds {
        self.inner.bounds()
    }

    async fn tail(&self, after: Sequence) -> Result<Box<dyn Tail>, StoreError> {
        self.inner.tail(after).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.inner.close().await
    }
}
