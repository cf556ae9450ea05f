//! Polls and frames that no good client asks for, and clients that leave while they wait.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::fmt::Write;

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use support::scene::Scene;
use support::tls;
use tidings_http::Cors;
use tidings_testkit::deadline::{until, within};
use tower::ServiceExt;

/// Status and text of the answer to a request in this process. A document of HTML has no script but the hub's own.
async fn asked(scene: &Scene, request: Request<Body>) -> (u16, String) {
    let response = within("an answer", scene.front.router().oneshot(request)).await.unwrap();
    let status = response.status().as_u16();
    let is_html = response.headers()["content-type"].to_str().unwrap().starts_with("text/html");
    let bytes = within("the end of the answer", response.into_body().collect()).await.unwrap().to_bytes();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert!(!is_html || text.matches("<script>").count() <= 1, "{text}");
    (status, text)
}

async fn scene() -> Scene {
    Scene::with(|config| config.cors = Cors::Only(vec!["https://app.example".parse().unwrap()])).await
}

/// The status, and the name of the problem.
fn told((status, text): &(u16, String)) -> String {
    let kind = text.split("urn:tidings:problem:").nth(1).map(|rest| rest.split('"').next().unwrap());
    format!("{status} {}", kind.unwrap_or("-"))
}

#[tokio::test]
async fn each_hostile_query_is_refused_with_what_is_wrong_with_it() {
    let scene = scene().await;
    let topics: String = (0..1_000).fold(String::new(), |mut all, number| {
        let _ = write!(all, "&topic=t{number}");
        all
    });
    let long = "x".repeat(5_000);
    let mut failures = Vec::new();
    for (query, expected) in [
        ("mode=long-poll&wait=18446744073709551616s".to_owned(), "400 bad-wait"),
        ("mode=long-poll&wait=18446744073709551615".to_owned(), "400 bad-wait"),
        ("mode=long-poll&wait=61".to_owned(), "400 bad-wait"),
        ("mode=long-poll&wait=0000000000000000000000000061".to_owned(), "400 bad-wait"),
        ("mode=long-poll&wait=%D9%A6%D9%A0s".to_owned(), "400 bad-wait"),
        ("mode=long-poll&wait=NaN".to_owned(), "400 bad-wait"),
        ("mode=long-poll&wait=1e1".to_owned(), "400 bad-wait"),
        (format!("mode=long-poll&wait={}", "9".repeat(5_000)), "400 bad-wait"),
        ("mode=poll&wait=5s&wait=5s".to_owned(), "400 repeated-parameter"),
        ("mode=poll&mode=long-poll".to_owned(), "400 repeated-parameter"),
        ("mode=poll&last_event_id=1-0&last_event_id=1-1".to_owned(), "400 repeated-parameter"),
        ("mode=poll&since=now&since=earliest".to_owned(), "400 repeated-parameter"),
        (format!("mode={long}"), "400 bad-mode"),
        (format!("mode=poll{topics}"), "400 topics-twice"),
        (format!("mode=poll&{}", "since=now&".repeat(500)), "400 too-many-parameters"),
        ("mode=poll&nonsense=1".to_owned(), "400 unknown-parameter"),
        (
            "mode=iframe&origin=https://app.example&origin=https://app.example".to_owned(),
            "400 repeated-parameter",
        ),
        ("mode=iframe&origin=*".to_owned(), "400 bad-origin"),
        ("mode=iframe&origin=".to_owned(), "400 bad-origin"),
        ("mode=iframe&origin=javascript:alert(1)".to_owned(), "400 bad-origin"),
        ("mode=iframe&origin=https://app.example/%22%3E%3Cscript%3E".to_owned(), "400 bad-origin"),
        ("mode=iframe&origin=https://app.example%0D%0AX-A:b".to_owned(), "400 bad-origin"),
        ("mode=iframe&origin=https://app.example;%20frame-ancestors%20*".to_owned(), "400 bad-origin"),
        ("mode=iframe&origin=https://app.example%20https://evil.example".to_owned(), "400 bad-origin"),
        ("mode=iframe&origin=https://user@app.example".to_owned(), "400 bad-origin"),
        ("mode=iframe&origin=https://app.example.".to_owned(), "403 frame-not-allowed"),
        ("mode=iframe&origin=http://app.example".to_owned(), "403 frame-not-allowed"),
        (format!("mode=iframe&origin=https://{long}.example"), "400 bad-origin"),
    ] {
        let request = Request::get(format!("/events/a?{query}")).header("host", "localhost");
        let request = request.header("accept", "text/event-stream, text/html").body(Body::empty()).unwrap();

        let answer = asked(&scene, request).await;

        assert!(answer.1.len() < 8_192, "{query}: {} bytes", answer.1.len());
        if told(&answer) != expected {
            failures.push(format!("{query:.80}: {} in place of {expected}", told(&answer)));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
    assert_eq!(scene.hub.roster().count(), 0);
}

#[tokio::test]
async fn each_hostile_body_is_refused_with_what_is_wrong_with_it() {
    let scene = scene().await;
    let topics: Vec<_> = (0..1_000).map(|number| format!("t{number}")).collect();
    let many = serde_json::json!({ "topics": topics, "mode": "poll" }).to_string();
    let mut failures = Vec::new();
    for (body, expected) in [
        (many.as_str(), "400 too-many-parameters"),
        (r#"{"topics":"a","mode":"poll"}"#, "400 bad-subscription"),
        (r#"{"topics":[[["a"]]],"mode":"poll"}"#, "400 bad-subscription"),
        (r#"{"topics":[1],"mode":"poll"}"#, "400 bad-subscription"),
        (r#"{"topics":null,"mode":"poll"}"#, "400 bad-subscription"),
        (r#"{"topics":["a"],"mode":"poll","mode":"long-poll"}"#, "400 bad-subscription"),
        (r#"{"topics":["a"],"mode":7}"#, "400 bad-mode"),
        (r#"{"topics":["a"],"mode":"long-poll","wait":-1}"#, "400 bad-subscription"),
        (r#"{"topics":["a"],"mode":"long-poll","wait":1e9}"#, "400 bad-subscription"),
        (r#"{"topics":["a"],"mode":"long-poll","wait":1.5}"#, "400 bad-subscription"),
        (r#"{"topics":["a"],"mode":"long-poll","wait":99999999999999999999999}"#, "400 bad-subscription"),
        (r#"{"topics":["a"],"mode":"long-poll","wait":{"a":1}}"#, "400 bad-subscription"),
        (r#"{"topics":["a"],"mode":"poll","origin":"https://app.example"}"#, "400 bad-subscription"),
        (r#"{"topics":["a"],"mode":"poll","access_token":"x"}"#, "400 bad-subscription"),
        (&"[".repeat(100_000), "400 bad-subscription"),
        (&"{\"topics\":".repeat(10_000), "400 bad-subscription"),
        ("", "400 bad-subscription"),
        ("{\"topics\":[\"a\"]}{}", "400 bad-subscription"),
    ] {
        let request = Request::post("/subscribe").header("host", "localhost");
        let request = request.header("content-type", "application/json").body(Body::from(body.to_owned()));

        let answer = asked(&scene, request.unwrap()).await;

        if told(&answer) != expected {
            failures.push(format!("{body:.80}: {} in place of {expected}: {:.300}", told(&answer), answer.1));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
    assert_eq!(scene.hub.roster().count(), 0);
}

const POLLS: [&str; 2] = [
    "GET /events/a?mode=long-poll&wait=60s HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n",
    "GET /events/a?wait=60s HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\n\r\n",
];

/// They had their room until the end of their wait, a minute each.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_while_it_waits_gives_its_room_back() {
    let plain = Scene::with(|config| config.connections_max = 1).await;
    let (secure, certificate) = tls::scene_with(|config| config.connections_max = 1).await;

    within("six clients that come and go", async {
        for poll in POLLS {
            for _ in 0..2 {
                let mut wire = plain.connect().await;
                wire.send(poll).await;
                until("the poll", || plain.hub.roster().count() == 1).await;
                drop(wire);
                until("nobody", || plain.hub.roster().count() == 0).await;
            }
            let mut wire = certificate.wire(secure.address).await;
            wire.send(poll).await;
            until("the poll", || secure.hub.roster().count() == 1).await;
            wire.finish().await;
            drop(wire);
            until("nobody", || secure.hub.roster().count() == 0).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_no_more_or_sends_the_next_request_is_answered_early() {
    let scene = Scene::start().await;
    scene.publish("a", &["1"]).await;
    let poll = POLLS[0].replace("wait=60s", "wait=60s&last_event_id=1-1");

    within("both answers", async {
        let mut closed = scene.connect().await;
        closed.send(&poll).await;
        until("the poll", || scene.hub.roster().count() == 1).await;
        closed.finish().await;
        let answer = closed.answer().await;
        assert!(
            answer.ends_with("event: tidings.cursor\nid: 1-1\ndata: {\"cursor\":\"1-1\"}\n\n"),
            "{answer}"
        );
        assert!(closed.is_closed().await);

        let mut hasty = scene.connect().await;
        hasty.send(&poll).await;
        until("the poll", || scene.hub.roster().count() == 1).await;
        hasty.send("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        assert!(hasty.answer().await.contains("tidings.cursor"));
        assert!(hasty.answer().await.starts_with("HTTP/1.1 200 "));
        // The next poll of the same connection waits as any other.
        hasty.send(&poll).await;
        until("the poll", || scene.hub.roster().count() == 1).await;
        scene.publish("a", &["2"]).await;
        assert!(hasty.answer().await.ends_with("id: 1-2\ndata: 2\n\n"));
    })
    .await;
}
