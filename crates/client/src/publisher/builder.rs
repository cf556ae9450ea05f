//! What can be set of a publisher.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use http::header::{self, HeaderName, HeaderValue};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use url::Url;

use super::Publisher;
use super::error::PublishError;
use super::patience::Patience;
use crate::config::{ConfigError, USER_AGENT, more_than_zero, parse_url};
use crate::connector::Connector;
use crate::error::BoxError;
use crate::limits::PUBLISH_ATTEMPT_TIMEOUT_DEFAULT;
use crate::tls::Tls;
use crate::token::{self, TokenNeed, TokenSource};

/// Sets up a [`Publisher`].
///
/// Methods that can be given something unusable return an error at once; none panics.
#[derive(Debug)]
#[must_use = "a builder does nothing until it builds"]
pub struct PublisherBuilder {
    hub: Url,
    headers: HeaderMap,
    token: Option<TokenSource>,
    tls: Tls,
    patience: Patience,
    attempt_timeout: Duration,
    on_retry: OnRetry,
}

/// The caller's hook to hear of attempts that failed.
#[derive(Clone)]
pub(super) struct OnRetry(pub(super) Arc<Hook>);

type Hook = dyn Fn(&PublishError, Duration) + Send + Sync;

impl std::fmt::Debug for OnRetry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OnRetry")
    }
}

impl PublisherBuilder {
    pub(super) fn new(hub: &str) -> Result<Self, ConfigError> {
        let user_agent = [(header::USER_AGENT, HeaderValue::from_static(USER_AGENT))];
        Ok(Self {
            hub: parse_url(hub)?,
            headers: user_agent.into_iter().collect(),
            token: None,
            tls: Tls::default(),
            patience: Patience::default(),
            attempt_timeout: PUBLISH_ATTEMPT_TIMEOUT_DEFAULT,
            on_retry: OnRetry(Arc::new(|_, _| {})),
        })
    }

    /// Sets a header of every request.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Header`] if it is no header.
    pub fn header<N, V>(mut self, name: N, value: V) -> Result<Self, ConfigError>
    where
        N: TryInto<HeaderName, Error: Into<http::Error>>,
        V: TryInto<HeaderValue, Error: Into<http::Error>>,
    {
        let name = name.try_into().map_err(|error| ConfigError::Header(error.into()))?;
        let value = value.try_into().map_err(|error| ConfigError::Header(error.into()))?;
        self.headers.insert(name, value);
        Ok(self)
    }

    /// Sends `Authorization: Bearer` with a token that lasts.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Token`] if a header cannot carry it.
    pub fn bearer_token(mut self, token: &str) -> Result<Self, ConfigError> {
        let value = token::bearer(token).map_err(|_| ConfigError::Token)?;
        self.headers.insert(header::AUTHORIZATION, value);
        Ok(self)
    }

    /// Asks for a bearer token before each request, and once more if the hub answers 401. See
    /// [`EventSourceBuilder::token_source`](crate::EventSourceBuilder::token_source).
    pub fn token_source<F, W, E>(mut self, source: F) -> Self
    where
        F: Fn(TokenNeed) -> W + Send + Sync + 'static,
        W: Future<Output = Result<String, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        self.token = Some(TokenSource::new(source));
        self
    }

    /// Sets for how long an event is sent again while the hub cannot be reached or answers "not now", counted from the first
    /// attempt. A minute unless set. With zero there is one attempt, and with [`Duration::MAX`] it never gives up.
    ///
    /// What another attempt would not change is an error at once: a refusal, a server that asks for more patience than is left, and,
    /// while nobody has answered yet, a certificate that is not trusted or a server that speaks another protocol than the URL says.
    pub fn give_up_after(mut self, time: Duration) -> Self {
        self.patience.give_up_after = time;
        self
    }

    /// Sets how long one attempt may take, connection and answer included. 30 s unless set.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`].
    pub fn attempt_timeout(mut self, timeout: Duration) -> Result<Self, ConfigError> {
        self.attempt_timeout = more_than_zero(timeout, "attempt_timeout")?;
        Ok(self)
    }

    /// Calls a hook when an attempt has failed and another will be made, with the reason and the wait until then. It
    /// runs inside the publish and should not block.
    pub fn on_retry(mut self, hook: impl Fn(&PublishError, Duration) + Send + Sync + 'static) -> Self {
        self.on_retry = OnRetry(Arc::new(hook));
        self
    }

    /// Believes these certificates, in PEM, beside those that the machine believes.
    ///
    /// # Errors
    ///
    /// [`ConfigError::RootCertificates`] if there is none in it, or one that cannot be a root.
    pub fn root_certificates(mut self, pem: &[u8]) -> Result<Self, ConfigError> {
        self.tls = self.tls.with_roots(pem).map_err(ConfigError::RootCertificates)?;
        Ok(self)
    }

    /// The publisher. It connects when it is first used.
    pub fn build(self) -> Publisher {
        Publisher {
            hub: self.hub,
            client: Client::builder(TokioExecutor::new()).build(Connector::new(self.tls)),
            headers: self.headers,
            token: self.token,
            patience: self.patience,
            attempt_timeout: self.attempt_timeout,
            on_retry: self.on_retry,
            excepted: None,
            is_answered: Arc::default(),
        }
    }
}
