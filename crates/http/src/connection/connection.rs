//! One connection that has a place, from its acceptance to its end: TLS if there is any, then HTTP/1 or HTTP/2, then a lane.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};
use tokio_rustls::server::TlsStream;
use tokio_util::task::TaskTracker;

use crate::connection::carry::carry;
use crate::connection::http1::{Gone, until_parked};
use crate::connection::http2;
use crate::connection::parked_hold::ParkedHold;
use crate::connection::plain_http;
use crate::connection::sealed::Sealed;
use crate::connection::socket::{Watched, Watchman};
use crate::connection::sockets::Sockets;
use crate::connection::standing::Visiting;
use crate::connection::visit::Visit;
use crate::front::Front;
use crate::lane::parking::Leave;
use crate::lane::{Lanes, Parked};
use crate::limits::LINGER_AT_END_WAIT_MAX;
use crate::stream::Ending;
use crate::tls::{Tls, is_http_2};
use crate::websocket::driver::drive;

/// What a connection needs around it.
pub(crate) struct Surroundings {
    pub(crate) front: Front,
    pub(crate) lanes: Arc<Lanes<ParkedHold>>,
    pub(crate) sockets: Arc<Sockets>,
    /// The tasks of connections, and of requests over HTTP/2.
    pub(crate) tasks: TaskTracker,
}

impl Surroundings {
    /// Serves one connection. Returns when it has ended or was parked; its place is taken for as long as the connection lives.
    pub(crate) async fn serve(self, stream: TcpStream, visit: Visiting) {
        match self.front.config().tls.clone() {
            None => self.plain(stream, visit).await,
            Some(tls) => self.secure(&tls, stream, visit).await,
        }
    }

    // What is only needed for a time is boxed in both, or a task that does no more than carry a stream would be as large
    // as one that reads requests.

    async fn plain(&self, stream: TcpStream, visit: Visiting) {
        let served = unless_overstayed(&visit, Box::pin(until_parked(&self.front, &visit, stream))).await;
        let Some(served) = served else { return };
        let place = visit.keep_place();
        match served {
            Ok(None) => {}
            Ok(Some((stream, Gone::Socket(socket, unread)))) => {
                Box::pin(self.sockets.begin(stream, socket, unread, place)).await;
            }
            // No lane knows what it is told.
            Ok(Some((stream, Gone::Stream(leave)))) if leave.beside.is_some() => {
                let _place = place;
                Box::pin(carry(&self.front, stream, leave)).await;
            }
            Ok(Some((stream, Gone::Stream(leave)))) => {
                let Leave {
                    follower,
                    is_opened,
                    beside: _,
                    encoder,
                    framing,
                    coded,
                    attendance,
                    session,
                    permit,
                    entry,
                } = leave;
                let held = ParkedHold::of_stream(place, permit, session);
                match stream.into_std() {
                    Ok(stream) => {
                        self.lanes.park(Parked {
                            stream,
                            follower,
                            is_opened,
                            past: None,
                            encoder,
                            framing,
                            coded,
                            attendance,
                            entry,
                            held,
                        });
                    }
                    Err(error) => tracing::debug!(%error, "a connection cannot be parked"),
                }
            }
            Err(error) => ended_early(&error),
        }
    }

    async fn secure(&self, tls: &Tls, stream: TcpStream, visit: Visiting) {
        let stream =
            match Box::pin(shake_hands(&self.front, &visit, stream, |stream| tls.accept(stream))).await {
                // It is more than a kilobyte, and is handed on often.
                Ok(Shaken::Tls(stream)) => stream,
                Ok(Shaken::PlainHttp(stream)) => {
                    return Box::pin(plain_http::answer(&self.front, &visit, stream)).await;
                }
                Err(error) => return tracing::debug!(%error, "a TLS handshake failed"),
            };
        visit.awaits_request();
        if is_http_2(&stream) {
            // hyper ends a connection that does not answer its pings sooner than the system would.
            stream.watch(Watchman::System);
            let served = http2::serve(&self.front, &visit, self.tasks.clone(), stream);
            let served = unless_overstayed(&visit, Box::pin(served)).await;
            return served.unwrap_or(Ok(())).unwrap_or_else(|error| ended_early(&error));
        }
        let served = unless_overstayed(&visit, Box::pin(until_parked(&self.front, &visit, stream))).await;
        let Some(served) = served else { return };
        let _place = visit.keep_place();
        match served {
            Ok(None) => {}
            Ok(Some((mut stream, Gone::Socket(socket, unread)))) => {
                Box::pin(drive(&mut stream, socket.awake(), unread)).await;
            }
            Ok(Some((stream, Gone::Stream(leave)))) => self.leave(stream, leave).await,
            Err(error) => ended_early(&error),
        }
    }

    /// Carries a stream with as little around it as its version of TLS allows.
    async fn leave(&self, mut stream: Box<TlsStream<TcpStream>>, leave: Leave) {
        let front = &self.front;
        // The opening may still stand in the session's own buffer.
        match timeout(front.config().write_wait_max, stream.flush()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return front.metrics().streams().ended(Ending::ClientGone),
            Err(_) => return front.metrics().streams().ended(Ending::WriteStalled),
        }
        if !Sealed::can_replace(&stream) {
            return Box::pin(carry(front, stream, leave)).await;
        }
        match Sealed::replace(stream) {
            Ok(sealed) => Box::pin(carry(front, sealed, leave)).await,
            Err(error) => tracing::error!(%error, "a TLS session does not let go of its key"),
        }
    }
}

/// What came of a handshake.
enum Shaken {
    Tls(Box<TlsStream<TcpStream>>),
    /// The client speaks no TLS, and was not read from.
    PlainHttp(TcpStream),
}

/// A client that is silent in the middle of it is not worth its place. One that has begun or just connected when the hub ends
/// has a moment.
async fn shake_hands<F>(
    front: &Front,
    visit: &Visit,
    stream: TcpStream,
    accept: impl FnOnce(TcpStream) -> F,
) -> io::Result<Shaken>
where
    F: Future<Output = io::Result<TlsStream<TcpStream>>>,
{
    let wait_max = front.config().head_wait_max;
    let has_begun = AtomicBool::new(false);
    let shake = async {
        let is_plain = timeout(wait_max, plain_http::begins(&stream)).await??;
        has_begun.store(true, Ordering::Relaxed);
        if is_plain {
            return Ok(Shaken::PlainHttp(stream));
        }
        visit.awaits_request();
        // A time of its own: when thousands shake hands together, the hub may have been late to look at this one.
        Ok(Shaken::Tls(Box::new(timeout(wait_max, accept(stream)).await??)))
    };
    let end = async {
        front.drain().begun().await;
        // Until the runtime has looked what has arrived.
        yield_now().await;
        if !has_begun.load(Ordering::Relaxed) {
            visit.may_still_ask().await;
        }
        if has_begun.load(Ordering::Relaxed) {
            visit.may_ask_at_end();
            sleep(LINGER_AT_END_WAIT_MAX).await;
        }
    };
    // Biased: what has come is looked at before the connection is given up.
    tokio::select! {
        biased;
        shaken = shake => shaken,
        () = end => Err(io::Error::other("the hub is ending")),
        () = visit.asked_to_leave() => Err(io::Error::other("others need its place")),
    }
}

/// Serves a connection to its end, unless others need what it holds and its client does not take the only answer that it gets.
/// `served` is boxed, or it would be held twice.
async fn unless_overstayed<F: Future>(visit: &Visit, served: Pin<Box<F>>) -> Option<F::Output> {
    // Biased: to serve the connection may forget that it was asked to leave.
    tokio::select! {
        biased;
        () = visit.overstays() => {
            tracing::debug!("a client that was refused does not take its answer");
            None
        }
        served = served => Some(served),
    }
}

/// The peer's doing: time-outs and resets. Requests that are none were answered.
fn ended_early(error: &hyper::Error) {
    tracing::debug!(%error, "a connection ended early");
}
