//! The publisher: one event or many, into the log exactly once however often the network fails.
//!
//! The walk: a [`Draft`] becomes a [`Post`], with an `Idempotency-Key` that stays the same; the post is sent until
//! the hub has answered, refused it for good, or the time for it is over.

mod builder;
mod error;
mod patience;
mod post;
mod target;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use self::builder::OnRetry;
pub use self::builder::PublisherBuilder;
pub use self::error::PublishError;
use self::patience::{Failed, Patience};
use self::post::Post;
pub use self::target::Target;
use self::target::inbox_url;
use crate::atomic_batch::{AtomicBatch, AtomicReceipt, Placed};
use crate::backoff::Roll;
use crate::cause;
use crate::config::ConfigError;
use crate::connector::Connector;
use crate::draft::Draft;
use crate::error::{BoxError, Error, Refusal};
use crate::inbox::InboxQuestion;
use crate::limits::{EXCERPT_BYTES_MAX, EXCERPT_WAIT, REDIRECTS_MAX};
use crate::machine::is_passing;
use crate::redirect::{Hop, RedirectError};
use crate::token::{Token, TokenNeed, TokenSource};

/// Tells that the hub had the event already.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Publishes to a hub. Cloning shares the connections.
///
/// ```no_run
/// use tidings_client::{Draft, Publisher};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let publisher = Publisher::builder("http://127.0.0.1:8080")?.bearer_token("s3cret")?.build();
///
/// let receipt = publisher.publish("orders/42", &Draft::new("paid").event_type("status")?).await?;
/// println!("published as {}", receipt.id);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Publisher {
    hub: Url,
    client: Client<Connector, Full<Bytes>>,
    headers: HeaderMap,
    token: Option<TokenSource>,
    patience: Patience,
    attempt_timeout: Duration,
    on_retry: OnRetry,
    /// The connection that gets no echo of what is published.
    excepted: Option<String>,
    /// Whether an answer has ever come. Until then what looks like a mistake in the URL is taken for one.
    is_answered: Arc<AtomicBool>,
}

/// An event that the hub has.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// Its id: the publisher's if it gave one, else the hub's.
    pub id: String,
    /// The hub had it already: an earlier attempt had arrived after all.
    pub replayed: bool,
}

/// Events that the hub has.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct BatchReceipt {
    /// How many.
    pub published: u64,
    /// The id of the last one.
    pub id: Option<String>,
}

/// An event that the hub holds, as far as a program needs it that goes on where it had stopped.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
#[serde(from = "PlacedEvent")]
pub struct HeldEvent {
    /// The id that its publisher gave. None if the hub made one.
    pub given_id: Option<String>,
    /// Its type; `message` if its publisher gave none.
    pub event_type: String,
    /// Its data.
    pub data: String,
}

/// A page of history, as far as it matters here.
#[derive(Deserialize)]
struct HistoryPage {
    events: Vec<HeldEvent>,
}

#[derive(Deserialize)]
struct PlacedEvent {
    id: String,
    cursor: String,
    #[serde(default = "message")]
    r#type: String,
    #[serde(default)]
    data: String,
}

/// The type of an event whose publisher gave none.
fn message() -> String {
    "message".to_owned()
}

impl From<PlacedEvent> for HeldEvent {
    fn from(placed: PlacedEvent) -> Self {
        let PlacedEvent { id, cursor, r#type, data } = placed;
        Self { given_id: (id != cursor).then_some(id), event_type: r#type, data }
    }
}

#[derive(Deserialize)]
struct Published {
    id: String,
}

/// How an attempt failed.
enum Failure {
    /// Another attempt may do.
    Passing {
        error: PublishError,
        retry_after: Option<Duration>,
    },
    Final(PublishError),
}

impl Publisher {
    /// Sets up a publisher to the hub at this URL.
    ///
    /// # Errors
    ///
    /// If it is no URL, or none of HTTP.
    pub fn builder(hub: &str) -> Result<PublisherBuilder, ConfigError> {
        PublisherBuilder::new(hub)
    }

    /// The same publisher with another time after which it [gives up](PublisherBuilder::give_up_after).
    pub fn giving_up_after(mut self, time: Duration) -> Self {
        self.patience.give_up_after = time;
        self
    }

    /// The same publisher, whose events one connection of the hub is not sent while it follows live: the stream of a program that
    /// publishes what it shows already. `connection` is its name, as [`EventSource::connection`](crate::EventSource::connection)
    /// tells it. A reconnection has another name, so take it anew for each publish.
    pub fn excepting(mut self, connection: &str) -> Self {
        self.excepted = Some(connection.to_owned());
        self
    }

    /// Publishes an event.
    ///
    /// When it returns `Ok`, the hub has the event, once. Tried again with the same key after network errors and
    /// statuses that pass. Dropping the future leaves open whether the event was published.
    ///
    /// # Errors
    ///
    /// [`PublishError`] says whether the event may be in the log in spite of the error.
    pub async fn publish<'t>(
        &self,
        target: impl Into<Target<'t>>,
        draft: &Draft,
    ) -> Result<Receipt, PublishError> {
        let post = Post::event(self.place(target.into())?, draft)?;
        let (url, answer) = self.deliver(&post).await?;
        let replayed = is_replayed(&answer);
        let Published { id } = read(&url, answer)?;
        Ok(Receipt { id, replayed })
    }

    /// Publishes events in one request, in order. Each is published as soon as it has arrived, so an error may leave
    /// the first of them published; [`Problem::published`](crate::Problem::published) says how many.
    ///
    /// When it returns `Ok`, the hub has them all, each once: the key stands for the whole batch, which is sent
    /// again byte by byte, and the hub goes on where it was. None at all are published without asking the hub.
    ///
    /// # Errors
    ///
    /// As for [`publish`](Self::publish).
    pub async fn publish_all<'t, 'd>(
        &self,
        target: impl Into<Target<'t>>,
        drafts: impl IntoIterator<Item = &'d Draft>,
    ) -> Result<BatchReceipt, PublishError> {
        let post = Post::batch(self.place(target.into())?, drafts)?;
        if post.body.is_empty() {
            return Ok(BatchReceipt { published: 0, id: None });
        }
        let (url, answer) = self.deliver(&post).await?;
        read(&url, answer)
    }

    /// Publishes events of many topics in one append: all of them, next to each other and in their order, or none. `target` is
    /// [`Target::AllTopics`], or the URL where the hub takes them.
    ///
    /// When it returns `Ok`, the hub has them, each once: tried again with the same key like [`publish`](Self::publish). A batch without
    /// events is refused.
    ///
    /// ```no_run
    /// use tidings_client::{AtomicBatch, Draft, Publisher, Target};
    ///
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let publisher = Publisher::builder("http://127.0.0.1:8080")?.build();
    /// let batch = AtomicBatch::new()
    ///     .with("orders/42", &Draft::new("shipped"))
    ///     .with("users/u1/mail", &Draft::new("Your order has left."));
    ///
    /// let receipt = publisher.publish_atomically(Target::AllTopics, &batch).await?;
    /// println!("published as {}", receipt.ids.join(" and "));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`publish`](Self::publish). What is wrong with an event is told with the number of its line, by
    /// [`Problem::line`](crate::Problem::line), and nothing is published.
    pub async fn publish_atomically(
        &self,
        target: Target<'_>,
        batch: &AtomicBatch,
    ) -> Result<AtomicReceipt, PublishError> {
        let post = Post::atomic(self.place(target)?, batch)?;
        let (url, answer) = self.deliver(&post).await?;
        let replayed = is_replayed(&answer);
        let Placed { ids } = read(&url, answer)?;
        Ok(AtomicReceipt { ids, replayed })
    }

    /// The newest id that a publisher gave, among the newest 20 events of a topic. `None` if the hub made all of
    /// theirs, or the topic is empty.
    ///
    /// Whoever copies a stream to a hub, ids and all, finds here where to go on.
    ///
    /// # Errors
    ///
    /// As for [`publish`](Self::publish). Cancel-safe.
    pub async fn last_given_id<'t>(
        &self,
        target: impl Into<Target<'t>>,
    ) -> Result<Option<String>, PublishError> {
        Ok(self.newest(target).await?.into_iter().rev().find_map(|event| event.given_id))
    }

    /// The newest 20 events of a topic, the newest last.
    ///
    /// # Errors
    ///
    /// As for [`publish`](Self::publish). Cancel-safe.
    pub async fn newest<'t>(&self, target: impl Into<Target<'t>>) -> Result<Vec<HeldEvent>, PublishError> {
        let (url, answer) = self.deliver(&Post::newest(target.into().url(&self.hub)?)).await?;
        let page: HistoryPage = read(&url, answer)?;
        Ok(page.events)
    }

    /// Asks about the inbox of a user, or notifies users, and returns the answer, which is JSON. Tried again like
    /// [`publish`](Self::publish), so a notification is there once.
    ///
    /// # Errors
    ///
    /// As for [`publish`](Self::publish). Cancel-safe for what only reads.
    pub async fn ask_inbox(&self, question: &InboxQuestion) -> Result<String, PublishError> {
        let url = inbox_url(&self.hub, &question.segments).ok_or_else(|| PublishError::Target {
            target: question.segments.join("/"),
            hub: self.hub.to_string(),
        })?;
        let (url, answer) = self.deliver(&Post::inbox(url, question)?).await?;
        let _: serde::de::IgnoredAny = serde_json::from_slice(answer.body())
            .map_err(|_| PublishError::Answer(refusal(&url, answer.clone())))?;
        String::from_utf8(answer.body().to_vec()).map_err(|_| PublishError::Answer(refusal(&url, answer)))
    }

    /// Where to publish, with what is said of the whole request.
    fn place(&self, target: Target<'_>) -> Result<Url, PublishError> {
        let mut url = target.url(&self.hub)?;
        if let Some(connection) = &self.excepted {
            url.query_pairs_mut().append_pair("except", connection);
        }
        Ok(url)
    }

    /// Sends until it has arrived or there is no use. Returns the URL that answered, too.
    async fn deliver(&self, post: &Post) -> Result<(Url, Response<Bytes>), PublishError> {
        let begin = Instant::now();
        let mut failures = 0;
        loop {
            let (error, retry_after) = match self.attempt(post).await {
                Ok(answer) => return Ok(answer),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Passing { error, .. }) if self.is_mistake(&error) => return Err(error),
                Err(Failure::Passing { error, retry_after }) => (error, retry_after),
            };
            let failed = Failed { elapsed: begin.elapsed(), failures, retry_after };
            let Some(wait) = self.patience.wait(failed, Roll::draw()) else { return Err(error) };
            failures = failures.saturating_add(1);
            (self.on_retry.0)(&error, wait);
            sleep(wait).await;
        }
    }

    /// Whether it is for the caller to mend: the URL is not that of a server of its scheme, or the server is not trusted. Where
    /// somebody has answered before, the same may pass: a certificate is renewed too late.
    fn is_mistake(&self, error: &PublishError) -> bool {
        let PublishError::Unreachable { source, .. } = error else { return false };
        !self.is_answered.load(Ordering::Relaxed) && cause::is_mistake(source)
    }

    /// One attempt; two requests if the token has to be renewed, and those that redirects ask for.
    async fn attempt(&self, post: &Post) -> Result<(Url, Response<Bytes>), Failure> {
        let (url, answer) = match &self.token {
            Some(token) => self.send_authorised(post, token).await?,
            None => self.send(post, None).await?,
        };
        let status = answer.status();
        if status.is_success() {
            return Ok((url, answer));
        }
        let token = self.token.as_ref().filter(|_| status == StatusCode::UNAUTHORIZED);
        let may_pass = is_passing(status) || token.is_some_and(TokenSource::may_give_a_better_one);
        Err(refused(&url, answer, may_pass))
    }

    /// Sends with a token, and once more with a new one if the token is refused.
    async fn send_authorised(
        &self,
        post: &Post,
        source: &TokenSource,
    ) -> Result<(Url, Response<Bytes>), Failure> {
        let failed =
            |error: Error| Failure::Passing { error: PublishError::Token(error.into()), retry_after: None };
        let token = source.token(TokenNeed::Request).await.map_err(failed)?;
        let is_new = token.is_new;
        let (mut url, mut answer) = self.send(post, Some(token)).await?;
        if answer.status() == StatusCode::UNAUTHORIZED && !is_new {
            let token = source.token(TokenNeed::Refused).await.map_err(failed)?;
            (url, answer) = self.send(post, Some(token)).await?;
        }
        source.hear(answer.status());
        Ok((url, answer))
    }

    /// Asks, and asks where it is sent to. Returns the URL that answered, too.
    async fn send(&self, post: &Post, token: Option<Token>) -> Result<(Url, Response<Bytes>), Failure> {
        let mut hop = post.hop(self.headers.clone());
        if let Some(token) = token {
            hop.headers.insert(header::AUTHORIZATION, token.authorization);
        }
        let (limit, url) = (self.attempt_timeout, hop.url.clone());
        let late = |_| unreachable(&url, format!("no answer within {limit:?}"));
        timeout(limit, self.follow(hop, post.answers_bytes_max)).await.map_err(late)?
    }

    async fn follow(&self, mut hop: Hop, bytes_max: usize) -> Result<(Url, Response<Bytes>), Failure> {
        let mut redirects = 0;
        loop {
            let answer = self.ask(&hop, bytes_max).await?;
            let status = answer.status();
            let Some(target) = hop.target(status, answer.headers()) else { return Ok((hop.url, answer)) };
            redirects += 1;
            let followed = match target {
                Ok(_) if redirects > REDIRECTS_MAX => Err(RedirectError::TooMany),
                target => target.and_then(|url| hop.go_on_to(url, status)),
            };
            followed.map_err(|why| {
                let redirected = hop.not_followed(status, answer.headers(), why);
                Failure::Final(PublishError::Redirected(Box::new(redirected)))
            })?;
        }
    }

    async fn ask(&self, hop: &Hop, bytes_max: usize) -> Result<Response<Bytes>, Failure> {
        let mut request = Request::new(Full::new(hop.body.clone()));
        *request.method_mut() = hop.method.clone();
        *request.headers_mut() = hop.headers.clone();
        *request.uri_mut() = hop.url.as_str().parse().map_err(|_| {
            let hub = self.hub.origin().ascii_serialization();
            Failure::Final(PublishError::Target { target: hop.url.to_string(), hub })
        })?;
        let answer = self.client.request(request).await;
        let answer = answer.map_err(|error| unreachable(&hop.url, cause::of_pooled(&hop.url, error)))?;
        self.is_answered.store(true, Ordering::Relaxed);
        let (head, body) = answer.into_parts();
        let body = if head.status.is_success() {
            match Limited::new(body, bytes_max).collect().await {
                Ok(body) => body.to_bytes(),
                // No hub's. The head says what it is.
                Err(error) if error.is::<LengthLimitError>() => Bytes::new(),
                Err(error) => return Err(unreachable(&hop.url, cause::of(&hop.url, error))),
            }
        } else {
            excerpt(body).await
        };
        Ok(Response::from_parts(head, body))
    }
}

fn is_replayed(answer: &Response<Bytes>) -> bool {
    answer.headers().get(REPLAYED).is_some_and(|value| value == "true")
}

/// The beginning of a refusal. It has its status, whatever becomes of the rest.
async fn excerpt(mut body: Incoming) -> Bytes {
    let mut excerpt = Vec::new();
    let read = async {
        while let Some(Ok(frame)) = body.frame().await {
            if let Ok(bytes) = frame.into_data() {
                excerpt.extend_from_slice(&bytes[..bytes.len().min(EXCERPT_BYTES_MAX - excerpt.len())]);
            }
            if excerpt.len() == EXCERPT_BYTES_MAX {
                break;
            }
        }
    };
    // A server that holds the rest back has said what it had to say.
    let _ = timeout(EXCERPT_WAIT, read).await;
    excerpt.into()
}

fn unreachable(url: &Url, source: impl Into<BoxError>) -> Failure {
    let error =
        PublishError::Unreachable { origin: url.origin().ascii_serialization(), source: source.into() };
    Failure::Passing { error, retry_after: None }
}

fn refused(url: &Url, answer: Response<Bytes>, may_pass: bool) -> Failure {
    let refusal = refusal(url, answer);
    let retry_after = refusal.retry_after();
    let error = PublishError::Refused(refusal);
    if may_pass { Failure::Passing { error, retry_after } } else { Failure::Final(error) }
}

fn read<T: DeserializeOwned>(url: &Url, answer: Response<Bytes>) -> Result<T, PublishError> {
    serde_json::from_slice(answer.body()).map_err(|_| PublishError::Answer(refusal(url, answer)))
}

fn refusal(url: &Url, answer: Response<Bytes>) -> Box<Refusal> {
    let (head, body) = answer.into_parts();
    let body = &body[..body.len().min(EXCERPT_BYTES_MAX)];
    Box::new(Refusal {
        status: head.status,
        url: url.to_string(),
        headers: head.headers,
        body: String::from_utf8_lossy(body).into_owned(),
    })
}

/// A key that nobody else draws: 128 bits from the operating system, in hexadecimal.
fn draw_key() -> Result<HeaderValue, PublishError> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).map_err(|error| PublishError::Key(error.into()))?;
    key(&format!("{:032x}", u128::from_ne_bytes(bits)))
}

fn key(text: &str) -> Result<HeaderValue, PublishError> {
    HeaderValue::from_str(text).map_err(|error| PublishError::Key(error.into()))
}
