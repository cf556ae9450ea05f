//! The one answer that a connection gets for which there is no place.
//!
//! Its request is read and routed like any other. Probes and metrics are answered. A subscriber is told when to come back,
//! as all are for whom there is no stream left: a browser's `EventSource` gives up for good on any status but 200. Everything
//! else is answered 503. Then the connection closes.

use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::connection::connection::ended_early;
use crate::connection::http1::until_parked;
use crate::connection::plain_http;
use crate::connection::visit::Visit;
use crate::front::Front;
use crate::limits::REFUSAL_WAIT_MAX;

/// Among a request's extensions it says that there is no place for its connection.
#[derive(Clone)]
pub(crate) struct BeyondLimit;

/// Answers one request. A client that is slow is dropped.
pub(crate) async fn refuse(front: &Front, stream: TcpStream) {
    let visit = Arc::new(Visit::beyond_limit(Instant::now()));
    let answered = async {
        let served = match front.config().tls.clone() {
            None => until_parked(front, &visit, stream).await.map(drop),
            Some(tls) => {
                let plain = plain_http::begins(&stream).await;
                if plain.is_ok_and(|plain| plain) {
                    return plain_http::answer(front, stream).await;
                }
                match tls.accept_http_1(stream).await {
                    Ok(stream) => until_parked(front, &visit, Box::new(stream)).await.map(drop),
                    Err(error) => return tracing::debug!(%error, "a TLS handshake failed"),
                }
            }
        };
        served.unwrap_or_else(|error| ended_early(&error));
    };
    if timeout(REFUSAL_WAIT_MAX, answered).await.is_err() {
        tracing::debug!("a connection beyond the limit took too long");
    }
}
