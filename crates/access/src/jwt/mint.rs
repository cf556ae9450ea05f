//! Tokens for development and tests.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::EncodingKey;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaKeyPair,
};
use ring::{hmac, signature};
use serde_json::{Map, Value, json};

use super::algorithm::Algorithm;
use super::key::hmac as hmac_of;

/// What signs.
#[derive(Clone)]
pub enum Minting {
    /// A secret, for HS256, HS384 and HS512.
    Secret(Vec<u8>),
    /// A private key in PEM, for the others.
    Pem(Vec<u8>),
}

/// Why no token was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the key is not a private key for {0}, in PEM and not encrypted; EC and Ed25519 keys must be in the form PKCS #8"
)]
pub struct MintError(Algorithm);

/// Makes a token with these claims.
///
/// # Errors
///
/// If the key is not one for the algorithm.
pub fn mint(
    minting: &Minting,
    algorithm: Algorithm,
    kid: Option<&str>,
    claims: &Map<String, Value>,
) -> Result<String, MintError> {
    let mut head = json!({ "alg": algorithm.name(), "typ": "JWT" });
    if let Some(kid) = kid {
        head["kid"] = kid.into();
    }
    let part = |json: String| URL_SAFE_NO_PAD.encode(json);
    let claims = Value::Object(claims.clone());
    let message = format!("{}.{}", part(head.to_string()), part(claims.to_string()));
    let signature = signed(minting, algorithm, message.as_bytes()).ok_or(MintError(algorithm))?;
    Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

fn signed(minting: &Minting, algorithm: Algorithm, message: &[u8]) -> Option<Vec<u8>> {
    let pem = match (minting, hmac_of(algorithm)) {
        (Minting::Secret(secret), Some(hash)) => {
            return Some(hmac::sign(&hmac::Key::new(hash, secret), message).as_ref().to_vec());
        }
        (Minting::Pem(pem), None) => pem,
        _ => return None,
    };
    let random = SystemRandom::new();
    match algorithm {
        Algorithm::ES256 => {
            let der = EncodingKey::from_ec_pem(pem).ok()?;
            let pair =
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_bytes(), &random).ok()?;
            pair.sign(&random, message).ok().map(|signature| signature.as_ref().to_vec())
        }
        Algorithm::EdDSA => {
            let der = EncodingKey::from_ed_pem(pem).ok()?;
            let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.as_bytes()).ok()?;
            Some(pair.sign(message).as_ref().to_vec())
        }
        Algorithm::RS256 => signed_by_rsa(pem, &RSA_PKCS1_SHA256, &random, message),
        Algorithm::PS256 => signed_by_rsa(pem, &RSA_PSS_SHA256, &random, message),
        _ => None,
    }
}

fn signed_by_rsa(
    pem: &[u8],
    encoding: &'static dyn signature::RsaEncoding,
    random: &SystemRandom,
    message: &[u8],
) -> Option<Vec<u8>> {
    let der = EncodingKey::from_rsa_pem(pem).ok()?;
    let pair = RsaKeyPair::from_der(der.as_bytes()).ok()?;
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(encoding, random, message, &mut signature).ok()?;
    Some(signature)
}
