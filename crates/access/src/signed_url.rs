//! URLs that carry their own permission, for what can send no header: a native `EventSource`, a `<script>`, a link.
//!
//! What is signed is a text of lines, without a line end behind the last one:
//!
//! ```text
//! tidings-sign-1
//! GET
//! 1767225600
//! default
//! orders/9
//! users/u1/**
//! ```
//!
//! which are the version, the method, the expiry in seconds since 1970, the name of the key, and the selectors that are asked for,
//! decoded, each once and sorted by their bytes. No selector has a line end in it. The signature is the HMAC-SHA256 (RFC 2104) of
//! this text, in base64url without padding. Where the URL leads, from which place on it reads, and by which transport, is free.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use tidings_core::{Selector, UnixMillis};

use crate::allowed::Allowed;
use crate::credential::Credential;
use crate::grants::Grants;
use crate::key_mark::KeyMark;
use crate::refusal::{Refusal, Shown};
use crate::ticket::TicketKey;

const VERSION: &str = "tidings-sign-1";

/// A key that signs URLs.
#[derive(Clone)]
pub struct SigningKey {
    name: Arc<str>,
    key: hmac::Key,
    tickets: TicketKey,
    mark: KeyMark,
}

/// What a signature covers.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// `GET` to read, which covers `HEAD`, or `POST` to publish.
    pub method: &'a str,
    /// Seconds since 1970.
    pub expires: u64,
    /// What is read or published to, in any order.
    pub selectors: &'a [Selector],
}

impl SigningKey {
    /// A key with its name, which stands in the URL.
    pub fn new(name: &str, key: &[u8]) -> Self {
        Self {
            name: name.into(),
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
            tickets: TicketKey::of(key),
            mark: KeyMark::of("signing", &[name.as_bytes(), key]),
        }
    }

    /// The key of tickets that is made of it, so that all nodes which sign URLs alike take each other's tickets.
    pub fn ticket_key(&self) -> &TicketKey {
        &self.tickets
    }

    /// What tells it from other keys.
    pub fn mark(&self) -> KeyMark {
        self.mark
    }

    /// The signature.
    pub fn sign(&self, signed: &Signed<'_>) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.key, self.text(signed).as_bytes()))
    }

    /// The grants of a URL with this signature.
    ///
    /// # Errors
    ///
    /// If the key has another name, if it did not make the signature, or if that expired: in this order, so that a forger
    /// hears nothing of the rest.
    pub fn grants(
        &self,
        signed: &Signed<'_>,
        key: &str,
        signature: &str,
        now: UnixMillis,
    ) -> Result<Grants, Refusal> {
        if *self.name != *key {
            return Err(Refusal::UnknownSigningKey { name: Shown::new(key) });
        }
        let made = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Refusal::BadSignature)?;
        // In constant time.
        hmac::verify(&self.key, self.text(signed).as_bytes(), &made).map_err(|_| Refusal::BadSignature)?;
        let until = UnixMillis(signed.expires.saturating_mul(1_000));
        if until <= now {
            return Err(Refusal::Expired { what: "the signed URL", seconds: (now.0 - until.0) / 1_000 });
        }
        let selectors = Allowed::new(signed.selectors.iter().cloned());
        let (publish, subscribe) = match signed.method {
            "POST" => (selectors, Allowed::nothing()),
            "GET" | "HEAD" => (Allowed::nothing(), selectors),
            // The path is not signed: one who may take an item away could erase its user by the same signature.
            _ => (Allowed::nothing(), Allowed::nothing()),
        };
        let credential = Some(Credential::Signature((*self.name).into()));
        let (until, key) = (Some(until), Some(self.mark));
        Ok(Grants { publish, subscribe, until, credential, key, ..Grants::default() })
    }

    fn text(&self, signed: &Signed<'_>) -> String {
        let mut selectors: Vec<_> = signed.selectors.iter().map(Selector::as_str).collect();
        selectors.sort_unstable();
        selectors.dedup();
        let method = if signed.method == "HEAD" { "GET" } else { signed.method };
        let mut text = format!("{VERSION}\n{method}\n{}\n{}", signed.expires, self.name);
        for selector in selectors {
            text.push('\n');
            text.push_str(selector);
        }
        text
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_767_222_000_000);

    fn key() -> SigningKey {
        SigningKey::new("default", b"abcdef0123456789abcdef0123456789")
    }

    fn selectors(texts: &[&str]) -> Vec<Selector> {
        texts.iter().map(|text| Selector::parse(text).unwrap()).collect()
    }

    fn grants(signed: &Signed<'_>, signature: &str) -> Result<Grants, Refusal> {
        key().grants(signed, "default", signature, NOW)
    }

    /// Made by Python: `hmac.new(key, text.encode(), 'sha256')`.
    #[test]
    fn other_programs_make_the_same_signature() {
        let selectors = selectors(&["users/u1/**", "orders/9"]);
        let signed = Signed { method: "GET", expires: 1_767_225_600, selectors: &selectors };

        assert_eq!(key().sign(&signed), "LD37u8okv9l-iIjQ55ed2Y1VEGpfOVUe_srBT64aK-c");
    }

    #[test]
    fn a_signature_covers_method_selectors_expiry_and_key_and_nothing_else() {
        let (both, one) = (selectors(&["a", "b/*"]), selectors(&["a"]));
        let signed = Signed { method: "GET", expires: 1_767_225_600, selectors: &both };
        let signature = key().sign(&signed);
        let reordered = selectors(&["b/*", "a", "a"]);

        for same in [signed, Signed { selectors: &reordered, ..signed }, Signed { method: "HEAD", ..signed }]
        {
            let granted = grants(&same, &signature).unwrap();
            assert!(granted.subscribe.covers(&both[0]) && granted.publish.is_nothing());
            assert_eq!(granted.until, Some(UnixMillis(1_767_225_600_000)));
        }
        for other in [
            Signed { method: "POST", ..signed },
            Signed { expires: 1_767_225_601, ..signed },
            Signed { selectors: &one, ..signed },
        ] {
            assert_eq!(grants(&other, &signature), Err(Refusal::BadSignature), "{other:?}");
        }
        for bad in ["", "AAAA", &signature[1..], &format!("{signature}="), &format!("{signature}AA")] {
            assert_eq!(grants(&signed, bad), Err(Refusal::BadSignature), "{bad}");
        }
        let unknown = key().grants(&signed, "other", &signature, NOW);
        assert_eq!(unknown, Err(Refusal::UnknownSigningKey { name: Shown::new("other") }));
    }

    #[test]
    fn an_expired_signature_says_since_when_and_a_forged_one_does_not() {
        let one = selectors(&["a"]);
        let signed = Signed { method: "GET", expires: 1_767_221_988, selectors: &one };

        assert_eq!(
            grants(&signed, &key().sign(&signed)),
            Err(Refusal::Expired { what: "the signed URL", seconds: 12 })
        );
        assert_eq!(grants(&signed, "AAAA"), Err(Refusal::BadSignature));
    }

    #[test]
    fn a_signed_post_lets_publish_and_not_read() {
        let one = selectors(&["a"]);
        let signed = Signed { method: "POST", expires: 1_767_225_600, selectors: &one };
        let granted = grants(&signed, &key().sign(&signed)).unwrap();

        assert!(granted.publish.covers(&one[0]) && granted.subscribe.is_nothing());
    }
}
