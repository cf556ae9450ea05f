//! What let a request in that lasts, and whether it still holds.
//!
//! A producer may send events for hours. It is decided about once, and each of its groups asks here: a comparison of times and a
//! look at the denials.

use tidings_access::Grants;
use tidings_core::KeyLife;

use crate::answer::document::time;
use crate::answer::problem::Problem;
use crate::front::Front;

/// What let a request in. Nothing, if nothing was asked of it.
pub(crate) struct LetIn<'a> {
    grants: Option<&'a Grants>,
    key: Option<KeyLife>,
}

impl<'a> LetIn<'a> {
    /// Grants that cover it.
    pub(crate) fn by_grants(front: &Front, grants: &'a Grants) -> Self {
        Self { grants: Some(grants), key: front.keys().life(grants.key) }
    }

    /// Grants that were given before, and the life of the key that they hang on.
    pub(crate) fn held(grants: &'a Grants, key: Option<KeyLife>) -> Self {
        Self { grants: Some(grants), key }
    }

    /// The publish key, where that is what is asked for.
    pub(crate) fn by_publish_key(key: Option<KeyLife>) -> Self {
        Self { grants: None, key }
    }

    /// Refuses what comes after the end of the grants, after their key was taken away, or while an operator keeps the sender out.
    pub(crate) async fn check(&self, front: &Front) -> Result<(), Problem> {
        if self.key.as_ref().is_some_and(KeyLife::is_over) {
            return Err(Problem::invalid_credentials("the key that let this request in was withdrawn"));
        }
        let Some(grants) = self.grants else { return Ok(()) };
        if let Some(until) = grants.until.filter(|until| *until <= front.clock().now()) {
            let detail = format!("the access of this request ended at {}", time(until));
            return Err(Problem::invalid_credentials(&detail));
        }
        front.refuse_outcast(grants).await
    }
}
