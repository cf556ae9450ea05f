//! What a request shows, and what that gives.

use std::sync::Arc;

use serde_json::json;
use tidings_http::AccessSettings;

use super::hub::{BACKEND, NOW, front, front_with, settings, token, told};

#[tokio::test(start_paused = true)]
async fn what_everybody_may_do_needs_nothing_and_all_else_needs_something() {
    let front = front().await;

    for request in [
        "GET /events/public/a",
        "HEAD /events/public/**",
        "GET /events?topic=public/a&topic=public/*",
        "GET /healthz",
    ] {
        assert_eq!(told(&front, request, "").await, "200", "{request}");
    }
    for (request, why) in [
        ("GET /events/orders/9", "subscribe does not cover `orders/9`"),
        ("GET /events/**", "subscribe does not cover `**`"),
        ("GET /events?topic=public/a&topic=orders/9", "subscribe does not cover `orders/9`"),
        ("POST /events/public/a", "publish does not cover `public/a`"),
        ("GET /metrics", "this is for those with the grant `admin`"),
    ] {
        let expected = format!(
            "401 credentials-required Bearer: for everybody, {why}; send a key or a token as `Authorization: Bearer`"
        );
        assert_eq!(told(&front, request, "").await, expected, "{request}");
        assert_eq!(told(&front, request, "accept: application/json").await, expected, "{request}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_named_key_has_its_own_grants() {
    let front = front().await;
    let key = format!("authorization: Bearer {BACKEND}");

    for (request, status) in [
        ("GET /events/**", "200"),
        ("POST /events/orders/9", "201"),
        ("GET /metrics", "200"),
        ("GET /events/public/a", "200"),
    ] {
        assert_eq!(told(&front, request, &key).await, status, "{request}");
    }
    let unknown = "401 invalid-credentials invalid_token: this is no key of this hub";
    for shown in [&BACKEND[1..], &format!("{BACKEND}0"), "backend", "a.b"] {
        let header = format!("authorization: Bearer {shown}");
        // Also where everybody may read: it shows that something is set up wrongly.
        assert_eq!(told(&front, "GET /events/public/a", &header).await, unknown, "{shown}");
    }
    for (header, why) in [
        (
            "authorization: Basic YTpi",
            "`Authorization` has another scheme than Bearer; send `Authorization: Bearer KEY`",
        ),
        ("authorization: Bearer ", "there is no key behind Bearer; is a variable empty?"),
    ] {
        let expected = format!("401 invalid-credentials invalid_token: {why}");
        assert_eq!(told(&front, "GET /events/public/a", header).await, expected, "{header}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_gives_what_its_claims_say_and_what_every_user_has() {
    let front = front().await;
    let own = json!({"subscribe": ["orders/*"], "publish": ["orders/9"]});
    let good = format!("authorization: Bearer {}", token(json!({"tidings": own})));

    for (request, answer) in [
        ("GET /events/orders/9", "200"),
        ("GET /events/orders/*", "200"),
        ("GET /events/users/u1/**", "200"),
        ("GET /events/public/a", "200"),
        ("POST /events/orders/9", "201"),
        ("POST /events/orders/8", "403 not-covered insufficient_scope: publish does not cover `orders/8`"),
        ("GET /events/orders/**", "403 not-covered insufficient_scope: subscribe does not cover `orders/**`"),
        (
            "GET /events/users/u2/a",
            "403 not-covered insufficient_scope: subscribe does not cover `users/u2/a`",
        ),
        ("GET /events/users/*/a", "403 not-covered insufficient_scope: subscribe does not cover `users/*/a`"),
        // Decoded once: this is a topic of another.
        (
            "GET /events/users%2Fu2%2Fa",
            "403 not-covered insufficient_scope: subscribe does not cover `users/u2/a`",
        ),
        ("GET /events/users/u1%2Fa", "200"),
        ("GET /metrics", "403 not-covered insufficient_scope: this is for those with the grant `admin`"),
    ] {
        assert_eq!(told(&front, request, &good).await, answer, "{request}");
    }
    for (claims, why) in [
        (json!({"exp": NOW - 12}), "the token expired 12 s ago"),
        (json!({"nbf": NOW + 30}), "the token begins to hold in 30 s; perhaps a clock is wrong"),
        (json!({"exp": "soon"}), "the claim `exp` of the token is a number: seconds since 1970"),
        (
            json!({"aud": "other"}),
            "the token is not for this hub: its `aud` is \"other\", and tidings is expected",
        ),
        (json!({"aud": null}), "the token has no claim `aud`"),
    ] {
        let header = format!("authorization: Bearer {}", token(claims.clone()));
        let expected = format!("401 invalid-credentials invalid_token: {why}");
        assert_eq!(told(&front, "GET /events/users/u1/a", &header).await, expected, "{claims}");
    }
    // The clocks may differ by two seconds.
    let late = format!("authorization: Bearer {}", token(json!({"exp": NOW - 1})));
    assert_eq!(told(&front, "GET /events/users/u1/a", &late).await, "200");
}

#[tokio::test(start_paused = true)]
async fn one_thing_is_shown_at_a_time() {
    let front = front().await;
    let token = token(json!({}));
    let several = "400 several-credentials : the request shows two of these: `Authorization`, `access_token`, `signature`, \
                   `ticket`; \
                   send one of them";

    let in_url = format!("GET /events/users/u1/a?access_token={token}");
    assert_eq!(told(&front, &in_url, "").await, "200");
    assert_eq!(told(&front, &in_url, &format!("authorization: Bearer {token}")).await, several);
    let signed = format!("{in_url}&expires={}&key=default&signature=AAAA", NOW + 9);
    assert_eq!(told(&front, &signed, "").await, several);
    let twice = told(&front, &format!("{in_url}&access_token={token}"), "").await;
    assert_eq!(twice, "400 repeated-parameter : the parameter `access_token` may be given once");
    // A cookie is sent without being meant.
    let cookie = "cookie: tidings=bad";
    assert_eq!(told(&front, &in_url, cookie).await, "200");

    let closed = front_with(|config| {
        config.access = Some(Arc::new(AccessSettings { query: false, ..settings() }));
    });
    let refused = told(&closed.await, &in_url, "").await;
    let expected = "401 invalid-credentials invalid_token: this hub takes no token in the URL; send it as `Authorization: \
                    Bearer TOKEN`";
    assert_eq!(refused, expected);
}
