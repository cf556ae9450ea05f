//! The hub on a listener: accepts, serves, drains.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use prometheus_client::metrics::gauge::Gauge;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::task::TaskTracker;

use crate::connection::accept_trouble::AcceptTrouble;
use crate::connection::connection::Surroundings;
use crate::connection::parked_hold::ParkedHold;
use crate::connection::places::{Place, Places};
use crate::connection::socket::prepare;
use crate::connection::sockets::Sockets;
use crate::connection::standing::Visiting;
use crate::front::Front;
use crate::lane::{LaneConfig, Lanes};
use crate::limits::{ACCEPT_AT_END_MAX, ACCEPT_PAUSE, LINGER_AT_END_WAIT_MAX, LOBBY_ROOM_SHARE};

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
    let lobby_max = front.config().lobby_max;
    let door = Door::new(front, lobby_max)?;
    door.admit_until(&listener, shutdown).await;
    door.front.begin_notice();
    door.admit_until(&listener, door.front.notice_over()).await;
    door.admit_queued(listener).await;
    Ok(door.drain().await)
}

/// Where connections come in, until it is closed.
pub(super) struct Door {
    front: Front,
    lanes: Arc<Lanes<ParkedHold>>,
    sockets: Arc<Sockets>,
    /// Connections that are not parked, and their requests over HTTP/2.
    connections: TaskTracker,
    /// For connections before their first request, and those that get one answer because there is no place.
    lobby: Places,
    /// How many are asked to leave it together.
    lobby_room: usize,
    /// One for each connection that has asked for something, parked or not.
    places: Places,
    trouble: AcceptTrouble,
}

impl Door {
    pub(super) fn new(front: Front, lobby_max: usize) -> io::Result<Self> {
        let config = front.config();
        let lane_config = LaneConfig { lanes: config.lanes, stream: config.stream() };
        let now = Instant::now();
        let lanes = Arc::new(Lanes::sharing(front.hub(), &lane_config, front.lanes_share())?);
        let connections = TaskTracker::new();
        Ok(Self {
            sockets: Sockets::new(&lanes, connections.clone()),
            lanes,
            connections,
            lobby: Places::new(lobby_max, Gauge::default(), now),
            lobby_room: (lobby_max / LOBBY_ROOM_SHARE).max(1),
            trouble: AcceptTrouble::default(),
            places: Places::new(config.places_max(), front.metrics().connections(), now),
            front,
        })
    }

    pub(super) async fn admit_until(&self, listener: &TcpListener, end: impl Future<Output = ()>) {
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

    /// Accepts one connection, when there is a place in the lobby. Until then it waits in the system's queue, and connections
    /// that have been silent for the longest are asked to leave. Cancel safe.
    async fn admit_next(&self, listener: &TcpListener) {
        let place = self.lobby.take_with_room(self.lobby_room).await;
        match listener.accept().await {
            Ok((stream, peer)) => self.admit(stream, peer.ip(), place),
            Err(error) if is_of_the_peer(&error) => {}
            Err(error) => {
                self.trouble.tell(&error);
                self.lobby.make_room(self.lobby_room);
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }

    /// Accepts what waits in the system's queue, and closes the listener. A listener that is closed before resets these
    /// connections, though their requests may have arrived. Accepts without tokio, which learns of the queue only when it next
    /// asks the system.
    pub(super) async fn admit_queued(&self, listener: TcpListener) {
        let Ok(listener) = listener.into_std() else { return };
        let over = Instant::now() + LINGER_AT_END_WAIT_MAX;
        for _ in 0..ACCEPT_AT_END_MAX {
            let place = timeout_at(over, self.lobby.take_with_room(self.lobby_room)).await;
            let Ok(place) = place else { return };
            match listener.accept() {
                Ok((stream, peer)) => {
                    let stream = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
                    match stream {
                        Ok(stream) => self.admit(stream, peer.ip(), place),
                        Err(error) => tracing::debug!(%error, "a socket cannot be prepared"),
                    }
                }
                Err(error) if is_of_the_peer(&error) => {}
                // The queue is empty, or the process has no file for another connection.
                Err(_) => return,
            }
        }
    }

    fn admit(&self, stream: TcpStream, peer: IpAddr, place: Place) {
        if let Err(error) = prepare(&stream) {
            tracing::debug!(%error, "a socket cannot be prepared");
            return;
        }
        let surroundings = Surroundings {
            front: self.front.for_peer(peer),
            lanes: self.lanes.clone(),
            sockets: self.sockets.clone(),
            tasks: self.connections.clone(),
        };
        let visit = Visiting::begin(&self.lobby, place, &self.places);
        self.connections.spawn(surroundings.serve(stream, visit));
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
            // WebSockets whose clients have said something since, or are told the end. None of them is parked again.
            self.connections.wait().await;
        };
        let asked = self.front.drain().notice_began().unwrap_or_else(Instant::now);
        match timeout_at(asked + config.drain_wait_max, ended).await {
            Ok(()) => Verdict::Drained,
            Err(_) => Verdict::CutOff { connections: self.places.count() + self.lobby.count() },
        }
    }
}

/// Errors of one connection are that one's; all others mean that the process has no file for another connection.
fn is_of_the_peer(error: &io::Error) -> bool {
    let peers =
        [io::ErrorKind::ConnectionAborted, io::ErrorKind::ConnectionReset, io::ErrorKind::Interrupted];
    peers.contains(&error.kind())
}
