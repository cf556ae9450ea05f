//! A token in a cookie, which a browser sends by itself.

use http::{HeaderValue, Request};
use serde_json::json;
use tidings_http::Cors;
use tidings_testkit::deadline::within_an_hour;

use super::hub::{NOW, front, front_with, token, told};

#[tokio::test(start_paused = true)]
async fn a_cookie_counts_from_pages_that_the_operator_knows() {
    let front = front().await;
    let good = format!("cookie: a=b; tidings={}", token(json!({"tidings": {"publish": ["orders/9"]}})));
    let with = |more: &str| format!("{good}\n{more}");

    for more in [
        "origin: https://app.example",
        "origin: http://hub.example",
        "origin: https://hub.example:8443\nsec-fetch-site: same-origin",
        "sec-fetch-site: same-origin",
    ] {
        assert_eq!(told(&front, "GET /events/users/u1/a", &with(more)).await, "200", "{more}");
        assert_eq!(told(&front, "POST /events/orders/9", &with(more)).await, "201", "{more}");
    }
    assert_eq!(told(&front, "GET /events/users/u1/a", &good).await, "200");
    // Every browser says where something comes from that could change anything.
    let unnamed = told(&front, "POST /events/orders/9", &good).await;
    assert!(unnamed.starts_with("401 invalid-credentials invalid_token: publish does not cover `orders/9`; its cookie does not count"), "{unnamed}");
    let foreign = told(&front, "GET /events/users/u1/a", &with("origin: https://evil.example")).await;
    assert!(foreign.starts_with("403 origin-not-allowed"), "{foreign}");

    // A person may come by a link, and then it is the other page that has chosen the URL.
    let linked = with("sec-fetch-site: cross-site\nsec-fetch-mode: navigate");
    let linked = told(&front, "GET /events/users/u1/a", &linked).await;
    assert!(linked.contains("its cookie does not count"), "{linked}");

    // A hub that every page may use without credentials.
    let any = front_with(|config| config.cors = Cors::Any).await;
    for request in ["GET /events/users/u1/a", "POST /events/orders/9"] {
        let foreign = told(&any, request, &with("origin: https://evil.example")).await;
        assert!(foreign.contains("its cookie does not count"), "{request}: {foreign}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bad_cookie_gives_what_everybody_has() {
    let front = front().await;
    let expired = format!("cookie: tidings={}", token(json!({"exp": NOW - 12})));

    assert_eq!(told(&front, "GET /events/public/a", &expired).await, "200");
    let refused = told(&front, "GET /events/users/u1/a", &expired).await;
    let expected = "401 invalid-credentials invalid_token: subscribe does not cover `users/u1/a`; its cookie gives nothing: the token \
                    expired 12 s ago";
    assert_eq!(refused, expected);
    let good = token(json!({}));
    let twice = format!("cookie: tidings={good}\ncookie: x=y; tidings=other");
    let refused = told(&front, "GET /events/users/u1/a", &twice).await;
    assert!(refused.contains("its cookie stands there twice"), "{refused}");
    let quoted = format!("cookie: tidings=\"{good}\"");
    assert_eq!(told(&front, "GET /events/users/u1/a", &quoted).await, "200");
    let other = format!("cookie: Tidings={good}");
    assert!(told(&front, "GET /events/users/u1/a", &other).await.starts_with("401 credentials-required"));
}

/// The whole line was passed over, so a user with a name in another program's cookie was nobody.
#[tokio::test(start_paused = true)]
async fn cookies_of_other_programs_have_any_bytes() {
    let front = front().await;
    let good = token(json!({}));

    for (line, status) in [
        (format!("name=J\u{fc}rgen; tidings={good}"), 200),
        (format!("tidings={good}; name=J\u{fc}rgen; x"), 200),
        (format!("a; =b; tidings ={good};"), 200),
        (format!("tidings={good}\u{fc}"), 401),
        ("tidings".to_owned(), 401),
    ] {
        for encoded in [line.clone().into_bytes(), line.chars().map(|letter| letter as u8).collect()] {
            let request = Request::builder().uri("/events/users/u1/a").header("host", "hub.example");
            let request = request.header("cookie", HeaderValue::from_bytes(&encoded).unwrap());
            let request = request.body(String::new()).unwrap();
            let response = within_an_hour("an answer", front.handle(request)).await;
            assert_eq!(response.status(), status, "{line}");
        }
    }
}
