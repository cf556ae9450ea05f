//! Keys that stand in the configuration, each with a name and its own grants.
//!
//! A key is compared by its SHA-256, in constant time. A key is random and long, so nobody finds it by trying: a slow hash such
//! as Argon2 is for passwords that people choose, and would cost each publish some 50 ms.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use subtle::ConstantTimeEq;

use crate::credential::Credential;
use crate::grants::Grants;
use crate::key_mark::KeyMark;

const PREFIX: &str = "sha256:";

/// The SHA-256 of a key, written `sha256:` and 43 characters of base64url.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyHash([u8; 32]);

/// A text is no hash of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a hash of a key is `sha256:` and 43 letters, digits, - and _")]
pub struct KeyHashError;

impl KeyHash {
    /// That of a key.
    pub fn of(key: &[u8]) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, key).as_ref());
        Self(hash)
    }

    /// Whether this is the hash of a key. In constant time.
    pub fn is_of(&self, key: &[u8]) -> bool {
        Self::of(key).0.ct_eq(&self.0).into()
    }
}

impl std::str::FromStr for KeyHash {
    type Err = KeyHashError;

    fn from_str(text: &str) -> Result<Self, KeyHashError> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX).ok_or(KeyHashError)?);
        bytes.ok().and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(KeyHashError)
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash")
    }
}

/// A key with its grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedKey {
    hash: KeyHash,
    grants: Grants,
}

impl NamedKey {
    /// A key that is known by its hash. `grants` are those of its holder; their credential and their key become this one.
    pub fn new(name: &str, hash: KeyHash, grants: Grants) -> Self {
        // Streams hang on what the key lets them read, too: with other grants it is another key for them.
        let mut parts = vec![&hash.0[..]];
        parts.extend(grants.subscribe.iter().map(|selector| selector.as_str().as_bytes()));
        let key = KeyMark::of("named", &parts);
        Self {
            hash,
            grants: Grants { credential: Some(Credential::Key(name.into())), key: Some(key), ..grants },
        }
    }
}

/// All of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamedKeys(Vec<NamedKey>);

impl NamedKeys {
    /// These.
    pub fn new(keys: impl IntoIterator<Item = NamedKey>) -> Self {
        Self(keys.into_iter().collect())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The grants of each.
    pub fn iter(&self) -> impl Iterator<Item = &Grants> {
        self.0.iter().map(|key| &key.grants)
    }

    /// The grants of whom shows this. Takes the same time whichever key it is.
    pub fn grants(&self, shown: &[u8]) -> Option<&Grants> {
        let shown = KeyHash::of(shown);
        let mut found = None;
        for key in &self.0 {
            if bool::from(key.hash.0.ct_eq(&shown.0)) {
                found = Some(&key.grants);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_by_its_hash() {
        let hash = KeyHash::of(b"k-0123456789abcdef0123456789abcdef");
        let text = hash.to_string();

        assert_eq!(text.len(), PREFIX.len() + 43);
        assert_eq!(text.parse(), Ok(hash.clone()));
        assert!(hash.is_of(b"k-0123456789abcdef0123456789abcdef") && !hash.is_of(b"k-0123456789abcdef"));
        for text in ["", "sha256:", "sha256:abc", &text[7..], &format!("{text}="), &format!("{text}AA")] {
            assert_eq!(text.parse::<KeyHash>(), Err(KeyHashError), "{text}");
        }
        assert!(!format!("{hash:?}").contains(&text[7..]));
    }

    #[test]
    fn each_key_has_its_own_grants() {
        let key = |name: &str, key: &str, admin| {
            NamedKey::new(name, KeyHash::of(key.as_bytes()), Grants { admin, ..Grants::default() })
        };
        let keys = NamedKeys::new([key("backend", "k-1", true), key("cron", "k-2", false)]);
        let found = |shown: &str| {
            keys.grants(shown.as_bytes()).map(|grants| (grants.credential.clone().unwrap(), grants.admin))
        };

        assert_eq!(found("k-1"), Some((Credential::Key("backend".into()), true)));
        assert_eq!(found("k-2"), Some((Credential::Key("cron".into()), false)));
        for shown in ["", "k-", "k-3", "k-11", "backend"] {
            assert_eq!(found(shown), None, "{shown}");
        }
    }
}
