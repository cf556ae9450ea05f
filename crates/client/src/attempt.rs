//! One attempt to get a stream: the request from its template, redirects, a fresh token if the old one is refused,
//! and what counts as an answer.

use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};

use crate::error::{Error, Refusal};
use crate::limits::{EXCERPT_BYTES_MAX, EXCERPT_WAIT, REDIRECTS_MAX};
use crate::redirect::{Hop, RedirectError};
use crate::token::{TokenNeed, TokenSource};
use crate::transport::{HttpAnswer, Transport};
use crate::with_time::WithTime;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// All that attempts have in common.
#[derive(Debug, Clone)]
pub(crate) struct Attempts {
    /// The first request, made anew for each attempt: HTML 9.2.3 fetches "request" again, and so starts over at
    /// the original URL.
    pub(crate) first: Hop,
    pub(crate) token: Option<TokenSource>,
    pub(crate) transport: Transport,
    /// Set if the time of events is asked for.
    pub(crate) with_time: Option<WithTime>,
}

impl Attempts {
    /// Cancel-safe: dropping the future closes the socket.
    pub(crate) async fn make(self, last_event_id: String) -> Result<HttpAnswer, Error> {
        let mut hop = self.first.clone();
        set_last_event_id(&mut hop.headers, last_event_id)?;
        let answer = match &self.with_time {
            Some(with_time) => self.ask_with_time(hop, with_time).await?,
            None => self.ask(hop).await?,
        };
        accept(answer).await
    }

    /// Asks for the time of events, too. A server that takes this for a mistake is asked once more without it, and not again later.
    async fn ask_with_time(&self, hop: Hop, with_time: &WithTime) -> Result<HttpAnswer, Error> {
        let Some(url) = with_time.url() else { return self.ask(hop).await };
        let answer = self.ask(Hop { url, ..hop.clone() }).await?;
        if !WithTime::may_be_blamed(answer.status) {
            return Ok(answer);
        }
        let without = self.ask(hop).await?;
        if without.status == StatusCode::OK {
            with_time.refuse();
        }
        Ok(without)
    }

    async fn ask(&self, hop: Hop) -> Result<HttpAnswer, Error> {
        match &self.token {
            Some(token) => self.authorised(hop, token).await,
            None => self.follow(hop).await,
        }
    }

    /// Asks with a token, and once more with a new one if the token is refused.
    async fn authorised(&self, mut hop: Hop, source: &TokenSource) -> Result<HttpAnswer, Error> {
        let token = source.token(TokenNeed::Request).await?;
        hop.headers.insert(header::AUTHORIZATION, token.authorization);
        let mut answer = self.follow(hop.clone()).await?;
        if answer.status == StatusCode::UNAUTHORIZED && !token.is_new {
            let token = source.token(TokenNeed::Refused).await?;
            hop.headers.insert(header::AUTHORIZATION, token.authorization);
            answer = self.follow(hop).await?;
        }
        source.hear(answer.status);
        Ok(answer)
    }

    /// Asks, and asks where it is sent to.
    async fn follow(&self, mut hop: Hop) -> Result<HttpAnswer, Error> {
        let mut redirects = 0;
        loop {
            let answer = self.transport.ask(&hop).await?;
            let Some(target) = hop.target(answer.status, &answer.headers) else { return Ok(answer) };
            redirects += 1;
            let target = if redirects > REDIRECTS_MAX { Err(RedirectError::TooMany) } else { target };
            match target {
                Ok(url) => hop.go_to(url, answer.status),
                Err(why) => {
                    let redirected = hop.not_followed(answer.status, &answer.headers, why);
                    return Err(Error::Redirect(Box::new(redirected)));
                }
            }
        }
    }
}

/// HTML 9.2.3: "If the EventSource object's last event ID string is not the empty string, then [...] set (`Last-Event-ID`,
/// lastEventIDValue) in request's header list", with the value "encoded as UTF-8".
fn set_last_event_id(headers: &mut HeaderMap, id: String) -> Result<(), Error> {
    headers.remove(&LAST_EVENT_ID);
    if id.is_empty() {
        return Ok(());
    }
    let Ok(value) = HeaderValue::from_bytes(id.as_bytes()) else { return Err(Error::LastEventId { id }) };
    headers.insert(LAST_EVENT_ID, value);
    Ok(())
}

/// HTML 9.2.3: "if res's status is not 200, or if res's `Content-Type` is not `text/event-stream`, then fail the
/// connection."
async fn accept(answer: HttpAnswer) -> Result<HttpAnswer, Error> {
    if answer.status != StatusCode::OK {
        return Err(Error::Status(refusal(answer).await));
    }
    if !is_event_stream(&answer.headers) {
        return Err(Error::ContentType(refusal(answer).await));
    }
    if is_encoded(&answer.headers) {
        return Err(Error::ContentEncoding(refusal(answer).await));
    }
    Ok(answer)
}

async fn refusal(answer: HttpAnswer) -> Box<Refusal> {
    let excerpt = answer.body.excerpt(EXCERPT_BYTES_MAX, EXCERPT_WAIT).await;
    Box::new(Refusal {
        status: answer.status,
        url: answer.url.into(),
        headers: answer.headers,
        body: String::from_utf8_lossy(&excerpt).into_owned(),
    })
}

/// Whether the essence of the MIME type is the right one; its parameters and its case do not matter. Of several
/// headers the last counts, as in fetch.
fn is_event_stream(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get_all(header::CONTENT_TYPE).iter().next_back() else { return false };
    let essence = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"text/event-stream")
}

/// Whether the body is something other than the stream itself, such as gzip.
fn is_encoded(headers: &HeaderMap) -> bool {
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    encodings.any(|encoding| !encoding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity"))
}
