//! What the carrier of an answer can see of it: whether there are bytes that the client does not take, and whether it must
//! let go of what it holds.
//!
//! A body cannot notice by itself that nobody asks it for bytes. Its carrier, the task of an HTTP/2 request or an HTTP/1
//! connection, notices it with [`Patience`] and drops the body. hyper asks for a piece before there is room for it and
//! keeps it, so the patience with a client that takes nothing may begin one piece late.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Shared by an answer's body and its carrier.
#[derive(Debug, Clone, Default)]
pub(crate) struct AnswerWatch(Arc<WatchParts>);

#[derive(Debug, Default)]
struct WatchParts {
    /// Pieces of the body that were handed out.
    pieces: AtomicU32,
    /// The last piece is not known to have been taken.
    owes: AtomicBool,
    /// The carrier has lost its patience.
    is_cut_off: AtomicBool,
    let_go: Mutex<Option<CancellationToken>>,
}

impl AnswerWatch {
    /// The body has handed out a piece: hyper has handed the one before to the connection.
    pub(crate) fn handed_out(&self) {
        self.0.pieces.fetch_add(1, Ordering::Relaxed);
        self.0.owes.store(true, Ordering::Relaxed);
    }

    /// All pieces so far were taken, and there is nothing more now.
    pub(crate) fn at_rest(&self) {
        self.0.owes.store(false, Ordering::Relaxed);
    }

    /// The body holds something that it must let go when the token is cancelled.
    pub(crate) fn holds(&self, let_go: Option<CancellationToken>) {
        *self.let_go() = let_go;
    }

    /// Waits until the body must let go of something that it holds. Cancel safe.
    pub(crate) async fn must_let_go(&self) {
        let token = self.let_go().clone();
        match token {
            Some(token) => token.cancelled().await,
            None => std::future::pending().await,
        }
    }

    /// Whether the carrier has ended the answer because its client did not take it.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.0.is_cut_off.load(Ordering::Relaxed)
    }

    fn cut_off(&self) {
        self.0.is_cut_off.store(true, Ordering::Relaxed);
    }

    /// The number of pieces, if the last of them is owed.
    fn owed(&self) -> Option<u32> {
        self.0.owes.load(Ordering::Relaxed).then(|| self.0.pieces.load(Ordering::Relaxed))
    }

    fn let_go(&self) -> MutexGuard<'_, Option<CancellationToken>> {
        self.0.let_go.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why an answer is ended before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Impatience {
    /// A piece was not taken in time. A byte now and then does not count.
    Stalled,
    /// What it holds is needed for others.
    RoomNeeded,
}

/// The patience of a carrier with the client of one answer.
pub(crate) struct Patience {
    watch: AnswerWatch,
    wait_max: Duration,
    /// Made when a piece is owed for the first time: most answers are taken at once.
    wait: Option<Box<Wait>>,
}

struct Wait {
    /// What is waited for to be taken.
    piece: u32,
    deadline: Pin<Box<Sleep>>,
    let_go: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

impl Patience {
    pub(crate) fn new(watch: AnswerWatch, wait_max: Duration) -> Self {
        Self { watch, wait_max, wait: None }
    }

    /// To be called whenever the carrier cannot go on. Wakes it when the patience ends. Then the answer is cut off.
    pub(crate) fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<Impatience> {
        let end = self.poll_impatience(context);
        if end.is_ready() {
            self.watch.cut_off();
        }
        end
    }

    fn poll_impatience(&mut self, context: &mut Context<'_>) -> Poll<Impatience> {
        let Some(piece) = self.watch.owed() else {
            self.wait = None;
            return Poll::Pending;
        };
        let until = Instant::now() + self.wait_max;
        let let_go = || {
            let token = self.watch.let_go().clone();
            token.map(|token| Box::pin(token.cancelled_owned()))
        };
        let wait = self.wait.get_or_insert_with(|| {
            Box::new(Wait { piece, deadline: Box::pin(sleep(self.wait_max)), let_go: let_go() })
        });
        if wait.piece != piece {
            wait.piece = piece;
            wait.deadline.as_mut().reset(until);
            wait.let_go = let_go();
        }
        if wait.let_go.as_mut().is_some_and(|let_go| let_go.as_mut().poll(context).is_ready()) {
            return Poll::Ready(Impatience::RoomNeeded);
        }
        wait.deadline.as_mut().poll(context).map(|()| Impatience::Stalled)
    }
}
