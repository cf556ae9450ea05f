//! A store that refuses to append or to read, or waits with it, when it is told to; and whose tails fail.
//!
//! It wraps another store and only passes on what it is asked, so that it is a store as good as that one.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tidings_core::{
    Bounds, Cursor, Draft, Epoch, EpochStatus, Placement, Query, Reading, Store, StoreError, Tail, TailError,
    Tailed,
};
use tokio::sync::{Semaphore, watch};
use tokio::time::sleep;

/// More than a test appends or reads.
const OPEN: usize = 1_000_000;

/// What goes wrong. Cloning shares it.
#[derive(Clone)]
pub struct Fault(Arc<Inner>);

struct Inner {
    appends: Gate,
    reads: Gate,
    /// How long answers to appends are kept back.
    answers_wait: Mutex<Duration>,
    /// What every tail fails with.
    tails: watch::Sender<Option<StoreError>>,
}

/// What happens to the calls of one method.
struct Gate {
    /// One permit for each call that need not wait.
    open: Semaphore,
    /// What every call is refused with, once it need not wait.
    refusal: Mutex<Option<StoreError>>,
    /// Calls that were refused.
    refused: Mutex<usize>,
}

impl Fault {
    /// From now on appends fail.
    pub fn refuse(&self, error: StoreError) {
        self.0.appends.refuse(Some(error));
    }

    /// From now on reads fail. Tails go on.
    pub fn refuse_reads(&self, error: StoreError) {
        self.0.reads.refuse(Some(error));
    }

    /// From now on tails fail, also those that wait.
    pub fn fail_tails(&self, error: StoreError) {
        self.0.tails.send_replace(Some(error));
    }

    /// From now on neither appends nor reads fail.
    pub fn recover(&self) {
        self.0.appends.refuse(None);
        self.0.reads.refuse(None);
    }

    /// From now on appends wait until [`let_through`](Self::let_through).
    pub fn hold(&self) {
        self.0.appends.hold();
    }

    /// From now on appends are answered so much later. Readers see what was appended in the meantime.
    pub fn answer_after(&self, wait: Duration) {
        *self.0.answers_wait.lock().unwrap() = wait;
    }

    /// Lets a number of appends go on.
    pub fn let_through(&self, appends: usize) {
        self.0.appends.open.add_permits(appends);
    }

    /// From now on reads wait until [`let_reads_through`](Self::let_reads_through).
    pub fn hold_reads(&self) {
        self.0.reads.hold();
    }

    /// Lets a number of reads go on.
    pub fn let_reads_through(&self, reads: usize) {
        self.0.reads.open.add_permits(reads);
    }

    /// Lets all reads go on, from now on.
    pub fn let_all_reads_through(&self) {
        self.let_reads_through(OPEN);
    }

    /// Appends that were let through and have not come yet.
    pub fn left(&self) -> usize {
        self.0.appends.open.available_permits()
    }

    /// Reads that were refused so far.
    pub fn reads_refused(&self) -> usize {
        *self.0.reads.refused.lock().unwrap()
    }
}

impl Gate {
    fn new() -> Self {
        Self { open: Semaphore::new(OPEN), refusal: Mutex::default(), refused: Mutex::default() }
    }

    fn refuse(&self, error: Option<StoreError>) {
        *self.refusal.lock().unwrap() = error;
    }

    fn hold(&self) {
        self.open.forget_permits(usize::MAX);
    }

    /// Waits for a permit, and says whether the call is refused.
    async fn pass(&self) -> Result<(), StoreError> {
        self.open.acquire().await.unwrap().forget();
        let refusal = self.refusal.lock().unwrap().clone();
        if refusal.is_some() {
            *self.refused.lock().unwrap() += 1;
        }
        refusal.map_or(Ok(()), Err)
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
        let fault = Fault(Arc::new(Inner {
            appends: Gate::new(),
            reads: Gate::new(),
            answers_wait: Mutex::default(),
            tails: watch::Sender::new(None),
        }));
        (Self { inner, fault: fault.clone() }, fault)
    }
}

#[async_trait]
impl Store for FaultyStore {
    async fn append(&self, drafts: Vec<Draft>) -> Result<Vec<Placement>, StoreError> {
        self.fault.0.appends.pass().await?;
        let placed = self.inner.append(drafts).await;
        let wait = *self.fault.0.answers_wait.lock().unwrap();
        if !wait.is_zero() {
            sleep(wait).await;
        }
        placed
    }

    async fn read(&self, query: Query) -> Result<Reading, StoreError> {
        self.fault.0.reads.pass().await?;
        self.inner.read(query).await
    }

    fn bounds(&self) -> Bounds {
        self.inner.bounds()
    }

    fn status_of(&self, epoch: Epoch) -> EpochStatus {
        self.inner.status_of(epoch)
    }

    async fn tail(&self, after: Cursor) -> Result<Box<dyn Tail>, StoreError> {
        let tail = self.inner.tail(after).await?;
        Ok(Box::new(FaultyTail { tail, failure: self.fault.0.tails.subscribe() }))
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.inner.close().await
    }
}

/// A tail of the store.
struct FaultyTail {
    tail: Box<dyn Tail>,
    failure: watch::Receiver<Option<StoreError>>,
}

#[async_trait]
impl Tail for FaultyTail {
    async fn next(&mut self) -> Result<Option<Tailed>, TailError> {
        tokio::select! {
            biased;
            failure = failed(&mut self.failure) => Err(failure.into()),
            next = self.tail.next() => next,
        }
    }
}

/// Waits for an error, for ever if the store is gone before there is one.
async fn failed(failure: &mut watch::Receiver<Option<StoreError>>) -> StoreError {
    match failure.wait_for(Option::is_some).await.ok().and_then(|error| error.clone()) {
        Some(error) => error,
        None => std::future::pending().await,
    }
}
