//! What a program that decides about requests is asked, and what it answers.
//!
//! It is asked with what the hub has read of a request, which is what the request's handler gets. How the hub asks is in
//! `decide`; `tidings-webhook` is one such program.

use std::net::IpAddr;

use async_trait::async_trait;
use http::request::Parts;
use tidings_access::Grants;
use tidings_core::{Position, Selector};

/// What a request asks for, as the hub has read it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Asked<'a> {
    /// What it wants to do.
    pub action: AskedAction,
    /// With which topics: the topic to publish to, or the selectors to read, decoded and each once.
    pub selectors: &'a [Selector],
    /// From where on it reads. None of a publish.
    pub place: Option<&'a Position>,
    /// Who sends it, by [`HttpConfig::access`](crate::HttpConfig::access); without that, nobody who is known.
    pub who: &'a Grants,
    /// Method, URL, headers and extensions. Selectors and place are read from it already: do not parse them again, another
    /// reading of them would be a way around the decision.
    pub parts: &'a Parts,
    /// The address of the client, if the server tells that of the peer: see [`Front::for_peer`](crate::Front::for_peer). It is
    /// the peer's, or what a proxy of [`HttpConfig::trusted_proxies`](crate::HttpConfig::trusted_proxies) says.
    pub address: Option<IpAddr>,
    /// Whether its cookies count: it does not come from a page that neither the hub nor its operator knows. A browser adds the
    /// cookies of its user to what any page sends.
    pub cookies_count: bool,
}

/// What a request wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskedAction {
    /// To publish.
    Publish,
    /// To read, and to go on reading what comes. Also to know who receives a topic, by `/subscriptions`: the selector is the
    /// presence of the topic then, and the grant `admin` will do, too.
    Subscribe,
    /// To read a page of what is there.
    History,
    /// What needs the grant `admin`, such as `/metrics`. It has no selectors, and is asked only of a hub with
    /// [`HttpConfig::access`](crate::HttpConfig::access).
    Admin,
}

/// Decides about requests in the place of the hub's settings: see [`Front::with_authorizer`](crate::Front::with_authorizer).
#[async_trait]
pub trait Authorizer: Send + Sync + 'static {
    /// The grants of a request. The hub checks that they cover what is asked for, and ends the stream when they end.
    ///
    /// It may be dropped before it has answered, when the client leaves. A client waits as long as it takes.
    ///
    /// # Errors
    ///
    /// With the reason, which the client is told.
    async fn authorize(&self, asked: &Asked<'_>) -> Result<Grants, Denied>;

    /// Whether it reads `Authorization` by itself. If so, one that the hub does not know is no reason to refuse the request: the
    /// request has what everybody has, and this is asked. A token that the hub can check and that is not good is refused anyway.
    fn reads_authorization(&self) -> bool {
        false
    }
}

/// A request gets no grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denied {
    /// It must show who sends it, or something better: 401.
    WhoAreYou(String),
    /// Whoever sends it, it is not allowed: 403.
    NotAllowed(String),
    /// It cannot be found out now: 503. A stream is answered 200, with the time after which its client comes back: a browser's
    /// `EventSource` gives up for good on any other status.
    CannotTell(String),
}
