//! Bearer tokens that do not last: the hook that gives them, and what the server has said of them.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use http::StatusCode;
use http::header::HeaderValue;
use tokio::time::timeout;

use crate::error::{BoxError, Error};
use crate::limits::{TOKEN_REFUSALS_MAX, TOKEN_WAIT_MAX};

/// Why a token is asked for.
///
/// Not `non_exhaustive`: a token is needed either before a request or because the last one was not good enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenNeed {
    /// A request is about to be made. A token that is kept and still valid will do.
    Request,
    /// The server has answered 401 to the last token, or has ended the stream because the access that the token gave is over
    /// ([`Item::Expired`](crate::Item::Expired)). Only a new one will do.
    Refused,
}

type TokenFuture = Pin<Box<dyn Future<Output = Result<String, BoxError>> + Send>>;

/// Where tokens come from. Clones share what is known of the tokens so far.
#[derive(Clone)]
pub(crate) struct TokenSource {
    hook: Arc<dyn Fn(TokenNeed) -> TokenFuture + Send + Sync>,
    known: Arc<Known>,
}

/// What the server has said of the tokens so far.
#[derive(Default)]
struct Known {
    /// The last token is good for nothing more.
    is_spent: AtomicBool,
    /// The server has taken a token of this source.
    has_been_taken: AtomicBool,
    /// Attempts in a row in which the server has refused a new token.
    refusals: AtomicU32,
}

/// A token for one request.
pub(crate) struct Token {
    /// The value of an `Authorization` header.
    pub(crate) authorization: HeaderValue,
    /// The hook was told that the one before it is good for nothing.
    pub(crate) is_new: bool,
}

/// Why a text cannot be a token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenFault {
    #[error("the token is empty")]
    Empty,
    #[error("the token has a character that no header can carry")]
    Character,
}

impl TokenSource {
    pub(crate) fn new<F, W, E>(hook: F) -> Self
    where
        F: Fn(TokenNeed) -> W + Send + Sync + 'static,
        W: Future<Output = Result<String, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let hook = move |need| -> TokenFuture {
            let token = hook(need);
            Box::pin(async move { token.await.map_err(Into::into) })
        };
        Self { hook: Arc::new(hook), known: Arc::default() }
    }

    /// Asks the hook for a token: for a new one also if it is known that the last one is spent. Cancel-safe.
    pub(crate) async fn token(&self, need: TokenNeed) -> Result<Token, Error> {
        let is_new = need == TokenNeed::Refused || self.known.is_spent.load(Ordering::Relaxed);
        let need = if is_new { TokenNeed::Refused } else { need };
        let late = |_| Error::Token(format!("no token came within {TOKEN_WAIT_MAX:?}").into());
        let token = timeout(TOKEN_WAIT_MAX, (self.hook)(need)).await.map_err(late)?.map_err(Error::Token)?;
        let authorization = bearer(&token).map_err(|fault| Error::Token(fault.into()))?;
        self.known.is_spent.store(false, Ordering::Relaxed);
        Ok(Token { authorization, is_new })
    }

    /// The server has ended a stream because the access that the token gave is over.
    pub(crate) fn expire(&self) {
        self.known.is_spent.store(true, Ordering::Relaxed);
    }

    /// Takes note of the answer that ended an attempt.
    pub(crate) fn hear(&self, status: StatusCode) {
        if status == StatusCode::UNAUTHORIZED {
            self.known.is_spent.store(true, Ordering::Relaxed);
            self.known.refusals.fetch_add(1, Ordering::Relaxed);
        } else if status.is_success() {
            self.known.has_been_taken.store(true, Ordering::Relaxed);
            self.known.refusals.store(0, Ordering::Relaxed);
        }
    }

    /// Whether the next token may be taken although the last new one was refused. A file or an issuer may be late with the next
    /// one; but where none was ever taken, the source is the wrong one, and nobody waits for an end that never comes.
    pub(crate) fn may_give_a_better_one(&self) -> bool {
        self.known.has_been_taken.load(Ordering::Relaxed)
            && self.known.refusals.load(Ordering::Relaxed) < TOKEN_REFUSALS_MAX
    }
}

impl std::fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenSource")
    }
}

/// `Bearer` and the token, marked so that it is neither printed nor sent to another origin. White space at the ends of the token is
/// no part of it: files end with a line end.
pub(crate) fn bearer(token: &str) -> Result<HeaderValue, TokenFault> {
    let token = token.trim_matches([' ', '\t', '\r', '\n']);
    if token.is_empty() {
        return Err(TokenFault::Empty);
    }
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| TokenFault::Character)?;
    value.set_sensitive(true);
    Ok(value)
}
