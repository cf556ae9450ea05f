//! Sealing: gives segments that have ended an index file, so that their index need not stay in memory.
//!
//! This is done beside the writer. Nothing depends on it: a segment without an index file is read at the next start.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::{Builder, JoinHandle};

use super::disk::Disk;
use super::fault::Fault;
use super::holes::Holes;
use super::index::build;
use super::index::sealed::SealedIndex;
use super::log::Log;
use super::names;
use super::segment::{IndexState, Segment};
use crate::limits::SEAL_WAKES_MAX;

/// Who seals.
pub(crate) enum Sealer {
    /// A thread of its own. It is told when there is something to do; a writer that is two segments ahead waits.
    Thread(Option<(SyncSender<()>, JoinHandle<()>)>),
    /// The writer itself, so that what happens on the disk has one order.
    #[cfg(test)]
    Inline(Arc<dyn Disk>, Arc<Log>),
}

impl Sealer {
    /// Starts a thread.
    #[expect(clippy::disallowed_methods, reason = "the writer has it, and joins it when it is dropped")]
    pub(crate) fn start(disk: Arc<dyn Disk>, log: Arc<Log>) -> std::io::Result<Self> {
        let (wake, woken) = sync_channel(SEAL_WAKES_MAX);
        let run = move || run(&*disk, &log, &woken);
        let thread = Builder::new().name("tidings-seal".to_owned()).spawn(run)?;
        Ok(Self::Thread(Some((wake, thread))))
    }

    /// Says that a segment has ended.
    pub(crate) fn wake(&self) {
        match self {
            Self::Thread(Some((wake, _))) => {
                // An error would say that the thread is gone; then segments keep their index in memory.
                let _ = wake.send(());
            }
            Self::Thread(None) => {}
            #[cfg(test)]
            Self::Inline(disk, log) => seal_all(&**disk, log),
        }
    }
}

impl Drop for Sealer {
    fn drop(&mut self) {
        if let Self::Thread(thread) = self
            && let Some((wake, thread)) = thread.take()
        {
            drop(wake);
            // A panic there has been reported there.
            let _ = thread.join();
        }
    }
}

fn run(disk: &dyn Disk, log: &Log, woken: &Receiver<()>) {
    while woken.recv().is_ok() {
        seal_all(disk, log);
    }
}

/// Seals every segment that has ended and is not sealed. What fails is tried again the next time.
fn seal_all(disk: &dyn Disk, log: &Log) {
    let view = log.view();
    for segment in view.segments.iter() {
        if let Err(error) = seal(disk, log, segment) {
            tracing::warn!(%error, "an index could not be written, and stays in memory");
        }
    }
}

fn seal(disk: &dyn Disk, log: &Log, segment: &Segment) -> Result<(), Fault> {
    let (IndexState::Growing(index), Some(ended)) = (&segment.index_state, segment.ended.get()) else {
        return Ok(());
    };
    // An index in a file says nothing of holes, so it would lead past them.
    if !segment.holes.now().is_empty() || !segment.doubts.is_empty() || segment.header_is_lost {
        return Ok(());
    }
    // The space that was set aside and not used.
    segment.file.set_len(ended.end).map_err(Fault::io(&segment.name()))?;
    build::write(disk, &segment.header, *ended, index, &log.hash)?;
    let sealed = SealedIndex::open(disk, segment.base(), segment.header.format, log.hash)?;
    // From here on the file is one of many, and need not be open.
    let file = disk.open_ended(&segment.name()).map_err(Fault::io(&segment.name()))?;
    let replaced = log.replace(Arc::new(Segment {
        header: segment.header,
        records: segment.records,
        file,
        index_state: IndexState::Sealed(Box::new(sealed)),
        ended: OnceLock::from(*ended),
        holes: Holes::default(),
        doubts: Vec::new(),
        header_is_lost: false,
    }));
    if !replaced {
        // Retention was quicker. An index alone would be removed at the next start.
        let _ = disk.remove(&names::index(segment.base()));
    }
    Ok(())
}
