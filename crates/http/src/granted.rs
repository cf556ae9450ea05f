//! The actions that ask for grants: each is read, decided about, and goes to its handler with what was decided.
//!
//! `handle` sends requests here, past the gate of `access`. Each is read once, and its handler gets what was decided about.
//! Requests of operators are in `admin`.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response};
use tidings_access::{Credential, Grants};
use tidings_core::{KeyLife, Selector, Session};

use crate::access::frame::FramingPage;
use crate::access::head::RequestHead;
use crate::answer::body::Body;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::authorize::{AskedAction, ParsedRequest};
use crate::events::framed;
use crate::events::history::{self, HistoryRequest, history};
use crate::events::publish::{PublishRequest, Publisher};
use crate::events::publish_lines::{self, LinesRequest};
use crate::events::subscribe::subscribe;
use crate::events::subscribe_request::{self, SubscribeRequest};
use crate::events::{admission, subscribe_body};
use crate::front::Front;
use crate::let_in::LetIn;
use crate::operations;
use crate::request::accept::Representation;
use crate::request::query::Query;
use crate::stream::StreamFormat;
use crate::websocket::{Handshake, SocketAccess};

/// What a request has shown at the gate: the publish key, and how long that lives.
#[derive(Clone)]
pub(crate) struct Keyed<'a> {
    pub(crate) credential: Option<&'a Credential>,
    pub(crate) life: Option<KeyLife>,
}

impl Front {
    /// The request to publish, and the grants by which it is let in, if grants are asked for. Its handler is called by `handle`, so
    /// that the future of a request holds its body once.
    pub(crate) async fn read_publish<'a>(
        &self,
        head: &RequestHead<'_>,
        parts: &'a Parts,
        topic: &str,
    ) -> Result<(PublishRequest<'a>, Option<Grants>), Problem> {
        self.config().aliases.refuse_pattern(parts.uri.path())?;
        let request = PublishRequest::parse(parts, topic, self.proof_parameters())?;
        if !self.asks_for_grants() {
            return Ok((request, None));
        }
        // Boxed, and so below: the future of every request would be as large as this one.
        let parsed = ParsedRequest { head, parts, query: &request.query };
        let topic = [Selector::Topic(request.topic.clone())];
        let grants = Box::pin(self.authorize_publish(parsed, &topic)).await;
        let grants = self.told(parts, grants)?;
        Ok((request, Some(grants)))
    }

    /// `POST /events`: its body names the topics, and is read before it is decided about them.
    pub(crate) async fn publish_lines<B>(
        &self,
        head: &RequestHead<'_>,
        parts: &Parts,
        keyed: Keyed<'_>,
        body: B,
    ) -> Result<Response<Body>, Problem>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
    {
        let query =
            Query::parse(parts.uri.query().unwrap_or(""), &[publish_lines::KNOWN, self.proof_parameters()])?;
        let parsed = ParsedRequest { head, parts, query: &query };
        if self.asks_for_grants() {
            self.told(parts, self.refuse_stranger(parsed).await)?;
        }
        let request = LinesRequest::read(self, parts, &query, body).await?;
        let grants = if self.asks_for_grants() {
            Some(self.told(parts, self.authorize_publish(parsed, &request.topics).await)?)
        } else {
            None
        };
        publish_lines::publish(self, self.publisher(grants.as_ref(), keyed), request).await
    }

    /// Who publishes: whom the grants name, or else the holder of what was shown at the gate.
    pub(crate) fn publisher<'a>(&self, grants: Option<&'a Grants>, keyed: Keyed<'a>) -> Publisher<'a> {
        let (user, credential, let_in) = match grants {
            Some(grants) => {
                (grants.user.as_deref(), grants.credential.as_ref(), LetIn::by_grants(self, grants))
            }
            None => (None, keyed.credential, LetIn::by_publish_key(keyed.life)),
        };
        let sender = self.shares().sender(user, credential, self.client());
        Publisher { credential: credential.map(Credential::name).unwrap_or_default(), sender, let_in }
    }

    /// `rest` is what stands after `/events/`, here and below.
    pub(crate) async fn subscribe_granted(
        &self,
        head: &RequestHead<'_>,
        parts: &Parts,
        rest: Option<&str>,
        format: StreamFormat,
    ) -> Result<Response<Body>, Problem> {
        let query = self.query(parts, subscribe_request::KNOWN)?;
        let page = self.told(parts, FramingPage::of(format, self.config(), head, &query))?;
        let answered = self.subscribe_by(head, parts, &query, rest, (format, page.clone())).await;
        framed::told(self, page.as_ref(), answered)
    }

    /// The same, where the parameters have been read.
    pub(crate) async fn subscribe_by(
        &self,
        head: &RequestHead<'_>,
        parts: &Parts,
        query: &Query<'_>,
        rest: Option<&str>,
        (format, page): (StreamFormat, Option<FramingPage>),
    ) -> Result<Response<Body>, Problem> {
        let request = SubscribeRequest::parse(parts, query, rest, format, &self.position_bounds())?;
        let request = request.framed_by(page);
        self.subscribe_by_request(ParsedRequest { head, parts, query }, request).await
    }

    /// The same for a request that opens a WebSocket.
    pub(crate) async fn socket_granted(
        &self,
        head: &RequestHead<'_>,
        parts: &Parts,
        rest: Option<&str>,
    ) -> Result<Response<Body>, Problem> {
        let handshake = Handshake::read(parts, self.config().compression)?;
        let query = &self.query(parts, subscribe_request::KNOWN)?;
        let format = StreamFormat::WebSocket;
        let request = SubscribeRequest::parse(parts, query, rest, format, &self.position_bounds())?;
        let request = request.over(handshake, SocketAccess::of(self, head, parts))?;
        self.subscribe_by_request(ParsedRequest { head, parts, query }, request).await
    }

    async fn subscribe_by_request(
        &self,
        parsed: ParsedRequest<'_>,
        mut request: SubscribeRequest,
    ) -> Result<Response<Body>, Problem> {
        self.check_presence(&request.events.selectors)?;
        let parts = parsed.parts;
        if self.asks_for_grants() {
            let grants = self.authorize_read(parsed, AskedAction::Subscribe, &mut request.events);
            let grants = Box::pin(grants).await;
            match self.told(parts, grants) {
                Ok(grants) => request.let_in_by(self, grants),
                Err(problem) => return admission::refuse(self, &request, problem),
            }
        }
        subscribe(self, request).await
    }

    pub(crate) async fn history_granted(
        &self,
        head: &RequestHead<'_>,
        parts: &Parts,
        rest: Option<&str>,
    ) -> Result<Response<Body>, Problem> {
        let query = self.query(parts, history::KNOWN)?;
        self.history_by(head, parts, &query, rest).await
    }

    /// The same, where the parameters have been read.
    pub(crate) async fn history_by(
        &self,
        head: &RequestHead<'_>,
        parts: &Parts,
        query: &Query<'_>,
        rest: Option<&str>,
    ) -> Result<Response<Body>, Problem> {
        let limit_max = self.hub().limits().page_events_max;
        let mut request = HistoryRequest::parse(parts, query, rest, &self.position_bounds(), limit_max)?;
        let parsed = ParsedRequest { head, parts, query };
        if self.asks_for_grants() {
            let grants = self.authorize_read(parsed, AskedAction::History, &mut request.events);
            let grants = self.told(parts, Box::pin(grants).await)?;
            request.let_in_by(self, &grants);
        }
        if parts.method == Method::HEAD {
            return Ok(history::head());
        }
        history(self, request).await
    }

    pub(crate) async fn metrics_granted(
        &self,
        head: &RequestHead<'_>,
        parts: &Parts,
    ) -> Result<Response<Body>, Problem> {
        // A scraper has parameters of its own, and shows who it is by `Authorization`.
        let query = Query::default();
        let parsed = ParsedRequest { head, parts, query: &query };
        let admitted = Box::pin(self.authorize_admin(parsed)).await;
        self.told(parts, admitted)?;
        operations::metrics(self, &parts.headers)
    }

    pub(crate) async fn ticket_granted(
        &self,
        head: &RequestHead<'_>,
        parts: &Parts,
    ) -> Result<Response<Body>, Problem> {
        let query = self.query(parts, &[])?;
        let parsed = ParsedRequest { head, parts, query: &query };
        let grants = Box::pin(self.authorize_ticket(parsed)).await;
        self.ticket(self.told(parts, grants)?)
    }

    /// `POST /subscribe`: the parameters stand in the body, and what shows who asks stands where it ever does.
    pub(crate) async fn read_by_body<B>(
        &self,
        head: &RequestHead<'_>,
        parts: &Parts,
        representation: Representation,
        body: B,
    ) -> Result<Response<Body>, Problem>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
    {
        let shown = parts.uri.query().unwrap_or("");
        self.query(parts, &[])?;
        let parameters = subscribe_body::read_as_query(self, parts, body).await?;
        let text = format!("{shown}&{parameters}");
        let [proofs, partial] = self.read_parameters();
        match representation {
            Representation::History => {
                let query = Query::parse(&text, &[history::KNOWN, proofs, partial])?;
                self.history_by(head, parts, &query, None).await
            }
            Representation::Stream(format) => {
                let query = Query::parse(&text, &[subscribe_request::KNOWN, proofs, partial])?;
                self.subscribe_by(head, parts, &query, None, (format, None)).await
            }
            Representation::Page => {
                let detail = "this URL answers text/event-stream, application/json or application/x-ndjson; accept one of them";
                Err(Problem::new(ProblemType::NotAcceptable, detail))
            }
        }
    }

    /// What the subscribers have whom these grants let in. None of what is nobody in particular and never ends.
    pub(crate) fn session_of(&self, grants: &Grants) -> Option<Arc<Session>> {
        let key = self.keys().life(grants.key);
        let Grants { user, token_id, until, info, .. } = grants.clone();
        if user.is_some() || token_id.is_some() || until.is_some() {
            return Some(Arc::new(Session { user, token_id, until, info, address: None, key }));
        }
        key.map(|key| key.session())
    }

    /// The parameters of a request for events.
    fn query<'a>(&self, parts: &'a Parts, known: &[&'static str]) -> Result<Query<'a>, Problem> {
        let [proofs, partial] = self.read_parameters();
        Query::parse(parts.uri.query().unwrap_or(""), &[known, proofs, partial])
    }

    /// Tells the operator's log of a request that is refused for want of grants.
    pub(crate) fn told<T>(&self, parts: &Parts, decided: Result<T, Problem>) -> Result<T, Problem> {
        decided.inspect_err(|problem| self.refusal_log().tell(problem, parts.uri.path()))
    }
}
