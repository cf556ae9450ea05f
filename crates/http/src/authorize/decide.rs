//! The decision about a request: who sends it, what the program of an embedder says, whether that covers what is needed, and
//! whether it is let in.
//!
//! There is one function for all of them. What they differ in is the grant that a request needs.

use std::collections::BTreeSet;

use tidings_access::Grants;
use tidings_core::{Position, Request, Selector, Selectors, Topic};

use super::asked::{Asked, AskedAction, Denied};
use super::identity::{Identity, ParsedRequest, cannot_tell};
use crate::access::frame::cookie_counts;
use crate::access::shown_proof::PROOF_PARAMETERS;
use crate::access_log::AccessEntry;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::front::Front;
use crate::limits::INBOXES_ASKED_MAX;
use crate::request::query::Query;

/// What a request needs, to be let in.
#[derive(Clone, Copy)]
struct Needs<'a> {
    grant: NeededGrant<'a>,
    /// For which topics.
    selectors: &'a [Selector],
    /// From where on it reads.
    place: Option<&'a Position>,
    /// As what an authorizer is asked.
    action: AskedAction,
}

/// A grant that a request needs.
#[derive(Debug, Clone, Copy)]
enum NeededGrant<'a> {
    /// To publish to each of the topics.
    Publish,
    /// To publish to each of the topics, which are inboxes.
    Notify,
    /// To read all of the selectors.
    Subscribe,
    /// To read a part of the selectors at least.
    SubscribePart,
    /// To read all of the selectors, or to publish to the first, which is an inbox.
    SubscribeOrNotify,
    /// `admin`.
    Admin,
    /// `admin`, or to read this presence of a topic.
    Audience(&'a Selector),
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

    /// The grants by which a request to read is let in. Its selectors become those that are covered, if it asks for no more than
    /// that.
    pub(crate) async fn authorize_read(
        &self,
        request: ParsedRequest<'_>,
        action: AskedAction,
        events: &mut Request,
    ) -> Result<Grants, Problem> {
        let wants_a_part = partial(request.query)?;
        let grant = if wants_a_part { NeededGrant::SubscribePart } else { NeededGrant::Subscribe };
        let (selectors, place) = (events.selectors.as_slice(), Some(&events.from));
        let needs = Needs { grant, selectors, place, action };
        let grants = self.authorize(request, needs).await?;
        if wants_a_part {
            events.selectors = covered_part(&grants, selectors)?;
        }
        Ok(grants)
    }

    /// Refuses a request to publish to topics that its body names, before the body is read, if it could publish to none.
    pub(crate) async fn refuse_stranger(&self, request: ParsedRequest<'_>) -> Result<(), Problem> {
        // Both are about topics, which are not known yet.
        if self.authorizer().is_some() || request.query.one("signature")?.is_some() {
            return Ok(());
        }
        let identity = self.identify(request, &[]).await?;
        if identity.grants.publish.is_nothing() {
            return Err(identity.refusal("publish covers no topic".to_owned(), Vec::new()));
        }
        Ok(())
    }

    /// The grants by which a request to publish to topics is let in.
    pub(crate) async fn authorize_publish(
        &self,
        request: ParsedRequest<'_>,
        selectors: &[Selector],
    ) -> Result<Grants, Problem> {
        let action = AskedAction::Publish;
        let needs = Needs { grant: NeededGrant::Publish, selectors, place: None, action };
        self.authorize(request, needs).await
    }

    /// The grants by which a request to notify is let in: to publish to each of the inboxes.
    ///
    /// An authorizer is asked about all inboxes at once, if it would be asked about more than it can be expected to look at.
    pub(crate) async fn authorize_notify(
        &self,
        request: ParsedRequest<'_>,
        inboxes: &[Selector],
    ) -> Result<Grants, Problem> {
        let action = AskedAction::Publish;
        let needs = Needs { grant: NeededGrant::Notify, selectors: inboxes, place: None, action };
        self.authorize(request, needs).await
    }

    /// The grants by which a request that reads an inbox is let in, or one that changes what its reader may change.
    pub(crate) async fn authorize_inbox(
        &self,
        request: ParsedRequest<'_>,
        action: AskedAction,
        selectors: &[Selector],
    ) -> Result<Grants, Problem> {
        let needs = Needs { grant: NeededGrant::Subscribe, selectors, place: None, action };
        self.authorize(request, needs).await
    }

    /// The grants by which a request is let in of whose an inbox is, or of who may notify there. The first selector is the inbox; the
    /// others are what its reader must be allowed to read as well.
    pub(crate) async fn authorize_inbox_owner(
        &self,
        request: ParsedRequest<'_>,
        selectors: &[Selector],
    ) -> Result<Grants, Problem> {
        let action = AskedAction::Subscribe;
        let needs = Needs { grant: NeededGrant::SubscribeOrNotify, selectors, place: None, action };
        self.authorize(request, needs).await
    }

    /// Lets in a request of an operator. False if no grants are asked for.
    pub(crate) async fn authorize_admin(&self, request: ParsedRequest<'_>) -> Result<bool, Problem> {
        if self.config().access.is_none() {
            return Ok(false);
        }
        let action = AskedAction::Admin;
        let needs = Needs { grant: NeededGrant::Admin, selectors: &[], place: None, action };
        self.authorize(request, needs).await.map(|_| true)
    }

    /// Lets in a request that may know who receives a topic: an operator may, and who may read the presence of that topic. False if
    /// no grants are asked for.
    pub(crate) async fn authorize_audience(
        &self,
        request: ParsedRequest<'_>,
        topic: &Topic,
    ) -> Result<bool, Problem> {
        if self.config().access.is_none() {
            return Ok(false);
        }
        let selectors = &[Selector::Topic(topic.clone())];
        let presence = Selector::parse(&format!("tidings/presence/{topic}"));
        let (grant, action) = match &presence {
            Ok(presence) => (NeededGrant::Audience(presence), AskedAction::Subscribe),
            // The name of the topic is so long that its presence has none.
            Err(_) => (NeededGrant::Admin, AskedAction::Admin),
        };
        self.authorize(request, Needs { grant, selectors, place: None, action }).await.map(|_| true)
    }

    /// The grants for which `POST /tickets` answers with a ticket: those of another proof.
    pub(crate) async fn authorize_ticket(&self, request: ParsedRequest<'_>) -> Result<Grants, Problem> {
        let identity = self.identify(request, &[]).await?;
        tell_sender(request, &identity);
        if identity.ticket.is_some() {
            return Err(Problem::invalid_credentials(
                "a ticket gives no other ticket; show a key or a token",
            ));
        }
        if !identity.shows_something {
            return Err(identity.refusal("there is no ticket".to_owned(), Vec::new()));
        }
        self.refuse_outcast(&identity.grants).await?;
        Ok(identity.grants)
    }

    /// The grants by which a request is let in.
    async fn authorize(&self, request: ParsedRequest<'_>, needs: Needs<'_>) -> Result<Grants, Problem> {
        let identity = self.identify(request, needs.selectors).await?;
        tell_sender(request, &identity);
        let identity = self.ask_authorizer(identity, request, needs).await?;
        tell_sender(request, &identity);
        needs.check(&identity)?;
        self.refuse_outcast(&identity.grants).await?;
        if let Some(ticket) = &identity.ticket {
            // Boxed, because few requests have one.
            Box::pin(self.use_up(ticket)).await?;
        }
        Ok(identity.grants)
    }

    async fn ask_authorizer(
        &self,
        identity: Identity,
        request: ParsedRequest<'_>,
        needs: Needs<'_>,
    ) -> Result<Identity, Problem> {
        let Some(authorizer) = self.authorizer() else { return Ok(identity) };
        let all = [all_inboxes()];
        let selectors = match &needs.grant {
            // Either of two grants will do, and it is asked about one of them: not if the other is there.
            NeededGrant::Audience(_) | NeededGrant::SubscribeOrNotify if needs.check(&identity).is_ok() => {
                return Ok(identity);
            }
            NeededGrant::Audience(presence) => std::slice::from_ref(*presence),
            NeededGrant::Notify if needs.selectors.len() > INBOXES_ASKED_MAX => &all,
            NeededGrant::Publish
            | NeededGrant::Notify
            | NeededGrant::Subscribe
            | NeededGrant::SubscribePart
            | NeededGrant::SubscribeOrNotify
            | NeededGrant::Admin => needs.selectors,
        };
        let ParsedRequest { head, parts, query } = request;
        let asked = Asked {
            action: needs.action,
            selectors,
            place: needs.place,
            who: &identity.grants,
            parts,
            address: self.address(),
            cookies_count: cookie_counts(self.config(), head, parts.method.is_safe(), query),
        };
        // The trait's future is boxed already.
        match authorizer.authorize(&asked).await {
            Ok(grants) => Ok(identity.with_grants(grants)),
            Err(denied) => Err(denied.into_problem()),
        }
    }
}

impl Denied {
    pub(crate) fn into_problem(self) -> Problem {
        match self {
            Self::WhoAreYou(detail) => Problem::invalid_credentials(&detail),
            Self::NotAllowed(detail) => {
                Problem::challenge(ProblemType::NotCovered, "insufficient_scope", &detail)
            }
            Self::CannotTell(detail) => cannot_tell(detail),
        }
    }
}

impl Needs<'_> {
    fn check(&self, identity: &Identity) -> Result<(), Problem> {
        let Grants { publish, subscribe, admin, .. } = &identity.grants;
        let is_covered = |selector: &Selector| subscribe.covers(selector);
        let has_part = |selector: &Selector| subscribe.covered_part(selector).next().is_some();
        let what = match self.grant {
            NeededGrant::Publish | NeededGrant::Notify => {
                return identity.check_cover(publish, "publish", self.selectors);
            }
            NeededGrant::SubscribePart if self.selectors.iter().any(has_part) => return Ok(()),
            NeededGrant::SubscribeOrNotify
                if self.selectors.first().is_some_and(|inbox| publish.covers(inbox)) =>
            {
                return Ok(());
            }
            NeededGrant::Subscribe | NeededGrant::SubscribePart | NeededGrant::SubscribeOrNotify => {
                return identity.check_cover(subscribe, "subscribe", self.selectors);
            }
            NeededGrant::Admin | NeededGrant::Audience(_) if *admin => return Ok(()),
            NeededGrant::Audience(presence) if is_covered(presence) => return Ok(()),
            NeededGrant::Admin => "this is for those with the grant `admin`".to_owned(),
            NeededGrant::Audience(presence) => {
                format!("this is for those with the grant `admin`, or who may subscribe to `{presence}`")
            }
        };
        Err(identity.refusal(what, Vec::new()))
    }
}

/// The selector of the inboxes of all users.
#[expect(clippy::expect_used, reason = "a constant that is a selector")]
pub(crate) fn all_inboxes() -> Selector {
    Selector::parse("inbox/**").expect("the pattern of all inboxes is one")
}

/// Tells the access log who sends a request, also if it is refused.
fn tell_sender(request: ParsedRequest<'_>, identity: &Identity) {
    let Some(entry) = request.parts.extensions.get::<AccessEntry>() else { return };
    if let Some(user) = &identity.grants.user {
        entry.is_of(user);
    }
    if let Some(credential) = &identity.grants.credential {
        entry.is_by(credential);
    }
}

/// What is covered of some selectors, of which a part is.
fn covered_part(grants: &Grants, selectors: &[Selector]) -> Result<Selectors, Problem> {
    let part: BTreeSet<_> = selectors.iter().flat_map(|asked| grants.subscribe.covered_part(asked)).collect();
    Selectors::new(part.into_iter().cloned()).map_err(|error| {
        let detail = format!("what is covered of the topics is more than a request may name: {error}");
        Problem::new(ProblemType::BadTopics, detail)
    })
}

/// Whether a reader is content with what is covered of its selectors.
fn partial(query: &Query<'_>) -> Result<bool, Problem> {
    match query.one("partial")? {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Problem::new(ProblemType::BadPartial, "`partial` is `true` or `false`")),
    }
}
