//! How the doctor asks: one question on a connection of its own, with a deadline for each step and a bound for what is read.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, HeaderName, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version};
use tidings_client::{Error, Offer, ProbeAnswer, ProbeConnection, Prober, TokenNeed};
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

use super::flow::SentAway;
use super::inflate::Inflate;
use crate::limits::{DOCTOR_ANSWER_BYTES_MAX, DOCTOR_ANSWER_WAIT_MAX};
use crate::link::{Header, Token};
use crate::terminal::chain::{chain, excerpt};

/// Asks a server.
pub(super) struct Asker {
    pub(super) prober: Prober,
    /// What every request has, and goes to the origin that was named alone.
    pub(super) headers: Vec<Header>,
    pub(super) token: Option<Token>,
}

/// What is asked.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) offer: Offer,
    pub(super) body: Bytes,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum NoAnswer {
    /// There was no connection, or it broke, or the answer is not HTTP.
    Failed(Error),
    /// No token could be had.
    NoToken(String),
    /// Nothing came in this time.
    Late(Duration),
}

/// An answer that has begun.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) answer: ProbeAnswer,
    /// While it lives, the answer goes on.
    _connection: Option<ProbeConnection>,
}

/// An answer that has ended, or has been read as far as anybody wants to.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) status: StatusCode,
    pub(super) version: Version,
    pub(super) headers: HeaderMap,
    /// The beginning of the body, decompressed.
    pub(super) body: Vec<u8>,
    /// Whether the body came to its end.
    pub(super) is_whole: bool,
    pub(super) took: Duration,
}

impl Question {
    /// A `GET` as a page asks for a stream, without compression.
    pub(super) fn stream(url: Url) -> Self {
        Self { method: Method::GET, url, headers: Vec::new(), offer: Offer::Browser, body: Bytes::new() }
            .with(ACCEPT, HeaderValue::from_static("text/event-stream"))
            .with(ACCEPT_ENCODING, HeaderValue::from_static("identity"))
    }

    /// With this header, in the place of one of the same name.
    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.retain(|(there, _)| *there != name);
        self.headers.push((name, value));
        self
    }
}

impl NoAnswer {
    /// Words for people.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Failed(error) => chain(error),
            Self::NoToken(words) => words.clone(),
            Self::Late(wait) => format!("no answer within {} s", wait.as_secs()),
        }
    }
}

impl Asker {
    /// From now on sends nothing that was meant for the first origin. Returns whether there was something.
    pub(super) fn forget_secrets(&mut self) -> bool {
        let had_some = self.token.is_some() || !self.headers.is_empty();
        self.headers.clear();
        self.token = None;
        had_some
    }

    /// Connects to the server of a question.
    pub(super) async fn connect(&self, question: &Question) -> Result<ProbeConnection, NoAnswer> {
        self.prober.connect(&question.url, question.offer).await.map_err(NoAnswer::Failed)
    }

    /// Asks, and waits for the head of the answer. A clone of the question can be asked at once.
    pub(super) async fn begin(&self, question: &Question, wait: Duration) -> Result<Begun, NoAnswer> {
        let asked = async {
            let mut connection = self.connect(question).await?;
            let begun = self.begin_on(&mut connection, question, wait).await?;
            Ok(Begun { _connection: Some(connection), ..begun })
        };
        asked.await
    }

    /// The same on a connection that is there, and lives for longer than the answer.
    pub(super) async fn begin_on(
        &self,
        connection: &mut ProbeConnection,
        question: &Question,
        wait: Duration,
    ) -> Result<Begun, NoAnswer> {
        let headers = self.headers(question).await?;
        let asked = connection.ask(question.method.clone(), &question.url, headers, question.body.clone());
        let answer =
            timeout(wait, asked).await.map_err(|_| NoAnswer::Late(wait))?.map_err(NoAnswer::Failed)?;
        Ok(Begun { answer, _connection: None })
    }

    /// Asks, and reads the answer to its end, as far as it is bounded.
    pub(super) async fn whole(&self, question: &Question) -> Result<Whole, NoAnswer> {
        self.whole_within(question, DOCTOR_ANSWER_WAIT_MAX).await
    }

    /// The same, within another time.
    pub(super) async fn whole_within(&self, question: &Question, wait: Duration) -> Result<Whole, NoAnswer> {
        let mut connection = self.connect(question).await?;
        // Without the connection, of which TLS and the way there are a part.
        let begin = Instant::now();
        let Begun { mut answer, .. } = self.begin_on(&mut connection, question, wait).await?;
        let mut whole = Whole {
            status: answer.status,
            version: answer.version,
            headers: std::mem::take(&mut answer.headers),
            body: Vec::new(),
            is_whole: false,
            took: Duration::ZERO,
        };
        let mut inflate = Inflate::of(&whole.headers);
        while whole.body.len() < DOCTOR_ANSWER_BYTES_MAX {
            match timeout_at(begin + wait, answer.bytes()).await {
                Ok(Ok(Some(bytes))) => {
                    // What cannot be decompressed is no body.
                    let Ok(bytes) = inflate.bytes(&bytes) else { break };
                    whole.body.extend_from_slice(&bytes);
                }
                Ok(Ok(None)) => {
                    whole.is_whole = true;
                    break;
                }
                Ok(Err(_)) | Err(_) => break,
            }
        }
        whole.body.truncate(DOCTOR_ANSWER_BYTES_MAX);
        whole.took = begin.elapsed();
        Ok(whole)
    }

    async fn headers(&self, question: &Question) -> Result<HeaderMap, NoAnswer> {
        let mut headers = HeaderMap::new();
        headers.insert(
            USER_AGENT,
            HeaderValue::from_static(concat!("tidings-doctor/", env!("CARGO_PKG_VERSION"))),
        );
        for Header { name, value } in &self.headers {
            headers.append(name, value.clone());
        }
        for (name, value) in &question.headers {
            headers.insert(name, value.clone());
        }
        // A browser sends a preflight without anything that says who asks.
        if question.method == Method::OPTIONS {
            headers.remove(AUTHORIZATION);
        } else if let Some(token) = &self.token {
            let bearer = token.bearer(TokenNeed::Request).await.map_err(NoAnswer::NoToken)?;
            headers.insert(AUTHORIZATION, bearer);
        }
        Ok(headers)
    }
}

impl Whole {
    /// The body as text.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header as text, of whose values the first counts.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    /// Whether it is a stream of events, or a piece of one, and not what a proxy says in the hub's place.
    pub(super) fn is_event_stream(&self) -> bool {
        self.has_type_of_stream() && self.sent_away() != Some(SentAway::ByProxy)
    }

    /// Who has sent the client away, if somebody has.
    pub(super) fn sent_away(&self) -> Option<SentAway> {
        let is_stream = self.status == StatusCode::OK && self.has_type_of_stream();
        if is_stream { SentAway::of(&self.headers, &self.body) } else { None }
    }

    fn has_type_of_stream(&self) -> bool {
        self.header("content-type").is_some_and(|of| is_event_stream(&of))
    }

    /// The kind of a problem of a hub, such as `not-found`, and its words.
    pub(super) fn problem(&self) -> Option<(String, String)> {
        let problem: serde_json::Value = serde_json::from_slice(&self.body).ok()?;
        let kind = problem.get("type")?.as_str()?.strip_prefix("urn:tidings:problem:")?;
        let detail = problem.get("detail").and_then(serde_json::Value::as_str).unwrap_or_default();
        Some((excerpt(kind), excerpt_of_problem(detail)))
    }

    /// The status, and the words of the server if they are for people.
    pub(super) fn words(&self) -> String {
        if let Some((_, detail)) = self.problem() {
            return format!("{}: {detail}", self.status);
        }
        if self.sent_away() == Some(SentAway::ByProxy) {
            return format!("{} by a proxy in the hub's place, with the time to come back", self.status);
        }
        let of = self.header("content-type").unwrap_or_else(|| "no content type".to_owned());
        match title(&self.text()) {
            Some(title) => format!("{} with a page, \"{}\"", self.status, excerpt(&title)),
            None => format!("{} with {}", self.status, excerpt(&of)),
        }
    }
}

/// Whether the value of a `Content-Type` says that a body is a stream of events.
pub(super) fn is_event_stream(content_type: &str) -> bool {
    content_type.split(';').next().is_some_and(|of| of.trim().eq_ignore_ascii_case("text/event-stream"))
}

/// The words of a problem say at their end what to do.
fn excerpt_of_problem(detail: &str) -> String {
    let words: String = detail.chars().take(crate::limits::ERROR_CHARS_MAX).collect();
    crate::terminal::chain::visible(&words)
}

/// The title of a page.
fn title(page: &str) -> Option<String> {
    let lower = page.to_ascii_lowercase();
    let begin = lower.find("<title>")? + "<title>".len();
    let end = lower[begin..].find('<').map_or(lower.len(), |end| begin + end);
    let words = page[begin..end].split_whitespace().collect::<Vec<_>>().join(" ");
    (!words.is_empty()).then_some(words)
}
