//! JSON Web Tokens (RFC 7519), signed in the compact form of RFC 7515.
//!
//! The key says which algorithms it is for, never the token: RFC 8725, 3.1. Keys are parsed by `jsonwebtoken`, signatures are
//! checked by `ring`.

mod algorithm;
mod claims;
mod key;
mod key_set;
mod mint;
mod token;
mod verifier;

pub use algorithm::{Algorithm, UnknownAlgorithm};
pub use key::{Key, KeyError};
pub use key_set::{KeySet, KeySetError};
pub use mint::{MintError, Minting, mint};
pub use token::read_unverified;
pub use verifier::{Keys, Rules, Verifier};
