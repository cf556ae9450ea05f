//! The hub on a listener: accepts, serves, drains.

use std::io;
use std::sync::Arc;

use prometheus_client::metrics::gauge::Gauge;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;

use crate::answer::problem_type::ProblemType;
use crate::connection::connection::Surroundings;
use crate::connection::http2::Http2Shared;
use crate::connection::refusal;
use crate::connection::socket::prepare;
use crate::front::Front;
use crate::lane::{Held, LaneConfig, Lanes};
use crate::limits::{ACCEPT_PAUSE, REFUSALS_MAX};
use crate::stream::permits::StreamPermits;

/// How a drain went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All clients were sent away in good order.
    Drained,
    /// The deadline came first, with connections left.
    CutOff {
        /// Connections that were closed as they were.
        connections: usize,
    },
}

/// Serves `front` on `listener` until `shutdown` completes, then drains: new connections and new publishes are
/// refused, requests under way are finished, and subscribers are sent away over the window, each with a delay
/// before it may come back.
///
/// Not cancel safe: dropping it leaves the lanes' threads behind.
///
/// # Errors
///
/// When the lanes cannot be started. Errors of single connections are logged.
pub async fn serve(
    listener: TcpListener,
    front: Front,
    shutdown: impl Future<Output = ()>,
) -> io::Result<Verdict> {
    let config = front.config();
    let lane_config = LaneConfig { lanes: config.lanes, stream: config.stream() };
    let lanes = Arc::new(Lanes::sharing(front.hub(), &lane_config, front.lanes_share())?);
    let connections = TaskTracker::new();
    let door = Door {
        lanes,
        http2: Http2Shared {
            tasks: connections.clone(),
            permits: StreamPermits::new(config.connections_max),
        },
        connections,
        connection_permits: Arc::new(Semaphore::new(config.connections_max)),
        refusals: Arc::new(Semaphore::new(REFUSALS_MAX)),
        front,
    };
    tokio::pin!(shutdown);
    loop {
        // Biased: a flood of connections must not keep the hub from ending.
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => door.admit(stream),
                Err(error) => pause_after(&error).await,
            },
        }
    }
    drop(listener);
    Ok(door.drain().await)
}

/// A connection, one in their number for as long as it lives.
struct OpenConnection {
    connections: Gauge,
    _permit: OwnedSemaphorePermit,
}

impl OpenConnection {
    fn new(permit: OwnedSemaphorePermit, connections: Gauge) -> Self {
        connections.inc();
        Self { connections, _permit: permit }
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.connections.dec();
    }
}

impl Held for OpenConnection {}

/// Where connections come in, until it is closed.
struct Door {
    front: Front,
    lanes: Arc<Lanes>,
    /// Connections that are not parked, their requests over HTTP/2, and those that are being refused.
    connections: TaskTracker,
    http2: Http2Shared,
    /// One for each connection, parked or not.
    connection_permits: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
}

impl Door {
    fn admit(&self, stream: TcpStream) {
        let Ok(permit) = self.connection_permits.clone().try_acquire_owned() else {
            return self.turn_away(stream);
        };
        if let Err(error) = prepare(&stream) {
            tracing::debug!(%error, "a socket cannot be prepared");
            return;
        }
        let surroundings =
            Surroundings { front: self.front.clone(), lanes: self.lanes.clone(), http2: self.http2.clone() };
        let held = OpenConnection::new(permit, self.front.metrics().connections());
        self.connections.spawn(surroundings.serve(stream, Box::new(held)));
    }

    fn turn_away(&self, stream: TcpStream) {
        self.front.metrics().refused(ProblemType::TooManyConnections);
        let Ok(refusal) = self.refusals.clone().try_acquire_owned() else { return };
        let (tls, retry) =
            (self.front.config().tls.clone(), self.front.drain().delay(self.front.config().retry));
        self.connections.spawn(async move {
            refusal::refuse(stream, tls.as_ref(), retry).await;
            drop(refusal);
        });
    }

    async fn drain(self) -> Verdict {
        let config = self.front.config();
        self.front.drain().begin(config.drain_window);
        self.connections.close();
        let ended = async {
            // The lanes go first: a connection that hyper still has may yet be parked, and is then sent away at once.
            self.lanes.drain(config.drain_window);
            self.connections.wait().await;
            self.lanes.ended().await;
        };
        match timeout(config.drain_wait_max, ended).await {
            Ok(()) => Verdict::Drained,
            Err(_) => {
                let connections = config.connections_max - self.connection_permits.available_permits();
                Verdict::CutOff { connections }
            }
        }
    }
}

/// Waits when the process has no file for another connection; errors of one connection are that one's.
async fn pause_after(error: &io::Error) {
    let peers_fault =
        [io::ErrorKind::ConnectionAborted, io::ErrorKind::ConnectionReset, io::ErrorKind::Interrupted];
    if !peers_fault.contains(&error.kind()) {
        tracing::warn!(%error, "cannot accept connections at the moment");
        sleep(ACCEPT_PAUSE).await;
    }
}
