//! Whether anybody still reads what this process writes: `sub | head -n 1` must not wait for another event.

use rustix::event::{PollFd, PollFlags, poll};

/// Returns when stdout is a pipe or a socket whose reader has gone. Never returns for a file or a terminal that stays.
/// Cancel-safe.
#[expect(clippy::disallowed_methods, reason = "it ends with the reader of stdout, or with the process")]
pub(in crate::cmd) async fn of_stdout() {
    // A thread of its own: it ends with the reader, or with the process.
    let gone = tokio::task::spawn_blocking(|| {
        let stdout = std::io::stdout();
        // No event is asked for, and errors are always told.
        poll(&mut [PollFd::new(&stdout, PollFlags::empty())], None).is_ok()
    });
    if !matches!(gone.await, Ok(true)) {
        std::future::pending::<()>().await;
    }
}
