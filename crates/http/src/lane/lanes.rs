//! All lanes of a hub: where connections are parked.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tidings_core::{Clock, Hub};

use super::lane::{Lane, LaneShare};
use super::page_reader::{self, PagePermits, PageRequests};
use super::parked::{Held, Parked};
use super::post::{Letter, Post};
use crate::clock::SystemClock;
use crate::limits::LANES_DEFAULT_MAX;
use crate::stream::gzip::Deflater;
use crate::stream::machine::StreamConfig;
use crate::stream::metrics::StreamMetrics;
use crate::unread::UnreadFrames;

/// How lanes treat their connections.
#[derive(Debug, Clone)]
pub struct LaneConfig {
    /// Threads. Default: one for each core but at most 4, since a lane writes hundreds of thousands of frames a
    /// second and the kernel's loopback or network card is the limit soon after.
    pub lanes: usize,
    /// How their streams are treated.
    pub stream: StreamConfig,
}

impl Default for LaneConfig {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { lanes: cores.min(LANES_DEFAULT_MAX), stream: StreamConfig::default() }
    }
}

/// What lanes share with the front that they belong to.
pub(crate) struct LanesShare {
    pub(crate) unread: UnreadFrames,
    pub(crate) pages: PagePermits,
    pub(crate) deflater: Deflater,
    pub(crate) metrics: StreamMetrics,
    pub(crate) clock: Arc<dyn Clock>,
}

/// The lanes of a hub, for connections that hold an `H` each.
pub struct Lanes<H> {
    posts: Vec<Arc<Post<H>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    next: AtomicUsize,
    #[expect(clippy::disallowed_types, reason = "`ended` holds the lock while it waits for the readers")]
    readers: tokio::sync::Mutex<Option<tokio::task::JoinHandle<()>>>,
}

impl<H: Held> Lanes<H> {
    /// Starts the threads. Must be called in a tokio runtime. [`ended`](Self::ended) waits for their end.
    ///
    /// # Errors
    ///
    /// When the operating system gives no thread or no event queue.
    pub fn start(hub: &Hub, config: &LaneConfig) -> io::Result<Self> {
        let share = LanesShare {
            unread: UnreadFrames::new(config.stream.unread_bytes_max),
            pages: PagePermits::new(hub.limits().pages_max),
            deflater: Deflater::default(),
            metrics: StreamMetrics::default(),
            clock: Arc::new(SystemClock),
        };
        Self::sharing(hub, config, share)
    }

    /// The same, for lanes that share their bounds and counters with a front.
    pub(crate) fn sharing(hub: &Hub, config: &LaneConfig, share: LanesShare) -> io::Result<Self> {
        let LanesShare { unread, pages, deflater, metrics, clock } = share;
        let (requests, receiver) = PageRequests::new();
        #[expect(clippy::disallowed_methods, reason = "`ended` waits for the readers, whose handle is kept")]
        let readers = tokio::spawn(page_reader::run(hub.clone(), pages, receiver));
        // All lanes are made before the first thread runs, so that a failure leaves no thread behind.
        let make = |_| {
            let shared = LaneShare {
                hub: hub.clone(),
                requests: requests.clone(),
                unread: unread.clone(),
                deflater: deflater.clone(),
                metrics: metrics.clone(),
                clock: clock.clone(),
            };
            Lane::new(shared, &config.stream)
        };
        let lanes: Vec<_> = (0..config.lanes.max(1)).map(make).collect::<io::Result<_>>()?;
        let posts: Vec<_> = lanes.iter().map(Lane::post).collect();
        let mut threads = Vec::new();
        for (number, lane) in lanes.into_iter().enumerate() {
            let thread = std::thread::Builder::new().name(format!("lane-{number}"));
            let spawned = thread.spawn(move || lane.run());
            if spawned.is_err() {
                posts.iter().for_each(|post| post.send(Letter::End));
            }
            threads.push(spawned?);
        }
        #[expect(clippy::disallowed_types, reason = "`ended` holds the lock while it waits for the readers")]
        let (threads, readers) = (Mutex::new(threads), tokio::sync::Mutex::new(Some(readers)));
        Ok(Self { posts, threads, next: AtomicUsize::new(0), readers })
    }

    /// Hands a connection to the next lane in turn.
    pub fn park(&self, parked: Parked<H>) {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        self.posts[turn % self.posts.len()].send(Letter::Park(Box::new(parked)));
    }

    /// Sends every client away within `window`, spread evenly, each with a delay before it may come back. One that
    /// is parked later is sent away at its turn, too, or at once if that has passed.
    pub fn drain(&self, window: Duration) {
        for post in &self.posts {
            post.send(Letter::Drain(window));
        }
    }

    /// Waits, after [`drain`](Self::drain), until the last client has gone and the threads have ended. Nothing may
    /// be parked any more. Cancel safe; a second call returns when the first would.
    pub async fn ended(&self) {
        for post in &self.posts {
            post.send(Letter::End);
        }
        let mut readers = self.readers.lock().await;
        // The readers end when no lane can ask them any more.
        if let Some(task) = &mut *readers {
            let _ = task.await;
            *readers = None;
        }
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // It has nothing left to do but return.
            if thread.join().is_err() {
                tracing::error!("a lane ended in a panic");
            }
        }
    }
}
