//! Other paths of topics: read and published to as the topic itself, by the same rules.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use support::scene::Scene;
use support::{created, problem};
use tidings_http::Aliases;

async fn scene() -> Scene {
    let pairs =
        [("/stream", "greetings"), ("/sse", "orders/*"), ("/es", "a//b"), ("/api/v2/es", "caf\u{e9}")];
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
    let detail = "`*` and `**` stand in selectors, not in topics";
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
