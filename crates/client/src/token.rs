//! Bearer tokens that do not last.

use std::pin::Pin;
use std::sync::Arc;

use http::header::HeaderValue;

use crate::error::{BoxError, Error};

/// Why a token is asked for.
///
/// Not `non_exhaustive`: a token is needed either before a request or because the last one was not good enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenNeed {
    /// A request is about to be made. A token that is kept and still valid will do.
    Request,
    /// The server answered 401 to the token before. Only a new one will do.
    Refused,
}

type TokenFuture = Pin<Box<dyn Future<Output = Result<String, BoxError>> + Send>>;

/// Where tokens come from.
#[derive(Clone)]
pub(crate) struct TokenSource(Arc<dyn Fn(TokenNeed) -> TokenFuture + Send + Sync>);

impl TokenSource {
    pub(crate) fn new<F, W, E>(source: F) -> Self
    where
        F: Fn(TokenNeed) -> W + Send + Sync + 'static,
        W: Future<Output = Result<String, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        Self(Arc::new(move |need| {
            let token = source(need);
            Box::pin(async move { token.await.map_err(Into::into) })
        }))
    }

    /// The value of an `Authorization` header.
    pub(crate) async fn authorization(&self, need: TokenNeed) -> Result<HeaderValue, Error> {
        let token = (self.0)(need).await.map_err(Error::Token)?;
        bearer(&token).map_err(|error| Error::Token(error.into()))
    }
}

impl std::fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenSource")
    }
}

/// `Bearer` and the token, marked so that it is neither printed nor sent to another origin.
pub(crate) fn bearer(token: &str) -> Result<HeaderValue, http::header::InvalidHeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}"))?;
    value.set_sensitive(true);
    Ok(value)
}
