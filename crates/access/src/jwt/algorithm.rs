//! The algorithms of signatures, RFC 7518, 3.1, RFC 8037, 3.1, and RFC 9864, 2.2.

use std::fmt;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "these are the names of the standard")]
pub enum Algorithm {
    HS256,
    HS384,
    HS512,
    RS256,
    PS256,
    ES256,
    EdDSA,
}

/// All of them, with their names.
const NAMES: [(Algorithm, &str); 7] = [
    (Algorithm::HS256, "HS256"),
    (Algorithm::HS384, "HS384"),
    (Algorithm::HS512, "HS512"),
    (Algorithm::RS256, "RS256"),
    (Algorithm::PS256, "PS256"),
    (Algorithm::ES256, "ES256"),
    (Algorithm::EdDSA, "EdDSA"),
];

/// The name by which RFC 9864 replaces that of `EdDSA`. All keys of `EdDSA` that are taken are on this curve.
const ED25519: &str = "Ed25519";

/// A text names no algorithm that this hub knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the algorithms are HS256, HS384, HS512, RS256, PS256, ES256 and EdDSA")]
pub struct UnknownAlgorithm;

impl Algorithm {
    /// Its name.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(algorithm, _)| *algorithm == self).map_or("", |(_, name)| name)
    }
}

impl std::str::FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(text: &str) -> Result<Self, UnknownAlgorithm> {
        // To the letter: RFC 7515, 4.1.1.
        let names = NAMES.iter().chain(&[(Self::EdDSA, ED25519)]);
        names
            .into_iter()
            .find(|(_, name)| *name == text)
            .map(|(algorithm, _)| *algorithm)
            .ok_or(UnknownAlgorithm)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Some of them, for a sentence.
pub(super) fn listed(algorithms: &[Algorithm]) -> String {
    algorithms.iter().map(|algorithm| algorithm.name()).collect::<Vec<_>>().join(", ")
}
