//! Gives free memory back to the system, now and then: the allocator keeps what a flood has left behind.

use std::convert::Infallible;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::limits::{HEAP_FREE_BYTES_MAX, HEAP_LOOK_INTERVAL, HEAP_LOOK_INTERVAL_MAX};

/// Runs until it is dropped.
#[expect(
    clippy::disallowed_methods,
    reason = "a look waits for nothing, takes milliseconds, and is waited for"
)]
pub(super) async fn give_back_what_is_free() -> Infallible {
    let mut wait = HEAP_LOOK_INTERVAL;
    loop {
        sleep(wait).await;
        // It fails only while the runtime ends.
        let gave = spawn_blocking(look).await.unwrap_or(false);
        wait = wait_after(wait, gave);
    }
}

/// Gives free memory back if there is much, and returns whether there was.
fn look() -> bool {
    let Some(free) = tidings_heap::free_bytes().filter(|free| *free > HEAP_FREE_BYTES_MAX) else {
        return false;
    };
    tidings_heap::give_back();
    let left = tidings_heap::free_bytes().unwrap_or(0);
    tracing::debug!(free, left, "gave free memory back to the system");
    true
}

/// Memory that is there again at the next look is in use now and then. To fetch it back each time would cost more than to
/// keep it.
fn wait_after(wait: Duration, gave: bool) -> Duration {
    if gave { (wait * 2).min(HEAP_LOOK_INTERVAL_MAX) } else { HEAP_LOOK_INTERVAL }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_become_rarer_while_memory_is_there_again_and_again() {
        let mut wait = HEAP_LOOK_INTERVAL;
        for _ in 0..10 {
            wait = wait_after(wait, true);
        }
        assert_eq!(wait, HEAP_LOOK_INTERVAL_MAX);
        assert_eq!(wait_after(wait, false), HEAP_LOOK_INTERVAL);
    }
}
