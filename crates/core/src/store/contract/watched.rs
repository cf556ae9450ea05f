//! A store that notes which of its calls have not returned, so that a deadline can name what hung.

use std::ptr::addr_eq;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use async_trait::async_trait;

use crate::contract::fixture::Fixture;
use crate::event::{Clock, Cursor, Draft, Epoch, EpochStatus, Sequence};
use crate::store::{
    Bounds, Placement, Query, Reading, RetentionHold, Store, StoreError, Tail, TailError, Tailed,
};

/// The calls that were made and have not returned.
#[derive(Default)]
pub(crate) struct Calls(Mutex<Vec<&'static str>>);

impl Calls {
    /// Their names, oldest first.
    pub(crate) fn pending(&self) -> Vec<&'static str> {
        self.lock().clone()
    }

    fn begin(self: &Arc<Self>, name: &'static str) -> Call {
        self.lock().push(name);
        Call { calls: self.clone(), name }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<&'static str>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call, until it returns or is dropped.
struct Call {
    calls: Arc<Calls>,
    name: &'static str,
}

impl Drop for Call {
    fn drop(&mut self) {
        let mut pending = self.calls.lock();
        if let Some(at) = pending.iter().position(|name| *name == self.name) {
            pending.remove(at);
        }
    }
}

/// A store that notes its calls, and the one that it watches.
type Pair = (Weak<dyn Store>, Weak<dyn Store>);

/// A fixture whose stores note their calls, or such a store.
pub(crate) struct Watched<T: ?Sized> {
    calls: Arc<Calls>,
    /// The stores that a fixture has opened.
    opened: Mutex<Vec<Pair>>,
    inner: T,
}

impl<T> Watched<T> {
    pub(crate) fn new(inner: T, calls: Arc<Calls>) -> Self {
        Self { calls, opened: Mutex::default(), inner }
    }
}

impl Watched<Arc<dyn Fixture>> {
    fn watch(&self, inner: Arc<dyn Store>) -> Arc<dyn Store> {
        let outer: Arc<dyn Store> = Arc::new(Watched::new(inner.clone(), self.calls.clone()));
        self.opened().push((Arc::downgrade(&outer), Arc::downgrade(&inner)));
        outer
    }

    fn inner_of(&self, store: &Arc<dyn Store>) -> Option<Arc<dyn Store>> {
        let is_it = |outer: &Weak<dyn Store>| addr_eq(outer.as_ptr(), Arc::as_ptr(store));
        self.opened().iter().find(|(outer, _)| is_it(outer)).and_then(|(_, inner)| inner.upgrade())
    }

    fn opened(&self) -> MutexGuard<'_, Vec<Pair>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Fixture for Watched<Arc<dyn Fixture>> {
    async fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
        let _call = self.calls.begin("open");
        self.watch(self.inner.open(clock).await)
    }

    async fn open_bounded(&self, clock: Arc<dyn Clock>, events: usize) -> Arc<dyn Store> {
        let _call = self.calls.begin("open");
        self.watch(self.inner.open_bounded(clock, events).await)
    }

    async fn open_held(
        &self,
        clock: Arc<dyn Clock>,
        events: usize,
        hold: Arc<RetentionHold>,
    ) -> Option<Arc<dyn Store>> {
        let _call = self.calls.begin("open");
        self.inner.open_held(clock, events, hold).await.map(|store| self.watch(store))
    }

    fn survives_restart(&self) -> bool {
        self.inner.survives_restart()
    }

    fn batches_a_tail_keeps(&self) -> usize {
        self.inner.batches_a_tail_keeps()
    }

    async fn begin_epoch(&self, store: &Arc<dyn Store>, after: Sequence) -> Option<Cursor> {
        let _call = self.calls.begin("begin_epoch");
        let inner = self.inner_of(store).expect("the case opened this store");
        self.inner.begin_epoch(&inner, after).await
    }
}

#[async_trait]
impl Store for Watched<Arc<dyn Store>> {
    async fn append(&self, drafts: Vec<Draft>) -> Result<Vec<Placement>, StoreError> {
        let _call = self.calls.begin("append");
        self.inner.append(drafts).await
    }

    async fn read(&self, query: Query) -> Result<Reading, StoreError> {
        let _call = self.calls.begin("read");
        self.inner.read(query).await
    }

    fn bounds(&self) -> Bounds {
        let _call = self.calls.begin("bounds");
        self.inner.bounds()
    }

    fn status_of(&self, epoch: Epoch) -> EpochStatus {
        let _call = self.calls.begin("status_of");
        self.inner.status_of(epoch)
    }

    async fn tail(&self, after: Cursor) -> Result<Box<dyn Tail>, StoreError> {
        let _call = self.calls.begin("tail");
        Ok(Box::new(Watched::new(self.inner.tail(after).await?, self.calls.clone())))
    }

    async fn close(&self) -> Result<(), StoreError> {
        let _call = self.calls.begin("close");
        self.inner.close().await
    }
}

#[async_trait]
impl Tail for Watched<Box<dyn Tail>> {
    async fn next(&mut self) -> Result<Option<Tailed>, TailError> {
        let _call = self.calls.begin("next of a tail");
        self.inner.next().await
    }
}
