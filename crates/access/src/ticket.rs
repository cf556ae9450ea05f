//! Tickets: grants for one use within a moment, for what can show nothing but a URL.
//!
//! A ticket holds its grants, signed by a key of the hub, so that it costs no memory until it is used, and is good on every node
//! that has the key. That it is used once is for the hub to see to: the ticket has an id for that.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde::{Deserialize, Serialize};
use tidings_core::{Selector, UnixMillis};

use crate::allowed::Allowed;
use crate::credential::Credential;
use crate::grants::Grants;
use crate::key_mark::KeyMark;
use crate::refusal::Refusal;

/// Tells tickets from everything else that a key of the hub signs.
const PURPOSE: &[u8] = b"tidings-ticket-1";

const MAC_BYTES: usize = 32;

/// The key that signs tickets.
#[derive(Clone)]
pub struct TicketKey(hmac::Key);

/// A ticket that is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Its name, by which it is known that it was used.
    pub id: Arc<str>,
    /// What it lets its bearer do.
    pub grants: Grants,
    /// The first moment in which it can no longer be used. What it has begun goes on.
    pub expires: UnixMillis,
}

/// A ticket as it is written.
#[derive(Serialize, Deserialize)]
struct Written<'a> {
    id: &'a str,
    expires: u64,
    subscribe: Vec<String>,
    publish: Vec<String>,
    user: Option<String>,
    admin: bool,
    until: Option<u64>,
    token_id: Option<String>,
    credential: Option<Credential>,
    info: Option<String>,
    /// Without it in tickets of older versions.
    #[serde(default)]
    key: Option<KeyMark>,
}

impl TicketKey {
    /// A key made of a secret that may be used for other things as well.
    pub fn of(secret: &[u8]) -> Self {
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), PURPOSE);
        Self(hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()))
    }

    /// Writes a ticket, in letters, digits, `-` and `_`.
    pub fn write(&self, ticket: &Ticket) -> String {
        let Ticket { id, grants, expires } = ticket;
        let texts = |allowed: &Allowed| allowed.iter().map(|selector| selector.as_str().to_owned()).collect();
        let text = |text: &Option<Arc<str>>| text.as_deref().map(str::to_owned);
        let written = Written {
            id,
            expires: expires.0,
            subscribe: texts(&grants.subscribe),
            publish: texts(&grants.publish),
            user: text(&grants.user),
            admin: grants.admin,
            until: grants.until.map(|until| until.0),
            token_id: text(&grants.token_id),
            credential: grants.credential.clone(),
            info: text(&grants.info),
            key: grants.key,
        };
        // Nothing in it can fail to be written.
        let json = serde_json::to_vec(&written).unwrap_or_default();
        let mut bytes = hmac::sign(&self.0, &json).as_ref().to_vec();
        bytes.extend_from_slice(&json);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a ticket that may still be used.
    ///
    /// # Errors
    ///
    /// If the key has not signed it, or it has expired.
    pub fn read(&self, text: &str, now: UnixMillis) -> Result<Ticket, Refusal> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Refusal::UnknownTicket)?;
        let (mac, json) = bytes.split_at_checked(MAC_BYTES).ok_or(Refusal::UnknownTicket)?;
        // In constant time.
        hmac::verify(&self.0, json, mac).map_err(|_| Refusal::UnknownTicket)?;
        let written: Written<'_> = serde_json::from_slice(json).map_err(|_| Refusal::UnknownTicket)?;
        let expires = UnixMillis(written.expires);
        if expires <= now {
            return Err(Refusal::Expired { what: "the ticket", seconds: (now.0 - expires.0) / 1_000 });
        }
        let allowed = |texts: &[String]| {
            let selectors: Result<Vec<_>, _> = texts.iter().map(|text| Selector::parse(text)).collect();
            selectors.map(Allowed::new).map_err(|_| Refusal::UnknownTicket)
        };
        let text = |text: Option<String>| text.map(Arc::from);
        let grants = Grants {
            subscribe: allowed(&written.subscribe)?,
            publish: allowed(&written.publish)?,
            user: text(written.user),
            admin: written.admin,
            until: written.until.map(UnixMillis),
            token_id: text(written.token_id),
            credential: written.credential,
            info: text(written.info),
            key: written.key,
        };
        Ok(Ticket { id: written.id.into(), grants, expires })
    }
}

impl fmt::Debug for TicketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket() -> Ticket {
        let grants = Grants {
            subscribe: Allowed::new(["orders/*", "users/%2F/**"].map(|text| Selector::parse(text).unwrap())),
            publish: Allowed::new([Selector::parse("orders/9").unwrap()]),
            user: Some("J\u{fc}rgen \"x\"".into()),
            admin: true,
            until: Some(UnixMillis(5_000)),
            token_id: Some("t1".into()),
            credential: Some(Credential::User("u1".into())),
            info: Some("{\"a\":1}".into()),
            key: Some(KeyMark::of("named", &[b"k"])),
        };
        Ticket { id: "abc".into(), grants, expires: UnixMillis(2_000) }
    }

    #[test]
    fn a_ticket_says_what_was_written_until_it_expires() {
        let key = TicketKey::of(b"secret");
        let text = key.write(&ticket());

        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
        assert_eq!(key.read(&text, UnixMillis(1_999)), Ok(ticket()));
        assert_eq!(
            key.read(&text, UnixMillis(2_000)),
            Err(Refusal::Expired { what: "the ticket", seconds: 0 })
        );
    }

    #[test]
    fn nobody_else_writes_a_ticket_or_changes_one() {
        let key = TicketKey::of(b"secret");
        let text = key.write(&ticket());

        for at in 0..text.len() {
            let other = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
            let mut changed = text.clone();
            changed.replace_range(at..=at, other);
            assert_eq!(key.read(&changed, UnixMillis(0)), Err(Refusal::UnknownTicket), "{at}");
        }
        for text in ["", "A", &text[..43], &format!("{text}="), &TicketKey::of(b"other").write(&ticket())] {
            assert_eq!(key.read(text, UnixMillis(0)), Err(Refusal::UnknownTicket), "{text}");
        }
        // The key of URLs signs no tickets.
        let signed = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"secret"), b"{}");
        let text = URL_SAFE_NO_PAD.encode([signed.as_ref(), b"{}"].concat());
        assert_eq!(key.read(&text, UnixMillis(0)), Err(Refusal::UnknownTicket));
    }
}
