//! Every request of every kind of connection comes through [`Front::handle`]: past the gate to who answers it. So the front knows no
//! handler, and the handlers no route. Every answer leaves through it, too, and has there what all answers have.

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
use crate::admin;
use crate::answer::body::Body;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::connection::refusal::Unplaced;
use crate::console::{is_of_inbox, not_found};
use crate::events::publish::publish;
use crate::front::Front;
use crate::granted::Keyed;
use crate::inbox;
use crate::operations;
use crate::request::path::refuse_second_topic;
use crate::route::{Action, Route};
use crate::scripts;
use crate::websocket::handshake;

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
        handshake::take_connect(&mut parts);
        self.begin_entry(&mut parts);
        self.handle_parts(&parts, body).await.map(Body::for_any_server)
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
        let key_text = publish_key.as_ref().map(|key| &*key.text);
        let credential = self.pass_gate(&action, policy, key_text, parts, &head).await?;
        let keyed = Keyed { credential: credential.as_ref(), life: publish_key.map(|key| key.life) };
        match action {
            Action::Options(route) => Ok(self.options(parts, &head, route)),
            Action::Publish(topic) => {
                let (request, grants) = self.read_publish(&head, parts, topic).await?;
                publish(self, parts, self.publisher(grants.as_ref(), keyed), request, body).await
            }
            Action::PublishLines => {
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
            // They would show an inbox that never answers.
            Action::Console(file) if self.inbox().is_none() && is_of_inbox(file) => Err(inbox::none()),
            Action::Console(file) => self.pages().file(file, parts),
            Action::Script(name) => scripts::answer(name, parts),
            Action::Live => Ok(operations::live()),
            Action::Ready => Ok(operations::ready(self, &parts.headers)),
            Action::Metrics => self.metrics_granted(&head, parts).await,
            Action::Ticket if self.config().access.is_none() => Err(not_found()),
            Action::Ticket => self.ticket_granted(&head, parts).await,
            // Boxed, or the future of every request would be as large as this one.
            Action::Admin(route) => Box::pin(admin::answer(self, route, &head, parts, body)).await,
            Action::Inbox(action) => Box::pin(inbox::answer(self, action, &head, parts, keyed, body)).await,
            Action::RefuseMethod(route) => Err(method_not_allowed(route.methods())),
            Action::RefuseAccept(problem) => Err(problem),
            Action::RefusePath => Err(inbox::nothing_at(parts.uri.path()).unwrap_or_else(not_found)),
        }
    }

    /// What holds before anybody answers. What was shown at the gate, if that was asked for.
    async fn pass_gate(
        &self,
        action: &Action<'_>,
        policy: Policy,
        publish_key: Option<&str>,
        parts: &Parts,
        head: &RequestHead<'_>,
    ) -> Result<Option<Credential>, Problem> {
        let credential = decide(self.config(), publish_key, policy, head)
            .inspect_err(|problem| self.refusal_log().tell(problem, parts.uri.path()))?;
        if let Some(words) = cors::withheld(self.config(), policy, head) {
            self.refusal_log().tell_withheld(&words, parts.uri.path());
        }
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
        Ok(credential)
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
