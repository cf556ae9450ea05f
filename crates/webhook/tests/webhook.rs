//! A hub that asks a backend: what it asks, and what it makes of every answer.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::time::Duration;

use serde_json::json;
use support::{ADMIN_KEY, APP, KEY, Reply, gated, reply, scene, scene_with, send, stream, told};
use tidings_core::Clock;
use tidings_testkit::deadline::within;
use tidings_webhook::limits::{QUESTIONS_AT_ONCE_MAX, WEBHOOK_ANSWER_BYTES_MAX};

const ALL: &str = r#"{"user": "u1", "subscribe": ["**"], "publish": ["**"], "admin": true}"#;
const JSON: &str = "accept: application/json";
const NO_DECISION: &str = "503 access-unavailable: the hub asks another program who may do this, and it does not answer as it \
                           should; try again later";

#[tokio::test]
async fn the_backend_is_told_what_is_asked_for_and_the_headers_that_say_who_asks() {
    let scene = scene(support::json(ALL)).await;
    let headers = "cookie: a=b\ncookie: c=d\nauthorization: Basic dTpw\nx-other: 1";

    assert_eq!(told(&scene.front, "GET /events?topic=users/a%20b&topic=orders/*", headers).await, "200");
    assert_eq!(told(&scene.front, "GET /events/orders%2F9", "accept: application/json").await, "200");
    assert_eq!(told(&scene.front, "POST /events/orders/9", "authorization: Bearer other").await, "201");
    assert_eq!(told(&scene.front, "GET /metrics", "").await, "200");

    let question = |action: &str, method: &str, selectors: &[&str], headers: serde_json::Value| {
        json!({
            "action": action, "selectors": selectors, "method": method, "address": "192.0.2.7", "headers": headers,
        })
    };
    let cookies = json!({"cookie": "a=b; c=d", "authorization": "Basic dTpw"});
    let mut asked = scene.backend.asked();
    asked[0]["selectors"].as_array_mut().unwrap().sort_by_key(ToString::to_string);
    assert_eq!(
        asked,
        [
            question("subscribe", "GET", &["orders/*", "users/a b"], cookies),
            question("history", "GET", &["orders/9"], json!({})),
            question("publish", "POST", &["orders/9"], json!({"authorization": "Bearer other"})),
            question("admin", "GET", &[], json!({})),
        ]
    );
}

#[tokio::test]
async fn the_operator_chooses_the_headers() {
    let scene = scene_with(support::json(ALL), |settings| {
        settings.headers = vec!["x-session".parse().unwrap()];
    })
    .await;

    assert_eq!(told(&scene.front, "GET /events/orders/9", "cookie: a=b\nx-session: 7").await, "200");
    assert_eq!(scene.backend.asked()[0]["headers"], json!({"x-session": "7"}));
    // The backend cannot know an `Authorization` that it is not told.
    let unknown = told(&scene.front, "GET /events/orders/9", "authorization: Bearer other").await;
    assert_eq!(unknown, "401 invalid-credentials: this is no key of this hub");
    assert!(scene.backend.asked().is_empty());
}

#[tokio::test]
async fn what_the_request_shows_needs_no_question_if_it_is_enough() {
    let scene = scene(support::json(ALL)).await;
    let key = format!("authorization: Bearer {KEY}");

    for (request, headers) in [
        ("GET /events/public/a", ""),
        ("GET /events/public/a", "cookie: a=b"),
        ("GET /events/orders/9", key.as_str()),
    ] {
        assert_eq!(told(&scene.front, request, headers).await, "200", "{request} {headers}");
    }
    assert!(scene.backend.asked().is_empty());
    // A key that is known, and not enough.
    assert_eq!(told(&scene.front, "GET /events/users/a", &key).await, "200");
    assert_eq!(scene.backend.asked().len(), 1);
}

#[tokio::test]
async fn each_answer_gives_exactly_this() {
    let scene = scene(Reply::Close).await;
    let cookie = "cookie: session=1";
    let not_covered = "403 not-covered: subscribe does not cover `orders/9`";
    let long = "x".repeat(201);
    let problem = |detail: &str| {
        reply(
            "403 Forbidden",
            "application/problem+json; charset=utf-8",
            &format!(r#"{{"detail": "{detail}"}}"#),
        )
    };
    let many = format!(r#"{{"subscribe": ["{}"]}}"#, vec!["a"; 1_001].join(r#"", ""#));
    for (reply, answer) in [
        (support::json(r#"{"subscribe": ["orders/*"]}"#), "200"),
        (support::json(r#"{"subscribe": ["orders/9"], "user": null, "ttl": null, "more": {}}"#), "200"),
        (support::json(r#"{"subscribe": ["orders/8"], "user": "u1"}"#), not_covered),
        (support::json(r#"{"publish": ["orders/9"]}"#), not_covered),
        (support::json("{}"), not_covered),
        (
            reply("401 Unauthorized", "text/html", "<p>log in"),
            "401 invalid-credentials: this needs somebody who is signed in",
        ),
        (
            reply("401 Unauthorized", "text/plain", " sign in\r\n first \u{1b}"),
            "401 invalid-credentials: sign in first",
        ),
        (reply("403 Forbidden", "text/plain", &long), "403 not-covered: this is not allowed to who asks"),
        (reply("403 Forbidden", "text/plain", ""), "403 not-covered: this is not allowed to who asks"),
        (problem("order 9 is not yours"), "403 not-covered: order 9 is not yours"),
        (problem(&long), &format!("403 not-covered: {}...", &long[..200])),
        (
            reply("403 Forbidden", "application/problem+json", "{"),
            "403 not-covered: this is not allowed to who asks",
        ),
        (reply("201 Created", "application/json", ALL), NO_DECISION),
        (reply("404 Not Found", "text/plain", "no"), NO_DECISION),
        (reply("500 Internal Server Error", "application/json", ALL), NO_DECISION),
        (Reply::Bytes("HTTP/1.1 204 No Content\r\n\r\n".to_owned()), NO_DECISION),
        (
            Reply::Bytes(
                "HTTP/1.1 307 T\r\nlocation: /who?secret=s3cret\r\ncontent-length: 0\r\n\r\n".to_owned(),
            ),
            NO_DECISION,
        ),
        (support::json(""), NO_DECISION),
        (support::json("{\"subscribe\": [\"**\"]"), NO_DECISION),
        (support::json("[]"), NO_DECISION),
        (support::json("null"), NO_DECISION),
        (support::json(r#"{"subscribe": ["**"], "user": "u1", "user": "u2"}"#), NO_DECISION),
        (support::json(r#"{"subscribe": [], "subscribe": ["**"]}"#), NO_DECISION),
        (support::json(r#"{"subscribe": ["**"], "more": {"a": 1, "a": 2}}"#), NO_DECISION),
        (support::json(r#"{"subscribe": ["**"], "sub\u0073cribe": []}"#), NO_DECISION),
        (support::json(r#"{"subscribe": "**"}"#), NO_DECISION),
        (support::json(r#"{"subscribe": ["**", "a/../b"]}"#), NO_DECISION),
        (support::json(r#"{"subscribe": ["**", 1]}"#), NO_DECISION),
        (support::json(r#"{"subscribe": ["**"], "publish": [""]}"#), NO_DECISION),
        (support::json(r#"{"subscribe": ["**"], "user": ""}"#), NO_DECISION),
        (support::json(r#"{"subscribe": ["**"], "user": 1}"#), NO_DECISION),
        (support::json(r#"{"subscribe": ["**"], "admin": "yes"}"#), NO_DECISION),
        (support::json(r#"{"subscribe": ["**"], "ttl": 0}"#), NO_DECISION),
        (support::json(r#"{"subscribe": ["**"], "ttl": -1}"#), NO_DECISION),
        (support::json(r#"{"subscribe": ["**"], "ttl": "60"}"#), NO_DECISION),
        (support::json(&many), NO_DECISION),
        (support::json(&format!("{ALL}{}", " ".repeat(WEBHOOK_ANSWER_BYTES_MAX))), NO_DECISION),
        (Reply::Bytes("SSH-2.0-OpenSSH\r\n".to_owned()), NO_DECISION),
        (Reply::BytesAndClose("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{".to_owned()), NO_DECISION),
        (Reply::Close, NO_DECISION),
    ] {
        scene.backend.set(reply.clone());
        let reply = format!("{reply:?}").chars().take(300).collect::<String>();
        let json = format!("{cookie}\naccept: application/json");
        assert_eq!(told(&scene.front, "GET /events/orders/9", &json).await, answer, "{reply}");
        // A stream hears the same, but that nobody can tell: then it comes back.
        let stream = stream(&scene.front, "GET /events/orders/9", cookie).await;
        let expected = if answer == NO_DECISION { "200, and comes back" } else { answer };
        assert_eq!(stream, expected, "{reply}");
    }
}

#[tokio::test]
async fn who_shows_nothing_and_gets_nothing_is_asked_to_show_something() {
    let scene = scene(support::json("{}")).await;

    let told = told(&scene.front, "GET /events/orders/9", "").await;
    assert!(told.starts_with("401 credentials-required: for everybody, subscribe does not cover"), "{told}");
}

/// With a body of 1 GB that comes at once, no time-out helps: a part of it is read, and the connection is closed.
#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    for reply in [Reply::Endless { declared: true }, Reply::Endless { declared: false }, Reply::EndlessHead] {
        let scene = scene(reply.clone()).await;

        assert_eq!(told(&scene.front, "GET /events/orders/9", JSON).await, NO_DECISION, "{reply:?}");
        scene.backend.wait_for_left(1).await;
    }
}

/// Each byte is progress, and the time for all of them is bounded.
#[tokio::test]
async fn an_answer_that_never_comes_to_its_end_is_waited_for_no_longer_than_the_timeout() {
    for bytes in [
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"subscribe\": [\"**\"]}",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n17\r\n{\"subscribe\": [\"**\"]}  \r\n",
        "HTTP/1.1 403 Forbidden\r\ncontent-length: 3\r\n\r\nno",
    ] {
        let reply = Reply::Drip(bytes);
        let scene = scene_with(reply, |settings| settings.timeout = Duration::from_millis(100)).await;

        assert_eq!(told(&scene.front, "GET /events/orders/9", JSON).await, NO_DECISION, "{bytes:?}");
        scene.backend.wait_for_left(1).await;
    }
}

#[tokio::test]
async fn a_backend_that_hangs_or_is_not_there_refuses() {
    let scene = scene_with(Reply::Hang, |settings| settings.timeout = Duration::from_millis(50)).await;
    let refused = send(&scene.front, "GET /events/orders/9", JSON).await;
    assert_eq!(refused.headers()["retry-after"], "2");
    assert_eq!(refused.status(), 503);
    scene.backend.wait_for_left(1).await;
    assert_eq!(stream(&scene.front, "GET /events/orders/9", "").await, "200, and comes back");
    scene.backend.wait_for_left(2).await;

    let nobody = scene_with(Reply::Close, |settings| {
        settings.url = tidings_webhook::WebhookUrl::parse("http://127.0.0.1:1/").unwrap();
    })
    .await;
    assert_eq!(told(&nobody.front, "GET /events/orders/9", JSON).await, NO_DECISION);
    assert_eq!(stream(&nobody.front, "GET /events/orders/9", "").await, "200, and comes back");
    assert_eq!(told(&nobody.front, "POST /events/orders/9", "").await, NO_DECISION);
}

#[tokio::test]
async fn an_answer_is_kept_for_its_ttl_and_for_the_same_question_alone() {
    let scene = scene(support::json(r#"{"subscribe": ["orders/*"], "ttl": 60}"#)).await;
    let ask = async |request: &str, headers: &str| {
        assert_eq!(told(&scene.front, request, headers).await, "200", "{request} {headers}");
        scene.backend.asked().len()
    };

    assert_eq!(ask("GET /events/orders/9", "cookie: s=1").await, 1);
    assert_eq!(ask("GET /events/orders/9", "cookie: s=1\nx-other: 1").await, 0);
    assert_eq!(ask("GET /events/orders/9", "cookie: s=2").await, 1);
    assert_eq!(ask("GET /events/orders/8", "cookie: s=1").await, 1);
    scene.clock.set(1_767_222_059_999);
    assert_eq!(ask("GET /events/orders/9", "cookie: s=1").await, 0);
    scene.clock.set(1_767_222_060_000);
    assert_eq!(ask("GET /events/orders/9", "cookie: s=1").await, 1);

    scene.backend.set(support::json(r#"{"subscribe": ["orders/*"]}"#));
    assert_eq!(ask("GET /events/orders/7", "").await, 1);
    assert_eq!(ask("GET /events/orders/7", "").await, 1, "it has no ttl");
    scene.backend.set(reply("403 Forbidden", "text/plain", "no"));
    for _ in 0..2 {
        assert_eq!(told(&scene.front, "GET /events/orders/6", "").await, "403 not-covered: no");
        assert_eq!(scene.backend.asked().len(), 1, "a refusal is not kept");
    }
}

#[tokio::test]
async fn equal_questions_are_asked_once_and_dropped_when_the_last_who_waits_has_left() {
    let scene = scene(gated(r#"{"subscribe": ["orders/*"]}"#)).await;
    let ask = || {
        let front = scene.front.clone();
        tokio::spawn(async move { told(&front, "GET /events/orders/9", "cookie: s=1").await })
    };

    let (first, second) = (ask(), ask());
    scene.backend.wait_for_questions(1).await;
    // The one that leaves is the one that has asked, if it was first.
    first.abort();
    assert!(within("the first to end", first).await.unwrap_err().is_cancelled());
    scene.backend.open_gate(1);
    assert_eq!(within("the second", second).await.unwrap(), "200");
    assert_eq!(scene.backend.asked().len(), 1);

    let last = ask();
    scene.backend.wait_for_questions(1).await;
    last.abort();
    scene.backend.wait_for_left(1).await;
    // And it can be asked again.
    let again = ask();
    scene.backend.wait_for_questions(2).await;
    scene.backend.open_gate(1);
    assert_eq!(within("it again", again).await.unwrap(), "200");
}

#[tokio::test]
async fn a_hundred_questions_are_asked_at_once_and_no_more() {
    let scene = scene(gated(r#"{"subscribe": ["orders/*"]}"#)).await;
    let asks: Vec<_> = (0..=QUESTIONS_AT_ONCE_MAX)
        .map(|number| {
            let front = scene.front.clone();
            tokio::spawn(async move { told(&front, &format!("GET /events/orders/{number}"), "").await })
        })
        .collect();

    scene.backend.wait_for_questions(QUESTIONS_AT_ONCE_MAX).await;
    // What else is to be done, is done.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(scene.backend.connections(), QUESTIONS_AT_ONCE_MAX);
    scene.backend.open_gate(QUESTIONS_AT_ONCE_MAX + 1);
    for ask in asks {
        assert_eq!(within("an answer", ask).await.unwrap(), "200");
    }
    assert_eq!(scene.backend.asked().len(), QUESTIONS_AT_ONCE_MAX + 1);
}

#[tokio::test]
async fn a_connection_is_used_again_and_one_that_was_closed_meanwhile_harms_nobody() {
    let scene = scene(support::json(r#"{"subscribe": ["orders/*"]}"#)).await;

    for number in 0..3 {
        assert_eq!(told(&scene.front, &format!("GET /events/orders/{number}"), "").await, "200");
    }
    assert_eq!((scene.backend.connections(), scene.backend.asked().len()), (1, 3));

    // The backend ends it in the moment in which it is used again.
    let next = Box::new(support::json(r#"{"subscribe": ["orders/*"]}"#));
    scene.backend.set(Reply::CloseThen(next));
    assert_eq!(told(&scene.front, "GET /events/orders/9", "").await, "200");
    assert_eq!((scene.backend.connections(), scene.backend.asked().len()), (2, 2));

    if let Reply::Bytes(bytes) = support::json(r#"{"subscribe": ["orders/*"]}"#) {
        scene.backend.set(Reply::BytesAndClose(bytes));
    }
    for number in 0..20 {
        assert_eq!(told(&scene.front, &format!("GET /events/orders/{number}"), "").await, "200", "{number}");
    }
}

#[tokio::test]
async fn cookies_from_a_page_that_nobody_knows_are_not_told() {
    let scene = scene(support::json(r#"{"publish": ["orders/*"]}"#)).await;
    let cookie = "cookie: s=1\nauthorization: Basic dTpw";
    let ask = async |more: &str| {
        told(&scene.front, "POST /events/orders/9", &format!("{cookie}{more}")).await;
        scene.backend.asked()[0]["headers"].clone()
    };

    let both = json!({"cookie": "s=1", "authorization": "Basic dTpw"});
    assert_eq!(ask(&format!("\norigin: {APP}")).await, both);
    assert_eq!(ask("\nsec-fetch-site: same-origin").await, both);
    // It may be a browser that does not say where it comes from.
    assert_eq!(ask("").await, json!({}));
    let meant = told(&scene.front, "POST /events/orders/9", "cookie: s=1\nauthorization: Bearer x").await;
    assert_eq!(meant, "201");
    assert_eq!(scene.backend.asked()[0]["headers"], json!({"authorization": "Bearer x"}));
}

#[tokio::test]
async fn a_reader_who_wants_a_part_gets_what_both_cover() {
    let scene = scene(support::json(r#"{"subscribe": ["orders/9"]}"#)).await;
    let target = "GET /events?topic=public/a&topic=orders/9&topic=orders/8";

    assert!(told(&scene.front, target, "cookie: s=1").await.ends_with("does not cover `orders/8`"));
    assert_eq!(told(&scene.front, &format!("{target}&partial=true"), "").await, "200");
}

#[tokio::test]
async fn operators_are_let_in_by_the_backend() {
    let scene = scene(support::json(r#"{"user": "u1", "subscribe": ["**"]}"#)).await;

    let refused = told(&scene.front, "GET /metrics", "cookie: s=1").await;
    assert_eq!(refused, "403 not-covered: this is for those with the grant `admin`");
    scene.backend.set(support::json(r#"{"admin": true}"#));
    assert_eq!(told(&scene.front, "GET /metrics", "cookie: s=1").await, "200");
}

#[tokio::test]
async fn who_receives_a_topic_is_a_question_if_nothing_else_allows_to_know_it() {
    let scene = scene(support::json(r#"{"user": "u1", "subscribe": ["tidings/presence/orders/*"]}"#)).await;
    let url = "GET /subscriptions?topic=orders/9";

    assert_eq!(told(&scene.front, url, "cookie: s=1").await, "200");
    assert_eq!(
        scene.backend.asked(),
        [json!({
            "action": "subscribe", "selectors": ["tidings/presence/orders/9"], "method": "GET", "address": "192.0.2.7",
            "headers": {"cookie": "s=1"},
        })]
    );
    scene.backend.set(support::json(r#"{"admin": true}"#));
    assert_eq!(told(&scene.front, url, "cookie: s=1").await, "200");
    scene.backend.set(support::json(r#"{"user": "u1", "subscribe": ["**", "orders/**"]}"#));
    let refused = told(&scene.front, url, "cookie: s=1").await;
    assert!(
        refused.starts_with("403 not-covered: this is for those with the grant `admin`, or"),
        "{refused}"
    );
    scene.backend.set(Reply::Close);
    assert_eq!(told(&scene.front, url, "cookie: s=1").await, NO_DECISION);
    scene.backend.asked();

    // An operator's key is enough, whatever has become of the backend.
    assert_eq!(told(&scene.front, url, &format!("authorization: Bearer {ADMIN_KEY}")).await, "200");
    assert!(scene.backend.asked().is_empty());
}

/// A backend may answer with what it was asked about, which is 1,000 topics of 512 bytes at most.
#[tokio::test]
async fn a_publish_to_a_thousand_topics_is_one_question_and_one_answer() {
    let topics: Vec<String> =
        (0..1_000).map(|number| format!("many/{number:04}/{}x", "\u{8ba2}".repeat(167))).collect();
    assert_eq!(topics[0].len(), 512);
    let granting = |topics: &[String]| {
        let answer = json!({ "publish": topics, "ttl": 60 }).to_string();
        // As most programs write letters beyond ASCII.
        support::json(&answer.replace('\u{8ba2}', "\\u8ba2"))
    };
    let scene = scene(granting(&topics[1..])).await;
    let publish = async |topics: &[String]| {
        let lines: Vec<_> =
            topics.iter().map(|topic| json!({ "topic": topic, "data": "" }).to_string()).collect();
        let request = http::Request::post("/events")
            .header("host", "hub.example")
            .header("content-type", "application/x-ndjson")
            .body(lines.join("\n"));
        let response = within("an answer", scene.front.handle(request.unwrap())).await;
        let status = response.status().as_u16();
        let body = within("a body", http_body_util::BodyExt::collect(response.into_body())).await.unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&body.to_bytes()).unwrap();
        (status, answer)
    };

    let (status, refused) = publish(&topics).await;
    let asked = scene.backend.asked();
    assert_eq!((status, &refused["uncovered"]), (401, &json!([topics[0]])));
    assert_eq!((asked.len(), &asked[0]["selectors"]), (1, &json!(topics)));

    // The answer is kept for the same question, and for no other.
    assert_eq!(publish(&topics).await.0, 401);
    assert_eq!(scene.backend.asked().len(), 0);
    let (status, published) = publish(&topics[1..]).await;
    assert_eq!((status, &published["published"]), (201, &json!(999)));
    assert_eq!(scene.backend.asked().len(), 1);

    scene.backend.set(granting(&topics));
    scene.clock.set(scene.clock.now().0 + 61_000);
    let (status, published) = publish(&topics).await;
    assert_eq!((status, &published["published"]), (201, &json!(1_000)));
}
