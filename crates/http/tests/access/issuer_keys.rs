//! The keys of an issuer that have still to come.

use std::sync::Arc;

use http::Request;
use serde_json::json;
use tidings_http::grants::jwt::{Keys, Verifier};
use tidings_testkit::deadline::within_an_hour;

use super::hub::{front_with, settings, token};
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
