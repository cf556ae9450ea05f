//! A small document, such as a set of keys: fetched whole, in bounded time and with a bounded length.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use tokio::time::timeout;
use url::Url;

use crate::connector::Connector;
use crate::error::Error;
use crate::redirect::Hop;
use crate::tls::Tls;
use crate::transport::Transport;

/// Fetches documents. Redirects are not followed: where a document is, its reader has been told.
#[derive(Debug, Clone)]
pub struct DocumentReader {
    connector: Connector,
    bytes_max: usize,
    wait_max: Duration,
}

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// No connection, or no answer.
    #[error(transparent)]
    Unreachable(#[from] Error),
    /// Another status than 200.
    #[error("the server answered {0}")]
    Status(StatusCode),
    /// Longer than it may be.
    #[error("the document has more than {0} bytes")]
    TooLong(usize),
    /// The end of the document did not come.
    #[error("the document did not come within {0:?}")]
    TooLate(Duration),
    /// The connection broke in the middle.
    #[error("the document ended in the middle")]
    CutOff(#[source] hyper::Error),
}

impl DocumentReader {
    /// Reads documents of at most so many bytes, each within so long.
    pub fn new(bytes_max: usize, wait_max: Duration) -> Self {
        Self { connector: Connector::new(Tls::default()), bytes_max, wait_max }
    }

    /// Fetches one. Cancel-safe: dropping the future closes the socket.
    ///
    /// # Errors
    ///
    /// If it does not come, or not whole.
    pub async fn read(&self, url: &Url) -> Result<Vec<u8>, DocumentError> {
        let read = timeout(self.wait_max, self.read_in_time(url));
        read.await.unwrap_or(Err(DocumentError::TooLate(self.wait_max)))
    }

    async fn read_in_time(&self, url: &Url) -> Result<Vec<u8>, DocumentError> {
        let transport = Transport {
            connector: self.connector.clone(),
            // The reader waits for less.
            connect_timeout: self.wait_max * 2,
            answer_timeout: None,
        };
        let hop =
            Hop { url: url.clone(), method: Method::GET, headers: HeaderMap::new(), body: Bytes::new() };
        let mut answer = transport.ask(&hop).await?;
        if answer.status != StatusCode::OK {
            return Err(DocumentError::Status(answer.status));
        }
        let mut document = Vec::new();
        while let Some(bytes) = std::future::poll_fn(|cx| answer.body.poll_bytes(cx)).await {
            document.extend_from_slice(&bytes.map_err(DocumentError::CutOff)?);
            if document.len() > self.bytes_max {
                return Err(DocumentError::TooLong(self.bytes_max));
            }
        }
        Ok(document)
    }
}
