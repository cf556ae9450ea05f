//! The decision about a request that has been read: who sends it, and whether that covers what it asks for.
//!
//! The gate in [`access`](crate::access) has looked at host and page before. What is decided here is decided by what the hub has
//! read of the request, which is what its handler gets: nobody reads a parameter twice.

use std::net::IpAddr;

use async_trait::async_trait;
use http::header::RETRY_AFTER;
use http::request::Parts;
use tidings_access::{Allowed, Grants, Proof, Refusal, Ticket};
use tidings_core::{Position, Selector, Selectors, Topic};
use tokio::time::timeout;

use crate::access::head::RequestHead;
use crate::access::page::is_trusted_page;
use crate::access::shown_proof::{PROOF_PARAMETERS, Shown, shown};
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::front::Front;
use crate::limits::KEY_RENEWAL_WAIT_MAX;
use crate::request::query::Query;

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
    /// The address of the peer, if the server tells it: see [`Front::for_peer`].
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
    /// To read, and to go on reading what comes.
    Subscribe,
    /// To read a page of what is there.
    History,
    /// What needs the grant `admin`, such as `/metrics`. It has no selectors, and is asked only of a hub with
    /// [`HttpConfig::access`](crate::HttpConfig::access).
    Admin,
}

/// Decides about requests in the place of the hub's settings: see [`Front::with_authorizer`].
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
    /// It cannot be found out now: 503.
    CannotTell(String),
}

/// The answer to the question who asks.
pub(crate) struct Identity {
    pub(crate) grants: Grants,
    /// Why what it shows has given nothing: a cookie, which a browser sends by itself, or something that the authorizer may know.
    why_no_more: Option<String>,
    shows_something: bool,
    /// To be used up before the request is let in.
    ticket: Option<Ticket>,
    /// It shows a token of which the key is not there.
    lacks_key: bool,
}

/// Nobody, and why.
struct Unidentified {
    problem: Problem,
    /// It shows a token of which the key is not there.
    lacks_key: bool,
}

impl From<Problem> for Unidentified {
    fn from(problem: Problem) -> Self {
        Self { problem, lacks_key: false }
    }
}

impl From<Refusal> for Unidentified {
    fn from(refusal: Refusal) -> Self {
        Self {
            problem: Problem::invalid_credentials(&refusal.to_string()),
            lacks_key: is_for_want_of_a_key(&refusal),
        }
    }
}

/// Whether another set of keys may change it.
fn is_for_want_of_a_key(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::UnknownKid { .. } | Refusal::NoKeys)
}

impl Front {
    /// Whether requests need grants.
    pub(crate) fn asks_for_grants(&self) -> bool {
        self.config().access.is_some() || self.authorizer().is_some()
    }

    /// The parameters of every URL of events in which a request may show who sends it.
    pub(crate) fn proof_parameters(&self) -> &'static [&'static str] {
        if self.config().access.is_some() { PROOF_PARAMETERS } else { &[] }
    }

    /// The parameters of a request to read, beside its own, by which grants are asked for.
    pub(crate) fn read_parameters(&self) -> [&'static [&'static str]; 2] {
        [self.proof_parameters(), if self.asks_for_grants() { &["partial"] } else { &[] }]
    }

    /// Who sends a request. `selectors` are what it asks for.
    pub(crate) fn identify(
        &self,
        head: &RequestHead<'_>,
        parts: &Parts,
        query: &Query<'_>,
        selectors: &[Selector],
    ) -> Result<Identity, Problem> {
        self.look(head, parts, query, selectors).map_err(|unidentified| unidentified.problem)
    }

    /// The same. If a token's key is not there, it is fetched first, where keys can be fetched.
    async fn identify_by_fresh_keys(
        &self,
        head: &RequestHead<'_>,
        parts: &Parts,
        query: &Query<'_>,
        selectors: &[Selector],
    ) -> Result<Identity, Problem> {
        let found = self.look(head, parts, query, selectors);
        let lacks_key = match &found {
            Ok(identity) => identity.lacks_key,
            Err(unidentified) => unidentified.lacks_key,
        };
        let renewal = self.config().access.as_ref().and_then(|settings| settings.renewal.as_ref());
        let Some(renewal) = renewal.filter(|_| lacks_key) else {
            return found.map_err(|unidentified| unidentified.problem);
        };
        // Before the wait, so that the future of a request has no room for it.
        drop(found);
        // Boxed, because few requests wait.
        let _ = Box::pin(timeout(KEY_RENEWAL_WAIT_MAX, renewal.renew())).await;
        self.identify(head, parts, query, selectors)
    }

    fn look(
        &self,
        head: &RequestHead<'_>,
        parts: &Parts,
        query: &Query<'_>,
        selectors: &[Selector],
    ) -> Result<Identity, Unidentified> {
        let Some(settings) = &self.config().access else { return Ok(Identity::nobody(Grants::default())) };
        let access = &settings.access;
        let now = self.clock().now();
        let unmeant =
            |why: String| Identity { why_no_more: Some(why), ..Identity::nobody(access.of_everybody()) };
        match shown(self.config(), settings, head, &parts.method, query, selectors)? {
            Shown::Meant(Proof::Nothing) => Ok(Identity::nobody(access.of_everybody())),
            Shown::Meant(proof) => match access.grants(proof, now) {
                Ok(grants) => Ok(Identity::known(grants)),
                Err(refusal) => match (proof, refusal) {
                    (Proof::Bearer(_), refusal @ (Refusal::UnknownKey | Refusal::NotTaken(_)))
                        if self.authorizer_reads_authorization() =>
                    {
                        Ok(unmeant(refusal.to_string()))
                    }
                    (_, refusal) => Err(refusal.into()),
                },
            },
            Shown::NoBearer(why) if self.authorizer_reads_authorization() => Ok(unmeant(why.to_owned())),
            Shown::NoBearer(why) => Err(Problem::invalid_credentials(why).into()),
            Shown::Ticket(text) => match self.tickets().read(text, now) {
                Ok(ticket) => {
                    let grants = ticket.grants.clone().beside(&access.anonymous);
                    Ok(Identity { ticket: Some(ticket), ..Identity::known(grants) })
                }
                Err(refusal) => Err(Problem::invalid_credentials(&refusal.to_string()).into()),
            },
            Shown::Cookie(token) => Ok(match access.grants(Proof::Token(token), now) {
                Ok(grants) => Identity::known(grants),
                Err(refusal) => Identity {
                    lacks_key: is_for_want_of_a_key(&refusal),
                    ..unmeant(format!("its cookie gives nothing: {refusal}"))
                },
            }),
            Shown::Unusable(why) => Ok(unmeant(why.to_owned())),
        }
    }

    /// The grants by which a request to publish to a topic is let in. None if none are asked for.
    pub(crate) async fn authorize_publish(
        &self,
        head: &RequestHead<'_>,
        parts: &Parts,
        query: &Query<'_>,
        topic: &Topic,
    ) -> Result<Option<Grants>, Problem> {
        if !self.asks_for_grants() {
            return Ok(None);
        }
        let selector = [Selector::Topic(topic.clone())];
        let identity = self.identify_by_fresh_keys(head, parts, query, &selector).await?;
        let identity =
            self.ask_authorizer(identity, AskedAction::Publish, &selector, None, head, parts).await?;
        identity.check_cover(&identity.grants.publish, "publish", &selector)?;
        self.let_in(identity).await
    }

    /// The grants by which a request to read is let in. `selectors` become those that are covered, if the request asks for no
    /// more than that.
    pub(crate) async fn authorize_read(
        &self,
        head: &RequestHead<'_>,
        parts: &Parts,
        query: &Query<'_>,
        action: AskedAction,
        request: &mut tidings_core::Request,
    ) -> Result<Option<Grants>, Problem> {
        if !self.asks_for_grants() {
            return Ok(None);
        }
        let wants_a_part = partial(query)?;
        let selectors: Vec<_> = request.selectors.iter().cloned().collect();
        let identity = self.identify_by_fresh_keys(head, parts, query, &selectors).await?;
        let identity =
            self.ask_authorizer(identity, action, &selectors, Some(&request.from), head, parts).await?;
        let allowed = &identity.grants.subscribe;
        if wants_a_part {
            let covered = selectors.iter().filter(|selector| allowed.covers(selector)).cloned();
            if let Ok(covered) = Selectors::new(covered) {
                request.selectors = covered;
                return self.let_in(identity).await;
            }
        }
        identity.check_cover(allowed, "subscribe", &selectors)?;
        self.let_in(identity).await
    }

    /// Lets in a request of an operator: its grants, if grants are asked for.
    pub(crate) async fn authorize_admin(
        &self,
        head: &RequestHead<'_>,
        parts: &Parts,
        query: &Query<'_>,
    ) -> Result<Option<Grants>, Problem> {
        if self.config().access.is_none() {
            return Ok(None);
        }
        let identity = self.identify(head, parts, query, &[])?;
        let identity = self.ask_authorizer(identity, AskedAction::Admin, &[], None, head, parts).await?;
        match identity.grants.admin {
            true => self.let_in(identity).await,
            false => Err(identity.refusal("this is for those with the grant `admin`".to_owned(), Vec::new())),
        }
    }

    /// The answer to `POST /tickets`: a ticket for who has shown another proof.
    pub(crate) async fn authorize_ticket(
        &self,
        head: &RequestHead<'_>,
        parts: &Parts,
        query: &Query<'_>,
    ) -> Result<Grants, Problem> {
        let identity = self.identify_by_fresh_keys(head, parts, query, &[]).await?;
        if identity.ticket.is_some() {
            return Err(Problem::invalid_credentials(
                "a ticket gives no other ticket; show a key or a token",
            ));
        }
        match identity.shows_something {
            true => Ok(identity.grants),
            false => Err(identity.refusal("there is no ticket".to_owned(), Vec::new())),
        }
    }

    async fn let_in(&self, identity: Identity) -> Result<Option<Grants>, Problem> {
        self.refuse_outcast(&identity.grants).await?;
        if let Some(ticket) = &identity.ticket {
            // Boxed, because few requests have one.
            Box::pin(self.use_up(ticket)).await?;
        }
        Ok(Some(identity.grants))
    }

    /// Whether a request may know who receives a topic: an operator may, and who may read the presence of that topic. False if no
    /// grants are asked for.
    pub(crate) async fn authorize_audience(
        &self,
        head: &RequestHead<'_>,
        parts: &Parts,
        query: &Query<'_>,
        topic: &Topic,
    ) -> Result<bool, Problem> {
        if self.config().access.is_none() {
            return Ok(false);
        }
        let asked = [Selector::Topic(topic.clone())];
        let identity = self.identify(head, parts, query, &asked)?;
        let presence = Selector::parse(&format!("tidings/presence/{topic}"));
        let is_covered = presence.is_ok_and(|presence| identity.grants.subscribe.covers(&presence));
        if identity.grants.admin || is_covered {
            return self.let_in(identity).await.map(|_| true);
        }
        let what = format!(
            "this is for those with the grant `admin`, or who may subscribe to `tidings/presence/{topic}`"
        );
        Err(identity.refusal(what, Vec::new()))
    }

    fn authorizer_reads_authorization(&self) -> bool {
        self.authorizer().is_some_and(|authorizer| authorizer.reads_authorization())
    }

    async fn ask_authorizer(
        &self,
        identity: Identity,
        action: AskedAction,
        selectors: &[Selector],
        place: Option<&Position>,
        head: &RequestHead<'_>,
        parts: &Parts,
    ) -> Result<Identity, Problem> {
        let Some(authorizer) = self.authorizer() else { return Ok(identity) };
        let asked = Asked {
            action,
            selectors,
            place,
            who: &identity.grants,
            parts,
            address: self.peer(),
            cookies_count: is_trusted_page(self.config(), head, parts.method.is_safe()),
        };
        // The trait's future is boxed already.
        match authorizer.authorize(&asked).await {
            Ok(grants) => {
                let is_known = grants.user.is_some() || grants.credential.is_some();
                Ok(Identity { grants, shows_something: identity.shows_something || is_known, ..identity })
            }
            Err(Denied::WhoAreYou(detail)) => Err(Problem::invalid_credentials(&detail)),
            Err(Denied::NotAllowed(detail)) => {
                Err(Problem::challenge(ProblemType::NotCovered, "insufficient_scope", &detail))
            }
            Err(Denied::CannotTell(detail)) => {
                Err(Problem::new(ProblemType::AccessUnavailable, detail).with_header(RETRY_AFTER, "2"))
            }
        }
    }
}

impl Identity {
    fn nobody(grants: Grants) -> Self {
        Self { grants, why_no_more: None, shows_something: false, ticket: None, lacks_key: false }
    }

    fn known(grants: Grants) -> Self {
        Self { shows_something: true, ..Self::nobody(grants) }
    }

    /// Refuses what no selector of `allowed` covers. `grant` is what these selectors allow.
    fn check_cover(&self, allowed: &Allowed, grant: &str, asked: &[Selector]) -> Result<(), Problem> {
        let uncovered = allowed.uncovered(asked);
        if uncovered.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = uncovered.iter().map(|selector| selector.as_str().to_owned()).collect();
        let listed = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        Err(self.refusal(format!("{grant} does not cover {listed}"), names))
    }

    fn refusal(&self, what: String, uncovered: Vec<String>) -> Problem {
        let problem = match (&self.why_no_more, self.shows_something) {
            (_, true) => Problem::challenge(ProblemType::NotCovered, "insufficient_scope", &what),
            (Some(why), false) => Problem::invalid_credentials(&format!("{what}; {why}")),
            (None, false) => Problem::credentials_required(&format!(
                "for everybody, {what}; send a key or a token as `Authorization: Bearer`"
            )),
        };
        problem.with_uncovered(uncovered)
    }
}

/// Whether a reader is content with what is covered of its selectors.
fn partial(query: &Query<'_>) -> Result<bool, Problem> {
    match query.one("partial")? {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Problem::new(ProblemType::BadPartial, "`partial` is `true` or `false`")),
    }
}
