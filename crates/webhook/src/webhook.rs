//! The decision: whether to ask, and what the answer adds to what a request has.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::AUTHORIZATION;
use ring::hmac;
use ring::rand::SystemRandom;
use tidings_http::core::Clock;
use tidings_http::grants::{Credential, Grants};
use tidings_http::{Asked, AskedAction, Authorizer, Denied};

use crate::desk::{Answer, Desk};
use crate::question::Question;
use crate::settings::WebhookSettings;

/// Asks a webhook what a request may do, if what it shows is not enough. Give it to
/// [`Front::with_authorizer`](tidings_http::Front::with_authorizer).
///
/// Its answers are beside what a request has otherwise: what everybody has, and what its key, token or signature gives.
pub struct Webhook(Desk);

/// The system gives no random numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random numbers")]
pub struct NoRandomness;

impl Webhook {
    /// Asks with these settings. The clock is that of the front.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`].
    pub fn new(settings: WebhookSettings, clock: Arc<dyn Clock>) -> Result<Self, NoRandomness> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).map_err(|_| NoRandomness)?;
        Ok(Self(Desk::new(settings, clock, key)))
    }

    /// What a request has, and what the answer gives. `sender` is what its headers are known by.
    fn joined(has: &Grants, answer: &Answer, sender: Option<[u8; 32]>) -> Grants {
        let given = &answer.given;
        // Keys of repetitions belong to the user, whichever session the user has.
        let of_sender = || sender.map(|sender| Credential::Other(URL_SAFE_NO_PAD.encode(sender).into()));
        let of_user = || given.user.as_deref().map(|user| Credential::User(user.into()));
        Grants {
            publish: has.publish.clone().and(&given.publish),
            subscribe: has.subscribe.clone().and(&given.subscribe),
            // A token is signed, so nothing changes whose it is.
            user: has.user.clone().or_else(|| given.user.clone()),
            admin: has.admin || given.admin,
            until: has.until.into_iter().chain(answer.until).min(),
            token_id: has.token_id.clone(),
            credential: has.credential.clone().or_else(of_user).or_else(of_sender),
            info: has.info.clone(),
            key: has.key,
        }
    }
}

#[async_trait]
impl Authorizer for Webhook {
    async fn authorize(&self, asked: &Asked<'_>) -> Result<Grants, Denied> {
        if is_enough(asked) {
            return Ok(asked.who.clone());
        }
        let question = Question::new(asked, &self.0.settings().headers);
        let answer = self.0.ask(question.to_json()).await?;
        Ok(Self::joined(asked.who, &answer, question.sender(self.0.key())))
    }

    fn reads_authorization(&self) -> bool {
        self.0.settings().headers.contains(&AUTHORIZATION)
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Webhook").field(self.0.settings()).finish()
    }
}

/// Whether what a request has covers what it asks for.
fn is_enough(asked: &Asked<'_>) -> bool {
    match asked.action {
        AskedAction::Publish => asked.who.publish.uncovered(asked.selectors).is_empty(),
        AskedAction::Subscribe | AskedAction::History => {
            asked.who.subscribe.uncovered(asked.selectors).is_empty()
        }
        AskedAction::Admin => asked.who.admin,
    }
}

#[cfg(test)]
mod tests {
    use tidings_http::core::{Selector, UnixMillis};
    use tidings_http::grants::Allowed;

    use super::*;
    use crate::answer::Given;

    fn allowed(text: &str) -> Allowed {
        Allowed::new([Selector::parse(text).unwrap()])
    }

    fn answer(until: u64) -> Answer {
        let given = Given { user: Some("u2".into()), subscribe: allowed("b"), ..Given::default() };
        Answer { given, until: Some(UnixMillis(until)) }
    }

    #[test]
    fn an_answer_adds_to_what_a_request_has_and_ends_it() {
        let has = Grants { subscribe: allowed("a"), admin: true, ..Grants::default() };
        let joined = Webhook::joined(&has, &answer(5), None);

        let covers = |text| joined.subscribe.covers(&Selector::parse(text).unwrap());
        assert!(covers("a") && covers("b") && joined.admin);
        assert_eq!((joined.user.as_deref(), joined.until), (Some("u2"), Some(UnixMillis(5))));
        assert_eq!(joined.credential, Some(Credential::User("u2".into())));
    }

    #[test]
    fn a_token_stays_that_of_its_user_and_the_earlier_end_counts() {
        let has = Grants {
            user: Some("u1".into()),
            credential: Some(Credential::User("u1".into())),
            token_id: Some("t".into()),
            until: Some(UnixMillis(3)),
            ..Grants::default()
        };
        let joined = Webhook::joined(&has, &answer(5), Some([0; 32]));

        assert_eq!((joined.user, joined.credential), (has.user.clone(), has.credential.clone()));
        assert_eq!((joined.token_id.clone(), joined.until), (has.token_id.clone(), Some(UnixMillis(3))));
        assert_eq!(Webhook::joined(&has, &answer(2), None).until, Some(UnixMillis(2)));
    }

    #[test]
    fn without_a_user_repetitions_belong_to_what_the_headers_are_known_by() {
        let nobody = Answer::default();
        let credential = |sender| Webhook::joined(&Grants::default(), &nobody, sender).credential;

        assert_eq!(credential(None), None);
        assert!(
            credential(Some([0; 32])).is_some() && credential(Some([0; 32])) != credential(Some([1; 32]))
        );
    }
}
