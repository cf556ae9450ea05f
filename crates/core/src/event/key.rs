//! The idempotency key: a publisher's name for one publish, and the credential that the name belongs to.
//!
//! Two publishers may choose the same text. So a key is compared together with the name of the credential that its
//! publisher showed, and the key of one never answers the publish of another.

use crate::event::draft::DraftError;
use crate::limits::{CREDENTIAL_BYTES_MAX, IDEMPOTENCY_KEY_BYTES_MAX};

/// A publisher's name for one act of publishing: 1 to [`IDEMPOTENCY_KEY_BYTES_MAX`] visible ASCII characters, of one
/// credential.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey {
    credential: Box<str>,
    text: Box<str>,
}

/// A key as it arrived. From a `&str`, it is a key of a hub without credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeyFields<'a> {
    /// The name of the credential that the publisher showed; empty if the hub asks for none.
    pub credential: &'a str,
    /// The key's text.
    pub key: &'a str,
}

impl IdempotencyKey {
    /// Parses a key.
    ///
    /// # Errors
    ///
    /// Refuses the empty key, text over the limits, a key that is not visible ASCII, and a credential's name with
    /// control characters.
    pub fn parse(fields: KeyFields<'_>) -> Result<Self, DraftError> {
        let KeyFields { credential, key } = fields;
        let visible = key.bytes().all(|byte| byte.is_ascii_graphic());
        if key.is_empty() || key.len() > IDEMPOTENCY_KEY_BYTES_MAX || !visible {
            return Err(DraftError::Key);
        }
        if credential.len() > CREDENTIAL_BYTES_MAX || credential.chars().any(char::is_control) {
            return Err(DraftError::Credential);
        }
        Ok(Self { credential: credential.into(), text: key.into() })
    }

    /// The key's text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The name of the credential that the key belongs to; empty in a hub that asks for none.
    pub fn credential(&self) -> &str {
        &self.credential
    }

    /// Both texts.
    pub fn fields(&self) -> KeyFields<'_> {
        KeyFields { credential: &self.credential, key: &self.text }
    }

    /// Bytes of both texts.
    pub(crate) fn bytes(&self) -> usize {
        self.credential.len() + self.text.len()
    }
}

impl<'a> From<&'a str> for KeyFields<'a> {
    fn from(key: &'a str) -> Self {
        Self { credential: "", key }
    }
}
