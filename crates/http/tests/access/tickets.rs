//! Tickets: grants for one request.

use std::sync::Arc;

use http_body_util::BodyExt;
use serde_json::{Value, json};
use tidings_core::contract::ManualClock;
use tidings_http::grants::Grants;
use tidings_http::{Front, HttpConfig, Pages};
use tidings_testkit::deadline::within_an_hour;

use super::hub::{NOW, front, front_with, send, settings, token, told};

/// A ticket for who shows this token.
async fn ticket(front: &Front, token: &str) -> String {
    ticket_for(front, token, 30).await
}

/// The same, which can be used for so many seconds.
async fn ticket_for(front: &Front, token: &str, seconds: u64) -> String {
    let response = send(front, "POST /tickets", &format!("authorization: Bearer {token}")).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["cache-control"]),
        (201, &"no-store".parse().unwrap())
    );
    let body = within_an_hour("a ticket", response.into_body().collect()).await.unwrap().to_bytes();
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(answer["expires_in"], seconds);
    answer["ticket"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_ticket_is_good_for_one_request() {
    let front = front().await;
    let token = token(json!({}));
    let first = ticket(&front, &token).await;
    let used = "401 invalid-credentials invalid_token: the ticket was used already; get another one for each request";

    // What is refused does not use it up.
    let uncovered = format!("GET /events/orders/9?ticket={first}");
    let refused = "403 not-covered insufficient_scope: subscribe does not cover `orders/9`";
    assert_eq!(told(&front, &uncovered, "").await, refused);
    let request = format!("GET /events/users/u1/a?ticket={first}");
    assert_eq!(told(&front, &request, "").await, "200");
    assert_eq!(told(&front, &request, "").await, used);

    // At the same instant, by the clients of two nodes.
    let second = ticket(&front, &token).await;
    let request = format!("GET /events/users/u1/a?ticket={second}");
    let mut config = HttpConfig::default();
    config.access = Some(Arc::new(settings()));
    let other = Front::new(front.hub().clone(), config, Pages::default(), ManualClock::at(NOW * 1_000));
    let answers =
        tokio::join!(told(&front, &request, ""), told(&other, &request, ""), told(&front, &request, ""));
    let answers = [answers.0, answers.1, answers.2];
    assert_eq!(answers.iter().filter(|answer| *answer == "200").count(), 1, "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| *answer == used).count(), 2, "{answers:?}");

    for (request, headers, answer) in [
        ("POST /tickets", "", "401 credentials-required Bearer: for everybody, there is no ticket; send a key or a token as `Authorization: Bearer`".to_owned()),
        ("GET /tickets", "", "405 method-not-allowed : this URL takes POST, OPTIONS".to_owned()),
        ("GET /events/users/u1/a?ticket=AAAA", "", "401 invalid-credentials invalid_token: this is no ticket of this hub".to_owned()),
    ] {
        assert_eq!(told(&front, request, headers).await, answer, "{request}");
    }
    let third = ticket(&front, &token).await;
    let again = told(&front, &format!("POST /tickets?ticket={third}"), "").await;
    assert_eq!(
        again,
        "401 invalid-credentials invalid_token: a ticket gives no other ticket; show a key or a token"
    );
    let open = front_with(|config| config.access = None).await;
    assert!(told(&open, "POST /tickets", "").await.starts_with("404 not-found"));
}

#[tokio::test(start_paused = true)]
async fn a_ticket_lets_nobody_in_for_longer_than_its_token() {
    let front = front().await;
    // The clocks may differ by two seconds.
    let short = token(json!({"exp": NOW + 5}));

    let ticket = ticket_for(&front, &short, 7).await;

    assert_eq!(told(&front, &format!("GET /events/users/u1/a?ticket={ticket}"), "").await, "200");
}

/// Of another node, whose settings are not the same while they are being changed.
#[tokio::test(start_paused = true)]
async fn the_bearer_of_a_ticket_may_do_what_everybody_may_do_here() {
    let closed = front_with(|config| {
        let mut settings = settings();
        settings.access.anonymous = Grants::default();
        config.access = Some(Arc::new(settings));
    });
    let ticket = ticket(&closed.await, &token(json!({}))).await;

    let request = format!("GET /events?topic=public/a&topic=users/u1/a&ticket={ticket}");
    assert_eq!(told(&front().await, &request, "").await, "200");
}
