//! Reading: from a query to a page, off the async threads and in slices.
//!
//! A reading sees one [`LogView`] of the log and takes no lock while it reads. It has a budget of work, and what exceeds it
//! is told. Between its slices others get their turns, at the [desk](tidings_core::read_desk) of the store.
//!
//! | file | does |
//! |---|---|
//! | `locate`, `last`, `id` | where a page begins |
//! | `backward`, `ascending` | the searches that this takes |
//! | `page` | what is in it |
//! | `candidates`, `matcher`, `records` | which records may match, which do, and what they say |

pub(crate) mod ascending;
pub(crate) mod backward;
pub(crate) mod candidates;
#[cfg(test)]
pub(crate) mod charge_tests;
pub(crate) mod id;
pub(crate) mod last;
pub(crate) mod locate;
pub(crate) mod matcher;
pub(crate) mod page;
pub(crate) mod records;
#[cfg(test)]
pub(crate) mod sliced_tests;

use std::sync::Arc;

use async_trait::async_trait;
use tidings_core::limits::{BUDGET_UNITS, SLICE_UNITS};
use tidings_core::read_desk::{Desk, Meter, Search, Sharing};
use tidings_core::tail::ReadLog;
use tidings_core::{Page, Query, Reading, StoreError};

use self::locate::{NotHeld, Place};
use super::fault::Fault;
use super::hash::KeyedHash;
use super::log::{Log, LogView};
use super::mend::Mender;
use crate::limits::MENDS_PER_READING_MAX;

/// The reading half of a store.
pub(crate) struct LogReader {
    log: Arc<Log>,
    desk: Arc<Desk<Result<Reading, Fault>>>,
    mender: Arc<Mender>,
}

impl LogReader {
    pub(crate) fn new(log: Arc<Log>, mender: Arc<Mender>) -> Self {
        Self { mender, log, desk: Desk::new(Sharing::default()) }
    }
}

#[async_trait]
impl ReadLog for LogReader {
    /// Cancel safe: the work of a call that is dropped ends with its slice.
    async fn read(&self, query: Query) -> Result<Reading, StoreError> {
        for _ in 0..MENDS_PER_READING_MAX {
            match self.read_once(query.clone()).await? {
                // Retention has removed it while this was read: the next look finds a log without it. If not, somebody else has.
                Err(fault) if let Some(base) = fault.missing_of() => self.mender.mend(base).await?,
                Err(Fault::Damaged { base, file, offset, what }) => {
                    let fault = Fault::Damaged { base, file, offset, what };
                    tracing::warn!(%fault, "a part of the log cannot be read, and is looked at record by record");
                    self.mender.mend(base).await?;
                }
                reading => return Ok(reading?),
            }
        }
        Ok(self.read_once(query).await??)
    }
}

impl LogReader {
    async fn read_once(&self, query: Query) -> Result<Result<Reading, Fault>, StoreError> {
        let meter = Arc::new(Meter::new(BUDGET_UNITS));
        self.desk.run(search(self.log.clone(), query, meter.clone()), meter).await
    }
}

/// A reading that looks at the log when its first slice begins.
fn search(log: Arc<Log>, query: Query, meter: Arc<Meter>) -> Search<Result<Reading, Fault>> {
    Box::pin(async move { read(&log.view(), &log.hash, &query, &meter).await })
}

/// Answers a query, as far as the budget goes.
async fn read(view: &LogView, hash: &KeyedHash, query: &Query, meter: &Meter) -> Result<Reading, Fault> {
    let Place { after, is_partial } = match locate::locate(view, hash, query, meter).await? {
        Ok(place) => place,
        Err(NotHeld { lost, resumes_after }) => return Ok(Reading::Lost { lost, resumes_after }),
    };
    // A search that has used up its budget still answers with a page that gets somewhere.
    meter.begin_page(SLICE_UNITS);
    Ok(match page::page(view, after, query, meter).await? {
        Reading::Page(page) => Reading::Page(Page { partial: is_partial, ..page }),
        lost @ Reading::Lost { .. } => lost,
    })
}
