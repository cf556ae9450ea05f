//! Reading: from a query to a page, off the async threads.
//!
//! A reading sees one [`LogView`] of the log and takes no lock while it reads.

pub(crate) mod backward;
pub(crate) mod candidates;
pub(crate) mod locate;
pub(crate) mod matcher;
pub(crate) mod page;
pub(crate) mod records;

use std::sync::Arc;

use async_trait::async_trait;
use tidings_core::tail::ReadLog;
use tidings_core::{Query, Reading, StoreError};
use tokio::sync::Semaphore;

use super::fault::Fault;
use super::hash::KeyedHash;
use super::log::{Log, LogView};
use crate::limits::READINGS_MAX;

/// The reading half of a store.
pub(crate) struct LogReader {
    log: Arc<Log>,
    permits: Arc<Semaphore>,
}

impl LogReader {
    pub(crate) fn new(log: Arc<Log>) -> Self {
        Self { log, permits: Arc::new(Semaphore::new(READINGS_MAX)) }
    }
}

#[async_trait]
impl ReadLog for LogReader {
    async fn read(&self, query: Query) -> Result<Reading, StoreError> {
        // The semaphore is never closed, and a panic is a fault of this reading alone: the others go on.
        let failed = || StoreError::Unavailable("a reading has ended without an answer".into());
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| failed())?;
        let log = self.log.clone();
        #[expect(
            clippy::disallowed_methods,
            reason = "it reads one page, has a permit, and is waited for below"
        )]
        let reading = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            read(&log.view(), &log.hash, &query)
        });
        Ok(reading.await.map_err(|_| failed())??)
    }
}

/// Answers a query.
pub(crate) fn read(view: &LogView, hash: &KeyedHash, query: &Query) -> Result<Reading, Fault> {
    Ok(match locate::locate(view, hash, query)? {
        Ok(after) => Reading::Page(page::page(view, after, query)?),
        Err(locate::NotHeld { lost, resumes_after }) => Reading::Lost { lost, resumes_after },
    })
}
