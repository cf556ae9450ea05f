//! What let a socket in, and what it may do beside what its handshake has asked for.
//!
//! A socket lasts: each publish and each new selector asks here again. What the handshake has shown is not read anew, since a
//! ticket is used up and a signature covers what was signed; the grants that it gave are kept.

use std::sync::Arc;

use http::request::Parts;
use tidings_access::{Credential, Grants, Proof};
use tidings_core::{KeyLife, Selector, Session, Topic};
use tokio::time::timeout;

use crate::access::decision::decide;
use crate::access::head::RequestHead;
use crate::access::page::is_trusted_page;
use crate::access::policy::Policy;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::authorize::{Asked, AskedAction, Denied};
use crate::front::Front;
use crate::let_in::LetIn;
use crate::limits::KEY_RENEWAL_WAIT_MAX;
use crate::shares::Sender;

/// What let a socket in.
pub(crate) struct SocketAccess {
    /// None if requests need none.
    grants: Option<Grants>,
    /// The life of the key that the grants hang on.
    key: Option<KeyLife>,
    /// By the publish key, where that is what publishing needs: its life, or why the handshake may not publish.
    publishing: Result<Option<KeyLife>, (ProblemType, String)>,
    /// What the publish key is called.
    publisher: Option<Credential>,
    /// For a program that decides in the place of the settings.
    asked: Option<Box<AskedParts>>,
}

struct AskedParts {
    parts: Parts,
    cookies_count: bool,
}

impl SocketAccess {
    /// By the head of the handshake. The grants come later, if they are asked for.
    pub(crate) fn of(front: &Front, head: &RequestHead<'_>, parts: &Parts) -> Self {
        let key = front.keys().publish_key();
        let decided = decide(front.config(), key.as_ref().map(|key| &*key.text), Policy::PUBLISH, head);
        let (publishing, publisher) = match decided {
            Ok(credential) => (Ok(key.map(|key| key.life)), credential),
            Err(problem) => (Err((problem.problem_type(), problem.detail().to_owned())), None),
        };
        let asked = front.authorizer().map(|_| {
            let cookies_count = is_trusted_page(front.config(), head, parts.method.is_safe());
            Box::new(AskedParts { parts: parts.clone(), cookies_count })
        });
        Self { grants: None, key: None, publishing, publisher, asked }
    }

    pub(crate) fn let_in_by(&mut self, front: &Front, grants: &Grants) {
        self.key = front.keys().life(grants.key);
        self.grants = Some(grants.clone());
    }

    /// Whether it may publish to a topic now.
    pub(super) async fn check_publish(&self, front: &Front, topic: &Topic) -> Result<(), Problem> {
        let key = match &self.publishing {
            Ok(key) => key.clone(),
            Err((problem_type, detail)) => return Err(Problem::new(*problem_type, detail.clone())),
        };
        if self.grants.is_none() {
            return LetIn::by_publish_key(key).check(front).await;
        }
        let selectors = [Selector::Topic(topic.clone())];
        self.check(front, AskedAction::Publish, &selectors).await.map(|_| ())
    }

    /// Whether it may read these selectors, too. With what it has them by, if that is not what its session is.
    pub(super) async fn check_subscribe(
        &self,
        front: &Front,
        selectors: &[Selector],
    ) -> Result<Option<Grants>, Problem> {
        self.check(front, AskedAction::Subscribe, selectors).await
    }

    /// Whom its publishes count for.
    pub(super) fn sender(&self, front: &Front) -> Sender {
        let (user, credential) = self.who();
        front.shares().sender(user, credential, front.client())
    }

    /// The name of what it has shown.
    pub(super) fn credential(&self) -> String {
        self.who().1.map(Credential::name).unwrap_or_default().into()
    }

    fn who(&self) -> (Option<&str>, Option<&Credential>) {
        match &self.grants {
            Some(grants) => (grants.user.as_deref(), grants.credential.as_ref()),
            None => (None, self.publisher.as_ref()),
        }
    }

    /// Takes another token in place of what let it in. It must be of the same user, and cover all that the socket reads.
    pub(super) async fn renew(
        &mut self,
        front: &Front,
        token: &str,
        selectors: &[Selector],
        session: Option<&Arc<Session>>,
    ) -> Result<Option<Arc<Session>>, Problem> {
        let grants = granted(front, token).await?;
        let user = session.and_then(|session| session.user.as_ref());
        if user.is_some() && grants.user.as_ref() != user {
            return Err(Problem::invalid_credentials("the token is of another user than the socket"));
        }
        check_cover(&grants, AskedAction::Subscribe, selectors)?;
        front.refuse_outcast(&grants).await?;
        self.let_in_by(front, &grants);
        Ok(front.session_of(&grants))
    }

    async fn check(
        &self,
        front: &Front,
        action: AskedAction,
        selectors: &[Selector],
    ) -> Result<Option<Grants>, Problem> {
        let Some(grants) = &self.grants else { return Ok(None) };
        LetIn::held(grants, self.key.clone()).check(front).await?;
        let (Some(asked), Some(authorizer)) = (&self.asked, front.authorizer()) else {
            return check_cover(grants, action, selectors).map(|()| None);
        };
        let asked = Asked {
            action,
            selectors,
            place: None,
            who: grants,
            parts: &asked.parts,
            address: front.address(),
            cookies_count: asked.cookies_count,
        };
        let grants = authorizer.authorize(&asked).await.map_err(Denied::into_problem)?;
        check_cover(&grants, action, selectors)?;
        front.refuse_outcast(&grants).await?;
        Ok(Some(grants))
    }
}

/// The grants of a token, or of a named key.
async fn granted(front: &Front, token: &str) -> Result<Grants, Problem> {
    let (Some(settings), Some(access)) = (&front.config().access, front.keys().access()) else {
        return Err(Problem::invalid_credentials("this hub takes no tokens"));
    };
    let now = front.clock().now();
    let refused = match access.grants(Proof::Bearer(token), now) {
        Ok(grants) => return Ok(grants),
        Err(refusal) => refusal,
    };
    let Some(renewal) = &settings.renewal else {
        return Err(Problem::invalid_credentials(&refused.to_string()));
    };
    // Its issuer may have changed its keys a moment ago.
    let _ = timeout(KEY_RENEWAL_WAIT_MAX, renewal.renew()).await;
    let access = front.keys().access().unwrap_or(access);
    access.grants(Proof::Bearer(token), now).map_err(|error| Problem::invalid_credentials(&error.to_string()))
}

fn check_cover(grants: &Grants, action: AskedAction, selectors: &[Selector]) -> Result<(), Problem> {
    let (allowed, word) = match action {
        AskedAction::Publish => (&grants.publish, "publish"),
        AskedAction::Subscribe | AskedAction::History | AskedAction::Admin => {
            (&grants.subscribe, "subscribe")
        }
    };
    let uncovered: Vec<_> =
        allowed.uncovered(selectors).iter().map(|selector| selector.as_str().to_owned()).collect();
    if uncovered.is_empty() {
        return Ok(());
    }
    let listed = uncovered.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let detail = format!("{word} does not cover {listed}");
    Err(Problem::challenge(ProblemType::NotCovered, "insufficient_scope", &detail).with_uncovered(uncovered))
}
