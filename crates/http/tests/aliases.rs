//! Other paths of topics: read and published to as the topic itself, by the same rules.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use support::scene::Scene;
use support::{created, problem};
use tidings_http::Aliases;

async fn scene() -> Scene {
    let pairs =
        [("/stream", "greetings"), ("/sse", "orders/*"), ("/es", "a%2F%2Fb"), ("/api/v2/es", "caf\u{e9}")];
    Scene::with(|config| config.aliases = Aliases::new(pairs).unwrap()).await
}

async fn answer(scene: &Scene, request: &str) -> String {
    let mut wire = scene.connect().await;
    wire.send(request.to_owned()).await;
    wire.answer().await
}

fn post(target: &str) -> String {
    format!("POST {target} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n\r\nhello")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_is_read_and_published_to_as_its_topic() {
    let scene = scene().await;
    let (mut alias, mut topic) = (scene.stream("/stream").await, scene.stream("/events/greetings").await);

    assert_eq!(
        answer(&scene, &post("/stream?event=tick&id=u-1")).await.lines().next(),
        Some("HTTP/1.1 201 Created")
    );
    assert_eq!(answer(&scene, &post("/events/greetings")).await, created(2));

    let expected = "event: tick\nid: u-1\ndata: hello\n\nid: 1-2\ndata: hello\n\n";
    alias.expect_events(expected).await;
    topic.expect_events(expected).await;
    scene.stream("/stream?last_event_id=u-1").await.expect_events("id: 1-2\ndata: hello\n\n").await;
    let history = scene.get("/stream?last=1", "accept: application/json\r\n").await.answer().await;
    assert!(
        history.contains("\"topic\":\"greetings\"") && history.contains("\"cursor\":\"1-2\""),
        "{history}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_a_path_would_lose_stand_behind_an_alias_too() {
    let scene = scene().await;
    for (target, number) in [("/es", 1), ("/api/v2/es", 2)] {
        assert_eq!(answer(&scene, &post(target)).await, created(number), "{target}");
    }
    assert_eq!(scene.log().await, ["a//b: hello", "caf\u{e9}: hello"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_of_a_pattern_is_for_readers() {
    let scene = scene().await;
    let mut stream = scene.stream("/sse").await;

    scene.publish("orders/1", &["x"]).await;

    stream.expect_events("topic: orders/1\nid: 1-1\ndata: x\n\n").await;
    let detail = "`/sse` is an alias of the pattern `orders/*`, which is for readers; publish to one topic that it matches, at \
                  /events/{topic}";
    assert_eq!(answer(&scene, &post("/sse")).await, problem("400 Bad Request", "bad-topic", detail));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_of_events_hold_for_an_alias() {
    let scene = Scene::with(|config| {
        config.aliases = Aliases::new([("/stream", "greetings")]).unwrap();
        config.publish_key = Some("s3cret".to_owned());
    })
    .await;

    assert!(answer(&scene, &post("/stream")).await.starts_with("HTTP/1.1 401 "));
    let get = |target: &str| format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let twice = answer(&scene, &get("/stream?topic=b")).await;
    assert!(twice.starts_with("HTTP/1.1 400 ") && twice.contains("topics-twice"), "{twice}");
    let put = answer(&scene, "PUT /stream HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n").await;
    assert!(put.starts_with("HTTP/1.1 405 ") && put.contains("GET, HEAD, POST, OPTIONS"), "{put}");
    for target in ["/stream/", "/Stream", "/stream/a", "/strea"] {
        assert!(answer(&scene, &get(target)).await.starts_with("HTTP/1.1 404 "), "{target}");
    }
}

/// A publish was told that there is no parameter `topic`, and a browser was led to a page that could not load.
#[tokio::test(flavor = "multi_thread")]
async fn a_topic_in_the_path_and_another_in_the_query_are_refused_with_the_same_words_by_every_method() {
    let scene = scene().await;
    let detail = "the path names a topic, and so does the parameter `topic`; for several topics use \
                  /events?topic=...&topic=... without a topic in the path";
    let expected = problem("400 Bad Request", "topics-twice", detail);
    let (head, _) = expected.split_once("\r\n\r\n").unwrap();

    for path in ["/events/greetings", "/stream", "/events/a//b"] {
        for query in ["topic=b", "topic=", "event=x&top%69c=b", "nonsense=1&topic=b"] {
            for accept in ["", "accept: application/json\r\n", "accept: text/html\r\n"] {
                let get = scene.get(&format!("{path}?{query}"), accept).await.answer().await;
                assert_eq!(get, expected, "GET {path}?{query} {accept}");
            }
            for kind in ["text/plain", "text/event-stream"] {
                let post = format!(
                    "POST {path}?{query} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {kind}\r\ncontent-length: 2\r\n\r\n\n\n"
                );
                assert_eq!(answer(&scene, &post).await, expected, "POST {path}?{query} as {kind}");
            }
            let mut wire = scene.connect().await;
            wire.send(format!("HEAD {path}?{query} HTTP/1.1\r\nhost: localhost\r\n\r\n")).await;
            assert_eq!(wire.head().await, format!("{head}\r\n\r\n"), "HEAD {path}?{query}");
        }
    }
    let not_text = "the parameter `topic` must be percent-encoded UTF-8, and byte 1 of it, %FF, is not";
    let expected = problem("400 Bad Request", "query-not-utf8", not_text);
    assert_eq!(answer(&scene, &post("/stream?topic=%FF")).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_is_given_an_alias_is_led_to_the_page_of_the_topic() {
    let scene = scene().await;
    for (target, page) in [
        ("/stream", "./events/greetings"),
        ("/stream?last=5", "./events/greetings?last=5"),
        ("/api/v2/es", "../../events/caf%C3%A9"),
        ("/es", "./events/a%2F%2Fb"),
    ] {
        let answer = scene.get(target, "accept: text/html,*/*;q=0.8\r\n").await.answer().await;

        assert!(answer.starts_with("HTTP/1.1 307 Temporary Redirect\r\n"), "{answer}");
        assert!(answer.contains(&format!("\r\nlocation: {page}\r\n")), "{answer}");
        assert!(answer.contains("\r\nvary: Accept\r\n"), "{answer}");
    }
}
