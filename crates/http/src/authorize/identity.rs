//! Who sends a request: the grants of what it shows, and why they are no more than that.
//!
//! What a request shows is read by `access/shown_proof`; what it gives is told by `tidings-access`. Nothing is used up and
//! nobody is let in here.

use http::header::RETRY_AFTER;
use http::request::Parts;
use tidings_access::{Allowed, Grants, Proof, Refusal, Ticket};
use tidings_core::Selector;
use tokio::time::timeout;

use crate::access::head::RequestHead;
use crate::access::shown_proof::{Shown, shown};
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::front::Front;
use crate::limits::{KEY_RENEWAL_WAIT_MAX, UNCOVERED_SHOWN_MAX};
use crate::request::query::Query;

/// A request that the hub has read, with all places in which it may show who sends it.
#[derive(Clone, Copy)]
pub(crate) struct ParsedRequest<'a> {
    pub(crate) head: &'a RequestHead<'a>,
    pub(crate) parts: &'a Parts,
    pub(crate) query: &'a Query<'a>,
}

/// The answer to the question who sends a request.
pub(super) struct Identity {
    pub(super) grants: Grants,
    /// It shows something that gives it these grants.
    pub(super) shows_something: bool,
    /// To be used up before the request is let in.
    pub(super) ticket: Option<Ticket>,
    /// Why what it shows has given nothing: a cookie, which a browser sends by itself, or something that the authorizer may know.
    why_no_more: Option<String>,
    /// It shows a token of which the key is not there.
    lacks_key: bool,
    /// The keys of its token's issuer have not come yet, so that nobody can say what it gives.
    awaits_keys: bool,
}

/// Nobody, and why.
struct Unidentified {
    problem: Problem,
    /// It shows a token of which the key is not there.
    lacks_key: bool,
}

impl Front {
    /// Who sends a request. `selectors` are what it asks for, which a signature must cover. If a token's key is not there, it is
    /// fetched first, where keys can be fetched.
    pub(super) async fn identify(
        &self,
        request: ParsedRequest<'_>,
        selectors: &[Selector],
    ) -> Result<Identity, Problem> {
        let found = self.look(request, selectors);
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
        self.look(request, selectors).map_err(|unidentified| unidentified.problem)
    }

    fn look(&self, request: ParsedRequest<'_>, selectors: &[Selector]) -> Result<Identity, Unidentified> {
        let ParsedRequest { head, parts, query } = request;
        let (Some(settings), Some(access)) = (&self.config().access, self.keys().access()) else {
            return Ok(Identity::nobody(Grants::default()));
        };
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
            Shown::Ticket(text) => match self.tickets().read(&access, text, now) {
                // It was given for a key that was taken away since.
                Ok(ticket) if self.keys().life(ticket.grants.key).is_some_and(|life| life.is_over()) => {
                    Err(Problem::invalid_credentials(&Refusal::UnknownTicket.to_string()).into())
                }
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
                    awaits_keys: refusal == Refusal::NoKeys,
                    ..unmeant(format!("its cookie gives nothing: {refusal}"))
                },
            }),
            Shown::Unusable(why) => Ok(unmeant(why.to_owned())),
        }
    }

    fn authorizer_reads_authorization(&self) -> bool {
        self.authorizer().is_some_and(|authorizer| authorizer.reads_authorization())
    }
}

impl Identity {
    fn nobody(grants: Grants) -> Self {
        Self {
            grants,
            why_no_more: None,
            shows_something: false,
            ticket: None,
            lacks_key: false,
            awaits_keys: false,
        }
    }

    fn known(grants: Grants) -> Self {
        Self { shows_something: true, ..Self::nobody(grants) }
    }

    /// The same sender, with the grants that an authorizer gives it.
    pub(super) fn with_grants(self, grants: Grants) -> Self {
        let is_known = grants.user.is_some() || grants.credential.is_some();
        Self { grants, shows_something: self.shows_something || is_known, ..self }
    }

    /// Refuses what no selector of `allowed` covers. `grant` is what these selectors allow.
    pub(super) fn check_cover(
        &self,
        allowed: &Allowed,
        grant: &str,
        asked: &[Selector],
    ) -> Result<(), Problem> {
        let uncovered = allowed.uncovered(asked);
        if uncovered.is_empty() {
            return Ok(());
        }
        let more = uncovered.len().saturating_sub(UNCOVERED_SHOWN_MAX);
        let shown = uncovered.iter().take(UNCOVERED_SHOWN_MAX);
        let names: Vec<_> = shown.map(|selector| selector.as_str().to_owned()).collect();
        let mut listed = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        if more > 0 {
            listed += &format!(" and {more} more");
        }
        Err(self.refusal(format!("{grant} does not cover {listed}"), names))
    }

    /// The refusal of `what`, which says what to send, or that what was sent is not enough.
    pub(super) fn refusal(&self, what: String, uncovered: Vec<String>) -> Problem {
        let problem = match (&self.why_no_more, self.shows_something) {
            (_, true) => Problem::challenge(ProblemType::NotCovered, "insufficient_scope", &what),
            (Some(why), false) if self.awaits_keys => cannot_tell(format!("{what}; {why}")),
            (Some(why), false) => Problem::invalid_credentials(&format!("{what}; {why}")),
            (None, false) => Problem::credentials_required(&format!(
                "for everybody, {what}; send a key or a token as `Authorization: Bearer`"
            )),
        };
        problem.with_uncovered(uncovered)
    }
}

impl From<Problem> for Unidentified {
    fn from(problem: Problem) -> Self {
        Self { problem, lacks_key: false }
    }
}

impl From<Refusal> for Unidentified {
    fn from(refusal: Refusal) -> Self {
        let problem = match refusal {
            Refusal::NoKeys => cannot_tell(refusal.to_string()),
            _ => Problem::invalid_credentials(&refusal.to_string()),
        };
        Self { problem, lacks_key: is_for_want_of_a_key(&refusal) }
    }
}

/// It cannot be found out now what a request may do; it can come back.
pub(super) fn cannot_tell(detail: String) -> Problem {
    Problem::new(ProblemType::AccessUnavailable, detail).with_header(RETRY_AFTER, "2")
}

/// Whether another set of keys may change it.
fn is_for_want_of_a_key(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::UnknownKid { .. } | Refusal::NoKeys)
}
