//! The table of URLs: from a path and a method to what is asked for, by which policy, and who answers.
//!
//! Every request of every kind of connection comes through [`Front::handle`], which is here, so that the front knows no
//! handler and the handlers no route. Every answer leaves through it, too, and has there what all answers have. A new URL is
//! a line in each function of [`Route`] and [`Action`].

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_LENGTH, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Version};
use http_body::Body as _;
use tidings_access::Credential;

use crate::access::cors;
use crate::access::decision::decide;
use crate::access::head::{RequestHead, check_size};
use crate::access::policy::Policy;
use crate::access_log::AccessEntry;
use crate::admin::{self, AdminRoute};
use crate::aliases::Aliases;
use crate::answer::body::Body;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::connection::refusal::Unplaced;
use crate::console::not_found;
use crate::events::publish::{Publisher, publish};
use crate::front::Front;
use crate::granted::Keyed;
use crate::let_in::LetIn;
use crate::operations;
use crate::request::accept::{Representation, negotiate};
use crate::request::mode::asks_for_iframe;
use crate::request::path::refuse_second_topic;
use crate::stream::StreamFormat;
use crate::websocket::handshake;

/// What a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route<'a> {
    /// `/events`, without a topic.
    Events,
    /// `/events/{topic}` or an alias of it, with what stands after `/events/`.
    Topic(&'a str),
    /// `/subscribe`.
    Subscribe,
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
    /// `/tickets`, of a hub that asks for grants.
    Tickets,
    /// Below `/admin/`, and `/subscriptions`.
    Admin(AdminRoute),
    /// `*`, the hub as a whole: only `OPTIONS` asks for it. RFC 9110, 9.3.7.
    Hub,
    /// Nothing.
    Unknown,
}

/// The hub's paths that stand alone. An alias can be none of them.
const PATHS: [(&str, Route<'static>); 13] = [
    ("/events", Route::Events),
    ("/subscribe", Route::Subscribe),
    ("/", Route::Home),
    ("/console", Route::Home),
    ("/console/", Route::Home),
    ("/healthz", Route::Live),
    ("/readyz", Route::Ready),
    ("/metrics", Route::Metrics),
    ("/tickets", Route::Tickets),
    ("/admin/connections", Route::Admin(AdminRoute::Connections)),
    ("/admin/disconnect", Route::Admin(AdminRoute::Disconnect)),
    ("/subscriptions", Route::Admin(AdminRoute::Subscriptions)),
    ("*", Route::Hub),
];

/// The hub's paths below which others stand.
const BELOW: [Below; 2] =
    [("/events/", |topic| Route::Topic(topic)), ("/console/", |file| Route::Console(file))];

/// The beginning of a path, and the route of what follows.
type Below = (&'static str, for<'a> fn(&'a str) -> Route<'a>);

/// What a request asks for: a route, with a method that it takes or does not.
#[derive(Debug)]
enum Action<'a> {
    /// The methods of the route, preflight or not.
    Options(Route<'a>),
    Publish(&'a str),
    /// Events of many topics, which the body names.
    PublishLines,
    /// A stream; with what stands after `/events/`.
    Subscribe(Option<&'a str>, StreamFormat),
    History(Option<&'a str>),
    /// A WebSocket.
    Socket(Option<&'a str>),
    /// One of these, as the body says.
    ReadByBody(Representation),
    /// The page for people who look at topics; with what stands after `/events/`.
    Page(Option<&'a str>),
    Home,
    Console(&'a str),
    Live,
    Ready,
    Metrics,
    Ticket,
    Admin(AdminRoute),
    RefuseMethod(Route<'a>),
    RefuseAccept(Problem),
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
        if let Some((_, route)) = PATHS.iter().find(|(own, _)| *own == path) {
            return *route;
        }
        let below = |(beginning, route): &Below| path.strip_prefix(beginning).map(route);
        BELOW.iter().find_map(below).unwrap_or(Self::Unknown)
    }

    fn methods(self) -> &'static str {
        match self {
            Self::Events | Self::Topic(_) | Self::Hub => "GET, HEAD, POST, OPTIONS",
            Self::Tickets | Self::Subscribe => "POST, OPTIONS",
            Self::Admin(route) => route.methods(),
            _ => "GET, HEAD, OPTIONS",
        }
    }

    /// Whether events are behind it, and not only what everybody may know.
    fn has_events(self) -> bool {
        match self {
            Self::Events | Self::Topic(_) | Self::Subscribe | Self::Tickets | Self::Admin(_) => true,
            Self::Home
            | Self::Console(_)
            | Self::Live
            | Self::Ready
            | Self::Metrics
            | Self::Hub
            | Self::Unknown => false,
        }
    }

    fn action(self, parts: &Parts) -> Action<'a> {
        let Parts { method, headers, .. } = parts;
        let reads = method == Method::GET || method == Method::HEAD;
        match self {
            Self::Unknown => Action::RefusePath,
            _ if method == Method::OPTIONS => Action::Options(self),
            Self::Hub => Action::RefusePath,
            Self::Topic(topic) if method == Method::POST => Action::Publish(topic),
            Self::Events if method == Method::POST => Action::PublishLines,
            Self::Subscribe if method == Method::POST => match negotiate(headers) {
                Ok(representation) => Action::ReadByBody(representation),
                Err(problem) => Action::RefuseAccept(problem),
            },
            Self::Subscribe => Action::RefuseMethod(self),
            Self::Tickets if method == Method::POST => Action::Ticket,
            Self::Tickets => Action::RefuseMethod(self),
            Self::Admin(route) if route.takes(method) => Action::Admin(route),
            Self::Admin(_) => Action::RefuseMethod(self),
            _ if !reads => Action::RefuseMethod(self),
            Self::Topic(topic) if handshake::is_asked_for(method, headers) => Action::Socket(Some(topic)),
            Self::Events if handshake::is_asked_for(method, headers) => Action::Socket(None),
            Self::Topic(topic) => Action::read(Some(topic), parts),
            Self::Events => Action::read(None, parts),
            Self::Home => Action::Home,
            Self::Console(file) => Action::Console(file),
            Self::Live => Action::Live,
            Self::Ready => Action::Ready,
            Self::Metrics => Action::Metrics,
        }
    }
}

impl<'a> Action<'a> {
    /// What a GET of events asks for by its `Accept`, if it does not load a frame.
    fn read(rest: Option<&'a str>, parts: &Parts) -> Self {
        if parts.uri.query().is_some_and(asks_for_iframe) {
            return Self::Subscribe(rest, StreamFormat::Iframe);
        }
        match negotiate(&parts.headers) {
            Ok(Representation::Stream(format)) => Self::Subscribe(rest, format),
            Ok(Representation::History) => Self::History(rest),
            Ok(Representation::Page) => Self::Page(rest),
            Err(problem) => Self::RefuseAccept(problem),
        }
    }

    /// What must hold before it.
    fn policy(&self) -> Policy {
        match self {
            Self::Publish(_) | Self::PublishLines => Policy::PUBLISH,
            // A browser opens a WebSocket for any page, with its cookies, and asks nobody before.
            Self::Ticket | Self::ReadByBody(_) | Self::Socket(_) => Policy::TICKET,
            Self::Subscribe(..) | Self::History(_) | Self::RefuseAccept(_) => Policy::READ,
            Self::Options(route) if route.has_events() => Policy::PREFLIGHT,
            Self::RefuseMethod(route) if route.has_events() => Policy::READ,
            // The same files for everybody, and no event among them. What the page shows it asks for by itself.
            Self::Page(_) | Self::Home => Policy::PUBLIC,
            Self::Console(_) => Policy::PUBLIC_FILE,
            // Probes and scrapers come by address.
            Self::Live | Self::Ready => Policy::PUBLIC,
            Self::Metrics => Policy::METRICS,
            Self::Admin(_) => Policy::ADMIN,
            Self::Options(_) | Self::RefuseMethod(_) | Self::RefusePath => Policy::PUBLIC,
        }
    }

    /// What stands after `/events/` in the path of a request for events, or of that which its alias stands for.
    fn topic(&self) -> Option<&'a str> {
        match self {
            Self::Publish(topic) | Self::Subscribe(Some(topic), _) | Self::History(Some(topic)) => {
                Some(topic)
            }
            Self::Page(topic) | Self::Socket(topic) => *topic,
            Self::Subscribe(None, _) | Self::History(None) => None,
            Self::Options(_)
            | Self::PublishLines
            | Self::Home
            | Self::Console(_)
            | Self::Live
            | Self::Ready
            | Self::Metrics
            | Self::Ticket
            | Self::ReadByBody(_)
            | Self::Admin(_)
            | Self::RefuseMethod(_)
            | Self::RefuseAccept(_)
            | Self::RefusePath => None,
        }
    }

    /// Whether it is answered on a connection for which there is no place: what machines must know also then, and streams,
    /// whose clients are told when to come back.
    fn is_answered_without_place(&self) -> bool {
        match self {
            Self::Live
            | Self::Ready
            | Self::Metrics
            | Self::Options(_)
            | Self::Subscribe(..)
            | Self::Socket(_) => true,
            Self::Publish(_)
            | Self::PublishLines
            | Self::History(_)
            | Self::Page(_)
            | Self::Home
            | Self::Console(_)
            | Self::Ticket
            | Self::ReadByBody(_)
            | Self::Admin(_)
            | Self::RefuseMethod(_)
            | Self::RefuseAccept(_)
            | Self::RefusePath => false,
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
        let (mut parts, body) = request.into_parts();
        self.begin_entry(&mut parts);
        self.handle_parts(&parts, body).await
    }

    /// Begins the line of the access log, if there is one, among the extensions of a request.
    pub(crate) fn begin_entry(&self, parts: &mut Parts) {
        if let Some(log) = &self.config().access_log {
            let beyond = self.beyond_proxies(&parts.headers);
            let address = beyond.as_ref().unwrap_or(self).address();
            let entry = AccessEntry::begin(log, Some(parts), address, self.clock().now());
            parts.extensions.insert(entry);
        }
    }

    /// The same for a request whose line [has begun](Self::begin_entry). The future of a request holds its parts once.
    pub(crate) async fn handle_parts<B>(&self, parts: &Parts, body: B) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
    {
        let route = Route::of(parts.uri.path(), &self.config().aliases);
        let action = route.action(parts);
        let policy = action.policy();
        let beyond = self.beyond_proxies(&parts.headers);
        let front = beyond.as_ref().unwrap_or(self);
        let answered = front.answer(action, policy, parts, body).await;
        let mut response = answered.unwrap_or_else(|problem| self.refuse(problem));
        cors::finish(&self.config().cors, policy, &parts.headers, &mut response);
        if parts.method == Method::HEAD {
            without_content(&mut response);
        }
        if let Some(entry) = parts.extensions.get::<AccessEntry>() {
            entry.answered(response.status());
            response = response.map(|body| body.logged_by(entry.clone()));
        }
        tracing::debug!(method = %parts.method, path = ?parts.uri.path(), status = response.status().as_u16(), "answered");
        response
    }

    /// The answer to what is no request: it has what every answer has. Nothing is known of its headers.
    pub(crate) fn finish_unread(&self, response: Response<Body>) -> Response<Body> {
        self.finish_unrouted(&HeaderMap::new(), response)
    }

    /// The same, where these of its headers are known.
    pub(crate) fn finish_unrouted(
        &self,
        headers: &HeaderMap,
        mut response: Response<Body>,
    ) -> Response<Body> {
        cors::finish(&self.config().cors, Policy::PUBLIC, headers, &mut response);
        if let Some(log) = &self.config().access_log {
            let entry = AccessEntry::begin(log, None, self.address(), self.clock().now());
            entry.answered(response.status());
            response = response.map(|body| body.logged_by(entry));
        }
        response
    }

    /// The same as a problem.
    pub(crate) fn refuse_unread(&self, problem: Problem) -> Response<Body> {
        self.finish_unread(self.refuse(problem))
    }

    pub(crate) fn refuse(&self, problem: Problem) -> Response<Body> {
        self.metrics().refused(problem.problem_type());
        problem.into_response()
    }

    async fn answer<B>(
        &self,
        action: Action<'_>,
        policy: Policy,
        parts: &Parts,
        body: B,
    ) -> Result<Response<Body>, Problem>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
    {
        if parts.version == Version::HTTP_2 && self.peer().is_some() {
            check_size(parts, self.config().head_bytes_max)?;
        }
        let head = RequestHead::read(parts, self.peer())?;
        let publish_key = self.keys().publish_key();
        let credential = decide(self.config(), publish_key.as_ref().map(|key| &*key.text), policy, &head)
            .inspect_err(|problem| self.refusal_log().tell(problem, parts.uri.path()))?;
        if let (Some(entry), Some(credential)) = (parts.extensions.get::<AccessEntry>(), &credential) {
            entry.is_by(credential);
        }
        if let Some(topic) = action.topic() {
            refuse_second_topic(topic, parts.uri.query())?;
        }
        if let Some(unplaced) = parts.extensions.get::<Unplaced>()
            && !action.is_answered_without_place()
            && !unplaced.finds_place(self.drain()).await
        {
            return Err(too_many_connections());
        }
        match action {
            Action::Options(route) => Ok(self.options(parts, &head, route)),
            Action::Publish(topic) => {
                let (request, grants) = self.read_publish(&head, parts, topic).await?;
                let (user, credential) = match &grants {
                    Some(grants) => (grants.user.as_deref(), grants.credential.as_ref()),
                    None => (None, credential.as_ref()),
                };
                let sender = self.shares().sender(user, credential, self.client());
                let credential = credential.map(Credential::name).unwrap_or_default();
                let let_in = match &grants {
                    Some(grants) => LetIn::by_grants(self, grants),
                    None => LetIn::by_publish_key(publish_key.map(|key| key.life)),
                };
                let publisher = Publisher { credential: &credential, sender, let_in };
                publish(self, parts, publisher, request, body).await
            }
            Action::PublishLines => {
                let life = publish_key.map(|key| key.life);
                let keyed = Keyed { credential: credential.as_ref(), life };
                // Boxed, or the future of every request would be as large as this one.
                Box::pin(self.publish_lines(&head, parts, keyed, body)).await
            }
            Action::Subscribe(rest, format) => self.subscribe_granted(&head, parts, rest, format).await,
            // Boxed, as below.
            Action::Socket(rest) => Box::pin(self.socket_granted(&head, parts, rest)).await,
            Action::History(rest) => self.history_granted(&head, parts, rest).await,
            Action::ReadByBody(representation) => {
                Box::pin(self.read_by_body(&head, parts, representation, body)).await
            }
            Action::Page(_) => self.pages().index(parts),
            Action::Home => self.pages().home(parts),
            Action::Console(file) => self.pages().file(file, parts),
            Action::Live => Ok(operations::live()),
            Action::Ready => Ok(operations::ready(self)),
            Action::Metrics => self.metrics_granted(&head, parts).await,
            Action::Ticket if self.config().access.is_none() => Err(not_found()),
            Action::Ticket => self.ticket_granted(&head, parts).await,
            // Boxed, or the future of every request would be as large as this one.
            Action::Admin(route) => Box::pin(admin::answer(self, route, &head, parts, body)).await,
            Action::RefuseMethod(route) => Err(method_not_allowed(route.methods())),
            Action::RefuseAccept(problem) => Err(problem),
            Action::RefusePath => Err(not_found()),
        }
    }

    fn options(&self, parts: &Parts, head: &RequestHead<'_>, route: Route<'_>) -> Response<Body> {
        let cors = &self.config().cors;
        if let Some(problem) = cors::refused_preflight(self.config(), head) {
            // The answer says it by what it does not have; its browser tells nobody why.
            self.refusal_log().tell(&problem, parts.uri.path());
        }
        cors::options(cors, route.methods(), &parts.headers)
    }
}

/// RFC 9110, 9.3.2: "The HEAD method is identical to GET except that the server MUST NOT send content in the response".
/// The length is told where it is known.
fn without_content(response: &mut Response<Body>) {
    let length = response.body().size_hint().exact().filter(|length| *length > 0);
    *response.body_mut() = Body::empty();
    if let Some(length) = length {
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_alias_is_a_path_of_the_table_or_stands_below_one() {
        let below = BELOW.map(|(beginning, _)| beginning.trim_end_matches('/'));
        let paths = PATHS.map(|(path, _)| path).into_iter().chain(below).filter(|path| *path != "*");

        for path in paths {
            let encoded = path.replacen('e', "%65", 1).replacen('o', "%6F", 1);
            for alias in [path.to_owned(), format!("{path}/a"), path.to_uppercase(), encoded] {
                assert!(Aliases::new([(&alias, "a")]).is_err(), "{alias}");
            }
        }
    }

    #[test]
    fn a_path_that_can_be_an_alias_is_none_of_the_table() {
        for path in ["/stream", "/events.php", "/console.html", "/healthz2", "/a/events/b", "/eventsource"] {
            assert!(Aliases::new([(path, "a")]).is_ok(), "{path}");
            assert_eq!(Route::of_own(path), Route::Unknown, "{path}");
        }
        for (path, route) in [
            ("/events/", Route::Topic("")),
            ("/events/a/b", Route::Topic("a/b")),
            ("/console/app.js", Route::Console("app.js")),
            ("/console/", Route::Home),
            ("*", Route::Hub),
            ("", Route::Unknown),
            ("/healthz/", Route::Unknown),
        ] {
            assert_eq!(Route::of_own(path), route, "{path}");
        }
    }
}
