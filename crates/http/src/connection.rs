//! One connection, from its acceptance to its end: TLS if there is any, then HTTP/1 or HTTP/2, then a lane.

use std::any::Any;
use std::io;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

use crate::carry::carry;
use crate::front::Front;
use crate::http1::until_parked;
use crate::lane::parking::Leave;
use crate::lane::{Lanes, Parked};
use crate::tls::Tls;

/// Serves one connection. Returns when it has ended or was parked; `held` lives as long as the connection.
pub(crate) async fn serve(front: Front, lanes: Arc<Lanes>, stream: TcpStream, held: Box<dyn Any + Send>) {
    match front.config().tls.clone() {
        None => plain(&front, &lanes, stream, held).await,
        Some(tls) => secure(&front, &tls, stream).await,
    }
}

async fn plain(front: &Front, lanes: &Lanes, stream: TcpStream, held: Box<dyn Any + Send>) {
    match until_parked(front, stream).await {
        Ok(None) => {}
        Ok(Some((stream, leave))) => {
            let Leave { subscription, form, framing } = leave;
            match stream.into_std() {
                Ok(stream) => lanes.park(Parked { stream, subscription, form, framing, held }),
                Err(error) => tracing::debug!(%error, "a connection cannot be parked"),
            }
        }
        Err(error) => ended_early(&error),
    }
}

/// What is needed only before the stream is boxed, so that a task that only carries one is small.
async fn secure(front: &Front, tls: &Tls, stream: TcpStream) {
    let stream = match Box::pin(shake_hands(front, tls, stream)).await {
        Ok(stream) => stream,
        Err(error) => return tracing::debug!(%error, "a TLS handshake failed"),
    };
    match Box::pin(until_parked(front, stream)).await {
        Ok(None) => {}
        Ok(Some((stream, leave))) => carry(front, stream, leave).await,
        Err(error) => ended_early(&error),
    }
}

/// A client that is silent in the middle of it is not worth its place, and nor is one that waits for its end: the hub's
/// own.
async fn shake_hands(front: &Front, tls: &Tls, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    // Biased: the end comes first.
    tokio::select! {
        biased;
        () = front.drain().begun() => Err(io::Error::other("the hub is ending")),
        shaken = timeout(front.config().head_wait_max, tls.accept(stream)) => shaken?,
    }
}

/// The peer's doing: time-outs, resets, requests that are none. hyper has answered where an answer helps.
fn ended_early(error: &hyper::Error) {
    tracing::debug!(%error, "a connection ended early");
}
