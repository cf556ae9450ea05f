//! Asking for the time of events, of servers that know the parameter and of others.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use support::server::{Answer, Server, Then};
use support::soon;
use tidings_client::{EventSource, EventSourceBuilder, Item};

fn builder(server: &Server, path: &str) -> EventSourceBuilder {
    EventSource::builder(&server.url(path)).unwrap().retry(Duration::from_millis(1)).with_time()
}

async fn paths(server: &Server, requests: usize) -> Vec<String> {
    server.requested(requests).await.into_iter().map(|request| request.path).collect()
}

#[tokio::test]
async fn an_event_has_the_topic_and_the_time_that_the_hub_tells() {
    let block = "time: 2026-11-21T08:00:00.000Z\ntopic: a/b\ndata: 1\n\ndata: 2\n\n";
    let server = Server::start([Answer::stream(block)]);
    let mut source = builder(&server, "/events/a%2Fb?last=2").build();

    let first = soon(source.next_event()).await.unwrap().unwrap();
    let second = soon(source.next_event()).await.unwrap().unwrap();

    assert_eq!((first.topic(), first.time()), (Some("a/b"), Some("2026-11-21T08:00:00.000Z")));
    assert_eq!((second.topic(), second.time()), (None, None));
    assert_eq!(paths(&server, 1).await, ["/events/a%2Fb?last=2&with=time"]);
    assert!(!source.url().contains("with"));
}

#[tokio::test]
async fn each_reconnection_asks_again() {
    let server =
        Server::start([Answer::stream("data: 1\n\n").then(Then::Close), Answer::stream("data: 2\n\n")]);
    let mut source = builder(&server, "/a").build();

    soon(source.next_event()).await.unwrap();
    soon(source.next_event()).await.unwrap();

    assert_eq!(paths(&server, 2).await, ["/a?with=time", "/a?with=time"]);
}

#[tokio::test]
async fn a_refusal_that_the_parameter_may_be_the_reason_of_is_asked_about_once() {
    for status in [400, 403, 404, 422] {
        let server = Server::start([
            Answer::status(status),
            Answer::stream("data: 1\n\n").then(Then::Close),
            Answer::stream("data: 2\n\n"),
        ]);
        let mut source = builder(&server, "/a").build();

        assert!(matches!(soon(source.next()).await, Some(Ok(Item::Open(_)))), "{status}");
        soon(source.next_event()).await.unwrap();
        soon(source.next_event()).await.unwrap();

        assert_eq!(paths(&server, 3).await, ["/a?with=time", "/a", "/a"], "{status}");
    }
}

#[tokio::test]
async fn where_both_are_refused_the_answer_to_the_callers_own_url_is_told() {
    let server = Server::start([Answer::status(400), Answer::status(403)]);
    let mut source = builder(&server, "/a").build();

    let error = soon(source.next()).await.unwrap().unwrap_err();

    let refusal = error.refusal().unwrap();
    assert_eq!((refusal.status.as_u16(), refusal.url.as_str()), (403, server.url("/a").as_str()));
    assert_eq!(paths(&server, 2).await.len(), 2);
}

#[tokio::test]
async fn what_passes_and_who_asks_are_no_matter_of_the_parameter() {
    for status in [401, 408, 429, 503] {
        let server = Server::start([Answer::status(status)]);
        let mut source = builder(&server, "/a").reconnect(false).build();

        let error = soon(source.next()).await.unwrap().unwrap_err();

        assert_eq!(error.status().unwrap().as_u16(), status);
        assert_eq!(paths(&server, 1).await, ["/a?with=time"]);
    }
}

#[tokio::test]
async fn strict_mode_asks_for_what_the_caller_wrote() {
    let server = Server::start([Answer::stream("data: 1\n\n")]);
    let mut source = builder(&server, "/a").strict().build();

    soon(source.next_event()).await.unwrap();

    assert_eq!(paths(&server, 1).await, ["/a"]);
}
