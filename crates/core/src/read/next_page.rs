//! The next page for a follower that the rings have left behind: of the window as far as that reaches, else of the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::hub::Hub;
use crate::limits::WINDOW_PAGE_FRAMES_MAX;
use crate::live::scan::{Scan, frames_per};
use crate::metrics::PageSource;
use crate::read::follower::{Follower, Step};
use crate::store::StoreError;

impl Hub {
    /// Finds what comes next for a follower that [needs the log](crate::Needs::Log), about `bytes_max` of it, and hands it
    /// over. It may be nothing yet, and the follower only have moved on.
    ///
    /// Cancel safe: the follower has taken nothing until the call returns. Work that was begun ends with its slice.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn next_page(&self, follower: &mut Follower, bytes_max: usize) -> Result<Step, StoreError> {
        if let Some(scan) = self.look_through_window(follower, bytes_max).await {
            self.metrics().lagged(PageSource::Window);
            return Ok(follower.take_scan(scan));
        }
        let reading = self.read(follower.query(self.limits().page_events_max, bytes_max)).await?;
        self.metrics().lagged(PageSource::Store);
        Ok(follower.take_reading(reading, self.bounds().head))
    }

    /// Looks at the frames after a follower's place on a thread that may block. None if the window does not hold them.
    async fn look_through_window(&self, follower: &Follower, bytes_max: usize) -> Option<Scan> {
        let (place, window) = (follower.cursor(), self.window().clone());
        window.slice(place, place.sequence, 0)?;
        let permit = self.window_pages().clone().acquire_owned().await;
        let stop = StopOnDrop(Arc::default());
        let stopped = stop.0.clone();
        let (selectors, events_max) = (follower.selectors().clone(), self.limits().page_events_max);
        // It looks at a bounded number of frames, and is waited for below.
        let scan = tokio::task::spawn_blocking(move || {
            // Held to the end, so that readers that leave do not let more of these run.
            let _permit = permit;
            let frames_max = frames_per(WINDOW_PAGE_FRAMES_MAX, &selectors);
            let (mut scan, head) = (Scan::after(place, events_max, bytes_max), window.head());
            while scan.look_at_slice(&window, &selectors, head)
                && scan.looked_at < frames_max
                && !stopped.load(Ordering::Relaxed)
            {}
            scan
        });
        let scan = scan.await.ok()?;
        // Where the window has let go of everything, the store goes on.
        (scan.looked_at > 0 || scan.through != place).then_some(scan)
    }
}

/// Says that nobody waits any more.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
