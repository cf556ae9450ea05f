//! All that a hub takes as a proof of who asks, and the grants that each proof gives.

use std::collections::BTreeSet;

use tidings_core::UnixMillis;

use crate::grants::Grants;
use crate::jwt::Verifier;
use crate::key_mark::KeyMark;
use crate::named_key::NamedKeys;
use crate::refusal::Refusal;
use crate::signed_url::{Signed, SigningKey};

/// What a request shows.
#[derive(Debug, Clone, Copy)]
pub enum Proof<'a> {
    /// Nothing.
    Nothing,
    /// `Authorization: Bearer`: a named key, or a token.
    Bearer(&'a str),
    /// A token where only tokens are taken: in a cookie, or in the URL.
    Token(&'a str),
    /// The signature of its URL.
    Signature {
        /// What the signature must cover.
        signed: Signed<'a>,
        /// The name of the key.
        key: &'a str,
        /// The signature itself.
        signature: &'a str,
    },
}

/// What a hub is told about who may do what. Without any of it, nothing is allowed.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// What everybody may do, beside what a proof gives. Only the selectors of these grants count.
    pub anonymous: Grants,
    /// Keys with a name.
    pub keys: NamedKeys,
    /// What checks tokens, if any are taken.
    pub tokens: Option<Verifier>,
    /// What checks signed URLs, if any are taken.
    pub signing: Option<SigningKey>,
}

impl Access {
    /// What everybody may do.
    pub fn of_everybody(&self) -> Grants {
        Grants::default().beside(&self.anonymous)
    }

    /// The grants of a request that shows this, with those of everybody.
    ///
    /// # Errors
    ///
    /// With the reason why the proof gives none. A request that shows something bad is refused also where everybody is
    /// allowed what it asks for, unless the caller knows that it was sent without being meant, as a cookie is.
    pub fn grants(&self, proof: Proof<'_>, now: UnixMillis) -> Result<Grants, Refusal> {
        let own = match proof {
            Proof::Nothing => return Ok(self.of_everybody()),
            Proof::Bearer(shown) => match self.keys.grants(shown.as_bytes()) {
                Some(grants) => grants.clone(),
                // A token has two dots, and no key that this program makes has any.
                None if shown.bytes().filter(|byte| *byte == b'.').count() < 2 => {
                    return Err(Refusal::UnknownKey);
                }
                None => self.of_token(shown, now)?,
            },
            Proof::Token(token) => self.of_token(token, now)?,
            Proof::Signature { signed, key, signature } => self
                .signing
                .as_ref()
                .ok_or(Refusal::NotTaken("signed URLs"))?
                .grants(&signed, key, signature, now)?,
        };
        Ok(own.beside(&self.anonymous))
    }

    /// The keys that streams hang on, of all that let streams in.
    pub fn marks(&self) -> BTreeSet<KeyMark> {
        let named = self.keys.iter().filter_map(|grants| grants.key);
        let tokens = self.tokens.iter().flat_map(Verifier::marks);
        named.chain(tokens).chain(self.signing.as_ref().map(SigningKey::mark)).collect()
    }

    fn of_token(&self, token: &str, now: UnixMillis) -> Result<Grants, Refusal> {
        self.tokens.as_ref().ok_or(Refusal::NotTaken("tokens"))?.grants(token, now)
    }
}

#[cfg(test)]
mod tests {
    use tidings_core::Selector;

    use super::*;
    use crate::allowed::Allowed;
    use crate::credential::Credential;
    use crate::named_key::{KeyHash, NamedKey};

    const NOW: UnixMillis = UnixMillis(1_000_000);

    fn allowed(text: &str) -> Allowed {
        Allowed::new([Selector::parse(text).unwrap()])
    }

    fn covers(allowed: &Allowed, text: &str) -> bool {
        allowed.covers(&Selector::parse(text).unwrap())
    }

    #[test]
    fn without_anything_nothing_is_allowed_and_nothing_is_taken() {
        let access = Access::default();
        let grants = access.grants(Proof::Nothing, NOW).unwrap();
        let signed = Signed { method: "GET", expires: 2_000, selectors: &[] };

        assert!(grants.publish.is_nothing() && grants.subscribe.is_nothing() && !grants.admin);
        for (proof, refusal) in [
            (Proof::Bearer("k-1"), Refusal::UnknownKey),
            (Proof::Bearer(""), Refusal::UnknownKey),
            (Proof::Bearer("a.b.c"), Refusal::NotTaken("tokens")),
            (Proof::Token("k-1"), Refusal::NotTaken("tokens")),
            (Proof::Signature { signed, key: "default", signature: "" }, Refusal::NotTaken("signed URLs")),
        ] {
            assert_eq!(access.grants(proof, NOW), Err(refusal), "{proof:?}");
        }
    }

    #[test]
    fn everybody_has_the_anonymous_selectors_beside_their_own_and_nothing_else_of_it() {
        let own = Grants { subscribe: allowed("orders/*"), ..Grants::default() };
        let everybody = Grants { subscribe: allowed("public/**"), admin: true, ..Grants::default() };
        let access = Access {
            anonymous: everybody,
            keys: NamedKeys::new([NamedKey::new("backend", KeyHash::of(b"k-1"), own)]),
            ..Access::default()
        };

        let shown = access.grants(Proof::Bearer("k-1"), NOW).unwrap();
        assert!(covers(&shown.subscribe, "orders/9") && covers(&shown.subscribe, "public/a"));
        assert!(!shown.admin && shown.credential == Some(Credential::Key("backend".into())));
        let nobody = access.grants(Proof::Nothing, NOW).unwrap();
        assert!(!covers(&nobody.subscribe, "orders/9") && covers(&nobody.subscribe, "public/a"));
        assert!(!nobody.admin && nobody.credential.is_none());
        // A key is no token, wherever tokens are shown.
        assert_eq!(access.grants(Proof::Token("k-1"), NOW), Err(Refusal::NotTaken("tokens")));
    }
}
