//! The table of URLs: from a path and a method to what is asked for, what must be checked first, and who answers.
//!
//! Every request of every kind of connection comes through [`Front::handle`], which is here, so that the front knows no
//! handler and the handlers no route. A new URL is a line in each function of [`Route`] and [`Action`].

use bytes::Bytes;
use http::header::{ALLOW, ORIGIN, RETRY_AFTER};
use http::request::Parts;
use http::{Method, Request, Response};

use crate::access::cors;
use crate::access::decision::{Checks, decide};
use crate::aliases::Aliases;
use crate::answer::body::Body;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::connection::refusal::BeyondLimit;
use crate::console::not_found;
use crate::events::history::{HistoryRequest, history};
use crate::events::publish::publish;
use crate::events::subscribe::{SubscribeRequest, subscribe};
use crate::front::Front;
use crate::operations;
use crate::request::accept::{Representation, negotiate};

/// What a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route<'a> {
    /// `/events`, without a topic.
    Events,
    /// `/events/{topic}` or an alias of it, with what stands after `/events/`.
    Topic(&'a str),
    /// `/`.
    Home,
    /// `/console/{path}`.
    Console(&'a str),
    /// `/healthz`.
    Live,
    /// `/readyz`.
    Ready,
    /// `/metrics`.
    Metrics,
    /// Nothing.
    Unknown,
}

/// What a request asks for: a route, with a method that it takes or does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action<'a> {
    /// The methods of the route, preflight or not.
    Options(&'static str),
    Publish(&'a str),
    /// A stream, history, or the page for people; with what stands after `/events/`.
    Read(Option<&'a str>),
    Home,
    Console(&'a str),
    Live,
    Ready,
    Metrics,
    RefuseMethod(&'static str),
    RefusePath,
}

impl<'a> Route<'a> {
    /// An alias is none of the hub's own paths, and stands for a topic.
    fn of(path: &'a str, aliases: &'a Aliases) -> Self {
        match Self::of_own(path) {
            Self::Unknown => aliases.get(path).map_or(Self::Unknown, Self::Topic),
            own => own,
        }
    }

    fn of_own(path: &'a str) -> Self {
        match path {
            "/events" => Self::Events,
            "/" => Self::Home,
            "/healthz" => Self::Live,
            "/readyz" => Self::Ready,
            "/metrics" => Self::Metrics,
            "/console" | "/console/" => Self::Home,
            _ => match (path.strip_prefix("/events/"), path.strip_prefix("/console/")) {
                (Some(topic), _) => Self::Topic(topic),
                (None, Some(file)) => Self::Console(file),
                (None, None) => Self::Unknown,
            },
        }
    }

    fn methods(self) -> &'static str {
        match self {
            Self::Topic(_) => "GET, HEAD, POST, OPTIONS",
            _ => "GET, HEAD, OPTIONS",
        }
    }

    fn action(self, method: &Method) -> Action<'a> {
        let reads = method == Method::GET || method == Method::HEAD;
        match self {
            Self::Unknown => Action::RefusePath,
            _ if method == Method::OPTIONS => Action::Options(self.methods()),
            Self::Topic(topic) if method == Method::POST => Action::Publish(topic),
            _ if !reads => Action::RefuseMethod(self.methods()),
            Self::Topic(topic) => Action::Read(Some(topic)),
            Self::Events => Action::Read(None),
            Self::Home => Action::Home,
            Self::Console(file) => Action::Console(file),
            Self::Live => Action::Live,
            Self::Ready => Action::Ready,
            Self::Metrics => Action::Metrics,
        }
    }
}

impl Action<'_> {
    /// What must be checked before it.
    fn checks(self) -> Checks {
        match self {
            // A browser sends OPTIONS to find out whether its page may go on.
            Self::Options(_) => Checks::Host,
            Self::Publish(_) => Checks::Key,
            Self::Read(_)
            | Self::Home
            | Self::Console(_)
            | Self::Live
            | Self::Ready
            | Self::Metrics
            | Self::RefuseMethod(_)
            | Self::RefusePath => Checks::Origin,
        }
    }
}

impl Action<'_> {
    /// Whether it is answered on a connection for which there is no place: what machines must know also then, and streams,
    /// whose clients are told when to come back.
    fn is_answered_beyond_limit(self, parts: &Parts) -> bool {
        match self {
            Self::Live | Self::Ready | Self::Metrics | Self::Options(_) => true,
            Self::Read(_) => matches!(negotiate(&parts.headers), Ok(Representation::Stream(_))),
            Self::Publish(_) | Self::Home | Self::Console(_) | Self::RefuseMethod(_) | Self::RefusePath => {
                false
            }
        }
    }
}

impl Front {
    /// The hub as a router that can be nested into another: publish, subscribe, history, pages, health.
    ///
    /// Subscriptions are carried by the server that the router runs in. Our own [`serve`](crate::serve()) parks
    /// them in lanes, which is faster and takes less memory.
    pub fn router(&self) -> axum::Router {
        let front = self.clone();
        axum::Router::new().fallback(move |request: axum::extract::Request| async move {
            let request = request.map(|body| http_body_util::BodyExt::map_err(body, |_| CutOff));
            front.handle(request).await.map(axum::body::Body::new)
        })
    }

    /// Answers one request. Never fails: what goes wrong is an answer, too.
    ///
    /// Cancel safety: as of [`Hub::publish`](tidings_core::Hub::publish) for a publish; else cancel safe.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
    {
        let (parts, body) = request.into_parts();
        let origin = parts.headers.get(ORIGIN).cloned();
        let mut response = self.answer(&parts, body).await.unwrap_or_else(|problem| self.refuse(problem));
        cors::share(&self.config().cors, origin.as_ref(), response.headers_mut());
        tracing::debug!(method = %parts.method, path = ?parts.uri.path(), status = response.status().as_u16(), "answered");
        response
    }

    fn refuse(&self, problem: Problem) -> Response<Body> {
        self.metrics().refused(problem.problem_type());
        problem.into_response()
    }

    async fn answer<B>(&self, parts: &Parts, body: B) -> Result<Response<Body>, Problem>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
    {
        let action = Route::of(parts.uri.path(), &self.config().aliases).action(&parts.method);
        if parts.extensions.get::<BeyondLimit>().is_some() && !action.is_answered_beyond_limit(parts) {
            return Err(too_many_connections());
        }
        let credential = decide(self.config(), action.checks(), parts)?;
        match action {
            Action::Options(methods) => Ok(cors::options(methods)),
            Action::Publish(topic) => publish(self, parts, &credential, topic, body).await,
            Action::Read(rest) => self.read(parts, rest).await,
            Action::Home => self.pages().home(parts),
            Action::Console(file) => self.pages().file(file, parts),
            Action::Live => Ok(operations::live()),
            Action::Ready => Ok(operations::ready(self)),
            Action::Metrics => operations::metrics(self, &parts.headers),
            Action::RefuseMethod(methods) => Err(method_not_allowed(methods)),
            Action::RefusePath => Err(not_found()),
        }
    }

    async fn read(&self, parts: &Parts, rest: Option<&str>) -> Result<Response<Body>, Problem> {
        let mut response = match negotiate(&parts.headers)? {
            Representation::Stream(format) => {
                subscribe(self, SubscribeRequest::parse(parts, rest, format, &self.position_bounds())?)
                    .await?
            }
            Representation::History => {
                let limit_max = self.hub().limits().page_events_max;
                let request = HistoryRequest::parse(parts, rest, &self.position_bounds(), limit_max)?;
                history(self, request).await?
            }
            Representation::Page => self.pages().index(parts)?,
        };
        if parts.method == Method::HEAD {
            *response.body_mut() = Body::empty();
        }
        Ok(response)
    }
}

/// The body of a request to the router ended early. The server that the router runs in knows why.
struct CutOff;

fn too_many_connections() -> Problem {
    let problem = Problem::new(ProblemType::TooManyConnections, "try again in a few seconds");
    problem.with_header(RETRY_AFTER, "5")
}

fn method_not_allowed(methods: &'static str) -> Problem {
    let detail = format!("this URL takes {methods}");
    Problem::new(ProblemType::MethodNotAllowed, detail).with_header(ALLOW, methods)
}
