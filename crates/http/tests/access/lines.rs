//! Events of many topics in one body: each topic must be covered, or nothing is published.

use http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tidings_http::Front;
use tidings_testkit::deadline::within_an_hour;

use super::hub::{BACKEND, NOW, front, signature, token};

/// The status and the document of the answer to lines of these topics.
async fn post(front: &Front, query: &str, bearer: &str, topics: &[&str]) -> (u16, Value) {
    let lines: String =
        topics.iter().map(|topic| format!("{}\n", json!({"topic": topic, "data": "x"}))).collect();
    let mut request = Request::post(format!("/events{query}"))
        .header("host", "hub.example")
        .header("content-type", "application/x-ndjson");
    if !bearer.is_empty() {
        request = request.header("authorization", format!("Bearer {bearer}"));
    }
    let response = within_an_hour("an answer", front.handle(request.body(lines).unwrap())).await;
    let status = response.status().as_u16();
    let body = within_an_hour("a body", response.into_body().collect()).await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

fn writer() -> String {
    token(json!({"tidings": {"publish": ["a", "rooms/*"]}}))
}

#[tokio::test]
async fn the_topics_that_are_not_covered_are_listed_and_nothing_is_published() {
    let front = front().await;

    let (status, answer) = post(&front, "", &writer(), &["a", "rooms/1", "a"]).await;
    assert_eq!((status, &answer["ids"]), (201, &json!(["1-1", "1-2", "1-3"])));
    let (status, problem) = post(&front, "", &writer(), &["a", "c", "rooms/1", "b", "c"]).await;
    assert_eq!((status, &problem["uncovered"]), (403, &json!(["b", "c"])), "{problem}");
    assert_eq!(problem["detail"], "publish does not cover `b`, `c`");
    let (status, answer) = post(&front, "", BACKEND, &["anything", "a"]).await;
    assert_eq!((status, &answer["ids"]), (201, &json!(["1-4", "1-5"])), "{answer}");
}

#[tokio::test]
async fn of_many_topics_that_are_not_covered_the_first_are_listed_and_the_others_counted() {
    let front = front().await;
    let names: Vec<_> = (0..150).map(|number| format!("t{number:03}")).collect();
    let topics: Vec<_> = names.iter().map(String::as_str).collect();

    let (status, problem) = post(&front, "", &writer(), &topics).await;

    assert_eq!((status, &problem["uncovered"]), (403, &json!(names[..100])));
    assert!(problem["detail"].as_str().unwrap().ends_with("`t099` and 50 more"), "{problem}");
}

#[tokio::test]
async fn who_may_publish_nothing_is_refused_whatever_the_body_is() {
    let front = front().await;
    let reader = token(json!({"tidings": {"subscribe": ["a"]}}));

    // The last one is no topic, and nobody has looked.
    for topics in [&["a"][..], &[], &["*"]] {
        assert_eq!(post(&front, "", "", topics).await.0, 401, "{topics:?}");
        assert_eq!(post(&front, "", "k-wrong", topics).await.0, 401, "{topics:?}");
        assert_eq!(post(&front, "", &reader, topics).await.0, 403, "{topics:?}");
    }
    assert_eq!(post(&front, "", &writer(), &["*"]).await.1["line"], 1);
}

#[tokio::test]
async fn a_signed_url_is_for_its_topics_and_no_others() {
    let front = front().await;
    let signed = |method, texts: &[&str]| {
        let expires = NOW + 60;
        format!("?expires={expires}&key=default&signature={}", signature(method, expires, texts))
    };

    assert_eq!(post(&front, &signed("POST", &["a", "b"]), "", &["b", "a", "b"]).await.0, 201);
    for (query, topics) in [
        (signed("POST", &["a", "b"]), &["a"][..]),
        (signed("POST", &["a"]), &["a", "b"]),
        (signed("GET", &["a"]), &["a"]),
        (signed("POST", &[]), &["a"]),
    ] {
        assert_eq!(post(&front, &query, "", topics).await.0, 401, "{query} {topics:?}");
    }
}
