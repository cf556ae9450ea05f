//! The keys of an issuer that have still to come.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use http::Request;
use serde_json::json;
use tidings_http::KeyRenewal;
use tidings_http::grants::jwt::{Algorithm, KeySet, Keys, Rules, Verifier};
use tidings_testkit::deadline::within_an_hour;

use super::hub::{NOW, front_with, settings, token, told};
use super::support::tokens::rules;

/// They were told that their tokens are bad, and asked their users to sign in.
#[tokio::test(start_paused = true)]
async fn while_the_keys_of_the_issuer_have_not_come_nobody_can_say_what_a_token_gives() {
    let front = front_with(|config| {
        let mut settings = settings();
        settings.access.tokens = Some(Verifier::new(Keys::awaited(), rules()));
        config.access = Some(Arc::new(settings));
    })
    .await;
    let answer = async |request: &str, header: &str, value: String| {
        let (method, target) = request.split_once(' ').unwrap();
        let request = Request::builder().method(method).uri(target).header("host", "localhost");
        let request = request.header(header, value).header("accept", "application/json");
        let request = request.body("x".to_owned()).unwrap();
        within_an_hour("an answer", front.handle(request)).await
    };
    let bearer = format!("Bearer {}", token(json!({})));
    let cookie = format!("tidings={}", token(json!({})));

    for (request, header, value, status) in [
        ("GET /events/users/u1/a", "authorization", &bearer, 503),
        ("POST /events/users/u1/a", "authorization", &bearer, 503),
        ("GET /events/users/u1/a", "cookie", &cookie, 503),
        ("GET /events/public/a", "cookie", &cookie, 200),
    ] {
        let response = answer(request, header, value.clone()).await;
        assert_eq!(response.status(), status, "{request} by {header}");
        assert_eq!(response.headers().contains_key("retry-after"), status == 503, "{request} by {header}");
    }
}

/// Counts how often keys are fetched anew.
#[derive(Debug, Default)]
struct CountedRenewals(AtomicUsize);

#[async_trait]
impl KeyRenewal for CountedRenewals {
    async fn renew(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A signed URL by an unknown key had the keys of the issuer fetched, and waited for them.
#[tokio::test(start_paused = true)]
async fn keys_are_fetched_anew_for_a_token_of_which_the_key_is_not_there_and_for_nothing_else() {
    let renewals = Arc::new(CountedRenewals::default());
    let front = front_with(|config| {
        let set = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
        let keys = Keys::awaited();
        keys.renew(KeySet::parse(set.as_bytes()).unwrap());
        let mut settings = settings();
        let rules = Rules { algorithms: vec![Algorithm::EdDSA], ..rules() };
        settings.access.tokens = Some(Verifier::new(keys, rules));
        settings.renewal = Some(renewals.clone());
        config.access = Some(Arc::new(settings));
    })
    .await;
    // {"alg":"EdDSA","kid":"b"} and {"alg":"EdDSA","kid":"a"}
    let (unknown, forged) =
        ("eyJhbGciOiJFZERTQSIsImtpZCI6ImIifQ.e30.AAAA", "eyJhbGciOiJFZERTQSIsImtpZCI6ImEifQ.e30.AAAA");

    for (request, headers, fetched) in [
        ("GET /events/orders/9".to_owned(), format!("authorization: Bearer {unknown}"), 1),
        ("POST /tickets".to_owned(), format!("authorization: Bearer {unknown}"), 1),
        (format!("GET /events/orders/9?access_token={unknown}"), String::new(), 1),
        ("GET /events/public/a".to_owned(), format!("cookie: tidings={unknown}"), 1),
        ("GET /events/orders/9".to_owned(), format!("authorization: Bearer {forged}"), 0),
        ("GET /events/orders/9".to_owned(), "authorization: Bearer a.b.c".to_owned(), 0),
        ("GET /events/orders/9".to_owned(), format!("authorization: Bearer {}", token(json!({}))), 0),
        ("GET /events/orders/9".to_owned(), "authorization: Bearer k-1".to_owned(), 0),
        (format!("GET /events/orders/9?expires={}&key=other&signature=AAAA", NOW + 9), String::new(), 0),
        (format!("GET /events/orders/9?expires={}&key=default&signature=AAAA", NOW + 9), String::new(), 0),
        ("GET /events/orders/9?ticket=AAAA".to_owned(), String::new(), 0),
        ("GET /events/orders/9".to_owned(), String::new(), 0),
    ] {
        renewals.0.store(0, Ordering::Relaxed);
        told(&front, &request, &headers).await;
        assert_eq!(renewals.0.load(Ordering::Relaxed), fetched, "{request} with {headers}");
    }
}
