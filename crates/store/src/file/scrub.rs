//! Scrubbing: reads the segments that have ended, and their indexes, through, slowly, and again and again. So damage is found, told and
//! declared before a reader comes to it, and while a backup still has the events.
//!
//! It has a thread of its own, which sleeps nearly all of its time. The newest segment is left to its writer.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use tidings_core::{Clock, Sequence};

use super::disk::Disk;
use super::fault::Fault;
use super::holes;
use super::index::pages;
use super::log::{Log, Span};
use super::mend::Mender;
use super::metrics::StoreMetrics;
use super::names;
use super::read::records::Records;
use super::segment::{IndexState, Segment};
use crate::limits::{SCRUB_PASS_INTERVAL_MIN, SCRUB_STEP_BYTES};

/// What is scrubbed, and who hears of it.
pub(crate) struct Scrub {
    pub(crate) log: Arc<Log>,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) mender: Arc<Mender>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: StoreMetrics,
    /// At least 1.
    pub(crate) bytes_per_second: u64,
}

/// The thread that scrubs. It ends when this is dropped.
pub(crate) struct Scrubber {
    end: Arc<End>,
    thread: Option<JoinHandle<()>>,
}

/// Tells the thread to end.
#[derive(Default)]
struct End {
    is_near: Mutex<bool>,
    told: Condvar,
}

/// The scrubber is to end.
struct Ended;

impl Scrubber {
    #[expect(clippy::disallowed_methods, reason = "this has the thread, and joins it when it is dropped")]
    pub(crate) fn start(scrub: Scrub) -> std::io::Result<Self> {
        let end = Arc::<End>::default();
        let run = {
            let end = end.clone();
            // It comes back when it is to end, and for no other reason.
            move || _ = scrub.run(&end)
        };
        let thread = Builder::new().name("tidings-scrub".to_owned()).spawn(run)?;
        Ok(Self { end, thread: Some(thread) })
    }
}

impl Drop for Scrubber {
    fn drop(&mut self) {
        *self.end.is_near.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.end.told.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported there.
            let _ = thread.join();
        }
    }
}

impl End {
    /// Waits, unless the scrubber is to end.
    fn wait(&self, time: Duration) -> Result<(), Ended> {
        let is_near = self.is_near.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.told.wait_timeout_while(is_near, time, |is_near| !*is_near);
        let (is_near, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if *is_near { Err(Ended) } else { Ok(()) }
    }
}

impl Scrub {
    fn run(&self, end: &End) -> Result<(), Ended> {
        loop {
            let read = self.pass(end)?;
            self.metrics.scrubbed_all(self.clock.now());
            let spent = Duration::from_secs(read / self.bytes_per_second);
            end.wait(SCRUB_PASS_INTERVAL_MIN.saturating_sub(spent))?;
        }
    }

    /// Reads all segments that have ended. Returns the bytes that were read.
    fn pass(&self, end: &End) -> Result<u64, Ended> {
        let (mut pace, mut last) = (Pace { scrub: self, end, owed: 0, read: 0 }, Sequence::ZERO);
        // The log is looked at anew for each segment: retention may have taken it, and another one may have ended.
        while let Some(segment) = self.after(last) {
            last = segment.base();
            match self.segment(&segment, &mut pace)? {
                Ok(()) => {}
                Err(fault @ Fault::Damaged { .. }) => {
                    tracing::warn!(%fault, "scrubbing has found damage; the segment is looked at record by record");
                    self.metrics.scrub_found_damage();
                    if let Err(error) = self.mender.mend_blocking(last) {
                        tracing::warn!(%error, "a damaged segment could not be looked at");
                    }
                }
                // Retention was quicker.
                Err(fault) if fault.is_missing() => {}
                Err(fault) => {
                    tracing::warn!(%fault, "a segment could not be scrubbed, and is tried again with the next pass");
                }
            }
        }
        self.metrics.scrubbed(pace.owed);
        Ok(pace.read)
    }

    /// The first segment behind one, if it has ended.
    fn after(&self, last: Sequence) -> Option<Arc<Segment>> {
        let view = self.log.view();
        let (_, ended) = view.segments.split_last()?;
        ended.iter().find(|segment| segment.base() > last).cloned()
    }

    /// Reads a segment and its index, but for what is known to be damaged.
    fn segment(&self, segment: &Arc<Segment>, pace: &mut Pace<'_>) -> Result<Result<(), Fault>, Ended> {
        let records = segment.index().records();
        let file = match self.disk.open_to_read_through(&segment.name()).map_err(Fault::io(&segment.name())) {
            Ok(file) => file,
            Err(fault) => return Ok(Err(fault)),
        };
        for part in holes::between(0..records, &segment.holes.now()) {
            let mut reader = Records::new(Span { segment, start: part.start, end: part.end }).reading(&*file);
            for ordinal in part {
                match reader.record(ordinal).map(|record| record.len) {
                    Ok(bytes) => pace.take(bytes as u64)?,
                    Err(fault) => return Ok(Err(fault)),
                }
            }
        }
        match &segment.index_state {
            IndexState::Sealed(_) => self.index(segment.base(), pace),
            IndexState::Growing(_) => Ok(Ok(())),
        }
    }

    fn index(&self, base: Sequence, pace: &mut Pace<'_>) -> Result<Result<(), Fault>, Ended> {
        let name = names::index(base);
        let file = match self.disk.open_to_read_through(&name).map_err(Fault::io(&name)) {
            Ok(file) => file,
            // The log goes on with the file that it has open, and the next start makes another one.
            Err(fault) => return Ok(if fault.is_missing() { Ok(()) } else { Err(fault) }),
        };
        let (mut bytes, mut at) = (vec![0; SCRUB_STEP_BYTES], 0);
        loop {
            let read = match file.read_at(&mut bytes, at).map_err(Fault::unread(base, &name, at)) {
                Ok(read) => read,
                Err(fault) => return Ok(Err(fault)),
            };
            if let Some((offset, what)) = pages::first_wrong(base, at, &bytes[..read], None) {
                return Ok(Err(Fault::damaged_index(base, offset, what)));
            }
            pace.take(read as u64)?;
            at += read as u64;
            if read < bytes.len() {
                return Ok(Ok(()));
            }
        }
    }
}

/// How fast it goes.
struct Pace<'a> {
    scrub: &'a Scrub,
    end: &'a End,
    /// Bytes that were read since the last wait.
    owed: u64,
    /// Bytes that were read in all.
    read: u64,
}

impl Pace<'_> {
    /// Notes bytes that were read, and waits when it is time to.
    fn take(&mut self, bytes: u64) -> Result<(), Ended> {
        (self.owed, self.read) = (self.owed + bytes, self.read + bytes);
        if self.owed < SCRUB_STEP_BYTES as u64 {
            return Ok(());
        }
        let owed = std::mem::take(&mut self.owed);
        self.scrub.metrics.scrubbed(owed);
        self.end.wait(Duration::from_secs_f64(owed as f64 / self.scrub.bytes_per_second as f64))
    }
}
