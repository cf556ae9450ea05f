//! The hub on a listener: accepts, serves, drains.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;

use crate::connection;
use crate::front::Front;
use crate::lane::{LaneConfig, Lanes};

/// How long a peer may leave bytes unacknowledged before it counts as dead. TCP's keep-alive does not run then.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(60);

/// Silence after which the system asks whether the peer is there.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// How long accepting pauses when the process is out of files: others must leave first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What whoever comes beyond the limit is told, without a look at the request.
const CROWDED: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    content-type: application/problem+json\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: 129\r\n\r\n\
    {\"type\":\"urn:tidings:problem:too-many-connections\",\"title\":\"Service Unavailable\",\"status\":503,\
    \"detail\":\"try again in a few seconds\"}";

/// How a drain went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Everyone was sent away in good order.
    Drained,
    /// The deadline came first, with so many connections left.
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
    let lane_config = LaneConfig {
        lanes: config.lanes,
        heartbeat: config.heartbeat,
        write_wait_max: config.write_wait_max,
        retry: config.retry,
    };
    let lanes = Arc::new(Lanes::start(front.hub(), &lane_config)?);
    let connections = TaskTracker::new();
    let places = Arc::new(Semaphore::new(config.connections_max));
    tokio::pin!(shutdown);
    loop {
        // Biased: a flood of connections must not keep the hub from ending.
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => admit(&front, &lanes, &connections, &places, stream),
                Err(error) => refuse(&error).await,
            },
        }
    }
    drop(listener);
    drain(&front, lanes, connections, &places).await
}

fn admit(
    front: &Front,
    lanes: &Arc<Lanes>,
    connections: &TaskTracker,
    places: &Arc<Semaphore>,
    stream: TcpStream,
) {
    let Ok(place) = places.clone().try_acquire_owned() else {
        connections.spawn(turn_away(stream));
        return;
    };
    if let Err(error) = prepare(&stream) {
        tracing::debug!(%error, "a socket cannot be prepared");
        return;
    }
    connections.spawn(connection::serve(front.clone(), lanes.clone(), stream, Box::new(place)));
}

/// Small writes leave at once, and dead peers are noticed.
fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED_MAX))?;
    Ok(())
}

async fn turn_away(mut stream: TcpStream) {
    // Whoever does not even take this is dropped.
    let _ = timeout(Duration::from_secs(1), stream.write_all(CROWDED)).await;
    let _ = timeout(Duration::from_secs(1), stream.shutdown()).await;
}

/// Waits when the process has no file for another connection; errors of one connection are that one's.
async fn refuse(error: &io::Error) {
    let peers_fault =
        [io::ErrorKind::ConnectionAborted, io::ErrorKind::ConnectionReset, io::ErrorKind::Interrupted];
    if !peers_fault.contains(&error.kind()) {
        tracing::warn!(%error, "cannot accept connections at the moment");
        sleep(ACCEPT_PAUSE).await;
    }
}

async fn drain(
    front: &Front,
    lanes: Arc<Lanes>,
    connections: TaskTracker,
    places: &Semaphore,
) -> io::Result<Verdict> {
    let config = front.config();
    front.drain().begin(config.drain_window);
    connections.close();
    let ended = async {
        // The lanes go first: who is still with hyper may yet be parked, and is then sent away at once.
        lanes.drain(config.drain_window);
        connections.wait().await;
        lanes.ended().await;
    };
    Ok(match timeout(config.drain_wait_max, ended).await {
        Ok(()) => Verdict::Drained,
        Err(_) => Verdict::CutOff { connections: config.connections_max - places.available_permits() },
    })
}
