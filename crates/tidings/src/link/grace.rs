//! Work that a signal ends, but not before it had a moment to come to its end.

use tokio::time::timeout;

use crate::limits::INTERRUPTED_WAIT;
use crate::signals::Signals;

/// What became of the work.
pub(crate) enum Finished<T> {
    /// It is done.
    Done(T),
    /// It is done, and a signal has asked for the end.
    Last(T),
    /// A signal has asked for the end, and the work was not done in time.
    Cut,
}

/// Works until it is done. After a signal it has a moment for that, and after another one none.
pub(crate) async fn finish<T>(work: impl Future<Output = T>, signals: &mut Signals) -> Finished<T> {
    tokio::pin!(work);
    // Biased: work that is done is not cut.
    tokio::select! {
        biased;
        done = &mut work => return Finished::Done(done),
        _ = signals.next() => {}
    }
    tokio::select! {
        biased;
        done = timeout(INTERRUPTED_WAIT, &mut work) => done.map_or(Finished::Cut, Finished::Last),
        _ = signals.next() => Finished::Cut,
    }
}
