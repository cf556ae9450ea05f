//! Streams whose subscriber asks for the times of events, live and from the log, parked and in a task.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong here need not be told well")]

mod support;

use support::problem;
use support::scene::Scene;
use tidings_testkit::wire::Wire;

/// What the stream says of events, up to and with the last one of these.
async fn events(wire: &mut Wire, expected: &str) -> String {
    wire.head().await;
    let mut text = String::new();
    while !text.ends_with(expected) && text.len() < expected.len() + 1_000 {
        text += &wire.chunk().await;
    }
    let from = text.find("time: ").unwrap();
    text.split_off(from)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_event_tells_its_topic_and_when_it_was_published() {
    let scene = Scene::start().await;
    let large = "x".repeat(200_000);
    scene.publish("a", &["old"]).await;
    scene.clock.set(3_601_234);
    scene.publish("a/b", &["elsewhere"]).await;
    scene.publish("a", &[&large, "new"]).await;
    let expected = format!(
        "time: 1970-01-01T01:00:00.000Z\ntopic: a\nid: 1-1\ndata: old\n\n\
         time: 1970-01-01T01:00:01.234Z\ntopic: a\nid: 1-3\ndata: {large}\n\n\
         time: 1970-01-01T01:00:01.234Z\ntopic: a\nid: 1-4\ndata: new\n\n"
    );

    let mut wire = scene.get("/events/a?since=earliest&with=time", "").await;

    assert_eq!(events(&mut wire, &expected).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_event_tells_its_time_to_those_who_ask_alone() {
    let scene = Scene::start().await;
    let mut asking = scene.get("/events/*?with=time", "").await;
    let mut other = scene.stream("/events/*").await;
    let event = "topic: a\nid: 1-1\ndata: x\n\n";
    let expected = format!("time: 1970-01-01T01:00:00.000Z\n{event}");

    scene.publish("a", &["x"]).await;

    assert_eq!(events(&mut asking, &expected).await, expected);
    other.expect_events(event).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_else_can_be_asked_for() {
    let scene = Scene::start().await;

    for query in ["with=", "with=topic", "with=time,topic"] {
        let answer = scene.get(&format!("/events/a?{query}"), "").await.answer().await;
        assert_eq!(answer, problem("400 Bad Request", "bad-with", "`with` is `time`"), "{query}");
    }
}
