//! Something that a client does while its request waits: it sends more, or has no more to send.
//!
//! hyper reads nothing while it answers a request, and a client that has no more to send may still read. So one that has left would be noticed
//! when something is written to it. A request that waits for a long time asks to be told instead, and is answered early: which of the
//! two it was, the write will tell. Over TLS the two look alike anyway.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Shared by the requests of a connection and its socket. Where nobody looks at the socket, it never comes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interruption(Arc<InterruptionParts>);

#[derive(Debug, Default)]
struct InterruptionParts {
    /// A request waits for it.
    is_awaited: AtomicBool,
    has_come: AtomicBool,
    come: Notify,
}

impl Interruption {
    /// Waits for it. Cancel safe.
    pub(crate) async fn comes(&self) {
        let Self(parts) = self;
        let _awaited = Awaited::begin(parts);
        while !parts.has_come.load(Ordering::Relaxed) {
            parts.come.notified().await;
        }
    }

    /// Whether the socket should be looked at.
    pub(crate) fn is_awaited(&self) -> bool {
        self.0.is_awaited.load(Ordering::Relaxed)
    }

    /// It has come.
    pub(crate) fn tell(&self) {
        self.0.is_awaited.store(false, Ordering::Relaxed);
        self.0.has_come.store(true, Ordering::Relaxed);
        self.0.come.notify_one();
    }
}

/// A request that waits.
struct Awaited<'a>(&'a InterruptionParts);

impl<'a> Awaited<'a> {
    fn begin(parts: &'a InterruptionParts) -> Self {
        // What came while another request waited is still there to be seen.
        parts.has_come.store(false, Ordering::Relaxed);
        parts.is_awaited.store(true, Ordering::Relaxed);
        Self(parts)
    }
}

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        self.0.is_awaited.store(false, Ordering::Relaxed);
    }
}
