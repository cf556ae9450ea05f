//! SIGINT and SIGTERM to the soak: without this it would end and leave its hub running.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

pub(super) struct Interruption {
    seen: Arc<AtomicBool>,
    /// Has one thread, which waits for the signal and ends with this.
    _runtime: Runtime,
}

impl Interruption {
    /// Takes the signals over.
    #[expect(clippy::disallowed_methods, reason = "the runtime ends with this, and its task with it")]
    pub(super) fn watch() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let seen = Arc::new(AtomicBool::new(false));
        // The signals are taken over within the runtime.
        let entered = runtime.enter();
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        drop(entered);
        let tell = Arc::clone(&seen);
        runtime.spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            tell.store(true, SeqCst);
        });
        Ok(Self { seen, _runtime: runtime })
    }

    /// Fails once there was a signal.
    pub(super) fn check(&self) -> io::Result<()> {
        if self.seen.load(SeqCst) {
            return Err(io::Error::new(io::ErrorKind::Interrupted, "it was asked to end"));
        }
        Ok(())
    }
}
