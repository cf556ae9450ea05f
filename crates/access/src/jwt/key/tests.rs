use serde_json::{Value, json};

use super::*;

/// Made by Python's `cryptography`, as is the signature of `a.b` by the second one.
const RSA_1024: &str = "-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDrVX1a6y0Ck96urQxO2IwhoV73
BQD7mGVTTXtNxcMdVeKCDs0yOARu8Y036lW2EqbMuJlEGEU1/jaE1/57oLGce8aK
WZ105O6t5ST1+a8YuCDFE329Jj1MFd8Bpvb8uAkteVVTWOBFyaLOFISiLoLaQH+S
KOA/UkHKX/ZD752OCwIDAQAB
-----END PUBLIC KEY-----
";
const RSA_2048: &str = "-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEApRKRMk9Uq4Gx1pibEJD8
m7o0cdjMg9hL91ywDqvwIUIdK1GkNwmsGgoFJ3B1xQj3f+TllExgSFxaTx2YiuWl
Am+F3VOfJcnaoWhb61v44LKvJUH7jbDh5jIFsLHUcQ3Av2f8J5LUWI9ZX0ssuX8P
6SB9ZdyUmm0gj6RQj/zB34z/1xLyq7GZmSYsh/XAjPNmUcaZU6aiBrdVnQUZrHQk
z78H7sCenxKiYn5djDHhSvju8Rhx3nSd5JJkkpbX1EiLoyUNHdkoSRLxaoASvV9P
bKH0quXP4E4h/T0Gp5o0ao5DX1ELiaDq7LRqe5D0K0yUF31p7M53qPRwniVAAEeR
wwIDAQAB
-----END PUBLIC KEY-----
";
const MODULUS: &str = "pRKRMk9Uq4Gx1pibEJD8m7o0cdjMg9hL91ywDqvwIUIdK1GkNwmsGgoFJ3B1xQj3f-TllExgSFxaTx2YiuWlAm-F3VOfJcnaoWhb61v4\
                       4LKvJUH7jbDh5jIFsLHUcQ3Av2f8J5LUWI9ZX0ssuX8P6SB9ZdyUmm0gj6RQj_zB34z_1xLyq7GZmSYsh_XAjPNmUcaZU6aiBrdVnQUZ\
                       rHQkz78H7sCenxKiYn5djDHhSvju8Rhx3nSd5JJkkpbX1EiLoyUNHdkoSRLxaoASvV9PbKH0quXP4E4h_T0Gp5o0ao5DX1ELiaDq7LRq\
                       e5D0K0yUF31p7M53qPRwniVAAEeRww";
const SIGNATURE: &str = "Tab9zgaAWAzJk-ZD8lWU0hhhLEKaoAF2s5po8d_FBSd11rABS4nIrBrxsRT5ZMj3t2K2isUCgzpOHFkgOTTV3yOGkKiC8x7q9lqtCTR\
                         GohJ2Zcyz4e8aXeaLc9bo91qkH2Poa-fai5elysBnVVA-4_U-gw7Mm9Ahe7815Umw-zY1eyMuijkNY771uHGrjhhKQh7S8VhiaSlBZvk\
                         kfOJchaIzH_Vtfajly3a0dCmspZpUzis5n-DvVXeISk1bFk10CDeTNwNSnpjlxbjgfSGxW4GMIp91ej3HqoYGGzLRLU2lyXHgHxoHELB\
                         SmmezoOogJ48ooO33QgpZd64Isu5Jpg";
const ED25519: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----
";

fn signature() -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(SIGNATURE).unwrap()
}

fn of_set(jwk: Value) -> Option<Key> {
    Key::of_set(&serde_json::from_value(jwk).unwrap())
}

/// They were taken, and then no token of them was.
#[test]
fn a_pem_is_one_key_that_can_check_something() {
    let two = format!("{ED25519}{RSA_2048}");
    for (pem, refused) in [
        (RSA_1024, KeyError::RsaSize { bits: 1_024 }),
        (&two, KeyError::Several(2)),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", KeyError::NotPem),
        ("-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n", KeyError::Private),
    ] {
        assert_eq!(Key::pem(pem.as_bytes()).map(|_| ()), Err(refused), "{pem}");
    }
    let key = Key::pem(RSA_2048.as_bytes()).unwrap();
    assert_eq!(key.algorithms, RSA);
    assert!(key.has_signed(Algorithm::RS256, b"a.b", &signature()));
    for (algorithm, message) in
        [(Algorithm::PS256, b"a.b"), (Algorithm::RS256, b"a.c"), (Algorithm::HS256, b"a.b")]
    {
        assert!(!key.has_signed(algorithm, message, &signature()), "{algorithm}");
    }
    assert_eq!(Key::pem(ED25519.as_bytes()).unwrap().algorithms, [Algorithm::EdDSA]);
}

/// RFC 7518, 6.3.1.1: some libraries write a zero before the number.
#[test]
fn a_modulus_with_a_zero_before_it_is_the_same_key() {
    let zero = URL_SAFE_NO_PAD.encode([&[0, 0][..], &URL_SAFE_NO_PAD.decode(MODULUS).unwrap()].concat());
    for (n, e) in [(MODULUS, "AQAB"), (&zero, "AQAB"), (MODULUS, "AAEAAQ")] {
        let key = of_set(json!({"kty": "RSA", "n": n, "e": e})).unwrap();
        assert!(key.has_signed(Algorithm::RS256, b"a.b", &signature()), "{n} {e}");
    }
}

#[test]
fn a_key_of_a_set_is_taken_for_what_the_set_says() {
    let ed = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let number = |bytes: usize| URL_SAFE_NO_PAD.encode(vec![0xff; bytes]);
    let rsa = |more: Value| {
        let mut jwk = json!({"kty": "RSA", "n": MODULUS, "e": "AQAB"});
        jwk.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        jwk
    };
    for (jwk, algorithms) in [
        (rsa(json!({})), &RSA[..]),
        (rsa(json!({"use": "sig"})), &RSA),
        (rsa(json!({"use": "enc"})), &[]),
        (rsa(json!({"key_ops": ["verify"]})), &RSA),
        (rsa(json!({"key_ops": ["sign", "verify"]})), &RSA),
        (rsa(json!({"key_ops": ["encrypt"]})), &[]),
        (rsa(json!({"key_ops": ["sign"], "use": "sig"})), &[]),
        (rsa(json!({"key_ops": []})), &[]),
        (rsa(json!({"alg": "PS256"})), &[Algorithm::PS256]),
        (rsa(json!({"alg": "RS512"})), &[]),
        (rsa(json!({"alg": "RSA-OAEP"})), &[]),
        (rsa(json!({"n": number(255)})), &[]),
        (rsa(json!({"n": number(256)})), &RSA),
        (rsa(json!({"n": number(1_024)})), &RSA),
        (rsa(json!({"n": number(1_025)})), &[]),
        (rsa(json!({"n": ""})), &[]),
        (rsa(json!({"n": "AAAA"})), &[]),
        (json!({"kty": "OKP", "crv": "Ed25519", "x": ed}), &[Algorithm::EdDSA]),
        (json!({"kty": "OKP", "crv": "Ed25519", "x": ed, "alg": "EdDSA"}), &[Algorithm::EdDSA]),
        // RFC 9864 has this name for it.
        (json!({"kty": "OKP", "crv": "Ed25519", "x": ed, "alg": "Ed25519"}), &[Algorithm::EdDSA]),
        (json!({"kty": "OKP", "crv": "Ed448", "x": ed}), &[]),
        (json!({"kty": "OKP", "crv": "X25519", "x": ed}), &[]),
        (json!({"kty": "EC", "crv": "P-256", "x": number(32), "y": number(32)}), &[Algorithm::ES256]),
        (json!({"kty": "EC", "crv": "P-256", "x": number(31), "y": number(32)}), &[]),
        (json!({"kty": "EC", "crv": "P-256", "x": number(32), "y": number(33)}), &[]),
        (json!({"kty": "EC", "crv": "P-384", "x": number(32), "y": number(32)}), &[]),
        (json!({"kty": "oct", "k": ed}), &[]),
    ] {
        let found = of_set(jwk.clone()).map(|key| key.algorithms).unwrap_or_default();
        assert_eq!(found, algorithms, "{jwk}");
    }
}
