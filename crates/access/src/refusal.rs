//! Why something that was shown gives no grants.
//!
//! The words tell an honest client what to do. They tell a forger nothing that the forger has not sent: neither which keys there
//! are, nor how near a signature came.

use std::fmt;

use crate::limits::SHOWN_CHARS_MAX;

/// Why a key, a token or a signature gives no grants.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// No key of the configuration, and no token either.
    #[error("this is no key of this hub")]
    UnknownKey,
    /// Nothing of this kind is taken.
    #[error("this hub takes no {0}")]
    NotTaken(&'static str),
    /// It is no JSON Web Token.
    #[error("this is no JSON Web Token: {0}")]
    NoToken(&'static str),
    /// Longer than [`TOKEN_BYTES_MAX`](crate::limits::TOKEN_BYTES_MAX).
    #[error("the token has {bytes} bytes, and may have {max}")]
    TooLong {
        /// Its bytes.
        bytes: usize,
        /// What it may have.
        max: usize,
    },
    /// Its algorithm is not one that its key is for.
    #[error("the token is signed by the algorithm {alg}, and this hub takes {taken}")]
    WrongAlgorithm {
        /// What its head says.
        alg: Shown,
        /// Those of the configuration.
        taken: String,
    },
    /// It is a token for something else than to be let in.
    #[error("the token is of another kind: the typ in its head is {typ}, and this hub takes JWT and at+jwt")]
    WrongKind {
        /// What its head says.
        typ: Shown,
    },
    /// No key of the hub has this name.
    #[error("the token is signed by an unknown key (kid {kid})")]
    UnknownKid {
        /// What its head says.
        kid: Shown,
    },
    /// No key that signs URLs has this name.
    #[error("the URL is signed by an unknown key (key {name})")]
    UnknownSigningKey {
        /// What the URL says.
        name: Shown,
    },
    /// The token names no key, and the hub has several.
    #[error("the token does not say which key has signed it (kid), and this hub has several")]
    NoKid,
    /// The keys could not be fetched yet.
    #[error("the keys of the issuer cannot be read at the moment; try again")]
    NoKeys,
    /// It was not signed by the key.
    #[error("the signature is not that of the key")]
    BadSignature,
    /// It is no ticket of this hub.
    #[error("this is no ticket of this hub")]
    UnknownTicket,
    /// A ticket that has been used.
    #[error("the ticket was used already; get another one for each request")]
    UsedTicket,
    /// Over.
    #[error("{what} expired {} ago", Span(*seconds))]
    Expired {
        /// What: the token, the ticket or the signed URL.
        what: &'static str,
        /// How long ago.
        seconds: u64,
    },
    /// Not yet.
    #[error("the token begins to hold in {}; perhaps a clock is wrong", Span(*seconds))]
    NotYet {
        /// In how many.
        seconds: u64,
    },
    /// A claim that must be there is not.
    #[error("the token has no claim `{0}`")]
    NoClaim(&'static str),
    /// A claim has not the form that it must have.
    #[error("the claim `{claim}` of the token {must}")]
    BadClaim {
        /// Which.
        claim: &'static str,
        /// What it must be.
        must: &'static str,
    },
    /// For somebody else.
    #[error("the token is not for this hub: its `{claim}` is {found}, and {expected} is expected")]
    WrongClaim {
        /// `aud` or `iss`.
        claim: &'static str,
        /// What it has.
        found: Shown,
        /// What the configuration asks for.
        expected: String,
    },
    /// A selector that it grants is none.
    #[error("the token grants {selector}, which is no topic and no pattern: {why}")]
    BadSelector {
        /// The text.
        selector: Shown,
        /// Why.
        why: String,
    },
    /// More selectors than [`TOKEN_SELECTORS_MAX`](crate::limits::TOKEN_SELECTORS_MAX).
    #[error("the token grants {count} selectors, and may grant {max}; use patterns")]
    TooManySelectors {
        /// How many.
        count: usize,
        /// How many it may grant.
        max: usize,
    },
}

/// A text that came from outside, bounded and escaped, for a sentence.
#[derive(Clone, PartialEq, Eq)]
pub struct Shown(String);

impl Shown {
    /// Of a text.
    pub fn new(text: &str) -> Self {
        let mut shown: String = text.chars().take(SHOWN_CHARS_MAX).collect();
        if shown.len() < text.len() {
            shown.push('\u{2026}');
        }
        Self(shown)
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// A time in words: seconds, or the next larger unit once there are two of it.
struct Span(u64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            seconds @ 0..120 => write!(f, "{seconds} s"),
            seconds @ 120..7_200 => write!(f, "{} min", seconds / 60),
            seconds @ 7_200..172_800 => write!(f, "{} h", seconds / 3_600),
            seconds => write!(f, "{} days", seconds / 86_400),
        }
    }
}
