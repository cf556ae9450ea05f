//! The front: one hub over HTTP, from a request to a response.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, ORIGIN};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use tidings_core::{Clock, Hub};

use crate::access::{cors, origin};
use crate::answer::body::Body;
use crate::answer::problem::Problem;
use crate::config::HttpConfig;
use crate::console::{Pages, not_found};
use crate::events::history::{HistoryRequest, history};
use crate::events::publish;
use crate::events::subscribe::{SubscribeRequest, subscribe};
use crate::operations;
use crate::request::accept::{Answer, negotiate};
use crate::request::position::PositionBounds;
use crate::stream::drain::Drain;

/// A hub over HTTP. Cloning shares it.
#[derive(Clone)]
pub struct Front(Arc<Inner>);

struct Inner {
    hub: Hub,
    config: HttpConfig,
    pages: Pages,
    clock: Arc<dyn Clock>,
    drain: Drain,
}

/// What a path is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route<'a> {
    /// `/events`, without a topic.
    Events,
    /// `/events/{topic}`, with what stands after `/events/`.
    Topic(&'a str),
    /// `/`.
    Home,
    /// `/console/{path}`.
    Console(&'a str),
    Live,
    Ready,
    Metrics,
    Unknown,
}

impl<'a> Route<'a> {
    fn of(path: &'a str) -> Self {
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
}

impl Front {
    /// A front for a hub. `clock` is for requests such as `?since=10m`.
    pub fn new(hub: Hub, config: HttpConfig, pages: Pages, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner { hub, config, pages, clock, drain: Drain::default() }))
    }

    /// The hub as a router that can be nested into another: publish, subscribe, history, pages, health.
    ///
    /// Subscriptions are carried by the server that the router runs in. Our own [`serve`](crate::serve()) parks
    /// them in lanes, which is faster and takes less memory.
    pub fn router(&self) -> axum::Router {
        let front = self.clone();
        axum::Router::new().fallback(move |request: axum::extract::Request| async move {
            let request = request.map(|body| http_body_util::BodyExt::map_err(body, |_| Cut));
            front.handle(request).await.map(axum::body::Body::new)
        })
    }

    /// Answers one request. Never fails: what goes wrong is an answer, too.
    ///
    /// Cancel safety: as of [`Hub::publish`] for a publish; else cancel safe.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
    {
        let (parts, body) = request.into_parts();
        let page_origin = parts.headers.get(ORIGIN).cloned();
        let mut response = self.answer(&parts, body).await.unwrap_or_else(Problem::into_response);
        cors::share(&self.config().cors, page_origin.as_ref(), response.headers_mut());
        tracing::debug!(method = %parts.method, path = ?parts.uri.path(), status = response.status().as_u16(), "answered");
        response
    }

    async fn answer<B>(&self, parts: &Parts, body: B) -> Result<Response<Body>, Problem>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
    {
        let route = Route::of(parts.uri.path());
        origin::check_host(&self.config().hosts, &parts.uri, &parts.headers, parts.version)?;
        if parts.method == Method::OPTIONS && route != Route::Unknown {
            return Ok(cors::options(route.methods()));
        }
        origin::check_origin(&self.config().cors, self.scheme(), &parts.uri, &parts.headers)?;
        let reads = parts.method == Method::GET || parts.method == Method::HEAD;
        match route {
            Route::Unknown => Err(not_found()),
            Route::Topic(topic) if parts.method == Method::POST => {
                publish::publish(self, parts, topic, body).await
            }
            _ if !reads => Err(method_not_allowed(route)),
            Route::Topic(topic) => self.read(parts, Some(topic)).await,
            Route::Events => self.read(parts, None).await,
            Route::Home => self.0.pages.index(&parts.headers),
            Route::Console(file) => self.0.pages.file(file, &parts.headers),
            Route::Live => Ok(operations::live()),
            Route::Ready => Ok(operations::ready(self)),
            Route::Metrics => Ok(operations::metrics(self)),
        }
    }

    async fn read(&self, parts: &Parts, rest: Option<&str>) -> Result<Response<Body>, Problem> {
        let mut response = match negotiate(&parts.headers)? {
            Answer::Stream => {
                subscribe(self, SubscribeRequest::parse(parts, rest, &self.position_bounds())?).await?
            }
            Answer::History => {
                let limit_max = self.hub().limits().page_events_max;
                let request = HistoryRequest::parse(parts, rest, &self.position_bounds(), limit_max)?;
                history(self, request).await?
            }
            Answer::Page => self.0.pages.index(&parts.headers)?,
        };
        if parts.method == Method::HEAD {
            *response.body_mut() = Body::empty();
        }
        Ok(response)
    }

    /// Begins to send everyone away, for servers other than our own [`serve`](crate::serve()): from now on `/readyz`
    /// says so, publishes are refused with 503 and `Retry-After`, and streams end over
    /// [`drain_window`](HttpConfig::drain_window), each with a `retry`. A second call does nothing.
    ///
    /// Stop accepting connections at the same time, wait for those that are open, but not longer than
    /// [`drain_overdue`](Self::drain_overdue) does, and then [close](Hub::close) the hub.
    pub fn begin_drain(&self) {
        self.drain().begin(self.config().drain_window);
    }

    /// Waits until the drain has lasted [`drain_wait_max`](HttpConfig::drain_wait_max), which is when a server should
    /// cut off who is still there: a peer that takes no bytes does not hear that it should leave. For ever, as long
    /// as no drain begins. Cancel safe.
    pub async fn drain_overdue(&self) {
        self.drain().overdue(self.config().drain_wait_max).await;
    }

    /// The hub behind it.
    pub fn hub(&self) -> &Hub {
        &self.0.hub
    }

    pub(crate) fn config(&self) -> &HttpConfig {
        &self.0.config
    }

    /// The scheme of the hub's URLs, as far as it can know: without a certificate of its own, a proxy may have one.
    fn scheme(&self) -> Option<&'static str> {
        self.config().tls.is_some().then_some("https")
    }

    /// What a request's position is read by.
    pub(crate) fn position_bounds(&self) -> PositionBounds<'_> {
        PositionBounds { clock: &*self.0.clock, last_max: self.config().last_max }
    }

    pub(crate) fn drain(&self) -> &Drain {
        &self.0.drain
    }
}

/// The request's body ended early; why is the server's to know.
struct Cut;

fn method_not_allowed(route: Route<'_>) -> Problem {
    let methods = route.methods();
    let detail = format!("this URL takes {methods}");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail).with_header(ALLOW, methods)
}
