//! The check of a token.

use std::sync::{Arc, PoisonError, RwLock};

use tidings_core::UnixMillis;

use super::algorithm::{Algorithm, listed};
use super::claims::Claims;
use super::key::Key;
use super::key_set::KeySet;
use super::token::Token;
use crate::grants::Grants;
use crate::key_mark::KeyMark;
use crate::refusal::{Refusal, Shown};
use crate::template::Template;

/// What the configuration says about tokens.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The algorithms that are taken, of those that a key is for.
    pub algorithms: Vec<Algorithm>,
    /// One of these must be in the claim `aud`. Without any, a token may leave the claim out, or name `tidings` in it: what names
    /// others alone is for them.
    pub audience: Vec<String>,
    /// The claim `iss` must be one of these. Without any, it may be anything.
    pub issuer: Vec<String>,
    /// How far the clocks of issuer and hub may differ.
    pub leeway_ms: u64,
    /// What every good token may read beside its own claims.
    pub subscribe: Vec<Template>,
    /// What every good token may publish to beside its own claims.
    pub publish: Vec<Template>,
}

/// The keys of issuers. Cloning shares them, so that what fetches a set can renew them.
#[derive(Debug, Clone)]
pub struct Keys {
    set: Arc<RwLock<Option<Arc<KeySet>>>>,
    /// They are what they are until something else takes their place.
    are_fixed: bool,
}

impl Keys {
    /// One key.
    pub fn fixed(key: Key) -> Self {
        Self::of_set(KeySet(vec![key]))
    }

    /// Those of a set.
    pub fn of_set(set: KeySet) -> Self {
        Self { set: Arc::new(RwLock::new(Some(Arc::new(set)))), are_fixed: true }
    }

    /// Those of a set that has still to be fetched.
    pub fn awaited() -> Self {
        Self { set: Arc::default(), are_fixed: false }
    }

    /// Takes a set in place of the one before.
    pub fn renew(&self, set: KeySet) {
        *self.set.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(set));
    }

    /// Lets go of all keys, as before the first set came.
    pub fn forget(&self) {
        *self.set.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn now(&self) -> Option<Arc<KeySet>> {
        self.set.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Checks tokens.
#[derive(Debug, Clone)]
pub struct Verifier {
    keys: Keys,
    rules: Rules,
}

impl Verifier {
    /// By these keys and rules.
    pub fn new(keys: Keys, rules: Rules) -> Self {
        Self { keys, rules }
    }

    /// The grants of a token at this time.
    ///
    /// # Errors
    ///
    /// With the first reason why it gives none. Signature and key come before all claims, so a forger hears nothing of the
    /// rules.
    pub fn grants(&self, token: &str, now: UnixMillis) -> Result<Grants, Refusal> {
        let token = Token::parse(token)?;
        let alg = token.head_text("alg")?.ok_or(Refusal::NoToken("its head has no `alg`"))?;
        let algorithm = alg.parse().ok().filter(|algorithm| self.rules.algorithms.contains(algorithm));
        let wrong =
            || Refusal::WrongAlgorithm { alg: Shown::new(alg), taken: listed(&self.rules.algorithms) };
        let algorithm: Algorithm = algorithm.ok_or_else(wrong)?;
        check_kind(token.head_text("typ")?)?;
        let kid = token.head_text("kid")?;
        let keys = self.keys.now().ok_or(Refusal::NoKeys)?;
        let key = chosen(&keys.0, kid, algorithm)?;
        if !key.algorithms.contains(&algorithm) {
            return Err(wrong());
        }
        if !key.has_signed(algorithm, token.message, &token.signature) {
            return Err(Refusal::BadSignature);
        }
        let granted = Claims(&token.claims()?).grants(&self.rules, now)?;
        Ok(Grants { key: self.keys.are_fixed.then_some(key.mark), ..granted })
    }

    /// The keys that tokens hang on. None of those that are fetched: an issuer exchanges its keys as it likes, and what they have signed
    /// ends by itself.
    pub fn marks(&self) -> Vec<KeyMark> {
        let set = self.keys.now().filter(|_| self.keys.are_fixed);
        set.iter().flat_map(|set| set.0.iter().map(|key| key.mark)).collect()
    }
}

/// Whether a token is one that lets its bearer in. An issuer signs other kinds by the same key, such as one that signs a user out, and
/// they say in their head what they are: RFC 8725, 3.11. RFC 7515, 4.1.9, has the form of the name.
fn check_kind(typ: Option<&str>) -> Result<(), Refusal> {
    let Some(typ) = typ else { return Ok(()) };
    let lower = typ.to_ascii_lowercase();
    match lower.strip_prefix("application/").unwrap_or(&lower) {
        // RFC 7519, 5.1, and RFC 9068, 2.1.
        "jwt" | "at+jwt" => Ok(()),
        _ => Err(Refusal::WrongKind { typ: Shown::new(typ) }),
    }
}

/// The key that a token names. One key alone need not be named; if it has a name, and the token another, it is not the one.
fn chosen<'k>(keys: &'k [Key], kid: Option<&str>, algorithm: Algorithm) -> Result<&'k Key, Refusal> {
    let unknown = |kid: &str| Refusal::UnknownKid { kid: Shown::new(kid) };
    match (keys, kid) {
        ([key], None) => Ok(key),
        (_, None) => Err(Refusal::NoKid),
        ([key], Some(_)) if key.kid.is_none() => Ok(key),
        (keys, Some(kid)) => {
            let mut named = keys.iter().filter(|key| key.kid.as_deref() == Some(kid));
            let first = named.clone().next().ok_or_else(|| unknown(kid))?;
            // RFC 7517, 4.5: keys of different kinds may have one name.
            Ok(named.find(|key| key.algorithms.contains(&algorithm)).unwrap_or(first))
        }
    }
}

#[cfg(test)]
mod tests;
