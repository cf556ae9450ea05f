//! Pieces of a body that a connection has, until it has written them.
//!
//! hyper asks a body for a piece, and only then for room. A connection of HTTP/2 takes the whole piece as soon as there is
//! room for one byte, and keeps it until the client makes room for the rest; hyper asks for the next one meanwhile. A body
//! that ended with its last piece would leave both behind, and nobody would notice a client that never takes them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::task::AtomicWaker;

/// Counts the pieces of one body.
#[derive(Default)]
pub(crate) struct HandedOut(Arc<Pieces>);

#[derive(Default)]
struct Pieces {
    waker: AtomicWaker,
    left: AtomicUsize,
}

/// The owner of a piece's bytes, dropped with the last of them.
struct Piece {
    bytes: Bytes,
    pieces: Arc<Pieces>,
}

impl HandedOut {
    /// The same bytes, counted until they are dropped.
    pub(crate) fn count(&self, bytes: Bytes) -> Bytes {
        self.0.left.fetch_add(1, Ordering::Relaxed);
        Bytes::from_owner(Piece { bytes, pieces: self.0.clone() })
    }

    pub(crate) fn is_all_written(&self) -> bool {
        self.0.left.load(Ordering::Acquire) == 0
    }

    pub(crate) fn poll_all_written(&self, context: &mut Context<'_>) -> Poll<()> {
        // First the waker, or a piece that is dropped between would wake nobody.
        self.0.waker.register(context.waker());
        if self.is_all_written() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.pieces.left.fetch_sub(1, Ordering::Release);
        self.pieces.waker.wake();
    }
}
