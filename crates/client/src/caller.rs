//! Questions to a program of your own: a request, a small answer, on connections that are kept.
//!
//! For a server that asks others, such as a hub that asks a backend who may do what. It knows no events, follows no redirect, and
//! has no time-out: whoever asks has one, and drops the question.

use std::error::Error as StdError;
use std::io;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use url::Url;

use crate::cause;
use crate::connector::Connector;
use crate::error::BoxError;
use crate::limits::{CALLER_IDLE_CONNECTIONS_MAX, CALLER_IDLE_WAIT_MAX};
use crate::tls::Tls;

/// Asks over HTTP/1.1. Cloning shares the connections, which end with the last clone.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use tidings_client::Caller;
///
/// let request = http::Request::post("https://backend.example/who").body("{}".into())?;
/// let answer = Caller::new().call(request, 65_536).await?;
/// println!("{}: {} bytes", answer.status(), answer.body().len());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Caller {
    client: Client<Connector, Full<Bytes>>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// No connection, or it broke before the end of the answer.
    #[error("it cannot be asked")]
    Unreachable(#[source] BoxError),
    /// The body of the answer is too large.
    #[error("its answer has more than {bytes_max} bytes")]
    TooLarge {
        /// The limit.
        bytes_max: usize,
    },
}

impl Caller {
    /// Trusts the certificates that the machine trusts, and those of Mozilla on a machine that has none.
    pub fn new() -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(CALLER_IDLE_WAIT_MAX)
            .pool_max_idle_per_host(CALLER_IDLE_CONNECTIONS_MAX)
            .build(Connector::new(Tls::default()));
        Self { client }
    }

    /// Asks, and reads the answer, whatever its status. The URL is absolute.
    ///
    /// A request whose connection ends before an answer begins is sent once more: a server may close a connection that was kept in
    /// the moment in which it is used again. So only ask what may be asked twice.
    ///
    /// Cancel-safe: the connection of a question that is dropped is closed.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn call(
        &self,
        request: Request<Bytes>,
        bytes_max: usize,
    ) -> Result<Response<Bytes>, CallError> {
        let request = request.map(Full::new);
        let answer = match self.client.request(request.clone()).await {
            Err(error) if is_cut_off(&error) => self.client.request(request.clone()).await,
            answer => answer,
        };
        let (head, body) = answer.map_err(|error| unreachable(&request, error))?.into_parts();
        let body = match Limited::new(body, bytes_max).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Err(CallError::TooLarge { bytes_max }),
            Err(error) => return Err(CallError::Unreachable(error)),
        };
        Ok(Response::from_parts(head, body))
    }
}

impl Default for Caller {
    fn default() -> Self {
        Self::new()
    }
}

fn unreachable(request: &Request<Full<Bytes>>, error: legacy::Error) -> CallError {
    CallError::Unreachable(match Url::parse(&request.uri().to_string()) {
        Ok(url) => cause::of_pooled(&url, error),
        Err(_) => error.into(),
    })
}

/// Whether the connection was there and ended without an answer.
fn is_cut_off(error: &legacy::Error) -> bool {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<hyper::Error>()
            && (error.is_incomplete_message() || error.is_closed())
        {
            return true;
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return error.kind() == io::ErrorKind::ConnectionReset;
        }
        next = error.source();
    }
    false
}
