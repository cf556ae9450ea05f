//! A key that checks signatures.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use ring::hmac;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};
use serde::Deserialize;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::RSAPublicKey;

use super::algorithm::Algorithm;
use crate::key_mark::KeyMark;
use crate::limits::{RSA_BITS_MAX, RSA_BITS_MIN, SECRET_BYTES_MIN};

/// How a public key begins in PEM.
const BEGINNINGS: [&str; 2] = ["-----BEGIN PUBLIC KEY-----", "-----BEGIN RSA PUBLIC KEY-----"];

/// What a key of RSA is for.
const RSA: [Algorithm; 2] = [Algorithm::RS256, Algorithm::PS256];

/// A key of a set as it stands there. What else it has is for others.
#[derive(Deserialize)]
pub(super) struct Jwk {
    kty: String,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

/// A key, with the algorithms that it is for.
#[derive(Clone)]
pub struct Key {
    /// Its name in its set.
    pub(super) kid: Option<String>,
    pub(super) algorithms: Vec<Algorithm>,
    material: Material,
    pub(super) mark: KeyMark,
}

#[derive(Clone)]
enum Material {
    Secret(Vec<u8>),
    /// As `ring` takes it: a point of a curve, or `RSAPublicKey` of RFC 8017.
    Public(Vec<u8>),
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
}

/// Why something is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A short secret is found by trying: a token is all that it takes.
    #[error(
        "the secret has {bytes} bytes, and needs {SECRET_BYTES_MIN} or more, or it can be found by trying"
    )]
    ShortSecret {
        /// Its bytes.
        bytes: usize,
    },
    /// The key that signs.
    #[error(
        "this is a private key; the hub needs the public one, and the private one should stay where tokens are made"
    )]
    Private,
    /// Not a PEM of a key.
    #[error("this is no public key in PEM: RSA, P-256 and Ed25519 are taken")]
    NotPem,
    /// Two keys in one text, of which one alone would be used.
    #[error("there are {0} public keys in it; put several keys into a set in JSON (JWKS)")]
    Several(usize),
    /// A short key of RSA, whose private part can be found.
    #[error("this key of RSA has {bits} bits, and needs {RSA_BITS_MIN} to {RSA_BITS_MAX}")]
    RsaSize {
        /// Its bits.
        bits: usize,
    },
    /// A key of another kind.
    #[error("this key is {0}, which is not taken")]
    Unsupported(&'static str),
}

impl Key {
    /// A secret that makers of tokens share with the hub, for HS256, HS384 and HS512.
    ///
    /// # Errors
    ///
    /// If it is short.
    pub fn secret(secret: &[u8]) -> Result<Self, KeyError> {
        if secret.len() < SECRET_BYTES_MIN {
            return Err(KeyError::ShortSecret { bytes: secret.len() });
        }
        let algorithms = vec![Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
        Ok(Self::new(None, algorithms, Material::Secret(secret.to_vec())))
    }

    /// A public key in PEM, of RSA, P-256 or Ed25519.
    ///
    /// # Errors
    ///
    /// If it is none, or private.
    pub fn pem(pem: &[u8]) -> Result<Self, KeyError> {
        if String::from_utf8_lossy(pem).contains("PRIVATE KEY-----") {
            return Err(KeyError::Private);
        }
        let text = String::from_utf8_lossy(pem);
        let several = BEGINNINGS.iter().map(|begin| text.matches(begin).count()).sum();
        if several > 1 {
            return Err(KeyError::Several(several));
        }
        if let Ok(key) = DecodingKey::from_rsa_pem(pem) {
            let der = key.try_get_as_bytes().map_err(|_| KeyError::NotPem)?;
            let (_, rsa) = RSAPublicKey::from_der(der).map_err(|_| KeyError::NotPem)?;
            check_bits(without_zeros(rsa.modulus))?;
            return Self::public(RSA.to_vec(), &key);
        }
        if let Ok(key) = DecodingKey::from_ec_pem(pem) {
            return match key.try_get_as_bytes().map(<[u8]>::len) {
                Ok(65) => Self::public(vec![Algorithm::ES256], &key),
                _ => Err(KeyError::Unsupported("on another curve than P-256")),
            };
        }
        match DecodingKey::from_ed_pem(pem) {
            Ok(key) => Self::public(vec![Algorithm::EdDSA], &key),
            Err(_) => Err(KeyError::NotPem),
        }
    }

    /// A key of a set, RFC 7517. None if it is not for signatures, of a kind that is not taken, or secret: a set is public.
    pub(super) fn of_set(jwk: &Jwk) -> Option<Self> {
        if jwk.purpose.as_deref().is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        // RFC 7517, 4.3: what a key is for, in another way than by `use`.
        if jwk
            .key_ops
            .as_ref()
            .is_some_and(|operations| !operations.iter().any(|operation| operation == "verify"))
        {
            return None;
        }
        let (algorithms, material) = match (&*jwk.kty, jwk.crv.as_deref()) {
            ("RSA", None) => {
                // RFC 7518, 6.3.1.1: some libraries put a zero before a number, which `ring` does not take.
                let number = |member| bytes(member).map(|bytes| without_zeros(&bytes).to_vec());
                let (n, e) = (number(&jwk.n)?, number(&jwk.e)?);
                check_bits(&n).ok()?;
                (RSA.to_vec(), Material::Rsa { n, e })
            }
            ("EC", Some("P-256")) => {
                let (x, y) = (bytes(&jwk.x)?, bytes(&jwk.y)?);
                // SEC 1, 2.3.3: an uncompressed point begins with 4, and both numbers have their whole length.
                let is_point = x.len() == 32 && y.len() == 32;
                (vec![Algorithm::ES256], Material::Public(is_point.then(|| [&[4][..], &x, &y].concat())?))
            }
            ("OKP", Some("Ed25519")) => (vec![Algorithm::EdDSA], Material::Public(bytes(&jwk.x)?)),
            _ => return None,
        };
        let is_named =
            |algorithm: &Algorithm| jwk.alg.as_deref().is_none_or(|alg| alg.parse() == Ok(*algorithm));
        let algorithms: Vec<_> = algorithms.into_iter().filter(is_named).collect();
        (!algorithms.is_empty()).then(|| Self::new(jwk.kid.clone(), algorithms, material))
    }

    fn public(algorithms: Vec<Algorithm>, key: &DecodingKey) -> Result<Self, KeyError> {
        let bytes = key.try_get_as_bytes().map_err(|_| KeyError::NotPem)?;
        Ok(Self::new(None, algorithms, Material::Public(bytes.to_vec())))
    }

    /// Its mark is that of what checks signatures alone: a key that gets another name is still the same.
    fn new(kid: Option<String>, algorithms: Vec<Algorithm>, material: Material) -> Self {
        let mark = match &material {
            Material::Secret(bytes) => KeyMark::of("secret", &[bytes]),
            Material::Public(bytes) => KeyMark::of("public", &[bytes]),
            Material::Rsa { n, e } => KeyMark::of("rsa", &[n, e]),
        };
        Self { kid, algorithms, material, mark }
    }

    /// The algorithms that it is for.
    pub fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }

    /// Whether it made a signature of a message. The algorithm must be one of its own.
    pub(super) fn has_signed(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        if !self.algorithms.contains(&algorithm) {
            return false;
        }
        match &self.material {
            Material::Secret(secret) => hmac(algorithm)
                .is_some_and(|hash| hmac::verify(&hmac::Key::new(hash, secret), message, signature).is_ok()),
            Material::Public(bytes) => {
                let Some(check) = public_algorithm(algorithm) else { return false };
                UnparsedPublicKey::new(check, bytes).verify(message, signature).is_ok()
            }
            Material::Rsa { n, e } => {
                let parameters = match algorithm {
                    Algorithm::RS256 => &signature::RSA_PKCS1_2048_8192_SHA256,
                    Algorithm::PS256 => &signature::RSA_PSS_2048_8192_SHA256,
                    _ => return false,
                };
                RsaPublicKeyComponents { n, e }.verify(parameters, message, signature).is_ok()
            }
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("kid", &self.kid)
            .field("algorithms", &self.algorithms)
            .finish_non_exhaustive()
    }
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

/// Refuses a key of RSA by the size of its modulus, which begins with another byte than zero.
fn check_bits(modulus: &[u8]) -> Result<(), KeyError> {
    let zeros = modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
    let bits = modulus.len() * 8 - zeros;
    if (RSA_BITS_MIN..=RSA_BITS_MAX).contains(&bits) { Ok(()) } else { Err(KeyError::RsaSize { bits }) }
}

/// A number or a point of a JWK.
fn bytes(member: &Option<String>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(member.as_ref()?).ok()
}

/// The hash of a symmetric algorithm.
pub(super) fn hmac(algorithm: Algorithm) -> Option<hmac::Algorithm> {
    match algorithm {
        Algorithm::HS256 => Some(hmac::HMAC_SHA256),
        Algorithm::HS384 => Some(hmac::HMAC_SHA384),
        Algorithm::HS512 => Some(hmac::HMAC_SHA512),
        _ => None,
    }
}

fn public_algorithm(algorithm: Algorithm) -> Option<&'static dyn VerificationAlgorithm> {
    match algorithm {
        Algorithm::RS256 => Some(&signature::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::PS256 => Some(&signature::RSA_PSS_2048_8192_SHA256),
        Algorithm::ES256 => Some(&signature::ECDSA_P256_SHA256_FIXED),
        Algorithm::EdDSA => Some(&signature::ED25519),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
