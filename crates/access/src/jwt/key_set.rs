//! A set of keys, as an identity provider publishes it: RFC 7517, 5.

use serde::Deserialize;
use serde_json::Value;

use super::algorithm::Algorithm;
use super::key::{Jwk, Key};
use crate::limits::{KEY_SET_BYTES_MAX, KEYS_MAX};

/// The keys of a set that a token can be signed by.
#[derive(Debug, Clone, Default)]
pub struct KeySet(pub(super) Vec<Key>);

/// Why a text is no set of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// Not the JSON of a set.
    #[error("this is no set of keys: it is not JSON with a list `keys`")]
    NotJson,
    /// Longer than it may be.
    #[error("the set of keys has more than {KEY_SET_BYTES_MAX} bytes or {KEYS_MAX} keys")]
    TooLarge,
    /// Without a key that is of use.
    #[error("the set has no public key of RSA, P-256 or Ed25519 that is for signatures")]
    Empty,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

impl KeySet {
    /// Parses a set. Keys in it that are for something else are passed over.
    ///
    /// # Errors
    ///
    /// If it is none, too large, or of no use.
    pub fn parse(json: &[u8]) -> Result<Self, KeySetError> {
        if json.len() > KEY_SET_BYTES_MAX {
            return Err(KeySetError::TooLarge);
        }
        let set: Set = serde_json::from_slice(json).map_err(|_| KeySetError::NotJson)?;
        if set.keys.len() > KEYS_MAX {
            return Err(KeySetError::TooLarge);
        }
        let parsed = set.keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        let keys: Vec<_> = parsed.filter_map(|jwk| Key::of_set(&jwk)).collect();
        if keys.is_empty() { Err(KeySetError::Empty) } else { Ok(Self(keys)) }
    }

    /// The algorithms that its keys are for, each once.
    pub fn algorithms(&self) -> Vec<Algorithm> {
        let mut all: Vec<_> = self.0.iter().flat_map(|key| key.algorithms.iter().copied()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}
