//! Tokens of users: what checks them, and what makes them, by a secret that both have.

use serde_json::Value;
use tidings_http::grants::jwt::{Algorithm, Key, Keys, Minting, Rules, Verifier, mint};

/// The secret that signs.
pub(crate) const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

/// Rules that ask for no more than a good signature by HS256, and that the token holds now.
pub(crate) fn rules() -> Rules {
    Rules {
        algorithms: vec![Algorithm::HS256],
        audience: Vec::new(),
        issuer: Vec::new(),
        leeway_ms: 0,
        subscribe: Vec::new(),
        publish: Vec::new(),
    }
}

/// Checks tokens by these rules.
pub(crate) fn verifier(rules: Rules) -> Verifier {
    Verifier::new(Keys::fixed(Key::secret(SECRET).unwrap()), rules)
}

/// A token with these claims.
pub(crate) fn token_of(claims: &Value) -> String {
    let claims = claims.as_object().unwrap();
    mint(&Minting::Secret(SECRET.to_vec()), Algorithm::HS256, None, claims).unwrap()
}
