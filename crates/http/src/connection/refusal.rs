//! The one answer that a connection gets for which there is no place.
//!
//! Its request is read and routed like any other. Probes and metrics are answered. A subscriber is told when to come back,
//! as all are for whom there is no stream left: a browser's `EventSource` gives up for good on any status but 200. Everything
//! else is answered 503. Then the connection closes.

use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use crate::connection::connection::{Shaken, Surroundings, ended_early, shake_hands};
use crate::connection::http1::until_parked;
use crate::connection::http2;
use crate::connection::plain_http;
use crate::connection::visit::Visit;
use crate::limits::{FIRST_REQUEST_GRACE, REFUSAL_WAIT_MAX, REFUSALS_MAX, SILENCE_LOOK_INTERVAL};
use crate::tls::is_http_2;

/// Among a request's extensions it says that there is no place for its connection.
#[derive(Clone)]
pub(crate) struct BeyondLimit;

/// Whether a client without a place has something to say. Nobody is asked to leave for one that is silent, nor for one that has
/// left, as checks of health over TCP do. Cancel safe.
pub(crate) async fn speaks(stream: &TcpStream, refusals: &Semaphore) -> bool {
    let silence = async {
        sleep(FIRST_REQUEST_GRACE).await;
        let over = Instant::now() + REFUSAL_WAIT_MAX.saturating_sub(FIRST_REQUEST_GRACE);
        // Others may wait in the system's queue until this one is gone.
        while Instant::now() < over && refusals.available_permits() > REFUSALS_MAX / 2 {
            sleep(SILENCE_LOOK_INTERVAL).await;
        }
    };
    tokio::select! {
        biased;
        read = async { stream.peek(&mut [0]).await } => read.is_ok_and(|read| read > 0),
        () = silence => false,
    }
}

/// Answers one request. A client that is slow is dropped.
pub(crate) async fn refuse(surroundings: &Surroundings, stream: TcpStream) {
    let Surroundings { front, tasks, .. } = surroundings;
    let visit = Arc::new(Visit::beyond_limit(Instant::now()));
    let answered = async {
        let served = match front.config().tls.clone() {
            None => until_parked(front, &visit, stream).await.map(drop),
            Some(tls) => {
                let accept = |stream| tls.accept_http_1_first(stream);
                match shake_hands(front, &visit, stream, accept).await {
                    Ok(Shaken::Tls(stream)) if is_http_2(&stream) => {
                        http2::serve(front, &visit, tasks.clone(), stream).await
                    }
                    Ok(Shaken::Tls(stream)) => until_parked(front, &visit, stream).await.map(drop),
                    Ok(Shaken::PlainHttp(stream)) => return plain_http::answer(front, &visit, stream).await,
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

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (listener.accept().await.unwrap().0, client)
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_client_is_dropped_sooner_when_others_need_what_it_holds() {
        for (free, expected) in [(REFUSALS_MAX, REFUSAL_WAIT_MAX), (REFUSALS_MAX / 2, FIRST_REQUEST_GRACE)] {
            let (stream, _client) = pair().await;
            let began = Instant::now();

            assert!(!speaks(&stream, &Semaphore::new(free)).await);

            assert_eq!(began.elapsed().as_secs(), expected.as_secs(), "{free} are free");
        }
    }

    #[tokio::test]
    async fn a_client_that_has_left_has_nothing_to_say() {
        let refusals = Semaphore::new(REFUSALS_MAX);
        let (stream, client) = pair().await;
        drop(client);
        assert!(!speaks(&stream, &refusals).await);

        let (stream, client) = pair().await;
        client.set_zero_linger().unwrap();
        drop(client);
        assert!(!speaks(&stream, &refusals).await);

        let (stream, mut client) = pair().await;
        client.write_all(b"G").await.unwrap();
        drop(client);
        assert!(speaks(&stream, &refusals).await);
    }
}
