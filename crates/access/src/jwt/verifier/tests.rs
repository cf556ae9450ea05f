use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use tidings_core::Selector;

use super::*;
use crate::jwt::{Minting, mint};
use crate::limits::{TOKEN_BYTES_MAX, TOKEN_SELECTORS_MAX};

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
/// 2026-01-01T00:00:00Z.
const NOW: UnixMillis = UnixMillis(1_767_225_600_000);
const NOW_S: u64 = NOW.0 / 1_000;

fn rules() -> Rules {
    Rules {
        algorithms: vec![Algorithm::HS256],
        audience: vec!["tidings".to_owned()],
        issuer: Vec::new(),
        leeway_ms: 0,
        subscribe: vec![Template::parse("users/{sub}/**").unwrap()],
        publish: Vec::new(),
    }
}

fn verifier(rules: Rules) -> Verifier {
    Verifier::new(Keys::fixed(Key::secret(SECRET).unwrap()), rules)
}

fn object(json: Value) -> Map<String, Value> {
    json.as_object().unwrap().clone()
}

fn token(claims: Value) -> String {
    mint(&Minting::Secret(SECRET.to_vec()), Algorithm::HS256, None, &object(claims)).unwrap()
}

fn refused(claims: Value) -> String {
    verifier(rules()).grants(&token(claims), NOW).unwrap_err().to_string()
}

/// A token with any head and payload, and a good signature.
fn signed(head: &str, payload: &str) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(payload));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET);
    let signature = ring::hmac::sign(&key, message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn a_good_token_gives_what_it_claims_and_what_every_token_may() {
    let token = token(json!({
        "sub": "u1", "aud": "tidings", "exp": NOW_S + 60, "jti": "t-1",
        "tidings": {"subscribe": ["orders/*"], "publish": ["orders/9"], "admin": true, "info": {"name": "Ann"}},
    }));
    let grants = verifier(rules()).grants(&token, NOW).unwrap();
    let covers = |allowed: &crate::Allowed, text: &str| allowed.covers(&Selector::parse(text).unwrap());

    assert!(covers(&grants.subscribe, "orders/7") && covers(&grants.subscribe, "users/u1/**"));
    assert!(!covers(&grants.subscribe, "users/u2/a") && !covers(&grants.subscribe, "orders/**"));
    assert!(covers(&grants.publish, "orders/9") && !covers(&grants.publish, "orders/8"));
    assert_eq!(grants.user.as_deref(), Some("u1"));
    assert_eq!(grants.token_id.as_deref(), Some("t-1"));
    assert_eq!(grants.info.as_deref(), Some(r#"{"name":"Ann"}"#));
    assert_eq!((grants.admin, grants.until), (true, Some(UnixMillis((NOW_S + 60) * 1_000))));
}

#[test]
fn what_is_wrong_with_the_claims_is_said() {
    for (claims, words) in [
        (json!({"aud": "tidings", "exp": NOW_S - 12}), "the token expired 12 s ago"),
        (json!({"aud": "tidings", "exp": NOW_S}), "the token expired 0 s ago"),
        (json!({"aud": "tidings", "exp": 0}), "the token expired 20454 days ago"),
        (json!({"aud": "tidings", "exp": -5.5}), "the token expired 20454 days ago"),
        (
            json!({"aud": "tidings", "exp": "2026"}),
            "the claim `exp` of the token is a number: seconds since 1970",
        ),
        (
            json!({"aud": "tidings", "exp": null}),
            "the claim `exp` of the token is a number: seconds since 1970",
        ),
        (
            json!({"aud": "tidings", "nbf": NOW_S + 30}),
            "the token begins to hold in 30 s; perhaps a clock is wrong",
        ),
        (json!({"exp": NOW_S + 60}), "the token has no claim `aud`"),
        (
            json!({"aud": ["a", "b"]}),
            "the token is not for this hub: its `aud` is \"a, b\", and tidings is expected",
        ),
        (json!({"aud": 7}), "the claim `aud` of the token is a text, or for `aud` a list of texts"),
        (
            json!({"aud": ["tidings", 7]}),
            "the claim `aud` of the token is a text, or for `aud` a list of texts",
        ),
        (json!({"aud": "tidings", "sub": 7}), "the claim `sub` of the token is a text of at most 256 bytes"),
        (
            json!({"aud": "tidings", "tidings": "admin"}),
            "the claim `tidings` of the token is an object, such as {\"subscribe\": [\"orders/*\"]}",
        ),
        (
            json!({"aud": "tidings", "tidings": {"subscribe": "orders/*"}}),
            "the claim `tidings.subscribe` of the token is a list of texts",
        ),
        (
            json!({"aud": "tidings", "tidings": {"publish": [7]}}),
            "the claim `tidings.publish` of the token is a list of texts",
        ),
        (
            json!({"aud": "tidings", "tidings": {"publish": ["a/../b"]}}),
            "the token grants \"a/../b\", which is no topic and no pattern: a topic has no segment `.` or `..`",
        ),
        (
            json!({"aud": "tidings", "tidings": {"admin": "yes"}}),
            "the claim `tidings.admin` of the token is true or false",
        ),
        (
            json!({"aud": "tidings", "tidings": {"info": "x".repeat(300)}}),
            "the claim `tidings.info` of the token has at most 256 bytes of JSON",
        ),
    ] {
        assert_eq!(refused(claims.clone()), words, "{claims}");
    }
    let many = vec!["a"; TOKEN_SELECTORS_MAX + 1];
    let words = "the token grants 1001 selectors, and may grant 1000; use patterns";
    assert_eq!(refused(json!({"aud": "tidings", "tidings": {"subscribe": many}})), words);
    let (half, more) = (vec!["a"; TOKEN_SELECTORS_MAX / 2], vec!["a"; TOKEN_SELECTORS_MAX / 2 + 1]);
    assert_eq!(refused(json!({"aud": "tidings", "tidings": {"subscribe": half, "publish": more}})), words);
}

#[test]
fn times_may_be_large_or_have_a_fraction_and_clocks_may_differ_by_the_leeway() {
    let of = |claims: Value, leeway_ms| {
        let rules = Rules { leeway_ms, ..rules() };
        verifier(rules).grants(&token(claims), NOW).map(|grants| grants.until.map(|until| until.0))
    };

    assert_eq!(of(json!({"aud": "tidings"}), 0), Ok(None));
    assert_eq!(of(json!({"aud": "tidings", "exp": NOW_S as f64 + 0.5}), 0), Ok(Some(NOW.0 + 500)));
    for huge in [json!(1e300), json!(u64::MAX)] {
        assert_eq!(of(json!({"aud": "tidings", "exp": huge}), 5_000), Ok(Some(u64::MAX)));
    }
    assert_eq!(of(json!({"aud": "tidings", "exp": NOW_S - 4}), 5_000), Ok(Some(NOW.0 + 1_000)));
    assert_eq!(
        of(json!({"aud": "tidings", "exp": NOW_S - 5}), 5_000),
        Err(Refusal::Expired { what: "the token", seconds: 5 })
    );
    assert_eq!(of(json!({"aud": "tidings", "nbf": NOW_S + 5}), 5_000), Ok(None));
    assert_eq!(of(json!({"aud": "tidings", "nbf": NOW_S + 6}), 5_000), Err(Refusal::NotYet { seconds: 6 }));
}

/// RFC 7519, 4.1.3, and the issuer.
#[test]
fn a_token_for_somebody_else_is_refused_and_so_is_one_of_another_issuer() {
    let of = |audience: &[&str], issuer: &[&str], claims: Value| {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let rules = Rules { audience: names(audience), issuer: names(issuer), ..rules() };
        verifier(rules).grants(&token(claims), NOW).map(drop).map_err(|refusal| refusal.to_string())
    };

    assert_eq!(of(&[], &[], json!({})), Ok(()));
    assert_eq!(of(&["a", "b"], &[], json!({"aud": ["x", "b"]})), Ok(()));
    assert_eq!(of(&[], &["https://id"], json!({"iss": "https://id"})), Ok(()));
    assert_eq!(of(&[], &[], json!({"iss": "https://id"})), Ok(()));
    assert_eq!(of(&[], &[], json!({"aud": ["x", "tidings"]})), Ok(()));
    assert!(of(&["a"], &[], json!({"aud": "tidings"})).is_err());
    let none = "the token is not for this hub: its `aud` is \"x\", and tidings (the configuration names no audience) is expected";
    assert_eq!(of(&[], &[], json!({"aud": "x"})).unwrap_err(), none);
    let issuer = "the token is not for this hub: its `iss` is \"https://id/\", and https://id is expected";
    assert_eq!(of(&[], &["https://id"], json!({"iss": "https://id/"})).unwrap_err(), issuer);
    assert_eq!(of(&[], &["a"], json!({})).unwrap_err(), "the token has no claim `iss`");
    assert!(of(&[], &["a"], json!({"iss": ["a"]})).is_err());
}

#[test]
fn forged_and_broken_tokens_are_refused() {
    let good = token(json!({"aud": "tidings"}));
    let (message, signature) = good.rsplit_once('.').unwrap();
    let none =
        format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), message.split_once('.').unwrap().1);
    let not_base64 = "this is no JSON Web Token: a part of it is not base64url without padding";
    let not_parts = "this is no JSON Web Token: it has not three parts with dots between them";
    let bad_signature = "the signature is not that of the key";
    let bad_head = "this is no JSON Web Token: its head is no JSON object with each name once";
    let claims = r#"{"aud":"tidings"}"#;
    let long = "x".repeat(TOKEN_BYTES_MAX + 1);
    for (token, words) in [
        (String::new(), not_parts),
        ("a.b".to_owned(), not_parts),
        (format!("{good}.x"), not_parts),
        (format!("{good}="), not_base64),
        (format!("{message}.{signature}A"), bad_signature),
        (format!("{message}.{signature}AA"), not_base64),
        (format!("{message}."), bad_signature),
        (format!("{message}.AAAA"), bad_signature),
        (none, "the token is signed by the algorithm \"none\", and this hub takes HS256"),
        (
            signed(r#"{"alg":"hs256"}"#, claims),
            "the token is signed by the algorithm \"hs256\", and this hub takes HS256",
        ),
        (
            signed(r#"{"alg":"HS384"}"#, claims),
            "the token is signed by the algorithm \"HS384\", and this hub takes HS256",
        ),
        (signed("{}", claims), "this is no JSON Web Token: its head has no `alg`"),
        (
            signed(r#"{"alg":["HS256"]}"#, claims),
            "this is no JSON Web Token: `alg`, `kid` or `typ` in its head is no text",
        ),
        (signed(r#"{"alg":"HS256","alg":"none"}"#, claims), bad_head),
        (signed("[]", claims), bad_head),
        (
            signed(r#"{"alg":"HS256","crit":["b64"],"b64":false}"#, claims),
            "this is no JSON Web Token: its head asks for an extension (crit), and this hub has none",
        ),
        (long, "the token has 16385 bytes, and may have 16384"),
    ] {
        assert_eq!(verifier(rules()).grants(&token, NOW).unwrap_err().to_string(), words, "{token}");
    }
    for payload in [
        "",
        "[]",
        "{",
        r#"{"sub":"a","sub":"b"}"#,
        r#"{"tidings":{"admin":false,"admin":true}}"#,
        "{}{}",
        "\u{feff}{}",
    ] {
        let words = "this is no JSON Web Token: its claims are no JSON object with each name once";
        let refusal = verifier(rules()).grants(&signed(r#"{"alg":"HS256"}"#, payload), NOW).unwrap_err();
        assert_eq!(refusal.to_string(), words, "{payload}");
    }
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(5_000), "]".repeat(5_000));
    assert!(verifier(rules()).grants(&signed(r#"{"alg":"HS256"}"#, &deep), NOW).is_err());
}

/// A public key is no secret, so everybody could sign with it if it were taken for one.
#[test]
fn a_public_key_never_checks_a_token_as_a_secret() {
    let pem = "-----BEGIN PUBLIC KEY-----\n\
               MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n\
               -----END PUBLIC KEY-----\n";
    let set = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    let raw = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
    let fetched = Keys::awaited();
    fetched.renew(KeySet::parse(set.as_bytes()).unwrap());

    for keys in [Keys::fixed(Key::pem(pem.as_bytes()).unwrap()), fetched] {
        for secret in [pem.as_bytes(), pem.trim_end().as_bytes(), &raw] {
            let claims = object(json!({"aud": "tidings"}));
            let forged = mint(&Minting::Secret(secret.to_vec()), Algorithm::HS256, None, &claims).unwrap();
            for (taken, named) in [
                (vec![Algorithm::EdDSA], "EdDSA"),
                (vec![Algorithm::HS256, Algorithm::EdDSA], "HS256, EdDSA"),
            ] {
                let verifier = Verifier::new(keys.clone(), Rules { algorithms: taken, ..rules() });
                let words =
                    format!("the token is signed by the algorithm \"HS256\", and this hub takes {named}");
                assert_eq!(verifier.grants(&forged, NOW).unwrap_err().to_string(), words);
            }
        }
    }
}

#[test]
fn a_key_is_chosen_by_its_name_among_several() {
    let key = |kid: Option<&str>| {
        let mut key = Key::secret(SECRET).unwrap();
        key.kid = kid.map(str::to_owned);
        key
    };
    let names = |kids: &[Option<&str>], wanted: Option<&str>| {
        let keys: Vec<_> = kids.iter().map(|kid| key(*kid)).collect();
        chosen(&keys, wanted, Algorithm::HS256)
            .map(|key| key.kid.clone())
            .map_err(|refusal| refusal.to_string())
    };

    assert_eq!(names(&[None], None), Ok(None));
    assert_eq!(names(&[None], Some("x")), Ok(None));
    assert_eq!(names(&[Some("a")], None), Ok(Some("a".to_owned())));
    assert_eq!(names(&[Some("a"), Some("b")], Some("b")), Ok(Some("b".to_owned())));
    let unknown = |kid: &str| format!("the token is signed by an unknown key (kid {kid:?})");
    assert_eq!(names(&[Some("a")], Some("b")), Err(unknown("b")));
    assert_eq!(names(&[Some("a"), None], Some("../../etc/passwd\n")), Err(unknown("../../etc/passwd\n")));
    assert!(names(&[Some("a"), Some("b")], None).is_err());
    assert_eq!(Verifier::new(Keys::awaited(), rules()).grants(&token(json!({})), NOW), Err(Refusal::NoKeys));
}

/// RFC 7517, 4.5. The first one of the name was tried, and a good token was refused.
#[test]
fn keys_of_different_kinds_may_have_one_name() {
    let key = |algorithm| {
        let mut key = Key::secret(SECRET).unwrap();
        (key.kid, key.algorithms) = (Some("a".to_owned()), vec![algorithm]);
        key
    };
    let keys = [key(Algorithm::RS256), key(Algorithm::EdDSA)];

    for algorithm in [Algorithm::RS256, Algorithm::EdDSA] {
        assert_eq!(chosen(&keys, Some("a"), algorithm).unwrap().algorithms, [algorithm]);
    }
    // Its name is there, so the answer is that its algorithm is another.
    assert_eq!(chosen(&keys, Some("a"), Algorithm::ES256).unwrap().algorithms, [Algorithm::RS256]);
    assert!(chosen(&keys, Some("b"), Algorithm::RS256).is_err());
}

/// An issuer signs more than tokens that let somebody in, and these were taken for such.
#[test]
fn a_token_of_another_kind_is_refused() {
    let with = |typ: Value| {
        let token = signed(&json!({"alg": "HS256", "typ": typ}).to_string(), r#"{"aud":"tidings"}"#);
        verifier(rules()).grants(&token, NOW).map(|_| ()).map_err(|refusal| refusal.to_string())
    };

    for typ in ["JWT", "jwt", "at+jwt", "AT+JWT", "application/jwt", "application/at+jwt", "Application/JWT"]
    {
        assert_eq!(with(json!(typ)), Ok(()), "{typ}");
    }
    for typ in ["logout+jwt", "dpop+jwt", "secevent+jwt", "JOSE", "", "jwt ", "application/application/jwt"] {
        let words = format!(
            "the token is of another kind: the typ in its head is {typ:?}, and this hub takes JWT and at+jwt"
        );
        assert_eq!(with(json!(typ)), Err(words));
    }
    assert!(with(json!(7)).is_err());
    // What the hub cannot check is not told to be of another kind.
    let forged = signed(r#"{"alg":"none","typ":"x"}"#, "{}");
    assert!(matches!(verifier(rules()).grants(&forged, NOW), Err(Refusal::WrongAlgorithm { .. })));
}
