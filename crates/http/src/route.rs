//! The table of URLs: from a path and a method to what is asked for, and by which policy.
//!
//! A new URL is a line in each function of [`Route`] and [`Action`], and one in `handle`, which calls who answers.

use http::Method;
use http::request::Parts;

use crate::access::policy::Policy;
use crate::admin::AdminRoute;
use crate::aliases::Aliases;
use crate::answer::problem::Problem;
use crate::inbox::{InboxAction, InboxRoute};
use crate::request::accept::{Representation, negotiate};
use crate::request::mode::asks_for_iframe;
use crate::scripts;
use crate::stream::StreamFormat;
use crate::websocket::handshake;

/// What a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route<'a> {
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
    /// The browser client: `/tidings.js` and other [names](scripts::name).
    Script(&'a str),
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
    /// `/inbox`, and below it.
    Inbox(InboxRoute<'a>),
    /// `*`, the hub as a whole: only `OPTIONS` asks for it. RFC 9110, 9.3.7.
    Hub,
    /// Nothing.
    Unknown,
}

/// The hub's paths that stand alone. An alias can be none of them.
const PATHS: [(&str, Route<'static>); 14] = [
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
    ("/inbox", Route::Inbox(InboxRoute::All)),
    ("*", Route::Hub),
];

/// The hub's paths below which others stand.
const BELOW: [Below; 3] = [
    ("/events/", |topic| Route::Topic(topic)),
    ("/console/", |file| Route::Console(file)),
    ("/inbox/", |rest| match InboxRoute::below(rest) {
        InboxRoute::Unknown => Route::Unknown,
        route => Route::Inbox(route),
    }),
];

/// The beginning of a path, and the route of what follows.
type Below = (&'static str, for<'a> fn(&'a str) -> Route<'a>);

/// What a request asks for: a route, with a method that it takes or does not.
#[derive(Debug)]
pub(crate) enum Action<'a> {
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
    Script(&'a str),
    Live,
    Ready,
    Metrics,
    Ticket,
    Admin(AdminRoute),
    Inbox(InboxAction<'a>),
    RefuseMethod(Route<'a>),
    RefuseAccept(Problem),
    RefusePath,
}

impl<'a> Route<'a> {
    /// An alias is none of the hub's own paths, and stands for a topic.
    pub(crate) fn of(path: &'a str, aliases: &'a Aliases) -> Self {
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
        let script = || scripts::name(path).map(Self::Script);
        BELOW.iter().find_map(below).or_else(script).unwrap_or(Self::Unknown)
    }

    pub(crate) fn methods(self) -> &'static str {
        match self {
            Self::Events | Self::Topic(_) | Self::Hub => "GET, HEAD, POST, OPTIONS",
            Self::Tickets | Self::Subscribe => "POST, OPTIONS",
            Self::Admin(route) => route.methods(),
            Self::Inbox(route) => route.methods(),
            _ => "GET, HEAD, OPTIONS",
        }
    }

    /// Whether events are behind it, and not only what everybody may know.
    fn has_events(self) -> bool {
        match self {
            Self::Events
            | Self::Topic(_)
            | Self::Subscribe
            | Self::Tickets
            | Self::Admin(_)
            | Self::Inbox(_) => true,
            Self::Home
            | Self::Console(_)
            | Self::Script(_)
            | Self::Live
            | Self::Ready
            | Self::Metrics
            | Self::Hub
            | Self::Unknown => false,
        }
    }

    pub(crate) fn action(self, parts: &Parts) -> Action<'a> {
        let Parts { method, headers, .. } = parts;
        let reads = method == Method::GET || method == Method::HEAD;
        match self {
            Self::Unknown => Action::RefusePath,
            // Its answer cannot have content.
            Self::Hub
            | Self::Home
            | Self::Console(_)
            | Self::Script(_)
            | Self::Live
            | Self::Ready
            | Self::Metrics
            | Self::Admin(_)
            | Self::Inbox(_)
                if handshake::is_connect(parts) =>
            {
                Action::RefuseMethod(self)
            }
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
            Self::Inbox(route) => {
                route.action(method, headers).map_or(Action::RefuseMethod(self), Action::Inbox)
            }
            _ if !reads => Action::RefuseMethod(self),
            Self::Topic(topic) if handshake::is_asked_for(parts) => Action::Socket(Some(topic)),
            Self::Events if handshake::is_asked_for(parts) => Action::Socket(None),
            Self::Topic(topic) => Action::read(Some(topic), parts),
            Self::Events => Action::read(None, parts),
            Self::Home => Action::Home,
            Self::Console(file) => Action::Console(file),
            Self::Script(name) => Action::Script(name),
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
    pub(crate) fn policy(&self) -> Policy {
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
            Self::Script(_) => Policy::SCRIPT,
            // Probes and scrapers come by address.
            Self::Live | Self::Ready => Policy::PUBLIC,
            Self::Metrics => Policy::METRICS,
            Self::Admin(_) => Policy::ADMIN,
            Self::Inbox(action) => action.policy(),
            Self::Options(_) | Self::RefuseMethod(_) | Self::RefusePath => Policy::PUBLIC,
        }
    }

    /// What stands after `/events/` in the path of a request for events, or of that which its alias stands for.
    pub(crate) fn topic(&self) -> Option<&'a str> {
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
            | Self::Script(_)
            | Self::Live
            | Self::Ready
            | Self::Metrics
            | Self::Ticket
            | Self::ReadByBody(_)
            | Self::Admin(_)
            | Self::Inbox(_)
            | Self::RefuseMethod(_)
            | Self::RefuseAccept(_)
            | Self::RefusePath => None,
        }
    }

    /// Whether it is answered on a connection for which there is no place: what machines must know also then, and streams,
    /// whose clients are told when to come back.
    pub(crate) fn is_answered_without_place(&self) -> bool {
        match self {
            Self::Live
            | Self::Ready
            | Self::Metrics
            | Self::Options(_)
            | Self::Subscribe(..)
            | Self::Socket(_) => true,
            Self::Inbox(action) => action.is_stream(),
            Self::Publish(_)
            | Self::PublishLines
            | Self::History(_)
            | Self::Page(_)
            | Self::Home
            | Self::Console(_)
            | Self::Script(_)
            | Self::Ticket
            | Self::ReadByBody(_)
            | Self::Admin(_)
            | Self::RefuseMethod(_)
            | Self::RefuseAccept(_)
            | Self::RefusePath => false,
        }
    }
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
            ("/tidings.js", Route::Script("tidings.js")),
            ("/tidings.json", Route::Script("tidings.json")),
            ("/tidings-ABCDEFGH.js", Route::Script("tidings-ABCDEFGH.js")),
            ("/tidings", Route::Unknown),
            ("/tidings-feed", Route::Unknown),
            ("*", Route::Hub),
            ("", Route::Unknown),
            ("/healthz/", Route::Unknown),
        ] {
            assert_eq!(Route::of_own(path), route, "{path}");
        }
    }
}
