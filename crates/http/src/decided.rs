//! A stream for a handler of a program that has decided by itself what may be read.

use http::request::Parts;
use http::{Method, Response};
use tidings_access::Grants;
use tidings_core::{Position, Request, Selectors};

use crate::access::cors;
use crate::access::decision::decide;
use crate::access::frame::FramingPage;
use crate::access::head::RequestHead;
use crate::access::policy::Policy;
use crate::answer::body::Body;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::events::framed;
use crate::events::subscribe::subscribe;
use crate::events::subscribe_request::{self, SubscribeRequest};
use crate::front::Front;
use crate::request::accept::{Representation, negotiate};
use crate::request::mode::asks_for_iframe;
use crate::request::position::{on_gap, position};
use crate::request::query::Query;
use crate::stream::StreamFormat;

impl Front {
    /// Answers a request at a URL of the program's own with a stream of these selectors. The program has decided that its sender
    /// may read them: neither the settings nor an [`Authorizer`](crate::Authorizer) are asked, and reserved topics are allowed.
    ///
    /// The place is read from `Last-Event-ID` and from the parameters of a stream, such as `since`; other parameters are
    /// the program's, and `topic` is one of these. The stream ends when `grants` do, and the roster knows it by
    /// their user; `Grants::default()` is a stream of nobody in particular that does not end. What they allow is not looked at. A user
    /// or a token that an operator keeps out by `POST /admin/disconnect` is refused.
    ///
    /// The answer has the headers for browsers of [`HttpConfig::cors`](crate::HttpConfig::cors), and pages of other origins
    /// are refused by it. Cancel safe.
    pub async fn subscribe(&self, parts: &Parts, selectors: Selectors, grants: Grants) -> Response<Body> {
        let beyond = self.beyond_proxies(&parts.headers);
        let front = beyond.as_ref().unwrap_or(self);
        let answered = front.subscribe_decided(parts, selectors, grants).await;
        let mut response = answered.unwrap_or_else(|problem| self.refuse(problem));
        cors::finish(&self.config().cors, Policy::READ, &parts.headers, &mut response);
        response
    }

    async fn subscribe_decided(
        &self,
        parts: &Parts,
        selectors: Selectors,
        grants: Grants,
    ) -> Result<Response<Body>, Problem> {
        let head = RequestHead::read(parts, self.peer())?;
        decide(self.config(), self.keys().publish_key().map(|key| key.text).as_deref(), Policy::READ, &head)?;
        if parts.method != Method::GET && parts.method != Method::HEAD {
            return Err(Problem::new(ProblemType::MethodNotAllowed, "a stream is read with GET"));
        }
        let format = match negotiate(&parts.headers) {
            _ if parts.uri.query().is_some_and(asks_for_iframe) => StreamFormat::Iframe,
            Ok(Representation::Stream(format)) => format,
            Ok(Representation::Page | Representation::History) | Err(_) => {
                let detail = "this URL answers text/event-stream; accept that";
                return Err(Problem::new(ProblemType::NotAcceptable, detail));
            }
        };
        let query = Query::parse_own(parts.uri.query().unwrap_or(""), subscribe_request::KNOWN)?;
        let page = FramingPage::of(format, self.config(), &head, &query)?;
        let answered = self.subscribe_framed(parts, &query, (format, page.clone()), selectors, grants).await;
        framed::told(self, page.as_ref(), answered)
    }

    async fn subscribe_framed(
        &self,
        parts: &Parts,
        query: &Query<'_>,
        (format, page): (StreamFormat, Option<FramingPage>),
        selectors: Selectors,
        grants: Grants,
    ) -> Result<Response<Body>, Problem> {
        let from = position(&self.position_bounds(), &parts.headers, query)?.unwrap_or(Position::Now);
        let events = Request { selectors, from, on_gap: on_gap(query)? };
        let mut request = SubscribeRequest::new(parts, query, format, events)?.framed_by(page);
        self.refuse_outcast(&grants).await?;
        request.let_in_by(self, grants);
        subscribe(self, request).await
    }
}
