//! Topics that begin with `inbox/` or `tidings/`: refused at every door of `/events`, and hidden from wildcards.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use support::problem;
use support::scene::Scene;

const STREAM: &str = "accept: text/event-stream\r\n";
const JSON: &str = "accept: application/json\r\n";
const ADDRESS_BAR: &str = "accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n";

fn refusal(name: &str) -> String {
    let detail = if name.starts_with("inbox/") {
        format!(
            "`{name}` is reserved: topics that begin with `inbox/` are the inboxes of users, and nothing of them is read or \
             published as events; an inbox is at /inbox/{{user}}, for both; or choose another name"
        )
    } else {
        format!(
            "`{name}` is reserved: topics that begin with `tidings/` are for the hub's own use; over HTTP nobody can publish \
             to them, and nothing of them can be read but a stream of `tidings/presence/TOPIC`; choose another name"
        )
    };
    problem("403 Forbidden", "reserved-topic", &detail)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_to_a_reserved_topic_is_refused_however_it_is_written() {
    let scene = Scene::start().await;
    for (path, name) in [
        ("inbox/x", "inbox/x"),
        ("tidings/a/b", "tidings/a/b"),
        ("inbox%2Fx", "inbox/x"),
        ("inbox%2f", "inbox/"),
        ("%69nbox/x", "inbox/x"),
        ("t%69dings%2f%78", "tidings/x"),
    ] {
        for (content_type, body) in [("text/plain", "hello"), ("text/event-stream", "data: hello\n\n")] {
            let mut wire = scene.connect().await;
            let length = body.len();
            wire.send(format!(
                "POST /events/{path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {content_type}\r\n\
                 content-length: {length}\r\n\r\n{body}"
            ))
            .await;
            assert_eq!(wire.answer().await, refusal(name), "{path} with {content_type}");
        }
    }
    assert_eq!(scene.log().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_topic_in_a_body_leads_nowhere_else() {
    let scene = Scene::start().await;
    let mut wire = scene.connect().await;

    let body = "topic: inbox/x\ndata: hello\n\n";
    let head = "POST /events/a HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/event-stream\r\n";
    wire.send(format!("{head}content-length: {}\r\n\r\n{body}", body.len())).await;

    assert!(wire.answer().await.starts_with("HTTP/1.1 201 Created\r\n"));
    assert_eq!(scene.log().await, ["a: hello"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_only_look_reserved_are_topics_as_any() {
    let scene = Scene::start().await;
    let names = ["inbox", "tidings", "inboxes/x", "Inbox/x", "a/inbox/x"];
    for name in names {
        let mut wire = scene.connect().await;
        let head = format!("POST /events/{name} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\n\r\nx");
        wire.send(head).await;
        assert!(wire.answer().await.starts_with("HTTP/1.1 201 Created\r\n"), "{name}");
        let mut stream = scene.stream(&format!("/events/{name}?last=1")).await;
        let number = scene.hub.bounds().head.sequence;
        stream.expect_events(&format!("id: 1-{number}\ndata: x\n\n")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_selector_that_names_reserved_topics_is_refused_as_a_stream_and_as_history() {
    let scene = Scene::start().await;
    scene.publish("inbox/x", &["secret"]).await;
    for (target, name) in [
        ("/events/inbox/x", "inbox/x"),
        ("/events/%69nbox/x", "inbox/x"),
        ("/events/inbox%2Fx?since=earliest", "inbox/x"),
        ("/events/tidings/x?last=1", "tidings/x"),
        ("/events/inbox/*", "inbox/*"),
        ("/events/inbox/**", "inbox/**"),
        ("/events/inbox%2F%2A%2A", "inbox/**"),
        ("/events?topic=inbox/x", "inbox/x"),
        ("/events?topic=a&topic=tidings%2F*", "tidings/*"),
        ("/events?topic=a&topic=inbox/x&last_event_id=1-0", "inbox/x"),
        ("/events?topic=**&topic=%69nbox%2f**", "inbox/**"),
    ] {
        for accept in ["", STREAM, JSON] {
            let answer = scene.get(target, accept).await.answer().await;
            assert_eq!(answer, refusal(name), "{target} with {accept:?}");

            let mut wire = scene.connect().await;
            wire.send(format!("HEAD {target} HTTP/1.1\r\nhost: localhost\r\n{accept}\r\n")).await;
            let head = wire.head().await;
            assert!(refusal(name).starts_with(&head), "HEAD {target} with {accept:?}: {head}");
        }
    }
}

/// As for any other name that is refused: the page asks for the stream, and shows what the hub says of it.
#[tokio::test(flavor = "multi_thread")]
async fn the_address_bar_is_answered_with_the_page_which_shows_the_refusal() {
    let scene = Scene::start().await;
    scene.publish("inbox/x", &["secret"]).await;

    let page = scene.get("/events/inbox/x", ADDRESS_BAR).await.answer().await;

    assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.ends_with("\r\n\r\n<!doctype html>"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wildcards_in_the_first_segment_show_no_reserved_topic_live_or_of_the_past() {
    let scene = Scene::start().await;
    let targets = ["/events/**", "/events/*/x", "/events?topic=**%2Fx&topic=tidings"];
    let mut live = Vec::new();
    for target in targets {
        live.push(scene.stream(target).await);
    }

    for topic in ["inbox/x", "a/x", "tidings/x", "b/x", "inbox/x"] {
        scene.publish(topic, &["y"]).await;
    }

    let expected = "topic: a/x\nid: 1-2\ndata: y\n\ntopic: b/x\nid: 1-4\ndata: y\n\n";
    for (target, stream) in targets.iter().zip(&mut live) {
        stream.expect_events(expected).await;
        let separator = if target.contains('?') { '&' } else { '?' };
        for past in ["since=earliest", "last=2", "last_event_id=1-0"] {
            scene.stream(&format!("{target}{separator}{past}")).await.expect_events(expected).await;
        }
        let history = scene.get(&format!("{target}{separator}last=2"), JSON).await.answer().await;
        assert_eq!(history.matches("\"topic\":\"a/x\"").count(), 1, "{history}");
        assert_eq!(history.matches("\"topic\":\"b/x\"").count(), 1, "{history}");
        assert_eq!(history.matches("\"topic\":").count(), 2, "{history}");
    }
}
