//! The hub on a listener: accepts, serves, drains.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::task::TaskTracker;

use crate::connection::connection::Surroundings;
use crate::connection::places::Places;
use crate::connection::refusal::{refuse, speaks};
use crate::connection::socket::prepare;
use crate::front::Front;
use crate::lane::{LaneConfig, Lanes};
use crate::limits::{ACCEPT_PAUSE, PLACE_WAIT_MAX, REFUSALS_MAX};

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

/// Serves `front` on `listener` until `shutdown` completes. Then it gives [notice](Front::begin_notice): for that time
/// `/readyz` says 503, new subscribers are told to come back later, and all else is answered as before. Then it drains: new
/// connections and new publishes are refused, requests under way are finished, and subscribers are sent away over the
/// window, each with a delay before it may come back. [`Front::begin_drain`] ends the notice at once.
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
        connections,
        places: Places::new(config.places_max(), front.metrics().connections()),
        refusals: Arc::new(Semaphore::new(REFUSALS_MAX)),
        front,
    };
    door.admit_until(&listener, shutdown).await;
    door.front.begin_notice();
    door.admit_until(&listener, door.front.notice_over()).await;
    drop(listener);
    Ok(door.drain().await)
}

/// Where connections come in, until it is closed.
struct Door {
    front: Front,
    lanes: Arc<Lanes>,
    /// Connections that are not parked, their requests over HTTP/2, and those that are being refused.
    connections: TaskTracker,
    /// One for each connection, parked or not.
    places: Places,
    /// One for each connection that waits for a place, or gets one answer because there is none.
    refusals: Arc<Semaphore>,
}

impl Door {
    async fn admit_until(&self, listener: &TcpListener, end: impl Future<Output = ()>) {
        tokio::pin!(end);
        loop {
            // Biased: a flood of connections must not keep the hub from ending.
            tokio::select! {
                biased;
                () = &mut end => return,
                () = self.admit_next(listener) => {}
            }
        }
    }

    /// Accepts one connection, when there is at least the place to refuse it: until then it waits in the system's queue, so
    /// that no connection which was accepted goes without an answer. Cancel safe.
    async fn admit_next(&self, listener: &TcpListener) {
        let refusal = self.refusals.clone().acquire_owned().await;
        let refusal = refusal.expect("the semaphore of refusals is never closed");
        match listener.accept().await {
            Ok((stream, peer)) => self.admit(stream, peer.ip(), refusal),
            Err(error) => pause_after(&error).await,
        }
    }

    fn admit(&self, stream: TcpStream, peer: IpAddr, refusal: OwnedSemaphorePermit) {
        if let Err(error) = prepare(&stream) {
            tracing::debug!(%error, "a socket cannot be prepared");
            return;
        }
        let surroundings = Surroundings {
            front: self.front.for_peer(peer),
            lanes: self.lanes.clone(),
            tasks: self.connections.clone(),
        };
        let places = self.places.clone();
        match places.try_take() {
            Some(place) => self.connections.spawn(surroundings.serve(stream, place, places.visit())),
            None => {
                let refusals = self.refusals.clone();
                self.connections.spawn(async move {
                    let drain = surroundings.front.drain().clone();
                    // Biased: a hub that ends answers the clients that have asked, and waits for no other.
                    let speaks = tokio::select! {
                        biased;
                        speaks = speaks(&stream, &refusals) => speaks,
                        () = drain.begun() => false,
                    };
                    if !speaks {
                        return tracing::debug!("a client without a place says nothing");
                    }
                    let place = tokio::select! {
                        biased;
                        () = drain.begun() => None,
                        place = places.take_within(PLACE_WAIT_MAX) => place,
                    };
                    match place {
                        Some(place) => {
                            drop(refusal);
                            surroundings.serve(stream, place, places.visit()).await;
                        }
                        None => {
                            refuse(&surroundings, stream).await;
                            drop(refusal);
                        }
                    }
                })
            }
        };
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
        let asked = self.front.drain().notice_began().unwrap_or_else(Instant::now);
        match timeout_at(asked + config.drain_wait_max, ended).await {
            Ok(()) => Verdict::Drained,
            Err(_) => Verdict::CutOff { connections: self.places.count() },
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
