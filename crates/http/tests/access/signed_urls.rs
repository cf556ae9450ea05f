//! URLs that carry their own permission.

use super::hub::{NOW, front, signature, told};

#[tokio::test(start_paused = true)]
async fn a_signature_covers_method_and_selectors_and_nothing_else() {
    let front = front().await;
    let expires = NOW + 3_600;
    let parameters = |signature: &str| format!("expires={expires}&key=default&signature={signature}");
    let one = parameters(&signature("GET", expires, &["orders/9"]));
    let both = parameters(&signature("GET", expires, &["orders/9", "users/u1/**"]));
    let post = parameters(&signature("POST", expires, &["orders/9"]));

    for (request, status) in [
        (format!("GET /events/orders/9?{one}"), "200"),
        (format!("HEAD /events/orders/9?{one}"), "200"),
        (format!("GET /events?topic=orders/9&{one}"), "200"),
        (format!("GET /events/orders%2F9?{one}&since=10m&opening=id"), "200"),
        (format!("GET /events?{both}&topic=users/u1/**&topic=orders/9"), "200"),
        (format!("POST /events/orders/9?{post}"), "201"),
    ] {
        assert_eq!(told(&front, &request, "").await, status, "{request}");
    }
    let bad = "401 invalid-credentials invalid_token: the signature is not that of the key";
    for request in [
        format!("GET /events/orders/8?{one}"),
        format!("GET /events/orders/*?{one}"),
        format!("GET /events?topic=orders/9&topic=orders/8&{one}"),
        format!("GET /events?topic=orders/9&{both}"),
        format!("POST /events/orders/9?{one}"),
        format!("GET /events/orders/9?{post}"),
        format!("GET /events/orders/9?{}", one.replace(&expires.to_string(), &(expires + 1).to_string())),
        format!("GET /events/orders/9?{one}="),
    ] {
        assert_eq!(told(&front, &request, "").await, bad, "{request}");
    }
    for (request, expected) in [
        (format!("GET /events/orders/9?{one}&x=1"), "400 unknown-parameter"),
        (format!("GET /events/orders/9?{one}&key=default"), "400 repeated-parameter"),
        (
            format!("GET /events/orders/9?{}", one.replace("key=default&", "")),
            "401 invalid-credentials invalid_token: a signed URL has",
        ),
        (
            format!("GET /events/orders/9?{}", one.replace("=default", "=other")),
            "401 invalid-credentials invalid_token: the URL is signed by an unknown key (key \"other\")",
        ),
        (
            format!("GET /events/orders/9?{}", one.replace("expires=", "expires=%2B")),
            "401 invalid-credentials invalid_token: `expires` is a time",
        ),
        (
            format!("GET /events/orders/9?{}", one.replace("expires=", "expires=0")),
            "401 invalid-credentials invalid_token: `expires` is a time",
        ),
    ] {
        let answer = told(&front, &request, "").await;
        assert!(answer.starts_with(expected), "{request}: {answer}");
    }
    let past = NOW - 12;
    let over = format!(
        "GET /events/orders/9?expires={past}&key=default&signature={}",
        signature("GET", past, &["orders/9"])
    );
    assert_eq!(
        told(&front, &over, "").await,
        "401 invalid-credentials invalid_token: the signed URL expired 12 s ago"
    );
}
