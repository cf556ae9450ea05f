//! What can be set, and what it is when nobody sets it.

use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use tidings_sse::decode::Limits;
use tidings_sse::{EventId, EventIdError};
use url::Url;

use crate::attempt::Attempts;
use crate::backoff::Backoff;
use crate::connector::Connector;
use crate::error::BoxError;
use crate::event_source::EventSource;
use crate::limits::{
    ANSWER_TIMEOUT_DEFAULT, BACKOFF_FLOOR_DEFAULT, BACKOFF_MAX_DEFAULT, CONNECT_TIMEOUT_DEFAULT,
    HEALTHY_AFTER_DEFAULT, RETRY_DEFAULT, WAIT_MAX_DEFAULT,
};
use crate::machine::{Mode, Policy};
use crate::redirect::Hop;
use crate::tls::Tls;
use crate::token::{self, TokenNeed, TokenSource};
use crate::transport::Transport;
use crate::with_time::WithTime;
use crate::written::advice;

pub(crate) const USER_AGENT: &str = concat!("tidings-client/", env!("CARGO_PKG_VERSION"));

/// What is wrong with a URL that has a fragment.
pub(crate) const FRAGMENT: &str =
    "the URL has a fragment: `#` begins one, and it is never sent; write %23 for a # in a name";

/// Why something cannot be set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Not a URL. To the standard this is a `SyntaxError`.
    #[error("{url:?} is no URL")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        source: BoxError,
    },
    /// A URL of another scheme, or a part of one: what stands before the first `:` is read as the scheme.
    #[error("{url:?} does not begin with http:// or https://")]
    Scheme {
        /// What was given.
        url: String,
    },
    /// A user name or a password in the URL. URLs are logged; set a header or a token instead.
    #[error("the URL has a user name or a password in it")]
    Credentials,
    /// A fragment. It is for the program that has the URL, and no request carries it: what follows `#` in a topic's name
    /// would be lost without a word.
    #[error("{}", FRAGMENT)]
    Fragment,
    /// The path of the URL is read as another one, as the URL Standard has it, so something else would be asked for: a segment
    /// `.` or `..` is taken for a direction and a `\` for a slash, and line ends, tabs and spaces around it are dropped.
    #[error("the path of {url:?} is read as {path:?}; {advice}")]
    Rewritten {
        /// What was given.
        url: String,
        /// The path that would be asked for.
        path: String,
        /// What to write.
        advice: &'static str,
    },
    /// Not a header name, or not a header value.
    #[error("the header cannot be sent")]
    Header(#[source] http::Error),
    /// A token that is empty, or has characters that no header can carry.
    #[error("the token cannot be sent in a header")]
    Token,
    /// Not an id that an event can have.
    #[error("the last event id is no id")]
    LastEventId(#[from] EventIdError),
    /// A duration of zero where nothing could happen in no time.
    #[error("{setting} is zero")]
    Zero {
        /// The name of the method.
        setting: &'static str,
    },
    /// Not certificates in PEM.
    #[error("the certificates cannot be read")]
    RootCertificates(#[source] BoxError),
}

/// Sets up an [`EventSource`].
///
/// Methods that can be given something unusable return an error at once; none panics.
///
/// ```
/// use std::time::Duration;
/// use tidings_client::EventSource;
///
/// let source = EventSource::builder("https://example.com/events/orders")?
///     .bearer_token("s3cret")?
///     .header("X-Tenant", "north")?
///     .last_event_id("msg-369")?
///     .read_timeout(Duration::from_secs(60))?
///     .build();
/// # Ok::<(), tidings_client::ConfigError>(())
/// ```
#[derive(Debug)]
#[must_use = "a builder does nothing until it builds"]
pub struct EventSourceBuilder {
    first: Hop,
    token: Option<TokenSource>,
    tls: Tls,
    connect_timeout: Duration,
    /// `None`: nobody has said, so the mode decides.
    answer_timeout: Option<Duration>,
    policy: Policy,
    pub(crate) last_event_id: String,
    pub(crate) limits: Limits,
    pub(crate) comments: bool,
    asks_for_time: bool,
    pub(crate) keep: Option<Keep>,
}

/// The caller's hook to persist the last event id.
pub(crate) struct Keep(pub(crate) Box<dyn FnMut(&str) + Send>);

impl std::fmt::Debug for Keep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keep")
    }
}

impl EventSourceBuilder {
    pub(crate) fn new(url: &str) -> Result<Self, ConfigError> {
        Ok(Self {
            first: Hop {
                url: parse_url(url)?,
                method: Method::GET,
                headers: HeaderMap::new(),
                body: Bytes::new(),
            },
            token: None,
            tls: Tls::default(),
            connect_timeout: CONNECT_TIMEOUT_DEFAULT,
            answer_timeout: None,
            policy: Policy {
                mode: Mode::Managed,
                reconnect: true,
                retry: RETRY_DEFAULT,
                backoff: Backoff { floor: BACKOFF_FLOOR_DEFAULT, max: BACKOFF_MAX_DEFAULT },
                healthy_after: HEALTHY_AFTER_DEFAULT,
                wait_max: WAIT_MAX_DEFAULT,
                read_timeout: None,
            },
            last_event_id: String::new(),
            limits: Limits::default(),
            comments: false,
            asks_for_time: false,
            keep: None,
        })
    }

    /// Follows the standard to the letter, as a browser does.
    ///
    /// Every status but 200 and every other content type fail for ever; the wait before a reconnection is exactly
    /// the reconnection time; gaps, and whatever else has a type that begins with `tidings.`, are events like
    /// others; an announced heartbeat means nothing. What else is set here still holds.
    pub fn strict(mut self) -> Self {
        self.policy.mode = Mode::Strict;
        self
    }

    /// Adds a header to every request. Called twice with one name, it adds two. `Accept`, `Cache-Control` and
    /// `User-Agent` replace the client's own.
    ///
    /// A value that is [marked as sensitive](HeaderValue::set_sensitive) is, like `Authorization` and `Cookie`,
    /// not sent on to another origin by a redirect.
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
        self.first.headers.append(name, value);
        Ok(self)
    }

    /// Sends `Authorization: Bearer` with a token that lasts. See [`token_source`](Self::token_source) for one that
    /// does not.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Token`] if a header cannot carry it.
    pub fn bearer_token(mut self, token: &str) -> Result<Self, ConfigError> {
        let value = token::bearer(token).map_err(|_| ConfigError::Token)?;
        self.first.headers.insert(header::AUTHORIZATION, value);
        Ok(self)
    }

    /// Asks for a bearer token before each request. Asks for a [new](TokenNeed::Refused) one when the hub has ended the stream because
    /// access is over, and once more in the same attempt if the server answers 401.
    ///
    /// An error of the source, or no token within a minute, counts as a failed connection, and is tried again like one. A new token
    /// that is answered 401 ends the stream for good if no token was ever taken. Otherwise it is tried again with back-off, because
    /// a file or an issuer may be late with the next one: 5 attempts in a row at most. 403 ends the stream for good.
    ///
    /// White space at the ends of a token is no part of it.
    ///
    /// ```
    /// use tidings_client::{EventSource, TokenNeed};
    ///
    /// async fn token(need: TokenNeed) -> std::io::Result<String> {
    ///     // With `TokenNeed::Refused`, throw away what is kept and ask for a new one.
    ///     Ok(format!("token for {need:?}"))
    /// }
    ///
    /// let source = EventSource::builder("https://example.com/events")?.token_source(token).build();
    /// # Ok::<(), tidings_client::ConfigError>(())
    /// ```
    pub fn token_source<F, W, E>(mut self, source: F) -> Self
    where
        F: Fn(TokenNeed) -> W + Send + Sync + 'static,
        W: Future<Output = Result<String, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        self.token = Some(TokenSource::new(source));
        self
    }

    /// Sets the method. GET unless set.
    pub fn method(mut self, method: Method) -> Self {
        self.first.method = method;
        self
    }

    /// Sets the body of the request, which every reconnection sends again. Empty unless set.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.first.body = body.into();
        self
    }

    /// Sets the id of the last event that was received in an earlier life, to go on after it.
    ///
    /// # Errors
    ///
    /// [`ConfigError::LastEventId`] for text with CR, LF or NUL, which no event can have had.
    pub fn last_event_id(mut self, id: &str) -> Result<Self, ConfigError> {
        self.last_event_id = EventId::new(id)?.as_str().to_owned();
        Ok(self)
    }

    /// Calls a hook with each new last event id, so that it can be kept for the next life.
    ///
    /// It is called when the item after the event is asked for, that is, when the event has been dealt with. A
    /// process that dies in between receives the event again: at least once, never not at all. The hook runs
    /// inside the stream's task and should not block for long.
    pub fn on_last_event_id(mut self, hook: impl FnMut(&str) + Send + 'static) -> Self {
        self.keep = Some(Keep(Box::new(hook)));
        self
    }

    /// Whether to reconnect at all. True unless set. If not, the first clean end of the stream is its end, `None`,
    /// and anything else an error.
    pub fn reconnect(mut self, reconnect: bool) -> Self {
        self.policy.reconnect = reconnect;
        self
    }

    /// Sets the reconnection time until the server names one. 3 s unless set.
    ///
    /// In managed mode it is the first window of the back-off.
    pub fn retry(mut self, retry: Duration) -> Self {
        self.policy.retry = retry;
        self
    }

    /// Sets the shortest and the longest wait that managed mode chooses by itself. 100 ms and 30 s unless set. A
    /// server that asks for more gets more, up to [`wait_max`](Self::wait_max).
    pub fn backoff(mut self, floor: Duration, max: Duration) -> Self {
        self.policy.backoff = Backoff { floor, max };
        self
    }

    /// Sets how long a connection must live to prove that all is well again, so that the back-off begins anew. 5 s
    /// unless set: a balancer in front of a dead server accepts connections, too, but not for long.
    pub fn healthy_after(mut self, time: Duration) -> Self {
        self.policy.healthy_after = time;
        self
    }

    /// Sets the longest wait that a server can ask for by `retry` or `Retry-After`. A day unless set.
    pub fn wait_max(mut self, wait: Duration) -> Self {
        self.policy.wait_max = wait;
        self
    }

    /// Sets how long a name, a TCP and a TLS connection may take together. 10 s unless set.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`].
    pub fn connect_timeout(mut self, timeout: Duration) -> Result<Self, ConfigError> {
        self.connect_timeout = more_than_zero(timeout, "connect_timeout")?;
        Ok(self)
    }

    /// Sets how long the server may take to answer a request with a head. 60 s unless set, and endless in strict
    /// mode, because some servers send the head with the first event only.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`].
    pub fn answer_timeout(mut self, timeout: Duration) -> Result<Self, ConfigError> {
        self.answer_timeout = Some(more_than_zero(timeout, "answer_timeout")?);
        Ok(self)
    }

    /// Sets after how much silence a connection counts as dead. Any byte ends the silence, be it a heartbeat; the
    /// wait for the answer's head is silence, too.
    ///
    /// Unless set, managed mode takes two and a half of the heartbeats that a hub announces, and otherwise leaves
    /// it to TCP to find out, which takes a minute when the other machine is gone and for ever when a proxy in
    /// between has forgotten the connection but answers for it.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`].
    pub fn read_timeout(mut self, timeout: Duration) -> Result<Self, ConfigError> {
        self.policy.read_timeout = Some(more_than_zero(timeout, "read_timeout")?);
        Ok(self)
    }

    /// Sets how large a line and an event may be. 16 MiB each unless set. A stream that passes a limit fails for
    /// good, because the event would come again.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Whether comments are [items](crate::Item::Comment). False unless set.
    pub fn comments(mut self, comments: bool) -> Self {
        self.comments = comments;
        self
    }

    /// Asks a hub for the time of each event, and for its topic also where the stream is of one topic: by `with=time` in the URL. They are
    /// [`Event::time`](crate::Event::time) and [`Event::topic`](crate::Event::topic).
    ///
    /// Not unless set: the URL is the caller's, and a hub makes the bytes of such streams for them alone. Other servers pass over the parameter;
    /// one that answers 4xx is asked again without it in the same attempt, and not asked for it again once that is taken. It changes nothing in strict mode, for a method
    /// other than GET, and for a URL that has the parameter already.
    pub fn with_time(mut self) -> Self {
        self.asks_for_time = true;
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

    /// The event source. It connects when it is first polled.
    pub fn build(mut self) -> EventSource {
        add_missing(&mut self.first.headers);
        let answer_timeout = match self.policy.mode {
            Mode::Strict => self.answer_timeout,
            Mode::Managed => self.answer_timeout.or(Some(ANSWER_TIMEOUT_DEFAULT)),
        };
        let with_time = match self.policy.mode {
            Mode::Managed if self.asks_for_time => WithTime::of(&self.first),
            Mode::Managed | Mode::Strict => None,
        };
        let attempts = Attempts {
            first: self.first.clone(),
            token: self.token.clone(),
            transport: Transport {
                connector: Connector::new(self.tls.clone()),
                connect_timeout: self.connect_timeout,
                answer_timeout: earlier(answer_timeout, self.policy.read_timeout),
            },
            with_time,
        };
        let policy = self.policy.clone();
        EventSource::assemble(attempts, policy, self)
    }
}

/// The headers of the standard, and a name, unless the caller set them.
fn add_missing(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::ACCEPT, "text/event-stream"),
        // Fetch, HTTP-network-or-cache fetch: what the cache mode "no-store" adds.
        (header::CACHE_CONTROL, "no-cache"),
        (header::PRAGMA, "no-cache"),
        // Compression is where streams get stuck, and nothing here undoes it.
        (header::ACCEPT_ENCODING, "identity"),
        (header::USER_AGENT, USER_AGENT),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

fn earlier(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter().chain(other).min()
}

pub(crate) fn more_than_zero(duration: Duration, setting: &'static str) -> Result<Duration, ConfigError> {
    if duration.is_zero() { Err(ConfigError::Zero { setting }) } else { Ok(duration) }
}

pub(crate) fn parse_url(text: &str) -> Result<Url, ConfigError> {
    let scheme = || ConfigError::Scheme { url: text.to_owned() };
    let url = Url::parse(text).map_err(|error| match error {
        url::ParseError::RelativeUrlWithoutBase => scheme(),
        error => ConfigError::Url { url: text.to_owned(), source: error.into() },
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(scheme());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(ConfigError::Credentials);
    }
    if url.fragment().is_some() {
        return Err(ConfigError::Fragment);
    }
    if let Some(advice) = advice(text, &url) {
        return Err(ConfigError::Rewritten { url: text.to_owned(), path: url.path().to_owned(), advice });
    }
    Ok(url)
}
