//! `?partial=true`: the covered part of what is asked for.

use http_body_util::BodyExt;
use serde_json::{Value, json};
use tidings_testkit::deadline::within_an_hour;

use super::hub::{BACKEND, front, send, token, told};

#[tokio::test(start_paused = true)]
async fn a_reader_may_be_content_with_what_is_covered() {
    let front = front().await;
    let target = "GET /events?topic=public/a&topic=orders/9&topic=orders/*";

    let answer = send(&front, target, "").await;
    let body = within_an_hour("a body", answer.into_body().collect()).await.unwrap().to_bytes();
    let problem: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(problem["uncovered"], json!(["orders/9", "orders/*"]));

    assert_eq!(told(&front, &format!("{target}&partial=true"), "").await, "200");
    let nothing = told(&front, "GET /events/orders/9?partial=true", "").await;
    assert!(nothing.starts_with("401 credentials-required"), "{nothing}");
    let bad = told(&front, "GET /events/public/a?partial=yes", "").await;
    assert_eq!(bad, "400 bad-partial : `partial` is `true` or `false`");

    // What is not covered does not come.
    let key = format!("authorization: Bearer {BACKEND}");
    for topic in ["public/a", "orders/9"] {
        send(&front, &format!("POST /events/{topic}"), &key).await;
    }
    let page = send(&front, &format!("{target}&partial=true"), "accept: application/json").await;
    // A page ends when its pieces were written, which to collect them would wait for.
    let page = within_an_hour("a page", page.into_body().frame()).await.unwrap().unwrap();
    let page = page.into_data().unwrap();
    let page: Value = serde_json::from_slice(&page).unwrap();
    let topics: Vec<_> =
        page["events"].as_array().unwrap().iter().map(|event| event["topic"].clone()).collect();
    assert_eq!(topics, [json!("public/a")]);
}

#[tokio::test(start_paused = true)]
async fn of_a_pattern_that_is_not_covered_the_granted_part_can_be_read() {
    let front = front().await;
    let key = format!("authorization: Bearer {BACKEND}");
    for topic in ["public/a", "orders/9", "orders/8", "secret/a", "inbox/u1"] {
        send(&front, &format!("POST /events/{topic}"), &key).await;
    }
    let token = token(json!({"tidings": {"subscribe": ["orders/9", "inbox/u1"]}}));
    let headers = format!("authorization: Bearer {token}\naccept: application/json");

    let page = send(&front, "GET /events?topic=**&partial=true", &headers).await;

    assert_eq!(page.status(), 200);
    let page = within_an_hour("a page", page.into_body().frame()).await.unwrap().unwrap();
    let page: Value = serde_json::from_slice(&page.into_data().unwrap()).unwrap();
    let topics: Vec<_> =
        page["events"].as_array().unwrap().iter().map(|event| event["topic"].clone()).collect();
    assert_eq!(topics, [json!("public/a"), json!("orders/9")]);
    let whole = told(&front, "GET /events?topic=**", &headers).await;
    assert!(whole.starts_with("403 not-covered"), "{whole}");
}

#[tokio::test(start_paused = true)]
async fn a_part_of_more_selectors_than_a_request_may_name_is_refused() {
    let front = front().await;
    let many: Vec<_> = (0..200).map(|number| format!("orders/{number}")).collect();
    let token = token(json!({"tidings": {"subscribe": many}}));

    let answer =
        told(&front, "GET /events?topic=orders/*&partial=true", &format!("authorization: Bearer {token}"))
            .await;

    assert!(answer.starts_with("400 bad-topics : what is covered of the topics is more than"), "{answer}");
}
