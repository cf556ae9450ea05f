//! All lanes of a hub: where connections are parked.

use std::io;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tidings_core::{Form, Hub, Subscription};
use tokio::sync::mpsc;

use super::catch_up;
use super::lane::Lane;
use super::member::Framing;
use super::post::{Letter, Post};
use crate::limits::LANES_DEFAULT_MAX;

/// How lanes treat their connections.
#[derive(Debug, Clone)]
pub struct LaneConfig {
    /// Threads. Default: one for each core but at most 4, since a lane writes hundreds of thousands of frames a
    /// second and the kernel's loopback or network card is the limit soon after.
    pub lanes: usize,
    /// Silence after which a heartbeat is sent. Default 15 s. It is sent after three quarters to all of this time.
    pub heartbeat: Duration,
    /// How long a socket may take nothing of what is owed to it. Default 60 s: a phone in a tunnel. At the edge the
    /// connection is closed, and the client resumes by its id.
    pub write_wait_max: Duration,
    /// How old a stream may become, counted from its parking; at nine tenths to all of it, it is ended in good order,
    /// and its client comes back. Default none.
    pub stream_age_max: Option<Duration>,
    /// The delay before a client reconnects that is sent away, before jitter.
    pub retry: Duration,
}

impl Default for LaneConfig {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            lanes: cores.min(LANES_DEFAULT_MAX),
            heartbeat: Duration::from_secs(15),
            write_wait_max: Duration::from_secs(60),
            stream_age_max: None,
            retry: Duration::from_secs(3),
        }
    }
}

/// A connection whose response head and opening block have been written, and nothing else.
pub struct Parked {
    /// The socket, in non-blocking mode.
    pub stream: TcpStream,
    /// What to write, and from where on.
    pub subscription: Subscription,
    /// Which form of the frames.
    pub form: Form,
    /// How the body is delimited.
    pub framing: Framing,
    /// Whatever must live as long as the connection does: permits, counts.
    pub held: Box<dyn std::any::Any + Send>,
}

/// The lanes of a hub.
pub struct Lanes {
    posts: Vec<Arc<Post>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    next: AtomicUsize,
    readers: tokio::sync::Mutex<Option<tokio::task::JoinHandle<()>>>,
}

impl Lanes {
    /// Starts the threads. Must be called in a tokio runtime. [`ended`](Self::ended) waits for their end.
    ///
    /// # Errors
    ///
    /// When the operating system gives no thread or no event queue.
    pub fn start(hub: &Hub, config: &LaneConfig) -> io::Result<Self> {
        let (requests, receiver) = mpsc::unbounded_channel();
        let readers = tokio::spawn(catch_up::run(receiver));
        let (mut posts, mut threads) = (Vec::new(), Vec::new());
        for number in 0..config.lanes.max(1) {
            let lane = Lane::new(hub.clone(), config.clone(), requests.clone())?;
            posts.push(lane.post());
            threads
                .push(std::thread::Builder::new().name(format!("lane-{number}")).spawn(move || lane.run())?);
        }
        let (threads, readers) = (Mutex::new(threads), tokio::sync::Mutex::new(Some(readers)));
        Ok(Self { posts, threads, next: AtomicUsize::new(0), readers })
    }

    /// Hands a connection to the next lane in turn.
    pub fn park(&self, parked: Parked) {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        self.posts[turn % self.posts.len()].send(Letter::Park(Box::new(parked)));
    }

    /// Sends every client away within `window`, spread evenly, each with a delay before it may come back. Whoever
    /// is parked later is sent away at once.
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
