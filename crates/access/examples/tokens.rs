//! What the check of a token costs, by algorithm: `cargo run --release -p tidings-access --example tokens`.
//!
//! Each token has a user, an audience, an expiry and two selectors, as one of an application has. A named key is there to
//! compare with. Keys of RSA are made by the command `openssl`.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a benchmark for people")]

use std::hint::black_box;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};
use tidings_access::jwt::{Algorithm, Key, Keys, Minting, Rules, Verifier, mint};
use tidings_access::{Access, Grants, KeyHash, NamedKey, NamedKeys, Proof};
use tidings_core::UnixMillis;

const ROUNDS: u32 = 20_000;
const NOW: UnixMillis = UnixMillis(1_767_222_000_000);

/// What stands before the bytes of a public key in DER, RFC 8410 and RFC 5480.
const ED25519_PREFIX: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const P256_PREFIX: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

fn pem(label: &str, der: &[u8]) -> Vec<u8> {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der)).into_bytes()
}

/// What signs, and what checks.
fn keys(algorithm: Algorithm) -> (Minting, Key) {
    let random = SystemRandom::new();
    let (private, public) = match algorithm {
        Algorithm::ES256 => {
            let made =
                EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, made.as_ref(), &random)
                .expect("a key");
            (made.as_ref().to_vec(), [P256_PREFIX, pair.public_key().as_ref()].concat())
        }
        Algorithm::EdDSA => {
            let made = Ed25519KeyPair::generate_pkcs8(&random).expect("a key");
            let pair = Ed25519KeyPair::from_pkcs8(made.as_ref()).expect("a key");
            (made.as_ref().to_vec(), [ED25519_PREFIX, pair.public_key().as_ref()].concat())
        }
        Algorithm::RS256 | Algorithm::PS256 => {
            let private = openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048", &[]);
            let public = openssl("pkey -pubout", &private);
            return (Minting::Pem(private), Key::pem(&public).expect("a public key"));
        }
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => {
            let secret = b"0123456789abcdef0123456789abcdef".to_vec();
            return (Minting::Secret(secret.clone()), Key::secret(&secret).expect("it is long"));
        }
    };
    let key = Key::pem(&pem("PUBLIC KEY", &public)).expect("a public key");
    (Minting::Pem(pem("PRIVATE KEY", &private)), key)
}

/// What the command writes.
fn openssl(arguments: &str, input: &[u8]) -> Vec<u8> {
    let mut command = Command::new("openssl");
    command.args(arguments.split(' ')).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut running = command.spawn().expect("openssl is installed");
    running.stdin.take().expect("it is piped").write_all(input).expect("openssl reads its input");
    let output = running.wait_with_output().expect("openssl ends");
    assert!(output.status.success(), "openssl {arguments} failed");
    output.stdout
}

fn claims() -> Value {
    json!({"sub": "u1", "aud": "tidings", "exp": NOW.0 / 1_000 + 600, "tidings": {"subscribe": ["orders/*"], "publish": ["orders/9"]}})
}

fn access(key: Key, algorithm: Algorithm) -> Access {
    let rules = Rules {
        algorithms: vec![algorithm],
        audience: vec!["tidings".to_owned()],
        issuer: Vec::new(),
        leeway_ms: 2_000,
        subscribe: Vec::new(),
        publish: Vec::new(),
    };
    Access { tokens: Some(Verifier::new(Keys::fixed(key), rules)), ..Access::default() }
}

/// Microseconds of one check.
fn cost(access: &Access, proof: Proof<'_>) -> f64 {
    let begun = Instant::now();
    for _ in 0..ROUNDS {
        black_box(access.grants(black_box(proof), NOW).expect("it is good"));
    }
    begun.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS)
}

fn main() {
    println!("| what is shown | microseconds of one check |\n|---|---:|");
    let key = "k-0123456789abcdef0123456789abcdef";
    let named = NamedKeys::new([NamedKey::new("backend", KeyHash::of(key.as_bytes()), Grants::default())]);
    let access_by_key = Access { keys: named, ..Access::default() };
    println!("| a named key | {:.1} |", cost(&access_by_key, Proof::Bearer(key)));
    for algorithm in [
        Algorithm::HS256,
        Algorithm::HS512,
        Algorithm::RS256,
        Algorithm::PS256,
        Algorithm::ES256,
        Algorithm::EdDSA,
    ] {
        let (minting, key) = keys(algorithm);
        report(&minting, key, algorithm);
    }
}

fn report(minting: &Minting, key: Key, algorithm: Algorithm) {
    let claims = claims();
    let claims = claims.as_object().expect("an object");
    let token = mint(minting, algorithm, None, claims).expect("a token");
    println!("| a token, {algorithm} | {:.1} |", cost(&access(key, algorithm), Proof::Token(&token)));
}
