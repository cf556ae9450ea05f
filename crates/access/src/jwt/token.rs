//! A token in its three parts: RFC 7515, 7.1. Nothing in it is believed yet.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::limits::TOKEN_BYTES_MAX;
use crate::object;
use crate::refusal::Refusal;

/// A JSON object.
type Object = Map<String, Value>;

/// Reads the head and the claims of a token whose signature is not checked: to show them to the person who has it, and for nothing
/// else.
///
/// # Errors
///
/// If it is no token.
pub fn read_unverified(token: &str) -> Result<(Object, Object), Refusal> {
    let token = Token::parse(token)?;
    let claims = token.claims()?;
    Ok((token.head, claims))
}

/// A token, taken apart.
pub(super) struct Token<'a> {
    /// What was signed: the first two parts as they stand.
    pub(super) message: &'a [u8],
    pub(super) head: Object,
    /// Parsed when the signature is known to be good.
    payload: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

impl<'a> Token<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, Refusal> {
        if text.len() > TOKEN_BYTES_MAX {
            return Err(Refusal::TooLong { bytes: text.len(), max: TOKEN_BYTES_MAX });
        }
        let parts = || {
            let (head, rest) = text.split_once('.')?;
            let (payload, signature) = rest.split_once('.')?;
            (!signature.contains('.')).then_some((head, payload, signature))
        };
        let (head, payload, signature) =
            parts().ok_or(Refusal::NoToken("it has not three parts with dots between them"))?;
        let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part);
        let not_base64 = |_| Refusal::NoToken("a part of it is not base64url without padding");
        let message = &text.as_bytes()[..head.len() + 1 + payload.len()];
        let head = object::parse(&decoded(head).map_err(not_base64)?)
            .map_err(|_| Refusal::NoToken("its head is no JSON object with each name once"))?;
        // RFC 7515, 4.1.11: what must be understood, and is not, must be refused.
        if head.contains_key("crit") {
            return Err(Refusal::NoToken("its head asks for an extension (crit), and this hub has none"));
        }
        let (payload, signature) =
            (decoded(payload).map_err(not_base64)?, decoded(signature).map_err(not_base64)?);
        Ok(Self { message, head, payload, signature })
    }

    /// A member of the head that is text.
    pub(super) fn head_text(&self, name: &str) -> Result<Option<&str>, Refusal> {
        match self.head.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Refusal::NoToken("`alg`, `kid` or `typ` in its head is no text")),
        }
    }

    /// The claims, which are believed once the signature is good.
    pub(super) fn claims(&self) -> Result<Map<String, Value>, Refusal> {
        object::parse(&self.payload)
            .map_err(|_| Refusal::NoToken("its claims are no JSON object with each name once"))
    }
}
